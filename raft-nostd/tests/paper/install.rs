//! §5.3: what a follower makes of a snapshot that it has no use for.

use crate::common::solo::{Solo, acknowledged, append, verdict};
use crate::common::{CLUSTER, Disk, at, id, ids};
use raft_nostd::wire::{self, Envelope, Install, InstallReply, Message, Receipt};
use raft_nostd::{
    Duration, Halt, Index, Life, Manifest, Membership, Position, Received, Refused, Role,
    SnapshotFailure, Term,
};

/// Eight election timeouts: so long is a snapshot that could not be stored not tried again.
const MILLIS_DECLINED: u64 = 8_000;

/// From a leader of `term`, of three, that has a snapshot up to `last`; no chunk comes along.
fn install(term: u64, last: Position) -> Message {
    let membership = Membership::initial(&ids(3));
    let manifest = Manifest { last, membership, chunks: 1, bytes: 8, crc: 7 };
    Message::Install(Install { term: Term(term), round: 0, manifest, chunk: 1 })
}

/// The first chunk of a snapshot up to 1@5.
fn first_chunk() -> Vec<u8> {
    let Message::Install(install) = install(1, at(1, 5)) else { unreachable!() };
    let install = Install { chunk: 0, ..install };
    let life = Life { incarnation: 2, boot: 1, nonce: 1 };
    let envelope = Envelope { cluster: CLUSTER, sender: id(2), receiver: id(1), life };
    let mut out = vec![0; wire::OVERHEAD_MAX + 64];
    let chunk_at = wire::encode_install(&envelope, &install, &mut out).unwrap();
    let len = wire::seal(&mut out, chunk_at + 8).unwrap();
    out.truncate(len);
    out
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

/// Who could not store a chunk takes none for a while, and then begins again.
#[test]
fn a_declined_snapshot_is_not_taken_before_its_time() {
    let mut solo = Solo::new(3);
    let chunk = first_chunk();
    let Ok(Received::Chunk(out)) = solo.me.raft.handle_datagram(solo.now, &chunk) else {
        panic!("the first chunk is wanted");
    };
    let declined_at = solo.now;
    solo.me.raft.handle_chunk_failed(declined_at, out.ticket, SnapshotFailure::Full).unwrap();
    for millis in [0, 1, MILLIS_DECLINED - 1] {
        solo.now = declined_at.plus(Duration::from_millis(millis));
        let taken = solo.me.raft.handle_datagram(solo.now, &chunk);
        assert_eq!(taken, Ok(Received::Heard), "after {millis} ms");
        let said = solo.said_to(2);
        let Message::InstallReply(reply) = said else { panic!("{said:?}") };
        assert_eq!((reply.receipt, reply.chunks), (Receipt::Declined, 0));
    }
    solo.now = declined_at.plus(Duration::from_millis(MILLIS_DECLINED));
    let taken = solo.me.raft.handle_datagram(solo.now, &chunk);
    assert!(matches!(taken, Ok(Received::Chunk(_))), "{taken:?}");
}

/// §5.3: what overtook an earlier chunk is not taken, and the answer says that one is missing.
#[test]
fn a_gap_is_told() {
    let mut solo = Solo::new(3);
    solo.hear(2, install(1, at(1, 5)));
    let Message::InstallReply(gap) = solo.said_to(2) else { panic!("no answer") };
    assert_eq!((gap.receipt, gap.chunks), (Receipt::Gap, 0));
    solo.me.raft.handle_datagram(solo.now, &first_chunk()).map(drop).unwrap();
    let Message::InstallReply(taken) = solo.said_to(2) else { panic!("no answer") };
    assert_eq!(taken.receipt, Receipt::Taken);
}

/// The answer of a follower in `term`, to a snapshot that this leader has not.
fn reply(term: u64, round: u64) -> Message {
    let last = at(1, 5);
    let receipt = Receipt::Taken;
    Message::InstallReply(InstallReply {
        term: Term(term),
        round,
        last,
        crc: 7,
        chunks: 1,
        receipt,
    })
}

/// §6.4: nobody can answer to a round that this leader has not asked for; that of another term is not
/// this leader's.
#[test]
fn an_answer_to_a_round_that_was_not_asked_for_is_refused() {
    let mut solo = Solo::from(3, Disk::new(4, 0, &[]));
    solo.lead_and_commit();
    assert_eq!(solo.try_hear(2, reply(5, 99), &[]), Err(Refused::Contradiction));
    assert_eq!(solo.try_hear(2, reply(4, 99), &[]), Ok(()));
    assert_eq!(solo.try_hear(2, reply(5, 0), &[]), Ok(()));
    assert_eq!(solo.try_hear(2, reply(6, 99), &[]), Ok(()));
    assert_eq!((solo.role(), solo.term()), (Role::Follower, 6));
    assert_eq!(solo.try_hear(2, reply(6, 99), &[]), Ok(()));
}

/// §6.2: an answer of an older term does not show that the follower hears this leader.
#[test]
fn a_stale_answer_keeps_nobody_in_office() {
    for (term, role) in [(4, Role::Follower), (5, Role::Leader)] {
        let mut solo = Solo::from(2, Disk::new(4, 0, &[]));
        solo.lead_and_commit();
        solo.pass(600);
        solo.hear(2, reply(term, 0));
        solo.pass(500);
        assert_eq!(solo.role(), role, "an answer of term {term}");
    }
}
