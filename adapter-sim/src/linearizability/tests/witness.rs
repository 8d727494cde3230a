//! Proposed orders: what they may be, held against the definition and the searches.

use std::time::Duration;

use super::super::models::kv::{Call, Reply, Text};
use super::super::models::list::List;
use super::super::models::register::Register;
use super::super::{
    CheckError, Completion, Flaw, Limits, Operation, OperationId, check, check_witnessed, explains,
};
use super::dice::Dice;
use super::oracle::{ended_before, is_linearizable, outcome};
use super::small::{explanation, random_history};
use super::subject::Subject;

const NO_SEARCH: Limits = Limits { max_steps: 0 };

const fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

fn on(key: &str, (invoked, at): (u64, u64), call: Call, reply: Reply) -> Operation<Text> {
    let completion = Completion::Ok { reply, at: ms(at) };
    Operation { client: 1, key: key.to_owned(), call, invoked: ms(invoked), completion }
}

fn set(key: &str, times: (u64, u64), value: &str) -> Operation<Text> {
    on(key, times, Call::Set(value.to_owned()), Reply::Done)
}

fn get(key: &str, times: (u64, u64), value: &str) -> Operation<Text> {
    on(key, times, Call::Get, Reply::Value(Some(value.to_owned())))
}

fn ended(completion: Completion<Reply>, operation: Operation<Text>) -> Operation<Text> {
    Operation { completion, ..operation }
}

fn order(numbers: &[usize]) -> Vec<OperationId> {
    numbers.iter().copied().map(OperationId).collect()
}

#[test]
fn what_overlaps_may_be_in_any_order_that_explains_the_answers() {
    let history = [set("k", (0, 9), "a"), set("k", (0, 9), "b"), get("k", (9, 9), "a")];
    assert_eq!(explains(&history, &order(&[1, 0, 2])), Ok(()));
    assert_eq!(explains(&history, &order(&[1, 2, 0])), Err(Flaw::OtherAnswer));
    assert_eq!(explains(&history, &order(&[0, 1, 2])), Err(Flaw::OtherAnswer));
}

#[test]
fn what_had_returned_comes_before_what_was_invoked_then() {
    let history = [set("k", (0, 1), "a"), set("k", (2, 3), "b")];
    assert_eq!(explains(&history, &order(&[0, 1])), Ok(()));
    assert_eq!(explains(&history, &order(&[1, 0])), Err(Flaw::OutOfTime));
    // Also behind something that took long.
    let history = [set("k", (0, 1), "a"), set("k", (2, 9), "b"), set("k", (0, 9), "c")];
    assert_eq!(explains(&history, &order(&[0, 1, 2])), Ok(()));
    assert_eq!(explains(&history, &order(&[1, 2, 0])), Err(Flaw::OutOfTime));
    // What never returned was invoked, too.
    let late = ended(Completion::Unknown, set("k", (2, 2), "b"));
    let history = [set("k", (0, 1), "a"), late];
    assert_eq!(explains(&history, &order(&[1, 0])), Err(Flaw::OutOfTime));
    // At the same time is not before.
    let history = [set("k", (0, 2), "a"), set("k", (2, 3), "b")];
    assert_eq!(explains(&history, &order(&[1, 0])), Ok(()));
}

#[test]
fn all_that_was_answered_is_there_once_and_nothing_that_failed() {
    let failed = ended(Completion::Failed, set("k", (0, 0), "b"));
    let unknown = ended(Completion::Unknown, set("k", (0, 0), "c"));
    let history = [set("k", (0, 1), "a"), failed, unknown];
    assert_eq!(explains(&history, &order(&[0])), Ok(()));
    assert_eq!(explains(&history, &order(&[0, 2])), Ok(()));
    assert_eq!(explains(&history, &order(&[2])), Err(Flaw::Missing));
    assert_eq!(explains(&history, &[]), Err(Flaw::Missing));
    assert_eq!(explains(&history, &order(&[0, 0])), Err(Flaw::Twice));
    assert_eq!(explains(&history, &order(&[0, 2, 2])), Err(Flaw::Twice));
    assert_eq!(explains(&history, &order(&[0, 1])), Err(Flaw::Failed));
    // What is wrong first is told, though an answer is missing, too.
    assert_eq!(explains(&history, &order(&[1])), Err(Flaw::Failed));
    assert_eq!(explains(&history, &order(&[0, 3])), Err(Flaw::Stranger));
    assert_eq!(explains(&history, &order(&[usize::MAX, 0])), Err(Flaw::Stranger));
    assert_eq!(explains::<Text>(&[], &[]), Ok(()));
}

#[test]
fn what_returned_before_it_was_invoked_is_never_explained() {
    let history = [set("k", (5, 4), "a")];
    assert_eq!(explains(&history, &order(&[0])), Err(Flaw::OutOfTime));
    let checked = check_witnessed(&history, &order(&[0]), Limits::default());
    assert!(matches!(checked, Err(CheckError::Malformed(_))));
}

