//! §3.8: persisted state. What rests on the medium does not exist before its ticket has returned.

use crate::common::solo::{
    Solo, acknowledged, append, heartbeat, matched, verdict, vote_reply, vote_request, with_round,
};
use crate::common::{Disk, Member, Net, Options, Step, Storage, at, id, ids};
use raft_nostd::wire::{Message, Vote};
use raft_nostd::{HardState, Index, Role, Term, TicketError};

fn is_said(step: &Step) -> bool {
    matches!(step, Step::Say { .. })
}

/// §3.8: "Each server persists its current term and vote; this is necessary to prevent the server
/// from voting twice in the same term".
#[test]
fn a_vote_is_answered_only_after_its_ticket() {
    let mut solo = Solo::new(3).waiting();
    solo.hear(2, vote_request(4, at(0, 0)));
    let steps = solo.steps();
    let hard = HardState { term: Term(4), vote: Some(id(2)) };
    assert!(steps.contains(&Step::Persist { hard, entries: vec![] }), "{steps:?}");
    assert!(!steps.iter().any(is_said));
    solo.durable();
    assert_eq!(solo.said_to(2), vote_reply(4, Vote::Granted));
}

/// §3.8: a vote that was not durable was not given: after a restart it is free.
#[test]
fn a_vote_that_never_became_durable_was_never_heard_of() {
    let mut solo = Solo::new(3).waiting();
    solo.hear(2, vote_request(4, at(0, 0)));
    assert!(solo.said().is_empty());
    solo.restart();
    assert_eq!(solo.term(), 0);
    solo.hear(3, vote_request(4, at(0, 0)));
    assert_eq!(solo.said_to(3), vote_reply(4, Vote::Granted));
}

/// §3.8: a candidate's own vote, and its term, are durable before it asks for others'.
#[test]
fn a_candidate_asks_only_after_its_ticket() {
    let mut solo = Solo::new(3).waiting();
    solo.stand();
    assert!(!solo.steps().iter().any(is_said));
    solo.durable();
    assert_eq!(solo.said(), [(2, vote_request(1, at(0, 0))), (3, vote_request(1, at(0, 0)))]);
}

/// §3.8: alone, the own vote is the majority: no leader before it is durable.
#[test]
fn a_single_node_leads_only_after_its_ticket() {
    let mut solo = Solo::new(1).waiting();
    solo.deadline();
    solo.steps();
    assert_eq!(solo.role(), Role::Candidate);
    solo.durable();
    assert_eq!(solo.role(), Role::Leader);
    assert_eq!(solo.me.raft.commit(), Index(0), "nor anything committed");
    solo.durable();
    assert_eq!(solo.me.raft.commit(), Index(1));
}

/// §3.8, §3.4: a candidate whose own vote is still on its way to the medium does not campaign anew:
/// with a disk slower than its election timeout it would never be elected.
#[test]
fn a_candidate_waits_for_its_own_vote() {
    for voters in [1, 3] {
        let mut solo = Solo::new(voters).waiting();
        if voters == 1 {
            solo.deadline();
        } else {
            solo.stand();
        }
        solo.steps();
        for _ in 0..20 {
            solo.deadline();
            assert!(solo.said().is_empty());
            assert_eq!((solo.role(), solo.term()), (Role::Candidate, 1), "of {voters}");
        }
        solo.durable();
        let asked = if voters == 1 { Role::Leader } else { Role::Candidate };
        assert_eq!((solo.role(), solo.said().len() as u32), (asked, voters - 1));
        if voters == 3 {
            solo.pass(2_000);
            assert_eq!(solo.role(), Role::PreCandidate, "it was asked for, and given by nobody");
        }
    }
}

