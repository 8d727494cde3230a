//! Bounded exploration of the real core, as much of it as fits into a test run. `EXPLORE.md` tells of larger
//! runs.

use adapter_sim::explore::{Bounds, Ending, Failure, Report, explore};

fn closed(bounds: &Bounds) -> Report {
    let report = explore(bounds).unwrap_or_else(|failure| panic!("{failure}"));
    assert_eq!(report.ending, Ending::Closed, "{report:?}");
    report
}

/// Whether some state had leaders in so many terms and so many entries committed.
fn has(report: &Report, leaders: usize, committed: usize) -> bool {
    report.reached[leaders][committed] > 0
}

#[test]
fn two_elections() {
    let report = closed(&Bounds { terms: 2, timeouts: 2, ..Bounds::of_nothing(3) });
    assert!(has(&report, 2, 2) && !has(&report, 2, 3), "{report:?}");
}

#[test]
fn a_command_while_all_campaign() {
    let report = closed(&Bounds { timeouts: 3, commands: 1, ..Bounds::of_nothing(3) });
    assert!(has(&report, 1, 2), "{report:?}");
}

#[test]
fn a_crash_and_a_slow_medium() {
    let report = closed(&Bounds { timeouts: 1, crashes: 1, slow: 1, ..Bounds::of_nothing(3) });
    assert!(has(&report, 1, 1), "{report:?}");
}

#[test]
fn elections_of_five() {
    let report = closed(&Bounds { timeouts: 1, ..Bounds::of_nothing(5) });
    assert!(has(&report, 1, 1), "{report:?}");
}

#[test]
fn everything_at_once_as_far_as_it_goes() {
    let bounds = Bounds { depth: 7, ..Bounds::default() };
    let report = explore(&bounds).unwrap_or_else(|failure| panic!("{failure}"));
    assert_eq!((report.ending, report.levels.len()), (Ending::DepthReached, 8));
    assert!(report.states > 10_000, "{report:?}");
}

/// A disk that forgets is what Raft does not survive: the explorer must see that, and tell the shortest way
/// there.
#[test]
fn a_forgetful_disk_is_found_out() {
    let bounds = Bounds { timeouts: 2, wipes: 1, ..Bounds::of_nothing(3) };
    let failure = explore(&bounds).expect_err("a vote is forgotten");
    let Failure::Violation(violation) = failure else { panic!("{failure}") };
    let told = violation.to_string();
    assert!(told.contains("leads term 1 without durable votes for it"), "{told}");
    assert!(told.contains("crashes and starts again with an empty disk"), "{told}");
    assert!(told.contains("   5. ") && !told.contains("   6. "), "{told}");
}

#[test]
fn bounds_have_bounds() {
    let refused = |bounds| matches!(explore(&bounds), Err(Failure::Bounds(_)));
    assert!(refused(Bounds::of_nothing(0)) && refused(Bounds::of_nothing(6)));
    assert!(refused(Bounds { terms: 0, ..Bounds::of_nothing(3) }));
    assert!(refused(Bounds { terms: 7, commands: 2, ..Bounds::of_nothing(3) }));
}
