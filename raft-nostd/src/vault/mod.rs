//! Where snapshots live (dissertation §5.1): two slots on a [`Medium`] beside the journal.
//!
//! One slot holds the newest whole snapshot; the other is spare. A new snapshot is written into the
//! spare slot chunk by chunk, synced, and then sealed with an end record that says how much it is:
//! from that record on it is the newest, before it does not count. So a power cut at any byte
//! leaves the old one or the new one, and never a mixture.
//!
//! A chunk is what the state machine gave at once, or what one datagram brought. Every record has
//! its place, which its number tells, so that any chunk is found without looking for it. `WIRE.md`
//! holds the layout.

mod error;
mod open;
mod read;
mod record;
mod shape;
mod write;

pub use error::{ChunkError, VaultError};
pub use open::owner_of;
pub use read::Which;

use crate::crc::Crc;
use crate::journal::{Geometry, Medium, PersistFailure};
use crate::manifest::Manifest;
use crate::types::{ClusterId, NodeId};
use record::Generation;
use shape::Shape;

/// Whose snapshots they are: written with each, compared when the vault is opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Owner {
    /// The cluster.
    pub cluster: ClusterId,
    /// The node.
    pub node: NodeId,
    /// The incarnation of the node's journal.
    pub incarnation: u64,
}

/// The two slots. Holds positions and numbers, no bytes of a snapshot. Always use it with the
/// medium it was opened on.
#[derive(Debug)]
pub struct Vault {
    owner: Owner,
    /// `None`: the medium has no place for snapshots.
    shape: Option<Shape>,
    /// The count of the last generation begun; with the nonce of this run it makes the next.
    count: u32,
    nonce: u32,
    newest: Option<Stored>,
    staged: Option<Staged>,
    /// What was found rotten when it was opened.
    rot: Option<Rot>,
}

/// A chunk of a sealed snapshot that is damaged, so that the snapshot does not count.
#[derive(Clone, Copy, Debug)]
struct Rot {
    chunk: u32,
    segment: u32,
    offset: u32,
}

/// One of the two slots.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Slot {
    First,
    Second,
}

impl Slot {
    const BOTH: [Self; 2] = [Self::First, Self::Second];

    const fn other(self) -> Self {
        match self {
            Self::First => Self::Second,
            Self::Second => Self::First,
        }
    }
}

/// A whole snapshot.
#[derive(Clone, Copy, Debug)]
struct Stored {
    slot: Slot,
    /// Of its own, as the datagram bound may have been another when it was written.
    shape: Shape,
    generation: Generation,
    origin: Origin,
    manifest: Manifest,
}

/// A snapshot that is being written.
#[derive(Clone, Debug)]
struct Staged {
    slot: Slot,
    generation: Generation,
    /// Its position and membership; how much it is as well when a peer announced that.
    announced: Manifest,
    origin: Origin,
    /// What was written so far.
    chunks: u32,
    bytes: u64,
    crc: Crc,
    /// Bytes that were written since the last sync.
    unsynced: u64,
}

/// Who takes a snapshot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// This node: how much it will be is not known before the end.
    Own,
    /// A peer, who said how much it is.
    Peer,
}

impl Vault {
    /// The newest whole snapshot.
    pub fn newest(&self) -> Option<&Manifest> {
        self.newest.as_ref().map(|stored| &stored.manifest)
    }

    /// Who took the newest whole snapshot.
    pub fn newest_origin(&self) -> Option<Origin> {
        self.newest.as_ref().map(|stored| stored.origin)
    }

    /// The snapshot that is being written: who takes it, what it is to be (for [`Origin::Own`] all
    /// but how much), and how many chunks of it are there. They need not be durable yet.
    pub fn staged(&self) -> Option<(Origin, &Manifest, u32)> {
        self.staged.as_ref().map(|staged| (staged.origin, &staged.announced, staged.chunks))
    }

    /// Bytes that were written and not synced.
    pub fn unsynced(&self) -> u64 {
        self.staged.as_ref().map_or(0, |staged| staged.unsynced)
    }

    /// The longest chunk in bytes; zero where there is no place for snapshots.
    pub fn chunk_max(&self) -> usize {
        self.shape.map_or(0, |shape| shape.chunk as usize)
    }

    /// Bytes in the longest chunk of the newest snapshot: more than [`Vault::chunk_max`] where it
    /// was written under a larger datagram bound, so that it cannot be sent.
    pub fn newest_chunk_max(&self) -> usize {
        self.newest.map_or(0, |newest| newest.shape.chunk as usize)
    }

    /// Whether the medium has a place for snapshots at all.
    pub fn has_place(&self) -> bool {
        self.shape.is_some()
    }
}

/// A medium that may not be there. `None` has no segments, so nothing is ever asked of it: for
/// hosts that never compact.
impl<M: Medium> Medium for Option<M> {
    type Error = M::Error;

    fn geometry(&self) -> Geometry {
        let none = Geometry { segments: 0, segment_bytes: 0, granularity: 1, erased: 0 };
        self.as_ref().map_or(none, M::geometry)
    }

    fn read(&mut self, segment: u32, offset: u32, into: &mut [u8]) -> Result<(), M::Error> {
        self.as_mut().map_or(Ok(()), |medium| medium.read(segment, offset, into))
    }

    fn write(&mut self, segment: u32, offset: u32, bytes: &[u8]) -> Result<(), M::Error> {
        self.as_mut().map_or(Ok(()), |medium| medium.write(segment, offset, bytes))
    }

    fn erase(&mut self, segment: u32) -> Result<(), M::Error> {
        self.as_mut().map_or(Ok(()), |medium| medium.erase(segment))
    }

    fn sync(&mut self) -> Result<(), M::Error> {
        self.as_mut().map_or(Ok(()), M::sync)
    }

    fn failure(error: &M::Error) -> PersistFailure {
        M::failure(error)
    }
}
