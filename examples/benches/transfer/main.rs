//! How fast a snapshot reaches a new node while writes go on, and what is left of the writes, beside
//! a plain copy of a file over UDP. See `cargo bench -p examples --bench transfer -- --help`.
#![forbid(unsafe_code)]

mod options;
mod plain;
mod ran;
mod rounds;
mod stage;
mod table;
mod writers;

use clap::Parser;
use examples::demo::{interrupt, node};
use options::Options;
use rounds::Rounds;
use std::process::ExitCode;

fn main() -> ExitCode {
    if let Some(ended) = node::run_if_asked().or_else(plain::run_if_asked) {
        return ended;
    }
    let options = Options::parse();
    if let Err(error) = interrupt::listen() {
        eprintln!("transfer: cannot wait for signals: {error}");
        return ExitCode::FAILURE;
    }
    // Whatever comes of it, the stage is dropped here, with all processes and files.
    let outcome = Rounds::new(options).and_then(|mut rounds| rounds.run());
    if let Some(signal) = interrupt::signal() {
        return interrupt::end(signal);
    }
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(trouble) => {
            eprintln!("transfer: {trouble}");
            ExitCode::FAILURE
        }
    }
}
