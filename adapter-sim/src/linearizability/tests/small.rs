//! Small random histories: the checker must say what the definition says.

use std::time::Duration;

use super::super::check::{Cut, items};
use super::super::models::kv::Text;
use super::super::models::list::List;
use super::super::models::register::Register;
use super::super::problem::{Explanation, Problem, Verdict};
use super::super::{CheckError, Completion, Operation, check, search, sweep};
use super::dice::Dice;
use super::oracle::{ended_before, is_linearizable, outcome};
use super::subject::Subject;

/// One to seven operations on one key, with the answers of a store that does each at some time
/// within its interval (unknown ones perhaps not at all); then perhaps with one answer changed.
/// Times are few, so that many coincide.
pub fn random_history<S: Subject>(dice: &mut Dice) -> Vec<Operation<S>> {
    let count = 1 + dice.below(7);
    let unknown_of_8 = 2 * dice.below(3);
    let mut instants = Vec::new();
    for client in 0..count {
        let (invoked, length) = (dice.below(12), dice.below(6));
        let instant = invoked + dice.below(length + 1);
        let call = S::random_call(dice, 3);
        let completion = match dice.below(8) {
            draw if draw < unknown_of_8 => Completion::Unknown,
            7 => Completion::Failed,
            _ => {
                let reply = S::random_reply(dice, &call);
                Completion::Ok { reply, at: Duration::from_millis(invoked + length) }
            }
        };
        let (key, invoked) = ("k".to_owned(), Duration::from_millis(invoked));
        let operation = Operation { client, key, call, invoked, completion };
        instants.push((instant, dice.next_u64(), operation));
    }
    instants.sort_by_key(|&(instant, tie, _)| (instant, tie));
    let mut operations: Vec<_> = instants.into_iter().map(|(_, _, operation)| operation).collect();
    answer_truly(&mut operations, dice);
    operations.sort_by_key(|operation| operation.client);
    perhaps_lie(&mut operations, dice);
    operations
}

/// Gives all operations that have an answer the one they get if done in this order.
fn answer_truly<S: Subject>(operations: &mut [Operation<S>], dice: &mut Dice) {
    let mut value = S::Value::default();
    for operation in operations {
        let (after, true_reply) = S::serve(&value, &operation.call);
        match &mut operation.completion {
            Completion::Failed => continue,
            Completion::Unknown if dice.one_in(2) => continue,
            Completion::Unknown => {}
            Completion::Ok { reply, .. } => *reply = true_reply,
        }
        value = after;
    }
}

/// In some histories, changes one answer, or invents one to the last operation.
fn perhaps_lie<S: Subject>(operations: &mut [Operation<S>], dice: &mut Dice) {
    let changed = dice.index(2 * operations.len());
    if let Some(Operation { call, completion: Completion::Ok { reply, .. }, .. }) =
        operations.get_mut(changed)
    {
        *reply = S::random_reply(dice, call);
    } else if dice.one_in(2)
        && let Some(Operation { call, completion, invoked, .. }) = operations.last_mut()
    {
        let reply = S::random_reply(dice, call);
        *completion = Completion::Ok { reply, at: *invoked + Duration::from_millis(3) };
    }
}

fn listed<S: Subject>(operations: &[Operation<S>]) -> String {
    operations.iter().map(|operation| format!("{operation}\n")).collect()
}

/// The order in which the search explains a history, by the numbers of the operations.
pub fn explanation<S: Subject>(operations: &[Operation<S>]) -> Option<Vec<usize>> {
    let problem = Problem::new(&items(&operations.iter().collect::<Vec<_>>(), Cut::Nowhere));
    let Verdict::Explained(found) = search::search(&problem, u64::MAX).0 else { return None };
    let number = |placed: &&Operation<S>| operations.iter().position(|o| std::ptr::eq(o, *placed));
    found.order.iter().map(number).collect()
}

/// Whether both searches find an explanation, each by itself.
fn is_explained_by_both<S: Subject>(operations: &[Operation<S>]) -> [bool; 2] {
    let problem = Problem::new(&items(&operations.iter().collect::<Vec<_>>(), Cut::Nowhere));
    [search::search(&problem, u64::MAX).0, sweep::sweep(&problem, u64::MAX).0].map(|verdict| {
        match verdict {
            Verdict::Explained(explanation) => {
                explains_all_answers(&explanation, operations);
                true
            }
            Verdict::Impossible => false,
            Verdict::OutOfSteps => panic!("no limit was set"),
        }
    })
}

/// Checks that the order that is said to explain all answers does.
fn explains_all_answers<S: Subject>(
    Explanation { order, state, .. }: &Explanation<'_, S>,
    operations: &[Operation<S>],
) {
    let is_placed = |operation: &Operation<S>| order.iter().any(|o| std::ptr::eq(*o, operation));
    let mut answered = operations.iter().filter(|operation| operation.returned().is_some());
    assert!(answered.all(is_placed));
    let mut value = S::Value::default();
    for (index, operation) in order.iter().enumerate() {
        assert!(!order[index..].iter().any(|later| ended_before(later, operation)));
        value = outcome(&value, operation).expect("its answer is explained");
    }
    assert_eq!(value, state.value());
}

#[track_caller]
fn agrees_with_brute_force<S: Subject>(seed: u64, rounds: u32) {
    let mut dice = Dice::new(seed);
    let (mut good, mut bad) = (0, 0);
    for round in 0..rounds {
        let history = random_history::<S>(&mut dice);
        let expected = is_linearizable(&history, &S::Value::default());
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
    assert!(good > rounds / 5 && bad > rounds / 5, "{good} linearizable, {bad} not");
}

// 100,000 histories in all.

#[test]
fn the_checker_agrees_with_brute_force_on_texts() {
    agrees_with_brute_force::<Text>(0x5EED, 34_000);
}

#[test]
fn the_checker_agrees_with_brute_force_on_registers() {
    agrees_with_brute_force::<Register<u64>>(0x5EED, 33_000);
}

#[test]
fn the_checker_agrees_with_brute_force_on_lists() {
    agrees_with_brute_force::<List<u64>>(0x5EED, 33_000);
}

/// What was known of `history` right after `end`.
pub fn cut_after<S: Subject>(history: &[Operation<S>], end: Duration) -> Vec<Operation<S>> {
    let seen = history.iter().filter(|o| o.invoked <= end).cloned();
    let forget = |mut o: Operation<S>| {
        if o.returned().is_some_and(|at| at > end) {
            o.completion = Completion::Unknown;
        }
        o
    };
    seen.map(forget).collect()
}

#[test]
fn a_violation_is_cut_at_the_first_answer_that_shows_it() {
    let mut dice = Dice::new(0xC07);
    let mut shortened = 0;
    for _ in 0..5_000 {
        let history = random_history::<Text>(&mut dice);
        let Err(CheckError::NotLinearizable(violation)) = check(&history) else { continue };
        assert!(!is_linearizable(&cut_after(&history, violation.at), &None), "{violation}");
        let just_before = violation.at.checked_sub(Duration::from_nanos(1));
        let before = just_before.map(|end| cut_after(&history, end)).unwrap_or_default();
        assert!(is_linearizable(&before, &None), "{violation}");
        shortened += usize::from(violation.operations.len() < history.len());
    }
    assert!(shortened > 500, "only {shortened} violations were shortened");
}
