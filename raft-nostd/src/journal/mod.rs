//! The journal: the one append-only record of term, vote and log entries, on any [`Medium`].
//!
//! It is written and recovered here and nowhere else, so that torn tails and corruption are handled
//! once. `WIRE.md` holds the layout.
//!
//! - [`load`] reads a journal: it finds the chain of blocks that counts, refuses with a name where
//!   acknowledged bytes are damaged, leaves out what was never synced, and feeds a [`Sink`]. It
//!   writes nothing. [`Loaded::begin`] makes all of this durable before it returns a [`Writer`];
//!   [`recover`] does both.
//! - [`Writer::write`] appends a [`Batch`], [`Writer::sync`] makes it durable, [`Writer::seal`]
//!   marks a clean stop.
//! - [`inspect`] walks a journal without changing it.
//!
//! What cannot be told: damage to the last batch that nothing followed (no later block, no seal)
//! looks like a batch that was never synced, and is cut. Everything before it is proven by the
//! blocks after it. A seal proves what is before it unless it goes the same way: it may share the
//! last sector with the last blocks, and a sector that is lost as a whole takes both.

use crate::frame::Frames;
use crate::types::{ClusterId, HardState, Index, NodeId, Position};

mod batch;
mod checkpoint;
mod error;
mod inspect;
mod layout;
mod medium;
mod recover;
mod scan;
mod shape;
mod stage;
mod survey;
mod view;
mod visit;
mod walk;
mod writer;

pub use error::{BatchError, Corruption, Counter, Damage, Formatted, RecoverError, WriteError};
pub use inspect::{Ending, Inspection, inspect};
pub use layout::{BlockKind, Voters};
pub use medium::{Geometry, Medium, PersistFailure};
pub use recover::{Loaded, load, recover};
pub(crate) use stage::{Grain, write_block};
pub use view::{BlockView, NoRoom, SegmentView, Visitor};
pub use writer::Writer;

/// Whose journal it is: written into it when it is formatted, compared whenever it is opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Identity<'a> {
    /// The cluster.
    pub cluster: ClusterId,
    /// The node.
    pub node: NodeId,
    /// The voters of the initial configuration, in ascending order; at most [`Voters::MAX`].
    pub voters: &'a [NodeId],
}

/// Random numbers, drawn anew whenever a journal is opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entropy {
    /// Becomes the incarnation of a journal that is formatted now, which stands in every datagram;
    /// marks this run's segments otherwise.
    pub incarnation: u64,
    /// Becomes the salt of a journal that is formatted now: who does not know it cannot make a
    /// payload that looks like a block. Must not follow from anything that others see.
    pub salt: u64,
}

/// Bounds of the log that the journal serves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The longest frame in bytes.
    pub max_frame: usize,
    /// The most bytes of frames the log holds at a time.
    pub ring_bytes: usize,
}

impl Limits {
    /// The fewest segments, as long as those of `geometry`, that serve a log of these bounds:
    /// whoever makes a medium can look before there is one. `None` where the sizes of `geometry`,
    /// which need not have enough segments, do not go together, or a frame may not fit into a
    /// segment. O(result).
    #[must_use]
    pub fn segments(&self, geometry: &Geometry) -> Option<u32> {
        let segments = geometry.segments.max(2);
        let shape = shape::Shape::new(&Geometry { segments, ..*geometry })?;
        shape.reserve(self).map(|reserve| shape.needed(reserve))
    }
}

/// How to open a journal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Opening<'a> {
    /// Whose it must be.
    pub identity: Identity<'a>,
    /// Fresh random numbers.
    pub entropy: Entropy,
    /// What it must hold.
    pub limits: Limits,
}

impl Opening<'_> {
    /// The least length of the scratch buffer for [`load`] in bytes: one frame or one head.
    pub const fn buffer_len(&self) -> usize {
        if self.limits.max_frame > BUFFER_MIN { self.limits.max_frame } else { BUFFER_MIN }
    }
}

/// The least length of the scratch buffer for [`inspect`] in bytes; also the longest frame it must
/// hold.
pub const BUFFER_MIN: usize = 256;

/// One batch for the journal.
#[derive(Clone, Copy, Debug)]
pub struct Batch<'a> {
    /// Term and vote as of this batch. The term never goes back, nor does the vote change in it.
    pub hard_state: HardState,
    /// What to add. It replaces whatever the journal holds at or above `frames.first()`, which is
    /// the place after the log's end when there is nothing to add.
    pub frames: Frames<'a>,
    /// All the log still holds, `frames` included: what a segment is rewritten from.
    pub live: Frames<'a>,
    /// The position before `live.first()`. Never goes back. When it moves beyond what the journal
    /// holds, or what it holds is void, `frames.first()` is the place after it.
    pub base: Position,
}

/// Where recovery puts the entries it finds: the log's memory.
pub trait Sink {
    /// Forgets every entry and continues after `base`.
    fn reset(&mut self, base: Position);

    /// Forgets every entry at or above `from`.
    fn truncate(&mut self, from: Index);

    /// Appends one verified frame. `false`: there is no room for it.
    fn append(&mut self, frame: &[u8]) -> bool;

    /// All it holds: what was appended and not forgotten since the last reset.
    fn live(&self) -> Frames<'_>;
}

/// What was found in a journal, and is durable once it is [begun](Loaded::begin).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Recovered {
    /// Term and vote.
    pub hard_state: HardState,
    /// The last entry, or `base`.
    pub last: Position,
    /// The position before the first entry.
    pub base: Position,
    /// Drawn when the journal was formatted.
    pub incarnation: u64,
    /// How often it has been opened, this time included. Grows durably with each opening.
    pub boot: u32,
    /// How it was found.
    pub found: Found,
}

/// How a journal was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Found {
    /// Blank (or with a torn first head); it was formatted.
    Fresh,
    /// Cleanly stopped.
    Sealed,
    /// Not stopped, but nothing was cut.
    Open,
    /// With a tail that was never synced, which was cut.
    Torn(Cut),
}

/// Where a tail that was never synced was cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cut {
    /// The segment.
    pub segment: u32,
    /// The byte in it.
    pub offset: u32,
    /// The sequence of the first block that does not count.
    pub sequence: u64,
}
