//! Everything that may happen to a small cluster, within bounds.

use super::options::threads;
use super::{Failed, complain, say};
use adapter_sim::explore::{Bounds, Ending, Failure, Progress, Report, explore_and_tell};
use clap::{Args, value_parser};

/// The bounds.
#[derive(Args, Clone, Debug)]
pub struct Options {
    /// Voters, 1 to 5
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = value_parser!(u8).range(1..=5))]
    nodes: u8,
    /// The last term; with the commands 8 at most
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = value_parser!(u8).range(1..=7))]
    terms: u8,
    /// Commands that clients propose
    #[arg(long, value_name = "N", default_value_t = 3)]
    commands: u8,
    /// Crashes
    #[arg(long, value_name = "N", default_value_t = 2)]
    crashes: u8,
    /// Election timeouts
    #[arg(long, value_name = "N", default_value_t = 6)]
    timeouts: u8,
    /// Heartbeats, and requests for votes that are repeated
    #[arg(long, value_name = "N", default_value_t = 2)]
    beats: u8,
    /// Batches that are durable later, or never
    #[arg(long, value_name = "N", default_value_t = 2)]
    slow: u8,
    /// Crashes that leave an empty disk, which no Raft survives
    #[arg(long, value_name = "N", default_value_t = 0)]
    wipes: u8,
    /// Stop after so many states
    #[arg(long, value_name = "N", default_value_t = 10_000_000)]
    states: u64,
    /// Stop after so many happenings
    #[arg(long, value_name = "N")]
    depth: Option<u32>,
    /// Threads; one for each processor by default
    #[arg(long, value_name = "N", value_parser = threads)]
    threads: Option<usize>,
}

impl Options {
    fn bounds(&self) -> Bounds {
        let Self { nodes, terms, commands, crashes, timeouts, beats, slow, wipes, states, .. } =
            *self;
        let usual = Bounds::default();
        Bounds {
            nodes,
            terms,
            commands,
            crashes,
            timeouts,
            beats,
            slow,
            wipes,
            states,
            depth: self.depth.unwrap_or(usual.depth),
            threads: self.threads.unwrap_or(usual.threads),
        }
    }
}

/// Explores; tells the shortest way to what must never happen.
pub fn explore(options: &Options) -> Result<(), Failed> {
    match explore_and_tell(&options.bounds(), &mut tell) {
        Ok(report) => {
            sum_up(&report);
            Ok(())
        }
        Err(failure @ Failure::Bounds(_)) => Err(complain(&failure)),
        Err(failure) => {
            say(&format!("{failure}\n"));
            Err(Failed::Found)
        }
    }
}

fn tell(progress: &Progress) {
    let seconds = progress.elapsed.as_secs_f64();
    let rate = progress.states as f64 / seconds;
    let Progress { depth, states, queued, next, .. } = progress;
    eprintln!(
        "{seconds:6.0} s  depth {depth}, {states} states ({rate:.0}/s), {queued} to look at, \
         {next} after that"
    );
}

fn sum_up(report: &Report) {
    let Report { ending, states, steps, nodes_as_they_may_be, datagrams, .. } = report;
    let (seconds, depth) = (report.elapsed.as_secs_f64(), report.levels.len() - 1);
    say(&format!(
        "{}: {states} states after up to {depth} happenings, by {steps} steps\n\
         {nodes_as_they_may_be} nodes as they may be, {datagrams} datagrams, {seconds:.1} s\n\
         states by terms with a leader (down) and entries committed (across):\n",
        words(*ending)
    ));
    for row in report.reached.iter().filter(|row| row.iter().any(|&states| states > 0)) {
        let row: String = row.iter().map(|states| format!("{states:10}")).collect();
        say(&format!("{row}\n"));
    }
    say(&format!("new states by depth: {:?}\n", report.levels));
}

fn words(ending: Ending) -> &'static str {
    match ending {
        Ending::Closed => "all there is within these bounds",
        Ending::StatesSpent => "not all there is within these bounds: it stopped at --states",
        Ending::DepthReached => "not all there is within these bounds: it stopped at --depth",
    }
}
