//! §3.5: log replication.

use crate::common::solo::{
    Solo, acknowledged, append, conflict, heartbeat, matched, verdict, vote_request,
};
use crate::common::{Disk, Net, Options, Step, at};
use raft_nostd::wire::{self, Message, ReplyWish, Verdict};
use raft_nostd::{Index, Position, Role};

fn conflict_at(prev: u64, hint: Position) -> Verdict {
    Verdict::Conflict { prev: Index(prev), hint }
}

/// §3.5: "The leader appends the command to its log as a new entry, then issues AppendEntries RPCs
/// in parallel to each of the other servers to replicate the entry."
#[test]
fn a_command_is_appended_and_sent_to_everybody() {
    let mut solo = Solo::new(3);
    solo.lead_and_commit();
    let position = solo.propose(b"x");
    assert_eq!(position, at(1, 2));
    let mut sent = solo.sent();
    sent.sort();
    assert_eq!(sent, [(2, at(1, 1), vec![at(1, 2)]), (3, at(1, 1), vec![at(1, 2)])]);
}

/// §3.5: "When the entry has been safely replicated, the leader applies the entry to its state
/// machine": once a majority has it, itself included, and not before.
#[test]
fn an_entry_is_committed_once_a_majority_has_it() {
    for (voters, others) in [(1, 0), (2, 1), (3, 1), (4, 2), (5, 2), (6, 3), (7, 3)] {
        let mut solo = Solo::new(voters);
        solo.lead_and_commit();
        let position = solo.propose(b"x");
        solo.steps();
        for peer in 2..2 + others {
            assert!(solo.me.applied.is_empty(), "of {voters}, node {peer} is missing");
            solo.acknowledge(peer);
            solo.steps();
        }
        assert_eq!(solo.me.applied, [(position, b"x".to_vec())], "of {voters}");
    }
}

/// §3.5: "The leader keeps track of the highest index it knows to be committed, and it includes
/// that index in future AppendEntries RPCs (including heartbeats) so that the other servers
/// eventually find out."
#[test]
fn followers_find_out_what_is_committed() {
    let mut net = Net::new(3);
    let leader = net.elect();
    net.run(10);
    let position = net.propose(leader, b"x");
    net.settle();
    for member in &net.members {
        assert_eq!(member.applied, [(position, b"x".to_vec())], "at once, without a heartbeat");
    }
}

/// §3.5: "Once a follower learns that a log entry is committed, it applies the entry to its local
/// state machine (in log order)."
#[test]
fn a_follower_applies_in_log_order_what_it_learns_is_committed() {
    let mut solo = Solo::new(3);
    solo.hear_append(2, append(1, at(0, 0), 0), &[1, 1, 1]);
    solo.steps();
    assert!(solo.me.applied.is_empty());
    solo.hear(2, append(1, at(1, 3), 2));
    solo.steps();
    let applied: Vec<_> = solo.me.applied.iter().map(|(position, _)| *position).collect();
    assert_eq!(applied, [at(1, 1), at(1, 2)]);
}

/// §3.5: the no-op of a leader is not given to the state machine, and takes no place there.
#[test]
fn a_noop_is_applied_by_nobody() {
    let mut net = Net::new(3);
    net.elect();
    net.run(1_000);
    assert!(net.members.iter().all(|m| m.applied.is_empty() && m.raft.applied() == Index(1)));
}

/// §3.5 (the consistency check): "If the follower does not find an entry in its log with the same
/// index and term, then it refuses the new entries."
#[test]
fn the_consistency_check() {
    let log = Disk::new(3, 0, &[1, 1, 2, 2, 3]);
    let refused = [
        (at(3, 6), conflict_at(6, at(3, 5))),
        (at(4, 9), conflict_at(9, at(3, 5))),
        (at(2, 5), conflict_at(5, at(2, 4))),
        (at(4, 5), conflict_at(5, at(2, 4))),
        (at(1, 4), conflict_at(4, at(1, 2))),
        (at(2, 2), conflict_at(2, at(1, 1))),
        (at(2, 1), conflict_at(1, at(0, 0))),
    ];
    for (prev, want) in refused {
        let mut solo = Solo::from(3, log.clone());
        solo.hear_append(2, append(5, prev, 9), &[5]);
        assert_eq!(verdict(solo.said_to(2)), want, "{prev}");
        assert_eq!(solo.me.terms(), [1, 1, 2, 2, 3], "{prev}");
        assert_eq!(solo.me.raft.commit(), Index(0));
    }
    for (prev, terms) in [(at(3, 5), vec![1, 1, 2, 2, 3, 5]), (at(2, 4), vec![1, 1, 2, 2, 5])] {
        let mut solo = Solo::from(3, log.clone());
        solo.hear_append(2, append(5, prev, 0), &[5]);
        let last = prev.index.0 + 1;
        assert_eq!(verdict(solo.said_to(2)), acknowledged(last, last));
        assert_eq!(solo.me.terms(), terms);
    }
}

