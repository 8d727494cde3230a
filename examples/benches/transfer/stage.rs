//! Three nodes with a state, and a file of its length.

use super::options::Options;
use super::ran::ran;
use super::writers::{Mark, Writers};
use examples::demo::cluster::Cluster;
use examples::demo::node::Report;
use examples::demo::resp::{Answer, Connection};
use examples::demo::root::Root;
use examples::demo::say::Voice;
use examples::demo::trouble::{Trouble, wait_for};
use std::fs;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// Keys in one command, and bytes in the value of each: a command nearly fills a datagram.
const KEYS: u64 = 7;
const VALUE: usize = 1_000;
/// Clients that fill the state.
const FILLERS: u64 = 4;
const PATIENCE: Duration = Duration::from_secs(30);
/// How often a transfer is looked at.
const GLANCE: Duration = Duration::from_millis(5);

pub struct Stage {
    cluster: Cluster,
    leader: u32,
    /// The secondary that comes and goes.
    guest: u32,
    /// How often it went.
    wiped: u32,
    /// Asks the leader.
    connection: Connection,
}

/// A transfer that was watched.
pub struct Transfer {
    pub bytes: u64,
    /// From the first look that saw some of it at the other node to the one that saw all of it there.
    pub took: Duration,
    /// What the clients had then.
    pub from: Mark,
    pub to: Mark,
    /// From the start of the process until it had taken the snapshot over.
    pub until_installed: Duration,
    /// What both ends ran on processors meanwhile.
    pub ran: Duration,
}

impl Stage {
    /// Starts the nodes and waits for their leader.
    ///
    /// # Errors
    /// When the machine has no room for them.
    pub fn new(options: &Options, voice: &Voice) -> Result<Self, Trouble> {
        let root = Root::make(false)?;
        root.sweep();
        // A log of the state's length, so that an eighth, which compaction leaves, is not all of it.
        let log = format!("--log-bytes={}MiB", options.mib.clamp(8, 256));
        let mut cluster = Cluster::place(3, root, &["--election-timeout=2s", &log])?;
        cluster.start_all()?;
        let (leader, report) = cluster.leader(None)?;
        voice.say(&format!("three nodes; node {leader} leads term {}", report.number("term")))?;
        let guest = if leader == 3 { 2 } else { 3 };
        let connection = Connection::open(address(&mut cluster, leader)?, PATIENCE)?;
        Ok(Self { cluster, leader, guest, wiped: 0, connection })
    }

    /// Where clients reach the leader.
    ///
    /// # Errors
    /// When there is none.
    pub fn address(&mut self) -> Result<SocketAddr, Trouble> {
        address(&mut self.cluster, self.leader)
    }

    /// Where a file may be.
    pub fn file(&self, name: &str) -> PathBuf {
        self.cluster.root.path().join(name)
    }

    /// Gives the nodes a state of so many MiB, a snapshot of it, and a file beside them.
    ///
    /// # Errors
    /// When a write is refused, or there is no space.
    pub fn fill(&mut self, mib: u32, voice: &mut Voice) -> Result<(), Trouble> {
        let bytes = u64::from(mib) << 20;
        let commands = bytes / (KEYS * (VALUE as u64 + 16));
        let (address, written) = (self.address()?, AtomicU64::new(0));
        voice.begin(commands);
        std::thread::scope(|scope| {
            let fill = |filler: u64| {
                let mine = (filler..commands).step_by(FILLERS as usize);
                fill(address, mine, &written)
            };
            let fillers: Vec<_> =
                (0..FILLERS).map(|filler| scope.spawn(move || fill(filler))).collect();
            let filled = wait_for("the state to be filled", || {
                voice.progress(written.load(Ordering::SeqCst));
                fillers.iter().all(|filler| filler.is_finished()).then_some(())
            });
            let mut outcomes = fillers.into_iter().map(|filler| filler.join());
            let outcomes = outcomes.try_for_each(|outcome: std::thread::Result<io::Result<()>>| {
                outcome.unwrap_or_else(|_| Err(io::Error::other("a filler panicked")))
            });
            filled.and(outcomes.map_err(Trouble::from))
        })?;
        voice.end();
        fs::write(self.file("plain"), vec![0x5a; bytes as usize])?;
        self.save()
    }

    /// A snapshot of all that there is now.
    fn save(&mut self) -> Result<(), Trouble> {
        let goal = self.report()?.number("applied_index");
        let Self { connection, .. } = self;
        wait_for("a snapshot of the state", || {
            let report = Report::from(connection)?;
            let taken = report.number("snapshot_index") >= goal;
            if !taken && report.text("snapshot_work") == "idle" {
                connection.ask(&["BGSAVE"]).ok()?;
            }
            (taken && report.number("log_first_index") > 1).then_some(())
        })
    }

