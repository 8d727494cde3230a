//! §4.2.3: disruptive servers. Who hears a leader helps nobody to depose it.

use crate::common::at;
use crate::common::solo::{
    Solo, heartbeat, pre_vote_reply, pre_vote_request, vote_reply, vote_request,
};
use raft_nostd::wire::{Campaign, Message, Vote};
use raft_nostd::{HardState, Role, Term};

/// §4.2.3: "if a server receives a RequestVote request within the minimum election timeout of
/// hearing from a current leader, it does not update its term or grant its vote."
#[test]
fn a_vote_request_is_ignored_while_a_leader_is_heard() {
    let mut solo = Solo::new(3);
    for _ in 0..5 {
        solo.pass(900);
        solo.hear(2, heartbeat(4));
        solo.steps();
    }
    solo.pass(999);
    solo.hear(3, vote_request(9, at(8, 9)));
    assert!(solo.said().is_empty());
    assert_eq!(solo.me.raft.hard_state(), HardState { term: Term(4), vote: None });
    solo.pass(1);
    solo.hear(3, vote_request(9, at(8, 9)));
    assert_eq!(solo.said_to(3), vote_reply(9, Vote::Granted), "an election timeout later");
}

/// §4.2.3: the leader itself hears a leader all the time.
#[test]
fn a_leader_is_not_deposed_by_a_campaign() {
    let mut solo = Solo::new(3);
    solo.lead_and_commit();
    solo.pass(10);
    solo.hear(3, vote_request(9, at(8, 9)));
    solo.hear(3, pre_vote_request(8, 9, at(8, 9)));
    assert_eq!((solo.role(), solo.term()), (Role::Leader, 1));
    assert_eq!(solo.said_to(3), pre_vote_reply(1, 9, Vote::Refused), "but a pre-vote is answered");
}

/// §4.2.3: a leader of an older term is no current leader.
#[test]
fn a_stale_leader_commands_no_loyalty() {
    let mut solo = Solo::from(3, crate::common::Disk::new(5, 0, &[]));
    solo.pass(500);
    solo.hear(2, heartbeat(4));
    solo.steps();
    solo.hear(3, vote_request(6, at(0, 0)));
    assert_eq!(solo.said_to(3), vote_reply(6, Vote::Granted));
}

/// §4.2.3, §3.10: "with the leadership transfer mechanism ... servers should process RequestVote
/// messages even if they believe a current cluster leader exists": the request says so.
#[test]
fn a_transfer_overrides_loyalty() {
    let mut solo = Solo::new(3);
    solo.hear(2, heartbeat(4));
    solo.steps();
    let campaign = Campaign::Transfer;
    solo.hear(3, Message::VoteRequest { term: Term(5), last: at(0, 0), campaign });
    assert_eq!(solo.said_to(3), vote_reply(5, Vote::Granted));
}

/// §4.2.3: an answer with a newer term is no campaign: who is behind, though loyal, catches up.
#[test]
fn loyalty_withstands_campaigns_only() {
    for message in [pre_vote_reply(9, 5, Vote::Refused), vote_reply(9, Vote::Refused), heartbeat(9)]
    {
        let mut solo = Solo::new(3);
        solo.hear(2, heartbeat(4));
        solo.hear(3, message);
        assert_eq!(solo.term(), 9, "{message:?}");
    }
}

/// §4.2.3: no node is loyal to a leader it never heard in this run.
#[test]
fn a_node_that_just_started_is_free() {
    let mut solo = Solo::new(3);
    solo.hear(3, vote_request(1, at(0, 0)));
    assert_eq!(solo.said_to(3), vote_reply(1, Vote::Granted));
}
