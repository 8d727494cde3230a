//! DESIGN §4: bounds that differ between nodes are told of, and nothing else is taken for that.

use crate::common::solo::{Solo, append};
use crate::common::{Disk, Options, Step, at, id};
use crate::full::{few_bytes, few_entries};
use raft_nostd::frame::{EntryKind, Frames, encode, encoded_len};
use raft_nostd::{Event, Index, Refused};

/// "nodes of unequal capacity or datagram bound get a named event"
#[test]
fn unequal_bounds_are_told() {
    let mut solo = Solo::with(3, Disk::default(), &Options { max_command: 2, ..few_entries() });
    solo.hear_append(2, append(1, at(0, 0), 0), &[1]);
    assert!(
        solo.steps().iter().all(|step| !matches!(step, Step::Tell(Event::CapacityDiffers { .. })))
    );
    let long = Disk::new(1, 0, &[1, 1]).with_commands_of(60).frames.remove(1);
    let frames = raft_nostd::frame::Frames::new(Index(2), 1, &long, &[]);
    let bytes = solo.datagram_of(2, append(1, at(1, 1), 0), &frames);
    solo.me.raft.handle_datagram(solo.now, &bytes).unwrap();
    let steps = solo.steps();
    assert!(steps.contains(&Step::Tell(Event::CapacityDiffers { leader: id(2) })), "{steps:?}");
    assert_eq!(solo.me.raft.last(), at(1, 1));
}

fn told(solo: &mut Solo) -> usize {
    let differs = Step::Tell(Event::CapacityDiffers { leader: id(2) });
    solo.steps().iter().filter(|step| **step == differs).count()
}

/// ... once of each leader, not with each of its heartbeats.
#[test]
fn unequal_bounds_are_told_once_in_a_term() {
    let mut solo = Solo::with(3, Disk::default(), &few_entries());
    for term in [1, 1, 1, 2, 2] {
        let first = solo.term() < term;
        solo.hear_append(2, append(term, at(0, 0), 0), &[1; 20]);
        assert_eq!(told(&mut solo), usize::from(first));
    }
}

/// What a leader holds that is not committed fits into its log, for only what is committed is ever
/// compacted away. If that does not fit into this log, the leader's is larger.
#[test]
fn what_no_equal_log_can_hold_is_told() {
    for (commit, entries, differs) in [(0, 16, 0), (0, 17, 1), (1, 17, 0), (1, 18, 1), (20, 20, 0)]
    {
        let mut solo = Solo::with(3, Disk::default(), &few_entries());
        solo.hear_append(2, append(1, at(0, 0), commit), &vec![1; entries]);
        assert_eq!(told(&mut solo), differs, "{entries} entries, {commit} of them committed");
    }
    let long = Disk::new(1, 0, &[1; 25]).with_commands_of(200).frames;
    let bytes = long[..24].iter().map(Vec::len).sum::<usize>();
    assert!(bytes > 5_000 && bytes - long[0].len() < 5_030);
    for (commit, differs) in [(0, 1), (3, 0)] {
        let mut solo =
            Solo::with(3, Disk::default(), &Options { max_datagram: 6_000, ..few_bytes() });
        let bytes = long[..24].concat();
        let frames = raft_nostd::frame::Frames::new(Index(1), 24, &bytes, &[]);
        let datagram = solo.datagram_of(2, append(1, at(0, 0), commit), &frames);
        solo.me.raft.handle_datagram(solo.now, &datagram).unwrap();
        assert_eq!(told(&mut solo), differs, "{commit} committed");
        assert!(solo.me.raft.last().index < Index(24), "it does not fit");
    }
}

/// A log that is full of what could be compacted is no sign of a smaller one: a leader that is new,
/// and has not heard yet how much room there is, may send more.
#[test]
fn a_log_that_was_not_compacted_yet_is_no_smaller_one() {
    let mut solo = Solo::with(3, Disk::new(1, 0, &[1; 16]), &few_entries());
    solo.hear_append(2, append(2, at(1, 16), 16), &[2]);
    assert_eq!(told(&mut solo), 0);
    assert_eq!(solo.me.raft.last(), at(1, 16));
}

