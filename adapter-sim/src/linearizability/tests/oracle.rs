//! The definition of linearizability, tried out by brute force. It shares no code with the
//! checker: not the model, not the search.

use super::super::{Completion, Operation};
use super::subject::Subject;

/// Whether some order of all answered and any unknown operations explains all answers, if the
/// key has this value at first.
pub fn is_linearizable<S: Subject>(operations: &[Operation<S>], first: &S::Value) -> bool {
    let filtered = |wanted: fn(&Completion<S::Reply>) -> bool| {
        operations.iter().filter(|o| wanted(&o.completion)).collect::<Vec<_>>()
    };
    let answered = filtered(|completion| matches!(completion, Completion::Ok { .. }));
    let unknown = filtered(|completion| matches!(completion, Completion::Unknown));
    (0..1_u32 << unknown.len()).any(|present| {
        let kept = unknown.iter().enumerate().filter(|(bit, _)| present >> bit & 1 == 1);
        let mut chosen = answered.clone();
        chosen.extend(kept.map(|(_, operation)| *operation));
        some_order_explains(&mut chosen, 0, first)
    })
}

/// Tries all orders of `operations[fixed..]` after those before, which leave `value`.
fn some_order_explains<S: Subject>(
    operations: &mut [&Operation<S>],
    fixed: usize,
    value: &S::Value,
) -> bool {
    if fixed == operations.len() {
        return true;
    }
    for next in fixed..operations.len() {
        operations.swap(fixed, next);
        let (first, rest) = (operations[fixed], &operations[fixed + 1..]);
        let ok = rest.iter().all(|other| !ended_before(other, first))
            && outcome(value, first)
                .is_some_and(|after| some_order_explains(operations, fixed + 1, &after));
        operations.swap(fixed, next);
        if ok {
            return true;
        }
    }
    false
}

/// Whether `one` was over before `other` began.
pub fn ended_before<S: Subject>(one: &Operation<S>, other: &Operation<S>) -> bool {
    matches!(one.completion, Completion::Ok { at, .. } if at < other.invoked)
}

/// The value after `operation`, or `None` if its answer is not what it gets from `value`.
pub fn outcome<S: Subject>(value: &S::Value, operation: &Operation<S>) -> Option<S::Value> {
    let (after, reply) = S::serve(value, &operation.call);
    match &operation.completion {
        Completion::Ok { reply: seen, .. } if *seen != reply => None,
        _ => Some(after),
    }
}
