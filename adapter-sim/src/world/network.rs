//! Datagrams in flight, and links that are cut.

use crate::random::Random;
use raft_nostd::Instant;
use std::cmp::Reverse;
use std::collections::BinaryHeap;

#[derive(PartialEq, Eq, PartialOrd, Ord)]
pub struct Flying {
    pub at: Instant,
    serial: u64,
    pub to: usize,
    pub bytes: Vec<u8>,
}

pub struct Network {
    flying: BinaryHeap<Reverse<Flying>>,
    serial: u64,
    /// Until when each link, from a node to another, loses everything.
    cut_until: Vec<Vec<Instant>>,
}

/// Who cannot talk to whom.
#[derive(Clone, Copy, Debug)]
pub enum Partition {
    /// Two sides.
    Split,
    /// Two sides, and one node that is heard and hears on both.
    Bridge(usize),
    /// One node by itself.
    Alone(usize),
    /// One node hears nothing.
    Deaf(usize),
    /// One node is not heard.
    Mute(usize),
    /// One link, in one direction.
    OneWay(usize, usize),
}

impl Network {
    pub fn new(nodes: usize) -> Self {
        Self {
            flying: BinaryHeap::new(),
            serial: 0,
            cut_until: vec![vec![Instant::ORIGIN; nodes]; nodes],
        }
    }

    /// When the next datagram arrives.
    pub fn next_at(&self) -> Instant {
        self.flying.peek().map_or(Instant::NEVER, |Reverse(first)| first.at)
    }

    pub fn next(&mut self) -> Option<Flying> {
        self.flying.pop().map(|Reverse(first)| first)
    }

    pub fn send(&mut self, to: usize, at: Instant, bytes: Vec<u8>) {
        self.serial += 1;
        self.flying.push(Reverse(Flying { at, serial: self.serial, to, bytes }));
    }

    /// A datagram that nobody reads before `until` waits in a buffer.
    pub fn hold(&mut self, datagram: Flying, until: Instant) {
        self.flying.push(Reverse(Flying { at: until, ..datagram }));
    }

    pub fn is_cut(&self, from: usize, to: usize, now: Instant) -> bool {
        self.cut_until[from][to] > now
    }

    pub fn cut(&mut self, partition: Partition, until: Instant, random: &mut Random) {
        let nodes = self.cut_until.len();
        let sides: Vec<_> = (0..nodes).map(|_| random.below(2)).collect();
        for from in 0..nodes {
            for to in 0..nodes {
                let cut = match partition {
                    Partition::Split => sides[from] != sides[to],
                    Partition::Bridge(at) => sides[from] != sides[to] && at != from && at != to,
                    Partition::Alone(at) => from == at || to == at,
                    Partition::Deaf(at) => to == at,
                    Partition::Mute(at) => from == at,
                    Partition::OneWay(one, other) => (from, to) == (one, other),
                };
                if cut {
                    self.cut_until[from][to] = until;
                }
            }
        }
    }

    pub fn heal(&mut self) {
        self.cut_until.iter_mut().for_each(|links| links.fill(Instant::ORIGIN));
    }
}
