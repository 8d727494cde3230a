//! What the binary does.

pub mod fleet;
pub mod look;
pub mod options;

use std::fmt::Display;
use std::io::Write;

/// Something was found; it has been told.
#[derive(Debug)]
pub struct Failed;

/// Writes to standard output. Nobody may be listening any more: then it does not matter.
fn say(text: &dyn Display) {
    _ = write!(std::io::stdout().lock(), "{text}");
}

/// Writes to standard error that something is wrong.
fn complain(text: &dyn Display) -> Failed {
    _ = writeln!(std::io::stderr().lock(), "adapter-sim: {text}");
    Failed
}
