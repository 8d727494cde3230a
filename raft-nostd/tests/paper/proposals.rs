//! DESIGN §7 (10), Chapter 6: what becomes of a proposal is told in one of three ways, once; but one
//! whose fate was told to be unknown may still be applied.

use crate::common::solo::{Solo, append, heartbeat};
use crate::common::{Disk, Member, Net, at, id};
use raft_nostd::journal::PersistFailure::Failed;
use raft_nostd::{Event, Index, Output, Position, ProposeError, Proposed, Term};

fn range(term: u64, first: u64, last: u64) -> Proposed {
    Proposed { term: Term(term), first: Index(first), last: Index(last) }
}

/// How often each of the three is told of `position`: applied, lost, unknown.
fn fates(member: &Member, position: Position) -> [usize; 3] {
    let told = |pick: fn(&Event) -> Option<Proposed>| {
        member.events.iter().filter_map(pick).filter(|p| p.contains(position)).count()
    };
    [
        member.applied.iter().filter(|(at, _)| *at == position).count(),
        told(|event| match event {
            Event::ProposalsLost(proposed) => Some(*proposed),
            _ => None,
        }),
        told(|event| match event {
            Event::ProposalsUnknown(proposed) => Some(*proposed),
            _ => None,
        }),
    ]
}

/// Applied: with the very position that `propose` returned.
#[test]
fn a_proposal_that_is_committed_is_applied_with_its_position() {
    let mut net = Net::new(3);
    let leader = net.elect();
    net.run(10);
    let positions: Vec<_> = (0..5).map(|n| net.propose(leader, &[n])).collect();
    net.run(1_000);
    for position in positions {
        assert_eq!(fates(net.node(leader), position), [1, 0, 0]);
    }
}

/// Lost: another entry is committed in its place.
#[test]
fn a_proposal_in_whose_place_another_is_committed_is_lost() {
    let mut solo = Solo::new(3);
    solo.lead_and_commit();
    let lost = solo.propose(b"x");
    let lost_too = solo.propose(b"y");
    solo.steps();
    solo.hear_append(2, append(2, at(1, 1), 1), &[2]);
    solo.steps();
    assert_eq!(fates(&solo.me, lost), [0, 0, 0], "cut, but it may be on another node");
    solo.hear(2, append(2, at(2, 2), 2));
    solo.steps();
    assert!(solo.me.events.contains(&Event::ProposalsLost(range(1, 2, 3))));
    assert_eq!(fates(&solo.me, lost), [0, 1, 0]);
    assert_eq!(fates(&solo.me, lost_too), [0, 1, 0], "by Log Matching, with the first");
}

/// The no-op of the next leader tells it as well, though no state machine sees it.
#[test]
fn a_noop_in_its_place_tells_that_a_proposal_is_lost() {
    let mut net = Net::new(3);
    let old = net.elect();
    net.run(100);
    net.isolate(old);
    let lost = net.propose(old, b"x");
    net.run(8_000);
    net.heal();
    net.run(2_000);
    assert_eq!(fates(net.node(old), lost), [0, 1, 0]);
}

/// Cut from the log of the leader that proposed it, it may still be committed by another.
#[test]
fn a_proposal_that_was_cut_here_can_still_be_applied() {
    let mut solo = Solo::new(5);
    solo.lead_and_commit();
    let position = solo.propose(b"2@1");
    solo.steps();
    solo.hear_append(2, append(2, at(1, 1), 1), &[2]);
    solo.steps();
    solo.hear_append(3, append(3, at(1, 1), 2), &[1, 3]);
    solo.steps();
    assert_eq!(fates(&solo.me, position), [1, 0, 0]);
}

/// It outlives the leadership: committed by the next leader, it is applied and nothing else.
#[test]
fn a_proposal_is_committed_by_the_next_leader() {
    let mut solo = Solo::new(3);
    solo.lead_and_commit();
    let position = solo.propose(b"x");
    solo.steps();
    solo.hear(2, append(2, at(1, 2), 1));
    solo.steps();
    assert_eq!(fates(&solo.me, position), [0, 0, 0]);
    solo.hear(2, append(2, at(1, 2), 2));
    solo.steps();
    assert_eq!(fates(&solo.me, position), [1, 0, 0]);
}

/// Unknown: the node halts before it can tell.
#[test]
fn the_proposals_of_a_node_that_halts_are_unknown() {
    let mut solo = Solo::new(3);
    solo.lead_and_commit();
    let mut solo = solo.waiting();
    let position = solo.propose(b"x");
    solo.steps();
    solo.me.persist_failed(solo.now, Failed);
    solo.steps();
    assert_eq!(fates(&solo.me, position), [0, 0, 1]);
}

