//! The simulator's command line.

mod cli;

use clap::Parser;
use std::process::ExitCode;

fn main() -> ExitCode {
    cli::quiet::install();
    let options = cli::options::Cli::parse();
    match cli::fleet::run_all(&options.run) {
        Ok(()) => ExitCode::SUCCESS,
        Err(cli::Failed) => ExitCode::FAILURE,
    }
}
