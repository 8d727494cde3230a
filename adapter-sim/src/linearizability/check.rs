//! The check itself: key by key, and the first answer that nothing explains.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use super::history::{self, Completion, Operation};
use super::models::kv::Call;
use super::problem::{Answer, Item, Partial, Problem, Verdict};
use super::{search, sweep};

/// How much work a check may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// The most steps to make for one key: attempts to let one operation take effect next. Each
    /// step remembers at most one configuration, so this bounds memory too.
    pub max_steps: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self { max_steps: 4_000_000 }
    }
}

/// What a successful check covered, so that a test can tell it from one of nothing.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Summary {
    /// Different keys.
    pub keys: usize,
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
pub enum CheckError {
    /// It is not linearizable.
    NotLinearizable(Violation),
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
    Malformed(Operation),
}

/// The beginning of the history of one key, cut at the first answer that nothing explains.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// The key.
    pub key: String,
    /// When the first inexplicable answer was received.
    pub at: Duration,
    /// The operations that matter up to then, by time of invocation.
    pub operations: Vec<Placed>,
    /// How many operations the key has in the whole history.
    pub total: usize,
    /// The value after the operations that could be given a place; `None` is absent.
    pub value: Option<String>,
}

/// An operation, and its place in an order that explains as many answers as possible.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Placed {
    /// The operation.
    pub operation: Operation,
    /// Its place, from 1; `None` if it could not be given one (or, without an answer, need not).
    pub place: Option<usize>,
}

/// Checks a history of any number of keys, each of which is absent at first.
///
/// # Errors
///
/// If it is not linearizable (the violation then is that of the key with the shortest one), or
/// could not be checked.
pub fn check(operations: &[Operation]) -> Result<Summary, CheckError> {
    check_within(operations, Limits::default())
}

/// [`check`] with other than the default limits.
///
/// # Errors
///
/// As for [`check`].
pub fn check_within(operations: &[Operation], limits: Limits) -> Result<Summary, CheckError> {
    let mut summary = Summary::default();
    let mut by_key: BTreeMap<&str, Vec<&Operation>> = BTreeMap::new();
    for operation in operations {
        match operation.completion {
            Completion::Ok { at, .. } if at < operation.invoked => {
                return Err(CheckError::Malformed(operation.clone()));
            }
            Completion::Ok { .. } => summary.answered += 1,
            Completion::Unknown => summary.unknown += 1,
            Completion::Failed => summary.failed += 1,
        }
        by_key.entry(&operation.key).or_default().push(operation);
    }
    summary.keys = by_key.len();

    let mut smallest: Option<Violation> = None;
    let mut too_large = None;
    for (key, history) in by_key {
        let (verdict, steps) = explain(&items(&history, Cut::Nowhere), limits);
        summary.steps += steps;
        match verdict {
            Verdict::Explained => {}
            Verdict::Impossible(_) => {
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
        (Some(violation), _) => Err(CheckError::NotLinearizable(violation)),
        (None, Some(error)) => Err(error),
        (None, None) => Ok(summary),
    }
}

/// Looks for an explanation of `items`, and counts the steps.
pub(super) fn explain<'a>(items: &[Item<'a>], limits: Limits) -> (Verdict<'a>, u64) {
    // Most histories are explained, which the search finds out in few steps.
    const SHARE_OF_SEARCH: u64 = 8;
    let problem = Problem::new(items);
    match search::search(&problem, limits.max_steps / SHARE_OF_SEARCH) {
        (Verdict::OutOfSteps, used) => {
            let (verdict, more) = sweep::sweep(&problem, limits.max_steps - used);
            (verdict, used + more)
        }
        decided => decided,
    }
}

/// How much of a history to look at.
#[derive(Debug, Clone, Copy)]
pub(super) enum Cut {
    /// All of it.
    Nowhere,
    /// What was known right after this time.
    After(Duration),
}

