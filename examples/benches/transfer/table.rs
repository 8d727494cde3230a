//! What a round brought, and medians over all of them.

use super::options::Options;
use super::plain::Pace;
use std::fmt::{self, Display, Formatter};
use std::time::Duration;

/// How bytes got from one process to the other.
#[derive(Clone, Copy, Debug)]
pub struct Way {
    /// MiB in a second.
    rate: f64,
    /// Milliseconds that both ends ran on processors for a MiB.
    effort: f64,
}

/// Commits in a second.
#[derive(Clone, Copy, Debug)]
pub struct Commits {
    /// Before.
    pub calm: f64,
    /// While the bytes were on their way.
    pub during: f64,
}

/// One round.
#[derive(Clone, Copy, Debug)]
pub struct Row {
    /// Commits in a second of all three nodes.
    pub three: f64,
    /// Snapshot and copy while nobody writes.
    pub alone: Way,
    pub copy_alone: Way,
    /// Snapshot and copy while clients write.
    pub beside: Way,
    pub copy_beside: Way,
    /// What the clients got meanwhile.
    pub snapshot: Commits,
    pub copy: Commits,
    /// During a copy at half of the other's rate.
    pub slow_copy: Commits,
    /// Seconds from the start of the new node until it has taken the snapshot over.
    pub until_installed: f64,
    /// Writes that were not taken during the transfer.
    pub refused: u64,
}

impl Way {
    /// So many bytes in that time.
    pub fn of(bytes: u64, took: Duration, ran: Duration) -> Self {
        let mib = bytes as f64 / f64::from(1 << 20);
        Self { rate: mib / took.as_secs_f64(), effort: ran.as_secs_f64() * 1_000.0 / mib }
    }

    /// Half of this rate.
    pub fn half(&self) -> Pace {
        Pace::Bytes((self.rate * f64::from(1 << 19)) as u64)
    }
}

impl Commits {
    fn kept(&self) -> f64 {
        self.during / self.calm
    }
}

impl Display for Commits {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{:.0} of {:.0} commits/s", self.during, self.calm)
    }
}

impl Display for Row {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Self { alone, copy_alone, beside, copy_beside, snapshot, copy, refused, .. } = self;
        write!(
            f,
            "snapshot {:.0} MiB/s alone, {:.0} with {snapshot}; plain copy {:.0} MiB/s alone, {:.0} \
             with {copy}",
            alone.rate, beside.rate, copy_alone.rate, copy_beside.rate
        )?;
        if *refused > 0 {
            write!(f, " ({refused} writes were refused)")?;
        }
        Ok(())
    }
}

/// Prints medians, lowest and highest.
pub fn print(options: &Options, rows: &[Row]) {
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let pace = match options.pace {
        0 => "as fast as they are answered".to_owned(),
        pace => format!("{pace} writes a second together"),
    };
    println!(
        "\n{} MiB, {} rounds, {} clients, {pace}; {cores} cores\n",
        options.mib,
        rows.len(),
        options.clients
    );
    println!("{:<60} {:>8} {:>8} {:>8}", "", "median", "lowest", "highest");
    let line = |what, digits, of: fn(&Row) -> f64| line(rows, what, digits, of);
    line("snapshot to a new node while clients write, MiB/s", 0, |row| row.beside.rate);
    line("plain copy while clients write, MiB/s", 0, |row| row.copy_beside.rate);
    line("snapshot while nobody writes, MiB/s", 0, |row| row.alone.rate);
    line("plain copy while nobody writes, MiB/s", 0, |row| row.copy_alone.rate);
    line("snapshot while nobody writes, CPU ms/MiB of both ends", 2, |row| row.alone.effort);
    line("plain copy while nobody writes, CPU ms/MiB of both ends", 2, |row| row.copy_alone.effort);
    line("commits/s of three nodes", 0, |row| row.three);
    line("commits/s of two nodes, the third being away", 0, |row| row.snapshot.calm);
    line("seconds from its start until the new node has it all", 1, |row| row.until_installed);
    println!();
    line("rate while clients write: snapshot / plain copy", 2, |row| {
        row.beside.rate / row.copy_beside.rate
    });
    line("rate while nobody writes: snapshot / plain copy", 2, |row| {
        row.alone.rate / row.copy_alone.rate
    });
    line("rate: snapshot while clients write / plain copy alone", 2, |row| {
        row.beside.rate / row.copy_alone.rate
    });
    line("commits kept during the snapshot, of two nodes'", 2, |row| row.snapshot.kept());
    line("commits kept during the snapshot, of three nodes'", 2, |row| {
        row.snapshot.during / row.three
    });
    line("commits kept during the plain copy, of two nodes'", 2, |row| row.copy.kept());
    line("commits kept during a copy at half the rate, of two nodes'", 2, |row| {
        row.slow_copy.kept()
    });
}

fn line(rows: &[Row], what: &str, digits: usize, of: fn(&Row) -> f64) {
    let mut values: Vec<f64> = rows.iter().map(of).collect();
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    let median = if values.len() % 2 == 1 {
        values[middle]
    } else {
        f64::midpoint(values[middle - 1], values[middle])
    };
    let (lowest, highest) = (values[0], values[values.len() - 1]);
    println!("{what:<60} {median:>8.digits$} {lowest:>8.digits$} {highest:>8.digits$}");
}
