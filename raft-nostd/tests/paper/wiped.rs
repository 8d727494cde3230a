//! DESIGN §7 (8): "A node that came back with an empty disk under its old id is not the node its peers
//! knew." Its leader tells.

use crate::common::solo::{Solo, conflict, matched};
use crate::common::{Disk, Member, Net, Storage, at, id};
use raft_nostd::{Event, NodeId};

fn lost(member: &Member) -> Vec<NodeId> {
    let peers = member.events.iter().filter_map(|event| match event {
        Event::FollowerLost { peer } => Some(*peer),
        _ => None,
    });
    peers.collect()
}

/// Node 1 leads three, all of whom have acknowledged five commands.
fn five_acknowledged() -> Net {
    let mut net = Net::new(3);
    net.stand(1);
    for n in 0..5 {
        net.propose(1, &[n]);
    }
    net.run(500);
    net
}

/// What a follower had acknowledged as durable, and refuses now, is gone: told once in a term.
#[test]
fn a_follower_that_lost_its_disk_is_told_of_once() {
    let mut net = five_acknowledged();
    net.node(2).disk = Disk::default();
    net.restart(2);
    net.run(5_000);
    assert_eq!(lost(net.node(1)), [id(2)]);
    net.restart(2);
    net.run(5_000);
    assert_eq!(lost(net.node(1)), [id(2)], "once");
    assert_eq!(lost(net.node(3)), [], "by its leader only");
    net.node(3).disk = Disk::default();
    net.restart(3);
    net.run(1_000);
    assert_eq!(lost(net.node(1)), [id(2), id(3)], "of each");
}

/// So is one that had received more than it had acknowledged.
#[test]
fn a_follower_that_lost_more_than_it_had_acknowledged() {
    let mut net = five_acknowledged();
    net.node(2).storage = Storage::Waits;
    net.propose(1, b"received, not durable");
    net.run(500);
    net.node(2).disk = Disk::default();
    net.restart(2);
    net.run(1_000);
    assert_eq!(lost(net.node(1)), [id(2)]);
}

/// A restart with the disk as it was loses at most what was not acknowledged.
#[test]
fn a_follower_that_restarts_has_lost_nothing() {
    let mut net = five_acknowledged();
    for _ in 0..3 {
        net.node(2).storage = Storage::Waits;
        net.propose(1, b"received, not durable");
        net.run(300);
        net.restart(2);
        net.run(2_000);
    }
    assert_eq!(lost(net.node(1)), []);
    assert_eq!(net.node(1).raft.matched(id(2)), Some(net.members[0].raft.last().index));
}

/// A refusal of the same life, from before it acknowledged, that comes late or twice is none.
#[test]
fn a_late_refusal_is_no_loss() {
    let mut solo = Solo::from(3, Disk::new(1, 0, &[1; 8]));
    solo.lead();
    solo.steps();
    solo.hear(2, conflict(2, 8, at(0, 0)));
    solo.steps();
    solo.hear(2, matched(2, 9, 0));
    solo.hear(2, conflict(2, 8, at(0, 0)));
    solo.steps();
    assert_eq!(lost(&solo.me), []);
}

/// A leader of a newer term has no acknowledgement that could be broken: it brings the node up again.
#[test]
fn the_next_leader_fills_an_empty_log() {
    let mut net = five_acknowledged();
    net.isolate(1);
    net.run(5_000);
    net.node(1).disk = Disk::default();
    net.restart(1);
    net.heal();
    net.run(5_000);
    let last = net.members[1].raft.last();
    assert_eq!(net.node(1).raft.last(), last);
    assert!(net.members.iter().all(|member| lost(member).is_empty()));
}
