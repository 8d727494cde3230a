//! What is told about snapshots: when the last one was taken, and how one gets on, with a rate.

use super::say::{Seldom, Told, Voice};
use super::sends::{self, Sends};
use super::trouble::{Bounds, Trouble, Whose};
use adapter_mio::Unreadable;
use adapter_std::files;
use raft_nostd::{Duration, Event, Instant, Manifest, NodeId, Position, Raft, SnapshotFailure};
use raft_nostd::{SnapshotWork, VOTERS_MAX};
use std::fmt;
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

/// How often one that is on its way is told of.
const REPORT: Duration = Duration::from_millis(1_000);
/// A rate over less than this is none.
const RATE_LEAST: Duration = Duration::from_millis(100);
/// Each time that one begins again, this is doubled; so often at most, to about a minute.
const REPORT_SHIFT_MAX: u32 = 6;

/// What became of snapshots, and is becoming.
#[derive(Debug)]
pub struct Saves {
    /// Seconds since 1970 when the last one became durable, or this process began.
    last: u64,
    /// Why the last one did not come about.
    trouble: Option<Trouble>,
    /// The leader's snapshot that was told to be too large for this node.
    too_large: Option<Manifest>,
    /// How many changes of this run the last one has.
    saved: u64,
    /// What keeps the newest from being read, as far as is known.
    damage: Option<String>,
    /// How often it was found unreadable since this process began.
    unreadable: u64,
    lines: Lines,
    under_way: Option<Course>,
    bounds: Bounds,
    sends: Sends,
}

/// The lines that may have a reason many times a second.
#[derive(Debug, Default)]
struct Lines {
    taken: Seldom,
    sent: Seldom,
    silent: Seldom,
    installed: Seldom,
    failed: Seldom,
    unreadable: Seldom,
}

/// What there is to know of a node when a snapshot came to its end.
#[derive(Clone, Copy, Debug)]
pub struct News<'a> {
    /// Changes of this run that the state has.
    pub changes: u64,
    /// Bytes of the newest snapshot.
    pub bytes: u64,
    /// What went wrong with a snapshot last.
    pub why: Option<&'a str>,
    /// The leader's snapshot that was given up last, and why, while it is still wanted.
    pub declined: Option<(Manifest, SnapshotFailure)>,
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
    way: Way,
    begun: Instant,
    /// Bytes there were when it began.
    at_begin: u64,
    /// How often it began again.
    again: u32,
    told: Instant,
    /// How far it was then.
    told_at: u64,
}

impl Course {
    fn begin(now: Instant, way: Way) -> Self {
        let bytes = way.bytes;
        Self { way, begun: now, at_begin: bytes, again: 0, told: now, told_at: bytes }
    }

    /// Goes on to `way`. What has lost bytes since, or has become another snapshot, begins again, and
    /// its rate with it.
    fn follow(self, now: Instant, way: Way) -> Self {
        if way.what != self.way.what {
            return Self::begin(now, way);
        }
        if way.bytes >= self.way.bytes && way.last == self.way.last {
            return Self { way, ..self };
        }
        // One of its own is another each time.
        let again = if way.what == What::Taking { 0 } else { self.again.saturating_add(1) };
        let Course { told, told_at, .. } = self;
        Self { again, told, told_at, ..Self::begin(now, way) }
    }

    /// When to tell of it next: the less often, the more often it began again.
    fn due(&self) -> Instant {
        let interval = REPORT.as_micros() << self.again.min(REPORT_SHIFT_MAX);
        self.told.plus(Duration::from_micros(interval)).max(self.begun.plus(RATE_LEAST))
    }

    /// Bytes a second since it began.
    fn rate(&self, now: Instant) -> u64 {
        let done = self.way.bytes.saturating_sub(self.at_begin);
        done.saturating_mul(1_000_000) / now.since(self.begun).as_micros().max(1)
    }

    /// What to say of it, if it is time to.
    fn line(&mut self, now: Instant) -> Option<String> {
        let Way { what, bytes, of, .. } = self.way;
        let elapsed = now.since(self.begun).as_micros();
        if now < self.due() || elapsed == 0 {
            return None;
        }
        self.told = now;
        // One that waits for a node that is away is not worth a line each second.
        if std::mem::replace(&mut self.told_at, bytes) == bytes {
            return None;
        }
        let rate = self.rate(now);
        let of = of.map_or(String::new(), |of| format!(" of {}", Size(of)));
        let again = match self.again {
            0 => String::new(),
            1 => " (begun again once)".to_owned(),
            times => format!(" (begun again {times} times)"),
        };
        Some(format!("{what}: {}{of}, {}/s{again}", Size(bytes), Size(rate)))
    }
}

