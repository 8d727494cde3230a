//! Time: std's monotonic clock, read in the core's microseconds.

use raft_nostd::time::{Duration, Instant};
use std::time;

/// A monotonic clock that starts at zero when it is made.
///
/// It reads [`std::time::Instant`], so it never goes back and does not follow changes of the wall
/// clock. Whether it runs on while the machine is suspended is up to the operating system (on
/// Linux it does not). Copies share the origin, so threads may each hold one and agree.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    origin: time::Instant,
}

impl Clock {
    /// A clock whose origin is now.
    #[must_use]
    pub fn start() -> Self {
        Self { origin: time::Instant::now() }
    }

    /// Microseconds since the origin, rounded down; never less than at an earlier call.
    #[must_use]
    pub fn now(&self) -> Instant {
        self.at(time::Instant::now())
    }

    /// What this clock read, or will read, at `instant`. Before the origin it is
    /// [`Instant::ORIGIN`].
    #[must_use]
    pub fn at(&self, instant: time::Instant) -> Instant {
        let since = instant.saturating_duration_since(self.origin);
        Instant::from_micros(u64::try_from(since.as_micros()).unwrap_or(u64::MAX))
    }
}

/// How long a poll may sleep at `now` so that it wakes for `wake_at`.
///
/// `None`: for ever, as `wake_at` is [`Instant::NEVER`]. Zero: it is due, do not sleep. Anything
/// else is a whole number of milliseconds, rounded up, and at least the time that is left: a
/// poll that counts in milliseconds and rounds down still does not wake early and spin.
#[must_use]
pub fn until(now: Instant, wake_at: Instant) -> Option<time::Duration> {
    if wake_at == Instant::NEVER {
        return None;
    }
    let millis = wake_at.since(now).as_micros().div_ceil(1_000);
    Some(time::Duration::from_millis(millis))
}

/// `duration` as std has it. Exact.
#[must_use]
pub const fn to_std(duration: Duration) -> time::Duration {
    time::Duration::from_micros(duration.as_micros())
}

/// `duration` in whole microseconds, rounded up so that what is not zero stays so; saturates.
#[must_use]
pub fn from_std(duration: time::Duration) -> Duration {
    let micros = duration.as_nanos().div_ceil(1_000);
    Duration::from_micros(u64::try_from(micros).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_clock_starts_at_zero_and_never_goes_back() {
        let clock = Clock::start();
        assert_eq!(clock.at(clock.origin), Instant::ORIGIN);
        let later = clock.origin + time::Duration::from_nanos(1_234_999);
        assert_eq!(clock.at(later), Instant::from_micros(1_234));
        let mut last = clock.now();
        for _ in 0..1_000 {
            let now = clock.now();
            assert!(now >= last);
            last = now;
        }
    }

    #[test]
    fn sleeping_until_a_deadline_never_ends_before_it() {
        let at = Instant::from_micros;
        let millis = time::Duration::from_millis;
        for (now, wake, expected) in [
            (at(5), at(5), Some(millis(0))),
            (at(6), at(5), Some(millis(0))),
            (at(5), at(6), Some(millis(1))),
            (at(0), at(1_000), Some(millis(1))),
            (at(0), at(1_001), Some(millis(2))),
            (at(0), Instant::NEVER, None),
            (Instant::NEVER, Instant::NEVER, None),
            (at(0), at(u64::MAX - 1), Some(millis(18_446_744_073_709_552))),
        ] {
            assert_eq!(until(now, wake), expected, "{now:?} {wake:?}");
        }
    }

    #[test]
    fn durations_convert_without_becoming_zero() {
        assert_eq!(from_std(time::Duration::from_nanos(1)), Duration::from_micros(1));
        assert_eq!(from_std(time::Duration::from_micros(7)), Duration::from_micros(7));
        assert_eq!(from_std(time::Duration::ZERO), Duration::ZERO);
        assert_eq!(from_std(time::Duration::MAX), Duration::from_micros(u64::MAX));
        assert_eq!(to_std(Duration::from_millis(3)), time::Duration::from_millis(3));
    }
}
