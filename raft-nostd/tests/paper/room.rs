//! DESIGN §4: a leader takes no command that a majority has no room for. It could not be committed
//! before the followers compact; where they cannot, for want of a place for their snapshots, what
//! would help (a command that makes the state smaller, say) could not be committed either.

use crate::common::solo::{Solo, append, verdict, vote_request};
use crate::common::{Disk, Net, Options, at};
use crate::full::{CAPACITY, UNCOMMITTED, few_bytes, few_entries};
use raft_nostd::frame::{OVERHEAD_MAX, encoded_len};
use raft_nostd::wire::{AppendReply, Message, Room, Verdict};
use raft_nostd::{Duration, Index, Term};

/// A log of 1,024 entries, of which 128 are a reserve.
const RESERVE: Room = Room { entries: 128, bytes: 128 * OVERHEAD_MAX as u32 };
const PLENTY: Room = Room { entries: 900, bytes: 1 << 20 };

/// A follower has all through `index`, and `room` behind that.
fn with_room(index: u64, room: Room) -> Message {
    let verdict = Verdict::Matched { durable: Index(index), received: Index(index) };
    Message::AppendReply(AppendReply { term: Term(1), round: 0, verdict, room })
}

/// A leader of three with an open term, and nothing left to say.
fn leader() -> Solo {
    let mut solo = Solo::new(3);
    solo.lead_and_commit();
    solo
}

/// "free room in replies": to the entry, and to the byte.
#[test]
fn a_command_needs_room_at_a_majority() {
    let frame = encoded_len(at(1, 2), 100).unwrap() as u32;
    let exact = Room { entries: RESERVE.entries + 1, bytes: RESERVE.bytes + frame };
    let too_few = Room { entries: exact.entries - 1, ..PLENTY };
    let too_short = Room { bytes: exact.bytes - 1, ..PLENTY };
    for (room, taken) in [(exact, true), (too_few, false), (too_short, false)] {
        let mut solo = leader();
        solo.hear(2, with_room(1, room));
        solo.hear(3, with_room(1, Room { entries: 0, bytes: 0 }));
        let result = solo.me.raft.propose(solo.now, &[7; 100]);
        assert_eq!(result, if taken { Ok(at(1, 2)) } else { CAPACITY }, "{room:?}");
        let mut solo = leader();
        solo.hear(2, with_room(1, room));
        solo.hear(3, with_room(1, PLENTY));
        solo.me.raft.propose(solo.now, &[7; 100]).expect("one of them and this node are two");
    }
}

/// What is on its way takes its room.
#[test]
fn what_is_under_way_takes_room_at_a_follower() {
    let mut solo = leader();
    let frame = encoded_len(at(1, 2), 100).unwrap() as u32;
    let room = Room { bytes: RESERVE.bytes + 2 * frame + frame / 2, ..PLENTY };
    for peer in [2, 3] {
        solo.hear(peer, with_room(1, room));
    }
    assert_eq!(solo.propose(&[7; 100]), at(1, 2));
    assert_eq!(solo.propose(&[7; 100]), at(1, 3));
    let refused = solo.me.raft.propose(solo.now, &[7; 100]);
    assert_eq!(refused, UNCOMMITTED, "those before it are not committed yet");
    let less = Room { bytes: RESERVE.bytes + frame / 2, ..PLENTY };
    solo.steps();
    solo.hear(2, with_room(3, less));
    assert_eq!(solo.me.raft.propose(solo.now, &[7; 100]), CAPACITY, "all is committed");
    solo.hear(2, with_room(3, room));
    assert_eq!(solo.propose(&[7; 100]), at(1, 4), "it has compacted its log");
}

/// Who was not heard from for an election timeout may be dead, however much room it had.
#[test]
fn the_room_of_who_is_not_heard_does_not_count() {
    let mut solo = leader();
    let full = Room { entries: 0, bytes: 0 };
    solo.hear(2, with_room(1, PLENTY));
    solo.hear(3, with_room(1, full));
    let timeout = Duration::from_millis(Options::default().election_ms);
    solo.now = solo.now.plus(Duration::from_micros(timeout.as_micros() - 1));
    solo.hear(3, with_room(1, full));
    solo.propose(b"x");
    solo.steps();
    solo.hear(3, with_room(2, full));
    solo.now = solo.now.plus(Duration::from_micros(1));
    assert_eq!(solo.me.raft.propose(solo.now, b"x"), CAPACITY);
    solo.hear(2, with_room(2, PLENTY));
    solo.propose(b"x");
}

/// After a stall nobody was heard for long. That says nothing of their logs: try again.
#[test]
fn after_a_stall_a_log_is_not_called_full() {
    let mut solo = leader();
    let timeout = Duration::from_millis(Options::default().election_ms);
    solo.now = solo.now.plus(timeout);
    assert_eq!(solo.me.raft.propose(solo.now, b"x"), UNCOMMITTED);
    solo.hear(2, with_room(1, PLENTY));
    solo.propose(b"x");
}

