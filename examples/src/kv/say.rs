//! Lines for people, on the standard error, with the time in UTC.

use raft_nostd::{Duration, Instant};
use std::fmt;
use std::io::{self, Write};
use std::time::{SystemTime, UNIX_EPOCH};

/// Control characters in a row that are shown.
const CONTROLS_SHOWN: u32 = 4;

/// Whether to say anything.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Voice {
    /// Say what happens.
    #[default]
    Loud,
    /// Say nothing but why the program ends.
    Quiet,
}

impl Voice {
    /// Says one line.
    pub fn say(self, line: fmt::Arguments<'_>) {
        if self == Self::Loud {
            let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
            let time = Time { seconds: since.as_secs(), millis: since.subsec_millis() };
            // Nobody may be listening: that is no reason to stop.
            let _ = writeln!(io::stderr().lock(), "{time} {line}");
        }
    }
}

/// How long a line of one kind is not said again.
const SELDOM: Duration = Duration::from_millis(10_000);

/// Whether a line was said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Told {
    /// It was.
    Said,
    /// It comes too soon after another one.
    LeftOut,
}

/// Lines of one kind, for which there may be a reason many times a second: one is said at once, and
/// then one in ten seconds at most, with how many were left out.
#[derive(Clone, Copy, Debug, Default)]
pub struct Seldom {
    /// Not before this.
    next: Instant,
    left_out: u64,
}

impl Seldom {
    /// Says one line, if it is time to.
    pub fn say(&mut self, voice: Voice, now: Instant, line: fmt::Arguments<'_>) -> Told {
        match self.due(now) {
            Some(0) => voice.say(line),
            Some(more) => voice.say(format_args!("{line} (and {more} times more since last told)")),
            None => return Told::LeftOut,
        }
        Told::Said
    }

    /// The next line is news, however soon it comes.
    pub fn rearm(&mut self) {
        self.next = Instant::ORIGIN;
    }

    /// How many were left out, when the next one is to be said.
    fn due(&mut self, now: Instant) -> Option<u64> {
        if now < self.next {
            self.left_out = self.left_out.saturating_add(1);
            return None;
        }
        self.next = now.plus(SELDOM);
        Some(std::mem::take(&mut self.left_out))
    }
}

/// What may have bytes of a damaged file in it, as one line that does nothing to a terminal: control
/// characters are escaped, and of many in a row only the first few are shown.
pub struct Printable<T>(pub T);

impl<T: fmt::Display> fmt::Display for Printable<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = self.0.to_string();
        let mut run = 0;
        for c in text.chars() {
            run = if c.is_control() { run + 1 } else { 0 };
            match run {
                0 => fmt::Write::write_char(f, c)?,
                1..=CONTROLS_SHOWN => write!(f, "{}", c.escape_default())?,
                _ if run == CONTROLS_SHOWN + 1 => f.write_str("...")?,
                _ => {}
            }
        }
        Ok(())
    }
}

/// A time in UTC.
struct Time {
    seconds: u64,
    millis: u32,
}

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (year, month, day) = date(self.seconds / 86_400);
        let second = self.seconds % 86_400;
        let (hour, minute, second) = (second / 3_600, second / 60 % 60, second % 60);
        let millis = self.millis;
        write!(f, "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{millis:03}Z")
    }
}

/// Year, month and day of so many days after the first of January 1970 (proleptic Gregorian; the
/// method is Howard Hinnant's: years begin in March, so that leap days come last).
fn date(days: u64) -> (u64, u64, u64) {
    let days = days + 719_468;
    let era = days / 146_097;
    let day_of_era = days % 146_097;
    let year_of_era =
        (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month + 2) / 5 + 1;
    let (month, next_year) = if month < 10 { (month + 3, 0) } else { (month - 9, 1) };
    (era * 400 + year_of_era + next_year, month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_do_not_reach_a_terminal() {
        assert_eq!(Printable("no '=' in 'ä'").to_string(), "no '=' in 'ä'");
        assert_eq!(Printable("a\x1b[2J\nb").to_string(), r"a\u{1b}[2J\nb");
        let zeros = format!("'{}'", "\0".repeat(4_000));
        assert_eq!(Printable(zeros).to_string(), r"'\u{0}\u{0}\u{0}\u{0}...'");
    }

    #[test]
    fn a_kind_of_line_is_said_now_and_then() {
        let mut line = Seldom::default();
        let at = |millis: u64| Instant::from_micros(millis * 1_000);
        assert_eq!(line.due(at(0)), Some(0));
        assert_eq!(line.due(at(1)), None);
        assert_eq!(line.due(at(9_999)), None);
        assert_eq!(line.due(at(10_000)), Some(2));
        assert_eq!(line.due(at(20_000)), Some(0));
        assert_eq!(line.due(at(20_001)), None);
        line.rearm();
        assert_eq!(line.due(at(20_002)), Some(1));
        assert_eq!(line.due(at(20_003)), None);
    }

    #[test]
    fn dates() {
        for (seconds, text) in [
            (0, "1970-01-01T00:00:00.007Z"),
            (951_782_399, "2000-02-28T23:59:59.007Z"),
            (951_782_400, "2000-02-29T00:00:00.007Z"),
            (1_785_499_506, "2026-07-31T12:05:06.007Z"),
        ] {
            assert_eq!(Time { seconds, millis: 7 }.to_string(), text);
        }
    }
}
