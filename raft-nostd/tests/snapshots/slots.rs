//! One of the two slots is lost while the node is down: whichever it was, a start lacks nothing that
//! was acknowledged, or is refused.

use crate::cluster::{Cluster, World};
use raft_nostd::OpenError;
use raft_nostd::journal::{Geometry, Medium};

/// Blanks all segments of one slot: the slots take turns.
fn lose(disks: &mut World, slot: u32) {
    let Geometry { segments, segment_bytes, .. } = disks.snapshots.geometry();
    for segment in (slot..segments).step_by(2) {
        disks.snapshots.plant(segment, 0, &vec![0; segment_bytes as usize]);
    }
}

#[test]
fn a_start_without_one_slot_lacks_nothing_or_is_refused() {
    let (mut started, mut refused) = (0, 0);
    for round in 0..120 {
        let mut cluster = Cluster::new(64);
        let leader = cluster.elect();
        let away = (leader + 1) % 3;
        // Some were away, and came back by a snapshot of their leader's.
        if round % 2 == 0 {
            let disks = cluster.kill(away);
            cluster.write(100 + round);
            cluster.start(away, disks);
        }
        cluster.write(1 + round * 7);
        for _ in 0..round {
            cluster.step();
        }
        let at = if round % 3 == 0 { leader } else { away };
        let had = cluster.node(at).raft().durable();
        let mut disks = cluster.kill(at);
        lose(&mut disks, round as u32 / 3 % 2);
        match cluster.try_start(at, disks) {
            Ok(()) => {
                started += 1;
                let node = cluster.node(at).raft();
                assert!(node.last().index >= had, "{round}: {} of {had}", node.last());
                cluster.write(10);
                cluster.settle();
            }
            Err(OpenError::SnapshotMissing(_)) => refused += 1,
            Err(error) => panic!("{round}: {error}"),
        }
    }
    assert!(started > 20 && refused > 20, "{started} started, {refused} were refused");
}