/// §3.8: "Each server also persists new log entries before they are counted towards the entries'
/// commitment; this prevents committed entries from being lost or 'uncommitted' when servers
/// restart."
#[test]
fn an_append_is_acknowledged_only_after_its_ticket() {
    let mut solo = Solo::from(3, Disk::new(1, 0, &[])).waiting();
    solo.hear_append(2, append(1, at(0, 0), 0), &[1, 1]);
    let steps = solo.steps();
    assert!(!steps.iter().any(is_said), "{steps:?}");
    solo.durable();
    assert_eq!(verdict(solo.said_to(2)), acknowledged(2, 2));
}

/// §3.8: a quorum round is answered at once, with what is durable by then; the rest follows.
#[test]
fn a_round_is_answered_at_once_with_what_is_durable() {
    let mut solo = Solo::from(3, Disk::new(1, 0, &[1])).waiting();
    solo.hear_append(2, with_round(append(1, at(1, 1), 0), 1), &[1, 1]);
    assert_eq!(verdict(solo.said_to(2)), acknowledged(1, 3));
    solo.durable();
    assert_eq!(verdict(solo.said_to(2)), acknowledged(3, 3));
}

/// §3.8: only what is new waits for the medium. A heartbeat, and entries that are there already, are
/// answered at once, with what is durable.
#[test]
fn what_brings_nothing_new_is_answered_at_once() {
    let mut solo = Solo::from(3, Disk::new(1, 0, &[1])).waiting();
    solo.hear_append(2, append(1, at(1, 1), 0), &[1, 1]);
    assert!(solo.said().is_empty());
    for _ in 0..3 {
        solo.hear(2, append(1, at(1, 3), 0));
        assert_eq!(verdict(solo.said_to(2)), acknowledged(1, 3));
        solo.hear_append(2, append(1, at(1, 1), 0), &[1, 1]);
        assert_eq!(verdict(solo.said_to(2)), acknowledged(1, 3));
    }
    solo.durable();
    assert_eq!(verdict(solo.said_to(2)), acknowledged(3, 3));
}

/// §6.2, §3.8: followers whose disks are slow are there all the same: their leader does not abdicate.
#[test]
fn slow_disks_do_not_cost_a_leader_its_majority() {
    let mut net = Net::new(3);
    let leader = net.elect();
    net.run(500);
    let term = net.node(leader).raft.term();
    for other in (1..=3).filter(|n| *n != leader) {
        net.node(other).storage = Storage::Waits;
    }
    net.propose(leader, b"x");
    net.run(5_000);
    assert_eq!((net.leader(), net.node(leader).raft.term()), (Some(leader), term));
    assert!(net.node(leader).applied.is_empty(), "nothing is committed that way");
}

/// §3.8: what came while a ticket was out is not acknowledged by its return.
#[test]
fn a_ticket_acknowledges_only_what_it_was_given_for() {
    let mut solo = Solo::from(3, Disk::new(1, 0, &[])).waiting();
    solo.hear_append(2, append(1, at(0, 0), 0), &[1]);
    solo.steps();
    solo.hear_append(2, append(1, at(1, 1), 0), &[1, 1]);
    solo.steps();
    solo.durable();
    assert_eq!(verdict(solo.said_to(2)), acknowledged(1, 3));
    solo.durable();
    assert_eq!(verdict(solo.said_to(2)), acknowledged(3, 3));
}

/// §3.8: written, cut and filled again while the ticket was out: what returns is not what is there.
#[test]
fn a_truncation_while_writing_is_not_acknowledged() {
    let mut solo = Solo::from(3, Disk::new(2, 0, &[1])).waiting();
    solo.hear_append(2, append(2, at(1, 1), 0), &[2, 2]);
    solo.steps();
    solo.hear(3, append(3, at(1, 1), 0));
    solo.hear_append(3, append(3, at(1, 1), 0), &[3, 3]);
    solo.steps();
    solo.me.persisted(solo.now);
    assert_eq!(solo.me.raft.durable(), Index(1), "entries 2 and 3 are others by now");
    assert!(solo.said().is_empty(), "and term 3 is not durable");
    solo.durable();
    assert_eq!(verdict(solo.said_to(3)), acknowledged(3, 3));
}

