//! §6.3, §6.4: linearizable reads without writing to the log (ReadIndex).

use crate::common::solo::{Solo, append, heartbeat, matched, with_round};
use crate::common::{Disk, Net, Step, at};
use raft_nostd::wire::Message;
use raft_nostd::{Event, ReadError, ReadId, Role};

fn rounds(solo: &mut Solo) -> Vec<u64> {
    let said = solo.said().into_iter().filter_map(|(to, message)| match message {
        Message::Append(append) if to == 2 => Some(append.round),
        _ => None,
    });
    said.collect()
}

fn read(solo: &mut Solo) -> ReadId {
    solo.me.raft.read(solo.now).unwrap()
}

/// The reads that became ready since the last time.
fn ready(solo: &mut Solo) -> Vec<u64> {
    let steps = solo.steps().into_iter().filter_map(|step| match step {
        Step::Tell(Event::ReadReady(id)) => Some(id.get()),
        _ => None,
    });
    steps.collect()
}

/// §6.4: "The leader ... issues a new round of heartbeats and waits for their acknowledgments from
/// a majority of the cluster."
#[test]
fn a_read_waits_for_a_round_of_a_majority() {
    for (voters, others) in [(2, 1), (3, 1), (4, 2), (5, 2), (7, 3)] {
        let mut solo = Solo::new(voters);
        solo.lead_and_commit();
        let id = read(&mut solo);
        assert_eq!(rounds(&mut solo), [1], "at once, not with the next heartbeat");
        for peer in 2..2 + others {
            assert!(ready(&mut solo).is_empty(), "of {voters}, node {peer} is missing");
            solo.hear(peer, matched(1, 1, 1));
        }
        assert_eq!(ready(&mut solo), [id.get()]);
    }
}

/// §6.4: alone, one is a majority.
#[test]
fn a_single_node_answers_at_once() {
    let mut solo = Solo::new(1);
    solo.lead();
    solo.steps();
    let id = read(&mut solo);
    assert_eq!(ready(&mut solo), [id.get()]);
}

/// §6.4: "If the leader has not yet marked an entry from its current term committed, it waits until
/// it has done so."
#[test]
fn no_read_before_a_commit_in_its_own_term() {
    let mut solo = Solo::from(3, Disk::new(1, 0, &[1, 1]));
    solo.lead();
    let id = read(&mut solo);
    solo.steps();
    solo.hear(2, matched(2, 2, 1));
    assert!(ready(&mut solo).is_empty(), "a majority answers, but the no-op is not committed");
    solo.hear(3, matched(2, 3, 0));
    assert_eq!(ready(&mut solo), [id.get()]);
}

/// §6.4: "The leader waits for its state machine to advance at least as far as the readIndex".
#[test]
fn a_read_waits_for_what_was_committed_before_it() {
    let mut solo = Solo::new(3);
    solo.lead_and_commit();
    let mut solo = solo.waiting();
    solo.propose(b"x");
    solo.steps();
    solo.hear(2, matched(1, 2, 0));
    solo.hear(3, matched(1, 2, 0));
    let id = read(&mut solo);
    solo.steps();
    solo.hear(2, matched(1, 2, 1));
    assert!(ready(&mut solo).is_empty(), "committed, but not applied here: its disk is busy");
    solo.durable();
    let steps = solo.steps();
    let apply = steps.iter().position(|step| matches!(step, Step::Apply(..)));
    let told = steps.iter().position(|step| *step == Step::Tell(Event::ReadReady(id)));
    assert!(apply.unwrap() < told.unwrap(), "{steps:?}");
}

/// §6.4: an acknowledgement of an older round "confirms" nothing that was asked since.
#[test]
fn an_old_acknowledgement_never_confirms_a_newer_read() {
    let mut solo = Solo::new(3);
    solo.lead_and_commit();
    let first = read(&mut solo);
    solo.steps();
    let second = read(&mut solo);
    assert!(second > first);
    assert_eq!(rounds(&mut solo), [2]);
    for _ in 0..3 {
        solo.hear(2, matched(1, 1, 0));
        solo.hear(3, matched(1, 1, 0));
    }
    assert!(ready(&mut solo).is_empty(), "heartbeats from before the reads");
    solo.hear(2, matched(1, 1, 1));
    assert_eq!(ready(&mut solo), [first.get()]);
    solo.hear(3, matched(1, 1, 1));
    assert!(ready(&mut solo).is_empty());
    solo.hear(3, matched(1, 1, 2));
    assert_eq!(ready(&mut solo), [second.get()]);
}

/// §6.4: "it can amortize the cost of ... a single round of heartbeats for any number of read-only
/// queries that it has accumulated."
#[test]
fn many_reads_share_one_round() {
    let mut solo = Solo::new(3);
    solo.lead_and_commit();
    let ids: Vec<_> = (0..100).map(|_| read(&mut solo)).collect();
    assert!(ids.iter().all(|id| *id == ids[0]));
    assert_eq!(rounds(&mut solo), [1]);
    solo.hear(2, matched(1, 1, 1));
    assert_eq!(ready(&mut solo), [ids[0].get()]);
}

