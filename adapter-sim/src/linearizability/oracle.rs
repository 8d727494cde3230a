//! The definition of linearizability, tried out by brute force, and histories to compare the
//! checker with it. It shares no code with the checker: not the model, not the search.

use std::time::Duration;

use super::check::{CheckError, Cut, check, items};
use super::dice::Rng;
use super::history::{Completion, Operation};
use super::models::kv::{Call, Reply};
use super::problem::{Problem, Verdict};
use super::{search, sweep};

/// Whether some order of all answered and any unknown operations explains all answers.
fn is_linearizable(operations: &[Operation]) -> bool {
    let answered: Vec<_> = filtered(operations, |c| matches!(c, Completion::Ok { .. }));
    let unknown: Vec<_> = filtered(operations, |c| matches!(c, Completion::Unknown));
    (0..1_u32 << unknown.len()).any(|present| {
        let kept = unknown.iter().enumerate().filter(|(bit, _)| present >> bit & 1 == 1);
        let mut chosen = answered.clone();
        chosen.extend(kept.map(|(_, operation)| *operation));
        some_order_explains(&mut chosen, 0, None)
    })
}

fn filtered(all: &[Operation], wanted: impl Fn(&Completion) -> bool) -> Vec<&Operation> {
    all.iter().filter(|operation| wanted(&operation.completion)).collect()
}

/// Tries all orders of `operations[fixed..]` after those before, which leave `value`.
fn some_order_explains(operations: &mut [&Operation], fixed: usize, value: Option<&str>) -> bool {
    if fixed == operations.len() {
        return true;
    }
    for next in fixed..operations.len() {
        operations.swap(fixed, next);
        let (first, rest) = (operations[fixed], &operations[fixed + 1..]);
        let ok = rest.iter().all(|other| !ended_before(other, first))
            && match outcome(value, first) {
                Some(after) => some_order_explains(operations, fixed + 1, after.as_deref()),
                None => false,
            };
        operations.swap(fixed, next);
        if ok {
            return true;
        }
    }
    false
}

fn ended_before(one: &Operation, other: &Operation) -> bool {
    matches!(one.completion, Completion::Ok { at, .. } if at < other.invoked)
}

/// The value after `operation`, or `None` if its answer is not what it gets from `value`.
fn outcome(value: Option<&str>, operation: &Operation) -> Option<Option<String>> {
    let (after, reply) = serve(value, &operation.call);
    match &operation.completion {
        Completion::Ok { reply: seen, .. } if *seen != reply => None,
        _ => Some(after),
    }
}

/// A second model of the store.
fn serve(value: Option<&str>, call: &Call) -> (Option<String>, Reply) {
    let old = value.map(String::from);
    match (call, value) {
        (Call::Set(new), _) => (Some(new.clone()), Reply::Done),
        (Call::Get, _) => (old.clone(), Reply::Value(old)),
        (Call::Del, None) => (None, Reply::Removed(0)),
        (Call::Del, Some(_)) => (None, Reply::Removed(1)),
        (Call::Incr, None) => (Some("1".to_owned()), Reply::Number(1)),
        (Call::Incr, Some(text)) => match text.parse::<i64>().map(|n| n.checked_add(1)) {
            Ok(Some(number)) => (Some(number.to_string()), Reply::Number(number)),
            Ok(None) | Err(_) => (old, Reply::Refused),
        },
    }
}

fn random_value(rng: &mut Rng) -> String {
    ["1", "2", "x"][usize::try_from(rng.below(3)).unwrap()].to_owned()
}

fn random_call(rng: &mut Rng) -> Call {
    match rng.below(8) {
        0..3 => Call::Set(random_value(rng)),
        3..5 => Call::Get,
        5..7 => Call::Incr,
        _ => Call::Del,
    }
}

/// An answer of the right kind, but otherwise arbitrary.
fn random_reply(rng: &mut Rng, call: &Call) -> Reply {
    match call {
        Call::Set(_) => Reply::Done,
        Call::Get if rng.below(4) == 0 => Reply::Value(None),
        Call::Get => Reply::Value(Some(random_value(rng))),
        Call::Incr if rng.below(4) == 0 => Reply::Refused,
        Call::Incr => Reply::Number(i64::try_from(rng.below(4)).unwrap() + 1),
        Call::Del => Reply::Removed(rng.below(2)),
    }
}