/// §3.5 (Figure 3.1): "If an existing entry conflicts with a new one (same index but different
/// terms), delete the existing entry and all that follow it." Only then.
#[test]
fn only_a_different_term_deletes_entries() {
    let mut solo = Solo::from(3, Disk::new(3, 0, &[1, 1, 2, 2, 3]));
    solo.hear_append(2, append(4, at(1, 1), 0), &[1, 2]);
    assert_eq!(verdict(solo.said_to(2)), acknowledged(3, 3), "proves no more than it brings");
    assert_eq!(solo.me.terms(), [1, 1, 2, 2, 3], "what follows stays");
    solo.hear_append(2, append(4, at(1, 2), 0), &[2, 4]);
    assert_eq!(solo.me.terms(), [1, 1, 2, 4]);
}

/// §3.5 (Figure 3.1): commitIndex = min(leaderCommit, index of last *new* entry): what lies
/// behind it in the follower's log is not proven to be the leader's.
#[test]
fn an_append_commits_only_what_it_proves() {
    let mut solo = Solo::from(3, Disk::new(3, 0, &[1, 1, 2, 2, 3]));
    solo.hear(2, append(4, at(1, 1), 5));
    assert_eq!(solo.me.raft.commit(), Index(1));
    solo.hear_append(2, append(4, at(1, 1), 5), &[1, 2]);
    assert_eq!(solo.me.raft.commit(), Index(3));
    solo.hear_append(2, append(4, at(2, 3), 4), &[4, 4]);
    assert_eq!(solo.me.raft.commit(), Index(4), "and never more than the leader says");
}

/// §3.5: "AppendEntries ... idempotent": a doubled append changes nothing, an older one neither.
#[test]
fn doubled_and_reordered_appends_change_nothing() {
    let mut solo = Solo::new(3);
    let first = append(1, at(0, 0), 0);
    let second = append(1, at(1, 2), 2);
    solo.hear_append(2, first, &[1, 1]);
    solo.hear_append(2, second, &[1, 1]);
    solo.steps();
    let state = |solo: &Solo| {
        let raft = &solo.me.raft;
        (solo.me.terms(), raft.commit(), raft.applied(), raft.hard_state(), raft.durable())
    };
    let before = state(&solo);
    for (message, terms) in [(second, [1, 1]), (first, [1, 1]), (first, [1, 1])] {
        solo.hear_append(2, message, &terms);
        assert_eq!(verdict(solo.said_to(2)), acknowledged(4, 4), "and it says so again");
        assert_eq!(state(&solo), before);
    }
    solo.hear(2, first);
    assert_eq!(state(&solo), before);
}

/// §3.5: the later of two appends comes first: refused, and both are taken when sent again.
#[test]
fn an_append_that_overtakes_another_is_refused() {
    let mut solo = Solo::new(3);
    solo.hear_append(2, append(1, at(1, 2), 0), &[1]);
    assert_eq!(verdict(solo.said_to(2)), conflict_at(2, at(0, 0)));
    solo.hear_append(2, append(1, at(0, 0), 0), &[1, 1]);
    assert_eq!(verdict(solo.said_to(2)), acknowledged(2, 2));
    solo.hear_append(2, append(1, at(1, 2), 0), &[1]);
    assert_eq!(verdict(solo.said_to(2)), acknowledged(3, 3));
}