/// A new leader does not know yet, and takes commands at once, where its own log has plenty of room.
/// In one that is half full it waits for the answers, which is one round trip.
#[test]
fn in_a_log_that_is_half_full_room_must_be_known() {
    let mut solo = Solo::with(3, Disk::new(1, 0, &[1; 6]), &few_entries());
    solo.lead();
    solo.propose(b"x");
    let mut solo = Solo::with(3, Disk::default(), &few_entries());
    solo.hear_append(2, append(1, at(0, 0), 9), &[1; 9]);
    solo.lead();
    assert_eq!(solo.me.raft.propose(solo.now, b"x"), UNCOMMITTED);
    let room = Room { entries: 7, bytes: 1_000 };
    let verdict = Verdict::Matched { durable: Index(9), received: Index(9) };
    let term = solo.me.raft.term();
    solo.hear(2, Message::AppendReply(AppendReply { term, round: 0, verdict, room }));
    solo.propose(b"x");
}

/// A follower whose entries are compacted away will have an empty log: that of the snapshot.
#[test]
fn a_follower_that_is_sent_a_snapshot_will_have_room() {
    let mut solo = leader();
    solo.hear(2, with_room(1, Room { entries: 1, bytes: 100 }));
    solo.hear(3, with_room(1, PLENTY));
    for _ in 0..600 {
        solo.propose(b"x");
        solo.steps();
        let last = solo.me.raft.last().index.0;
        solo.hear(3, with_room(last, PLENTY));
    }
    solo.hear(3, with_room(601, Room { entries: 0, bytes: 0 }));
    solo.hear(2, with_room(1, Room { entries: 1, bytes: 100 }));
    assert_eq!(solo.me.raft.propose(solo.now, b"x"), CAPACITY);
    solo.compact();
    solo.propose(b"x");
}

/// What a follower holds between what it has for sure and where this log begins, nobody knows: it takes
/// room there, and none here. (Found by adapter-sim, seed 2865.)
#[test]
fn room_behind_what_is_compacted_away_says_nothing() {
    let mut solo = Solo::with(3, Disk::default(), &few_entries());
    solo.lead_and_commit();
    let plenty = Room { entries: 16, bytes: 16 * 1_024 };
    let last = |solo: &Solo| solo.me.raft.last().index.0;
    for round in 0..16 {
        if round == 8 {
            solo.compact();
        }
        solo.propose(b"x");
        solo.steps();
        solo.hear(3, with_room(last(&solo), plenty));
    }
    let (base, free) = (solo.me.raft.base().index.0, solo.me.raft.room().entries);
    assert!(base > 1 && (4..8).contains(&free), "begins behind {base}, {free} are free");
    solo.hear(3, with_room(last(&solo), Room { entries: 0, bytes: 0 }));
    solo.hear(2, with_room(1, plenty));
    assert_eq!(solo.me.raft.propose(solo.now, b"x"), CAPACITY);
    solo.hear(2, with_room(base, plenty));
    solo.propose(b"x");
}

/// Room that a snapshot makes is told at once, and not with the next heartbeat.
#[test]
fn a_follower_tells_the_room_that_a_snapshot_makes() {
    let mut solo = Solo::with(3, Disk::default(), &few_entries());
    solo.hear_append(2, append(1, at(0, 0), 12), &[1; 12]);
    solo.me.drain(solo.now);
    let Message::AppendReply(before) = solo.said_to(2) else { panic!() };
    solo.compact();
    let Message::AppendReply(after) = solo.said_to(2) else { panic!() };
    assert_eq!(after.verdict, before.verdict);
    assert_eq!((before.room.entries, after.room.entries), (4, 14), "but for a little of it");
}

/// ... if anybody leads, and waits for nothing else.
#[test]
fn room_is_told_to_a_leader_alone() {
    let mut solo = Solo::with(3, Disk::default(), &few_entries());
    solo.hear_append(2, append(1, at(0, 0), 12), &[1; 12]);
    solo.now = solo.now.plus(Duration::from_millis(Options::default().election_ms));
    solo.hear(3, vote_request(2, at(1, 12)));
    solo.steps();
    solo.compact();
    assert!(solo.said().is_empty(), "nobody leads");
    let mut solo = Solo::with(3, Disk::default(), &few_entries());
    solo.hear_append(2, append(1, at(0, 0), 12), &[1; 12]);
    solo.steps();
    solo.hear_append(2, append(1, at(1, 13), 12), &[]);
    solo.compact();
    assert!(matches!(verdict(solo.said_to(2)), Verdict::Conflict { .. }), "it has no entry 13");
}

/// The whole story: three nodes whose logs begin at different places, and nobody can compact any
/// more. Everything that was taken is committed, and so is what makes the state smaller.
#[test]
fn all_that_is_taken_is_committed_where_logs_begin_at_different_places() {
    let mut net = Net::with(3, &few_bytes());
    let leader = net.elect();
    net.run(10);
    for step in 0..12 {
        net.propose(leader, &[step; 200]);
        net.settle();
    }
    net.run(500);
    let now = net.now;
    net.node(leader).compact(now);
    let (mut taken, mut waited) = (0, 0);
    loop {
        let now = net.now;
        match net.node(leader).raft.propose(now, &[1; 200]) {
            Ok(_) => taken += 1,
            CAPACITY => break,
            UNCOMMITTED => net.run(100),
            other => panic!("{other:?}"),
        }
        waited += 1;
        assert!(waited < 1_000, "neither taken nor refused for good: {taken} were taken");
    }
    net.run(500);
    let raft = &net.node(leader).raft;
    assert_eq!(raft.commit(), raft.last().index, "all {taken} are committed");
    net.propose(leader, b"the cure");
    net.run(500);
    let raft = &net.node(leader).raft;
    assert_eq!(raft.commit(), raft.last().index);
}
