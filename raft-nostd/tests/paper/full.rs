//! DESIGN §4: the log, and being full. Full is a state of the protocol, not an accident.

use crate::common::solo::{Solo, append, matched, verdict};
use crate::common::{Disk, Member, Net, Options, Step, at, id, ids};
use raft_nostd::frame::{OVERHEAD_MAX, encoded_len};
use raft_nostd::wire::{AppendReply, Message, Room, Verdict};
use raft_nostd::{Event, Index, LogFull, Position, ProposeError, Term};

pub const CAPACITY: Result<Position, ProposeError> = Err(ProposeError::LogFull(LogFull::Capacity));
pub const UNCOMMITTED: Result<Position, ProposeError> =
    Err(ProposeError::LogFull(LogFull::Uncommitted));

/// A log of 16 entries with bytes in plenty.
pub fn few_entries() -> Options {
    Options { log_entries: 16, log_bytes: 16 * 1_024, ..Options::default() }
}

/// A log of 5,000 bytes of frames, with entries in plenty.
pub fn few_bytes() -> Options {
    let (entries, command) = (256, 200);
    let log_bytes = entries as usize * 16 + 5_000 + command as usize + 30;
    Options { log_entries: entries, log_bytes, max_command: command, ..Options::default() }
}

/// Proposes until it is refused; returns how many were taken, and why no more.
fn fill(solo: &mut Solo, command: &[u8]) -> (u64, Result<Position, ProposeError>) {
    let mut taken = 0;
    loop {
        match solo.me.raft.propose(solo.now, command) {
            Ok(_) => taken += 1,
            refused => return (taken, refused),
        }
    }
}

/// "the uncommitted suffix may fill at most half the ring": in entries.
#[test]
fn what_is_not_committed_fills_at_most_half_the_entries() {
    let mut solo = Solo::with(3, Disk::default(), &few_entries());
    solo.lead_and_commit();
    assert_eq!(fill(&mut solo, b"x"), (8, UNCOMMITTED));
    solo.steps();
    solo.hear(2, matched(1, 4, 0));
    assert_eq!(fill(&mut solo, b"x"), (3, UNCOMMITTED), "as much as was committed since");
    solo.acknowledge(2);
    assert_eq!(fill(&mut solo, b"x").1, CAPACITY);
}

/// ... and in bytes.
#[test]
fn what_is_not_committed_fills_at_most_half_the_bytes() {
    let mut solo = Solo::with(3, Disk::default(), &few_bytes());
    solo.lead_and_commit();
    let capacity = solo.me.raft.capacity().bytes;
    let before = solo.me.raft.room().bytes;
    let (taken, refused) = fill(&mut solo, &[1; 200]);
    assert_eq!(refused, UNCOMMITTED);
    let open = before - solo.me.raft.room().bytes;
    assert!(open <= capacity / 2 && open + 230 > capacity / 2, "{taken}: {open} of {capacity}");
}

/// ... to the byte.
#[test]
fn half_of_the_bytes_is_half_to_the_byte() {
    let mut exact = 0;
    for less in 0..500 {
        let options = Options { log_bytes: few_bytes().log_bytes - less, ..few_bytes() };
        let mut solo = Solo::with(3, Disk::default(), &options);
        solo.lead_and_commit();
        let half = solo.me.raft.capacity().bytes / 2;
        let before = solo.me.raft.room().bytes;
        let (_, refused) = fill(&mut solo, &[1; 200]);
        assert_eq!(refused, UNCOMMITTED);
        let open = before - solo.me.raft.room().bytes;
        let next = solo.me.raft.last().index.next();
        let len = encoded_len(Position { term: Term(1), index: next }, 200).unwrap() as u32;
        assert!(open <= half && open + len > half, "{open} of {half}");
        exact += u32::from(open == half);
    }
    assert!(exact > 0, "half of it can be had");
}

/// A single command fills half of the smallest ring at most: alone it is always taken.
#[test]
fn one_command_is_always_taken_when_nothing_is_open() {
    let options =
        Options { log_entries: 8, log_bytes: 8 * 16 + 840, max_command: 250, ..few_bytes() };
    let mut solo = Solo::with(3, Disk::default(), &options);
    solo.lead_and_commit();
    assert!(solo.me.raft.capacity().bytes <= 2 * 280);
    assert_eq!(fill(&mut solo, &[1; 250]).0, 1);
}

