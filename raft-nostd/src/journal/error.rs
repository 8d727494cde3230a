//! Why a journal cannot be opened or written, named by whose fault it is.

use super::Voters;
use super::medium::PersistFailure;
use crate::types::{ClusterId, Index, NodeId};
use core::fmt;

/// A number that only grows and has come to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Counter {
    /// How often segments were begun, a `u32`.
    Generation,
    /// How many blocks were written, a `u64`.
    Sequence,
    /// How often the journal was opened, a `u32`.
    Boot,
}

/// What is wrong with a batch: a bug of the caller. Nothing of it counts as written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BatchError {
    /// The term goes back, the vote changes within a term, or an entry is of a later term.
    HardState,
    /// The frames begin after the end of the journal or before its base, or `live` is not the log
    /// between `base` and the frames' end.
    Entries,
    /// The base goes back.
    Base,
    /// The live frames, or one of them, are longer than [`Limits`](super::Limits) said.
    TooLarge,
    /// The bytes are no frames.
    Malformed,
}

/// Why a batch was not written, or a sync did not happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WriteError<E> {
    /// No space at present. Nothing is lost: the same batch may be written again later.
    Full(E),
    /// The medium failed. The writer refuses everything from now on.
    Failed(E),
    /// An earlier failure made the writer refuse everything.
    Poisoned,
    /// The writer was sealed.
    Sealed,
    /// The batch contradicts what was written before it.
    Batch(BatchError),
    /// A number has come to its end.
    Exhausted(Counter),
}

impl<E> WriteError<E> {
    /// What it means to the node: whether to try again or to halt for good.
    pub const fn failure(&self) -> PersistFailure {
        match self {
            Self::Full(_) => PersistFailure::Full,
            _ => PersistFailure::Failed,
        }
    }
}

/// What was found where a block should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Damage {
    /// A segment's head is missing or damaged.
    Head,
    /// A block's header is missing or damaged.
    Header,
    /// A block's body is damaged.
    Body,
    /// A checkpoint has no end.
    Checkpoint,
    /// Intact, but a term, a vote or a base that goes back.
    Backwards,
    /// Intact, but entries that do not follow each other.
    Gap,
    /// Intact, but a frame in it is damaged.
    Frame,
    /// Intact, but of a kind that cannot stand here.
    Kind,
    /// A segment of another journal.
    Foreign,
}

/// Acknowledged bytes that can no longer be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Corruption {
    /// The segment.
    pub segment: u32,
    /// Where the damaged block begins in it.
    pub offset: u32,
    /// Where in the segment the damage was noticed: the damaged frame, or the block.
    pub byte: u32,
    /// The block's sequence.
    pub sequence: u64,
    /// What is wrong.
    pub damage: Damage,
}

/// The shape a journal was formatted with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Formatted {
    /// How many segments.
    pub segments: u32,
    /// Bytes in each.
    pub segment_bytes: u32,
    /// The write granularity.
    pub granularity: u32,
}

/// Why a journal was not opened. [`load`](super::load) never writes;
/// [`Loaded::begin`](super::Loaded::begin) may have written when the medium fails
/// ([`RecoverError::Medium`]) or a number is at its end ([`RecoverError::Exhausted`]).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RecoverError<E> {
    /// The medium failed. The journal may be opened again when it works.
    Medium(E),
    /// Fewer than two segments, or sizes that do not go together.
    Geometry,
    /// More segments are needed for a log of this size, or larger ones.
    Capacity {
        /// The least number of segments of this size; zero: none suffices, a frame does not fit.
        needed: u32,
        /// How many there are.
        actual: u32,
    },
    /// The scratch buffer is shorter than this.
    Buffer {
        /// The least length.
        needed: usize,
    },
    /// More voters than a journal can name.
    TooManyVoters,
    /// The journal has another layout.
    Format {
        /// Its version.
        found: u8,
        /// This version.
        expected: u8,
    },
    /// The journal belongs to another cluster.
    Cluster {
        /// Its cluster.
        found: ClusterId,
        /// The caller's.
        expected: ClusterId,
    },
    /// The journal belongs to another node.
    Node {
        /// Its node.
        found: NodeId,
        /// The caller.
        expected: NodeId,
    },
    /// The journal began with other voters.
    Voters {
        /// Its voters.
        found: Voters,
        /// The caller's.
        expected: Voters,
    },
    /// The journal was formatted on a medium of another shape.
    Shape {
        /// Its shape.
        found: Formatted,
        /// The medium's.
        expected: Formatted,
    },
    /// There is no journal, yet the medium is not blank.
    NotAJournal {
        /// The segment with the first byte that is not blank.
        segment: u32,
        /// Its place in the segment.
        offset: u32,
    },
    /// Nothing was ever written ([`inspect`](super::inspect) only).
    Blank,
    /// Acknowledged bytes are damaged.
    Corrupt(Corruption),
    /// The log has less room than the journal has entries.
    LogFull {
        /// The first entry without room.
        index: Index,
    },
    /// The journal holds a longer frame than this configuration has: it was written under a larger
    /// bound. Nothing is damaged.
    FrameTooLong {
        /// Its entry.
        index: Index,
        /// Its length in bytes.
        len: u32,
        /// The longest there may be.
        most: u32,
    },
    /// The log does not hold what was just put into it.
    Sink,
    /// A number has come to its end.
    Exhausted(Counter),
}

