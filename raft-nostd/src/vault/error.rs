//! What can go wrong with snapshots on their medium.

use super::Owner;
use crate::journal::{Medium, PersistFailure};
use core::fmt;

/// Why the vault did not open, or did not take something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VaultError<E> {
    /// The medium failed, or is full.
    Medium(E),
    /// The medium has no place for snapshots.
    NoPlace,
    /// The medium has segments that no snapshot goes into. Each half of them must have room for
    /// three records, none of which straddles two segments; and a segment's length must be a
    /// multiple of the granularity.
    Geometry {
        /// Bytes of a record: the longest chunk and 28, at least 144, up to a multiple of the
        /// granularity. A snapshot takes a record for each of its chunks, and two.
        record: u32,
    },
    /// The snapshot is longer than a slot: so many chunks fit into it.
    TooLarge {
        /// The most chunks.
        most: u32,
    },
    /// The chunk is empty, or longer than the vault's longest chunk.
    ChunkLength {
        /// Its length in bytes.
        given: usize,
        /// The longest.
        most: usize,
    },
    /// Nothing is being written.
    NotBegun,
    /// The chunks are not what their sender announced: other bytes, or another number of them.
    NotAsAnnounced,
    /// The slots hold the snapshots of another cluster, node or journal.
    OtherOwner {
        /// Whose they are.
        found: Owner,
    },
    /// The slots hold a snapshot of another version of the format.
    Format(u8),
    /// The scratch buffer is too short.
    Buffer {
        /// The least length in bytes.
        needed: usize,
    },
    /// The count of snapshots has reached its end.
    Exhausted,
}

impl<E> VaultError<E> {
    /// What it means for the snapshot. It never means anything for the node.
    pub fn failure<M: Medium<Error = E>>(&self) -> PersistFailure {
        match self {
            Self::Medium(error) => M::failure(error),
            Self::TooLarge { .. } => PersistFailure::Full,
            _ => PersistFailure::Failed,
        }
    }
}

impl<E: fmt::Display> fmt::Display for VaultError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Medium(error) => error.fmt(f),
            Self::NoPlace => f.write_str("there is no place for snapshots"),
            Self::Geometry { record } => write!(
                f,
                "the medium has no room for snapshots: each half of its segments must hold three \
                 records of {record} bytes"
            ),
            Self::TooLarge { most } => {
                write!(f, "the snapshot is too large: a slot has room for {most} chunks")
            }
            Self::ChunkLength { given, most } => {
                write!(f, "a chunk of {given} bytes; it must have 1 to {most}")
            }
            Self::NotBegun => f.write_str("no snapshot is being written"),
            Self::NotAsAnnounced => f.write_str("the snapshot is not what was announced"),
            Self::OtherOwner { found } => write!(
                f,
                "the snapshots belong to node {} of cluster {:016x}, journal {:016x}",
                found.node, found.cluster.0, found.incarnation
            ),
            Self::Format(format) => write!(f, "snapshots of format {format} cannot be read"),
            Self::Buffer { needed } => write!(f, "the buffer must have {needed} bytes"),
            Self::Exhausted => f.write_str("the count of snapshots has reached its end"),
        }
    }
}

impl<E: fmt::Debug + fmt::Display> core::error::Error for VaultError<E> {}

/// Why a chunk could not be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChunkError<E> {
    /// The medium failed.
    Medium(E),
    /// There is no such snapshot, or no such chunk in it.
    Absent,
    /// The chunk is not what was written: its header or its CRC is wrong.
    Damaged {
        /// Its number, from zero.
        chunk: u32,
        /// The segment of the medium.
        segment: u32,
        /// The byte in it where the chunk's record begins.
        offset: u32,
    },
    /// The buffer is too short for the chunk.
    Buffer,
}

impl<E: fmt::Display> fmt::Display for ChunkError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Medium(error) => error.fmt(f),
            Self::Absent => f.write_str("there is no such chunk"),
            Self::Damaged { chunk, segment, offset } => {
                write!(f, "chunk {chunk} is damaged: segment {segment}, byte {offset}")
            }
            Self::Buffer => f.write_str("the buffer is too short for the chunk"),
        }
    }
}

impl<E: fmt::Debug + fmt::Display> core::error::Error for ChunkError<E> {}