/// "a reserve (no-ops of a run of failed leaderships ...)": commands leave it alone.
#[test]
fn commands_leave_a_reserve() {
    let mut solo = Solo::with(1, Disk::default(), &few_entries());
    solo.lead();
    let mut taken = 1;
    loop {
        let (more, refused) = fill(&mut solo, b"x");
        taken += more;
        solo.steps();
        if refused == CAPACITY {
            break;
        }
    }
    assert_eq!(taken, 14);
    assert_eq!(solo.me.raft.room().entries, 2);
    assert_eq!(solo.me.applied.len(), 13, "all of them are applied");
    assert_eq!(fill(&mut solo, b"x"), (0, CAPACITY), "for good");
}

/// ... in bytes too: no command of any length touches it.
#[test]
fn commands_leave_a_reserve_of_bytes() {
    for command in [0, 1, 50, 200] {
        let mut solo = Solo::with(1, Disk::default(), &few_bytes());
        solo.lead();
        loop {
            let (_, refused) = fill(&mut solo, &vec![1; command]);
            solo.steps();
            if refused == CAPACITY {
                break;
            }
        }
        let Room { entries, bytes } = solo.me.raft.room();
        assert!(entries >= 32 && bytes >= 32 * 30, "{command}: {entries} {bytes}");
    }
}

/// ... which is a quarter of the bytes at most, where there are few of them.
#[test]
fn the_reserve_is_a_quarter_of_the_bytes_at_most() {
    let options = Options { log_entries: 1_024, log_bytes: 1_024 * 16 + 5_230, ..few_bytes() };
    let mut solo = Solo::with(1, Disk::default(), &options);
    solo.lead();
    while fill(&mut solo, &[1; 200]).1 != CAPACITY {
        solo.steps();
    }
    let quarter = solo.me.raft.capacity().bytes / 4;
    let left = solo.me.raft.room().bytes;
    assert!(left >= quarter && left < quarter + 230, "{left}, of which {quarter} are a reserve");
}

/// With a full log a new leader is elected, opens its term from the reserve, commits what there is
/// and answers reads.
#[test]
fn leaders_change_and_reads_go_on_with_a_full_log() {
    let mut net = Net::with(3, &few_entries());
    let mut leader = net.elect();
    net.run(10);
    let now = net.now;
    while net.node(leader).raft.propose(now, b"x") != CAPACITY {
        net.settle();
    }
    for _ in 0..2 {
        net.isolate(leader);
        net.run(8_000);
        net.heal();
        leader = net.elect();
        net.run(500);
        let now = net.now;
        assert_eq!(net.node(leader).raft.propose(now, b"y"), CAPACITY);
        let read = net.node(leader).raft.read(now).unwrap();
        net.settle();
        assert!(net.node(leader).events.contains(&Event::ReadReady(read)));
        for member in &net.members {
            assert_eq!(member.raft.commit(), member.raft.last().index);
        }
    }
    assert!(net.node(leader).raft.room().entries < 2, "the reserve is for that");
}

/// Without room for its no-op a node that is elected says so, and its log stays as it is.
#[test]
fn without_a_reserve_no_term_is_opened_and_it_is_told() {
    let mut solo = Solo::with(3, Disk::new(1, 0, &[1; 16]), &few_entries());
    solo.lead();
    let steps = solo.steps();
    assert!(steps.contains(&Step::Tell(Event::LogFull(LogFull::Capacity))), "{steps:?}");
    assert_eq!(solo.me.terms(), [1; 16]);
}

/// In a log that is half full a term is opened only once a majority has all the rest: leaderships that
/// reach nobody do not fill it.
#[test]
fn a_leader_that_reaches_nobody_leaves_the_room_to_others() {
    let mut solo = Solo::with(3, Disk::new(1, 0, &[1; 7]), &few_entries());
    solo.lead();
    assert_eq!(solo.me.terms().len(), 8, "at once where there is room");
    for free in [1, 2, 8] {
        let entries = vec![1; 16 - free];
        let last = entries.len() as u64;
        let mut solo = Solo::with(3, Disk::new(1, 0, &entries), &few_entries());
        solo.lead();
        let term = solo.me.raft.term().0;
        let told = solo.steps();
        assert!(!told.contains(&Step::Tell(Event::LogFull(LogFull::Capacity))), "{told:?}");
        assert_eq!(solo.me.terms(), entries);
        solo.hear(2, reply_with_room(term, last - 1, 1 + free as u32));
        assert_eq!(solo.me.terms(), entries, "it lacks one");
        solo.hear(2, reply_with_room(term, last, free as u32));
        assert_eq!(solo.me.terms()[entries.len()..], [term]);
        solo.hear(3, reply_with_room(term, last, free as u32));
        assert_eq!(solo.me.terms().len(), entries.len() + 1, "once");
    }
}

