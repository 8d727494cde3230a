//! §3.6: safety. The election restriction, and what a leader commits.

use crate::common::solo::{
    Solo, append, pre_vote_reply, pre_vote_request, vote_reply, vote_request,
};
use crate::common::{Disk, Net, Options, at};
use raft_nostd::wire::{Message, Vote};
use raft_nostd::{Index, Position};

/// A voter's log, and candidates' last entries with what §3.6.1 says of them.
const VOTER: &[u64] = &[1, 1, 3, 3];
const CANDIDATES: [(Position, Vote); 9] = [
    (Position::new(3, 4), Vote::Granted),
    (Position::new(3, 5), Vote::Granted),
    (Position::new(4, 1), Vote::Granted),
    (Position::new(4, 9), Vote::Granted),
    (Position::new(3, 3), Vote::Refused),
    (Position::new(2, 9), Vote::Refused),
    (Position::new(1, 4), Vote::Refused),
    (Position::new(2, 4), Vote::Refused),
    (Position::new(0, 0), Vote::Refused),
];

/// §3.6.1: "the voter denies its vote if its own log is more up-to-date than that of the
/// candidate": "the log with the later term is more up-to-date"; of equal terms, "whichever log is
/// longer".
#[test]
fn the_election_restriction_by_term_then_by_index() {
    for (last, want) in CANDIDATES {
        let mut solo = Solo::from(3, Disk::new(4, 0, VOTER));
        solo.hear(2, vote_request(5, last));
        assert_eq!(solo.said_to(2), vote_reply(5, want), "a candidate with {last}");
    }
}

/// §9.6: a pre-vote is granted only to whom a vote would be.
#[test]
fn a_pre_vote_has_the_same_restriction() {
    for (last, want) in CANDIDATES {
        let mut solo = Solo::from(3, Disk::new(4, 0, VOTER));
        solo.hear(2, pre_vote_request(4, 5, last));
        assert_eq!(solo.said_to(2), pre_vote_reply(4, 5, want), "a candidate with {last}");
    }
}

/// §3.6.1: a refused vote is no vote: the next candidate may have it.
#[test]
fn a_vote_that_was_refused_is_not_spent() {
    let mut solo = Solo::from(3, Disk::new(4, 0, VOTER));
    solo.hear(2, vote_request(5, at(1, 4)));
    solo.hear(3, vote_request(5, at(3, 4)));
    assert_eq!(solo.said(), [(2, vote_reply(5, Vote::Refused)), (3, vote_reply(5, Vote::Granted))]);
}

/// §3.6.1: the candidate's own last entry is the durable one: it may lose all others.
#[test]
fn a_vote_is_asked_for_with_the_durable_log_only() {
    let mut solo = Solo::from(3, Disk::new(2, 0, &[1, 2])).waiting();
    solo.hear_append(2, append(2, at(2, 2), 0), &[2, 2]);
    solo.steps();
    assert_eq!((solo.me.raft.last(), solo.me.raft.durable()), (at(2, 4), Index(2)));
    solo.impatient();
    assert_eq!(solo.said_to(2), pre_vote_request(2, 3, at(2, 2)));
}

/// §3.6.1: of two partitions, the node that has all committed entries wins, whoever is first.
#[test]
fn only_a_node_with_all_committed_entries_wins() {
    let disks =
        vec![Disk::new(4, 0, &[1, 4, 4]), Disk::new(4, 0, &[1, 4]), Disk::new(4, 0, &[1, 4, 4])];
    let mut net = Net::of(&Options::default(), disks);
    net.settle();
    for _ in 0..5 {
        net.now = net.now.plus(raft_nostd::Duration::from_millis(2_000));
        let now = net.now;
        net.node(2).raft.handle_timeout(now);
        net.settle();
        assert_eq!(net.leader(), None, "two logs are more up to date than its own");
    }
    let leader = net.elect();
    assert_ne!(leader, 2);
    net.run(300);
    assert!(net.members.iter().all(|m| m.applied.len() == 3));
}

/// §3.6.2: "Only log entries from the leader's current term are committed by counting replicas."
#[test]
fn entries_of_earlier_terms_are_not_committed_by_counting() {
    let mut solo = Solo::from(3, Disk::new(3, 0, &[1, 2, 3]));
    solo.lead();
    for index in 1..=3 {
        for peer in [2, 3] {
            solo.hear(peer, crate::common::solo::matched(4, index, 0));
        }
        assert_eq!(solo.me.raft.commit(), Index(0), "everybody has {index}, of an earlier term");
    }
    solo.hear(2, crate::common::solo::matched(4, 4, 0));
    assert_eq!(solo.me.raft.commit(), Index(4), "its own no-op commits all before it");
}

/// §3.6 (State Machine Safety): what one node applies at an index, no other ever replaces, and
/// each applies the same sequence, through changes of leaders and restarts.
#[test]
fn every_node_applies_the_same_sequence() {
    let mut net = Net::new(5);
    for round in 0..12_u8 {
        let leader = net.elect();
        net.propose(leader, &[round]);
        if round % 3 != 0 {
            net.settle();
        }
        net.propose(leader, &[round, 1]);
        net.isolate(leader);
        net.run(5_000);
        net.heal();
        let restarted = u32::from(round % 5) + 1;
        net.restart(restarted);
        net.run(2_000);
    }
    net.run(5_000);
    let longest = net.members.iter().map(|m| m.applied.clone()).max_by_key(Vec::len).unwrap();
    assert!(longest.len() >= 8, "{}", longest.len());
    for member in &net.members {
        assert!(longest.ends_with(&member.applied) || longest.starts_with(&member.applied));
        assert_eq!(member.raft.applied(), net.members[0].raft.applied());
    }
}

/// §3.6.2: the leader of the newest term opens it with a no-op, so that nothing waits for a client.
#[test]
fn a_leader_opens_its_term_with_a_noop() {
    let mut solo = Solo::from(3, Disk::new(2, 0, &[1, 2]));
    solo.stand();
    solo.steps();
    solo.hear(2, vote_reply(3, Vote::Granted));
    let entry = solo.me.raft.entry(Index(3)).unwrap();
    assert_eq!((entry.position, entry.kind), (at(3, 3), raft_nostd::frame::EntryKind::Noop));
    let sent = solo.said();
    assert!(sent.iter().all(|(_, m)| matches!(m, Message::Append(a) if a.count == 1)), "{sent:?}");
}