impl fmt::Display for Corruption {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "block {} in segment {} at byte {} is corrupt at byte {}: {}",
            self.sequence,
            self.segment,
            self.offset,
            self.byte,
            match self.damage {
                Damage::Head => "no segment head",
                Damage::Header => "no block header",
                Damage::Body => "the body does not match its checksum",
                Damage::Checkpoint => "the checkpoint has no end",
                Damage::Backwards => "term, vote or base goes back",
                Damage::Gap => "the entries do not follow each other",
                Damage::Frame => "a frame is damaged",
                Damage::Kind => "a block of this kind cannot stand here",
                Damage::Foreign => "a segment of another journal",
            }
        )
    }
}

impl fmt::Display for BatchError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::HardState => "term or vote goes back, or an entry is of a later term",
            Self::Entries => "the entries do not fit to the journal's",
            Self::Base => "the base goes back",
            Self::TooLarge => "more bytes than the limits allow",
            Self::Malformed => "the bytes are no frames",
        })
    }
}

impl<E: fmt::Display> fmt::Display for WriteError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Full(error) => write!(f, "the medium is full: {error}"),
            Self::Failed(error) => write!(f, "the medium failed: {error}"),
            Self::Poisoned => f.write_str("the medium failed earlier"),
            Self::Sealed => f.write_str("the journal is sealed"),
            Self::Batch(error) => write!(f, "the batch is refused: {error}"),
            Self::Exhausted(counter) => write!(f, "the {counter:?} number is at its end"),
        }
    }
}

impl<E: fmt::Display> fmt::Display for RecoverError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Medium(error) => write!(f, "the medium failed: {error}"),
            Self::Geometry => f.write_str("the medium's sizes do not go together"),
            Self::Capacity { needed: 0, .. } => f.write_str("a segment is too small for a frame"),
            Self::Capacity { needed, actual } => {
                write!(f, "{needed} segments are needed, the medium has {actual}")
            }
            Self::Buffer { needed } => write!(f, "the buffer needs {needed} bytes"),
            Self::TooManyVoters => write!(f, "more than {} voters", Voters::MAX),
            Self::Format { found, expected } => {
                write!(f, "the journal has format {found}, this is {expected}")
            }
            Self::Cluster { found, expected } => {
                write!(f, "a journal of cluster {:x}, not {:x}", found.0, expected.0)
            }
            Self::Node { found, expected } => {
                write!(f, "a journal of node {found}, not {expected}")
            }
            Self::Voters { found, expected } => {
                write!(f, "a journal that began with voters {found}, not {expected}")
            }
            Self::Shape { found, expected } => {
                write!(f, "a journal formatted as {found:?}, the medium is {expected:?}")
            }
            Self::NotAJournal { segment, offset } => {
                write!(f, "no journal, and not blank at segment {segment}, byte {offset}")
            }
            Self::Blank => f.write_str("nothing was ever written"),
            Self::Corrupt(corruption) => corruption.fmt(f),
            Self::LogFull { index } => write!(f, "the log has no room for entry {index}"),
            Self::FrameTooLong { index, len, most } => {
                write!(f, "entry {index} takes {len} bytes, and the bound is {most} now")
            }
            Self::Sink => f.write_str("the log does not hold what was put into it"),
            Self::Exhausted(counter) => write!(f, "the {counter:?} number is at its end"),
        }
    }
}

impl core::error::Error for BatchError {}
impl core::error::Error for Corruption {}
impl<E: fmt::Debug + fmt::Display> core::error::Error for WriteError<E> {}
impl<E: fmt::Debug + fmt::Display> core::error::Error for RecoverError<E> {}
