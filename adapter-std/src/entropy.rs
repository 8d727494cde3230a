//! Entropy: a seed that no other start of any node has.

use std::hash::{BuildHasher, RandomState};
use std::time::{SystemTime, UNIX_EPOCH};

/// Sixty-four bits for a node's random numbers and for the nonce of its boot. Not for secrets.
///
/// They come from std's [`RandomState`]: SipHash under a 128-bit key that std takes from the
/// operating system (`getrandom`, `arc4random`, `ProcessPrng` ...), without blocking, without a
/// dependency, and without `/dev/urandom`, which a chroot or a container may lack and which costs a
/// file descriptor. What is hashed is the wall clock and the process id. They matter where the
/// key alone would repeat: in a forked process, in a machine resumed twice from one snapshot, or
/// on a platform where std has no entropy to take.
#[must_use]
pub fn seed() -> u64 {
    let wall = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_nanos());
    RandomState::new().hash_one((wall, std::process::id()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn seeds_differ_on_one_thread_and_between_threads() {
        let mut seeds: HashSet<u64> = (0..1_000).map(|_| seed()).collect();
        let threads: Vec<_> = (0..8).map(|_| std::thread::spawn(seed)).collect();
        seeds.extend(threads.into_iter().map(|thread| thread.join().unwrap()));
        assert_eq!(seeds.len(), 1_008);
    }

    #[test]
    fn every_bit_of_a_seed_is_drawn_both_ways() {
        let (mut ones, mut zeros) = (0, 0);
        for _ in 0..128 {
            let seed = seed();
            ones |= seed;
            zeros |= !seed;
        }
        assert_eq!((ones, zeros), (u64::MAX, u64::MAX));
    }
}
