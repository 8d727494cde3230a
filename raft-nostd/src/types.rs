//! The words of the paper: node, cluster, term, index, position, and the durable pair of term and
//! vote.

use core::fmt;
use core::num::NonZeroU32;
use serde::{Deserialize, Serialize};

/// A member of the cluster. Never zero, so that `Option<NodeId>` costs nothing.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeId(NonZeroU32);

impl NodeId {
    /// The node with this number, or `None` for zero.
    pub const fn new(number: u32) -> Option<Self> {
        match NonZeroU32::new(number) {
            Some(number) => Some(Self(number)),
            None => None,
        }
    }

    /// The number.
    pub const fn get(self) -> u32 {
        self.0.get()
    }
}

impl fmt::Debug for NodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "n{}", self.0)
    }
}

impl fmt::Display for NodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Which cluster a datagram or a journal belongs to; bytes of any other are refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ClusterId(pub u64);

impl ClusterId {
    /// The id of a cluster known by `name`: the 64-bit FNV-1a hash of its UTF-8 bytes.
    pub const fn from_name(name: &str) -> Self {
        let mut hash = 0xcbf2_9ce4_8422_2325_u64;
        let mut rest = name.as_bytes();
        while let [byte, tail @ ..] = rest {
            hash = (hash ^ *byte as u64).wrapping_mul(0x0000_0100_0000_01b3);
            rest = tail;
        }
        Self(hash)
    }
}

/// A period with at most one leader (dissertation §3.3). Zero: before the first election.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
pub struct Term(pub u64);

impl Term {
    /// Before the first election.
    pub const ZERO: Self = Self(0);

    /// The next term, or `None` at the end of `u64`.
    pub const fn next(self) -> Option<Self> {
        match self.0.checked_add(1) {
            Some(term) => Some(Self(term)),
            None => None,
        }
    }
}

impl fmt::Display for Term {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A place in the log. The first entry has index 1; zero is the place before it.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
pub struct Index(pub u64);

impl Index {
    /// The place before the first entry.
    pub const ZERO: Self = Self(0);

    /// The place after this one. The log refuses entries long before `u64` ends
    /// ([`Index::LIMIT`]), so saturation is never reached by an entry.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }

    /// The place before this one, or zero.
    #[must_use]
    pub const fn previous(self) -> Self {
        Self(self.0.saturating_sub(1))
    }

    /// `count` places further on.
    #[must_use]
    pub const fn plus(self, count: u64) -> Self {
        Self(self.0.saturating_add(count))
    }

    /// How many places `self` is after `earlier`, or zero.
    pub const fn since(self, earlier: Self) -> u64 {
        self.0.saturating_sub(earlier.0)
    }

    /// No entry is ever accepted beyond this index.
    pub const LIMIT: Self = Self(u64::MAX >> 1);
}

impl fmt::Display for Index {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Term and index: names one entry for ever (Log Matching, dissertation §3.5).
///
/// Positions order as §3.6.1 compares logs: by term, then by index.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
pub struct Position {
    /// The term in which a leader created the entry.
    pub term: Term,
    /// Its place in the log.
    pub index: Index,
}

impl Position {
    /// Before the first entry.
    pub const ZERO: Self = Self { term: Term::ZERO, index: Index::ZERO };

    /// A position from bare numbers.
    pub const fn new(term: u64, index: u64) -> Self {
        Self { term: Term(term), index: Index(index) }
    }

    /// Whether an entry can stand there, or it is the place before the first: both are zero, or
    /// neither is.
    pub(crate) const fn is_real(self) -> bool {
        (self.term.0 == 0) == (self.index.0 == 0)
    }
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}", self.index, self.term)
    }
}

/// Term and vote: one durable fact (dissertation §3.4, `currentTerm` and `votedFor`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct HardState {
    /// The latest term this node has seen.
    pub term: Term,
    /// Whom it voted for in that term.
    pub vote: Option<NodeId>,
}

/// One life of a node's disk, and one run of its process: who is speaking, beyond its [`NodeId`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Life {
    /// Drawn at random when the journal was formatted.
    pub incarnation: u64,
    /// How often this journal has been opened; grows by one, durably, before a run says anything.
    pub boot: u32,
    /// Drawn at random in each run: tells a copied directory from its original.
    pub nonce: u32,
}

impl Life {
    /// Whether the node was started again, or its journal formatted anew, since `earlier`.
    pub(crate) const fn is_after(self, earlier: Self) -> bool {
        self.incarnation != earlier.incarnation || self.boot > earlier.boot
    }
}
