//! DESIGN §3, §5: a full medium sheds load and is tried again; a failed one halts the node.

use crate::common::solo::{
    Solo, acknowledged, append, heartbeat, pre_vote_request, verdict, vote_reply, vote_request,
};
use crate::common::{Disk, Member, Step, Storage, at};
use raft_nostd::journal::PersistFailure::{Failed, Full};
use raft_nostd::wire::Vote;
use raft_nostd::{Event, Halt, Index, Instant, ProposeError, Role};

/// A leader of three whose write of `x` is on its way.
fn writing_leader() -> Solo {
    let mut solo = Solo::new(3);
    solo.lead_and_commit();
    let mut solo = solo.waiting();
    solo.propose(b"x");
    solo.steps();
    solo
}

fn tells(member: &Member, event: Event) -> usize {
    member.events.iter().filter(|told| **told == event).count()
}

/// Full: "refuse, step down, recover when space returns; nothing lost."
#[test]
fn a_leader_with_a_full_medium_steps_down_and_refuses() {
    let mut solo = writing_leader();
    solo.me.persist_failed(solo.now, Full);
    solo.steps();
    assert_eq!(solo.role(), Role::Follower);
    assert_eq!(tells(&solo.me, Event::StorageFull), 1);
    assert_eq!(solo.me.raft.propose(solo.now, b"y"), Err(ProposeError::StorageFull));
    assert_eq!(solo.me.raft.halted(), None);
    assert_eq!(solo.me.terms(), [1, 1], "what it took is still there");
}

/// It tries again after an election timeout, with all that is not durable, and tells once that it
/// was full and once that it is not.
#[test]
fn a_full_medium_is_tried_again_after_an_election_timeout() {
    let mut solo = writing_leader();
    for _ in 0..4 {
        solo.me.persist_failed(solo.now, Full);
        assert!(!solo.steps().iter().any(|step| matches!(step, Step::Persist { .. })));
        solo.pass(999);
        assert!(!solo.steps().iter().any(|step| matches!(step, Step::Persist { .. })));
        let before = solo.now;
        solo.deadline();
        assert_eq!(solo.now.since(before).as_micros(), 1_000, "the deadline says when");
        let again =
            |step: &Step| matches!(step, Step::Persist { entries, .. } if entries == &[at(1, 2)]);
        assert!(solo.steps().iter().any(again));
    }
    solo.durable();
    solo.steps();
    assert_eq!(solo.me.raft.durable(), Index(2));
    assert_eq!(tells(&solo.me, Event::StorageFull), 1);
    assert_eq!(tells(&solo.me, Event::StorageRecovered), 1);
}

/// Nothing is left undone when the host only polls, at the very time that `Idle` named.
#[test]
fn a_full_medium_is_tried_again_when_polled_in_time() {
    let mut solo = writing_leader();
    solo.me.persist_failed(solo.now, Full);
    solo.steps();
    solo.now = solo.me.wake_at;
    solo.steps();
    assert!(solo.me.wake_at <= solo.now, "there is something to do now");
    solo.deadline();
    solo.steps();
    assert!(solo.me.ticket.is_some());
    assert!(solo.me.wake_at > solo.now, "and then nothing more");
}

/// While it is full the node does not campaign: a leader without storage could do nothing.
#[test]
fn a_node_with_a_full_medium_does_not_campaign() {
    let mut solo = writing_leader();
    for _ in 0..30 {
        if solo.me.ticket.is_some() {
            solo.me.persist_failed(solo.now, Full);
        }
        solo.deadline();
        assert!(solo.said().is_empty());
        assert_eq!(solo.role(), Role::Follower);
    }
    solo.durable();
    solo.impatient();
    assert_eq!(solo.said().len(), 2, "with space it does");
}

/// While it is full the node gives no vote: it could not keep it.
#[test]
fn a_node_with_a_full_medium_gives_no_vote() {
    let mut solo = writing_leader();
    solo.me.persist_failed(solo.now, Full);
    solo.hear(2, vote_request(5, at(4, 9)));
    assert!(solo.said().is_empty());
    solo.pass(1_000);
    solo.durable();
    assert_eq!(solo.said_to(2), vote_reply(5, Vote::Granted), "until it can");
}

