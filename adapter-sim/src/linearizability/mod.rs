//! Checks that what the clients of a state machine saw is *linearizable*: that each operation can
//! be given one instant between its invocation and its return at which it took effect, such that
//! a machine doing them one by one in that order gives the same answers (Herlihy and Wing).
//!
//! A [`History`] is what clients did and saw: [operations](Operation), each with the time at which
//! it was invoked and, if there was an answer, the answer and the time at which it was received.
//! What one key of the machine does is told by a [`Model`]; [`models`] has some.
//!
//! ```
//! use std::time::Duration;
//!
//! use adapter_sim::linearizability::History;
//! use adapter_sim::linearizability::models::register::{Call, Register, Reply};
//!
//! let ms = Duration::from_millis;
//! let mut history = History::<Register<u32>>::new();
//! let write = history.invoke(1, "x", Call::Write(7), ms(0));
//! history.respond(write, Reply::Written, ms(5));
//! let read = history.invoke(2, "x", Call::Read, ms(3));
//! history.respond(read, Reply::Value(None), ms(8)); // They overlap: the read came first.
//! history.invoke(1, "x", Call::Write(8), ms(9)); // Never answered.
//! let read = history.invoke(2, "x", Call::Read, ms(10));
//! history.respond(read, Reply::Value(Some(8)), ms(11)); // So it did take effect.
//! assert_eq!(history.check().unwrap().answered, 3);
//!
//! let read = history.invoke(3, "x", Call::Read, ms(12));
//! history.respond(read, Reply::Value(Some(7)), ms(13)); // And now it did not?
//! assert_eq!(
//!     history.check().unwrap_err().to_string(),
//!     r#"key "x" is not linearizable: no order explains all answers up to 13.000ms
//! (5 of its 5 operations; place: in an order that explains the others)
//! place  client invoked        returned       operation
//!     2  c1     0.000ms        5.000ms        write 7 -> written
//!     1  c2     3.000ms        8.000ms        read -> absent
//!     3  c1     9.000ms        -              write 8 -> unknown
//!     4  c2     10.000ms       11.000ms       read -> 8
//!     -  c3     12.000ms       13.000ms       read -> 7   <- last answer
//! that order leaves it at 8"#
//! );
//! ```
//!
//! # Unknown outcomes
//!
//! A client that gives up, or loses its connection, does not know what came of its operation. It
//! may have taken effect before that, may do so at any time later, or never
//! ([`Completion::Unknown`]). That is what an operation is until it is told otherwise, also if the
//! recording stops while it is under way. It must not be recorded as [failed](History::fail)
//! unless it is certain that it never had and never will have an effect.
//!
//! Two operations are concurrent unless one returned at an earlier time than the other was
//! invoked: with equal times they are.
//!
//! # What it takes
//!
//! Operations on different keys do not affect each other, so each key is checked by itself: a
//! history is linearizable if and only if that of each key is. A call that concerns several keys
//! needs a model, and a single key, for all of them.
//!
//! The question is NP-complete, so the search (Wing and Gong's, with Lowe's memory of
//! configurations) is exponential at worst: in the number of operations of one key that overlap,
//! and in that of unknown ones. What follows correct answers is seldom so. If `n` operations on a
//! key are little concurrent it makes little more than `n` steps, each of which takes time and
//! memory for `n` bits and one state. A history of 10,000 operations by 8 clients on 5 keys, 160
//! of them unknown, takes 12,000 to 150,000 steps and some 10 to 50 milliseconds.
//!
//! [`Limits`] bounds the steps for each key. Giving up is an [error](CheckError::TooLarge) of its
//! own, never a verdict. If it happens, use more keys, or other keys after a while, and values
//! that are written once only: they say most about who wrote them. Whoever knows an order in which
//! the operations may have taken effect, such as that of a log, can [propose](check_witnessed) it:
//! to check an order takes no search.
//!
//! Times are measured from any one point in common. The checker itself looks at no clock, and the
//! same history always gives the same verdict in the same number of steps.

mod check;
mod events;
mod history;
mod model;
pub mod models;
mod problem;
mod search;
mod sweep;
#[cfg(test)]
mod tests;
mod violation;
mod visited;
mod witness;

pub use check::{CheckError, Limits, Summary, check, check_within, check_witnessed};
pub use history::{Completion, History, Operation, OperationId, millis};
pub use model::Model;
pub use violation::{Before, Placed, Violation};
pub use witness::{Flaw, explains};