/// What the search is to explain of `history`, cut as told.
pub(super) fn items<'a>(history: &[&'a Operation], cut: Cut) -> Vec<Item<'a>> {
    let is_seen = |time| match cut {
        Cut::Nowhere => true,
        Cut::After(end) => time <= end,
    };
    let mut items = Vec::with_capacity(history.len());
    for &operation in history.iter().filter(|operation| is_seen(operation.invoked)) {
        let answer = match &operation.completion {
            Completion::Ok { reply, at } if is_seen(*at) => Answer::Known(reply, *at),
            Completion::Ok { .. } | Completion::Unknown => Answer::Open,
            Completion::Failed => continue,
        };
        match (&operation.call, answer) {
            // A read without an answer neither says nor does anything.
            (Call::Get, Answer::Open) => {}
            _ => items.push(Item { operation, answer }),
        }
    }
    items
}

/// The violation of a history known to have one, cut as early as it shows.
///
/// A beginning of a linearizable history is linearizable, so once a cut shows the violation all
/// later ones do, and the first can be found by bisection. A cut that takes too many steps to
/// judge counts as one that does not show it, so the result may be longer than need be, but what
/// it shows is always a violation.
fn first_violation(key: &str, history: &[&Operation], limits: Limits) -> Violation {
    let mut cuts: Vec<Duration> = history.iter().filter_map(|o| returned_at(o)).collect();
    cuts.sort_unstable();
    cuts.dedup();
    let show = |cut: Duration| {
        let items = items(history, Cut::After(cut));
        match explain(&items, limits).0 {
            Verdict::Impossible(partial) => Some((items, partial)),
            Verdict::Explained | Verdict::OutOfSteps => None,
        }
    };

    // The first cut that shows it is at `low` or later, and at `high` or earlier.
    let (mut low, mut high) = (0, cuts.len() - 1);
    let mut shown = None;
    while low < high {
        let middle = low.midpoint(high);
        match show(cuts[middle]) {
            Some(found) => (high, shown) = (middle, Some(found)),
            None => low = middle + 1,
        }
    }
    let (items, partial) = shown
        .or_else(|| show(cuts[high]))
        .unwrap_or_else(|| (items(history, Cut::Nowhere), Partial::default()));
    Violation {
        key: key.to_owned(),
        at: cuts[high],
        operations: placed(&items, &partial),
        total: history.len(),
        value: partial.state.map(|text| text.to_string()),
    }
}

/// The operations of `items` by time of invocation, with their places in `partial`.
fn placed(items: &[Item<'_>], partial: &Partial<'_>) -> Vec<Placed> {
    let mut operations: Vec<&Operation> = items.iter().map(|item| item.operation).collect();
    operations.sort_by_key(|operation| (operation.invoked, returned_at(operation)));
    let place_of = |operation: &Operation| {
        let index = partial.order.iter().position(|&placed| std::ptr::eq(placed, operation));
        index.map(|index| index + 1)
    };
    let place = |o: &Operation| Placed { operation: o.clone(), place: place_of(o) };
    operations.into_iter().map(place).collect()
}

/// When the answer to `operation` was received, if it was.
fn returned_at(operation: &Operation) -> Option<Duration> {
    match operation.completion {
        Completion::Ok { at, .. } => Some(at),
        Completion::Unknown | Completion::Failed => None,
    }
}

impl fmt::Display for CheckError {
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

impl std::error::Error for CheckError {}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { key, at, operations, total, value } = self;
        let count = operations.len();
        let end = history::millis(*at);
        writeln!(f, "key {key:?} is not linearizable: no order explains all answers up to {end}")?;
        writeln!(f, "({count} of its {total} operations; place: in the longest order found)")?;
        let headings = ("place", "client", "invoked", "returned", "operation");
        let (place, client, invoked, returned, operation) = headings;
        writeln!(f, "{place:>5}  {client:<6} {invoked:<14} {returned:<14} {operation}")?;
        for Placed { operation, place } in operations {
            let place = place.map_or_else(|| "-".to_owned(), |place| place.to_string());
            let is_last = returned_at(operation) == Some(*at);
            let mark = if is_last { "   <- last answer" } else { "" };
            writeln!(f, "{place:>5}  {operation}{mark}")?;
        }
        match value {
            Some(value) => write!(f, "that order leaves the value {value:?}"),
            None => write!(f, "that order leaves the key absent"),
        }
    }
}