/// ... half full of bytes, too, and to the byte; unless the no-op does not fit at all.
#[test]
fn half_full_counts_bytes_to_the_byte() {
    let mut met = [0; 3];
    for (held, less) in (0..400).flat_map(|less| [(12, less), (23, less)]) {
        let options = Options { log_bytes: few_bytes().log_bytes - less, ..few_bytes() };
        let disk = Disk::new(1, 0, &vec![1; held]).with_commands_of(190);
        let mut solo = Solo::with(3, disk, &options);
        let (room, capacity) = (solo.me.raft.room().bytes, solo.me.raft.capacity().bytes);
        if room < OVERHEAD_MAX as u32 {
            continue; // That is for the log to say.
        }
        solo.lead();
        let opened = solo.me.terms().len() > held;
        assert_eq!(opened, room > capacity / 2, "{room} of {capacity}");
        let bounds = [capacity / 2, capacity / 2 + 1, OVERHEAD_MAX as u32];
        for (met, bound) in met.iter_mut().zip(bounds) {
            *met += u32::from(room == bound);
        }
    }
    assert!(met.iter().all(|times| *times > 0), "every bound is met: {met:?}");
}

/// "what fits on one node fits on all of equal capacity", wherever their rings wrap.
#[test]
fn what_fits_on_the_leader_fits_on_every_follower() {
    let mut net = Net::with(3, &few_bytes());
    let leader = net.elect();
    net.run(10);
    let mut taken = 0;
    for step in 0.. {
        let now = net.now;
        let command = vec![step as u8; (step * 37) % 201];
        match net.node(leader).raft.propose(now, &command) {
            Ok(_) => taken += 1,
            Err(ProposeError::LogFull(LogFull::Uncommitted)) => net.settle(),
            Err(_) => break,
        }
    }
    net.run(500);
    for member in &net.members {
        assert_eq!(member.applied.len(), taken);
        assert_eq!(member.raft.room(), net.members[0].raft.room());
    }
}

fn reply_with_room(term: u64, index: u64, entries: u32) -> Message {
    Message::AppendReply(AppendReply {
        term: Term(term),
        round: 0,
        verdict: Verdict::Matched { durable: Index(index), received: Index(index) },
        room: Room { entries, bytes: 1 << 20 },
    })
}

/// "A follower says in each reply how much room it has", and is sent no more.
#[test]
fn a_leader_sends_no_more_than_there_is_room_for() {
    let mut solo = Solo::new(2);
    solo.lead();
    solo.steps();
    for _ in 0..5 {
        solo.propose(b"x");
    }
    solo.hear(2, reply_with_room(1, 1, 2));
    assert_eq!(solo.sent(), [(2, at(1, 1), vec![at(1, 2), at(1, 3)])]);
    solo.hear(2, reply_with_room(1, 3, 0));
    assert!(solo.sent().iter().all(|(_, _, entries)| entries.is_empty()));
    solo.hear(2, reply_with_room(1, 3, 1));
    assert_eq!(solo.sent(), [(2, at(1, 3), vec![at(1, 4)])]);
}

/// A follower whose log is full keeps what it has, says how far that goes, and takes no more.
#[test]
fn a_full_follower_acknowledges_what_it_holds() {
    let mut solo = Solo::with(3, Disk::default(), &few_entries());
    solo.hear_append(2, append(1, at(0, 0), 0), &[1; 20]);
    let Message::AppendReply(reply) = solo.said_to(2) else { panic!() };
    let all = Verdict::Matched { durable: Index(16), received: Index(16) };
    assert_eq!((reply.verdict, reply.room.entries), (all, 0));
    solo.hear_append(2, append(1, at(1, 16), 20), &[1; 4]);
    assert_eq!(verdict(solo.said_to(2)), all);
    assert_eq!(solo.me.raft.commit(), Index(16), "commits what it has proven and no more");
}

/// The room is what there is behind what the reply acknowledges: what follows in the follower's log
/// is the leader's too, or will make way.
#[test]
fn room_counts_from_what_is_acknowledged() {
    let mut solo = Solo::with(3, Disk::new(1, 0, &[1; 16]), &few_entries());
    solo.hear_append(2, append(1, at(1, 3), 0), &[1, 1]);
    let Message::AppendReply(reply) = solo.said_to(2) else { panic!() };
    assert_eq!(reply.verdict, Verdict::Matched { durable: Index(5), received: Index(5) });
    assert_eq!(reply.room.entries, 11);
    let empty = Solo::with(3, Disk::default(), &few_entries()).me.raft.room().bytes;
    let five = Solo::with(3, Disk::new(1, 0, &[1; 5]), &few_entries()).me.raft.room().bytes;
    assert_eq!(reply.room.bytes, five);
    assert!(five < empty);
}