/// Unknown: too many leaderships with open proposals; the oldest is given up, and told. That is final
/// for whoever waits, and says nothing about the entry: here it is applied after all.
#[test]
fn the_oldest_of_too_many_leaderships_is_unknown() {
    let mut solo = Solo::new(3);
    let mut open = Vec::new();
    for _ in 0..5 {
        solo.lead();
        open.push(solo.propose(b"x"));
        solo.steps();
        solo.pass(1_000);
    }
    solo.steps();
    assert_eq!(fates(&solo.me, open[0]), [0, 0, 1]);
    for position in &open[1..] {
        assert_eq!(fates(&solo.me, *position), [0, 0, 0]);
    }
    // The others are told when the log is committed.
    solo.lead_and_commit();
    assert_eq!(fates(&solo.me, open[0]), [1, 0, 1]);
    for position in &open[1..] {
        assert_eq!(fates(&solo.me, *position), [1, 0, 0]);
    }
}

/// Exactly one of the three, whatever happens to leaders: here in a cluster that loses them.
#[test]
fn every_proposal_has_exactly_one_fate() {
    let mut net = Net::new(3);
    let mut open = Vec::new();
    for round in 0..20_u8 {
        let leader = net.elect();
        open.push((leader, net.propose(leader, &[round])));
        if round % 2 == 0 {
            net.isolate(leader);
        }
        open.push((leader, net.propose(leader, &[round, 1])));
        net.run(4_000);
        net.heal();
        net.run(if round % 3 == 0 { 0 } else { 3_000 });
    }
    net.run(10_000);
    let (mut applied, mut lost) = (0, 0);
    for (leader, position) in open {
        match fates(net.node(leader), position) {
            [1, 0, 0] => applied += 1,
            [0, 1, 0] => lost += 1,
            other => panic!("{position} of {leader}: {other:?}"),
        }
    }
    assert!(applied > 5 && lost > 5, "{applied} {lost}");
}

/// A refused proposal is in no log.
#[test]
fn a_refused_proposal_leaves_nothing_behind() {
    let mut solo = Solo::new(3);
    let refused = solo.me.raft.propose(solo.now, b"x");
    assert_eq!(refused, Err(ProposeError::NotLeader { hint: None }));
    solo.hear(2, heartbeat(1));
    let refused = solo.me.raft.propose(solo.now, b"x");
    assert_eq!(refused, Err(ProposeError::NotLeader { hint: Some(id(2)) }));
    solo.pass(2_000);
    solo.lead_and_commit();
    let (last, room) = (solo.me.raft.last(), solo.me.raft.room());
    let refused = solo.me.raft.propose(solo.now, &[0; 1_001]);
    assert_eq!(refused, Err(ProposeError::TooLarge { given: 1_001, most: 1_000 }));
    assert_eq!((solo.me.raft.last(), solo.me.raft.room()), (last, room));
    assert!(solo.steps().is_empty());
}

/// An empty command is a command, and is applied.
#[test]
fn an_empty_command_is_applied() {
    let mut solo = Solo::new(3);
    solo.lead_and_commit();
    let position = solo.propose(b"");
    solo.steps();
    solo.acknowledge(3);
    solo.steps();
    assert_eq!(solo.me.applied, [(position, vec![])]);
}

/// Inputs may come between any two outputs: here before every single one.
#[test]
fn proposals_may_come_between_any_two_outputs() {
    let mut solo = Solo::from(1, Disk::default());
    solo.lead();
    let (mut applied, mut proposed) = (Vec::new(), Vec::new());
    let mut buf = [0; 1_200];
    while applied.len() < 50 {
        if proposed.len() < 50 {
            proposed.push(solo.propose(&[proposed.len() as u8]));
        }
        match solo.me.raft.poll_output(solo.now, &mut buf) {
            Output::Persist(persist) => {
                let ticket = persist.ticket;
                solo.me.raft.handle_persisted(solo.now, ticket).unwrap();
            }
            Output::Apply(committed) => applied.push(committed.position),
            Output::TransmitChunk(_) | Output::Install(_) => panic!("nobody takes snapshots"),
            Output::Transmit(_) | Output::Event(_) | Output::Idle { .. } => {}
        }
        solo.me.check();
    }
    assert_eq!(applied, proposed);
}
