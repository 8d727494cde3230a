//! §6.2: a leader without a majority steps down (CheckQuorum).

use crate::common::solo::{Solo, conflict, matched};
use crate::common::{Net, at, id};
use raft_nostd::{Event, Role, Status, Term};

/// §6.2: "A leader in Raft steps down if an election timeout elapses without a successful round of
/// heartbeats to a majority of its cluster".
#[test]
fn a_leader_steps_down_without_a_majority() {
    let mut solo = Solo::new(5);
    solo.lead_and_commit();
    let start = solo.now;
    while solo.role() == Role::Leader {
        solo.deadline();
        solo.hear(2, matched(1, 1, 0));
        solo.steps();
    }
    assert_eq!(solo.now.since(start).as_micros(), 1_000_000, "two of five are too few");
    let status = Status { role: Role::Follower, term: Term(1), leader: None };
    assert_eq!(solo.me.events.last(), Some(&Event::Status(status)));
}

/// §6.2: "this allows clients to retry their requests with another server": it says that it does
/// not lead, and does not know who does.
#[test]
fn who_stepped_down_takes_no_requests() {
    let mut solo = Solo::new(3);
    solo.lead_and_commit();
    solo.pass(1_000);
    assert_eq!(
        solo.me.raft.propose(solo.now, b"x"),
        Err(raft_nostd::ProposeError::NotLeader { hint: None })
    );
    assert_eq!(solo.me.raft.read(solo.now), Err(raft_nostd::ReadError::NotLeader { hint: None }));
    solo.hear(2, crate::common::solo::heartbeat(2));
    assert_eq!(
        solo.me.raft.propose(solo.now, b"x"),
        Err(raft_nostd::ProposeError::NotLeader { hint: Some(id(2)) })
    );
}

/// §6.2: a majority that takes turns is a majority, as long as each is heard in time.
#[test]
fn a_leader_stays_while_a_majority_answers_within_the_timeout() {
    let mut solo = Solo::new(5);
    solo.lead_and_commit();
    for round in 0..40 {
        solo.pass(450);
        solo.hear(2 + round % 4, matched(1, 1, 0));
        solo.steps();
        assert_eq!(solo.role(), Role::Leader, "round {round}");
    }
}

/// §6.2: a follower whose log is behind is there all the same.
#[test]
fn a_refusal_is_a_sign_of_life() {
    let mut solo = Solo::from(3, crate::common::Disk::new(1, 0, &[1, 1]));
    solo.lead();
    for _ in 0..10 {
        solo.pass(400);
        solo.steps();
        solo.hear(2, conflict(2, 2, at(0, 0)));
        assert_eq!(solo.role(), Role::Leader);
    }
}

/// §6.2: an answer of an older term is no sign of life for this leadership.
#[test]
fn a_stale_answer_is_no_sign_of_life() {
    let mut solo = Solo::from(3, crate::common::Disk::new(1, 0, &[]));
    solo.lead_and_commit();
    solo.pass(900);
    solo.hear(2, matched(1, 0, 0));
    solo.pass(100);
    assert_eq!(solo.role(), Role::Follower);
}

/// §6.2: alone, one is always with one's majority.
#[test]
fn a_single_node_never_steps_down() {
    let mut net = Net::new(1);
    net.elect();
    net.run(60_000);
    assert_eq!(net.leader(), Some(1));
}

/// §6.2: in a partition, the leader of the minority stops leading before long, and the majority has
/// a new one.
#[test]
fn a_leader_in_a_minority_stops_leading() {
    let mut net = Net::new(5);
    let old = net.elect();
    net.run(500);
    let friend = if old == 1 { 2 } else { 1 };
    for other in (1..=5).filter(|n| ![old, friend].contains(n)) {
        for ours in [old, friend] {
            net.cut.extend([(id(ours), id(other)), (id(other), id(ours))]);
        }
    }
    net.run(1_001);
    assert!(!net.node(old).is_leader());
    net.run(6_000);
    let new = net.leader().unwrap();
    assert!(![old, friend].contains(&new));
}
