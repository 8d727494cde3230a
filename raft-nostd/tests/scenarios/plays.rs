//! The plays, one for each `*.trace`.

use crate::common::Disk;
use crate::compare;
use crate::stage::Stage;
use raft_nostd::Role;

/// All have applied as many commands as node 1.
fn agreed(stage: &Stage, commands: usize) -> bool {
    (1..=3).all(|node| stage.member(node).applied.len() == commands)
}

#[test]
fn first_election() {
    compare("first_election", 3, |stage| {
        stage
            .scene("Three nodes start with empty disks. One loses patience first, and is elected.");
        let leader = stage.until_led();
        stage.scene("Its first heartbeat finds everybody in line.");
        stage.until(|stage| stage.member(leader).raft.metrics().datagrams_in >= 10);
        stage.show_all();
    });
}

#[test]
fn write_and_commit() {
    compare("write_and_commit", 3, |stage| {
        let leader = stage.opening();
        stage.scene("A command goes to the followers while the leader still writes it.");
        stage.propose(leader, "x=1");
        stage.until(|stage| agreed(stage, 1));
        stage.settle();
        stage.scene("Three commands in a row: the second and the third share a write.");
        for command in ["x=2", "x=3", "x=4"] {
            stage.propose(leader, command);
        }
        stage.until(|stage| agreed(stage, 4));
        stage.settle();
        stage.show_all();
    });
}

#[test]
fn the_leader_dies() {
    compare("the_leader_dies", 3, |stage| {
        let old = stage.opening();
        stage.scene("A command is committed.");
        stage.propose(old, "x=1");
        stage.until(|stage| agreed(stage, 1));
        stage.settle();
        stage.scene("It dies. A successor opens its term, and goes on.");
        stage.kill(old);
        stage.until(|stage| stage.leader().is_some());
        stage.settle();
        let new = stage.leader().unwrap();
        stage.propose(new, "x=2");
        stage.settle();
        stage.scene("It comes back, and learns what it missed.");
        stage.restart(old);
        stage.until(|stage| agreed(stage, 2));
        stage.settle();
        stage.show_all();
    });
}

#[test]
fn two_leaders() {
    compare("two_leaders", 3, |stage| {
        let old = stage.opening();
        stage.scene("What is said to the leader arrives late, and then nothing does.");
        stage.slow(old, 300);
        stage.until(|stage| stage.member(old).raft.metrics().datagrams_in >= 7);
        stage.cut_off(&[old]);
        stage.scene("It still takes itself for the leader while the others elect another.");
        stage.until(|stage| stage.leader().is_some_and(|leader| leader != old));
        let new = stage.leader().unwrap();
        assert!(stage.member(old).is_leader());
        stage.scene("Two leaders, in two terms. The old one's command cannot be committed, nor its read answered.");
        stage.propose(old, "x=1");
        stage.read(old);
        stage.propose(new, "x=2");
        stage.until(|stage| stage.member(new).applied.len() == 1);
        stage.show_all();
        stage.scene("The partition heals. The old leader follows, and its command is lost.");
        stage.heal();
        stage.slow(old, 0);
        stage.until(|stage| agreed(stage, 1));
        stage.settle();
        stage.show_all();
    });
}

#[test]
fn figure_3_6_repair() {
    compare("figure_3_6_repair", 3, |stage| {
        let terms: &[u64] = &[1, 1, 1, 4, 4, 5, 5, 6, 6, 6];
        let disks = vec![
            Disk::new(7, 0, terms),
            Disk::new(7, 0, &[1, 1, 1, 2, 2, 2, 3, 3, 3, 3, 3]),
            Disk::new(7, 0, &[1, 1, 1, 4, 4, 4, 4]),
        ];
        stage.cast_with(64, disks);
        stage
            .scene("Figure 3.6: n1 has the leader's log, n2 that of follower (f), n3 that of (e).");
        stage.show_all();
        stage.scene("Only n1 can win. It finds in one step back each where the logs agree.");
        stage.until(|stage| stage.leader().is_some());
        stage.until(|stage| agreed(stage, 10));
        stage.settle();
        stage.show_all();
    });
}

