//! §3.9: timing and availability. "broadcastTime ≪ electionTimeout ≪ MTBF"

use crate::common::solo::{Solo, heartbeat};
use crate::common::{Net, Step, id};
use raft_nostd::{Duration, Event, Instant, Role};

/// §3.9: a cluster is without a leader for some election timeouts after one fails, no longer.
#[test]
fn a_dead_leader_is_replaced_within_a_few_election_timeouts() {
    let mut net = Net::new(5);
    for _ in 0..8 {
        let leader = net.elect();
        net.run(500);
        net.isolate(leader);
        let before = net.now;
        while net.members.iter().filter(|m| m.is_leader() && m.raft.id() != id(leader)).count() == 0
        {
            net.step();
        }
        let without = net.now.since(before);
        assert!(without < Duration::from_millis(6_000), "{without:?}");
        net.heal();
        net.run(3_000);
    }
}

/// §3.9: an undisturbed leader stays, however long.
#[test]
fn an_undisturbed_leader_stays() {
    let mut net = Net::new(3);
    let leader = net.elect();
    let term = net.node(leader).raft.term();
    net.run(120_000);
    assert_eq!((net.leader(), net.node(leader).raft.term()), (Some(leader), term));
}

/// What `Idle` says is exact: nothing happens before it, and something does then.
#[test]
fn deadlines_are_exact() {
    let mut solo = Solo::new(3);
    solo.hear(2, heartbeat(1));
    solo.steps();
    let wake_at = solo.me.wake_at;
    solo.me.raft.handle_timeout(Instant::from_micros(wake_at.as_micros() - 1));
    assert_eq!(solo.role(), Role::Follower);
    solo.me.raft.handle_timeout(wake_at);
    assert_eq!(solo.role(), Role::PreCandidate);
}

/// A node alone has nobody to send heartbeats to: while it leads it sleeps until it is asked.
#[test]
fn a_leader_without_peers_sleeps() {
    let mut solo = Solo::new(1);
    solo.lead();
    solo.steps();
    assert_eq!(solo.me.wake_at, Instant::NEVER);
    solo.pass(10_000);
    assert!(solo.steps().is_empty());
    solo.me.raft.handle_timeout(Instant::NEVER);
    assert!(solo.steps().is_empty());
    let position = solo.propose(b"x");
    let read = solo.me.raft.read(solo.now).unwrap();
    let steps = solo.steps();
    assert!(steps.contains(&Step::Apply(position, b"x".to_vec())));
    assert!(steps.contains(&Step::Tell(Event::ReadReady(read))), "{steps:?}");
    assert_eq!((solo.role(), solo.me.wake_at), (Role::Leader, Instant::NEVER));
}

/// A deadline that is served early or twice does nothing.
#[test]
fn a_timeout_that_comes_early_or_twice_does_nothing() {
    let mut solo = Solo::new(3);
    solo.lead_and_commit();
    for _ in 0..10 {
        solo.me.raft.handle_timeout(solo.now);
        assert!(solo.said().is_empty());
    }
    solo.deadline();
    assert_eq!(solo.said().len(), 2);
    solo.me.raft.handle_timeout(solo.now);
    assert!(solo.said().is_empty());
}

/// A clock that stands still or goes back does no harm.
#[test]
fn a_clock_that_goes_back_does_no_harm() {
    let mut solo = Solo::new(3);
    solo.now = Instant::from_millis(50_000);
    solo.lead_and_commit();
    solo.now = Instant::ORIGIN;
    solo.me.raft.handle_timeout(solo.now);
    solo.acknowledge(2);
    solo.steps();
    assert_eq!(solo.role(), Role::Leader);
    let mut late = Solo::new(3);
    late.now = Instant::NEVER;
    late.me.raft.handle_timeout(Instant::NEVER);
    late.steps();
    assert_eq!(late.role(), Role::PreCandidate, "the end of time is a time too");
}
