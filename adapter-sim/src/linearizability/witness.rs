//! A proposed order of operations, and whether it explains a history.
//!
//! To find an order that explains all answers is hard; to check one is not. Whoever knows more
//! than the clients did, such as the order in which a log had their commands, can propose that
//! one, and the check of it takes little more than a look at each operation. It is as sound as the
//! search: the order is a proof, which is checked and not believed. An order that does not hold
//! says nothing about the history; then the [search](super::check_witnessed) must.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use super::history::{Completion, Operation, OperationId};
use super::model::Model;

/// Why an order does not explain a history.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flaw {
    /// It names a place that the history does not have. (A name from another history counts for whatever
    /// operation of this one has that place.)
    Stranger,
    /// It has an operation twice.
    Twice,
    /// It has an operation that certainly was not applied.
    Failed,
    /// In this order an operation would be answered something else.
    OtherAnswer,
    /// It has an operation that had returned behind one that had not been invoked.
    OutOfTime,
    /// It lacks an operation that was answered.
    Missing,
}

/// Whether the operations, taking effect in `order`, explain a history, as
/// [`check`](super::check()) would: it then is linearizable.
///
/// All operations that were answered must be in the order, and any that were not may be: those
/// that are not in it count as never applied. Operations on different keys may be in any order, as
/// each key is looked at by itself.
///
/// ```
/// use std::time::Duration;
///
/// use adapter_sim::linearizability::models::register::{Call, Register, Reply};
/// use adapter_sim::linearizability::{Flaw, History, explains};
///
/// let ms = Duration::from_millis;
/// let mut history = History::<Register<u32>>::new();
/// let lost = history.invoke(1, "x", Call::Write(7), ms(0)); // Never answered.
/// let write = history.invoke(2, "x", Call::Write(8), ms(1));
/// history.respond(write, Reply::Written, ms(5));
/// let read = history.invoke(3, "x", Call::Read, ms(6));
/// history.respond(read, Reply::Value(Some(7)), ms(8));
/// let operations = history.operations();
/// assert_eq!(explains(operations, &[write, lost, read]), Ok(()));
/// assert_eq!(explains(operations, &[lost, write, read]), Err(Flaw::OtherAnswer));
/// assert_eq!(explains(operations, &[lost, read, write]), Err(Flaw::OutOfTime));
/// assert_eq!(explains(operations, &[lost, read]), Err(Flaw::Missing));
/// ```
///
/// # Errors
///
/// What is wrong with the order, for the first key that it does not explain. That the history is
/// not linearizable does not follow.
pub fn explains<M: Model>(operations: &[Operation<M>], order: &[OperationId]) -> Result<(), Flaw> {
    let stranger = order.iter().any(|id| operations.get(id.0).is_none());
    if stranger {
        return Err(Flaw::Stranger);
    }
    explained_keys(operations, order).into_values().collect()
}

/// What comes of each key of a history in `order`.
pub fn explained_keys<'a, M: Model>(
    operations: &'a [Operation<M>],
    order: &[OperationId],
) -> BTreeMap<&'a str, Result<(), Flaw>> {
    let mut keys: BTreeMap<&str, Key<M>> = BTreeMap::new();
    let mut is_placed = vec![false; operations.len()];
    for id in order {
        // A stranger has no key, and can explain nothing.
        let Some(operation) = operations.get(id.0) else { continue };
        let key = keys.entry(&operation.key).or_default();
        if std::mem::replace(&mut is_placed[id.0], true) {
            key.is_wrong(Flaw::Twice);
        } else {
            key.place(operation);
        }
    }
    for (operation, is_placed) in operations.iter().zip(is_placed) {
        let key = keys.entry(&operation.key).or_default();
        if operation.returned().is_some() && !is_placed {
            key.is_wrong(Flaw::Missing);
        }
    }
    keys.into_iter().map(|(name, key)| (name, key.flaw.map_or(Ok(()), Err))).collect()
}

/// A key, as the operations so far leave it.
#[derive(Default)]
struct Key<M> {
    state: M,
    /// When the last of them to be invoked was.
    invoked: Duration,
    /// What was wrong first.
    flaw: Option<Flaw>,
}

impl<M: Model> Key<M> {
    /// Lets `operation` take effect next.
    fn place(&mut self, operation: &Operation<M>) {
        if self.flaw.is_some() {
            return;
        }
        self.invoked = self.invoked.max(operation.invoked);
        match &operation.completion {
            Completion::Failed => self.is_wrong(Flaw::Failed),
            Completion::Unknown => _ = self.state.apply(&operation.call),
            // (An operation that returned before it was invoked itself is out of time, too.)
            Completion::Ok { at, .. } if *at < self.invoked => self.is_wrong(Flaw::OutOfTime),
            Completion::Ok { reply, .. } => {
                if !self.state.explains(&operation.call, reply) {
                    self.is_wrong(Flaw::OtherAnswer);
                }
            }
        }
    }

    fn is_wrong(&mut self, flaw: Flaw) {
        self.flaw.get_or_insert(flaw);
    }
}

impl fmt::Display for Flaw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Stranger => "it names an operation that is none of the history",
            Self::Twice => "it has an operation twice",
            Self::Failed => "it has an operation that was not applied",
            Self::OtherAnswer => "an operation would be answered something else",
            Self::OutOfTime => "an operation that had returned is behind one not yet invoked",
            Self::Missing => "it lacks an operation that was answered",
        })
    }
}

impl std::error::Error for Flaw {}
