//! §5.3: a snapshot on its way, chunk by chunk, in a network that delays what it likes.

use crate::common::solo::{Solo, append, conflict};
use crate::common::{BUFFER, CLUSTER, Disk, Options, at, id, ids};
use raft_nostd::wire::{self, Envelope, Install, InstallReply, Message, Receipt};
use raft_nostd::{Config, Life, Manifest, Membership, Output, Position, Received, Term};

/// A snapshot of three chunks through `last`.
fn through(last: Position) -> Manifest {
    let membership = Membership::initial(&ids(3));
    Manifest { last, membership, chunks: 3, bytes: 12, crc: last.index.0 as u32 }
}

/// The leader of `term`, node `from`, sends a chunk of `manifest`. What is asked for is stored.
fn send(solo: &mut Solo, leader: (u32, u64), manifest: Manifest, chunk: u32) {
    send_in(solo, 0, leader, manifest, chunk);
}

/// The same in one of the leader's quorum rounds.
fn send_in(solo: &mut Solo, round: u64, (from, term): (u32, u64), manifest: Manifest, chunk: u32) {
    let life = Life { incarnation: u64::from(from), boot: 1, nonce: 1 };
    let envelope = Envelope { cluster: CLUSTER, sender: id(from), receiver: id(1), life };
    let install = Install { term: Term(term), round, manifest, chunk };
    let mut out = [0; 500];
    let chunk_at = wire::encode_install(&envelope, &install, &mut out).unwrap();
    let len = wire::seal(&mut out, chunk_at + 4).unwrap();
    let received = solo.me.raft.handle_datagram(solo.now, &out[..len]).unwrap();
    if let Received::Chunk(chunk) = received {
        let ticket = chunk.ticket;
        solo.me.raft.handle_chunk_stored(solo.now, ticket).unwrap();
    }
    solo.me.check();
}

/// The snapshot on its way, and how many of its chunks are there.
fn incoming(solo: &Solo) -> Option<(Manifest, u32)> {
    solo.me.raft.incoming_snapshot().map(|(manifest, chunks, _)| (*manifest, chunks))
}

#[test]
fn a_late_chunk_of_an_older_snapshot_does_not_end_the_transfer_of_a_newer_one() {
    let mut solo = Solo::from(3, Disk::new(2, 0, &[]));
    let (older, newer) = (through(Position::new(2, 50)), through(Position::new(2, 90)));
    send(&mut solo, (2, 2), older, 0);
    send(&mut solo, (2, 2), newer, 0);
    send(&mut solo, (2, 2), newer, 1);
    for late in 0..3 {
        send(&mut solo, (2, 2), older, late);
        assert_eq!(incoming(&solo), Some((newer, 2)));
    }
    send(&mut solo, (2, 2), newer, 2);
    assert_eq!(incoming(&solo), Some((newer, 3)));
}

/// Its log has all that is committed, whatever its newest snapshot is of.
#[test]
fn a_later_leader_may_have_an_older_snapshot() {
    let mut solo = Solo::from(3, Disk::new(2, 0, &[]));
    let (older, newer) = (through(Position::new(2, 50)), through(Position::new(2, 90)));
    send(&mut solo, (2, 2), newer, 0);
    send(&mut solo, (3, 3), older, 0);
    assert_eq!(incoming(&solo), Some((older, 1)));
    // What the leader before it sent is of an earlier term now.
    send(&mut solo, (2, 2), newer, 1);
    assert_eq!(incoming(&solo), Some((older, 1)));
}

/// One that goes on with what the leader before it began speaks for its own term.
#[test]
fn a_transfer_that_a_later_leader_goes_on_with_is_its_own() {
    let mut solo = Solo::from(3, Disk::new(2, 0, &[]));
    let (older, newer) = (through(Position::new(2, 50)), through(Position::new(2, 90)));
    send(&mut solo, (2, 2), newer, 0);
    send(&mut solo, (3, 3), newer, 1);
    send(&mut solo, (3, 3), older, 0);
    assert_eq!(incoming(&solo), Some((newer, 2)));
}

/// One that cannot be read is replaced by its like: then the leader's rounds tell which came first.
#[test]
fn a_late_chunk_of_a_snapshot_that_was_replaced_by_its_like_does_not_end_the_transfer_of_that() {
    let mut solo = Solo::from(3, Disk::new(2, 0, &[]));
    let spoilt = through(Position::new(2, 50));
    let like = Manifest { crc: !spoilt.crc, ..spoilt };
    send_in(&mut solo, 7, (2, 2), spoilt, 0);
    send_in(&mut solo, 8, (2, 2), like, 0);
    send_in(&mut solo, 8, (2, 2), like, 1);
    for late in 0..3 {
        send_in(&mut solo, 7, (2, 2), spoilt, late);
        assert_eq!(incoming(&solo), Some((like, 2)));
    }
    // Rounds begin again with each term.
    send_in(&mut solo, 1, (3, 3), spoilt, 0);
    assert_eq!(incoming(&solo), Some((spoilt, 1)));
}

