//! Entropy: a seed that no other start of any node has.

use raft_nostd::Seed;
use std::hash::{BuildHasher, RandomState};
use std::time::{SystemTime, UNIX_EPOCH};

/// Two times sixty-four bits for one run of a node, neither of which can be worked out from the other.
///
/// They come from std's [`RandomState`]: SipHash under a 128-bit key that std takes from the
/// operating system (`getrandom`, `arc4random`, `ProcessPrng` ...), without blocking, without a
/// dependency, and without `/dev/urandom`, which a chroot or a container may lack and which costs a
/// file descriptor. What is hashed is the wall clock and the process id. They matter where the
/// key alone would repeat: in a forked process, in a machine resumed twice from one snapshot, or
/// on a platform where std has no entropy to take.
#[must_use]
pub fn seed() -> Seed {
    let wall = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_nanos());
    let (keyed, process) = (RandomState::new(), std::process::id());
    let draw = |purpose: &str| keyed.hash_one((wall, process, purpose));
    Seed { public: draw("public"), secret: draw("secret") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn seeds_differ_on_one_thread_and_between_threads() {
        let mut seeds: HashSet<Seed> = (0..1_000).map(|_| seed()).collect();
        let threads: Vec<_> = (0..8).map(|_| std::thread::spawn(seed)).collect();
        seeds.extend(threads.into_iter().map(|thread| thread.join().unwrap()));
        assert_eq!(seeds.len(), 1_008);
        let halves = seeds.iter().flat_map(|seed| [seed.public, seed.secret]);
        assert_eq!(halves.collect::<HashSet<u64>>().len(), 2_016);
    }

    #[test]
    fn every_bit_of_a_seed_is_drawn_both_ways() {
        for half in [|seed: Seed| seed.public, |seed: Seed| seed.secret] {
            let (mut ones, mut zeros) = (0, 0);
            for _ in 0..128 {
                let drawn = half(seed());
                ones |= drawn;
                zeros |= !drawn;
            }
            assert_eq!((ones, zeros), (u64::MAX, u64::MAX));
        }
    }
}
