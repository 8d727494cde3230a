//! §3.4: leader election.

use crate::common::solo::{
    Solo, acknowledged, append, heartbeat, pre_vote_reply, pre_vote_request, verdict, vote_reply,
    vote_request,
};
use crate::common::{Disk, Member, Net, Options, Step, at, id, ids};
use raft_nostd::wire::{Message, Vote};
use raft_nostd::{Event, HardState, Instant, Role, Term};
use std::collections::BTreeSet;

const GRANTED: Vote = Vote::Granted;
const REFUSED: Vote = Vote::Refused;

/// §3.4: "When servers start up, they begin as followers."
#[test]
fn a_node_starts_as_a_follower_in_its_durable_term() {
    let mut solo = Solo::from(3, Disk::new(6, 2, &[1, 6]));
    assert_eq!((solo.role(), solo.term()), (Role::Follower, 6));
    assert_eq!(solo.me.raft.status().leader, None);
    assert!(solo.said().is_empty(), "it remains passive");
}

/// §3.4: "election timeouts are chosen randomly from a fixed interval", here [t, 2t), and each
/// time anew.
#[test]
fn election_timeouts_are_drawn_from_t_to_two_t() {
    let mut drawn = BTreeSet::new();
    for seed in 0..200 {
        let options = Options { seed, log_bytes: 32 * 1_024, ..Options::default() };
        let solo = Solo::with(3, Disk::default(), &options);
        drawn.insert(solo.me.wake_at.as_micros());
    }
    let mut solo = Solo::new(3);
    for _ in 0..200 {
        solo.hear(2, heartbeat(1));
        solo.steps();
        drawn.insert(solo.me.wake_at.since(solo.now).as_micros());
        solo.pass(10);
    }
    assert!(drawn.len() > 390, "hardly two are the same: {}", drawn.len());
    let (least, most) = (*drawn.first().unwrap(), *drawn.last().unwrap());
    assert!((1_000_000..1_020_000).contains(&least), "{least}");
    assert!((1_980_000..2_000_000).contains(&most), "{most}");
}

/// §3.4: "a server remains in follower state as long as it receives valid RPCs from a leader".
#[test]
fn a_heartbeat_resets_the_timer() {
    let mut solo = Solo::new(3);
    for _ in 0..50 {
        solo.hear(2, heartbeat(1));
        solo.pass(999);
        assert_eq!(solo.role(), Role::Follower);
    }
    solo.pass(1_001);
    assert_eq!(solo.role(), Role::PreCandidate);
}

/// §3.4: ... from a *leader*: a stale one does not keep anybody from campaigning.
#[test]
fn a_heartbeat_of_an_older_term_does_not_reset_the_timer() {
    let mut solo = Solo::from(3, Disk::new(5, 0, &[]));
    let deadline = solo.me.wake_at;
    solo.pass(990);
    solo.hear(2, heartbeat(4));
    solo.steps();
    assert_eq!(solo.me.wake_at, deadline);
}

/// §3.4 (Figure 3.1): "If election timeout elapses without ... granting vote to candidate":
/// granting resets the timer, refusing does not.
#[test]
fn only_a_granted_vote_resets_the_timer() {
    let mut solo = Solo::from(3, Disk::new(1, 0, &[1]));
    let deadline = solo.me.wake_at;
    solo.pass(500);
    solo.hear(2, vote_request(2, at(0, 0)));
    assert_eq!(solo.said_to(2), vote_reply(2, REFUSED));
    assert_eq!(solo.me.wake_at, deadline);
    solo.hear(3, vote_request(2, at(1, 1)));
    assert_eq!(solo.said_to(3), vote_reply(2, GRANTED));
    assert!(solo.me.wake_at >= solo.now.plus(raft_nostd::Duration::from_millis(1_000)));
}

/// §3.4: "To begin an election, a follower increments its current term and transitions to
/// candidate state. It then votes for itself and issues RequestVote RPCs in parallel to each of
/// the other servers".
#[test]
fn a_candidate_votes_for_itself_and_asks_everybody() {
    let mut solo = Solo::from(5, Disk::new(1, 0, &[1, 1]));
    solo.stand();
    let asked = solo.said();
    let want: Vec<_> = (2..=5).map(|peer| (peer, vote_request(2, at(1, 2)))).collect();
    assert_eq!(asked, want);
    let voted = HardState { term: Term(2), vote: Some(id(1)) };
    assert_eq!(solo.me.raft.durable_hard_state(), voted);
}

