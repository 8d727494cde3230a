//! The command line.

use clap::{Args, Parser, Subcommand};
use raft_nostd::Duration;
use std::ops::Range;
use std::path::PathBuf;

/// Runs clusters of raft-nostd nodes through network, disk and clock faults drawn from seeds, and judges
/// every step: election safety, log matching, leader completeness, state machine safety, that
/// nothing is said before it is durable, linearizability, and that the cluster recovers.
///
/// Ten thousand seeds, at most a quarter of an hour:
///
///   adapter-sim --seeds 10000 --minutes 15
///
/// Exits with status 1 at the first seed that fails, and names it (with 2 when it was not asked well); the
/// same seed fails again in the same way, on every machine. To see it in a few lines, and as a picture, say
/// of seed 4711:
///
///   adapter-sim --seed 4711 --shrink
#[derive(Parser, Debug)]
#[command(name = "adapter-sim", version, verbatim_doc_comment, max_term_width = 100)]
#[command(args_conflicts_with_subcommands = true)]
pub struct Cli {
    /// Something else than running seeds.
    #[command(subcommand)]
    pub task: Option<Task>,
    /// What to run.
    #[command(flatten)]
    pub run: Run,
}

/// Something else than running seeds.
#[derive(Subcommand, Clone, Debug)]
pub enum Task {
    /// Let everything happen to a small cluster, within bounds, in every order
    ///
    /// Datagrams may be lost, doubled, and come in any order, as often as one likes; all else is bounded by the
    /// options. Snapshots and reads are not part of it: seeds run those.
    ///
    /// Exits with status 1 when something goes wrong that never must, and tells the shortest way to it.
    Explore(super::explore::Options),
    /// Draw a trace, the project's scenarios too, as a space-time diagram
    Draw {
        /// The trace
        trace: PathBuf,
        /// The picture; beside the trace by default
        #[arg(short, long, value_name = "FILE")]
        out: Option<PathBuf>,
    },
}

/// What to run.
#[derive(Args, Clone, Debug)]
pub struct Run {
    /// How many seeds, from zero on, or which: FIRST..LAST, without the last
    #[arg(long, value_name = "N", default_value = "1000", value_parser = seeds)]
    pub seeds: Range<u64>,

    /// One seed
    #[arg(long, value_name = "N", conflicts_with = "seeds", value_parser = seed)]
    pub seed: Option<u64>,

    /// Tell all that happens in the run of the seed
    #[arg(long, requires = "seed", conflicts_with_all = ["shrink", "seeds"])]
    pub trace: bool,

    /// Make the failing run of the seed shorter, for up to two minutes; write seed-N.trace and seed-N.svg
    #[arg(long, requires = "seed", conflicts_with = "seeds")]
    pub shrink: bool,

    /// Where to write them; made if need be
    #[arg(
        long,
        value_name = "DIR",
        default_value = ".",
        requires = "shrink",
        conflicts_with = "seeds"
    )]
    pub out: PathBuf,

    /// Stop after so many minutes
    #[arg(long, value_name = "M", default_value_t = 60, value_parser = minutes)]
    pub minutes: u64,

    /// Nodes of each cluster, at least and at most; by default mostly 3 and 5, and 1 to 7
    #[arg(long, value_name = "A..B", value_parser = nodes)]
    pub nodes: Option<(u32, u32)>,

    /// For how many simulated seconds everything goes wrong; by default 1 to 72
    #[arg(long, value_name = "S", value_parser = span)]
    pub seconds: Option<Duration>,

    /// Fail, too, when a fault never took effect
    #[arg(long, conflicts_with = "seed")]
    pub every_fault: bool,

    /// Threads; as many as there are processors by default
    #[arg(long, value_name = "N", value_parser = threads)]
    pub threads: Option<usize>,
}

impl Run {
    /// The seeds to run.
    pub fn range(&self) -> Range<u64> {
        self.seed.map_or(self.seeds.clone(), |seed| seed..seed.saturating_add(1))
    }

    /// The flags that a single seed needs to run in the same way.
    pub fn again(&self) -> String {
        let nodes = self.nodes.map(|(least, most)| format!(" --nodes {least}..{most}"));
        let seconds =
            self.seconds.map(|span| format!(" --seconds {}", span.as_micros() / 1_000_000));
        [nodes, seconds].into_iter().flatten().collect()
    }

    /// What is asked of each run.
    pub fn options(&self) -> adapter_sim::Options {
        adapter_sim::Options { nodes: self.nodes, span: self.seconds }
    }
}

fn number(text: &str) -> Result<u64, String> {
    text.parse().map_err(|_| format!("`{text}` is not a number"))
}

