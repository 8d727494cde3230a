//! A node before it starts: its log can be filled from a journal.

use super::Raft;
use crate::config::Config;
use crate::error::ConfigError;
use crate::frame::Frames;
use crate::journal::{Limits, Sink};
use crate::log::Log;
use crate::manifest::{Manifest, Membership};
use crate::state::snapshots::{Incoming, Snapshots, Stage};
use crate::state::{Node, Start};
use crate::time::Instant;
use crate::types::{Index, Position, Term};
use crate::vault::Origin;
use crate::wire::Receipt;

/// A checked configuration and a log, to be filled by [`journal::recover`](crate::journal::recover)
/// or left empty, and then [started](Self::start).
#[derive(Debug)]
pub struct Loading<'a, B> {
    config: Config<'a>,
    log: Log<B>,
    /// As far as the journal knows that the log was compacted.
    journal_base: Position,
    snapshot: Option<Manifest>,
    staged: Option<(Manifest, u32)>,
}

impl<'a, B: AsRef<[u8]> + AsMut<[u8]>> Loading<'a, B> {
    /// An empty log in `memory` (see [`Config::log_bytes`]); its bytes need no initial value.
    ///
    /// # Errors
    /// What is wrong with the configuration or the memory.
    pub fn new<const VOTERS: usize>(config: &Config<'a>, memory: B) -> Result<Self, ConfigError> {
        config.check::<VOTERS>()?;
        Ok(Self {
            log: Log::new(memory, config)?,
            config: config.clone(),
            journal_base: Position::ZERO,
            snapshot: None,
            staged: None,
        })
    }

    /// Takes in the newest snapshot on its medium, if there is one, and a transfer that broke off
    /// with the number of its chunks that are there; `term` is that of the journal. When the node
    /// starts, what the snapshot is of makes way in the log; a log that ends before one that a peer
    /// sent, or went another way, is replaced by it. O(1).
    ///
    /// # Errors
    /// When the log goes on from a snapshot that is not there: its medium was exchanged or damaged.
    /// And when the snapshot is of what the journal must have held: then the journal's was.
    pub fn attach(
        &mut self,
        term: Term,
        newest: Option<(Origin, &Manifest)>,
        staged: Option<(&Manifest, u32)>,
    ) -> Result<(), AttachError> {
        let base = self.log.base();
        let last = newest.map(|(_, manifest)| manifest.last).unwrap_or_default();
        if last.index < base.index || (last.index == base.index && last != base) {
            return Err(AttachError::Missing(SnapshotMissing { base, newest: last }));
        }
        // A snapshot is sealed once the term it came in is durable. One of the node's own is of
        // entries that were durable here; where a peer's is, the journal may still have to follow.
        let own = newest.is_some_and(|(origin, _)| origin == Origin::Own);
        if last.term > term || (own && self.log.term_at(last.index) != Some(last.term)) {
            let journal = self.log.last();
            return Err(AttachError::Ahead(SnapshotAhead { newest: last, journal, term }));
        }
        self.snapshot = newest.map(|(_, manifest)| *manifest);
        // Chunks need not wait for the term: a power cut may have taken it and left them.
        let staged = staged.filter(|(manifest, _)| manifest.last.term <= term);
        self.staged = staged.map(|(manifest, chunks)| (*manifest, chunks));
        Ok(())
    }

    /// Whether a state machine that has applied that much belongs to this log and snapshot.
    ///
    /// # Errors
    /// When they end before it.
    pub fn check_applied(&self, applied: Index) -> Result<(), StartError> {
        let log = self.log.last().index;
        let last = match self.replacing() {
            Some(newest) => newest.index,
            None => log,
        };
        if applied > last { Err(StartError { applied, last }) } else { Ok(()) }
    }

    /// Where the newest snapshot ends, if the log does not hold that position.
    fn replacing(&self) -> Option<Position> {
        let newest = self.snapshot.as_ref()?.last;
        (self.log.term_at(newest.index) != Some(newest.term)).then_some(newest)
    }

    /// The position that the journal so far begins behind: the end of a snapshot, or zero.
    pub fn base(&self) -> Position {
        self.log.base()
    }

