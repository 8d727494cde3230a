//! Checks that what the clients of the key-value store saw is *linearizable*: that each operation
//! can be given one instant between its invocation and its return at which it took effect, such
//! that a store doing them one by one in that order gives the same answers.
//!
//! Operations on different keys do not affect each other, so each key is checked by itself. The
//! search is bounded by [`Limits`]; giving up is an error of its own, never a verdict.

mod check;
#[cfg(test)]
mod dice;
mod events;
mod history;
pub mod models;
#[cfg(test)]
mod oracle;
mod problem;
mod search;
mod sweep;
#[cfg(test)]
mod tests;
mod visited;

pub use check::{CheckError, Limits, Placed, Summary, Violation, check, check_within};
pub use history::{Completion, Operation, millis};
