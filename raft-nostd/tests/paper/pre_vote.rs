//! §9.6: preventing disruptions when a server rejoins the cluster (PreVote).

use crate::common::solo::{
    Solo, append, heartbeat, pre_vote_reply, pre_vote_request, vote_reply, vote_request,
};
use crate::common::{Disk, Net, Options, at, id};
use raft_nostd::wire::{Message, Vote};
use raft_nostd::{HardState, Role, Term};

/// §9.6: "a candidate only increments its term if it first learns from a majority of the cluster
/// that they would be willing to grant the candidate their votes".
#[test]
fn no_term_is_taken_before_a_majority_would_vote() {
    let mut solo = Solo::new(5);
    solo.impatient();
    let said = solo.said();
    assert_eq!(said[0], (2, pre_vote_request(0, 1, at(0, 0))));
    assert_eq!(said.len(), 4);
    assert_eq!(solo.me.raft.hard_state(), HardState::default());
    solo.hear(2, pre_vote_reply(0, 1, Vote::Granted));
    solo.hear(2, pre_vote_reply(0, 1, Vote::Granted));
    solo.hear(4, pre_vote_reply(0, 1, Vote::Refused));
    assert_eq!((solo.role(), solo.term()), (Role::PreCandidate, 0));
    solo.hear(3, pre_vote_reply(0, 1, Vote::Granted));
    assert_eq!((solo.role(), solo.term()), (Role::Candidate, 1));
}

/// §9.6: without an answer it asks again, and its term stays, for ever.
#[test]
fn an_unanswered_node_keeps_its_term() {
    let mut solo = Solo::new(3);
    let mut asked = 0;
    for _ in 0..300 {
        solo.deadline();
        asked += solo.said().len();
    }
    assert!(asked > 300, "{asked}");
    assert_eq!(solo.term(), 0);
    assert!(solo.me.disk.frames.is_empty() && solo.me.disk.hard == HardState::default());
}

/// §9.6: an answer to an earlier proposal is none to this one.
#[test]
fn an_answer_for_another_proposal_does_not_count() {
    let mut solo = Solo::from(3, Disk::new(4, 0, &[]));
    solo.impatient();
    solo.hear(2, pre_vote_reply(3, 4, Vote::Granted));
    solo.hear(3, pre_vote_reply(4, 6, Vote::Granted));
    assert_eq!(solo.role(), Role::PreCandidate);
    solo.hear(3, pre_vote_reply(3, 5, Vote::Granted));
    assert_eq!(solo.role(), Role::Candidate, "who grants may be behind");
}

/// §9.6: a pre-vote is no vote: it may be given to many, and takes nothing from the real one.
#[test]
fn a_pre_vote_is_given_to_many_and_changes_nothing() {
    let mut solo = Solo::new(3);
    let before = (solo.me.raft.hard_state(), solo.me.wake_at);
    for peer in [2, 3, 2] {
        solo.hear(peer, pre_vote_request(0, 1, at(0, 0)));
        assert_eq!(solo.said_to(peer), pre_vote_reply(0, 1, Vote::Granted));
    }
    assert_eq!((solo.me.raft.hard_state(), solo.me.wake_at), before);
    solo.hear(3, vote_request(1, at(0, 0)));
    assert_eq!(solo.said_to(3), vote_reply(1, Vote::Granted));
}

/// §9.6: "a server that hears a leader would not grant": as in §4.2.3, but answered.
#[test]
fn a_pre_vote_is_refused_while_a_leader_is_heard() {
    let mut solo = Solo::new(3);
    solo.hear(2, heartbeat(4));
    solo.steps();
    solo.hear(3, pre_vote_request(9, 10, at(9, 9)));
    assert_eq!(solo.said_to(3), pre_vote_reply(4, 10, Vote::Refused));
    assert_eq!(solo.term(), 4);
}

/// §9.6, DESIGN §7 (3): every refused pre-vote is answered, at every combination of terms, and the
/// answer carries the newer term of the two unless a leader keeps the voter's.
#[test]
fn refused_pre_votes_are_answered_at_every_combination_of_terms() {
    for mine in 0..5 {
        for theirs in 0..5 {
            for (mut solo, loyal) in [
                (Solo::from(3, Disk::new(mine, 0, &[])), false),
                (Solo::from(3, Disk::new(mine, 0, &[])), true),
            ] {
                if loyal && mine == 0 {
                    continue; // Nobody leads term zero.
                }
                if loyal {
                    solo.hear(2, heartbeat(mine));
                    solo.steps();
                }
                solo.hear(3, pre_vote_request(theirs, theirs + 1, at(0, 0)));
                let vote = if theirs >= mine && !loyal { Vote::Granted } else { Vote::Refused };
                let term = if loyal { mine } else { mine.max(theirs) };
                let reply = solo.said_to(3);
                assert_eq!(reply, pre_vote_reply(term, theirs + 1, vote), "{mine} {theirs}");
                // What it means for who asked:
                let mut asker = Solo::from(3, Disk::new(theirs, 0, &[]));
                asker.impatient();
                asker.steps();
                asker.hear(2, reply);
                assert_eq!(asker.term() > theirs, vote == Vote::Granted || mine > theirs);
            }
        }
    }
}