/// How far it is.
#[derive(Clone, Copy, Debug)]
pub struct Way {
    /// What is done.
    pub what: What,
    /// The last entry it is of, where that is known.
    last: Option<Position>,
    /// Bytes so far.
    pub bytes: u64,
    /// Of so many, where that is known.
    of: Option<u64>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    /// This node takes one.
    Taking,
    /// Its state is restored from one.
    Restoring,
    /// A leader sends it one.
    Receiving,
    /// It sends that node one; there may be more.
    Sending(NodeId),
}

impl What {
    /// In one word.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Taking => "taking",
            Self::Restoring => "restoring",
            Self::Receiving => "receiving",
            Self::Sending(_) => "sending",
        }
    }
}

impl fmt::Display for What {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Taking => f.write_str("taking a snapshot"),
            Self::Restoring => f.write_str("restoring the state from a snapshot"),
            Self::Receiving => f.write_str("receiving a snapshot"),
            Self::Sending(to) => write!(f, "sending node {to} a snapshot"),
        }
    }
}

impl Saves {
    /// None yet. Whoever takes nothing of one for `patience` counts as silent.
    pub fn new(bounds: Bounds, patience: Duration) -> Self {
        Self {
            last: unix_time(),
            trouble: None,
            too_large: None,
            saved: 0,
            damage: None,
            unreadable: 0,
            lines: Lines::default(),
            under_way: None,
            bounds,
            sends: Sends::new(patience),
        }
    }

    /// The snapshots that this node sends.
    pub fn sends(&self) -> &Sends {
        &self.sends
    }

    /// Looks at the snapshots that this node sends, and says what arrived.
    pub fn look_at_sends(
        &mut self,
        voice: Voice,
        now: Instant,
        raft: &Raft<Box<[u8]>, VOTERS_MAX>,
    ) {
        let Self { sends, lines, .. } = self;
        sends.look(now, raft, |news| {
            let seldom = match news {
                sends::News::Done(_) => &mut lines.sent,
                sends::News::Silent(_) => &mut lines.silent,
            };
            seldom.say(voice, now, format_args!("{news}"));
        });
    }

    /// When the last one became durable: seconds since 1970.
    pub fn last(&self) -> u64 {
        self.last
    }

    /// How many changes of this run the last one has.
    pub fn saved(&self) -> u64 {
        self.saved
    }

    /// Takes in, and says, what became of one.
    pub fn event(&mut self, voice: Voice, now: Instant, event: &Event, news: News<'_>) {
        let Lines { taken, installed, .. } = &mut self.lines;
        match event {
            Event::SnapshotTaken(position) => {
                let (through, size) = (Through(*position), Size(news.bytes));
                taken.say(voice, now, format_args!("took a snapshot {through}: {size}"));
                self.succeeded(news.changes);
            }
            Event::SnapshotInstalled(position) => {
                let (through, size) = (Through(*position), Size(news.bytes));
                installed.say(voice, now, format_args!("took over a snapshot {through}: {size}"));
                self.succeeded(news.changes);
            }
            Event::SnapshotFailed(failure) => _ = self.failed(voice, now, *failure, news),
            _ => {}
        }
    }

    /// What is too large stays so: a leader's is tried again and again, and is news once.
    fn failed(
        &mut self,
        voice: Voice,
        now: Instant,
        failure: SnapshotFailure,
        news: News<'_>,
    ) -> Told {
        let declined = news.declined.filter(|(_, why)| *why == failure).map(|(of, _)| of);
        let whose = declined.map_or(Whose::Own, |manifest| Whose::Leaders(manifest.bytes));
        let why = news.why.unwrap_or_default().to_owned();
        let trouble = Trouble { failure, whose, why, bounds: self.bounds };
        let for_good = declined.filter(|_| failure == SnapshotFailure::TooLarge);
        let Lines { taken, installed, failed, .. } = &mut self.lines;
        let mut told = Told::LeftOut;
        if for_good.is_none() || self.too_large != for_good {
            told = failed.say(voice, now, format_args!("no snapshot ({failure}): {trouble}"));
        }
        if told == Told::Said {
            // Whoever hears of a failure hears of its end, too.
            taken.rearm();
            installed.rearm();
            self.too_large = for_good;
        }
        self.trouble = Some(trouble);
        told
    }

