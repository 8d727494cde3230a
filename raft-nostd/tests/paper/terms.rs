//! §3.3: terms.

use crate::common::solo::{
    Solo, append, conflict, heartbeat, matched, pre_vote_reply, pre_vote_request, vote_reply,
    vote_request,
};
use crate::common::{Disk, Step, at, id};
use raft_nostd::wire::{Message, Vote};
use raft_nostd::{Role, Term};

/// Each kind of message, as a node of `term` says it.
fn all_kinds(term: u64) -> Vec<Message> {
    vec![
        pre_vote_request(term, term + 1, at(0, 0)),
        pre_vote_reply(term, term + 1, Vote::Refused),
        vote_request(term, at(0, 0)),
        vote_reply(term, Vote::Refused),
        heartbeat(term),
        matched(term, 0, 0),
        conflict(term, 5, at(0, 0)),
    ]
}

/// A node in each role and in term 3, at a time when it hears no leader.
fn all_roles() -> Vec<Solo> {
    let disk = || Disk::new(2, 0, &[]);
    let mut follower = Solo::from(3, Disk::new(3, 0, &[]));
    follower.pass(500);
    let mut pre_candidate = Solo::from(3, Disk::new(3, 0, &[]));
    pre_candidate.impatient();
    let mut candidate = Solo::from(3, disk());
    candidate.stand();
    let mut leader = Solo::from(3, disk());
    leader.lead();
    let mut roles = vec![follower, pre_candidate, candidate, leader];
    for solo in &mut roles {
        solo.steps();
        assert_eq!(solo.term(), 3);
    }
    roles
}

/// §3.3: "If a server's current term is smaller than the other's, then it updates its current term
/// to the larger value." (Whoever it hears it from; but see §4.2.3 for campaigns while there is a
/// leader.)
#[test]
fn a_newer_term_is_adopted_by_everyone() {
    for message in all_kinds(7) {
        for mut solo in all_roles() {
            let role = solo.role();
            let campaign =
                matches!(message, Message::PreVoteRequest { .. } | Message::VoteRequest { .. });
            solo.hear(2, message);
            let kept = role == Role::Leader && campaign;
            assert_eq!(solo.term(), if kept { 3 } else { 7 }, "{role} hears {message:?}");
        }
    }
}

/// §3.3: "If a candidate or leader discovers that its term is out of date, it immediately reverts
/// to follower state."
#[test]
fn a_candidate_or_leader_of_an_older_term_reverts_to_follower() {
    for message in [heartbeat(4), matched(4, 0, 0), vote_reply(4, Vote::Refused)] {
        for mut solo in all_roles() {
            solo.hear(2, message);
            assert_eq!(solo.role(), Role::Follower);
            let leader = matches!(message, Message::Append(_)).then(|| id(2));
            assert_eq!(solo.me.raft.status().leader, leader);
        }
    }
}

/// §3.3: "If a server receives a request with a stale term number, it rejects the request."
#[test]
fn a_request_of_a_stale_term_is_rejected() {
    for mut solo in all_roles() {
        let before = (solo.role(), solo.me.raft.last(), solo.me.raft.hard_state());
        solo.hear_append(2, append(2, at(0, 0), 1), &[2]);
        let reply = solo.said_to(2);
        assert!(matches!(reply, Message::AppendReply(_)), "{reply:?}");
        assert_eq!(reply.term(), Term(3), "the sender learns that it is behind");
        solo.hear(3, vote_request(2, at(1, 9)));
        assert_eq!(solo.said_to(3), vote_reply(3, Vote::Refused));
        assert_eq!((solo.role(), solo.me.raft.last(), solo.me.raft.hard_state()), before);
        assert_eq!(solo.me.raft.commit().0, 0);
    }
}

