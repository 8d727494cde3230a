//! Explores everything that may happen to a small cluster, within bounds: `--help` lists them.
//!
//! Ends with status 1 when something went wrong that never must, and says how.

use adapter_sim::explore::{Bounds, Failure, Progress, Report, explore_and_tell};
use std::process::ExitCode;
use std::str::FromStr;

const HELP: &str = "\
explore [--elections] [--BOUND NUMBER]...

  --nodes 3       voters, 1 to 5
  --terms 3       the last term
  --commands 3    commands that clients propose
  --crashes 2     crashes
  --timeouts 6    election timeouts
  --beats 2       heartbeats, and requests for votes that are repeated
  --slow 2        batches that are durable later, or never
  --wipes 0       crashes that leave an empty disk, which no Raft survives
  --states N      stop after so many states (10000000)
  --depth N       stop after so many happenings
  --threads N     threads that work (one for each processor)
  --elections     start from: five nodes, two terms, two timeouts, and nothing else";

fn main() -> ExitCode {
    let bounds = match bounds(std::env::args().skip(1)) {
        Ok(bounds) => bounds,
        Err(problem) => {
            eprintln!("{problem}\n\n{HELP}");
            return ExitCode::from(2);
        }
    };
    eprintln!("{bounds:?}");
    match explore_and_tell(&bounds, &mut tell) {
        Ok(report) => {
            sum_up(&report);
            ExitCode::SUCCESS
        }
        Err(failure @ Failure::Bounds(_)) => {
            eprintln!("{failure}");
            ExitCode::from(2)
        }
        Err(failure) => {
            println!("{failure}");
            ExitCode::FAILURE
        }
    }
}

fn bounds(mut args: impl Iterator<Item = String>) -> Result<Bounds, String> {
    let mut bounds = Bounds::default();
    while let Some(arg) = args.next() {
        if arg == "--elections" {
            bounds = Bounds { terms: 2, timeouts: 2, ..Bounds::of_nothing(5) };
            continue;
        }
        let mut value = || args.next().ok_or(format!("{arg} needs a number"));
        match &*arg {
            "--nodes" => bounds.nodes = number(&value()?)?,
            "--terms" => bounds.terms = number(&value()?)?,
            "--commands" => bounds.commands = number(&value()?)?,
            "--crashes" => bounds.crashes = number(&value()?)?,
            "--timeouts" => bounds.timeouts = number(&value()?)?,
            "--beats" => bounds.beats = number(&value()?)?,
            "--slow" => bounds.slow = number(&value()?)?,
            "--wipes" => bounds.wipes = number(&value()?)?,
            "--states" => bounds.states = number(&value()?)?,
            "--depth" => bounds.depth = number(&value()?)?,
            "--threads" => bounds.threads = number(&value()?)?,
            _ => return Err(format!("what is {arg}?")),
        }
    }
    Ok(bounds)
}

fn number<T: FromStr>(text: &str) -> Result<T, String> {
    text.parse().map_err(|_| format!("{text} is no number that fits"))
}

fn tell(progress: &Progress) {
    let seconds = progress.elapsed.as_secs_f64();
    let rate = progress.states as f64 / seconds;
    let Progress { depth, states, queued, next, nodes_as_they_may_be, datagrams, .. } = progress;
    eprintln!(
        "{seconds:6.0} s  depth {depth}, {states} states ({rate:.0}/s), {queued} to look at, {next} after \
         that; {nodes_as_they_may_be} nodes, {datagrams} datagrams"
    );
}

fn sum_up(report: &Report) {
    let Report { ending, states, steps, nodes_as_they_may_be, datagrams, .. } = report;
    let (seconds, depth) = (report.elapsed.as_secs_f64(), report.levels.len() - 1);
    println!("{ending:?}: {states} states after up to {depth} happenings, by {steps} steps");
    println!("{nodes_as_they_may_be} nodes as they may be, {datagrams} datagrams, {seconds:.1} s");
    println!("states by terms with a leader (down) and entries committed (across):");
    for row in report.reached.iter().filter(|row| row.iter().any(|&states| states > 0)) {
        let row: Vec<_> = row.iter().map(|states| format!("{states:10}")).collect();
        println!("{}", row.join(""));
    }
    println!("new states by depth: {:?}", report.levels);
}