    /// One is durable just now.
    fn succeeded(&mut self, changes: u64) {
        self.saved = changes;
        self.last = unix_time();
        self.trouble = None;
        self.damage = None; // It replaces what could not be read.
    }

    /// Whether the last one came about, and can be read as far as is known.
    pub fn outcome(&self) -> Outcome {
        let good = self.damage.is_none() && self.trouble.is_none();
        if good { Outcome::Good } else { Outcome::Failed }
    }

    /// Why the last one did not come about, if it did not.
    pub fn trouble(&self) -> Option<&Trouble> {
        self.trouble.as_ref()
    }

    /// Why a leader's snapshot of so many bytes was given up.
    pub fn declined(&self, bytes: u64, failure: SnapshotFailure) -> Trouble {
        let last = self.trouble.as_ref().filter(|last| last.failure == failure);
        let why = last.map_or(String::new(), |last| last.why.clone());
        Trouble { failure, whose: Whose::Leaders(bytes), why, bounds: self.bounds }
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
        self.under_way.map(|course| course.due())
    }

    /// Bytes a second of what is under way; zero when nothing is.
    pub fn rate(&self, now: Instant) -> u64 {
        self.under_way.map_or(0, |course| course.rate(now))
    }

    /// Says how the one that is under way gets on, if it is time to.
    pub fn report(&mut self, voice: Voice, now: Instant, way: Option<Way>) {
        let before = self.under_way;
        self.under_way = way.map(|way| match before {
            Some(course) => course.follow(now, way),
            None => Course::begin(now, way),
        });
        if let Some(line) = self.under_way.as_mut().and_then(|course| course.line(now)) {
            voice.say(format_args!("{line}"));
        }
    }
}

impl Way {
    /// Of so many bytes, where that is known.
    pub fn total(&self) -> u64 {
        self.of.unwrap_or(0)
    }

    /// What is under way just now. Nothing is sent to a peer that is silent.
    pub fn of(
        raft: &Raft<Box<[u8]>, VOTERS_MAX>,
        work: SnapshotWork,
        sends: &Sends,
    ) -> Option<Self> {
        match work {
            SnapshotWork::Taking { bytes } => {
                return Some(Self { what: What::Taking, last: None, bytes, of: None });
            }
            SnapshotWork::Restoring { bytes, of } => {
                return Some(Self { what: What::Restoring, last: None, bytes, of: Some(of) });
            }
            SnapshotWork::Idle => {}
        }
        let part = |what, manifest: &Manifest, chunks| {
            let bytes = share(manifest.bytes, chunks, manifest.chunks);
            Self { what, last: Some(manifest.last), bytes, of: Some(manifest.bytes) }
        };
        // (One that was given up, and is not sent again yet, is no work.)
        let given_up = |chunks| chunks == 0 && raft.incoming_failure().is_some();
        if let Some((manifest, chunks, _)) = raft.incoming_snapshot()
            && !given_up(chunks)
        {
            return Some(part(What::Receiving, manifest, chunks));
        }
        let manifest = raft.snapshot()?;
        let mut peers = raft.peers().filter(|peer| !sends.is_silent(*peer));
        let (peer, chunks) = peers.find_map(|peer| Some((peer, raft.transfer(peer)?)))?;
        Some(part(What::Sending(peer), manifest, chunks))
    }
}

/// Bytes in `part` of `whole` chunks.
pub fn share(bytes: u64, part: u32, whole: u32) -> u64 {
    let share = u128::from(bytes) * u128::from(part) / u128::from(whole.max(1));
    u64::try_from(share).unwrap_or(bytes)
}

/// Bytes for people.
#[derive(Clone, Copy, Debug)]
pub struct Size(pub u64);

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(bytes) = *self;
        match bytes {
            0..10_240 => write!(f, "{bytes} B"),
            10_240..10_485_760 => write!(f, "{} KiB", bytes >> 10),
            _ => write!(f, "{} MiB", bytes >> 20),
        }
    }
}

/// What a snapshot is of.
struct Through(Position);

impl fmt::Display for Through {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Position { term, index } = self.0;
        write!(f, "through entry {index} of term {term}")
    }
}

fn unix_time() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs()
}

#[cfg(test)]
#[path = "saves_tests.rs"]
mod tests;
