//! Some seeds in each run of the tests; the binary runs as many as one likes.

use adapter_sim::{Options, Tally, record, replay, run};

/// What need not happen in two hundred runs: it is not a fault, but an end that is allowed.
const RARE: [&str; 2] = ["waits_for_all", "exhausted"];

#[test]
fn safety_under_faults_and_liveness_after() {
    let mut total = Tally::default();
    for seed in 0..200 {
        match run(seed, &Options::default()) {
            Ok(report) => total.add(&report.tally),
            Err(failure) => panic!("{failure:?}"),
        }
    }
    for (counter, times) in total.counters() {
        let rare = RARE.contains(&counter);
        assert!(rare || times > 0, "never happened: {counter}");
    }
}

#[test]
fn what_was_drawn_can_be_played_again() {
    let (outcome, tape) = record(3, &Options::default());
    let (again, same) = replay(tape.clone(), &Options::default());
    assert_eq!(outcome.unwrap().trace, again.unwrap().trace);
    assert_eq!(tape, same);
}

#[test]
fn the_same_seed_gives_the_same_trace() {
    let trace = |seed| run(seed, &Options::default()).unwrap().trace;
    for seed in 0..5 {
        assert_eq!(trace(seed), trace(seed));
    }
    assert_ne!(trace(1), trace(2));
}
