//! What a host lends the driver: a medium for the journal, one for snapshots, a transport, a state
//! machine.

use crate::journal::{Medium, RecoverError, WriteError};
use crate::raft::{Committed, SnapshotAhead, SnapshotMissing, StartError};
use crate::state::news::Event;
use crate::types::{Index, NodeId, Position};
use crate::vault::{ChunkError, VaultError};
use core::convert::Infallible;

/// What replicated commands change, and reads look at.
///
/// `apply` must be deterministic: the same commands in the same order give the same state and the
/// same responses on every node. No clocks, no randomness, no iteration order of hash maps.
///
/// # Snapshots
///
/// A machine that writes and reads itself in pieces lets its node run for ever in a log of any size.
/// Two things are asked of it: an image of one moment while commands go on being applied, and a new
/// state that replaces the old one at once.
///
/// **A struct in memory** is copied, which takes no time:
///
/// ```
/// use raft_nostd::{Committed, SnapshotError, StateMachine};
///
/// #[derive(Clone, Copy, Default)]
/// struct Meter { count: u64, highest: u64 }
///
/// #[derive(Default)]
/// struct Machine { meter: Meter, image: Meter }
///
/// impl StateMachine for Machine {
///     type Response = u64;
///     fn apply(&mut self, committed: Committed<'_>) -> u64 {
///         self.meter.count += 1;
///         self.meter.highest = self.meter.highest.max(committed.command.len() as u64);
///         self.meter.count
///     }
///     fn query(&self, _: &[u8]) -> u64 { self.meter.highest }
///
///     fn snapshot(&mut self, offset: u64, piece: &mut [u8]) -> Result<usize, SnapshotError> {
///         if offset == 0 {
///             self.image = self.meter;
///         }
///         if offset > 0 || piece.is_empty() {
///             return Ok(0); // The end, or it is given up.
///         }
///         // A piece has 100 bytes at least. Were there no room, `Ok(0)` would be an end too early.
///         let bytes = piece.first_chunk_mut::<16>().ok_or(SnapshotError::Unsupported)?;
///         bytes[..8].copy_from_slice(&self.image.count.to_le_bytes());
///         bytes[8..].copy_from_slice(&self.image.highest.to_le_bytes());
///         Ok(16)
///     }
///     fn restore(&mut self, offset: u64, piece: &[u8]) -> Result<(), SnapshotError> {
///         if let (0, Ok(bytes)) = (offset, <[u8; 16]>::try_from(piece)) {
///             let (count, highest) = bytes.split_at(8);
///             self.image.count = u64::from_le_bytes(count.try_into().unwrap());
///             self.image.highest = u64::from_le_bytes(highest.try_into().unwrap());
///             return Ok(());
///         }
///         match (offset, piece) {
///             (16, []) => self.meter = self.image,      // Now the new state is the state.
///             _ => return Err(SnapshotError::Malformed), // Noticed before the end.
///         }
///         Ok(())
///     }
/// }
///
/// let mut machine = Machine { meter: Meter { count: 3, highest: 9 }, ..Machine::default() };
/// let mut piece = [0; 100];
/// assert_eq!(machine.snapshot(0, &mut piece), Ok(16));
/// machine.meter.count = 4; // Meanwhile.
/// assert_eq!(machine.snapshot(16, &mut []), Ok(0));
/// let mut other = Machine::default();
/// other.restore(0, &piece[..16]).unwrap();
/// other.restore(16, &[]).unwrap();
/// assert_eq!((other.meter.count, other.meter.highest), (3, 9));
/// ```
///
/// **A small map** is cloned, and written a few records at a time. The last one says how many there
/// were, so that `restore` notices what is missing before the end:
///
/// ```
/// use raft_nostd::{Committed, SnapshotError, StateMachine};
/// use std::collections::BTreeMap; // A map of fixed capacity will do as well.
///
/// /// How often each key was named.
/// #[derive(Default)]
/// struct Tally {
///     map: BTreeMap<u32, u64>,
///     image: BTreeMap<u32, u64>, // What is not written yet of a snapshot that is taken.
///     count: u64,                // How many records that has in all.
///     coming: BTreeMap<u32, u64>, // What was read so far of one that is restored.
/// }
///
/// const RECORD: usize = 12; // Key and value.
///
/// impl StateMachine for Tally {
///     type Response = u64;
///     fn apply(&mut self, committed: Committed<'_>) -> u64 {
///         let Ok(key) = committed.command.try_into().map(u32::from_le_bytes) else { return 0 };
///         let times = self.map.entry(key).or_default();
///         *times += 1;
///         *times
///     }
///     fn query(&self, _: &[u8]) -> u64 { self.map.values().sum() }
///
///     fn snapshot(&mut self, offset: u64, piece: &mut [u8]) -> Result<usize, SnapshotError> {
///         if piece.is_empty() {
///             self.image.clear(); // It is given up.
///             return Ok(0);
///         }
///         if offset == 0 {
///             self.image = self.map.clone(); // The state of this moment, whatever comes.
///             self.count = self.image.len() as u64;
///         }
///         if offset == self.count * RECORD as u64 {
///             piece[..8].copy_from_slice(&self.count.to_le_bytes());
///             return Ok(8);
///         }
///         let mut len = 0; // Zero behind the count: the end.
///         for record in piece.chunks_exact_mut(RECORD) {
///             let Some((key, times)) = self.image.pop_first() else { break };
///             record[..4].copy_from_slice(&key.to_le_bytes());
///             record[4..].copy_from_slice(&times.to_le_bytes());
///             len += RECORD;
///         }
///         Ok(len)
///     }
///     fn restore(&mut self, offset: u64, piece: &[u8]) -> Result<(), SnapshotError> {
///         if offset == 0 {
///             self.coming.clear();
///         }
///         let count = self.coming.len() as u64;
///         match offset.checked_sub(count * RECORD as u64) {
///             Some(8) if piece.is_empty() => self.map = std::mem::take(&mut self.coming),
///             Some(0) if piece == count.to_le_bytes() => {} // None is missing.
///             Some(0) if !piece.is_empty() && piece.len() % RECORD == 0 => {
///                 for record in piece.chunks_exact(RECORD) {
///                     let key = u32::from_le_bytes(record[..4].try_into().unwrap());
///                     let times = u64::from_le_bytes(record[4..].try_into().unwrap());
///                     self.coming.insert(key, times);
///                 }
///             }
///             _ => return Err(SnapshotError::Malformed),
///         }
///         Ok(())
///     }
/// }
///
/// let map: BTreeMap<u32, u64> = (0..100).map(|key| (key, 1)).collect();
/// let mut machine = Tally { map: map.clone(), ..Tally::default() };
/// let (mut pieces, mut offset) = (Vec::new(), 0);
/// loop {
///     let mut piece = [0; 100];
///     let len = machine.snapshot(offset, &mut piece).unwrap();
///     pieces.push((offset, piece[..len].to_vec()));
///     if len == 0 { break }
///     offset += len as u64;
///     machine.map.insert(99, offset); // Meanwhile.
/// }
/// let mut other = Tally::default();
/// for (offset, piece) in &pieces {
///     other.restore(*offset, piece).unwrap();
/// }
/// assert_eq!(other.map, map, "as it was at the first piece");
/// // A snapshot that lacks a piece does not become the state.
/// pieces.remove(2);
/// let mut all = pieces.iter();
/// assert!(all.any(|(offset, piece)| other.restore(*offset, piece).is_err()));
/// assert_eq!(other.map, map);
/// ```
///
/// **A large map** takes too long to clone. It is read in the order of its keys, one record after
/// another, from a key on; what is changed ahead of the reader is kept for it as it was, until it has
/// passed. So an image costs as much memory as is changed while it is read, and neither its beginning
/// nor its end takes long. `kv` among this project's examples does that in a hundred lines (`keys.rs`,
/// `snapshot.rs`).
///
/// **A struct in flash** that is written as a log of records has its image for nothing: remember
/// where the log ended, and let pieces be whole records, which `restore` gets back as they were;
/// it appends them to a fresh area, and the empty piece is the write that makes that area count. A
/// machine that is durable by itself says in [`applied`](Self::applied) how far it is; what an area
/// that counts was restored from belongs to that.
///
/// **How big is too big?** Three bounds, of which the least counts: a slot of the snapshots' medium;
/// twice the state in memory while a follower restores (the old one answers until the new one is
/// whole); and time: while a snapshot is taken, the other half of the log fills. At `r` bytes of
/// commands a second and `s` bytes of snapshot written a second, a state of `n` bytes needs a log of
/// more than `2 n r / s`. What does not fit costs the snapshot, not the node: the log fills up, and
/// writes are refused until one succeeds.
///
/// A follower that is sent a snapshot begins again when a newer one is taken. As long as it gets
/// further at least once in an election timeout, none is taken by itself before what came since that
/// snapshot fills three quarters of the log, in entries or in bytes; where it does not (while it
/// restores for longer than that, say), half of the log is enough. So under steady load a snapshot
/// must be written and sent before three quarters are full: at `t` bytes of it sent a second, the log
/// must have more than `4/3 n r (1 / s + 1 / t)` bytes, or the follower never comes to the end.
pub trait StateMachine {
    /// What a command or a query answers.
    type Response;

