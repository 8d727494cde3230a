//! DESIGN §6, §7 (10), (11): every refusal has a reason with a name, and a refused datagram
//! changes nothing.

use crate::common::solo::{
    Solo, acknowledged, append, conflict, heartbeat, matched, pre_vote_reply, pre_vote_request,
    verdict, vote_reply, vote_request, with_round,
};
use crate::common::{Disk, Options, at};
use raft_nostd::crc::checksum;
use raft_nostd::frame::Frames;
use raft_nostd::wire::{AppendReply, Message, Room, Vote};
use raft_nostd::{Index, Refused, Role, Term};

const CRC: usize = 4;

fn small() -> Options {
    Options { log_entries: 16, log_bytes: 4_096, max_command: 68, ..Options::default() }
}

fn follower() -> Solo {
    let disk = Disk::new(3, 0, &[1, 2, 3]);
    let mut solo = Solo::with(3, disk, &Options { max_datagram: 256, ..small() });
    solo.hear_append(2, append(3, at(3, 3), 2), &[3]);
    solo.steps();
    solo
}

fn leader() -> Solo {
    let disk = Disk::new(3, 0, &[1, 2, 3]);
    let mut solo = Solo::with(3, disk, &Options { max_datagram: 256, ..small() });
    solo.lead_and_commit();
    solo
}

/// All that a node is, but for its counters: getters, and what `Debug` shows of the rest.
fn portrait(solo: &Solo) -> String {
    let all = format!("{:?}", solo.me.raft);
    let start = all.find("metrics: Metrics {").unwrap();
    let end = start + all[start..].find('}').unwrap();
    format!("{}{}", &all[..start], &all[end..])
}

/// `bytes` are refused for `why`, counted under it, and change nothing.
#[track_caller]
fn refuses(solo: &mut Solo, bytes: &[u8], why: Refused) {
    solo.pass(10);
    solo.steps();
    let (before, metrics) = (portrait(solo), *solo.me.raft.metrics());
    assert_eq!(solo.me.raft.handle_datagram(solo.now, bytes), Err(why));
    assert_eq!(portrait(solo), before);
    assert!(solo.steps().is_empty(), "nor does it do anything about it");
    assert_eq!(portrait(solo), before);
    let mut want = metrics;
    want.refused[why.slot()] += 1;
    assert_eq!(*solo.me.raft.metrics(), want);
    assert_eq!(solo.me.raft.metrics().refused(why), metrics.refused(why) + 1);
}

/// A valid datagram with `change` done to its content, and a CRC that fits.
fn forged(solo: &Solo, message: &Message, change: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
    let mut bytes = solo.datagram(2, message, &[]);
    bytes.truncate(bytes.len() - CRC);
    change(&mut bytes);
    bytes.extend(checksum(&bytes).to_le_bytes());
    bytes
}

/// The portrait would show a change: an accepted datagram does change it.
#[test]
fn the_portrait_is_a_good_likeness() {
    let mut solo = follower();
    let before = portrait(&solo);
    solo.hear(2, heartbeat(3));
    assert_ne!(portrait(&solo), before);
}

#[test]
fn length() {
    for mut solo in [follower(), leader()] {
        let whole = solo.datagram(2, &heartbeat(3), &[]);
        for short in [0, 1, 3, 39] {
            refuses(&mut solo, &whole[..short], Refused::Length);
        }
        // A command of 70 bytes in four entries: longer than this node's 256 bytes.
        // From a stranger: that a voter has another bound is told.
        let long = solo.datagram(4, &append(3, at(3, 4), 0), &[3; 30]);
        assert!(long.len() > 256);
        refuses(&mut solo, &long, Refused::Length);
    }
}

/// "up to": a datagram may be as long as the bound.
#[test]
fn a_datagram_as_long_as_the_bound_is_taken() {
    let mut solo = follower();
    let frames_of = |bytes| Disk::new(0, 0, &[3; 8]).with_commands_of(bytes).frames;
    let datagram = |bytes| {
        let frames = [&frames_of(60)[4..6], &frames_of(bytes)[6..7]].concat().concat();
        let frames = Frames::new(Index(5), 3, &frames, &[]);
        solo.datagram_of(2, append(3, at(3, 4), 0), &frames)
    };
    let bytes = (0..68).find(|bytes| datagram(*bytes).len() == 256).unwrap();
    let longest = datagram(bytes);
    solo.me.raft.handle_datagram(solo.now, &longest).unwrap();
    assert_eq!(solo.me.raft.last(), at(3, 7));
}

#[test]
fn magic_and_version() {
    for mut solo in [follower(), leader()] {
        let bytes = forged(&solo, &heartbeat(3), |bytes| bytes[1] = b'N');
        refuses(&mut solo, &bytes, Refused::Magic);
        let bytes = forged(&solo, &heartbeat(3), |bytes| bytes[2] = 2);
        refuses(&mut solo, &bytes, Refused::Version);
    }
}

#[test]
fn checksum_of_every_byte() {
    let mut solo = follower();
    let whole = solo.datagram(2, &heartbeat(3), &[]);
    for at in 4..whole.len() {
        let mut bytes = whole.clone();
        bytes[at] ^= 0x10;
        refuses(&mut solo, &bytes, Refused::Checksum);
    }
}