    /// The last entry of the journal so far.
    pub fn last(&self) -> Position {
        self.log.last()
    }

    /// What the journal of this log must be able to hold.
    pub fn limits(&self) -> Limits {
        Limits {
            max_frame: self.config.max_frame() as usize,
            ring_bytes: self.log.capacity().bytes as usize,
        }
    }

    /// Starts the node as a follower. Everything in its log counts as durable.
    ///
    /// # Errors
    /// When the state machine has applied more than the log holds: it belongs to another journal.
    pub fn start<const VOTERS: usize>(
        mut self,
        start: Start,
    ) -> Result<Raft<B, VOTERS>, StartError> {
        self.check_applied(start.applied)?;
        match (self.replacing(), &self.snapshot) {
            (Some(newest), _) => self.log.restart(newest),
            (None, Some(snapshot)) => self.log.compact(snapshot.last.index),
            (None, None) => {}
        }
        let initial = Membership::initial(self.config.voters);
        let membership = self.snapshot.map_or(initial, |snapshot| snapshot.membership);
        let mut snapshots = Snapshots::new(membership);
        snapshots.newest = self.snapshot;
        snapshots.incoming = self.staged.map(|(manifest, chunks)| {
            let whole = chunks >= manifest.chunks;
            let stage = if whole { Stage::Whole } else { Stage::Awaiting };
            Incoming {
                term: Term::ZERO,
                manifest,
                chunks,
                stage,
                receipt: Receipt::Taken,
                heard_at: start.now,
                declined_until: Instant::ORIGIN,
                failure: None,
            }
        });
        Ok(Raft { node: Node::new(&self.config, self.log, snapshots, self.journal_base, &start) })
    }
}

impl<B: AsRef<[u8]> + AsMut<[u8]>> Sink for Loading<'_, B> {
    fn reset(&mut self, base: Position) {
        self.log.reset(base);
        self.journal_base = base;
    }

    fn truncate(&mut self, from: Index) {
        self.log.truncate(from);
    }

    fn append(&mut self, frame: &[u8]) -> bool {
        Sink::append(&mut self.log, frame)
    }

    fn live(&self) -> Frames<'_> {
        Sink::live(&self.log)
    }
}

/// Why a log and a snapshot do not belong together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AttachError {
    /// The log goes on from a snapshot that is not there.
    Missing(SnapshotMissing),
    /// The journal has lost what the snapshot is of.
    Ahead(SnapshotAhead),
}

impl core::fmt::Display for AttachError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Missing(error) => error.fmt(f),
            Self::Ahead(error) => error.fmt(f),
        }
    }
}

impl core::error::Error for AttachError {}

/// The newest snapshot is of a term or of entries that the journal held once and does not hold now:
/// the node may have forgotten a vote, or what it acknowledged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SnapshotAhead {
    /// What the newest snapshot is of.
    pub newest: Position,
    /// The last entry of the journal.
    pub journal: Position,
    /// The journal's term.
    pub term: Term,
}

impl core::fmt::Display for SnapshotAhead {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let Self { newest, journal, term } = self;
        write!(
            f,
            "the newest snapshot ends at {newest}, but the journal at {journal} in term {term}: it \
             has lost entries"
        )
    }
}

impl core::error::Error for SnapshotAhead {}

/// The log goes on from a snapshot that is not there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SnapshotMissing {
    /// Where the log begins.
    pub base: Position,
    /// What the newest snapshot is of; zero for none.
    pub newest: Position,
}

impl core::fmt::Display for SnapshotMissing {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let Self { base, newest } = self;
        if newest.index == Index::ZERO {
            return write!(f, "the journal goes on from a snapshot through {base}: there is none");
        }
        write!(f, "the journal goes on from a snapshot through {base}: the newest ends at {newest}")
    }
}

impl core::error::Error for SnapshotMissing {}

/// The state machine says it has applied entries that the log does not hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StartError {
    /// As far as it says it has applied.
    pub applied: Index,
    /// The last entry of the log.
    pub last: Index,
}

impl core::fmt::Display for StartError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let Self { applied, last } = self;
        write!(f, "the state machine has applied {applied} entries, the journal has {last}")
    }
}

impl core::error::Error for StartError {}
