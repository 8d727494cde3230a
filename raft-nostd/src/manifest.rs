//! What a snapshot is of (dissertation §5.1): its last position, who is a member there, and how much
//! of the state machine follows.

use crate::types::{Index, NodeId, Position};
use serde::{Deserialize, Serialize};

/// The most members a membership names.
pub(crate) const MEMBERS_MAX: usize = 7;

/// The voters as of some entry of the log (dissertation §4.1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Membership {
    /// The entry that made it so; zero for the initial membership.
    pub index: Index,
    /// The voters' numbers in ascending order, then zeros.
    voters: [u32; MEMBERS_MAX],
}

impl Membership {
    /// The membership that a cluster starts with. Voters beyond the seventh are left out; a
    /// [checked configuration](crate::Config::check) has none.
    pub fn initial(voters: &[NodeId]) -> Self {
        let mut numbers = [0; MEMBERS_MAX];
        for (number, voter) in numbers.iter_mut().zip(voters) {
            *number = voter.get();
        }
        Self { index: Index::ZERO, voters: numbers }
    }

    /// The voters in ascending order.
    pub fn voters(&self) -> impl Iterator<Item = NodeId> + '_ {
        self.voters.iter().copied().map_while(NodeId::new)
    }

    /// Whether the numbers ascend and end with zeros, and there is one at all.
    pub(crate) fn is_possible(&self) -> bool {
        let ascends = |pair: &[u32]| match pair {
            [one, next] => *next == 0 || one < next,
            _ => false,
        };
        let ends = |pair: &[u32]| !matches!(pair, [0, next] if *next != 0);
        let pairs = || self.voters.windows(2);
        self.voters.first() != Some(&0) && pairs().all(ascends) && pairs().all(ends)
    }
}

/// What a whole snapshot is of, and what names it: two snapshots with equal manifests have equal
/// chunks, but for one chance in 2^32, so that a transfer may go on where another broke off.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// The last entry whose effect it holds.
    pub last: Position,
    /// The membership as of that entry.
    pub membership: Membership,
    /// How many chunks it has.
    pub chunks: u32,
    /// Bytes in all of them.
    pub bytes: u64,
    /// CRC-32 of all chunks, each behind its length as a `u32`.
    pub crc: u32,
}

impl Manifest {
    /// The longest encoding in bytes: every field at its longest varint.
    pub(crate) const LEN_MAX: usize = 20 + 10 + 5 * MEMBERS_MAX + 5 + 10 + 5;

    /// Whether a correct node can have taken it.
    pub(crate) fn is_possible(&self) -> bool {
        let some = self.last.index > Index::ZERO && self.last.is_real();
        let empty = (self.chunks == 0) == (self.bytes == 0);
        some && self.last.index <= Index::LIMIT
            && empty
            && self.bytes >= u64::from(self.chunks)
            && self.membership.is_possible()
            && self.membership.index <= self.last.index
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn membership(voters: [u32; MEMBERS_MAX]) -> Membership {
        Membership { index: Index::ZERO, voters }
    }

    #[test]
    fn a_membership_ascends_and_ends_with_zeros() {
        assert!(membership([1, 2, 3, 0, 0, 0, 0]).is_possible());
        assert!(membership([1, 2, 3, 4, 5, 6, 7]).is_possible());
        assert!(membership([9, 0, 0, 0, 0, 0, 0]).is_possible());
        for wrong in [[0; 7], [2, 1, 0, 0, 0, 0, 0], [1, 1, 0, 0, 0, 0, 0], [1, 0, 2, 0, 0, 0, 0]] {
            assert!(!membership(wrong).is_possible(), "{wrong:?}");
        }
    }

    #[test]
    fn the_longest_encoding_is_as_long_as_announced() {
        let longest = Manifest {
            last: Position::new(u64::MAX, u64::MAX),
            membership: Membership { index: Index(u64::MAX), voters: [u32::MAX; MEMBERS_MAX] },
            chunks: u32::MAX,
            bytes: u64::MAX,
            crc: u32::MAX,
        };
        let mut out = [0; 200];
        assert_eq!(postcard::to_slice(&longest, &mut out).unwrap().len(), Manifest::LEN_MAX);
    }
}
