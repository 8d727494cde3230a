//! The values of flags: from text, and to text.

use super::machine::ADDRESS_MAX;
use raft_nostd::{Config, Duration, NodeId};
use std::fmt;
use std::net::{SocketAddr, ToSocketAddrs};
use std::ops::RangeInclusive;

/// Bytes in a journal.
pub(super) const JOURNAL: RangeInclusive<u64> = (32 << 20)..=(4 << 30);
/// Bytes in the longest snapshot.
pub(super) const SNAPSHOT_MAX: RangeInclusive<u64> = (1 << 20)..=(1_700 << 20);
/// Hundredths of the log. When more than half is full, the node needs no flag to take a snapshot.
pub(super) const SNAPSHOT_FILL: RangeInclusive<u32> = 1..=50;
/// Bytes of a snapshot at a time.
pub(super) const SNAPSHOT_TURN: RangeInclusive<u64> = (1 << 10)..=(64 << 20);
/// Bytes of a snapshot between two syncs.
pub(super) const SNAPSHOT_SYNC: RangeInclusive<u64> = (64 << 10)..=(1 << 30);

pub(super) fn node_id(text: &str) -> Result<NodeId, String> {
    let number = text.parse().ok().and_then(NodeId::new);
    number.ok_or_else(|| format!("'{text}' is no node id: must be 1 to {}", u32::MAX))
}

pub(super) fn address(text: &str) -> Result<SocketAddr, String> {
    let mut found =
        text.to_socket_addrs().map_err(|error| format!("must be HOST:PORT: {error}"))?;
    found.next().ok_or_else(|| format!("'{text}' has no address"))
}

/// An address that only clients need to understand.
pub(super) fn announcement(text: &str) -> Result<String, String> {
    let (host, port) = text.rsplit_once(':').ok_or("must be HOST:PORT")?;
    let plain = text.bytes().all(|byte| byte.is_ascii_graphic());
    if host.is_empty() || !plain || text.len() > ADDRESS_MAX || port.parse::<u16>().is_err() {
        return Err(format!("must be HOST:PORT, at most {ADDRESS_MAX} bytes"));
    }
    if port.parse() == Ok(0_u16) {
        return Err("port 0 is nowhere: clients could not connect to it".to_owned());
    }
    Ok(text.to_owned())
}

/// A number of bytes as a flag takes it: with the largest unit of which it is a whole number.
#[derive(Clone, Copy, Debug)]
pub struct Amount(pub u64);

impl fmt::Display for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(bytes) = *self;
        let units = [(30, "GiB"), (20, "MiB"), (10, "KiB")];
        let whole = |(shift, _): &(u32, &str)| bytes > 0 && bytes.trailing_zeros() >= *shift;
        match units.into_iter().find(whole) {
            Some((shift, unit)) => write!(f, "{}{unit}", bytes >> shift),
            None => bytes.fmt(f),
        }
    }
}

/// From one amount to another.
pub(super) struct Span<'a>(pub(super) &'a RangeInclusive<u64>);

impl fmt::Display for Span<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} to {}", Amount(*self.0.start()), Amount(*self.0.end()))
    }
}

/// A number of bytes: plain, or with one of the units KiB, MiB and GiB.
pub(super) fn bytes(text: &str) -> Result<u64, String> {
    let split = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(split);
    let shift = match unit {
        "" | "B" => 0,
        "KiB" | "K" => 10,
        "MiB" | "M" => 20,
        "GiB" | "G" => 30,
        _ => return Err(format!("'{unit}' is no unit: KiB, MiB, GiB, or none for bytes")),
    };
    let number: u64 =
        number.parse().map_err(|_| "must be a number of bytes, as 8KiB".to_owned())?;
    number.checked_mul(1 << shift).ok_or_else(|| "is too large".to_owned())
}

pub(super) fn datagram(text: &str) -> Result<u32, String> {
    let (least, most) = (Config::DATAGRAM_MIN, Config::DATAGRAM_MAX);
    let length = u32::try_from(bytes(text)?).ok();
    let length = length.filter(|length| (least..=most).contains(length));
    length.ok_or_else(|| format!("must be {least} to {most} bytes"))
}