#[test]
fn keys_are_looked_at_one_by_one() {
    // In this order what was first on one key comes after what was last on another.
    let mut history = vec![set("x", (8, 9), "a"), get("y", (2, 3), "b"), set("y", (0, 1), "b")];
    assert_eq!(explains(&history, &order(&[0, 2, 1])), Ok(()));
    assert_eq!(explains(&history, &order(&[0, 1, 2])), Err(Flaw::OtherAnswer));
    // A search is made only for the key that is not explained, and finds out.
    let checked = check_witnessed(&history, &order(&[0, 1, 2]), Limits::default()).unwrap();
    assert_eq!((checked.keys, checked.witnessed, checked.steps), (2, 1, 2));
    let without = check_witnessed(&history, &order(&[0, 1, 2]), NO_SEARCH);
    assert!(matches!(without, Err(CheckError::TooLarge { key, .. }) if key == "y"));
    // What no order explains is told as without a proposal.
    history.push(get("y", (4, 5), "c"));
    let told = check(&history).unwrap_err();
    for numbers in [&[0, 2, 1, 3][..], &[0, 1, 2, 3], &[0]] {
        let checked = check_witnessed(&history, &order(numbers), Limits::default());
        assert_eq!(checked.unwrap_err().to_string(), told.to_string());
    }
}

/// The definition of what an order must be, one pair of operations at a time.
fn holds_by_definition<S: Subject>(history: &[Operation<S>], order: &[usize]) -> bool {
    let is_placed = |number: &usize| order.contains(number);
    let is_right = |(number, operation): (usize, &Operation<S>)| match operation.completion {
        Completion::Ok { .. } => is_placed(&number),
        Completion::Unknown => true,
        Completion::Failed => !is_placed(&number),
    };
    if !history.iter().enumerate().all(is_right) {
        return false;
    }
    let mut value = S::Value::default();
    for (place, &number) in order.iter().enumerate() {
        let Some(operation) = history.get(number) else { return false };
        let later = &order[place + 1..];
        let is_wrong = |&other: &usize| {
            other == number || history.get(other).is_none_or(|other| ended_before(other, operation))
        };
        let Some(after) = outcome(&value, operation) else { return false };
        if later.iter().any(is_wrong) {
            return false;
        }
        value = after;
    }
    true
}

/// An order of some operations: what a search has found, or all; then perhaps changed.
fn random_order<S: Subject>(history: &[Operation<S>], dice: &mut Dice) -> Vec<usize> {
    let mut order = explanation(history).unwrap_or_else(|| (0..history.len()).collect());
    for _ in 0..dice.below(4) {
        let (one, other) = (dice.index(order.len() + 1), dice.index(order.len() + 1));
        let number = dice.index(history.len() + 1);
        match dice.below(6) {
            0..3 if one.max(other) < order.len() => order.swap(one, other),
            3 if one < order.len() => _ = order.remove(one),
            4 if !dice.one_in(4) => order.retain(|placed| *placed != number),
            _ => order.insert(one, number),
        }
    }
    order
}

#[track_caller]
fn agrees_with_the_definition<S: Subject>(seed: u64, rounds: u32) {
    let mut dice = Dice::new(seed);
    let (mut held, mut broken, mut hopeless) = (0, 0, 0);
    for round in 0..rounds {
        let history = random_history::<S>(&mut dice);
        let linearizable = is_linearizable(&history, &S::Value::default());
        for _ in 0..4 {
            let numbers = random_order(&history, &mut dice);
            let proposed = order(&numbers);
            let holds = explains(&history, &proposed).is_ok();
            let expected = holds_by_definition(&history, &numbers);
            assert_eq!(holds, expected, "round {round}: {numbers:?} of {history:?}");
            // An order that holds is a proof; one that does not changes no verdict.
            assert!(linearizable || !holds, "round {round}: {numbers:?} of {history:?}");
            let checked = check_witnessed(&history, &proposed, Limits::default());
            assert_eq!(checked.is_ok(), linearizable, "round {round}: {numbers:?}, {history:?}");
            let proven = check_witnessed(&history, &proposed, NO_SEARCH).is_ok();
            assert!(proven || !holds, "round {round}: {numbers:?} of {history:?}");
            held += u32::from(holds);
            broken += u32::from(linearizable && !holds);
            hopeless += u32::from(!linearizable);
        }
    }
    println!("{held} held, {broken} were broken, {hopeless} hopeless");
    let few = held.min(broken).min(hopeless);
    assert!(few > rounds / 2, "{held} held, {broken} were broken, {hopeless} hopeless");
}

#[test]
fn an_order_of_texts_holds_as_defined() {
    agrees_with_the_definition::<Text>(0x0DE2, 6_000);
}

#[test]
fn an_order_of_registers_holds_as_defined() {
    agrees_with_the_definition::<Register<u64>>(0x0DE2, 6_000);
}

#[test]
fn an_order_of_lists_holds_as_defined() {
    agrees_with_the_definition::<List<u64>>(0x0DE2, 6_000);
}

#[test]
fn what_the_search_finds_holds() {
    let mut dice = Dice::new(0xF1D);
    let mut found = 0;
    for _ in 0..3_000 {
        let history = random_history::<Text>(&mut dice);
        let Some(numbers) = explanation(&history) else { continue };
        assert_eq!(explains(&history, &order(&numbers)), Ok(()), "{numbers:?} of {history:?}");
        found += 1;
    }
    assert!(found > 1_000, "only {found} histories were explained");
}