/// One to seven operations on one key, with the answers of a store that does each at some time
/// within its interval (unknown ones perhaps not at all); then perhaps with one answer changed.
/// Times are few, so that many coincide.
fn random_history(rng: &mut Rng) -> Vec<Operation> {
    let count = 1 + rng.below(7);
    let unknown_of_8 = 2 * rng.below(3);
    let mut instants: Vec<(u64, u64, Operation)> = Vec::new();
    for client in 0..count {
        let invoked = rng.below(12);
        let length = rng.below(6);
        let instant = invoked + rng.below(length + 1);
        let call = random_call(rng);
        let completion = match rng.below(8) {
            draw if draw < unknown_of_8 => Completion::Unknown,
            7 => Completion::Failed,
            _ => {
                let at = Duration::from_millis(invoked + length);
                Completion::Ok { reply: Reply::Done, at }
            }
        };
        let (key, invoked) = ("k".to_owned(), Duration::from_millis(invoked));
        let operation = Operation { client, key, call, invoked, completion };
        instants.push((instant, rng.next_u64(), operation));
    }
    instants.sort_by_key(|&(instant, tie, _)| (instant, tie));

    let mut value: Option<String> = None;
    for (_, _, operation) in &mut instants {
        let (after, true_reply) = serve(value.as_deref(), &operation.call);
        match &mut operation.completion {
            Completion::Failed => continue,
            Completion::Unknown if rng.below(2) == 0 => continue,
            Completion::Unknown => {}
            Completion::Ok { reply, .. } => *reply = true_reply,
        }
        value = after;
    }
    let mut operations: Vec<_> = instants.into_iter().map(|(_, _, operation)| operation).collect();
    operations.sort_by_key(|operation| operation.client);
    let changed = usize::try_from(rng.below(2 * count)).unwrap();
    if let Some(Operation { call, completion: Completion::Ok { reply, .. }, .. }) =
        operations.get_mut(changed)
    {
        *reply = random_reply(rng, call);
    } else if rng.below(2) == 0
        && let Some(Operation { call, completion, invoked, .. }) = operations.last_mut()
    {
        let reply = random_reply(rng, call);
        *completion = Completion::Ok { reply, at: *invoked + Duration::from_millis(3) };
    }
    operations
}

fn listed(operations: &[Operation]) -> String {
    operations.iter().map(|operation| format!("{operation}\n")).collect()
}

/// Whether both searches find an explanation, each by itself.
fn is_explained_by_both(operations: &[Operation]) -> [bool; 2] {
    let items = items(&operations.iter().collect::<Vec<_>>(), Cut::Nowhere);
    let problem = Problem::new(&items);
    [search::search(&problem, u64::MAX).0, sweep::sweep(&problem, u64::MAX).0].map(|verdict| {
        match verdict {
            Verdict::Explained => true,
            Verdict::Impossible(partial) => {
                explains_its_answers(&partial.order, partial.state.as_deref());
                false
            }
            Verdict::OutOfSteps => panic!("no limit was set"),
        }
    })
}

/// Checks that the order shown with a violation is one, as far as it goes.
fn explains_its_answers(order: &[&Operation], state: Option<&str>) {
    let mut value: Option<String> = None;
    for (index, operation) in order.iter().enumerate() {
        assert!(!order[index..].iter().any(|later| ended_before(later, operation)));
        value = outcome(value.as_deref(), operation).expect("its answer is explained");
    }
    assert_eq!(value.as_deref(), state);
}

#[test]
fn the_checker_agrees_with_brute_force() {
    let mut rng = Rng::new(0x5EED);
    let (mut good, mut bad) = (0, 0);
    for round in 0..25_000 {
        let history = random_history(&mut rng);
        let expected = is_linearizable(&history);
        let found = check(&history);
        match (&found, expected) {
            (Ok(_), true) => good += 1,
            (Err(CheckError::NotLinearizable(_)), false) => bad += 1,
            _ => panic!("round {round}: oracle {expected}, {found:?}\n{}", listed(&history)),
        }
        let both = is_explained_by_both(&history);
        assert_eq!(both, [expected; 2], "round {round}\n{}", listed(&history));
    }
    println!("{good} linearizable, {bad} not");
    assert!(good > 5_000 && bad > 5_000, "{good} linearizable, {bad} not");
}

#[test]
fn a_violation_is_cut_at_the_first_answer_that_shows_it() {
    let mut rng = Rng::new(0xC07);
    let mut shortened = 0;
    for _ in 0..5_000 {
        let history = random_history(&mut rng);
        let Err(CheckError::NotLinearizable(violation)) = check(&history) else { continue };
        let cut_after = |end: Duration| {
            let seen = history.iter().filter(|o| o.invoked <= end).cloned();
            let forget = |mut o: Operation| {
                if matches!(o.completion, Completion::Ok { at, .. } if at > end) {
                    o.completion = Completion::Unknown;
                }
                o
            };
            seen.map(forget).collect::<Vec<_>>()
        };
        assert!(!is_linearizable(&cut_after(violation.at)), "{violation}");
        let just_before = violation.at.checked_sub(Duration::from_nanos(1));
        let before = just_before.map(cut_after).unwrap_or_default();
        assert!(is_linearizable(&before), "{violation}");
        shortened += usize::from(violation.operations.len() < history.len());
    }
    assert!(shortened > 500, "only {shortened} violations were shortened");
}
