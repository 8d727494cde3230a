//! The simulator's command line.

mod cli;

use clap::Parser;
use cli::options::{Cli, Task};
use cli::{Failed, explore, fleet, look};
use std::process::ExitCode;

fn main() -> ExitCode {
    adapter_sim::keep_judges_quiet();
    match run(Cli::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failed) => failed.into(),
    }
}

fn run(cli: Cli) -> Result<(), Failed> {
    match cli.task {
        Some(Task::Draw { trace, out }) => return look::draw(&trace, out),
        Some(Task::Explore(options)) => return explore::explore(&options),
        None => {}
    }
    match cli.run.seed {
        Some(seed) if cli.run.trace => look::trace(seed, &cli.run),
        Some(seed) if cli.run.shrink => look::shrink(seed, &cli.run),
        _ => fleet::run_all(&cli.run),
    }
}
