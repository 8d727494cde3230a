//! Three drivers: logs that are compacted, followers that get snapshots (dissertation §5).

use crate::cluster::{Cluster, World, one_away, place};
use raft_nostd::{Compaction, Duration, Event, SnapshotFailure};

#[test]
fn a_log_of_eight_entries_takes_writes_for_ever() {
    let mut cluster = Cluster::new(8);
    cluster.write(5_000);
    cluster.settle();
    for at in 0..3 {
        let node = cluster.node(at);
        assert_eq!(node.host().machine.state.count, 5_000);
        assert!(cluster.base(at).0 > 4_990);
        assert!(!node.host().machine.holds_image(), "an image is let go of");
        assert!(node.host().complaints.is_empty(), "{:?}", node.host().complaints);
    }
}

#[test]
fn who_was_away_for_longer_than_the_log_remembers_gets_a_snapshot() {
    let mut cluster = Cluster::new(64);
    let leader = cluster.elect();
    let away = (leader + 1) % 3;
    cluster.write(20);
    let disks = cluster.kill(away);
    cluster.write(1_000);
    assert!(cluster.base(cluster.leader().unwrap()).0 > 500);
    cluster.start(away, disks);
    cluster.settle();
    let back = cluster.node(away);
    assert_eq!(back.raft().metrics().snapshots_installed, 1);
    let told = |event: &Event| matches!(event, Event::SnapshotInstalled(_));
    assert_eq!(back.host().events.iter().filter(|event| told(event)).count(), 1);
    cluster.write(100);
    cluster.settle();
}

#[test]
fn a_lossy_network_delivers_a_snapshot_all_the_same() {
    let (mut cluster, _, away, disks) = one_away(64, 1_500);
    cluster.loss = 250;
    cluster.start(away, disks);
    cluster.until("the snapshot", |cluster| {
        cluster.node(away).raft().metrics().snapshots_installed > 0
    });
    cluster.loss = 0;
    cluster.settle();
}

#[test]
fn writes_go_on_while_a_snapshot_is_sent() {
    let (mut cluster, _, away, disks) = one_away(64, 1_000);
    cluster.start(away, disks);
    cluster.write(3_000);
    cluster.settle();
    assert!(cluster.node(away).raft().metrics().snapshots_installed > 0);
}

/// A batch waits for one chunk, and not for a window full of them.
#[test]
fn a_batch_is_synced_after_the_first_chunk() {
    let (mut cluster, leader, away, disks) = one_away(64, 1_000);
    cluster.window = 4_000;
    let again = cluster.kill(leader);
    cluster.start(leader, again);
    let leader = cluster.elect();
    cluster.start(away, disks);
    let mut bursts = 0;
    while cluster.node(away).raft().metrics().snapshots_installed == 0 {
        let (now, node) = (cluster.now, cluster.node_mut(leader));
        let proposed = node.propose(now, b"a command").is_ok();
        let (before, left) = (node.host().medium.calls().syncs, node.host().air.left.len());
        cluster.step();
        let host = cluster.node(leader).host();
        let chunks: Vec<_> = host.air.left[left..].iter().filter(|one| one.bytes > 300).collect();
        let synced = host.medium.calls().syncs > before;
        if proposed && synced && chunks.len() > 1 {
            bursts += 1;
            let early = chunks.iter().filter(|one| one.syncs == before).count();
            assert!(early <= 1, "{early} of {} chunks went before the sync", chunks.len());
        }
    }
    assert!(bursts > 0, "no batch waited beside several chunks");
}

#[test]
fn a_node_starts_from_snapshot_and_journal() {
    let mut cluster = Cluster::new(32);
    cluster.write(500);
    cluster.settle();
    for at in 0..3 {
        let disks = cluster.kill(at);
        cluster.start(at, disks);
        let applied = cluster.node(at).raft().applied();
        assert_eq!(applied, cluster.node(at).raft().snapshot().unwrap().last.index);
        assert!(applied.0 > 400);
        cluster.write(3);
        cluster.settle();
    }
}

#[test]
fn a_transfer_goes_on_after_a_restart_at_either_end() {
    let (mut cluster, _, away, disks) = one_away(64, 1_500);
    cluster.settle();
    cluster.start(away, disks);
    let chunks_of = |cluster: &Cluster| {
        cluster.node(away).raft().incoming_snapshot().map_or(0, |(_, chunks, _)| chunks)
    };
    cluster.until("half a snapshot", |cluster| chunks_of(cluster) >= 20);
    let disks = cluster.kill(away);
    cluster.start(away, disks);
    assert!(chunks_of(&cluster) > 0, "what the disk has need not be sent again");
    let leader = cluster.leader().unwrap();
    let disks = cluster.kill(leader);
    cluster.start(leader, disks);
    cluster.settle();
    assert_eq!(cluster.node(away).raft().metrics().snapshots_installed, 1);
}