/// §3.4: a lost request is asked again, of those who have not answered.
#[test]
fn a_candidate_asks_again_who_has_not_answered() {
    let mut solo = Solo::new(5);
    solo.stand();
    solo.steps();
    solo.hear(3, vote_reply(1, REFUSED));
    solo.pass(100);
    let asked: BTreeSet<_> = solo.said().into_iter().map(|(to, _)| to).collect();
    assert_eq!(asked, BTreeSet::from([2, 4, 5]));
}

/// §3.4: "Each server will vote for at most one candidate in a given term, on a
/// first-come-first-served basis."
#[test]
fn one_vote_in_a_term_first_come_first_served() {
    let mut solo = Solo::new(3);
    solo.hear(2, vote_request(4, at(0, 0)));
    solo.hear(3, vote_request(4, at(3, 9)));
    let said = solo.said();
    assert_eq!(said, [(2, vote_reply(4, GRANTED)), (3, vote_reply(4, REFUSED))]);
    solo.hear(2, vote_request(4, at(0, 0)));
    assert_eq!(solo.said_to(2), vote_reply(4, GRANTED), "to the same one, again");
    solo.hear(3, vote_request(5, at(0, 0)));
    assert_eq!(solo.said_to(3), vote_reply(5, GRANTED), "a new term, a new vote");
}

/// §3.4, §3.8: ... and a restart does not change that.
#[test]
fn one_vote_in_a_term_across_a_restart() {
    let mut solo = Solo::new(3);
    solo.hear(2, vote_request(4, at(0, 0)));
    assert_eq!(solo.said_to(2), vote_reply(4, GRANTED));
    solo.restart();
    solo.hear(3, vote_request(4, at(0, 0)));
    assert_eq!(solo.said_to(3), vote_reply(4, REFUSED));
    solo.hear(2, vote_request(4, at(0, 0)));
    assert_eq!(solo.said_to(2), vote_reply(4, GRANTED));
}

/// §3.4: a candidate's own vote is a vote too: nobody else gets it, not even after a restart.
#[test]
fn a_candidate_gives_its_vote_to_nobody_else() {
    let mut solo = Solo::new(3);
    solo.stand();
    solo.steps();
    solo.hear(2, vote_request(1, at(0, 0)));
    assert_eq!(solo.said_to(2), vote_reply(1, REFUSED));
    solo.restart();
    solo.hear(2, vote_request(1, at(0, 0)));
    assert_eq!(solo.said_to(2), vote_reply(1, REFUSED));
}

/// §3.4: a request for a vote that comes late, from who leads by now, is answered by nothing: the
/// answer that its appends wait for is owed all the same.
#[test]
fn a_late_request_of_the_leader_takes_the_place_of_no_acknowledgement() {
    let asked = |term| pre_vote_request(term, term + 1, at(0, 0));
    for late in [vote_request(1, at(0, 0)), asked(0), asked(1)] {
        let mut solo = Solo::new(3);
        solo.hear(2, vote_request(1, at(0, 0)));
        solo.steps();
        let mut solo = solo.waiting();
        solo.hear_append(2, append(1, at(0, 0), 0), &[1]);
        solo.steps();
        solo.hear(2, late);
        solo.steps();
        solo.durable();
        assert_eq!(verdict(solo.said_to(2)), acknowledged(1, 1), "{late:?}");
    }
}

/// §3.4: "A candidate wins an election if it receives votes from a majority of the servers in the
/// full cluster for the same term."
#[test]
fn a_majority_of_votes_wins() {
    for (voters, others) in [(2, 1), (3, 1), (4, 2), (5, 2), (6, 3), (7, 3)] {
        let mut solo = Solo::new(voters);
        solo.stand();
        solo.steps();
        for peer in 2..2 + others {
            assert_eq!(solo.role(), Role::Candidate, "of {voters}, {peer} is missing");
            solo.hear(peer, vote_reply(1, GRANTED));
        }
        assert_eq!(solo.role(), Role::Leader, "of {voters}");
        assert_eq!(solo.me.raft.status().leader, Some(id(1)));
    }
}

/// §3.4: alone, one is a majority.
#[test]
fn a_single_node_elects_itself() {
    let mut solo = Solo::new(1);
    solo.deadline();
    solo.steps();
    assert_eq!((solo.role(), solo.term()), (Role::Leader, 1));
    assert_eq!(solo.me.raft.commit().0, 1);
}

/// §3.4: refusals, votes of another term, and one vote said twice make no majority.
#[test]
fn only_votes_count_and_each_once() {
    let mut solo = Solo::new(5);
    solo.stand();
    solo.steps();
    solo.hear(2, vote_reply(1, GRANTED));
    solo.hear(2, vote_reply(1, GRANTED));
    solo.hear(3, vote_reply(1, REFUSED));
    solo.hear(4, vote_reply(0, GRANTED));
    solo.hear(5, pre_vote_reply(0, 1, GRANTED));
    assert_eq!(solo.role(), Role::Candidate);
    solo.hear(4, vote_reply(1, GRANTED));
    assert_eq!(solo.role(), Role::Leader);
}

