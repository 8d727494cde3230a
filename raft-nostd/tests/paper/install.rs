//! §5.3: what a follower makes of a snapshot that it has no use for.

use crate::common::solo::{Solo, acknowledged, append, verdict};
use crate::common::{Disk, at, ids};
use raft_nostd::wire::{Install, Message};
use raft_nostd::{Halt, Index, Manifest, Membership, Position, Term};

/// From a leader of `term`, of three, that has a snapshot up to `last`; no chunk comes along.
fn install(term: u64, last: Position) -> Message {
    let membership = Membership::initial(&ids(3));
    let manifest = Manifest { last, membership, chunks: 1, bytes: 8, crc: 7 };
    Message::Install(Install { term: Term(term), round: 0, manifest, chunk: 1 })
}

/// A follower in term 2, with three entries of term 1 behind `base`, of which two are committed.
fn follower(base: Position) -> Solo {
    let mut solo = Solo::from(3, Disk::after(base, 2, 0, &[1, 1, 1]));
    let last = at(1, base.index.0 + 3);
    solo.hear_append(2, append(2, last, base.index.0 + 2), &[]);
    solo.steps();
    solo
}

/// §3.6.3 (State Machine Safety): a snapshot of anything else than what is committed halts the node.
#[test]
fn a_snapshot_that_contradicts_what_is_committed_halts() {
    for index in [1, 2] {
        let mut solo = follower(Position::ZERO);
        let (ours, theirs) = (at(1, index), at(2, index));
        solo.hear(2, install(2, theirs));
        assert_eq!(solo.me.raft.halted(), Some(Halt::CommittedConflict { ours, theirs }));
    }
}

/// What is not committed may make way for a snapshot.
#[test]
fn a_snapshot_may_contradict_what_is_not_committed() {
    let mut solo = follower(Position::ZERO);
    solo.hear(2, install(2, at(2, 3)));
    assert_eq!(solo.me.raft.halted(), None);
    let said = solo.said_to(2);
    assert!(matches!(said, Message::InstallReply(_)), "{said:?}");
}

/// §5.3: a snapshot of what is in the log already, committed or not, or compacted away, is not taken:
/// the log is acknowledged instead.
#[test]
fn a_snapshot_of_what_is_here_is_passed_over() {
    for (base, last) in [(at(0, 0), 2), (at(0, 0), 3), (at(1, 5), 5), (at(1, 5), 4)] {
        let mut solo = follower(base);
        solo.hear(2, install(2, at(1, last)));
        assert_eq!(solo.me.raft.halted(), None);
        let end = base.index.0 + 3;
        assert_eq!(verdict(solo.said_to(2)), acknowledged(end, end), "up to {last} after {base}");
        assert_eq!(solo.me.raft.commit(), Index(last.max(base.index.0 + 2)));
    }
}
