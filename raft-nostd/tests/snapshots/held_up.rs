//! When a leader takes its next snapshot: not while a follower takes in the last one.

use crate::cluster::{Cluster, one_away};
use raft_nostd::{Compaction, Duration, SnapshotWork};
use std::cell::Cell;

/// What was written while a snapshot was on its way fills more than half of the log. A new one at once
/// would be of more than the follower has, so that it would need that one, too, and so on.
#[test]
fn a_follower_gets_what_follows_its_snapshot_before_the_next_is_taken() {
    for steps_per_write in [1, 2, 4] {
        let (mut cluster, leader, away, disks) = one_away(64, 1_000);
        cluster.start(away, disks);
        let steps = Cell::new(0);
        cluster.until("the follower to have nearly all", |cluster| {
            let step = steps.get() + 1;
            steps.set(step);
            let (now, node) = (cluster.now, cluster.node_mut(leader));
            if step % steps_per_write == 0 {
                let _ = node.propose(now, b"a command of some more bytes");
            }
            let last = node.raft().last().index;
            step > 10 && last.0 - cluster.node(away).raft().applied().0 < 8
        });
        let installed = cluster.node(away).raft().metrics().snapshots_installed;
        assert_eq!(installed, 1, "a write in {steps_per_write} steps");
    }
}

/// How much was free in the leader's log at the least, before it took its next snapshot.
fn least_free(cluster: &mut Cluster, leader: usize) -> u32 {
    let newest = |cluster: &Cluster| cluster.node(leader).raft().snapshot().copied();
    let (before, mut least) = (newest(cluster), u32::MAX);
    while newest(cluster) == before {
        least = least.min(cluster.node(leader).raft().room().entries);
        cluster.write(1);
        for _ in 0..8 {
            cluster.step();
        }
    }
    least
}

/// Who has all, or is gone, holds nothing up, although it was sent the last one.
#[test]
fn a_snapshot_is_taken_at_half_of_the_log_once_the_last_one_arrived() {
    for goes_again in [false, true] {
        let (mut cluster, leader, away, disks) = one_away(64, 990);
        cluster.start(away, disks);
        cluster.until("a snapshot", |cluster| {
            cluster.node(away).raft().metrics().snapshots_installed > 0
        });
        cluster.settle();
        if goes_again {
            drop(cluster.kill(away));
            let end = cluster.now.plus(Duration::from_millis(150));
            while cluster.now < end {
                cluster.step();
            }
        }
        let free = least_free(&mut cluster, leader);
        assert!((24..40).contains(&free), "{free} of 64 were free, gone again: {goes_again}");
    }
}

/// To restore a state takes its time, and a new snapshot would make it have been in vain.
#[test]
fn no_snapshot_is_taken_while_a_follower_restores_its_state_from_the_last() {
    let (mut cluster, leader, away, disks) = one_away(64, 1_000);
    cluster.start(away, disks);
    let slow = Compaction { bytes_per_turn: 1, ..Compaction::default() };
    cluster.node_mut(away).set_compaction(slow);
    let restores = |cluster: &Cluster| {
        matches!(cluster.node(away).snapshot_work(), SnapshotWork::Restoring { .. })
    };
    cluster.until("all chunks", |cluster| restores(cluster));
    let (begun, newest) = (cluster.now, cluster.node(leader).raft().snapshot().copied());
    while restores(&cluster) {
        cluster.now = cluster.now.plus(Duration::from_millis(5));
        if cluster.node(leader).raft().room().entries > 20 {
            cluster.write(1);
        }
        cluster.step();
        assert_eq!(cluster.node(leader).raft().snapshot().copied(), newest);
    }
    let took = cluster.now.since(begun);
    assert!(took > Duration::from_millis(110), "it took no election timeout: {took:?}");
    let free = cluster.node(leader).raft().room().entries;
    assert!(free < 32, "{free} of 64 are free: there was no reason to take one");
}
