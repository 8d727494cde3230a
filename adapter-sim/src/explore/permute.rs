//! Hashes under every renaming of the nodes: states that differ in names alone are one state.

use super::place::{Place, id};
use raft_nostd::NodeId;
use raft_nostd::wire::decode;
use std::hash::{DefaultHasher, Hash, Hasher};

/// A hash for each of the `F` ways to rename the nodes. Hashes of a state's parts are added up, so that
/// a part can be exchanged without a look at the others.
pub(super) type Lanes<const F: usize> = [u64; F];

/// All `F = N!` ways to rename `N` nodes.
#[derive(Clone, Debug)]
pub(super) struct Renamings<const N: usize, const F: usize>([[u8; N]; F]);

impl<const N: usize, const F: usize> Renamings<N, F> {
    pub(super) fn all() -> Self {
        let mut all = [[0; N]; F];
        for (number, renaming) in all.iter_mut().enumerate() {
            // The digits of the number in the factorial base choose among the names that are left.
            let (mut left, mut number) = ((0..N as u8).collect::<Vec<_>>(), number);
            for name in renaming {
                let choices = left.len();
                *name = left.remove(number % choices);
                number /= choices;
            }
        }
        Self(all)
    }

    fn lanes(&self, hash: impl Fn(&dyn Fn(NodeId) -> u64) -> u64) -> Lanes<F> {
        std::array::from_fn(|lane| {
            hash(&|node: NodeId| u64::from(self.0[lane][node.get() as usize - 1]) + 1)
        })
    }

    pub(super) fn of_place(&self, place: &Place<N>) -> Lanes<F> {
        let sketch = place.raft.sketch::<DefaultHasher>(place.now);
        let mut hasher = DefaultHasher::new();
        sketch.own.hash(&mut hasher);
        (place.disk.log.0, place.proven).hash(&mut hasher);
        if let Some(written) = &place.written {
            (written.first, written.bytes()).hash(&mut hasher);
        }
        let own = hasher.finish();
        self.lanes(|name| {
            let mut sum = own;
            for (role, node) in (1..).zip(sketch.named) {
                sum = mix(sum ^ node.map_or(0, name) << 8 ^ role);
            }
            // In whatever order.
            sketch
                .peers
                .iter()
                .fold(mix(sum), |sum, (peer, hash)| sum.wrapping_add(mix(hash ^ mix(name(*peer)))))
        })
        .map(mix)
    }

    pub(super) fn of_datagram(&self, bytes: &[u8]) -> Lanes<F> {
        let datagram = decode(bytes).expect("the core has encoded it");
        let mut hasher = DefaultHasher::new();
        format!("{:?} {:?}", datagram.message, datagram.frames.slices()).hash(&mut hasher);
        let life = datagram.envelope.life;
        (life.incarnation, life.boot).hash(&mut hasher);
        let (own, envelope) = (hasher.finish(), datagram.envelope);
        self.lanes(|name| mix(own ^ mix(name(envelope.sender) << 8 | name(envelope.receiver))))
    }

    /// That `node` was elected in `term`.
    pub(super) fn of_election(&self, term: u64, node: usize) -> Lanes<F> {
        self.lanes(|name| mix(mix(term << 8 | name(id(node)) << 16 | 1)))
    }
}

/// The finaliser of splitmix64: spreads each input bit over the output.
pub(super) fn mix(value: u64) -> u64 {
    let mut z = value.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

pub(super) fn add<const F: usize>(sum: &mut Lanes<F>, part: &Lanes<F>) {
    for (sum, part) in sum.iter_mut().zip(part) {
        *sum = sum.wrapping_add(*part);
    }
}

pub(super) fn subtract<const F: usize>(sum: &mut Lanes<F>, part: &Lanes<F>) {
    for (sum, part) in sum.iter_mut().zip(part) {
        *sum = sum.wrapping_sub(*part);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn all_renamings_are_different_and_whole() {
        let Renamings(all) = Renamings::<4, 24>::all();
        assert_eq!(all.iter().collect::<HashSet<_>>().len(), 24);
        for mut renaming in all {
            renaming.sort_unstable();
            assert_eq!(renaming, [0, 1, 2, 3]);
        }
    }

    #[test]
    fn what_differs_in_names_alone_has_the_same_hashes() {
        let renamings = Renamings::<3, 6>::all();
        let sorted = |number| {
            let mut lanes = renamings.of_place(&Place::blank(number));
            lanes.sort_unstable();
            lanes
        };
        assert_eq!(sorted(0), sorted(2));
        assert_ne!(renamings.of_place(&Place::blank(0)), renamings.of_place(&Place::blank(2)));
    }
}
