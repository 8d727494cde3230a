//! DESIGN §4: full is a state of the protocol. A leader whose log stays full (its disk has no space for
//! a snapshot, say) makes way for one that has room.

use crate::common::{Net, Options};
use crate::full::{CAPACITY, UNCOMMITTED, few_entries};
use raft_nostd::{Event, LogFull};

/// Proposes to `leader` until it refuses for good. All nodes but `full` compact their logs meanwhile.
fn fill(net: &mut Net, leader: u32, full: &[u32]) {
    for _ in 0..100 {
        let now = net.now;
        match net.node(leader).raft.propose(now, b"x") {
            Err(_) if net.node(leader).raft.room().entries <= 2 => break,
            Ok(_) | UNCOMMITTED | CAPACITY => net.run(100),
            other => panic!("{other:?}"),
        }
        compact_others(net, full);
    }
    let now = net.now;
    assert_eq!(net.node(leader).raft.propose(now, b"x"), CAPACITY);
}

fn compact_others(net: &mut Net, full: &[u32]) {
    let now = net.now;
    for member in &mut net.members {
        if !full.contains(&member.raft.id().get()) && member.raft.snapshot_due().is_some() {
            member.compact(now);
        }
    }
}

fn cluster() -> (Net, u32) {
    let mut net = Net::with(3, &few_entries());
    let leader = net.elect();
    net.run(10);
    (net, leader)
}

#[test]
fn a_leader_whose_log_stays_full_makes_way() {
    let (mut net, full) = cluster();
    fill(&mut net, full, &[full]);
    net.run(3_800);
    assert_eq!(net.leader(), Some(full), "a snapshot may take a while");
    assert!(!net.node(full).events.contains(&Event::LogFull(LogFull::Capacity)));
    net.run(2_500);
    assert!(net.node(full).events.contains(&Event::LogFull(LogFull::Capacity)));
    let next = net.leader().expect("another one is elected");
    assert_ne!(next, full);
    for step in 0..4 {
        net.propose(next, &[step]);
        net.settle();
    }
    let raft = &net.node(next).raft;
    assert_eq!(raft.commit(), raft.last().index);
    net.run(20_000);
    assert_eq!(net.leader(), Some(next), "and leads from then on");
}

/// Its log is as long as theirs, but it lets them have the first turn.
#[test]
fn whoever_made_way_stands_after_the_others() {
    for seed in 0..50 {
        let mut net = Net::with(3, &Options { seed, ..few_entries() });
        let full = net.elect();
        net.run(10);
        fill(&mut net, full, &[full]);
        while net.node(full).is_leader() {
            net.step();
        }
        let (now, wake_at) = (net.now, net.node(full).wake_at);
        assert!(wake_at >= now.plus(raft_nostd::Duration::from_millis(3_000)), "{seed}");
        assert!(wake_at < now.plus(raft_nostd::Duration::from_millis(4_000)), "{seed}");
        assert_ne!(net.elect(), full, "{seed}");
    }
}

/// Where the others have no room either, or too few of them have, nothing is gained.
#[test]
fn a_leader_with_a_full_log_stays_where_others_are_full_too() {
    for others in [&[1, 2, 3][..], &[1, 2], &[2, 3], &[1, 3]] {
        let (mut net, leader) = cluster();
        if !others.contains(&leader) {
            continue;
        }
        fill(&mut net, leader, others);
        net.run(20_000);
        assert_eq!(net.leader(), Some(leader), "{others:?}");
    }
}

/// A snapshot that comes in time, or commands that nobody brings, are no reason.
#[test]
fn a_leader_that_compacts_its_log_stays() {
    let (mut net, leader) = cluster();
    for _ in 0..10 {
        fill(&mut net, leader, &[leader]);
        net.run(3_000);
        compact_others(&mut net, &[]);
    }
    net.run(20_000);
    assert_eq!(net.leader(), Some(leader));
}

/// What was refused long ago, and not since, says nothing of how long the log has been full.
#[test]
fn patience_counts_from_when_the_log_took_its_last_command() {
    let (mut net, full) = cluster();
    let now = net.now;
    while net.node(full).raft.propose(now, b"x").is_ok() {}
    net.run(10_000);
    fill(&mut net, full, &[full]);
    net.run(3_800);
    assert_eq!(net.leader(), Some(full), "not four election timeouts yet");
    net.run(2_500);
    assert_ne!(net.leader(), Some(full));
}
