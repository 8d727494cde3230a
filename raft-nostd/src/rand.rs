//! Entropy from the host, and a small generator for election timeouts.

use crate::types::NodeId;

/// Entropy for one run of a node: two numbers that tell nothing about each other.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Seed {
    /// For what others see or can work out: timeouts, the boot's nonce, the incarnation of a fresh
    /// journal.
    pub public: u64,
    /// For the salt of a fresh journal and nothing else. A client that knew the salt could propose
    /// what recovery takes for a block of the journal.
    pub secret: u64,
}

impl core::fmt::Debug for Seed {
    /// Without the secret.
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Seed").field("public", &self.public).finish_non_exhaustive()
    }
}

/// xorshift64*, seeded with entropy and the node's id.
///
/// The id goes in so that two nodes started with one seed still draw different timeouts.
#[derive(Clone, Debug)]
pub(crate) struct Rand(u64);

impl Rand {
    pub(crate) fn new(seed: u64, node: NodeId) -> Self {
        let mixed = mix(seed ^ mix(u64::from(node.get())));
        Self(if mixed == 0 { 0x9e37_79b9_7f4a_7c15 } else { mixed })
    }

    fn next(&mut self) -> u64 {
        let mut x = self.0;
        x ^= x >> 12;
        x ^= x << 25;
        x ^= x >> 27;
        self.0 = x;
        x.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    /// A number from zero up to and without `bound`, by multiplication rather than division.
    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        let product = u128::from(self.next()).wrapping_mul(u128::from(bound));
        (product >> 64) as u64
    }
}

/// The finaliser of splitmix64: spreads each input bit over the output.
pub(crate) fn mix(value: u64) -> u64 {
    let mut z = value.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nodes_of_one_seed_draw_differently() {
        let draw = |id| Rand::new(7, NodeId::new(id).unwrap()).next();
        assert_ne!(draw(1), draw(2));
    }

    #[test]
    fn below_stays_below_and_reaches_both_ends() {
        let mut rand = Rand::new(1, NodeId::new(1).unwrap());
        let mut seen = [0_u32; 4];
        for _ in 0..400 {
            seen[rand.below(4) as usize] += 1;
        }
        assert!(seen.iter().all(|&n| n > 50), "{seen:?}");
        assert_eq!(rand.below(0), 0);
    }
}