/// §9.6: "a partitioned server does not disturb the cluster when it regains connectivity": its
/// term has not grown, and the leader stays.
#[test]
fn a_node_that_comes_back_does_not_disturb() {
    let mut net = Net::new(3);
    let leader = net.elect();
    net.run(500);
    let term = net.node(leader).raft.term();
    let other = if leader == 3 { 1 } else { 3 };
    net.isolate(other);
    for _ in 0..20 {
        net.propose(leader, b"meanwhile");
        net.run(1_000);
    }
    net.heal();
    net.run(5_000);
    assert_eq!((net.leader(), net.node(leader).raft.term()), (Some(leader), term));
    assert_eq!(net.node(other).applied.len(), 20);
}

/// §9.6: nor does one that hears nobody but is heard (a one-way link).
#[test]
fn a_node_that_is_heard_but_hears_nothing_does_not_disturb() {
    let mut net = Net::new(3);
    let leader = net.elect();
    net.run(500);
    let term = net.node(leader).raft.term();
    let deaf = if leader == 2 { 1 } else { 2 };
    let others = (1..=3).filter(|n| *n != deaf);
    net.cut.extend(others.map(|other| (id(other), id(deaf))));
    net.run(30_000);
    assert_eq!((net.leader(), net.node(leader).raft.term()), (Some(leader), term));
}

/// Two nodes that can reach each other, with these disks, elect a leader.
#[track_caller]
fn is_not_stuck(disks: Vec<Disk>) {
    let what = format!("{disks:?}");
    let terms: Vec<_> = disks.iter().map(|disk| disk.hard.term).collect();
    let mut net = Net::of(&Options { log_bytes: 32 * 1_024, ..Options::default() }, disks);
    net.run(30_000);
    let leader = net.leader().unwrap_or_else(|| panic!("nobody leads: {what}"));
    assert!(net.node(leader).raft.term() > *terms.iter().max().unwrap());
    for member in &net.members {
        assert_eq!(member.raft.commit(), net.members[leader as usize - 1].raft.last().index);
    }
}

/// §9.6, DESIGN §7 (3): nobody gets stuck: terms, votes and logs of two nodes in every order. The
/// worst is a higher term with a shorter log: it cannot win, and the other is behind.
#[test]
fn nobody_gets_stuck_at_any_combination_of_terms_and_logs() {
    let logs: [&[u64]; 4] = [&[], &[1], &[1, 1], &[1, 2]];
    for (mine, theirs) in [(2, 2), (2, 3), (2, 9), (9, 2)] {
        for first in logs {
            for second in logs {
                for vote in [0, 1, 2] {
                    is_not_stuck(vec![
                        Disk::new(mine, vote, first),
                        Disk::new(theirs, vote, second),
                    ]);
                }
            }
        }
    }
}

/// §9.6: the same where the third node is down, and where it has the highest term of all.
#[test]
fn nobody_gets_stuck_among_three() {
    let disk = Disk::new;
    is_not_stuck(vec![disk(9, 1, &[1]), disk(3, 0, &[1, 3]), disk(2, 0, &[1])]);
    is_not_stuck(vec![disk(2, 0, &[1, 2]), disk(3, 3, &[1]), disk(50, 3, &[])]);
    is_not_stuck(vec![disk(5, 1, &[1, 2]), disk(5, 2, &[1, 3]), disk(5, 3, &[1, 4])]);
}

/// §9.6: a leader whose term is behind that of a follower (which got it from somebody who is gone)
/// hears of it from the follower's answer, and the cluster goes on in a newer one.
#[test]
fn a_follower_of_a_newer_term_does_not_stay_outside() {
    let mut net = Net::new(3);
    let leader = net.elect();
    net.run(500);
    let other = if leader == 3 { 1 } else { 3 };
    net.node(other).disk.hard = HardState { term: Term(40), vote: None };
    net.restart(other);
    net.run(10_000);
    let leader = net.leader().unwrap();
    assert!(net.node(leader).raft.term() > Term(40));
    net.propose(leader, b"x");
    net.settle();
    assert!(net.members.iter().all(|m| m.applied.len() == 1));
}

/// §9.6: who asks for pre-votes still follows a leader that turns up.
#[test]
fn a_pre_candidate_follows_a_leader_of_its_term() {
    let mut solo = Solo::from(3, Disk::new(4, 0, &[]));
    solo.impatient();
    solo.steps();
    solo.hear(2, append(4, at(0, 0), 0));
    assert_eq!(solo.role(), Role::Follower);
    assert!(matches!(solo.said_to(2), Message::AppendReply(_)));
    solo.hear(3, pre_vote_reply(4, 5, Vote::Granted));
    assert_eq!((solo.role(), solo.term()), (Role::Follower, 4));
}

/// §9.6: who gave its vote to another stands no longer itself: late pre-votes must not make it depose
/// whom it has just helped to elect.
#[test]
fn a_pre_candidate_that_gives_its_vote_is_a_follower() {
    let mut solo = Solo::from(3, Disk::new(4, 0, &[]));
    solo.impatient();
    solo.steps();
    solo.hear(2, vote_request(4, at(0, 0)));
    assert_eq!(solo.said_to(2), vote_reply(4, Vote::Granted));
    solo.hear(3, pre_vote_reply(4, 5, Vote::Granted));
    assert_eq!((solo.role(), solo.term()), (Role::Follower, 4));
}
