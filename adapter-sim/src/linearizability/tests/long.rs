//! Long histories, and how much work they are.

use std::time::{Duration, Instant};

use super::super::models::kv::{Call, Reply, Text};
use super::super::models::list::{self, List};
use super::super::models::register::Register;
use super::super::{CheckError, History};
use super::clients::{Fault, Scene, play};
use super::subject::Subject;

const SCENE: Scene = Scene {
    clients: 8,
    keys: 5,
    operations: 10_000,
    unknown_of: 60,
    values: 8,
    fault: Fault::None,
};

/// Every operation has to be placed, and not many are tried in vain.
fn is_little_work<S: Subject>(values: u64) {
    for seed in 0..2 {
        let history = play::<S>(Scene { values, ..SCENE }, seed);
        let began = Instant::now();
        let summary = history.check().unwrap_or_else(|error| panic!("{error}"));
        println!("{summary:?} in {:?}", began.elapsed());
        assert_eq!(summary.keys, 5);
        assert!(summary.unknown > 100, "{summary:?}");
        assert!(summary.steps < 200_000, "{summary:?}");
    }
}

#[test]
fn a_long_history_of_texts() {
    is_little_work::<Text>(8);
    is_little_work::<Text>(1_000_000);
}

#[test]
fn a_long_history_of_registers() {
    is_little_work::<Register<u64>>(8);
    is_little_work::<Register<u64>>(1_000_000);
}

#[test]
fn a_long_history_of_lists() {
    is_little_work::<List<u64>>(8);
    is_little_work::<List<u64>>(1_000_000);
}

/// The last reads are wrong, so that all that can be done with the unknown operations before them
/// has to be ruled out.
#[test]
fn the_last_of_many_answers_is_found_to_be_wrong() {
    for seed in 0..2 {
        let scene = Scene { keys: 1, operations: 360, values: 50, ..SCENE };
        let mut history = play::<Text>(scene, seed);
        let end = history.operations().iter().map(|o| o.returned().max(Some(o.invoked))).max();
        let after = |millis| end.flatten().unwrap() + Duration::from_millis(millis);
        for start in [1, 3] {
            let read = history.invoke(9, "k0", Call::Get, after(start));
            history.respond(read, Reply::Value(Some("never".to_owned())), after(start + 1));
        }
        let began = Instant::now();
        let Err(CheckError::NotLinearizable(violation)) = history.check() else {
            panic!("not found");
        };
        println!("{violation}\nin {:?}", began.elapsed());
        assert_eq!((violation.at, violation.total), (after(2), 362));
        let answered = violation.operations.iter().filter(|o| o.operation.returned().is_some());
        let is_placed: Vec<_> = answered.map(|placed| placed.place.is_some()).collect();
        let (last, others) = is_placed.split_last().unwrap();
        assert!(!last && others.iter().all(|&is_placed| is_placed));
    }
}

/// A list never is again what it was, so that no two orders of unknown operations come to the
/// same. Without foresight there would be no end to them.
#[test]
fn unknown_appends_are_not_tried_in_every_order() {
    let mut history = History::<List<u64>>::new();
    let ms = Duration::from_millis;
    for item in 0..30 {
        history.invoke(1, "k", list::Call::Append(item), ms(0));
    }
    for (start, items) in [(1, vec![]), (3, vec![7]), (5, vec![7, 3, 9]), (7, vec![7, 3, 9])] {
        let read = history.invoke(2, "k", list::Call::Read, ms(start));
        history.respond(read, list::Reply::Items(items), ms(start + 1));
    }
    let summary = history.check().unwrap_or_else(|error| panic!("{error}"));
    assert!(summary.steps < 500, "{summary:?}");
    let read = history.invoke(2, "k", list::Call::Read, ms(9));
    history.respond(read, list::Reply::Items(vec![7, 9, 3]), ms(10));
    assert!(matches!(history.check(), Err(CheckError::NotLinearizable(_))));
}