/// Nor is one that could hold exactly what the leader holds, in entries ...
#[test]
fn a_log_of_as_many_entries_as_the_leaders_is_no_smaller_one() {
    for (commit, times) in [(1, 0), (0, 1)] {
        let mut solo = Solo::with(3, Disk::new(1, 0, &[1; 16]), &few_entries());
        solo.hear_append(2, append(2, at(1, 16), commit), &[2]);
        assert_eq!(told(&mut solo), times, "{} open entries of 16", 17 - commit);
    }
}

/// ... or in bytes.
#[test]
fn a_log_of_as_many_bytes_as_the_leaders_is_no_smaller_one() {
    let each = encoded_len(at(1, 9), 40).unwrap();
    let capacity = Solo::with(3, Disk::default(), &few_bytes()).me.raft.capacity().bytes as usize;
    let held = capacity / each;
    let prev = at(1, held as u64);
    let position = at(2, prev.index.0 + 1);
    for (more, times) in [(0, 0), (1, 1)] {
        let disk = Disk::new(1, 0, &vec![1; held]).with_commands_of(40);
        let open: usize = disk.frames[1..].iter().map(Vec::len).sum();
        let len = capacity - open + more;
        let mut frame = vec![0; len];
        let payload = vec![7; len - encoded_len(position, 0).unwrap()];
        encode(position, EntryKind::Command, &payload, &mut frame).unwrap();
        let mut solo = Solo::with(3, disk, &few_bytes());
        let frames = Frames::new(position.index, 1, &frame, &[]);
        let datagram = solo.datagram_of(2, append(2, prev, 1), &frames);
        solo.me.raft.handle_datagram(solo.now, &datagram).unwrap();
        assert_eq!(told(&mut solo), times, "{more} more");
    }
}

/// What is committed makes way one day: it takes no part in the comparison.
#[test]
fn a_log_that_holds_all_that_is_not_committed_is_no_smaller_one() {
    let log_bytes = 16 * 16 + 900 + 230;
    let small = Options { log_entries: 16, log_bytes, max_command: 200, ..Options::default() };
    let frames = Disk::new(1, 0, &[1; 5]).with_commands_of(200).frames.concat();
    for (commit, times) in [(0, 1), (1, 0)] {
        let mut solo = Solo::with(3, Disk::default(), &small);
        let capacity = solo.me.raft.capacity().bytes as usize;
        assert!(frames.len() > capacity && frames.len() / 5 * 4 <= capacity);
        let frames = Frames::new(Index(1), 5, &frames, &[]);
        let datagram = solo.datagram_of(2, append(1, at(0, 0), commit), &frames);
        solo.me.raft.handle_datagram(solo.now, &datagram).unwrap();
        assert_eq!(solo.me.raft.last(), at(1, 4));
        assert_eq!(told(&mut solo), times, "{commit} committed");
    }
}

/// A datagram of a voter that is longer than this node takes is told of too, though it is refused.
#[test]
fn a_longer_datagram_bound_is_told() {
    let small = Options { max_datagram: 256, max_command: 100, ..Options::default() };
    let mut solo = Solo::with(3, Disk::default(), &small);
    let long = solo.datagram(2, &append(1, at(0, 0), 0), &[1; 40]);
    assert!(long.len() > 256);
    for times in [1, 0, 0] {
        let refused = solo.me.raft.handle_datagram(solo.now, &long);
        assert_eq!(refused, Err(Refused::Length));
        assert_eq!(told(&mut solo), times, "once");
    }
    assert_eq!(solo.me.raft.last(), at(0, 0));
    // Where the sender and the receiver stand in the envelope, and what they are.
    for (place, value) in [(0, b'r'), (2, 9), (4, 0), (12, 9), (16, 3)] {
        let mut solo = Solo::with(3, Disk::default(), &small);
        let mut strange = long.clone();
        strange[place] = value;
        let refused = solo.me.raft.handle_datagram(solo.now, &strange);
        assert_eq!((refused, told(&mut solo)), (Err(Refused::Length), 0), "byte {place}");
    }
}
