//! The main job: four real processes that lose their leader, and all of themselves, in the middle
//! of writes, and lose no acknowledged write.

pub mod cluster;
pub mod interrupt;
mod ledger;
pub mod node;
mod options;
pub mod resp;
pub mod root;
pub mod say;
mod story;
pub mod trouble;
mod verify;
mod watch;
mod writer;

use clap::Parser;
use options::Options;
use std::process::ExitCode;
use story::{Story, complain};

/// Runs the demo, or, in a process that the demo has started, a node.
pub fn main() -> ExitCode {
    if let Some(ended) = node::run_if_asked() {
        return ended;
    }
    let options = Options::parse();
    if let Err(error) = interrupt::listen() {
        complain(&format!("demo: cannot wait for signals: {error}"));
        return ExitCode::FAILURE;
    }
    // Whatever comes of it, the story is dropped here, with its nodes and its data.
    let outcome = Story::new(options).and_then(|mut story| story.play());
    if let Some(signal) = interrupt::signal() {
        return interrupt::end(signal);
    }
    match outcome {
        Ok(0) => ExitCode::SUCCESS,
        Ok(_) => ExitCode::FAILURE,
        Err(trouble) => {
            if !trouble.is_silent() {
                complain(&format!("demo: {trouble}"));
            }
            ExitCode::FAILURE
        }
    }
}
