//! What the counters of [`raft_nostd::Metrics`] say they count.

use crate::common::solo::{Solo, conflict};
use crate::common::{Disk, at};

fn resent(solo: &Solo) -> u64 {
    solo.me.raft.metrics().resent
}

/// "Appends sent because an answer did not come in time": of each follower, at each heartbeat.
#[test]
fn resent_counts_appends_whose_answer_did_not_come() {
    let mut solo = Solo::new(3);
    solo.lead_and_commit();
    solo.deadline();
    assert_eq!((solo.sent().len(), resent(&solo)), (2, 0), "a heartbeat is nothing sent again");
    solo.propose(b"x");
    solo.steps();
    solo.acknowledge(3);
    solo.pass(100);
    assert_eq!(resent(&solo), 1);
    solo.steps();
    solo.pass(100);
    assert_eq!(resent(&solo), 2);
    solo.acknowledge(2);
    solo.steps();
    solo.pass(100);
    assert_eq!(resent(&solo), 2);
}

/// What a follower lacks from before the log comes with a snapshot: that is no append.
#[test]
fn resent_counts_nothing_that_is_compacted() {
    let mut solo = Solo::from(2, Disk::after(at(1, 5), 1, 0, &[]));
    solo.lead();
    solo.steps();
    solo.hear(2, conflict(solo.term(), 5, at(0, 0)));
    solo.steps();
    let before = resent(&solo);
    for _ in 0..3 {
        solo.pass(100);
        solo.steps();
    }
    assert_eq!(resent(&solo), before);
}