#[test]
fn a_full_disk_costs_the_snapshot_and_not_the_node() {
    let mut cluster = Cluster::new(64);
    let leader = cluster.elect();
    cluster.node_mut(leader).host_mut().snapshots.fill_after(0);
    cluster.write(50);
    cluster.until("a complaint", |cluster| {
        cluster.node(leader).host().events.contains(&Event::SnapshotFailed(SnapshotFailure::Full))
    });
    assert_eq!(cluster.leader(), Some(leader));
    cluster.node_mut(leader).host_mut().snapshots.make_room();
    cluster.write(1_000);
    cluster.settle();
    assert!(cluster.node(leader).raft().metrics().snapshots_taken > 0);
}

/// A place that is too small is no disk that is full: space that comes back does not help.
#[test]
fn a_snapshot_that_is_longer_than_its_place_is_told_as_that() {
    let too_large = Event::SnapshotFailed(SnapshotFailure::TooLarge);
    let mut cluster = Cluster::new(64);
    let leader = cluster.elect();
    let away = (leader + 1) % 3;
    let mut disks = cluster.kill(away);
    cluster.write(1_500);
    cluster.settle();
    disks.snapshots = place(2);
    cluster.start(away, disks);
    // What its leader sends it.
    cluster.until("a complaint", |cluster| cluster.node(away).host().events.contains(&too_large));
    assert_eq!(cluster.node(away).raft().incoming_failure(), Some(SnapshotFailure::TooLarge));
    let mut disks = cluster.kill(away);
    disks.snapshots = place(6);
    cluster.start(away, disks);
    cluster.settle();
    assert_eq!(cluster.node(away).raft().incoming_failure(), None);
    assert_eq!(cluster.node(away).raft().metrics().snapshots_installed, 1);
}

#[test]
fn a_state_that_outgrows_its_place_is_told_as_that() {
    let mut cluster = Cluster::new(64);
    for at in 0..3 {
        let mut disks = cluster.kill(at);
        disks.snapshots = place(2);
        cluster.start(at, disks);
    }
    cluster.until("a complaint", |cluster| {
        let leader = cluster.elect();
        let now = cluster.now;
        let _full = cluster.node_mut(leader).propose(now, &[7; 8]);
        let told = &cluster.node(leader).host().events;
        told.contains(&Event::SnapshotFailed(SnapshotFailure::TooLarge))
    });
    // Nothing is gained by writing it again before something has changed.
    cluster.settle();
    let leader = cluster.elect();
    let attempts = |cluster: &Cluster| {
        let events = &cluster.node(leader).host().events;
        events.iter().filter(|event| matches!(event, Event::SnapshotFailed(_))).count()
    };
    let wait = |cluster: &mut Cluster| {
        let end = cluster.now.plus(Duration::from_millis(5_000));
        while cluster.now < end {
            cluster.step();
        }
    };
    wait(&mut cluster);
    let before = attempts(&cluster);
    wait(&mut cluster);
    assert_eq!(attempts(&cluster), before);
    cluster.node_mut(leader).compact();
    wait(&mut cluster);
    assert_eq!(attempts(&cluster), before + 1, "it was asked for");
}

#[test]
fn a_snapshot_is_taken_on_request() {
    let mut cluster = Cluster::new(128);
    cluster.write(10);
    cluster.settle();
    let leader = cluster.leader().unwrap();
    cluster.node_mut(leader).compact();
    cluster.until("a snapshot", |cluster| cluster.node(leader).raft().snapshot().is_some());
    let last = cluster.node(leader).raft().snapshot().unwrap().last;
    assert_eq!(last, cluster.node(leader).raft().last());
    assert!(cluster.node(leader).host().events.contains(&Event::SnapshotTaken(last)));
    // There is nothing new to take.
    cluster.node_mut(leader).compact();
    cluster.write(1);
    cluster.settle();
    assert_eq!(cluster.node(leader).raft().metrics().snapshots_taken, 1);
}

#[test]
fn a_snapshot_is_taken_after_so_many_bytes() {
    let mut cluster = Cluster::new(128);
    let leader = cluster.elect();
    let policy = Compaction { after_bytes: 400, ..Compaction::default() };
    cluster.node_mut(leader).set_compaction(policy);
    cluster.write(10);
    cluster.settle();
    assert_eq!(cluster.node(leader).raft().metrics().snapshots_taken, 0);
    cluster.write(20);
    cluster.settle();
    assert!(cluster.node(leader).raft().metrics().snapshots_taken >= 1);
    assert!(cluster.node(leader).raft().bytes_since_snapshot() < 400);
}