/// §3.5: "a leader never overwrites or deletes entries in its own log" (Leader Append-Only).
#[test]
fn a_leader_never_overwrites_its_log() {
    let mut solo = Solo::from(3, Disk::new(3, 0, &[1, 2, 2, 3]));
    solo.lead();
    let before = solo.me.terms();
    for index in 1..=5 {
        solo.hear(2, conflict(4, index, at((index - 1).min(1), index - 1)));
        solo.hear(3, matched(4, index, 0));
        solo.steps();
        assert_eq!(solo.me.terms()[..5], before);
    }
}

/// §3.5: "the leader decrements nextIndex and retries": with the follower's hint, to where the
/// logs may agree.
#[test]
fn a_refused_append_is_tried_again_further_back() {
    let mut solo = Solo::from(3, Disk::new(6, 0, &[1, 1, 4, 4, 6]));
    solo.lead();
    let (_, prev, entries) = solo.sent().into_iter().find(|(to, ..)| *to == 2).unwrap();
    assert_eq!((prev, entries), (at(6, 5), vec![at(7, 6)]));
    solo.hear(2, conflict(7, 5, at(3, 4)));
    let (_, prev, entries) = solo.sent().remove(0);
    assert_eq!((prev, entries.len()), (at(1, 2), 4), "the last entry of a term up to 3");
    solo.hear(2, conflict(7, 5, at(3, 4)));
    assert!(solo.sent().is_empty(), "an answer that comes twice is no second refusal");
    solo.hear(2, conflict(7, 2, at(0, 0)));
    let (_, prev, entries) = solo.sent().remove(0);
    assert_eq!((prev, entries.len()), (at(0, 0), 6));
}

/// §3.5: nextIndex never goes back behind what is proven.
#[test]
fn an_old_refusal_does_not_take_back_an_acknowledgement() {
    let mut solo = Solo::from(3, Disk::new(1, 0, &[1; 8]));
    solo.lead_and_commit();
    assert_eq!(solo.me.raft.matched(crate::common::id(2)), Some(Index(9)));
    solo.hear(2, conflict(2, 8, at(0, 0)));
    assert!(solo.sent().is_empty(), "nor does it cost a probe");
    solo.hear(2, matched(2, 4, 0));
    assert!(solo.sent().is_empty());
    assert_eq!(solo.me.raft.matched(crate::common::id(2)), Some(Index(9)));
}

/// §3.5: "servers retry RPCs if they do not receive a response in a timely manner".
#[test]
fn lost_datagrams_are_sent_again() {
    let mut solo = Solo::new(3);
    solo.lead_and_commit();
    solo.propose(b"lost");
    solo.propose(b"lost too");
    assert_eq!(solo.sent().len(), 2, "to each peer, and lost");
    for _ in 0..2 {
        solo.pass(100);
        let again: Vec<_> = solo.sent().into_iter().filter(|(to, ..)| *to == 2).collect();
        assert_eq!(again, [(2, at(1, 1), vec![at(1, 2), at(1, 3)])]);
        solo.hear(3, matched(1, 1, 0)); // CheckQuorum: somebody is there.
    }
    solo.acknowledge(2);
    solo.steps();
    assert_eq!(solo.me.applied.len(), 2);
    solo.pass(100);
    let after: Vec<_> = solo.sent().into_iter().filter(|(to, ..)| *to == 2).collect();
    assert_eq!(after, [(2, at(1, 3), vec![])], "then no more");
}

/// §3.5: of what is sent again and again, every second heartbeat is but a heartbeat: long datagrams
/// may be what does not arrive, and a follower that hears nothing campaigns.
#[test]
fn a_path_that_loses_long_datagrams_keeps_its_leader() {
    let mut solo = Solo::new(2);
    solo.lead_and_commit();
    solo.propose(&[1; 900]);
    assert_eq!(solo.sent(), [(2, at(1, 1), vec![at(1, 2)])]);
    let mut sizes = Vec::new();
    for _ in 0..6 {
        solo.pass(100);
        sizes.extend(solo.sent().iter().map(|(_, prev, entries)| (*prev, entries.len())));
        solo.hear(2, matched(1, 1, 0)); // To the short ones; it proves nothing new.
    }
    assert_eq!(sizes, [1, 1, 0, 1, 0, 1].map(|entries| (at(1, 1), entries)));
    assert_eq!(solo.role(), Role::Leader);
    solo.hear(2, matched(1, 2, 0));
    assert_eq!(solo.me.raft.commit(), Index(2), "when one arrives all is well");
}

