//! The shortest proof that the history of a key is not linearizable, for a person to read.

use std::fmt;
use std::time::Duration;

use super::check::{Cut, Limits, explain, items};
use super::history::{Operation, millis};
use super::model::Model;
use super::problem::{Explanation, Item, Problem, Verdict};
use super::sweep;

/// A part of the history of one key that shows that it is not linearizable.
///
/// It ends with the first answer that nothing explains. It begins with the first operation on the
/// key or, in a long history, later, where it is beyond doubt what came before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation<M: Model> {
    /// The key.
    pub key: String,
    /// When the first inexplicable answer was received.
    pub at: Duration,
    /// What is not shown, if anything.
    pub before: Option<Before<M>>,
    /// The other operations up to `at`, by time of invocation: among them all that were never
    /// answered and may have taken effect since.
    pub operations: Vec<Placed<M>>,
    /// How many operations the key has in the whole history.
    pub total: usize,
    /// The state after the operations that could be given a place.
    pub state: M,
}

/// Operations that took effect before all others: if any order explained the answers, one that
/// begins with these would.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Before<M> {
    /// How many.
    pub operations: usize,
    /// The state they leave.
    pub state: M,
}

/// An operation, and its place in an order that explains all answers before the last.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Placed<M: Model> {
    /// The operation.
    pub operation: Operation<M>,
    /// Its place, from 1; `None` if it could not be given one (or, without an answer by then, need
    /// not).
    pub place: Option<usize>,
}

/// The violation of a history known to have one, cut as early as it shows.
pub fn first_violation<M: Model>(
    key: &str,
    history: &[&Operation<M>],
    limits: Limits,
) -> Violation<M> {
    let (previous, at) = first_cut(history, limits);
    let earlier = match previous {
        Some(previous) => explanation(&items(history, Cut::After(previous)), limits),
        None => Explanation::default(),
    };
    // What is left out must be no part of the proof.
    let beginning = earlier.beginnings.iter().find(|beginning| {
        let rest = items_without(&beginning.operations, history, at);
        let problem = Problem::starting_from(beginning.state.clone(), &rest);
        matches!(explain(&problem, limits).0, Verdict::Impossible)
    });
    let (hidden, length) = beginning.map_or((&[][..], 0), |b| (&b.operations[..], b.length));
    let shown = items_without(hidden, history, at);
    Violation {
        key: key.to_owned(),
        at,
        before: beginning.map(|b| Before { operations: hidden.len(), state: b.state.clone() }),
        operations: placed(&shown, &earlier.order[length..]),
        total: history.len(),
        state: earlier.state,
    }
}

/// The time of the first answer that shows the violation, and that of the answer before it.
///
/// A beginning of a linearizable history is linearizable, so once a cut shows the violation all
/// later ones do, and the first can be found by bisection. A cut that takes too many steps to
/// judge counts as one that does not show it, so the result may be later than need be, but what
/// it shows is always a violation.
fn first_cut<M: Model>(history: &[&Operation<M>], limits: Limits) -> (Option<Duration>, Duration) {
    let mut cuts: Vec<Duration> = history.iter().filter_map(|o| o.returned()).collect();
    cuts.sort_unstable();
    cuts.dedup();
    let is_shown = |cut: Duration| {
        let problem = Problem::new(&items(history, Cut::After(cut)));
        matches!(explain(&problem, limits).0, Verdict::Impossible)
    };
    // It is at `low` or later, and at `high` or earlier.
    let (mut low, mut high) = (0, cuts.len() - 1);
    while low < high {
        let middle = low.midpoint(high);
        if is_shown(cuts[middle]) { high = middle } else { low = middle + 1 }
    }
    (high.checked_sub(1).map(|previous| cuts[previous]), cuts[high])
}

/// What is to be explained up to `at`, but for the `hidden` operations.
fn items_without<'a, M: Model>(
    hidden: &[&Operation<M>],
    history: &[&'a Operation<M>],
    at: Duration,
) -> Vec<Item<'a, M>> {
    let mut items = items(history, Cut::After(at));
    items.retain(|item| !hidden.iter().any(|hidden| std::ptr::eq(*hidden, item.operation)));
    items
}

/// An order that explains all answers of `items`, where there is one; none if it takes too long.
fn explanation<'a, M: Model>(items: &[Item<'a, M>], limits: Limits) -> Explanation<'a, M> {
    let problem = Problem::new(items);
    // Only the sweep can tell what is beyond doubt.
    let verdict = match sweep::sweep(&problem, limits.max_steps).0 {
        Verdict::OutOfSteps => explain(&problem, limits).0,
        decided => decided,
    };
    match verdict {
        Verdict::Explained(explanation) => explanation,
        Verdict::Impossible | Verdict::OutOfSteps => Explanation::default(),
    }
}

/// The operations of `items` by time of invocation, with their places in `order`.
fn placed<M: Model>(items: &[Item<'_, M>], order: &[&Operation<M>]) -> Vec<Placed<M>> {
    let mut operations: Vec<_> = items.iter().map(|item| item.operation).collect();
    operations.sort_by_key(|operation| (operation.invoked, operation.returned()));
    let place = |operation: &Operation<M>| {
        let index = order.iter().position(|&placed| std::ptr::eq(placed, operation));
        index.map(|index| index + 1)
    };
    let with_place = |o: &Operation<M>| Placed { operation: o.clone(), place: place(o) };
    operations.into_iter().map(with_place).collect()
}

impl<M: Model> fmt::Display for Violation<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { key, at, before, operations, total, state } = self;
        let count = operations.len();
        let end = millis(*at);
        writeln!(f, "key {key:?} is not linearizable: no order explains all answers up to {end}")?;
        writeln!(
            f,
            "({count} of its {total} operations; place: in an order that explains the others)"
        )?;
        if let Some(Before { operations, state }) = before {
            writeln!(f, "{operations} operations come first and leave it at {state}; then")?;
        }
        let headings = ("place", "client", "invoked", "returned", "operation");
        let (place, client, invoked, returned, operation) = headings;
        writeln!(f, "{place:>5}  {client:<6} {invoked:<14} {returned:<14} {operation}")?;
        for Placed { operation, place } in operations {
            let place = place.map_or_else(|| "-".to_owned(), |place| place.to_string());
            let is_last = operation.returned() == Some(*at);
            let mark = if is_last { "   <- last answer" } else { "" };
            writeln!(f, "{place:>5}  {operation}{mark}")?;
        }
        write!(f, "that order leaves it at {state}")
    }
}
