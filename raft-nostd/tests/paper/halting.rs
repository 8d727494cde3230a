//! DESIGN §7 (9): what contradicts the commit index stops the node, with a typed event.

use crate::common::solo::{Solo, append, vote_request};
use crate::common::{Disk, Step, at};
use raft_nostd::{Event, Halt, Index, Instant, ProposeError, ReadError, Role};

fn halts(solo: &mut Solo, why: Halt) {
    let steps = solo.steps();
    assert_eq!(
        steps.iter().find(|s| matches!(s, Step::Tell(_))),
        Some(&Step::Tell(Event::Halted(why)))
    );
    assert_eq!(solo.me.raft.halted(), Some(why));
    assert_eq!(solo.role(), Role::Follower);
    assert_eq!(solo.me.wake_at, Instant::NEVER);
    assert_eq!(solo.me.raft.propose(solo.now, b"x"), Err(ProposeError::Halted));
    assert_eq!(solo.me.raft.read(solo.now), Err(ReadError::Halted));
    solo.pass(100_000);
    assert!(solo.steps().is_empty(), "it says nothing any more");
}

/// Committed through 3; the terms are 1, 2, 2, 2.
fn committed() -> Solo {
    let mut solo = Solo::from(3, Disk::new(2, 0, &[1, 2, 2, 2]));
    solo.hear(2, append(2, at(2, 4), 3));
    solo.steps();
    assert_eq!(solo.me.raft.commit(), Index(3));
    solo
}

/// §3.6.3 (Leader Completeness): the leaders of later terms have all committed entries. One that
/// sends another entry in the place of one stops this node, and overwrites nothing.
#[test]
fn an_entry_in_the_place_of_a_committed_one() {
    let mut solo = committed();
    solo.hear_append(3, append(4, at(1, 1), 0), &[2, 4]);
    let why = Halt::CommittedConflict { ours: at(2, 3), theirs: at(4, 3) };
    halts(&mut solo, why);
    assert_eq!(solo.me.terms(), [1, 2, 2, 2]);
}

/// §3.5 (Log Matching): a `prev` that differs from a committed entry.
#[test]
fn a_position_that_contradicts_a_committed_one() {
    let mut solo = committed();
    solo.hear(3, append(4, at(1, 2), 0));
    halts(&mut solo, Halt::CommittedConflict { ours: at(2, 2), theirs: at(1, 2) });
}

/// What is not committed may be replaced.
#[test]
fn a_conflict_behind_the_commit_index_is_no_contradiction() {
    let mut solo = committed();
    solo.hear_append(3, append(4, at(2, 3), 0), &[4]);
    assert_eq!(solo.me.raft.halted(), None);
    assert_eq!(solo.me.terms(), [1, 2, 2, 4]);
}

/// What an old leader says contradicts nothing: it is stale.
#[test]
fn a_stale_contradiction_is_only_stale() {
    let mut solo = committed();
    solo.hear_append(3, append(1, at(0, 0), 0), &[1, 1]);
    assert_eq!(solo.me.raft.halted(), None);
    assert_eq!(solo.said_to(3).term().0, 2);
}

/// A node that halted keeps what it had promised: after a restart its vote is still given.
#[test]
fn a_restart_after_a_halt_keeps_the_vote() {
    let mut solo = committed();
    solo.pass(1_100);
    solo.hear(2, vote_request(5, at(4, 9)));
    solo.steps();
    solo.hear_append(2, append(5, at(1, 2), 0), &[]);
    solo.steps();
    assert!(solo.me.raft.halted().is_some());
    solo.restart();
    assert_eq!(solo.me.raft.halted(), None);
    assert_eq!(solo.me.raft.hard_state().vote, Some(crate::common::id(2)));
}