/// §3.5: an answer that proves less than what was asked, from before or from a follower that has just
/// heard of this leader, does not tell where the logs agree.
#[test]
fn an_answer_that_proves_nothing_does_not_end_probing() {
    let mut solo = Solo::from(2, Disk::new(1, 0, &[1; 200]));
    solo.lead();
    solo.steps();
    for _ in 0..2 {
        solo.hear(2, matched(2, 0, 0));
        assert!(solo.sent().is_empty(), "nor does it start another");
        solo.pass(100);
        assert!(solo.sent().iter().all(|(_, prev, _)| *prev == at(1, 200)));
    }
    solo.hear(2, conflict(2, 200, at(1, 150)));
    solo.hear(2, matched(2, 0, 0));
    let probe = solo.sent();
    assert_eq!(probe.len(), 1, "one at a time");
    assert_eq!(probe[0].1, at(1, 150));
    let last = probe[0].2.last().unwrap().index.0;
    solo.hear(2, matched(2, last, 0));
    assert!(!solo.sent().is_empty(), "now it is known");
}

/// §3.5: a lost answer is as good as a lost append, and the same repair serves both.
#[test]
fn a_cluster_makes_progress_whatever_single_datagram_is_lost() {
    for lost in 0..12 {
        let mut net = Net::new(3);
        let leader = net.elect();
        net.run(10);
        for n in 0..4 {
            net.propose(leader, &[n]);
        }
        net.lose = vec![lost];
        net.settle();
        net.run(300);
        for member in &net.members {
            assert_eq!(member.applied.len(), 4, "datagram {lost} was lost");
        }
    }
}

/// §10.2.2 (pipelining): "the leader ... sends the next entries without waiting for the
/// acknowledgement of the previous", up to the window.
#[test]
fn appends_follow_each_other_within_the_window() {
    let options = Options { window: 4_000, ..Options::default() };
    let mut solo = Solo::with(2, Disk::default(), &options);
    solo.lead_and_commit();
    for _ in 0..20 {
        solo.propose(&[7; 500]);
    }
    let sent = solo.sent();
    let flying: usize = sent.iter().map(|(_, _, entries)| entries.len()).sum();
    assert_eq!(sent.len(), 4, "two commands fit into a datagram");
    assert_eq!(flying, 8, "4,000 bytes");
    for (before, after) in sent.iter().zip(&sent[1..]) {
        assert_eq!(before.2.last(), Some(&after.1), "each goes on where the last one ended");
    }
    solo.hear(2, matched(1, 3, 0));
    assert_eq!(solo.sent(), [(2, at(1, 9), vec![at(1, 10), at(1, 11)])], "room for two more");
}

/// §10.2.2: a window smaller than any entry lets one append go at a time, not none.
#[test]
fn the_smallest_window_lets_one_append_go() {
    let options = Options { window: 0, ..Options::default() };
    let mut solo = Solo::with(2, Disk::default(), &options);
    solo.lead_and_commit();
    solo.propose(b"x");
    assert_eq!(solo.sent(), [(2, at(1, 1), vec![at(1, 2)])]);
    solo.propose(b"y");
    assert_eq!(solo.sent(), [], "nothing more before the answer");
    solo.hear(2, matched(1, 2, 0));
    assert_eq!(solo.sent(), [(2, at(1, 2), vec![at(1, 3)])]);
}

/// §3.5, §5.3: a follower whose log may agree up to where this one begins is sent what follows; one
/// that needs older entries none of what it would refuse.
#[test]
fn a_refusal_leads_as_far_back_as_the_log_goes() {
    for hint in [at(1, 5), at(1, 4)] {
        let mut solo = Solo::from(2, Disk::after(at(1, 5), 1, 0, &[1, 1]));
        solo.lead();
        solo.steps();
        solo.hear(2, conflict(2, 7, hint));
        let sent = solo.sent();
        if hint == at(1, 5) {
            assert_eq!(sent, [(2, at(1, 5), vec![at(1, 6), at(1, 7), at(2, 8)])]);
        } else {
            assert_eq!(sent, []);
        }
    }
}