/// §6.4: a newer round confirms all older reads.
#[test]
fn a_newer_round_confirms_older_reads() {
    let mut solo = Solo::new(3);
    solo.lead_and_commit();
    for _ in 0..3 {
        read(&mut solo);
        solo.steps();
    }
    solo.hear(3, matched(1, 1, 3));
    assert_eq!(ready(&mut solo), [3], "every read up to this one");
}

/// §6.4: no round is invented by a peer.
#[test]
fn a_round_that_never_was_is_refused() {
    let mut solo = Solo::new(3);
    solo.lead_and_commit();
    read(&mut solo);
    solo.steps();
    let refused = solo.try_hear(2, matched(1, 1, 2), &[]);
    assert_eq!(refused, Err(raft_nostd::Refused::Contradiction));
    assert!(ready(&mut solo).is_empty());
}

/// §6.4: a lost round is asked again.
#[test]
fn a_lost_round_is_asked_again() {
    let mut solo = Solo::new(3);
    solo.lead_and_commit();
    read(&mut solo);
    assert_eq!(rounds(&mut solo), [1]);
    solo.deadline();
    assert_eq!(rounds(&mut solo), [1]);
}

/// §6.4: a read of a leader that is one no more is not answered, and the reader is told.
#[test]
fn reads_are_lost_when_the_leader_steps_down() {
    let step_down: [fn(&mut Solo); 3] = [
        |solo| solo.pass(1_000),
        |solo| solo.hear(3, heartbeat(2)),
        |solo| solo.hear(2, matched(7, 0, 0)),
    ];
    for step_down in step_down {
        let mut solo = Solo::new(3);
        solo.lead_and_commit();
        let first = read(&mut solo);
        solo.steps();
        let second = read(&mut solo);
        step_down(&mut solo);
        assert_eq!(solo.role(), Role::Follower);
        let steps = solo.steps();
        assert!(steps.contains(&Step::Tell(Event::ReadsLost(second))), "{steps:?}");
        solo.hear(2, matched(1, 1, first.get()));
        solo.hear(3, matched(1, 1, second.get()));
        assert!(ready(&mut solo).is_empty(), "for good");
    }
}

/// §6.4: the rounds of one leadership do not answer the reads of the next.
#[test]
fn acknowledgements_of_an_earlier_leadership_confirm_nothing() {
    let mut solo = Solo::new(3);
    solo.lead_and_commit();
    read(&mut solo);
    solo.steps();
    solo.pass(1_000);
    solo.lead_and_commit();
    assert_eq!(solo.term(), 2);
    let id = read(&mut solo);
    solo.steps();
    solo.hear(2, matched(1, 1, 1));
    assert!(ready(&mut solo).is_empty());
    solo.hear(2, matched(2, 2, id.get()));
    assert_eq!(ready(&mut solo), [id.get()]);
}

/// §6.4: only leaders answer reads.
#[test]
fn a_follower_refuses_reads_and_says_who_leads() {
    let mut solo = Solo::new(3);
    assert_eq!(solo.me.raft.read(solo.now), Err(ReadError::NotLeader { hint: None }));
    solo.hear(2, heartbeat(1));
    let hint = Some(crate::common::id(2));
    assert_eq!(solo.me.raft.read(solo.now), Err(ReadError::NotLeader { hint }));
}

/// §6.4: a follower answers with the newest round it heard, also when appends are reordered; and a
/// new term's leader starts anew.
#[test]
fn a_follower_answers_with_the_newest_round_of_this_term() {
    let mut solo = Solo::new(3);
    let answered = |solo: &mut Solo, from| {
        let Message::AppendReply(reply) = solo.said_to(from) else { panic!() };
        reply.round
    };
    solo.hear(2, with_round(append(1, at(0, 0), 0), 5));
    assert_eq!(answered(&mut solo, 2), 5);
    solo.hear(2, with_round(append(1, at(0, 0), 0), 3));
    assert_eq!(answered(&mut solo, 2), 5);
    solo.hear(3, with_round(append(2, at(0, 0), 0), 1));
    assert_eq!(answered(&mut solo, 3), 1);
}

/// §6.4: a deposed leader that does not know it yet answers no read (no stale reads).
#[test]
fn a_partitioned_leader_answers_no_read() {
    let mut net = Net::new(3);
    let old = net.elect();
    net.run(100);
    net.isolate(old);
    let now = net.now;
    let id = net.node(old).raft.read(now).unwrap();
    net.run(10_000);
    assert!(net.node(old).events.contains(&Event::ReadsLost(id)));
    assert!(!net.node(old).events.contains(&Event::ReadReady(id)));
    let new = net.leader().unwrap();
    let now = net.now;
    let id = net.node(new).raft.read(now).unwrap();
    net.settle();
    assert!(net.node(new).events.contains(&Event::ReadReady(id)));
}
