//! Some seeds in each run of the tests; the binary runs as many as one likes.

use adapter_sim::{Options, Simulator, Tally};

fn simulator() -> Simulator {
    Simulator::new(Options::default())
}

#[test]
fn safety_under_faults_and_liveness_after() {
    let mut total = Tally::default();
    for seed in 0..200 {
        match simulator().run(seed) {
            Ok(report) => total.add(&report.tally),
            Err(failure) => panic!("{failure:?}"),
        }
    }
    let explained = (total.explained_by_log, total.explained_by_search, total.undecided);
    assert_eq!(explained, (200, 0, 0), "the order of the log explains all that clients saw");
    assert_eq!(total.missing().collect::<Vec<_>>(), Vec::<&str>::new(), "never happened");
}

#[test]
fn what_was_drawn_can_be_played_again() {
    let (outcome, tape) = simulator().record(3);
    let (again, same) = simulator().replay(&tape);
    assert_eq!(outcome.unwrap().trace, again.unwrap().trace);
    assert_eq!(tape, same);
}

#[test]
fn the_same_seed_gives_the_same_trace() {
    let trace = |seed| simulator().run(seed).unwrap().trace;
    for seed in 0..5 {
        assert_eq!(trace(seed), trace(seed));
    }
    assert_ne!(trace(1), trace(2));
}
