//! The simulator's command line.

mod cli;

use clap::Parser;
use cli::options::{Cli, Task};
use cli::{Failed, fleet, look};
use std::process::ExitCode;

fn main() -> ExitCode {
    adapter_sim::keep_judges_quiet();
    match run(Cli::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(Failed) => ExitCode::FAILURE,
    }
}

fn run(cli: Cli) -> Result<(), Failed> {
    if let Some(Task::Draw { trace, out }) = cli.task {
        return look::draw(&trace, out);
    }
    match cli.run.seed {
        Some(seed) if cli.run.trace => look::trace(seed, &cli.run),
        Some(seed) if cli.run.shrink => look::shrink(seed, &cli.run),
        _ => fleet::run_all(&cli.run),
    }
}