    /// Applies a committed command. Called once for each, in order, in each run.
    fn apply(&mut self, committed: Committed<'_>) -> Self::Response;

    /// Answers a query from the state as it is.
    fn query(&self, request: &[u8]) -> Self::Response;

    /// How far a machine with durability of its own has applied the log. The journal's entries
    /// after this are applied again when the node starts; zero, the default, for all of them.
    fn applied(&self) -> Index {
        Index::ZERO
    }

    /// Writes the piece of a snapshot that starts at byte `offset` to the start of `piece`, and
    /// returns how many bytes it wrote; zero at the end. Offset zero begins a snapshot of the state
    /// as it is at that moment; the machine keeps that image, whatever is applied meanwhile, until
    /// the end, or until an empty `piece` says that the snapshot is given up.
    ///
    /// A piece may be shorter than it might be: `restore` gets the very same pieces, so that a
    /// record need not be split. Between two of them the node does its other work; a piece should
    /// take microseconds.
    ///
    /// **Zero is the end, and never "it does not fit".** What was written before it is sealed as the
    /// whole snapshot, and the log that it stands for is forgotten: what is missing is lost. A record
    /// that is longer than `piece` (which has 100 bytes at least, unless it is empty) goes into
    /// several pieces, or is an error.
    ///
    /// # Errors
    /// When the machine does not write snapshots, or not this one: then its log is not compacted, and
    /// it is asked again later, unless it says [`Unsupported`](SnapshotError::Unsupported).
    fn snapshot(&mut self, offset: u64, piece: &mut [u8]) -> Result<usize, SnapshotError> {
        let _ = (offset, piece);
        Err(SnapshotError::Unsupported)
    }

    /// Takes the piece of a snapshot that starts at byte `offset`, one after the other as
    /// [`snapshot`](Self::snapshot) wrote them. Offset zero begins, and forgets what an earlier one
    /// may have brought; an empty piece is the end, at which the new state replaces the old one at
    /// once. Until then the old one answers queries.
    ///
    /// # Errors
    /// When the machine does not read snapshots, or not this one; the old state stays. What is wrong
    /// must be noticed before the end, which comes when the snapshot is the node's newest already.
    fn restore(&mut self, offset: u64, piece: &[u8]) -> Result<(), SnapshotError> {
        let _ = (offset, piece);
        Err(SnapshotError::Unsupported)
    }
}

/// Why a state machine did not write or read a snapshot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SnapshotError {
    /// It never does.
    Unsupported,
    /// The bytes are no snapshot of this machine.
    Malformed,
}