/// A follower that restarts with a full log, after its answers were lost, is not given up: the
/// leader finds out again what it has.
#[test]
fn a_full_follower_that_restarts_is_not_stuck() {
    let options = Options {
        log_entries: 8,
        log_bytes: 2_048,
        max_datagram: 300,
        max_command: 80,
        ..Options::default()
    };
    let disk = |terms| Disk::new(1, 0, terms).with_commands_of(80);
    let mut net = Net::of(&options, vec![disk(&[1; 8]), disk(&[1; 2])]);
    net.lose = vec![10];
    net.stand(1);
    assert_eq!(net.node(1).raft.matched(id(2)), Some(Index(4)), "an answer was lost");
    assert_eq!(net.node(2).raft.last(), at(1, 8), "and the log is full");
    net.restart(2);
    net.run(800);
    assert_eq!(net.leader(), Some(1));
    assert_eq!(net.node(1).raft.matched(id(2)), Some(Index(8)));
    assert_eq!(net.node(2).applied.len(), 8);
}

/// ... of bytes neither: they count from the same place as entries.
#[test]
fn a_leader_sends_no_more_bytes_than_there_is_room_for() {
    let reply = |index, bytes| {
        let verdict = Verdict::Matched { durable: Index(index), received: Index(index) };
        let room = Room { entries: 100, bytes };
        Message::AppendReply(AppendReply { term: Term(1), round: 0, verdict, room })
    };
    let mut solo = Solo::new(2);
    solo.lead();
    solo.steps();
    for _ in 0..5 {
        solo.propose(&[7; 900]);
    }
    solo.hear(2, reply(1, 2_000));
    let sent = [(2, at(1, 1), vec![at(1, 2)]), (2, at(1, 2), vec![at(1, 3)])];
    assert_eq!(solo.sent(), sent, "two of them in a datagram each");
    solo.hear(2, reply(2, 1_095));
    let nothing = solo.sent().iter().all(|(_, _, entries)| entries.is_empty());
    assert!(nothing, "what is on its way takes its room");
    solo.hear(2, reply(3, 1_095));
    assert_eq!(solo.sent(), [(2, at(1, 3), vec![at(1, 4)])]);
    let exact = encoded_len(at(1, 5), 900).unwrap() as u32;
    solo.hear(2, reply(4, exact - 1));
    assert!(solo.sent().iter().all(|(_, _, entries)| entries.is_empty()));
    solo.hear(2, reply(4, exact));
    assert_eq!(solo.sent(), [(2, at(1, 4), vec![at(1, 5)])]);
}

/// The room in an answer that was overtaken by a later one is that of an earlier place.
#[test]
fn the_room_of_an_overtaken_answer_is_not_taken() {
    let mut solo = Solo::new(2);
    solo.lead();
    for _ in 0..5 {
        solo.propose(b"x");
    }
    solo.steps();
    solo.hear(2, reply_with_room(1, 5, 0));
    solo.hear(2, reply_with_room(1, 1, 5));
    assert!(solo.sent().iter().all(|(_, _, entries)| entries.is_empty()));
}

/// A node whose own options are these among two with the default ones, who commit without it.
#[track_caller]
fn comes_to_rest_beside(small: &Options, command: &[u8]) {
    let mut net = Net::with(3, &Options::default());
    net.members[2] = Member::start(3, &ids(3), small, Disk::default());
    net.stand(1);
    net.run(10);
    for _ in 0..12 {
        net.propose(1, command);
        net.settle();
    }
    net.run(1_000);
    assert!(net.node(3).raft.last() < net.node(1).raft.last(), "it is not what it is to be");
    let before = net.delivered;
    net.run(1_000);
    let delivered = net.delivered - before;
    assert!(delivered < 100, "{delivered} datagrams in a second without anything new");
    assert_eq!(net.leader(), Some(1));
    assert_eq!(net.node(3).raft.status().leader, Some(id(1)), "it hears its leader");
}

/// A follower that cannot take an entry is asked with the next heartbeat, and not before: its
/// answer proves that it has no more than before, so there is no sense in sending the same again.
#[test]
fn a_follower_that_cannot_take_an_entry_is_not_flooded() {
    let options = Options::default();
    comes_to_rest_beside(&Options { max_command: 100, ..options.clone() }, &[7; 900]);
    let log_bytes = 1_024 * 16 + 6_000;
    comes_to_rest_beside(&Options { log_bytes, ..options.clone() }, &[7; 900]);
    comes_to_rest_beside(&Options { log_entries: 8, ..options }, &[7; 9]);
}
