//! Corrupts a history so that it cannot be linearizable any more: what finds no fault with the
//! result would find none with anything.

use std::time::Duration;

use adapter_sim::linearizability::models::kv::{Call, Reply};

use super::history::{Completion, Operation};

/// The histories that come of corrupting `operations` in different ways, with what was done.
///
/// # Panics
///
/// If there is no opportunity for one of them.
pub fn falsified(operations: &[Operation]) -> Vec<(&'static str, Vec<Operation>)> {
    let ways: [(&str, Way); 3] = [
        ("a read of a value that had been overwritten", stale_read),
        ("a write that was read and said to have failed", denied_write),
        ("two increments to the same number", doubled_number),
    ];
    let mut all = Vec::new();
    for (name, way) in ways {
        let falsified = way(operations).unwrap_or_else(|| panic!("no opportunity for {name}"));
        all.push((name, falsified));
    }
    all
}

/// A way to corrupt a history, if there is an opportunity.
type Way = fn(&[Operation]) -> Option<Vec<Operation>>;

/// A word that only one operation writes, and none makes by counting.
fn word(operation: &Operation) -> Option<&str> {
    match &operation.call {
        Call::Set(value) if value.starts_with('c') => Some(value),
        _ => None,
    }
}

fn returned(operation: &Operation) -> Option<Duration> {
    match operation.completion {
        Completion::Ok { at, .. } => Some(at),
        Completion::Unknown | Completion::Failed => None,
    }
}

/// Whether `first` had returned when `second`, on the same key, was invoked.
fn precedes(first: &Operation, second: &Operation) -> bool {
    first.key == second.key && returned(first).is_some_and(|at| at < second.invoked)
}

/// Finds writes `old` and `new` and a read, each after the other, and has the read see `old`.
fn stale_read(operations: &[Operation]) -> Option<Vec<Operation>> {
    let is_overwritten_before = |old: &Operation, read: &Operation| {
        let between = |new: &Operation| precedes(old, new) && precedes(new, read);
        operations.iter().any(|new| matches!(new.call, Call::Set(_)) && between(new))
    };
    for old in operations {
        let Some(value) = word(old) else { continue };
        let is_victim = |read: &Operation| {
            let is_read = read.call == Call::Get && returned(read).is_some();
            is_read && precedes(old, read) && is_overwritten_before(old, read)
        };
        if let Some(victim) = operations.iter().position(is_victim) {
            let reply = Reply::Value(Some(value.to_owned()));
            return Some(with_reply(operations, victim, reply));
        }
    }
    None
}

/// Finds a read of a word, and has the only write of it fail.
fn denied_write(operations: &[Operation]) -> Option<Vec<Operation>> {
    let is_read = |write: &Operation, value: &str| {
        operations.iter().filter(|o| o.key == write.key).any(|o| match &o.completion {
            Completion::Ok { reply: Reply::Value(Some(seen)), .. } => seen == value,
            _ => false,
        })
    };
    let is_victim = |write: &Operation| word(write).is_some_and(|value| is_read(write, value));
    let victim = operations.iter().position(is_victim)?;
    let mut all = operations.to_vec();
    all[victim].completion = Completion::Failed;
    Some(all)
}

/// Finds two increments and only increments or reads around them, and has both write the same.
fn doubled_number(operations: &[Operation]) -> Option<Vec<Operation>> {
    let number = |o: &Operation| match o.completion {
        Completion::Ok { reply: Reply::Number(number), .. } => Some(number),
        _ => None,
    };
    for first in operations.iter().filter(|o| number(o).is_some()) {
        let follows = |o: &Operation| precedes(first, o) && number(o) > number(first);
        let Some(second) = operations.iter().position(follows) else { continue };
        // What could bring the number back: any write that may be after the first one began.
        let may_rewrite = |o: &&Operation| {
            let counts = matches!(o.call, Call::Get | Call::Incr);
            let is_over = returned(o).is_some_and(|at| at < first.invoked);
            o.key == first.key && !counts && !is_over && o.completion != Completion::Failed
        };
        let ends = returned(&operations[second])?;
        if operations.iter().filter(may_rewrite).all(|o| o.invoked > ends) {
            return Some(with_reply(operations, second, Reply::Number(number(first)?)));
        }
    }
    None
}

/// The same but for the reply to one of the operations.
fn with_reply(operations: &[Operation], victim: usize, new: Reply) -> Vec<Operation> {
    let mut all = operations.to_vec();
    match &mut all[victim].completion {
        Completion::Ok { reply, .. } => *reply = new,
        Completion::Unknown | Completion::Failed => unreachable!("it was chosen as answered"),
    }
    all
}