/// It could not read the one before, and has written another (whose chunks are others).
#[test]
fn a_leader_may_replace_its_snapshot_by_another_of_the_same_position() {
    let mut solo = Solo::from(3, Disk::new(2, 0, &[]));
    let unreadable = through(at(2, 50));
    let replacement = Manifest { crc: unreadable.crc + 1, ..unreadable };
    send(&mut solo, (2, 2), unreadable, 0);
    send(&mut solo, (2, 2), replacement, 0);
    assert_eq!(incoming(&solo), Some((replacement, 1)));
}

/// As far as the log may have come meanwhile, by entries that another leader still had.
#[test]
fn a_log_that_comes_as_far_as_a_snapshot_ends_its_transfer() {
    let mut solo = Solo::from(3, Disk::new(2, 0, &[]));
    let manifest = through(at(2, 3));
    send(&mut solo, (2, 2), manifest, 0);
    solo.hear_append(2, append(2, Position::ZERO, 0), &[2, 2]);
    assert_eq!(incoming(&solo), Some((manifest, 1)));
    solo.hear_append(2, append(2, at(2, 2), 0), &[2]);
    assert_eq!(incoming(&solo), None);
}

/// The chunks that a leader sends now to node `to`, until it has nothing more to say.
fn chunks_to(solo: &mut Solo, to: u32) -> Vec<u32> {
    let mut sent = Vec::new();
    let mut buf = [0; BUFFER];
    loop {
        match solo.me.raft.poll_output(solo.now, &mut buf) {
            Output::TransmitChunk(transmit) if transmit.to == id(to) => sent.push(transmit.chunk),
            Output::Idle { .. } => return sent,
            _ => {}
        }
    }
}

/// A leader whose log begins after its snapshot of three chunks, with a follower that needs them.
fn sending(window: u32) -> Solo {
    let options = Options { window, ..Options::default() };
    let mut solo = Solo::with(3, Disk::after(at(1, 50), 1, 0, &[]), &options);
    solo.lead();
    solo.steps();
    solo.me.raft.handle_snapshot_taken(solo.now, &through(at(1, 50))).unwrap();
    solo.hear(2, conflict(2, 50, Position::ZERO)); // It has nothing.
    solo
}

/// Commits do not wait for a snapshot: it gets what is left.
#[test]
fn chunks_come_after_all_else() {
    let mut solo = sending(1 << 20);
    solo.me.raft.propose(solo.now, b"now").unwrap();
    let (mut said, mut buf) = (Vec::new(), [0; BUFFER]);
    loop {
        said.push(match solo.me.raft.poll_output(solo.now, &mut buf) {
            Output::Persist(_) => "persist".to_owned(),
            Output::TransmitChunk(transmit) => format!("chunk {}", transmit.chunk),
            Output::Idle { .. } => break,
            Output::Event(_) => continue,
            other => panic!("{other:?}"),
        });
    }
    assert_eq!(said, ["persist", "chunk 0", "chunk 1", "chunk 2"]);
}

#[test]
fn as_many_chunks_are_on_their_way_as_the_window_has_room_for() {
    let voters = ids(3);
    let config = Config::new(CLUSTER, id(1), &voters);
    let chunk = config.with_max_datagram(Options::default().max_datagram).max_chunk();
    for (window, sent) in [(1, 1), (2 * chunk - 1, 1), (2 * chunk, 2), (9 * chunk, 3)] {
        assert_eq!(chunks_to(&mut sending(window), 2).len(), sent, "{window}");
    }
}

/// Equal positions do not make equal snapshots: each node writes its own.
#[test]
fn an_answer_about_another_snapshot_of_the_same_position_moves_nothing() {
    let options = Options { window: 1, ..Options::default() };
    let mut solo = Solo::with(3, Disk::after(at(1, 50), 1, 0, &[]), &options);
    solo.lead();
    solo.steps();
    let ours = through(at(1, 50));
    solo.me.raft.handle_snapshot_taken(solo.now, &ours).unwrap();
    solo.hear(2, conflict(2, 50, Position::ZERO)); // It has nothing.
    assert_eq!(chunks_to(&mut solo, 2), [0]);
    let reply = |last, crc| {
        let (term, receipt) = (Term(2), Receipt::Taken);
        Message::InstallReply(InstallReply { term, round: 0, last, crc, chunks: 1, receipt })
    };
    for (last, crc) in [(ours.last, ours.crc + 1), (at(1, 49), ours.crc)] {
        solo.hear(2, reply(last, crc));
        assert_eq!(chunks_to(&mut solo, 2), [], "{last}, {crc}");
    }
    solo.hear(2, reply(ours.last, ours.crc));
    assert_eq!(chunks_to(&mut solo, 2), [1]);
}