/// §10.2.2: an unknown follower gets one append at a time until it is known where logs agree.
#[test]
fn a_leader_does_not_pipeline_before_it_knows_where_logs_agree() {
    let mut solo = Solo::from(2, Disk::new(1, 0, &[1; 4]));
    solo.lead();
    assert_eq!(solo.sent().len(), 1);
    solo.propose(b"x");
    assert!(solo.sent().is_empty());
    solo.hear(2, matched(2, 5, 0));
    assert_eq!(solo.sent(), [(2, at(2, 5), vec![at(2, 6)])]);
}

/// §10.2.2 (batching): as many entries as fit into one datagram, and never more.
#[test]
fn batches_stay_within_the_datagram_bound() {
    for (bound, command) in [(256, 5), (256, 124), (600, 33), (1_200, 1_000), (1_200, 1)] {
        let options =
            Options { max_datagram: bound, max_command: bound - 132, ..Options::default() };
        let options = Options { log_bytes: 512 * 1_024, window: 1 << 20, ..options };
        let mut solo = Solo::with(2, Disk::default(), &options);
        solo.lead_and_commit();
        for _ in 0..100 {
            solo.propose(&vec![1; command.min(options.max_command as usize)]);
        }
        let mut lens = Vec::new();
        let mut entries = 0;
        for step in solo.steps() {
            if let Step::Say { len, entries: some, .. } = step {
                lens.push(len);
                entries += some.len();
            }
        }
        assert_eq!(entries, 100);
        let each = command + 30;
        assert!(lens.iter().all(|len| *len <= bound as usize), "{lens:?}");
        let full = bound as usize - wire::OVERHEAD_MAX - each;
        let but_last = &lens[..lens.len() - 1];
        assert!(but_last.iter().all(|len| *len >= full), "{bound} {command}: {lens:?}");
    }
}

/// §3.5: the longest command of a configuration goes through, one byte more is refused.
#[test]
fn the_longest_command_is_replicated() {
    let options = Options { max_datagram: 300, max_command: 168, ..Options::default() };
    let mut net = Net::with(3, &options);
    let leader = net.elect();
    net.run(10);
    let position = net.propose(leader, &[9; 168]);
    net.settle();
    assert!(net.members.iter().all(|m| m.applied == [(position, vec![9; 168])]));
    let now = net.now;
    let refused = net.node(leader).raft.propose(now, &[9; 169]);
    let why = raft_nostd::ProposeError::TooLarge { given: 169, most: 168 };
    assert_eq!(refused, Err(why));
}

/// A commit notice saves its answer: nobody acknowledges what a heartbeat repeats.
#[test]
fn a_commit_notice_is_not_answered() {
    let mut solo = Solo::new(3);
    solo.hear_append(2, append(1, at(0, 0), 0), &[1]);
    solo.steps();
    let Message::Append(notice) = append(1, at(1, 1), 1) else { unreachable!() };
    solo.hear(2, Message::Append(wire::Append { reply: ReplyWish::Unwanted, ..notice }));
    assert!(solo.said().is_empty());
    assert_eq!(solo.me.raft.commit(), Index(1));
}

/// §3.5: a follower that restarted has proven nothing to the leader of its term, and does so anew.
#[test]
fn a_restarted_follower_acknowledges_only_what_is_proven_again() {
    let mut solo = Solo::new(3);
    solo.hear_append(2, append(1, at(0, 0), 0), &[1, 1, 1]);
    solo.steps();
    solo.restart();
    solo.hear(2, append(1, at(1, 1), 3));
    assert_eq!(verdict(solo.said_to(2)), acknowledged(1, 1));
    assert_eq!(solo.me.raft.commit(), Index(1));
    solo.hear(2, append(1, at(1, 3), 3));
    assert_eq!(verdict(solo.said_to(2)), acknowledged(3, 3));
}

/// §3.5: what was proven by the leader of one term is not proven to the leader of the next.
#[test]
fn a_new_term_has_to_prove_its_log_again() {
    let mut solo = Solo::new(3);
    solo.hear_append(2, append(1, at(0, 0), 0), &[1, 1, 1]);
    solo.hear(3, heartbeat(2));
    let Message::AppendReply(reply) = solo.said_to(3) else { panic!() };
    assert_eq!(reply.verdict, acknowledged(0, 0), "nothing but the place before the log");
    solo.pass(1_500);
    solo.hear(2, vote_request(3, at(1, 3)));
    assert_eq!(solo.me.raft.term().0, 3);
}
