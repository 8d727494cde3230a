//! The check itself, key by key.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use super::history::{Completion, Operation, OperationId};
use super::model::Model;
use super::problem::{Item, Problem, Verdict};
use super::violation::{Violation, first_violation};
use super::{search, sweep, witness};

/// How much work a check may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// The most steps to make for one key: attempts to let one operation take effect next. Each
    /// step remembers at most one configuration, so this bounds memory too.
    pub max_steps: u64,
}

impl Default for Limits {
    /// Four million steps: some seconds, and at most some gigabytes where the history is long.
    fn default() -> Self {
        Self { max_steps: 4_000_000 }
    }
}

/// What a successful check covered, so that a test can tell it from one of nothing.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Summary {
    /// Different keys.
    pub keys: usize,
    /// Those of them that the proposed order explains, and no search had to.
    pub witnessed: usize,
    /// Operations that returned an answer.
    pub answered: usize,
    /// Operations that never returned.
    pub unknown: usize,
    /// Operations that were certainly not applied, and left out.
    pub failed: usize,
    /// Steps of the search, over all keys.
    pub steps: u64,
}

/// Why a history did not pass.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CheckError<M: Model> {
    /// It is not linearizable.
    NotLinearizable(Box<Violation<M>>),
    /// The search for one key took too many steps, and no other key is in violation: nothing is
    /// known.
    TooLarge {
        /// That key.
        key: String,
        /// How many operations it has.
        operations: usize,
        /// How many steps were allowed.
        max_steps: u64,
    },
    /// This operation returned before it was invoked: the recording is at fault.
    Malformed(Box<Operation<M>>),
}

/// Checks a history of any number of keys, each of which is in the first state of `M` at first.
/// The operations may come in any order.
///
/// # Errors
///
/// If it is not linearizable (the violation then is that of the key with the shortest one), or
/// could not be checked.
pub fn check<M: Model>(operations: &[Operation<M>]) -> Result<Summary, CheckError<M>> {
    check_within(operations, Limits::default())
}

/// [`check`](check()) with other than the default limits.
///
/// # Errors
///
/// As for [`check`](check()).
pub fn check_within<M: Model>(
    operations: &[Operation<M>],
    limits: Limits,
) -> Result<Summary, CheckError<M>> {
    check_witnessed(operations, &[], limits)
}

/// [`check_within`] for who can propose an `order` in which the operations may have taken effect:
/// only where it does not [explain](super::explains) a key a search is made, and must decide. So the
/// order may be any; only how long it takes depends on it, and whether it comes to a verdict.
///
/// # Errors
///
/// As for [`check`](check()).
pub fn check_witnessed<M: Model>(
    operations: &[Operation<M>],
    order: &[OperationId],
    limits: Limits,
) -> Result<Summary, CheckError<M>> {
    let explained = witness::explained_keys(operations, order);
    let mut summary = Summary::default();
    let mut by_key: BTreeMap<&str, Vec<&Operation<M>>> = BTreeMap::new();
    for operation in operations {
        match operation.completion {
            Completion::Ok { at, .. } if at < operation.invoked => {
                return Err(CheckError::Malformed(Box::new(operation.clone())));
            }
            Completion::Ok { .. } => summary.answered += 1,
            Completion::Unknown => summary.unknown += 1,
            Completion::Failed => summary.failed += 1,
        }
        by_key.entry(&operation.key).or_default().push(operation);
    }
    summary.keys = by_key.len();

    let mut smallest: Option<Violation<M>> = None;
    let mut too_large = None;
    for (key, history) in by_key {
        if explained.get(key) == Some(&Ok(())) {
            summary.witnessed += 1;
            continue;
        }
        let (verdict, steps) = explain(&Problem::new(&items(&history, Cut::Nowhere)), limits);
        summary.steps += steps;
        match verdict {
            Verdict::Explained(_) => {}
            Verdict::Impossible => {
                let found = first_violation(key, &history, limits);
                if smallest.as_ref().is_none_or(|s| found.operations.len() < s.operations.len()) {
                    smallest = Some(found);
                }
            }
            Verdict::OutOfSteps => {
                let (operations, max_steps) = (history.len(), limits.max_steps);
                too_large = Some(CheckError::TooLarge { key: key.into(), operations, max_steps });
            }
        }
    }
    match (smallest, too_large) {
        (Some(violation), _) => Err(CheckError::NotLinearizable(Box::new(violation))),
        (None, Some(error)) => Err(error),
        (None, None) => Ok(summary),
    }
}

/// Looks for an explanation of `problem`, and counts the steps.
pub fn explain<'a, M: Model>(problem: &Problem<'a, M>, limits: Limits) -> (Verdict<'a, M>, u64) {
    // Most histories are explained, which the search finds out in few steps.
    const SHARE_OF_SEARCH: u64 = 8;
    match search::search(problem, limits.max_steps / SHARE_OF_SEARCH) {
        (Verdict::OutOfSteps, used) => {
            let (verdict, more) = sweep::sweep(problem, limits.max_steps - used);
            (verdict, used + more)
        }
        decided => decided,
    }
}

/// How much of a history to look at.
#[derive(Debug, Clone, Copy)]
pub enum Cut {
    /// All of it.
    Nowhere,
    /// What was known right after this time.
    After(Duration),
}

/// What the search is to explain of `history`, cut as told.
pub fn items<'a, M: Model>(history: &[&'a Operation<M>], cut: Cut) -> Vec<Item<'a, M>> {
    let is_seen = |time| match cut {
        Cut::Nowhere => true,
        Cut::After(end) => time <= end,
    };
    let mut items = Vec::with_capacity(history.len());
    for &operation in history.iter().filter(|operation| is_seen(operation.invoked)) {
        let answer = match &operation.completion {
            Completion::Ok { reply, at } if is_seen(*at) => Some((reply, *at)),
            Completion::Ok { .. } | Completion::Unknown => None,
            Completion::Failed => continue,
        };
        // A read without an answer neither says nor does anything.
        if answer.is_some() || !M::is_read(&operation.call) {
            items.push(Item { operation, answer });
        }
    }
    items
}

impl<M: Model> fmt::Display for CheckError<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotLinearizable(violation) => violation.fmt(f),
            Self::TooLarge { key, operations, max_steps } => write!(
                f,
                "no verdict: gave up on the {operations} operations on key {key:?} \
                 after {max_steps} steps"
            ),
            Self::Malformed(operation) => {
                write!(f, "returned before it was invoked: {:?} {operation}", operation.key)
            }
        }
    }
}

impl<M: Model> std::error::Error for CheckError<M> {}
