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
    /// # Errors
    /// When the machine does not write snapshots: its log cannot be compacted.
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