/// §3.8, §10.2.1 (writing in parallel): "the leader ... may even commit entries before they have
/// been written to its own disk": the appends to its peers leave before its own write begins.
#[test]
fn a_leader_sends_before_it_writes() {
    let mut solo = Solo::new(3);
    solo.lead_and_commit();
    let mut solo = solo.waiting();
    solo.propose(b"x");
    let steps = solo.steps();
    let kinds: Vec<_> = steps
        .iter()
        .map(|step| match step {
            Step::Say { message: Message::Append(_), .. } => "append",
            Step::Persist { .. } => "persist",
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(kinds, ["append", "append", "persist"]);
}

/// §10.2.1: "If a majority of followers have written the entry ..., the leader ... may commit".
/// Its own share does not count before its own ticket returns.
#[test]
fn a_leaders_own_share_counts_only_after_its_ticket() {
    let mut solo = Solo::new(3);
    solo.lead_and_commit();
    let mut solo = solo.waiting();
    solo.propose(b"x");
    solo.steps();
    solo.hear(2, matched(1, 2, 0));
    solo.steps();
    assert_eq!(solo.me.raft.commit(), Index(1), "one of three");
    solo.durable();
    assert_eq!(solo.me.raft.commit(), Index(2));
}

/// §10.2.1: two others are a majority of three without the leader's disk. But its state machine
/// does not get ahead of its own log.
#[test]
fn a_majority_of_others_commits_and_the_leader_applies_after_its_ticket() {
    let mut solo = Solo::new(3);
    solo.lead_and_commit();
    let mut solo = solo.waiting();
    let position = solo.propose(b"x");
    solo.steps();
    solo.hear(2, matched(1, 2, 0));
    solo.hear(3, matched(1, 2, 0));
    solo.steps();
    assert_eq!(solo.me.raft.commit(), Index(2));
    assert!(solo.me.applied.is_empty());
    solo.durable();
    solo.steps();
    assert_eq!(solo.me.applied, [(position, b"x".to_vec())]);
}

/// §3.8: a follower too applies only what its own medium has.
#[test]
fn a_follower_applies_only_what_is_durable() {
    let mut solo = Solo::from(3, Disk::new(1, 0, &[])).waiting();
    solo.hear_append(2, append(1, at(0, 0), 2), &[1, 1]);
    solo.steps();
    assert_eq!(solo.me.raft.commit(), Index(2));
    assert!(solo.me.applied.is_empty());
    solo.durable();
    solo.steps();
    assert_eq!(solo.me.applied.len(), 2);
}

/// §10.2.2 (batching): what is proposed while a write is out goes into the next one, together.
#[test]
fn proposals_gather_while_a_ticket_is_out() {
    let mut solo = Solo::new(1);
    solo.lead();
    solo.steps();
    let mut solo = solo.waiting();
    solo.propose(b"a");
    assert!(matches!(&solo.steps()[..], [Step::Persist { entries, .. }] if entries.len() == 1));
    for _ in 0..5 {
        solo.propose(b"b");
        assert!(solo.steps().is_empty(), "at most one ticket is out");
    }
    solo.durable();
    let steps = solo.steps();
    let written = |step: &Step| matches!(step, Step::Persist { entries, .. } if entries.len() == 5);
    assert!(steps.iter().any(written), "{steps:?}");
}

/// §3.8: "the commit index is safe to be reinitialized to zero on a restart", and found out again
/// from the leader.
#[test]
fn a_restart_begins_with_nothing_committed() {
    let mut solo = Solo::new(3);
    solo.hear_append(2, append(1, at(0, 0), 2), &[1, 1]);
    solo.steps();
    assert_eq!(solo.me.applied.len(), 2);
    solo.restart();
    assert_eq!((solo.me.raft.commit(), solo.me.raft.applied()), (Index(0), Index(0)));
    assert_eq!(solo.me.terms(), [1, 1]);
    solo.hear(2, append(1, at(1, 2), 2));
    solo.steps();
    assert_eq!(solo.me.applied.len(), 2);
}

/// A ticket of another node is refused, and changes nothing.
#[test]
fn a_ticket_of_another_node_is_refused() {
    let mut solo = Solo::new(3).waiting();
    solo.hear(2, heartbeat(4));
    solo.steps();
    let mut other = Member::new(2, &ids(3), &Options::default());
    other.storage = crate::common::Storage::Waits;
    let bytes = {
        let mut third = Solo::new(3);
        third.stand();
        third.me.drain(third.now);
        let (_, bytes) = third.me.outbox.iter().find(|(to, _)| *to == id(2)).unwrap().clone();
        bytes
    };
    other.raft.handle_datagram(solo.now, &bytes).unwrap();
    other.drain(solo.now);
    let foreign = other.ticket.take().unwrap();
    assert_eq!(solo.me.raft.handle_persisted(solo.now, foreign), Err(TicketError));
    assert_eq!(solo.me.raft.durable_hard_state().term, Term(0));
    solo.durable();
    assert_eq!(solo.me.raft.durable_hard_state().term, Term(4));
}

/// A ticket of an earlier run of the same node is refused.
#[test]
fn a_ticket_of_an_earlier_run_is_refused() {
    let mut solo = Solo::new(3).waiting();
    solo.hear(2, heartbeat(4));
    solo.steps();
    let spent = solo.me.ticket.take().unwrap();
    solo.restart();
    let mut solo = solo.waiting();
    solo.hear(2, heartbeat(5));
    solo.steps();
    assert_eq!(solo.me.raft.handle_persisted(solo.now, spent), Err(TicketError));
    assert_eq!(solo.me.raft.durable_hard_state().term, Term(0));
    assert!(solo.said().is_empty());
}

/// A ticket that is lost stalls its node, and never makes it lie.
#[test]
fn a_lost_ticket_stalls_and_does_not_lie() {
    let mut solo = Solo::new(3).waiting();
    solo.hear(2, vote_request(4, at(0, 0)));
    solo.steps();
    solo.me.ticket.take();
    for _ in 0..20 {
        solo.hear_append(2, append(4, at(0, 0), 1), &[4]);
        solo.pass(700);
        assert!(solo.said().is_empty());
    }
    assert!(solo.me.applied.is_empty());
}

/// §3.8, §6.4: an answer that is due stays due when one that could wait for the medium takes its place.
#[test]
fn an_answer_that_is_due_stays_due() {
    let mut solo = Solo::from(3, Disk::new(1, 0, &[])).waiting();
    solo.hear(2, with_round(heartbeat(1), 1));
    solo.hear_append(2, with_round(append(1, at(0, 0), 0), 1), &[1]);
    assert_eq!(verdict(solo.said_to(2)), acknowledged(0, 1));
}

/// §3.8: before its term and vote are durable a candidate has asked nobody, so an answer is refused; but
/// a newer term in one counts.
#[test]
fn a_vote_that_was_not_asked_for_is_refused() {
    let mut solo = Solo::new(3).waiting();
    solo.stand();
    let answer = solo.try_hear(2, vote_reply(1, Vote::Granted), &[]);
    assert_eq!(answer, Err(raft_nostd::Refused::Contradiction));
    assert_eq!(solo.try_hear(2, vote_reply(0, Vote::Granted), &[]), Ok(()));
    assert_eq!(solo.try_hear(2, vote_reply(5, Vote::Refused), &[]), Ok(()));
    assert_eq!((solo.role(), solo.term()), (Role::Follower, 5));
    assert_eq!(solo.try_hear(2, vote_reply(5, Vote::Refused), &[]), Ok(()), "a follower");
}