    fn report(&mut self) -> Result<Report, Trouble> {
        Report::from(&mut self.connection).ok_or_else(|| gone(self.leader))
    }

    /// Kills the guest, and takes all that it had out of its way. Nothing is removed before the end: a
    /// disk may be busy with that for seconds.
    ///
    /// # Errors
    /// When its files cannot be moved.
    pub fn wipe(&mut self) -> Result<(), Trouble> {
        self.wiped += 1;
        let aside = self.file(&format!("wiped-{}", self.wiped));
        let guest = self.cluster.node(self.guest).ok_or_else(|| gone(self.guest))?;
        guest.kill();
        Ok(fs::rename(guest.data(), aside)?)
    }

    /// Starts the guest as a new node, and watches how it gets the snapshot, and takes it over.
    ///
    /// # Errors
    /// When it does not, or another node leads meanwhile.
    pub fn transfer(&mut self, writers: Option<&Writers>) -> Result<Transfer, Trouble> {
        let started = Instant::now();
        self.cluster.start(self.guest)?;
        // (What the guest had before it was wiped is believed until it says that it has nothing.)
        let (bytes, begun) = self.watch(writers, |done, of| 0 < done && done < of)?;
        let ran = self.ran();
        let (all, ended) = self.watch(writers, |done, of| done == of)?;
        let ran = self.ran().saturating_sub(ran);
        let guest = address(&mut self.cluster, self.guest)?;
        wait_for("the new node to take the snapshot over", || {
            (Report::of(guest)?.number("snapshots_installed") > 0).then_some(())
        })?;
        Ok(Transfer {
            bytes: all - bytes,
            took: ended.since(begun),
            from: begun,
            to: ended,
            until_installed: started.elapsed(),
            ran,
        })
    }

    /// What leader and guest ran on processors.
    fn ran(&mut self) -> Duration {
        let ends = [self.leader, self.guest];
        let ran = |id: u32| self.cluster.node(id).and_then(|node| node.pid()).map(ran);
        ends.into_iter().filter_map(ran).sum()
    }

    /// Looks at the leader until the bytes that the guest has are as `wanted`, of so many.
    fn watch(
        &mut self,
        writers: Option<&Writers>,
        wanted: impl Fn(u64, u64) -> bool,
    ) -> Result<(u64, Mark), Trouble> {
        let field = format!("snapshot_to_{}", self.guest);
        let end = Instant::now() + PATIENCE;
        while Instant::now() < end {
            examples::demo::interrupt::check()?;
            let report = self.report()?;
            if !report.leads() {
                return Err(io::Error::other("the leader was deposed; try again").into());
            }
            let mark = writers.map_or_else(Mark::without, Writers::mark);
            let mut words = report.text(&field).split(&[' ', ',']);
            let mut number = || words.find_map(|word| word.parse::<u64>().ok());
            if let (Some(done), Some(of)) = (number(), number())
                && wanted(done, of)
            {
                return Ok((done, mark));
            }
            std::thread::sleep(GLANCE);
        }
        Err(Trouble::Patience("a transfer to get on".to_owned()))
    }

    /// Waits until all three have applied the same.
    ///
    /// # Errors
    /// When they do not for a long time.
    pub fn settle(&self) -> Result<(), Trouble> {
        self.cluster.at_rest().map(|_| ())
    }
}

fn address(cluster: &mut Cluster, id: u32) -> Result<SocketAddr, Trouble> {
    cluster.node(id).map(|node| node.client).ok_or_else(|| gone(id))
}

fn gone(id: u32) -> Trouble {
    io::Error::other(format!("node {id} is gone")).into()
}

/// Writes the commands with these numbers.
fn fill(
    address: SocketAddr,
    numbers: impl Iterator<Item = u64>,
    written: &AtomicU64,
) -> io::Result<()> {
    let mut connection = Connection::open(address, PATIENCE)?;
    let value = "v".repeat(VALUE);
    for number in numbers {
        let keys: Vec<String> = (0..KEYS).map(|key| format!("{number:010}-{key}")).collect();
        let pairs = keys.iter().flat_map(|key| [key.as_str(), value.as_str()]);
        let words: Vec<&str> = std::iter::once("MSET").chain(pairs).collect();
        loop {
            match connection.ask(&words)? {
                Answer::Status(_) => break,
                // A snapshot makes room.
                Answer::Error(error)
                    if error.starts_with("TRYAGAIN") || error.starts_with("OOM") =>
                {
                    std::thread::sleep(GLANCE);
                }
                answer => return Err(io::Error::other(format!("MSET was answered {answer:?}"))),
            }
        }
        written.fetch_add(1, Ordering::SeqCst);
    }
    Ok(())
}
