//! A node's own clock: with an origin of its own, faster or slower than true time, and now and then it
//! jumps ahead. It never goes back.

use crate::random::Random;
use raft_nostd::{Duration, Instant};

/// Where 32 bits of milliseconds end, in microseconds.
const WRAP: u64 = (1 << 32) * 1_000;

#[derive(Clone, Copy, Debug)]
pub struct Clock {
    /// A true time, and what it showed then, in microseconds.
    at: u64,
    shown: u64,
    /// Microseconds it shows for a true millisecond.
    pace: u64,
    /// What it showed first.
    first: u64,
}

impl Clock {
    /// A clock that starts anywhere, often just before its milliseconds leave 32 bits.
    pub fn draw(now: Instant, pace: u64, random: &mut Random) -> Self {
        let shown = random.below(1_000_000_000);
        let shown = if random.one_in(2) { WRAP - shown % 20_000_000 } else { shown };
        Self { at: now.as_micros(), shown, pace, first: shown }
    }

    /// A clock that shows the true time.
    pub fn exact() -> Self {
        Self { at: 0, shown: 0, pace: 1_000, first: 0 }
    }

    /// What it shows at the true time `at`.
    pub fn reading(self, at: Instant) -> Instant {
        let passed = at.as_micros().saturating_sub(self.at);
        Instant::from_micros(self.shown + passed * self.pace / 1_000)
    }

    /// The first true time at which it shows `reading`.
    pub fn when(self, reading: Instant) -> Instant {
        if reading == Instant::NEVER {
            return reading;
        }
        let missing = reading.as_micros().saturating_sub(self.shown);
        Instant::from_micros(self.at + (missing * 1_000).div_ceil(self.pace))
    }

    /// Whether its milliseconds have left 32 bits since it started.
    pub fn has_wrapped(self, now: Instant) -> bool {
        self.first < WRAP && self.reading(now).as_micros() >= WRAP
    }

    /// From now on it runs at another pace.
    pub fn set_pace(&mut self, now: Instant, pace: u64) {
        *self = Self { at: now.as_micros(), shown: self.reading(now).as_micros(), pace, ..*self };
    }

    /// It jumps ahead.
    pub fn jump(&mut self, by: Duration) {
        self.shown += by.as_micros();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn when_is_the_first_time_that_shows_it() {
        for pace in [500, 999, 1_000, 1_001, 2_000] {
            let mut clock = Clock { at: 7, shown: WRAP - 50, pace, first: WRAP - 50 };
            clock.jump(Duration::from_micros(13));
            for shown in WRAP - 30..WRAP + 1_000 {
                let first = clock.when(Instant::from_micros(shown));
                assert!(clock.reading(first) >= Instant::from_micros(shown));
                let before = Instant::from_micros(first.as_micros() - 1);
                assert!(
                    first.as_micros() == 7 || clock.reading(before) < Instant::from_micros(shown)
                );
            }
        }
    }

    #[test]
    fn a_new_pace_does_not_set_it_back() {
        let mut clock = Clock { at: 0, shown: 100, pace: 2_000, first: 100 };
        let now = Instant::from_micros(333);
        let before = clock.reading(now);
        clock.set_pace(now, 500);
        assert_eq!(clock.reading(now), before);
    }

    #[test]
    fn it_tells_when_its_milliseconds_have_left_32_bits() {
        let mut clock = Clock { at: 0, shown: WRAP - 50, pace: 1_000, first: WRAP - 50 };
        assert!(!clock.has_wrapped(Instant::from_micros(49)));
        assert!(clock.has_wrapped(Instant::from_micros(50)));
        clock.set_pace(Instant::from_micros(60), 500);
        assert!(clock.has_wrapped(Instant::from_micros(61)));
        clock.first = WRAP; // One that started behind it.
        assert!(!clock.has_wrapped(Instant::from_micros(61)));
    }
}
