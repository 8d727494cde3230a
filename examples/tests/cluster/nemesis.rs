//! What goes wrong, from a seed.

use std::thread;
use std::time::{Duration, Instant};

use adapter_sim::linearizability::millis;

use super::cluster::{Cluster, NODES};
use super::history::History;
use super::proxy::{Faults, PerMille};
use super::rng::Rng;

/// One thing that goes wrong, for a while.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mischief {
    /// The leader is killed.
    KillLeader,
    /// Any node is killed.
    KillAny,
    /// The leader and another node are killed.
    KillTwo,
    /// All nodes are killed.
    KillAll,
    /// The leader is stopped in its tracks, and wakes up believing it leads.
    PauseLeader,
    /// Two nodes are.
    PauseTwo,
    /// The leader is paused until the others have replaced it, which it cannot hear of when it
    /// wakes up: all it hears are answers of its old followers that came before.
    StaleLeader,
    /// Nobody hears the leader, nor does it hear anybody. Clients reach it.
    IsolateLeader,
    /// The same with any node.
    IsolateAny,
    /// One of the others does not hear the leader, which hears it.
    CutFromLeader,
    /// The leader hears none of the others, who hear it.
    DeafLeader,
    /// The leader is isolated, then another is killed, and comes back while it still is.
    IsolateAndKill,
    /// Nothing but the weather.
    Weather,
}

use Mischief::*;

const ALL: [Mischief; 13] = [
    KillLeader,
    KillAny,
    KillTwo,
    KillAll,
    PauseLeader,
    PauseTwo,
    StaleLeader,
    IsolateLeader,
    IsolateAny,
    CutFromLeader,
    DeafLeader,
    IsolateAndKill,
    Weather,
];

/// How long to look for a leader to hurt, before any node has to do.
const SEARCH: Duration = Duration::from_secs(3);

/// The source of what goes wrong.
#[derive(Debug)]
pub struct Nemesis<'a> {
    cluster: &'a mut Cluster,
    rng: Rng,
    /// Only for the time.
    history: &'a History,
}

impl<'a> Nemesis<'a> {
    /// One that follows this seed.
    pub fn new(cluster: &'a mut Cluster, seed: u64, history: &'a History) -> Self {
        Self { cluster, rng: Rng::new(seed), history }
    }

    /// Does everything at least once, and goes on for so long. Then all is well again.
    pub fn run(&mut self, duration: Duration) {
        let start = Instant::now();
        let mut rounds = 0;
        while rounds == 0 || start.elapsed() < duration {
            let mut order = ALL;
            for index in (1..order.len()).rev() {
                order.swap(index, self.below(index + 1));
            }
            for mischief in order {
                if rounds > 0 && start.elapsed() >= duration {
                    break;
                }
                self.do_it(mischief);
            }
            rounds += 1;
        }
        self.cluster.proxy.set_faults(Faults::NONE);
        self.say("all is well");
    }

    fn do_it(&mut self, mischief: Mischief) {
        let weather = self.below(WEATHERS.len());
        self.cluster.proxy.set_faults(WEATHERS[weather].1.clone());
        let target = match mischief {
            KillAny | IsolateAny => self.below(NODES),
            _ => self.leader(),
        };
        let other = (target + 1 + self.below(NODES - 1)) % NODES;
        let third = NODES - target - other;
        let (one, two) = (target + 1, other + 1);
        self.say(&format!("{mischief:?}: {one} (and {two}), {}", WEATHERS[weather].0));
        match mischief {
            KillLeader | KillAny => self.kill(&[target]),
            KillTwo => self.kill(&[target, other]),
            KillAll => self.kill(&[other, target, third]),
            PauseLeader => self.pause(&[target]),
            PauseTwo => self.pause(&[target, other]),
            StaleLeader => self.make_stale(target),
            IsolateLeader | IsolateAny => self.isolate(target),
            CutFromLeader => self.cut(target, other),
            DeafLeader => {
                self.cut(third, target);
                self.cut(other, target);
            }
            IsolateAndKill => self.isolate_and_kill(target, other),
            Weather => {}
        }
        self.wait(200, 900);
        self.mend();
        self.wait(50, 400);
        self.cluster.survey();
    }

    fn make_stale(&mut self, leader: usize) {
        self.pause(&[leader]);
        self.wait(50, 150);
        self.isolate(leader);
        self.wait(800, 1_200);
        self.cluster.nodes[leader].resume();
    }

    fn isolate_and_kill(&mut self, lonely: usize, dead: usize) {
        self.isolate(lonely);
        self.wait(100, 600);
        self.kill(&[dead]);
        self.wait(200, 900);
        self.cluster.nodes[dead].start();
    }

    /// Mends what is broken, one after the other.
    fn mend(&mut self) {
        self.cluster.proxy.heal();
        for index in 0..NODES {
            self.cluster.nodes[index].resume();
            self.cluster.nodes[index].start();
            if self.rng.below(2) == 0 {
                self.wait(0, 100);
            }
        }
    }

    fn kill(&mut self, nodes: &[usize]) {
        nodes.iter().for_each(|&index| self.cluster.nodes[index].kill());
    }

    fn pause(&mut self, nodes: &[usize]) {
        nodes.iter().for_each(|&index| self.cluster.nodes[index].pause());
    }

    fn isolate(&mut self, index: usize) {
        self.cluster.proxy.isolate(self.cluster.nodes[index].id());
    }

    fn cut(&mut self, from: usize, to: usize) {
        let nodes = &self.cluster.nodes;
        self.cluster.proxy.cut(nodes[from].id(), nodes[to].id());
    }

    /// A node that leads, or, if there is none to be found, any.
    fn leader(&mut self) -> usize {
        let start = Instant::now();
        while start.elapsed() < SEARCH {
            if let Some(leader) = self.cluster.leader() {
                return leader;
            }
            thread::sleep(Duration::from_millis(10));
        }
        self.say("no leader to be found");
        self.below(NODES)
    }

    /// Waits for a time between these, in milliseconds.
    fn wait(&mut self, least: u64, most: u64) {
        thread::sleep(Duration::from_millis(least + self.rng.below(most - least)));
    }

    fn below(&mut self, bound: usize) -> usize {
        let number = self.rng.below(u64::try_from(bound).expect("it fits"));
        usize::try_from(number).expect("it fits")
    }

    fn say(&self, what: &str) {
        println!("{:>12} {what}", millis(self.history.now()));
    }
}

/// How bad the network is.
const WEATHERS: [(&str, Faults); 4] = [
    ("mild", weather([5, 5, 5, 5], 0, 1)),
    ("rough", weather([60, 40, 10, 60], 0, 5)),
    ("awful", weather([250, 150, 50, 200], 0, 30)),
    ("far", weather([20, 20, 5, 20], 20, 80)),
];

/// So many in a thousand lost, doubled, flipped and reordered, and delays in milliseconds.
const fn weather(per_mille: [u16; 4], least: u64, most: u64) -> Faults {
    let [loss, duplicate, flip, reorder] = per_mille;
    Faults {
        loss: PerMille::new(loss),
        duplicate: PerMille::new(duplicate),
        flip: PerMille::new(flip),
        reorder: PerMille::new(reorder),
        delay: Duration::from_millis(least)..=Duration::from_millis(most),
    }
}
