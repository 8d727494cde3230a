//! DESIGN §7 (11): arithmetic at the edge of `u64` refuses; it never wraps and never panics.

use crate::common::solo::{
    Solo, acknowledged, append, matched, pre_vote_reply, verdict, vote_request, with_round,
};
use crate::common::{Disk, Net, Options, Step, at};
use raft_nostd::wire::{Message, Verdict, Vote};
use raft_nostd::{Event, Halt, Index, ProposeError, Role, Term};

const END: u64 = u64::MAX;
/// No entry stands beyond this index.
const LAST: u64 = Index::LIMIT.0;

/// The last term is a term like any other, as long as it lasts.
#[test]
fn the_last_term_can_be_led() {
    let mut solo = Solo::from(3, Disk::new(END - 1, 0, &[]));
    solo.lead_and_commit();
    assert_eq!(solo.term(), END);
    let position = solo.propose(b"x");
    solo.steps();
    solo.acknowledge(2);
    solo.steps();
    assert_eq!(solo.me.applied, [(position, b"x".to_vec())]);
}

/// After it nobody can be elected: who would campaign stops, and says why.
#[test]
fn after_the_last_term_who_would_campaign_halts() {
    for voters in [1, 3] {
        let mut solo = Solo::from(voters, Disk::new(END, 0, &[]));
        solo.deadline();
        let steps = solo.steps();
        assert!(steps.contains(&Step::Tell(Event::Halted(Halt::TermsExhausted))), "{steps:?}");
        assert_eq!(solo.me.raft.halted(), Some(Halt::TermsExhausted), "of {voters}");
        assert_eq!(solo.term(), END);
    }
}

/// A follower in the last term follows, votes and answers.
#[test]
fn the_last_term_can_be_followed() {
    let mut solo = Solo::from(3, Disk::new(END - 1, 0, &[]));
    solo.hear(2, vote_request(END, at(0, 0)));
    solo.hear_append(2, append(END, at(0, 0), 1), &[END]);
    assert_eq!(verdict(solo.said_to(2)), acknowledged(1, 1));
    assert_eq!(solo.me.applied.len(), 1);
    solo.hear(3, pre_vote_reply(END, END, Vote::Granted));
    assert_eq!(solo.role(), Role::Follower);
}

/// A whole cluster near the end of terms.
#[test]
fn a_cluster_goes_on_to_the_last_term() {
    let mut net = Net::of(&Options::default(), vec![Disk::new(END - 9, 0, &[7]); 3]);
    let leader = net.elect();
    net.propose(leader, b"x");
    net.run(500);
    assert!(net.members.iter().all(|m| m.applied.len() == 2));
}

fn at_the_end(before: u64) -> Solo {
    let base = at(1, LAST - before);
    Solo::with(1, Disk::after(base, 1, 0, &[]), &Options::default())
}

/// The last index holds an entry, and nothing comes after it.
#[test]
fn a_leader_fills_the_log_to_the_last_index_and_refuses() {
    let mut solo = at_the_end(3);
    solo.lead();
    assert_eq!(solo.me.raft.last(), at(2, LAST - 2));
    assert_eq!(solo.propose(b"x"), at(2, LAST - 1));
    assert_eq!(solo.propose(b"y"), at(2, LAST));
    for _ in 0..3 {
        let refused = solo.me.raft.propose(solo.now, b"z");
        assert!(matches!(refused, Err(ProposeError::LogFull(_))), "{refused:?}");
    }
    solo.steps();
    solo.durable();
    solo.steps();
    assert_eq!(solo.me.raft.commit(), Index(LAST));
    assert_eq!(solo.me.applied.len(), 2);
    let id = solo.me.raft.read(solo.now).unwrap();
    assert!(solo.steps().contains(&Step::Tell(Event::ReadReady(id))), "reads go on");
}

/// Without room for the no-op of its term a node leads, and says so; nothing more can be committed.
#[test]
fn a_leader_without_room_for_its_noop_says_so() {
    let mut solo = at_the_end(0);
    solo.lead();
    solo.steps();
    assert!(solo.me.events.iter().any(|event| matches!(event, Event::LogFull(_))));
    let refused = solo.me.raft.propose(solo.now, b"x");
    assert!(matches!(refused, Err(ProposeError::LogFull(_))), "{refused:?}");
}