#[test]
fn a_follower_restarts() {
    compare("a_follower_restarts", 3, |stage| {
        let leader = stage.opening();
        let follower = leader % 3 + 1;
        stage.scene("A follower dies while it writes a command: it acknowledged nothing.");
        stage.propose(leader, "x=1");
        let begun = |stage: &Stage| stage.member(follower).ticket.is_some();
        stage.until(begun);
        stage.kill(follower);
        stage.settle();
        stage.scene("The other two are a majority.");
        stage.propose(leader, "x=2");
        stage.settle();
        stage.scene("It starts again, with what was on its disk, and is brought up to date.");
        stage.restart(follower);
        stage.until(|stage| agreed(stage, 2));
        stage.settle();
        stage.show_all();
    });
}

#[test]
fn a_lost_append() {
    compare("a_lost_append", 3, |stage| {
        let leader = stage.opening();
        let (one, other) = (leader % 3 + 1, (leader + 1) % 3 + 1);
        stage.scene("An append to one of the followers is lost: the other makes the majority.");
        stage.lose_next(leader, one);
        stage.propose(leader, "x=1");
        stage.settle();
        stage.scene("The next command finds the gap, and both are sent again.");
        stage.propose(leader, "x=2");
        stage.settle();
        stage.scene("Another is lost, and its answer from the other too. Heartbeats repair it.");
        stage.lose_next(leader, one);
        stage.propose(leader, "x=3");
        stage.lose_next(other, leader);
        stage.until(|stage| agreed(stage, 3));
        stage.settle();
        stage.show_all();
    });
}

#[test]
fn a_read_round() {
    compare("a_read_round", 3, |stage| {
        let leader = stage.opening();
        stage.scene("A read: a round of appends confirms that it still leads (§6.4).");
        stage.read(leader);
        stage.settle();
        stage.scene("A read beside a write that is not committed yet need not wait for it.");
        stage.propose(leader, "x=1");
        stage.read(leader);
        stage.settle();
        stage.scene("Cut off from the others, it cannot know. The reader is told.");
        stage.cut_off(&[leader]);
        stage.read(leader);
        stage.until(|stage| stage.member(leader).raft.status().role != Role::Leader);
    });
}

#[test]
fn a_full_log() {
    compare("a_full_log", 3, |stage| {
        stage.cast_with(8, vec![Disk::default(); 3]);
        let leader = stage.opening();
        stage.scene(
            "Logs have eight entries here; two are kept for coming leaders. Half may be open.",
        );
        for command in ["x=1", "x=2", "x=3", "x=4"] {
            stage.propose(leader, command);
        }
        stage.propose_in_vain(leader, "x=5");
        stage.scene("A majority answers, and there is room for one more.");
        stage.settle();
        stage.propose(leader, "x=5");
        stage.settle();
        stage.propose_in_vain(leader, "x=6");
        stage.scene("Reads go on.");
        stage.read(leader);
        stage.settle();
        stage.scene("And when the leader dies, a successor still finds room for its no-op.");
        stage.kill(leader);
        stage.until(|stage| stage.leader().is_some());
        stage.settle();
        stage.show_all();
    });
}

#[test]
fn a_disk_fills() {
    compare("a_disk_fills", 3, |stage| {
        let old = stage.opening();
        stage.scene("Its disk is full: it steps down, and what it took is not lost.");
        stage.disk_is_full(old, true);
        stage.propose(old, "x=1");
        stage.until(|stage| !stage.member(old).is_leader());
        stage.propose_in_vain(old, "x=2");
        stage.scene("Another leads meanwhile, and commits it.");
        stage.until(|stage| stage.leader().is_some_and(|leader| leader != old));
        stage.settle();
        stage.propose_in_vain(old, "x=2");
        stage.scene("Its disk has space again: it catches up.");
        stage.disk_is_full(old, false);
        stage.until(|stage| agreed(stage, 1));
        stage.settle();
        stage.show_all();
    });
}
