//! What is told about snapshots: when the last one was taken, and how one gets on, with a rate.

use super::say::{Seldom, Voice};
use adapter_mio::Unreadable;
use adapter_std::files;
use raft_nostd::{Duration, Instant, NodeId, Position, Raft, SnapshotWork, VOTERS_MAX};
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

/// How often one that is on its way is told of.
const REPORT: Duration = Duration::from_millis(1_000);

/// What became of snapshots, and is becoming.
#[derive(Debug)]
pub struct Saves {
    /// Seconds since 1970 when the last one became durable, or this process began.
    last: u64,
    /// Whether the last one came about.
    outcome: Outcome,
    /// What keeps the newest from being read, as far as is known.
    damage: Option<String>,
    /// How often it was found unreadable since this process began.
    unreadable: u64,
    lines: Lines,
    under_way: Option<Course>,
}

/// The lines that may have a reason many times a second.
#[derive(Debug, Default)]
struct Lines {
    unreadable: Seldom,
}

/// How the last snapshot ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It is durable, or there was none yet.
    Good,
    /// It did not come about.
    Failed,
}

/// A snapshot under way.
#[derive(Clone, Copy, Debug)]
struct Course {
    what: What,
    begun: Instant,
    at_begin: u64,
    told: Instant,
    /// How far it was then.
    told_at: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum What {
    Taking,
    Restoring,
    Receiving,
    Sending(NodeId),
}

/// How far it is, in bytes, and of how many where that is known.
type Way = (What, u64, Option<u64>);

impl Default for Saves {
    fn default() -> Self {
        Self {
            last: now(),
            outcome: Outcome::Good,
            damage: None,
            unreadable: 0,
            lines: Lines::default(),
            under_way: None,
        }
    }
}

impl Saves {
    /// When the last one became durable: seconds since 1970.
    pub fn last(&self) -> u64 {
        self.last
    }

    /// One is durable just now.
    pub fn succeeded(&mut self) {
        self.last = now();
        self.outcome = Outcome::Good;
        self.damage = None; // It replaces what could not be read.
    }

    /// One did not come about.
    pub fn failed(&mut self) {
        self.outcome = Outcome::Failed;
    }

    /// Whether the last one came about, and can be read as far as is known.
    pub fn outcome(&self) -> Outcome {
        if self.damage.is_some() { Outcome::Failed } else { self.outcome }
    }

    /// What keeps the newest from being read, as far as is known, and how often one was found to be
    /// unreadable since this process began.
    pub fn damage(&self) -> (Option<&str>, u64) {
        (self.damage.as_deref(), self.unreadable)
    }

    /// Says what kept the newest one in `directory` from being sent, if that is news.
    pub fn look(&mut self, voice: Voice, now: Instant, found: &Unreadable, directory: &Path) {
        if found.times == self.unreadable {
            return;
        }
        self.unreadable = found.times;
        let place = match found.segment {
            Some(segment) => files::segment_path(directory, segment),
            None => directory.to_path_buf(),
        };
        let damage = format!("{}, in {}", found.why, place.display());
        self.lines.unreadable.say(
            voice,
            now,
            format_args!(
                "the newest snapshot cannot be sent: {damage}; a new one is taken in its place"
            ),
        );
        self.damage = Some(damage);
    }

    /// When to call [`Saves::report`] again.
    pub fn wake_at(&self) -> Option<Instant> {
        self.under_way.map(|course| course.told.plus(REPORT))
    }

    /// Says how the one that is under way gets on, if it is time to.
    pub fn report(
        &mut self,
        voice: Voice,
        now: Instant,
        raft: &Raft<Box<[u8]>, VOTERS_MAX>,
        work: SnapshotWork,
    ) {
        let Some((what, bytes, of)) = way(raft, work) else {
            self.under_way = None;
            return;
        };
        let known = self.under_way.filter(|course| course.what == what);
        let begun = Course { what, begun: now, at_begin: bytes, told: now, told_at: bytes };
        let mut course = known.unwrap_or(begun);
        let elapsed = now.since(course.begun).as_micros();
        if now >= course.told.plus(REPORT) && elapsed > 0 {
            course.told = now;
            // One that waits for a node that is away is not worth a line each second.
            if std::mem::replace(&mut course.told_at, bytes) == bytes {
                self.under_way = Some(course);
                return;
            }
            let done = bytes.saturating_sub(course.at_begin);
            let rate = done.saturating_mul(1_000_000) / elapsed;
            let doing = match what {
                What::Taking => "taking a snapshot".to_owned(),
                What::Restoring => "restoring the state from a snapshot".to_owned(),
                What::Receiving => "receiving a snapshot".to_owned(),
                What::Sending(to) => format!("sending node {to} a snapshot"),
            };
            let of = of.map_or(String::new(), |of| format!(" of {}", Size(of)));
            voice.say(format_args!("{doing}: {}{of}, {}/s", Size(bytes), Size(rate)));
        }
        self.under_way = Some(course);
    }
}

/// What is under way just now.
fn way(raft: &Raft<Box<[u8]>, VOTERS_MAX>, work: SnapshotWork) -> Option<Way> {
    match work {
        SnapshotWork::Taking { bytes } => return Some((What::Taking, bytes, None)),
        SnapshotWork::Restoring { bytes, of } => return Some((What::Restoring, bytes, Some(of))),
        SnapshotWork::Idle => {}
    }
    if let Some((manifest, chunks, _)) = raft.incoming_snapshot() {
        let bytes = share(manifest.bytes, chunks, manifest.chunks);
        return Some((What::Receiving, bytes, Some(manifest.bytes)));
    }
    let manifest = raft.snapshot()?;
    let (peer, chunks) = raft.peers().find_map(|peer| Some((peer, raft.transfer(peer)?)))?;
    let bytes = share(manifest.bytes, chunks, manifest.chunks);
    Some((What::Sending(peer), bytes, Some(manifest.bytes)))
}

/// Bytes in `part` of `whole` chunks.
pub fn share(bytes: u64, part: u32, whole: u32) -> u64 {
    let share = u128::from(bytes) * u128::from(part) / u128::from(whole.max(1));
    u64::try_from(share).unwrap_or(bytes)
}

/// Bytes for people.
#[derive(Clone, Copy, Debug)]
pub struct Size(pub u64);

impl std::fmt::Display for Size {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self(bytes) = *self;
        match bytes {
            0..10_240 => write!(f, "{bytes} B"),
            10_240..10_485_760 => write!(f, "{} KiB", bytes >> 10),
            _ => write!(f, "{} MiB", bytes >> 20),
        }
    }
}

/// What is told when a snapshot is durable or was taken over.
pub fn say_position(voice: Voice, what: &str, position: Position) {
    voice.say(format_args!("{what} through entry {} of term {}", position.index, position.term));
}

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_and_shares() {
        assert_eq!(Size(10_239).to_string(), "10239 B");
        assert_eq!(Size(10_240).to_string(), "10 KiB");
        assert_eq!(Size(256 << 20).to_string(), "256 MiB");
        assert_eq!(share(1_000, 1, 4), 250);
        assert_eq!(share(0, 0, 0), 0);
        assert_eq!(share(u64::MAX, u32::MAX, u32::MAX), u64::MAX);
    }
}