/// A run of failed leaderships has filled the log with what is not committed. By counting it would
/// never be; what every voter has is, and makes room to open the term.
#[test]
fn without_room_for_a_noop_what_every_voter_has_is_committed() {
    let mut solo = Solo::with(3, Disk::new(3, 0, &[1, 2, 2, 2, 2, 3, 3, 3]), &small());
    solo.lead();
    assert_eq!(solo.me.raft.last(), at(3, 8));
    solo.hear(2, matched(4, 8, 0));
    assert_eq!(solo.me.raft.commit(), Index(0), "a majority has it");
    solo.hear(3, matched(4, 7, 0));
    assert_eq!(solo.me.raft.commit(), Index(7), "everybody has it");
    solo.hear(3, matched(4, 8, 0));
    solo.steps();
    solo.compact();
    assert_eq!(solo.me.raft.last(), at(4, 9), "the no-op");
}

/// A follower too ends there.
#[test]
fn a_follower_takes_the_last_index() {
    let mut solo = Solo::from(3, Disk::after(at(1, LAST - 1), 1, 0, &[]));
    solo.hear_append(2, append(1, at(1, LAST - 1), LAST), &[1]);
    assert_eq!(verdict(solo.said_to(2)), acknowledged(LAST, LAST));
    solo.hear(2, append(1, at(1, LAST), END));
    assert_eq!(solo.me.raft.commit(), Index(LAST), "whatever the leader says is committed");
    assert!(solo.try_hear(2, append(1, at(1, LAST), 0), &[1]).is_err());
}

/// The greatest numbers in every field, from a peer that lies: refused or harmless.
#[test]
fn the_greatest_numbers_do_no_harm() {
    let far = END - 1;
    for term in [1, 2, 1 << 32] {
        let messages = [
            with_round(append(term, at(0, 0), END), END),
            append(term, at(term, LAST), END),
            append(term, at(0, LAST), 0),
            vote_request(term, at(END, END)),
            crate::common::solo::pre_vote_request(term, END, at(END, END)),
            pre_vote_reply(term, END, Vote::Granted),
            matched(term, END, END),
            with_round(matched(term, 0, 0), far),
            crate::common::solo::conflict(term, END, at(END, far)),
        ];
        for first in &messages {
            for second in &messages {
                for lead in [false, true] {
                    let mut solo = Solo::with(3, Disk::default(), &small());
                    if lead {
                        solo.lead_and_commit();
                    }
                    let _ = solo.try_hear(2, *first, &[]);
                    solo.steps();
                    let _ = solo.try_hear(3, *second, &[]);
                    solo.steps();
                    solo.deadline();
                    solo.steps();
                    assert!(solo.me.raft.commit() <= solo.me.raft.last().index);
                }
            }
        }
    }
}

fn small() -> Options {
    Options { log_entries: 8, log_bytes: 2_048, max_command: 100, ..Options::default() }
}

/// A follower's hint of a later term than the leader's own entry is taken for no more than that.
#[test]
fn hints_are_bounded_by_the_log() {
    let mut solo = Solo::from(3, Disk::new(1, 0, &[1, 1]));
    solo.lead();
    solo.steps();
    solo.hear(2, crate::common::solo::conflict(2, 2, at(2, 1)));
    let (_, prev, entries) = solo.sent().remove(0);
    assert_eq!((prev, entries.len()), (at(1, 1), 2));
    assert_eq!(solo.me.raft.term(), Term(2));
}

/// A log that begins after a base: what lies before it is committed, and not held.
#[test]
fn a_log_with_a_base() {
    let mut solo = Solo::from(3, Disk::after(at(2, 10), 3, 0, &[3, 3]));
    assert_eq!((solo.me.raft.commit(), solo.me.raft.applied()), (Index(10), Index(10)));
    solo.hear(2, append(3, at(2, 8), 0));
    let Message::AppendReply(reply) = solo.said_to(2) else { panic!() };
    assert!(matches!(reply.verdict, Verdict::Matched { .. }), "committed entries agree: {reply:?}");
    solo.hear_append(2, append(3, at(3, 12), 12), &[3]);
    assert_eq!(verdict(solo.said_to(2)), acknowledged(13, 13));
    assert_eq!(solo.me.applied.len(), 2);
}