#[test]
fn a_snapshot_is_taken_after_so_many_entries() {
    let mut cluster = Cluster::new(128);
    let leader = cluster.elect();
    let policy = Compaction { after_entries: 20, ..Compaction::default() };
    cluster.node_mut(leader).set_compaction(policy);
    cluster.write(18);
    cluster.settle();
    // The first entry opens the term.
    assert_eq!(cluster.node(leader).raft().entries_since_snapshot(), 19);
    assert_eq!(cluster.node(leader).raft().metrics().snapshots_taken, 0);
    cluster.write(1);
    cluster.settle();
    assert_eq!(cluster.node(leader).raft().metrics().snapshots_taken, 1);
    assert_eq!(cluster.node(leader).raft().entries_since_snapshot(), 0);
}

/// A newer snapshot that is merely asked for waits for a follower that takes in the last one. One that
/// replaces what cannot be read does not: nobody gets any further with that.
#[test]
fn a_request_does_not_put_off_the_replacement_of_an_unreadable_snapshot() {
    let (mut cluster, leader, away, disks) = one_away(64, 1_500);
    cluster.until("all applied", |cluster| {
        cluster.node(leader).raft().applied() == cluster.node(leader).raft().last().index
    });
    let taken = cluster.node(leader).raft().metrics().snapshots_taken;
    let medium = &mut cluster.node_mut(leader).host_mut().snapshots;
    medium.fill_after(0);
    for last_segment_of_a_slot in [4, 5] {
        medium.damage(last_segment_of_a_slot, 100, 1);
    }
    // There is no space for a newer one, so that the replacement has to wait as well.
    cluster.node_mut(leader).compact();
    cluster.until("no space", |cluster| cluster.node(leader).host().complaints.len() == 1);
    cluster.start(away, disks);
    cluster.until("damage", |cluster| cluster.node(leader).host().complaints.len() == 2);
    let complaints = &cluster.node(leader).host().complaints;
    assert!(complaints[1].contains("is damaged"), "{complaints:?}");
    cluster.node_mut(leader).host_mut().snapshots.make_room();
    cluster.node_mut(leader).compact();
    cluster.step();
    assert_eq!(cluster.node(leader).raft().metrics().snapshots_taken, taken + 1);
    cluster.settle();
}

#[test]
fn a_node_that_never_ran_before_joins_by_snapshot() {
    let mut cluster = Cluster::new(32);
    drop(cluster.kill(2));
    cluster.write(800);
    cluster.start(2, World::new());
    cluster.settle();
    assert_eq!(cluster.node(2).raft().metrics().snapshots_installed, 1);
}

#[test]
fn a_follower_gets_its_snapshot_whatever_the_policy() {
    let (mut cluster, _, away, disks) = one_away(128, 3_000);
    for at in (0..3).filter(|at| *at != away) {
        let policy = Compaction { after_bytes: 400, ..Compaction::default() };
        cluster.node_mut(at).set_compaction(policy);
    }
    cluster.start(away, disks);
    // A write at every step: each few would ask for a newer snapshot.
    cluster.until("a snapshot under load", |cluster| {
        let now = cluster.now;
        if let Some(leader) = cluster.leader() {
            let _ = cluster.node_mut(leader).propose(now, b"abcdefgh");
        }
        cluster.node(away).raft().metrics().snapshots_installed > 0
    });
}

#[test]
fn a_follower_hears_its_leader_where_chunks_are_lost() {
    let (mut cluster, _, away, disks) = one_away(64, 1_500);
    cluster.longest = 300;
    cluster.start(away, disks);
    let hears = |cluster: &Cluster| cluster.node(away).raft().status().leader.is_some();
    cluster.until("a word of the leader", |cluster| hears(cluster));
    let end = cluster.now.plus(Duration::from_millis(3_000));
    while cluster.now < end {
        cluster.step();
        assert!(hears(&cluster), "it does not hear its leader any more");
    }
    cluster.longest = 400;
    cluster.settle();
}

