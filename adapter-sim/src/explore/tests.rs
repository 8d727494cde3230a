//! What the explorer leaves out is nothing.

use super::Bounds;
use super::place::{Fate, Input, Pace};
use super::search::Search;
use super::step::Answers;
use std::collections::BTreeSet;

/// What nodes become, by any names, and how far the cluster comes.
fn reached(bounds: &Bounds, answers: Answers) -> (BTreeSet<u64>, Vec<bool>, u64) {
    let mut search = Search::<3, 6>::new(bounds, answers);
    let report = search.run(&mut |_| {}).unwrap();
    let kinds = (0..search.catalogue.spots() as u32)
        .map(|number| search.catalogue.spot(number).lanes.into_iter().min().unwrap_or_default());
    let far = report.reached.as_flattened().iter().map(|&states| states > 0).collect();
    (kinds.collect(), far, report.states)
}

#[test]
fn answers_ahead_of_their_time_lose_nothing() {
    let elections = Bounds { timeouts: 2, ..Bounds::of_nothing(3) };
    let crash = Bounds { timeouts: 1, crashes: 1, slow: 1, ..Bounds::of_nothing(3) };
    let command = Bounds { timeouts: 1, commands: 1, beats: 1, ..Bounds::of_nothing(3) };
    for bounds in [elections, crash, command] {
        let (kinds, far, states) = reached(&bounds, Answers::InTurn);
        let (fewer_kinds, as_far, fewer) = reached(&bounds, Answers::Ahead);
        assert_eq!(far, as_far);
        assert_eq!(kinds, fewer_kinds);
        assert!(fewer < states / 2, "{fewer} instead of {states}");
    }
}

/// Nodes of one sketch are one for the explorer: they do the same, whatever happens to them.
#[test]
fn nodes_of_one_sketch_do_the_same() {
    let bounds = Bounds {
        terms: 2,
        commands: 1,
        crashes: 1,
        timeouts: 3,
        beats: 1,
        slow: 1,
        states: 20_000,
        ..Bounds::default()
    };
    let mut search = Search::<3, 6>::new(&bounds, Answers::Ahead);
    search.run(&mut |_| {}).unwrap();
    let catalogue = &search.catalogue;
    let doubles = std::mem::take(&mut *catalogue.doubles.lock().unwrap());
    assert!(doubles.len() > 1_000, "{}", doubles.len());
    let inputs = [Input::Silence, Input::Beat, Input::Persisted, Input::Crash(Fate::Lost)];
    let inputs = inputs.into_iter().chain([Input::Proposal, Input::Crash(Fate::Kept)]);
    let inputs: Vec<_> =
        inputs.chain(catalogue.all_letters().into_iter().map(Input::Datagram)).collect();
    for (at, (number, double)) in doubles.iter().enumerate() {
        // Each with some of all.
        for input in inputs.iter().skip(at % 7).step_by(7) {
            let pace = if at % 2 == 0 { Pace::Prompt } else { Pace::Slow };
            let [one, other] = catalogue.compare(*number, double, *input, pace);
            assert_eq!(one, other, "{input:?}");
        }
    }
}