/// §3.4: "It then sends heartbeat messages to all of the other servers to establish its authority
/// and prevent new elections."
#[test]
fn a_new_leader_makes_itself_heard_at_once_and_then_regularly() {
    let mut solo = Solo::new(3);
    solo.stand();
    solo.steps();
    solo.hear(2, vote_reply(1, GRANTED));
    let said = solo.said();
    let appends = said.iter().filter(|(_, message)| matches!(message, Message::Append(_)));
    assert_eq!(appends.map(|(to, _)| *to).collect::<BTreeSet<_>>(), BTreeSet::from([2, 3]));
    for _ in 0..5 {
        solo.deadline();
        assert_eq!(solo.said().len(), 2);
    }
}

/// §3.4: "If the leader's term ... is at least as large as the candidate's current term, then the
/// candidate recognizes the leader as legitimate and returns to follower state."
#[test]
fn a_candidate_yields_to_the_leader_of_its_term() {
    for term in [1, 2] {
        let mut solo = Solo::new(3);
        solo.stand();
        solo.steps();
        solo.hear(3, heartbeat(term));
        assert_eq!((solo.role(), solo.term()), (Role::Follower, term));
        assert_eq!(solo.me.raft.status().leader, Some(id(3)));
        solo.hear(2, vote_reply(1, GRANTED));
        assert_eq!(solo.role(), Role::Follower, "a late vote changes nothing");
    }
}

/// §3.4: "If the term in the RPC is smaller ..., then the candidate rejects the RPC and continues
/// in candidate state."
#[test]
fn a_candidate_does_not_yield_to_an_older_leader() {
    let mut solo = Solo::from(3, Disk::new(5, 0, &[]));
    solo.stand();
    solo.steps();
    solo.hear(3, heartbeat(5));
    assert_eq!((solo.role(), solo.term()), (Role::Candidate, 6));
    assert_eq!(solo.said_to(3).term(), Term(6));
}

/// §3.4: "each candidate will time out and start a new election by incrementing its term".
#[test]
fn a_split_vote_is_tried_again_in_a_new_term() {
    let mut solo = Solo::new(5);
    solo.stand();
    solo.steps();
    for peer in 2..=5 {
        solo.hear(peer, vote_reply(1, if peer == 2 { GRANTED } else { REFUSED }));
    }
    assert_eq!(solo.role(), Role::Candidate);
    solo.pass(2_000);
    assert_eq!((solo.role(), solo.term()), (Role::PreCandidate, 1));
    solo.stand();
    assert_eq!(solo.term(), 2);
    solo.steps();
    solo.hear(2, vote_reply(1, GRANTED));
    solo.hear(3, vote_reply(2, GRANTED));
    assert_eq!(solo.role(), Role::Candidate, "the vote of term 1 does not count in term 2");
}

/// §3.4: "Raft uses randomized election timeouts to ensure that split votes are rare": also where
/// all nodes were given one seed.
#[test]
fn nodes_of_one_seed_draw_different_timeouts() {
    let voters = ids(7);
    let options = Options::default();
    let drawn: BTreeSet<_> = (1..=7)
        .map(|number| {
            let mut member = Member::new(number, &voters, &options);
            member.drain(Instant::ORIGIN);
            member.wake_at
        })
        .collect();
    assert_eq!(drawn.len(), 7);
}

/// §3.4: clusters of every size elect one leader, whom everybody knows, and keep it.
#[test]
fn every_size_elects_one_leader_and_keeps_it() {
    for count in 1..=7 {
        let mut net = Net::new(count);
        let leader = net.elect();
        let term = net.node(leader).raft.term();
        net.run(20_000);
        for member in &net.members {
            let status = member.raft.status();
            assert_eq!((status.term, status.leader), (term, Some(id(leader))), "{count} nodes");
        }
    }
}

/// §3.4: a follower tells its application once whom it follows, not with each heartbeat.
#[test]
fn a_change_of_leader_is_told_once() {
    let mut solo = Solo::new(3);
    for _ in 0..3 {
        solo.hear(2, append(4, at(0, 0), 0));
        solo.pass(100);
    }
    let told = |step: &Step| matches!(step, Step::Tell(Event::Status(status)) if status.leader == Some(id(2)));
    assert_eq!(solo.steps().iter().filter(|step| told(step)).count(), 1);
}
