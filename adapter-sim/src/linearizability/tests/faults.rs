//! A store with a fault is found out, and one without is not accused.

use super::super::models::kv::Text;
use super::super::models::list::List;
use super::super::models::register::Register;
use super::super::{CheckError, Violation};
use super::clients::{Fault, Scene, play};
use super::oracle::is_linearizable;
use super::small::cut_after;
use super::subject::Subject;

const SCENE: Scene =
    Scene { clients: 4, keys: 2, operations: 1_500, unknown_of: 40, values: 8, fault: Fault::None };

const FAULTS: [Fault; 5] =
    [Fault::StaleRead, Fault::LostWrite, Fault::DoneTwice, Fault::DoneLate, Fault::Undone];

/// The violation that a store with this fault is found out by.
fn violation<S: Subject>(fault: Fault, seed: u64) -> Violation<S> {
    match play::<S>(Scene { fault, ..SCENE }, seed).check() {
        Err(CheckError::NotLinearizable(violation)) => *violation,
        other => panic!("{fault:?} is not found out with seed {seed}: {other:?}"),
    }
}

/// What is shown of a violation proves it: from the state it begins with, no order explains it.
fn is_proof<S: Subject>(violation: &Violation<S>) {
    let shown: Vec<_> =
        violation.operations.iter().map(|placed| placed.operation.clone()).collect();
    let first = violation.before.as_ref().map(|before| before.state.value()).unwrap_or_default();
    assert!(!is_linearizable(&cut_after(&shown, violation.at), &first), "{violation}");
}

fn finds_out<S: Subject>() {
    let (mut shortened, mut longest) = (0, 0);
    for seed in 0..10 {
        let history = play::<S>(SCENE, seed);
        let summary = history.check().unwrap_or_else(|error| panic!("{error}"));
        assert!(summary.unknown > 0, "{summary:?}");
        for fault in FAULTS {
            let violation = violation::<S>(fault, seed);
            println!("{fault:?}, seed {seed}: {violation}\n");
            longest = longest.max(violation.operations.len());
            // What brute force can do.
            if violation.operations.len() <= 16 {
                is_proof(&violation);
                shortened += usize::from(violation.before.is_some());
            }
        }
    }
    println!("{shortened} shortened, the longest has {longest} operations");
    assert!(shortened > 20, "only {shortened} violations were shortened");
    assert!(longest < 40, "it has {longest} operations");
}

#[test]
fn faults_of_a_store_of_texts_are_found_out() {
    finds_out::<Text>();
}

#[test]
fn faults_of_a_register_are_found_out() {
    finds_out::<Register<u64>>();
}

#[test]
fn faults_of_a_list_are_found_out() {
    finds_out::<List<u64>>();
}
