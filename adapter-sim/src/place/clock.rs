//! A node's own clock: with an origin of its own, and faster or slower than true time.

use raft_nostd::Instant;

#[derive(Clone, Copy, Debug)]
pub struct Clock {
    origin: u64,
    /// Microseconds it shows for a true millisecond.
    pace: u64,
}

impl Clock {
    pub fn new(origin: u64, pace: u64) -> Self {
        Self { origin, pace }
    }

    /// What it shows at the true time `at`.
    pub fn reading(self, at: Instant) -> Instant {
        Instant::from_micros(self.origin + at.as_micros() * self.pace / 1_000)
    }

    /// The first true time at which it shows `reading`.
    pub fn when(self, reading: Instant) -> Instant {
        if reading == Instant::NEVER {
            return reading;
        }
        let shown = reading.as_micros().saturating_sub(self.origin);
        Instant::from_micros((shown * 1_000).div_ceil(self.pace))
    }
}
