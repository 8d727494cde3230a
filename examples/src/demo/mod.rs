//! The main job: four real processes that lose their leader, and all of themselves, in the middle
//! of writes, and lose no acknowledged write.

mod cluster;
mod interrupt;
mod ledger;
mod node;
mod options;
mod resp;
mod root;
mod say;
mod story;
mod trouble;
mod verify;
mod watch;
mod writer;

use clap::Parser;
use options::Options;
use std::process::ExitCode;
use story::{Story, complain};

/// Runs the demo, or, in a process that the demo has started, a node.
pub fn main() -> ExitCode {
    let mut words = std::env::args_os();
    let program = words.next().unwrap_or_default();
    if std::env::args_os().nth(1).is_some_and(|word| word == node::NODE) {
        stop_with_the_demo();
        return crate::kv::main(std::iter::once(program).chain(words.skip(1)));
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

/// A node stops, cleanly, when its standard input ends: the demo is gone, or asks for it.
fn stop_with_the_demo() {
    std::thread::spawn(|| {
        let _ = std::io::copy(&mut std::io::stdin().lock(), &mut std::io::sink());
        let _ = signal_hook::low_level::raise(signal_hook::consts::SIGTERM);
    });
}
