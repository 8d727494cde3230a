//! §3.5, Figure 3.6: a new leader brings the logs of its followers in line with its own.

use crate::common::{Disk, Net, Options, Step};
use raft_nostd::wire::{Message, Verdict};

/// The log of "the leader for term 8", before it leads.
const LEADER: &[u64] = &[1, 1, 1, 4, 4, 5, 5, 6, 6, 6];

/// Node 1 has the leader's log, node 2 the follower's, and node 3 votes for node 1. Returns how
/// often node 2 refused an append until the logs agreed.
#[track_caller]
fn brings_in_line(leader: &[u64], follower: &[u64]) -> usize {
    let newest = leader.iter().chain(follower).max().copied().unwrap_or(0);
    let disk = |terms| Disk::new(newest, 0, terms);
    let options = Options { log_entries: 64, log_bytes: 8 * 1_024, ..Options::default() };
    let mut net = Net::of(&options, vec![disk(leader), disk(follower), disk(leader)]);
    net.stand(1);
    net.run(150);
    let mut want = leader.to_vec();
    want.push(newest + 1);
    assert_eq!(net.node(1).terms(), want, "the leader only adds to its log");
    for number in [2, 3] {
        assert_eq!(net.node(number).terms(), want, "node {number}");
        let last = net.node(1).raft.last();
        assert_eq!(net.node(number).raft.commit(), last.index);
    }
    assert_eq!(net.members[1].applied, net.members[0].applied, "down to the commands' bytes");
    assert_eq!(net.node(2).applied.len(), leader.len());
    conflicts(&net)
}

fn conflicts(net: &Net) -> usize {
    let refused = |step: &&Step| match step {
        Step::Say { message: Message::AppendReply(reply), .. } => {
            matches!(reply.verdict, Verdict::Conflict { .. })
        }
        _ => false,
    };
    net.members[1].story.iter().filter(refused).count()
}

/// Figure 3.6 (a), (b): "A follower may be missing entries".
#[test]
fn a_follower_that_misses_one_entry() {
    assert_eq!(brings_in_line(LEADER, &[1, 1, 1, 4, 4, 5, 5, 6, 6]), 1);
}

/// Figure 3.6 (b).
#[test]
fn b_follower_that_misses_many_entries() {
    assert_eq!(brings_in_line(LEADER, &[1, 1, 1, 4]), 1);
}

/// Figure 3.6 (c), (d): "may have extra uncommitted entries".
#[test]
fn c_follower_with_an_extra_entry() {
    assert_eq!(brings_in_line(LEADER, &[1, 1, 1, 4, 4, 5, 5, 6, 6, 6, 6]), 0);
}

/// Figure 3.6 (d).
#[test]
fn d_follower_with_extra_entries_of_a_later_term() {
    assert_eq!(brings_in_line(LEADER, &[1, 1, 1, 4, 4, 5, 5, 6, 6, 6, 7, 7]), 0);
}

/// Figure 3.6 (e), (f): "or both".
#[test]
fn e_follower_with_extra_entries_of_an_older_term() {
    assert_eq!(brings_in_line(LEADER, &[1, 1, 1, 4, 4, 4, 4]), 1);
}

/// Figure 3.6 (f): entries of terms that this leader has never seen.
#[test]
fn f_follower_with_entries_of_unknown_terms() {
    assert_eq!(brings_in_line(LEADER, &[1, 1, 1, 2, 2, 2, 3, 3, 3, 3, 3]), 1);
}

/// §3.5: "one AppendEntries RPC will be required for each term with conflicting entries, rather
/// than one RPC per entry." Terms that alternate between the two logs are the worst there is.
#[test]
fn hints_back_up_a_term_at_a_time() {
    let leader = [1, 3, 3, 3, 5, 5, 5, 7, 7, 7];
    let follower = [1, 2, 2, 2, 4, 4, 4, 6, 6, 6];
    assert_eq!(brings_in_line(&leader, &follower), 3);
    let long = |first: u64| [vec![1], vec![first; 14], vec![first + 2; 14]].concat();
    assert_eq!(brings_in_line(&long(3), &long(2)), 2, "however long each term is");
}

/// §3.5: an empty log is brought in line in one step back.
#[test]
fn a_new_follower_with_an_empty_log() {
    assert_eq!(brings_in_line(LEADER, &[]), 1);
    assert_eq!(brings_in_line(&[], &[]), 0);
    assert_eq!(brings_in_line(&[5], &[3, 3, 3, 3]), 1);
}

/// Each pair of short logs that may exist side by side: terms never go back, and two logs that
/// have an entry in common have all before it in common (Log Matching).
#[test]
fn every_pair_of_short_logs() {
    let mut logs: Vec<Vec<u64>> = vec![vec![]];
    for length in 0..4 {
        for log in logs.clone().into_iter().filter(|log| log.len() == length) {
            let from = log.last().copied().unwrap_or(1);
            logs.extend((from..=4).map(|term| [log.clone(), vec![term]].concat()));
        }
    }
    let mut tried = 0;
    for leader in &logs {
        for follower in &logs {
            let common = leader.iter().zip(follower).take_while(|(a, b)| a == b).count();
            let apart = leader.iter().zip(follower).skip(common).all(|(a, b)| a != b);
            // Node 3 votes for the leader, so it has a log that may win: always so in this net.
            if apart {
                brings_in_line(leader, follower);
                tried += 1;
            }
        }
    }
    assert!(tried > 1_000, "{tried}");
}
