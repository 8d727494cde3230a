//! What the relay is to do to datagrams, and how often it did.

use std::ops::RangeInclusive;
use std::time::Duration;

use super::super::rng::Rng;

/// How long a reordered datagram is held back, in addition to its delay.
pub const REORDER_HOLD: RangeInclusive<Duration> =
    Duration::from_millis(1)..=Duration::from_millis(20);

/// A probability in thousandths.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct PerMille(u16);

impl PerMille {
    /// Always.
    pub const ALWAYS: Self = Self(1000);

    /// So many times in a thousand.
    ///
    /// # Panics
    ///
    /// If that is more than a thousand.
    pub const fn new(times: u16) -> Self {
        assert!(times <= 1000, "a probability cannot be more than 1000 per mille");
        Self(times)
    }
}

/// How a draw came out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Draw {
    /// It happens.
    Hit,
    /// It does not.
    Miss,
}

/// Draws with this probability.
pub fn draw(rng: &mut Rng, probability: PerMille) -> Draw {
    if rng.below(1000) < u64::from(probability.0) { Draw::Hit } else { Draw::Miss }
}

/// Draws a time from `range`; if its end is before its start, its start.
pub fn draw_time(rng: &mut Rng, range: &RangeInclusive<Duration>) -> Duration {
    let width = range.end().saturating_sub(*range.start());
    let nanos = u64::try_from(width.as_nanos()).unwrap_or(u64::MAX - 1);
    *range.start() + Duration::from_nanos(rng.below(nanos.saturating_add(1)))
}

/// What to do to datagrams. The default is nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Faults {
    /// How often a datagram is lost.
    pub loss: PerMille,
    /// How often a datagram that is not lost is delivered twice.
    pub duplicate: PerMille,
    /// How often one random bit is inverted, of each copy by itself.
    pub flip: PerMille,
    /// How often a copy is held back for [`REORDER_HOLD`], so that later ones overtake it.
    pub reorder: PerMille,
    /// How long each copy takes. By itself this keeps the order of a link.
    pub delay: RangeInclusive<Duration>,
}

impl Faults {
    /// A network that delivers everything once, intact, in order and at once.
    pub const NONE: Self = Self {
        loss: PerMille::new(0),
        duplicate: PerMille::new(0),
        flip: PerMille::new(0),
        reorder: PerMille::new(0),
        delay: Duration::ZERO..=Duration::ZERO,
    };
}

impl Default for Faults {
    fn default() -> Self {
        Self::NONE
    }
}

/// How often what took effect: effects on a copy count when it is delivered.
///
/// When nothing is under way, no link was cut and nothing undelivered,
/// `received + duplicated = forwarded + lost`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counters {
    /// Datagrams that nodes sent.
    pub received: u64,
    /// Copies delivered.
    pub forwarded: u64,
    /// Datagrams lost by [`Faults::loss`].
    pub lost: u64,
    /// Copies lost because the link was cut.
    pub blocked: u64,
    /// Copies lost because the system would not send them, or too much was under way.
    pub undelivered: u64,
    /// Second copies delivered.
    pub duplicated: u64,
    /// Copies delivered after a delay or a hold.
    pub delayed: u64,
    /// Copies delivered after one of the same link that was sent later.
    pub reordered: u64,
    /// Copies delivered with a bit inverted.
    pub flipped: u64,
    /// Unexpected errors while receiving.
    pub errors: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn draws_have_about_their_probability() {
        let mut rng = Rng::new(3);
        let mut hits = |times| {
            let probability = PerMille::new(times);
            (0..10_000).filter(|_| draw(&mut rng, probability) == Draw::Hit).count()
        };
        assert_eq!((hits(0), hits(1000)), (0, 10_000));
        assert!((2_700..3_300).contains(&hits(300)));
    }

    #[test]
    fn times_are_within_the_range() {
        let mut rng = Rng::new(4);
        let ms = Duration::from_millis;
        let times: Vec<_> = (0..1000).map(|_| draw_time(&mut rng, &(ms(2)..=ms(4)))).collect();
        assert!(times.iter().all(|time| (ms(2)..=ms(4)).contains(time)));
        assert!(times.iter().any(|&t| t < ms(3)) && times.iter().any(|&t| t > ms(3)));
        assert_eq!(draw_time(&mut rng, &(ms(5)..=ms(5))), ms(5));
        let (start, end) = (ms(5), ms(1));
        assert_eq!(draw_time(&mut rng, &(start..=end)), ms(5));
    }
}