/// A loss is heard of from the answer to the next heartbeat. That what was sent again is lost as well
/// shows after one more; then a heartbeat without a chunk comes first, and the chunk right behind it,
/// not another heartbeat later.
#[test]
fn a_chunk_that_is_lost_twice_follows_the_third_heartbeat() {
    let (mut cluster, _, away, disks) = one_away(64, 1_500);
    cluster.start(away, disks);
    let chunks_of = |cluster: &Cluster| {
        cluster.node(away).raft().incoming_snapshot().map_or(0, |(_, chunks, _)| chunks)
    };
    cluster.until("some chunks", |cluster| chunks_of(cluster) >= 10);
    let (heartbeat, round_trip) = (Duration::from_millis(20), Duration::from_micros(200));
    for _ in 0..5 {
        let (had, began) = (chunks_of(&cluster), cluster.now);
        // Nothing else is that long.
        cluster.longest = 300;
        while cluster.now < began.plus(heartbeat).plus(round_trip) {
            cluster.step();
        }
        cluster.longest = 400;
        assert_eq!(chunks_of(&cluster), had, "it was not lost");
        cluster.until("the next chunk", |cluster| chunks_of(cluster) > had);
        let late = cluster.now.since(began.plus(heartbeat.times(3)));
        assert!(late <= round_trip, "{late:?} late");
    }
    cluster.settle();
}

#[test]
fn who_lost_its_disk_is_told_of_and_sent_everything_anew() {
    for count in [20, 800] {
        let mut cluster = Cluster::new(64);
        cluster.write(count);
        cluster.settle();
        let leader = cluster.leader().unwrap();
        let wiped = (leader + 1) % 3;
        // Its journal counts openings: a later life, not a late word of the same.
        drop(cluster.kill(wiped));
        cluster.start(wiped, World::new());
        cluster.settle();
        let peer = cluster.node(wiped).raft().id();
        let told = Event::FollowerLost { peer };
        assert!(cluster.node(leader).host().events.contains(&told));
    }
}

/// A cluster at rest whose leader's newest snapshot is of everything, and damaged: who leads, and who is
/// away and will need it.
fn with_a_damaged_snapshot() -> (Cluster, usize, usize) {
    let mut cluster = Cluster::new(64);
    let leader = cluster.elect();
    let away = (leader + 1) % 3;
    drop(cluster.kill(away));
    cluster.write(1_500);
    cluster.settle();
    cluster.node_mut(leader).compact();
    cluster.until("a snapshot of everything", |cluster| {
        let raft = cluster.node(leader).raft();
        raft.snapshot().is_some_and(|newest| newest.last == raft.last())
    });
    for last_segment_of_a_slot in [4, 5] {
        cluster.node_mut(leader).host_mut().snapshots.damage(last_segment_of_a_slot, 100, 1);
    }
    (cluster, leader, away)
}

/// Nobody writes any more, so that there is nothing new to take: the newest is taken once more.
#[test]
fn an_unreadable_snapshot_is_replaced_in_a_cluster_at_rest() {
    let (mut cluster, leader, away) = with_a_damaged_snapshot();
    let taken = cluster.node(leader).raft().metrics().snapshots_taken;
    let newest = *cluster.node(leader).raft().snapshot().unwrap();
    cluster.start(away, World::new());
    cluster.settle();
    assert_eq!(cluster.leader(), Some(leader));
    let node = cluster.node(leader);
    assert!(node.host().complaints[0].contains("is damaged"), "{:?}", node.host().complaints);
    assert_eq!(node.raft().snapshot(), Some(&newest), "it is the same, and whole");
    assert_eq!(node.raft().metrics().snapshots_taken, taken + 1);
    assert_eq!(cluster.node(away).raft().metrics().snapshots_installed, 1);
}

/// It has applied nothing: there is nothing to take.
#[test]
fn a_blank_node_takes_no_snapshot_when_asked_to_replace_it() {
    let mut cluster = Cluster::new(64);
    cluster.node_mut(0).replace_snapshot();
    cluster.elect();
    cluster.settle();
    assert_eq!(cluster.node(0).raft().metrics().snapshots_taken, 0);
}

/// Whoever doubts the newest snapshot has it written anew, though nothing was applied since.
#[test]
fn a_snapshot_is_replaced_when_asked_for() {
    let (mut cluster, leader, away) = with_a_damaged_snapshot();
    let taken = cluster.node(leader).raft().metrics().snapshots_taken;
    cluster.node_mut(leader).compact(); // Nothing to gain, as far as is known.
    cluster.settle();
    assert_eq!(cluster.node(leader).raft().metrics().snapshots_taken, taken);
    cluster.node_mut(leader).replace_snapshot();
    cluster.until("one more", |cluster| {
        cluster.node(leader).raft().metrics().snapshots_taken == taken + 1
    });
    cluster.start(away, World::new());
    cluster.settle();
    let node = cluster.node(leader);
    assert_eq!(node.host().complaints, [""; 0], "nobody was sent what is damaged");
    assert_eq!(cluster.node(away).raft().metrics().snapshots_installed, 1);
}
