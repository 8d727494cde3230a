//! A run of entries.

use raft_nostd::Position;
use std::fmt;

/// Entries of a log that follow each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// The first of them.
    pub first: Position,
    /// The last of them; may be the first.
    pub last: Position,
}

impl Span {
    /// From the first to the last of `positions`; `None` when there are none.
    pub fn of(positions: impl IntoIterator<Item = Position>) -> Option<Self> {
        let mut positions = positions.into_iter();
        let first = positions.next()?;
        Some(Self { first, last: positions.last().unwrap_or(first) })
    }
}

/// `2@1` or `2@1 to 4@1`.
impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.first == self.last {
            write!(f, "{}", self.first)
        } else {
            write!(f, "{} to {}", self.first, self.last)
        }
    }
}