impl core::fmt::Display for SnapshotError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(match self {
            Self::Unsupported => "the state machine does not support snapshots",
            Self::Malformed => "the bytes are no snapshot of this state machine",
        })
    }
}

impl core::error::Error for SnapshotError {}

/// How datagrams leave. They may be lost, doubled, late or cut off: like UDP.
pub trait Transport {
    /// Sends `datagram` to `to`, or fails silently.
    fn send(&mut self, to: NodeId, datagram: &[u8]);
}

/// The world of one node.
pub trait Host {
    /// The log's memory.
    type Memory: AsRef<[u8]> + AsMut<[u8]>;
    /// Where the journal lives.
    type Medium: Medium;
    /// Where snapshots live: a medium of its own, with segments for two of them.
    /// An `Option` of a medium is one too: `None` for a node that never compacts.
    type Snapshots: Medium;
    /// How datagrams leave.
    type Transport: Transport;
    /// What is replicated.
    type Machine: StateMachine;

    /// The medium.
    fn medium(&mut self) -> &mut Self::Medium;
    /// The medium of the snapshots.
    fn snapshots(&mut self) -> &mut Self::Snapshots;
    /// The transport.
    fn transport(&mut self) -> &mut Self::Transport;
    /// The state machine.
    fn machine(&mut self) -> &mut Self::Machine;

