//! What a walk over a journal shows to others.

use super::layout::BlockKind;
use crate::frame::Entry;
use crate::types::{ClusterId, HardState, Index, NodeId, Position};

/// A segment of the chain, as [`Visitor`] sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SegmentView {
    /// Its number on the medium.
    pub segment: u32,
    /// How many segments were begun up to this one.
    pub generation: u32,
    /// The sequence of its head.
    pub sequence: u64,
    /// Every block up to this number was durable when it was begun.
    pub synced: u64,
    /// Whose journal it is.
    pub cluster: ClusterId,
    /// The node.
    pub node: NodeId,
    /// Drawn when the journal was formatted.
    pub incarnation: u64,
    /// The opening in which it was written.
    pub boot: u32,
    /// The base when it was begun.
    pub base: Position,
    /// Term and vote when it was begun.
    pub hard_state: HardState,
}

/// A block of the chain, as [`Visitor`] sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BlockView {
    /// The segment it lies in.
    pub segment: u32,
    /// Where it begins.
    pub offset: u32,
    /// Header and body, without padding, in bytes.
    pub bytes: u32,
    /// What it is for.
    pub kind: BlockKind,
    /// Its number.
    pub sequence: u64,
    /// Every block up to this number was durable when it was written.
    pub synced: u64,
    /// Term and vote as of this block.
    pub hard_state: HardState,
    /// It replaces every entry from here on.
    pub first: Index,
    /// How many entries it holds.
    pub entries: u64,
}

/// The log has no room for an entry; the walk ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoRoom;

/// Sees what a journal holds, in order.
pub trait Visitor {
    /// A segment begins.
    fn segment(&mut self, _segment: &SegmentView) {}

    /// An entry, verified. Its block comes after it.
    ///
    /// # Errors
    /// To end the walk.
    fn entry(&mut self, _entry: &Entry<'_>) -> Result<(), NoRoom> {
        Ok(())
    }

    /// A block, after its entries.
    fn block(&mut self, _block: &BlockView) {}
}