fn seed(text: &str) -> Result<u64, String> {
    match number(text)? {
        u64::MAX => Err(format!("the last one is {}", u64::MAX - 1)),
        seed => Ok(seed),
    }
}

fn seeds(text: &str) -> Result<Range<u64>, String> {
    let range = match text.split_once("..") {
        Some((first, last)) => number(first)?..number(last)?,
        None => 0..number(text)?,
    };
    if range.is_empty() { Err("there is no seed in it".into()) } else { Ok(range) }
}

fn minutes(text: &str) -> Result<u64, String> {
    match number(text)? {
        minutes @ 1..=100_000 => Ok(minutes),
        _ => Err("it must be 1 to 100000".into()),
    }
}

/// One to many.
pub fn threads(text: &str) -> Result<usize, String> {
    match number(text)? {
        threads @ 1..=1_024 => Ok(threads as usize),
        _ => Err("it must be 1 to 1024".into()),
    }
}

fn nodes(text: &str) -> Result<(u32, u32), String> {
    let (least, most) = match text.split_once("..") {
        Some((least, most)) => (number(least)?, number(most)?),
        None => (number(text)?, number(text)?),
    };
    if least == 0 || most > 7 || least > most {
        return Err("it must be A..B with 1 <= A <= B <= 7".into());
    }
    Ok((least as u32, most as u32))
}

fn span(text: &str) -> Result<Duration, String> {
    match number(text)? {
        seconds @ 1..=3_600 => Ok(Duration::from_millis(seconds * 1_000)),
        _ => Err("it must be 1 to 3600 seconds".into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    fn parse(flags: &str) -> Result<Run, String> {
        let words = std::iter::once("adapter-sim").chain(flags.split_whitespace());
        Cli::try_parse_from(words).map(|cli| cli.run).map_err(|error| error.to_string())
    }

    #[test]
    fn the_command_line_is_well_formed() {
        Cli::command().debug_assert();
    }

    #[test]
    fn seeds_are_a_number_or_a_range() {
        assert_eq!(parse("").unwrap().range(), 0..1_000);
        assert_eq!(parse("--seeds 20").unwrap().range(), 0..20);
        assert_eq!(parse("--seeds 7..9").unwrap().range(), 7..9);
        assert_eq!(parse("--seed 7").unwrap().range(), 7..8);
    }

    #[test]
    fn nodes_are_a_number_or_a_range() {
        assert_eq!(parse("--nodes 3").unwrap().nodes, Some((3, 3)));
        assert_eq!(parse("--nodes 3..7").unwrap().nodes, Some((3, 7)));
        assert_eq!(parse("").unwrap().nodes, None);
    }

    #[test]
    fn a_failure_is_told_with_the_flags_that_repeat_it() {
        let run = parse("--seeds 5 --nodes 3..5 --seconds 60 --minutes 2 --threads 1").unwrap();
        assert_eq!(run.again(), " --nodes 3..5 --seconds 60");
        let again = parse(&format!("--seed 4 {}", run.again())).unwrap();
        assert_eq!((again.nodes, again.seconds), (run.nodes, run.seconds));
    }

    #[test]
    fn what_makes_no_sense_is_refused_by_name() {
        let refused = [
            ("--seeds 0", "there is no seed"),
            ("--seeds 9..9", "there is no seed"),
            ("--seeds 9..7", "there is no seed"),
            ("--seeds many", "`many` is not a number"),
            ("--seeds 1..2..3", "`2..3` is not a number"),
            ("--seeds 99999999999999999999", "is not a number"),
            ("--nodes 0..3", "1 <= A <= B <= 7"),
            ("--nodes 3..8", "1 <= A <= B <= 7"),
            ("--nodes 5..3", "1 <= A <= B <= 7"),
            ("--seconds 0", "1 to 3600 seconds"),
            ("--minutes 0", "1 to 100000"),
            ("--threads 0", "1 to 1024"),
            ("--seed 18446744073709551615", "the last one is 18446744073709551614"),
            ("--out there --seed 1", "--shrink"),
            ("--every-fault --seed 1", "cannot be used with"),
            ("--seed 1 --seeds 5", "cannot be used with"),
            ("--trace", "--seed"),
            ("--trace --seeds 10", "cannot be used with"),
            ("--shrink --seeds 10", "cannot be used with"),
            ("--out x --seeds 10", "cannot be used with"),
            ("--seed 1 --trace --shrink", "cannot be used with"),
        ];
        for (flags, words) in refused {
            let told = parse(flags).expect_err(flags);
            let flag = flags.split_whitespace().next().unwrap();
            assert!(told.contains(words) && told.contains(flag), "{flags}: {told}");
        }
    }
}
