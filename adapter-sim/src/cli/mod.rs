//! What the binary does.

pub mod explore;
pub mod fleet;
mod interrupt;
pub mod look;
pub mod options;

use std::fmt::Display;
use std::io::{ErrorKind, Write};
use std::process::ExitCode;

/// Why it ends badly; it has been told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failed {
    /// What was run went wrong.
    Found,
    /// What was asked for could not be done.
    Refused,
    /// A signal ended it before all was run.
    Interrupted,
}

impl From<Failed> for ExitCode {
    fn from(failed: Failed) -> Self {
        match failed {
            Failed::Found => Self::from(1),
            Failed::Refused => Self::from(2),
            Failed::Interrupted => Self::from(interrupt::STATUS),
        }
    }
}

/// Writes to standard output. Nobody may be listening any more: then it does not matter. Where there is
/// no room, the program ends, so that half a text is not taken for the whole.
fn say(text: &dyn Display) {
    let mut out = std::io::stdout().lock();
    match write!(out, "{text}").and_then(|()| out.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            _ = complain(&format!("cannot write to the standard output: {error}"));
            std::process::exit(2);
        }
        _ => {}
    }
}

/// Writes to standard error that something is wrong.
fn complain(text: &dyn Display) -> Failed {
    _ = writeln!(std::io::stderr().lock(), "adapter-sim: {text}");
    Failed::Refused
}