/// A follower with a full medium stays in the cluster: it answers with what it has durably.
#[test]
fn a_follower_with_a_full_medium_acknowledges_what_is_durable() {
    let mut solo = Solo::from(3, Disk::new(1, 0, &[1])).waiting();
    solo.hear_append(2, append(1, at(1, 1), 0), &[1, 1]);
    solo.steps();
    solo.me.persist_failed(solo.now, Full);
    assert!(solo.said().is_empty());
    solo.hear(2, append(1, at(1, 1), 0));
    assert_eq!(verdict(solo.said_to(2)), acknowledged(1, 3));
    solo.pass(1_000);
    solo.durable();
    assert_eq!(verdict(solo.said_to(2)), acknowledged(3, 3));
}

/// A follower with a full medium sends clients to the leader it knows.
#[test]
fn a_follower_with_a_full_medium_says_who_leads() {
    let mut solo = Solo::from(3, Disk::new(1, 0, &[1])).waiting();
    solo.hear_append(2, append(1, at(1, 1), 0), &[1, 1]);
    solo.steps();
    solo.me.persist_failed(solo.now, Full);
    let hint = Some(crate::common::id(2));
    assert_eq!(solo.me.raft.propose(solo.now, b"y"), Err(ProposeError::NotLeader { hint }));
}

/// ... but not for ever to one that is silent: it may be dead. Nor to itself, when it led.
#[test]
fn a_node_with_a_full_medium_forgets_a_leader_it_does_not_hear() {
    let mut solo = Solo::from(3, Disk::new(1, 0, &[1])).waiting();
    solo.hear_append(2, append(1, at(1, 1), 0), &[1, 1]);
    solo.steps();
    for _ in 0..10 {
        if solo.me.ticket.is_some() {
            solo.me.persist_failed(solo.now, Full);
        }
        solo.deadline();
        solo.steps();
    }
    assert_eq!((solo.role(), solo.me.raft.status().leader), (Role::Follower, None));
    assert_eq!(solo.me.raft.propose(solo.now, b"y"), Err(ProposeError::StorageFull));
    let mut solo = writing_leader();
    solo.me.persist_failed(solo.now, Full);
    solo.steps();
    assert_eq!(solo.me.raft.status().leader, None);
    assert!(solo.me.events.contains(&Event::Status(solo.me.raft.status())), "and it is told");
}

/// "A failed sync halts the node for good: nothing is acknowledged after it."
#[test]
fn a_failed_medium_halts_the_node_for_good() {
    let mut solo = Solo::from(3, Disk::new(1, 0, &[1])).waiting();
    solo.hear_append(2, append(1, at(1, 1), 3), &[1, 1]);
    solo.hear(3, pre_vote_request(1, 2, at(1, 9)));
    solo.steps();
    solo.me.persist_failed(solo.now, Failed);
    let steps = solo.steps();
    assert_eq!(
        steps,
        [Step::Tell(Event::Halted(Halt::StorageFailed)), status(&solo)][..steps.len()]
    );
    assert_eq!(solo.me.raft.halted(), Some(Halt::StorageFailed));
    solo.pass(10_000);
    assert!(solo.try_hear(2, heartbeat(2), &[]).is_err());
    assert!(solo.steps().is_empty());
    assert_eq!(solo.me.wake_at, Instant::NEVER);
    let applied: Vec<_> = solo.me.applied.iter().map(|(position, _)| *position).collect();
    assert_eq!(applied, [at(1, 1)], "what was durable before");
}

fn status(solo: &Solo) -> Step {
    Step::Tell(Event::Status(solo.me.raft.status()))
}

/// After a failure and a restart, recovery reads what is really there, and the node goes on.
#[test]
fn a_node_goes_on_after_a_restart() {
    let mut solo = Solo::from(3, Disk::new(1, 0, &[1])).waiting();
    solo.hear_append(2, append(1, at(1, 1), 3), &[1, 1]);
    solo.steps();
    solo.me.persist_failed(solo.now, Failed);
    solo.restart();
    assert_eq!(solo.me.storage, Storage::Instant);
    assert_eq!(solo.me.terms(), [1]);
    solo.hear_append(2, append(1, at(1, 1), 3), &[1, 1]);
    assert_eq!(verdict(solo.said_to(2)), acknowledged(3, 3));
}
