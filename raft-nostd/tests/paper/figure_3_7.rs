//! §3.6.2, Figure 3.7: why a leader does not count replicas of entries of earlier terms.

use crate::common::solo::{Solo, matched};
use crate::common::{Disk, Net, Options};
use raft_nostd::{Index, Role};

fn options() -> Options {
    Options { log_bytes: 64 * 1_024, ..Options::default() }
}

fn applied(net: &Net, number: usize) -> Vec<(u64, u64)> {
    let applied = net.members[number - 1].applied.iter();
    applied.map(|(position, _)| (position.term.0, position.index.0)).collect()
}

/// (c): S1 leads again, in term 4; "the log entry from term 2 has been replicated on a majority of
/// the servers, but it is not committed".
#[test]
fn c_a_majority_has_it_and_it_is_not_committed() {
    let mut s1 = Solo::from(5, Disk::new(3, 0, &[1, 2]));
    s1.lead();
    for peer in [2, 3] {
        s1.hear(peer, matched(4, 2, 0));
    }
    s1.steps();
    assert_eq!(s1.me.raft.commit(), Index(0));
    assert!(s1.me.applied.is_empty());
}

/// (d): "If S1 crashes ..., S5 could be elected leader (with votes from S2, S3, and S4) and
/// overwrite the entry": which harms nobody, since nobody has applied it.
#[test]
fn d_the_later_term_overwrites_it() {
    let disks = vec![
        Disk::new(4, 1, &[1, 2, 4]),
        Disk::new(4, 1, &[1, 2]),
        Disk::new(4, 1, &[1, 2]),
        Disk::new(3, 5, &[1]),
        Disk::new(3, 5, &[1, 3]),
    ];
    let mut net = Net::of(&options(), disks);
    net.isolate(1);
    net.stand(5);
    net.heal();
    net.run(5_000);
    for number in 1..=5 {
        assert_eq!(net.node(number).terms()[..2], [1, 3]);
        assert_eq!(applied(&net, number as usize), [(1, 1), (3, 2)]);
    }
}

/// (e): "However, if S1 replicates an entry from its current term on a majority of the servers
/// before crashing, ... then this entry is committed (S5 cannot win an election)."
#[test]
fn e_an_entry_of_its_own_term_commits_it() {
    let disks = vec![
        Disk::new(3, 0, &[1, 2]),
        Disk::new(3, 0, &[1, 2]),
        Disk::new(2, 0, &[1]),
        Disk::new(3, 5, &[1]),
        Disk::new(3, 5, &[1, 3]),
    ];
    let mut net = Net::of(&options(), disks);
    let links = [4, 5].map(crate::common::id);
    net.cut.extend(links.map(|peer| (crate::common::id(1), peer)));
    net.cut.extend(links.map(|peer| (peer, crate::common::id(1))));
    net.stand(1);
    assert_eq!(net.node(1).raft.commit(), Index(3));
    net.isolate(1);
    for _ in 0..5 {
        net.now = net.now.plus(raft_nostd::Duration::from_millis(2_000));
        let now = net.now;
        net.node(5).raft.handle_timeout(now);
        net.settle();
        assert_ne!(net.node(5).raft.status().role, Role::Leader);
    }
    net.heal();
    net.run(10_000);
    for number in 1..=5 {
        assert_eq!(applied(&net, number), [(1, 1), (2, 2)]);
    }
}
