//! Time in a story.

use raft_nostd::Instant;
use std::fmt;

/// How long a datagram is on its way when its line does not say when it arrives: 5 ms, as a number
/// of tenths of a millisecond.
pub const USUAL_WAY: u64 = 50;

/// A time in tenths of a millisecond since the story began.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Moment(pub u64);

impl Moment {
    /// So many tenths of a millisecond later; saturates.
    #[must_use]
    pub const fn plus(self, tenths: u64) -> Self {
        Self(self.0.saturating_add(tenths))
    }

    /// Tenths of a millisecond from `earlier` to here; zero when `earlier` is later.
    pub const fn since(self, earlier: Self) -> u64 {
        self.0.saturating_sub(earlier.0)
    }
}

/// Cuts off what is less than a tenth of a millisecond.
impl From<Instant> for Moment {
    fn from(instant: Instant) -> Self {
        Self(instant.as_micros() / 100)
    }
}

/// Milliseconds and a tenth: `1348.0`.
impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&format!("{}.{}", self.0 / 10, self.0 % 10))
    }
}