/// §3.3: an answer of a stale term answers a question that nobody asks any more.
#[test]
fn an_answer_of_a_stale_term_changes_nothing() {
    for mut solo in all_roles() {
        let before = (solo.role(), solo.me.raft.hard_state(), solo.me.raft.commit());
        let answers = [
            pre_vote_reply(2, 3, Vote::Granted),
            vote_reply(2, Vote::Granted),
            matched(2, 1, 0),
            conflict(2, 1, at(0, 0)),
        ];
        for answer in answers {
            solo.hear(2, answer);
            solo.hear(3, answer);
        }
        assert_eq!((solo.role(), solo.me.raft.hard_state(), solo.me.raft.commit()), before);
        assert!(solo.said().is_empty());
    }
}

/// §3.3, §3.8: the current term "increases monotonically over time": a term is durable before
/// anybody hears of it, so that a restart does not take it back.
#[test]
fn a_term_is_durable_before_it_is_said() {
    let mut solo = Solo::from(3, Disk::new(3, 0, &[])).waiting();
    solo.hear(2, heartbeat(8));
    let steps = solo.steps();
    assert!(!steps.iter().any(|step| matches!(step, Step::Say { .. })), "{steps:?}");
    let writes = |step: &Step| matches!(step, Step::Persist { hard, .. } if hard.term == Term(8));
    assert!(steps.iter().any(writes), "{steps:?}");
    assert_eq!(solo.me.disk.hard.term, Term(3));
    solo.durable();
    assert_eq!(solo.said_to(2).term(), Term(8));
    solo.restart();
    assert_eq!(solo.term(), 8);
}

/// §3.3: a term is on its way to the disk when a newer one comes: the older is never said.
#[test]
fn a_term_that_was_overtaken_is_never_said() {
    let mut solo = Solo::from(3, Disk::new(3, 0, &[])).waiting();
    solo.hear(2, heartbeat(8));
    solo.steps();
    solo.hear(3, heartbeat(9));
    solo.durable();
    assert!(solo.said().is_empty(), "8 is durable, 9 is not");
    solo.durable();
    let said = solo.said();
    assert!(said.iter().all(|(to, message)| *to == 3 && message.term() == Term(9)), "{said:?}");
    assert_eq!(said.len(), 1, "what was owed in term 8 is forgotten");
}

/// §3.3: "Terms are numbered with consecutive integers": who stands takes the next one.
#[test]
fn a_candidate_takes_the_next_term() {
    let mut solo = Solo::from(3, Disk::new(41, 3, &[]));
    solo.stand();
    assert_eq!(solo.term(), 42);
}

/// §3.3: "each term has at most one leader" is what a node holds its peers to.
#[test]
fn at_most_one_leader_in_a_term() {
    let mut solo = Solo::new(3);
    solo.hear(2, heartbeat(4));
    let second = solo.try_hear(3, heartbeat(4), &[]);
    assert_eq!(second, Err(raft_nostd::Refused::Contradiction));
    assert_eq!(solo.me.raft.status().leader, Some(id(2)));
}

/// §3.3: a stale append takes the place of no vote that is owed: that tells of the newer term as well.
#[test]
fn a_stale_append_takes_the_place_of_no_vote() {
    let mut solo = Solo::from(3, Disk::new(4, 0, &[])).waiting();
    solo.hear(2, vote_request(5, at(0, 0)));
    solo.hear(2, append(3, at(0, 0), 0));
    solo.durable();
    assert_eq!(solo.said_to(2), vote_reply(5, Vote::Granted));
    solo.hear(2, vote_request(6, at(0, 0)));
    solo.hear(3, pre_vote_request(6, 7, at(0, 0)));
    solo.hear(3, append(3, at(0, 0), 0));
    solo.durable();
    assert_eq!(solo.said_to(3), pre_vote_reply(6, 7, Vote::Granted));
}

/// ... but a vote takes the place of the answer to a stale append, and tells of the newer term as well.
#[test]
fn a_vote_takes_the_place_of_the_answer_to_a_stale_append() {
    let mut solo = Solo::from(3, Disk::new(5, 0, &[]));
    solo.hear(2, append(3, at(0, 0), 0));
    solo.hear(2, vote_request(5, at(0, 0)));
    assert_eq!(solo.said_to(2), vote_reply(5, Vote::Granted));
}