#[test]
fn cluster_receiver_and_sender() {
    for mut solo in [follower(), leader()] {
        let bytes = forged(&solo, &heartbeat(9), |bytes| bytes[4] ^= 1);
        refuses(&mut solo, &bytes, Refused::Cluster);
        let bytes = forged(&solo, &heartbeat(9), |bytes| bytes[16] = 2);
        refuses(&mut solo, &bytes, Refused::Receiver);
        for stranger in [1, 4, 77] {
            let bytes = forged(&solo, &heartbeat(9), |bytes| bytes[12] = stranger);
            refuses(&mut solo, &bytes, Refused::Sender);
        }
    }
}

#[test]
fn malformed() {
    for mut solo in [follower(), leader()] {
        for message in [heartbeat(9), matched(9, 0, 0), vote_reply(9, Vote::Granted)] {
            let bytes = forged(&solo, &message, |bytes| bytes.push(0));
            refuses(&mut solo, &bytes, Refused::Malformed);
            let bytes = forged(&solo, &message, |bytes| bytes.truncate(bytes.len() - 1));
            refuses(&mut solo, &bytes, Refused::Malformed);
        }
        let bytes = forged(&solo, &heartbeat(9), |bytes| bytes[36] = 9);
        refuses(&mut solo, &bytes, Refused::Malformed);
    }
}

/// DESIGN §7 (11): "A term more than 2^32 above one's own is refused."
#[test]
fn term_too_far() {
    let far = 3 + (1 << 32) + 1;
    let all = |term| {
        [
            pre_vote_request(term, term + 1, at(0, 0)),
            pre_vote_reply(term, term + 1, Vote::Refused),
            vote_request(term, at(0, 0)),
            vote_reply(term, Vote::Refused),
            heartbeat(term),
            matched(term, 0, 0),
        ]
    };
    for message in all(far).into_iter().chain(all(u64::MAX - 1)) {
        let mut solo = follower();
        let bytes = solo.datagram(2, &message, &[]);
        refuses(&mut solo, &bytes, Refused::TermTooFar);
    }
    let mut solo = follower();
    solo.hear(2, heartbeat(far - 1));
    assert_eq!(solo.term(), far - 1);
}

/// Two leaders in one term; and whoever leads it is not told by another what to append.
#[test]
fn contradiction_of_leaders() {
    let mut solo = follower();
    let bytes = solo.datagram(3, &heartbeat(3), &[]);
    refuses(&mut solo, &bytes, Refused::Contradiction);
    let mut solo = leader();
    let term = solo.term();
    let bytes = solo.datagram(3, &heartbeat(term), &[]);
    refuses(&mut solo, &bytes, Refused::Contradiction);
    assert_eq!(solo.role(), Role::Leader);
}

/// A leader that says other entries than it has proven in this term.
#[test]
fn contradiction_of_entries() {
    let mut solo = Solo::with(3, Disk::new(3, 0, &[1, 2]), &small());
    solo.hear_append(2, append(4, at(2, 2), 0), &[3, 3]);
    solo.steps();
    for (prev, terms) in [(at(2, 4), &[][..]), (at(2, 2), &[4]), (at(3, 3), &[4])] {
        let bytes = solo.datagram(2, &append(4, prev, 0), terms);
        refuses(&mut solo, &bytes, Refused::Contradiction);
    }
    solo.hear_append(2, append(4, at(3, 3), 0), &[3, 4]);
    assert_eq!(verdict(solo.said_to(2)), acknowledged(5, 5), "but what goes on is taken");
}

/// An answer to what this leader cannot have said.
#[test]
fn contradiction_of_answers() {
    let mut solo = leader();
    let term = solo.term();
    let room = Room { entries: 1, bytes: 1 };
    let reply =
        |verdict| Message::AppendReply(AppendReply { term: Term(term), round: 0, verdict, room });
    for message in [
        matched(term, 5, 0),
        matched(term, 4, 1),
        reply(acknowledged(4, 3)),
        reply(acknowledged(3, 5)),
        conflict(term, 5, at(1, 1)),
        conflict(term, 3, at(1, 3)),
        conflict(term, 3, at(1, 9)),
        conflict(term, 0, at(0, 0)),
        with_round(conflict(term, 3, at(1, 1)), 7),
    ] {
        let bytes = solo.datagram(2, &message, &[]);
        refuses(&mut solo, &bytes, Refused::Contradiction);
    }
}

#[test]
fn halted() {
    let mut solo = follower();
    solo.hear_append(2, append(4, at(2, 1), 0), &[]);
    solo.steps();
    assert!(solo.me.raft.halted().is_some());
    for message in [heartbeat(4), heartbeat(9), vote_request(9, at(8, 9))] {
        let bytes = solo.datagram(2, &message, &[]);
        refuses(&mut solo, &bytes, Refused::Halted);
    }
    refuses(&mut solo, b"noise", Refused::Halted);
}

/// Each reason has its own name and its own counter, and this file has met all of them.
#[test]
fn all_reasons() {
    let names: std::collections::BTreeSet<_> = Refused::ALL.iter().map(|r| r.name()).collect();
    assert_eq!(names.len(), Refused::COUNT);
    for (slot, reason) in Refused::ALL.iter().enumerate() {
        assert_eq!(reason.slot(), slot);
        assert_eq!(reason.to_string(), format!("datagram refused: {}", reason.name()));
    }
    let here = include_str!("refused.rs");
    assert!(Refused::ALL.iter().all(|reason| here.contains(&format!(", Refused::{reason:?})"))));
}