    /// The command at `position` was applied and answered `response`. Whoever proposed exactly
    /// this position may have it.
    fn applied(&mut self, position: Position, response: <Self::Machine as StateMachine>::Response);

    /// Something happened.
    fn event(&mut self, event: Event);

    /// Why the medium is full or has failed, for people.
    fn storage_error(&mut self, error: WriteError<<Self::Medium as Medium>::Error>) {
        let _ = error;
    }

    /// What went wrong with a snapshot, for people; [`Event::SnapshotFailed`] tells the rest.
    fn snapshot_error(&mut self, error: &dyn core::fmt::Display) {
        let _ = error;
    }

    /// A chunk of the newest snapshot cannot be read, though a peer is to be sent it. No event tells
    /// of it: a new snapshot is taken in place of that one, and an event tells how that went. May be
    /// called once for each such chunk that a drain was to send.
    fn snapshot_unreadable(&mut self, error: &ChunkError<<Self::Snapshots as Medium>::Error>) {
        self.snapshot_error(error);
    }
}

/// Why a node did not open.
#[derive(Debug)]
pub enum OpenError<E, S = Infallible> {
    /// The configuration cannot be run.
    Config(crate::error::ConfigError),
    /// The journal cannot be recovered.
    Journal(RecoverError<E>),
    /// The snapshots cannot be used.
    Snapshots(VaultError<S>),
    /// The newest snapshot cannot be read.
    Chunk(ChunkError<S>),
    /// The journal goes on from a snapshot that is not there.
    SnapshotMissing(SnapshotMissing),
    /// The journal has lost what the newest snapshot is of.
    SnapshotAhead(SnapshotAhead),
    /// The state machine does not take the newest snapshot.
    Machine(SnapshotError),
    /// The state machine does not belong to the journal.
    Start(StartError),
}

impl<E: core::fmt::Display, S: core::fmt::Display> core::fmt::Display for OpenError<E, S> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Config(error) => error.fmt(f),
            Self::Journal(error) => error.fmt(f),
            Self::Snapshots(error) => error.fmt(f),
            Self::Chunk(error) => write!(f, "the newest snapshot cannot be read: {error}"),
            Self::SnapshotMissing(error) => error.fmt(f),
            Self::SnapshotAhead(error) => error.fmt(f),
            Self::Machine(error) => write!(f, "the newest snapshot cannot be restored: {error}"),
            Self::Start(error) => error.fmt(f),
        }
    }
}

impl<E, S> core::error::Error for OpenError<E, S>
where
    E: core::fmt::Debug + core::fmt::Display,
    S: core::fmt::Debug + core::fmt::Display,
{
}
