//! Datagrams in flight, and links that are cut.

use crate::random::Random;
use raft_nostd::{Duration, Instant};
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
    /// When each link, from a node to another, loses everything.
    cuts: Vec<Vec<Cut>>,
}

/// When a link loses everything.
#[derive(Clone, Copy)]
struct Cut {
    until: Instant,
    /// Of a link that flaps: so long it is cut, and so long it is not.
    flap: Option<Duration>,
}

impl Cut {
    const NEVER: Self = Self { until: Instant::ORIGIN, flap: None };

    fn holds(self, now: Instant) -> bool {
        let flaps = |period: Duration| now.as_micros() / period.as_micros().max(1) % 2 == 1;
        self.until > now && !self.flap.is_some_and(flaps)
    }
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
    /// A node, and one that is faithful to it, by themselves.
    Pair(usize, usize),
    /// One node hears nothing.
    Deaf(usize),
    /// One node is not heard.
    Mute(usize),
    /// One link, in one direction.
    OneWay(usize, usize),
}

impl Network {
    pub fn new(nodes: usize) -> Self {
        Self { flying: BinaryHeap::new(), serial: 0, cuts: vec![vec![Cut::NEVER; nodes]; nodes] }
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
        self.cuts[from][to].holds(now)
    }

    /// The links that are cut until then, each from a node to another.
    pub fn links_cut_until(&self, until: Instant) -> Vec<(usize, usize)> {
        let nodes = 0..self.cuts.len();
        let links = nodes.clone().flat_map(|from| nodes.clone().map(move |to| (from, to)));
        links.filter(|(from, to)| from != to && self.cuts[*from][*to].until == until).collect()
    }

    /// Cuts links until then; they may flap meanwhile.
    pub fn cut(
        &mut self,
        partition: Partition,
        until: Instant,
        flap: Option<Duration>,
        random: &mut Random,
    ) {
        let nodes = self.cuts.len();
        let sides: Vec<_> = (0..nodes).map(|_| random.below(2)).collect();
        for from in 0..nodes {
            for to in 0..nodes {
                let cut = match partition {
                    Partition::Split => sides[from] != sides[to],
                    Partition::Bridge(at) => sides[from] != sides[to] && at != from && at != to,
                    Partition::Alone(at) => from == at || to == at,
                    Partition::Pair(one, other) => {
                        let inside = |node| node == one || node == other;
                        inside(from) != inside(to)
                    }
                    Partition::Deaf(at) => to == at,
                    Partition::Mute(at) => from == at,
                    Partition::OneWay(one, other) => (from, to) == (one, other),
                };
                if cut {
                    self.cuts[from][to] = Cut { until, flap };
                }
            }
        }
    }

    pub fn heal(&mut self) {
        self.cuts.iter_mut().for_each(|links| links.fill(Cut::NEVER));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: u64) -> Instant {
        Instant::ORIGIN.plus(Duration::from_millis(millis))
    }

    fn cut(partition: Partition, flap: Option<Duration>) -> Network {
        let mut network = Network::new(3);
        network.cut(partition, at(100), flap, &mut Random::new(1));
        network
    }

    #[test]
    fn a_link_is_cut_until_then() {
        let network = cut(Partition::OneWay(0, 2), None);
        assert!(network.is_cut(0, 2, at(0)) && network.is_cut(0, 2, at(99)));
        assert!(!network.is_cut(0, 2, at(100)));
        assert!(!network.is_cut(2, 0, at(0)), "one way");
        assert_eq!(network.links_cut_until(at(100)), [(0, 2)]);
    }

    #[test]
    fn a_link_that_flaps_is_cut_in_every_other_period() {
        let network = cut(Partition::OneWay(0, 2), Some(Duration::from_millis(10)));
        let is_cut = |millis| network.is_cut(0, 2, at(millis));
        assert!([0, 9, 20, 29, 80].into_iter().all(is_cut));
        assert!(![10, 19, 30, 90, 100, 120].into_iter().any(is_cut));
    }

    #[test]
    fn nodes_alone_deaf_and_mute_lose_what_the_words_say() {
        let links = |partition| cut(partition, None).links_cut_until(at(100));
        assert_eq!(links(Partition::Alone(1)), [(0, 1), (1, 0), (1, 2), (2, 1)]);
        assert_eq!(links(Partition::Deaf(1)), [(0, 1), (2, 1)]);
        assert_eq!(links(Partition::Mute(1)), [(1, 0), (1, 2)]);
    }

    #[test]
    fn what_is_healed_is_cut_no_more() {
        let mut network = cut(Partition::Alone(1), None);
        network.heal();
        assert!(!network.is_cut(0, 1, at(0)));
    }
}