pub(super) fn log_entries(text: &str) -> Result<u32, String> {
    let entries: Option<u32> = text.parse().ok();
    let entries = entries.filter(|entries| entries.is_power_of_two());
    let entries = entries.filter(|entries| (8..=1 << 25).contains(entries));
    entries.ok_or_else(|| "must be a power of two, 8 to 33554432".to_owned())
}

pub(super) fn log_bytes(text: &str) -> Result<u64, String> {
    let length = bytes(text)?;
    if length > 1 << 30 { Err("must be at most 1GiB".to_owned()) } else { Ok(length) }
}

/// A number of bytes within `bounds`.
fn within(text: &str, bounds: &RangeInclusive<u64>) -> Result<u64, String> {
    let length = bytes(text)?;
    if bounds.contains(&length) { Ok(length) } else { Err(format!("must be {}", Span(bounds))) }
}

pub(super) fn journal_bytes(text: &str) -> Result<u64, String> {
    within(text, &JOURNAL)
}

pub(super) fn snapshot_bytes(text: &str) -> Result<u64, String> {
    within(text, &SNAPSHOT_MAX)
}

pub(super) fn snapshot_turn(text: &str) -> Result<u32, String> {
    within(text, &SNAPSHOT_TURN).map(|length| u32::try_from(length).unwrap_or(u32::MAX))
}

pub(super) fn snapshot_sync(text: &str) -> Result<u64, String> {
    within(text, &SNAPSHOT_SYNC)
}

pub(super) fn snapshot_fill(text: &str) -> Result<u32, String> {
    let (least, most) = SNAPSHOT_FILL.into_inner();
    let percent = text.strip_suffix('%').unwrap_or(text).parse().ok();
    let percent = percent.filter(|percent| SNAPSHOT_FILL.contains(percent));
    percent.ok_or_else(|| format!("must be {least}% to {most}%"))
}

pub(super) fn snapshot_after(text: &str) -> Result<u64, String> {
    let length = bytes(text)?;
    if length < 64 << 10 { Err("must be 64KiB at least".to_owned()) } else { Ok(length) }
}

pub(super) fn segment_bytes(text: &str) -> Result<u32, String> {
    let length = bytes(text)?;
    let whole = (1 << 20..=64 << 20).contains(&length) && length % (1 << 20) == 0;
    let length = u32::try_from(length).ok().filter(|_| whole);
    length.ok_or_else(|| "must be 1MiB to 64MiB, in whole MiB".to_owned())
}

pub(super) fn cluster_name(text: &str) -> Result<String, String> {
    if text.is_empty() || text.contains(char::is_control) {
        return Err("must be a name: not empty, and without control characters".to_owned());
    }
    Ok(text.to_owned())
}

pub(super) fn clients(text: &str) -> Result<usize, String> {
    let clients = text.parse().ok().filter(|clients| *clients > 0);
    clients.ok_or_else(|| "must be a number, 1 at least".to_owned())
}

/// A time: with one of the units us, ms and s.
pub(super) fn duration(text: &str) -> Result<Duration, String> {
    let split = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(split);
    let micros: u64 = match unit {
        "us" => 1,
        "ms" => 1_000,
        "s" => 1_000_000,
        _ => return Err("must be a time with a unit: us, ms or s".to_owned()),
    };
    let number: u64 = number.parse().map_err(|_| "must be a time, as 100ms".to_owned())?;
    let bounds = 1_000..=3_600_000_000;
    let duration = number.checked_mul(micros).filter(|time| bounds.contains(time));
    duration.map(Duration::from_micros).ok_or_else(|| "must be 1ms to 3600s".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_told_as_they_are_given() {
        for (amount, text) in [
            (0, "0"),
            (1_023, "1023"),
            (1 << 10, "1KiB"),
            (3 << 19, "1536KiB"),
            (32 << 20, "32MiB"),
            (1 << 30, "1GiB"),
            ((4 << 30) + 1, "4294967297"),
        ] {
            assert_eq!(Amount(amount).to_string(), text);
            assert_eq!(bytes(text), Ok(amount));
        }
    }
}
