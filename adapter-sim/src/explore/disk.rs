//! What a node's medium holds, and the batch that is on its way there.

use super::log::Log;
use raft_nostd::frame::{FrameIter, Frames};
use raft_nostd::journal::Batch;
use raft_nostd::{HardState, Index};

/// Term, vote and the frames of all entries.
#[derive(Clone, Debug, Default)]
pub(super) struct Disk {
    pub(super) hard: HardState,
    bytes: Vec<u8>,
    pub(super) log: Log,
}

/// A batch that was handed out and whose ticket is not back. It is written in one piece or not at all:
/// a torn block is no block to the journal.
#[derive(Clone, Debug)]
pub(super) struct Written {
    pub(super) hard: HardState,
    pub(super) first: u64,
    bytes: Vec<u8>,
}

impl Written {
    pub(super) fn of(batch: &Batch<'_>) -> Self {
        let bytes = batch.frames.slices().concat();
        Self { hard: batch.hard_state, first: batch.frames.first().0, bytes }
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }
}

impl Disk {
    /// The frames of all entries.
    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Takes in a batch: what it brings replaces everything from there on.
    ///
    /// # Errors
    /// Why a journal would not take it.
    pub(super) fn take(&mut self, batch: &Written) -> Result<(), String> {
        let (old, new) = (self.hard, batch.hard);
        if new.term < old.term {
            return Err(format!("the durable term goes back from {} to {}", old.term, new.term));
        }
        if new.term == old.term && old.vote.is_some() && new.vote != old.vote {
            return Err(format!("two votes in term {}: {:?}, {:?}", old.term, old.vote, new.vote));
        }
        self.hard = new;
        if batch.first > self.log.len() + 1 {
            let last = self.log.len();
            return Err(format!("a batch from {} on leaves a gap behind {last}", batch.first));
        }
        let kept = entries(&self.bytes).take(batch.first as usize - 1);
        let kept = kept.map(|entry| entry.frame.len()).sum();
        self.bytes.truncate(kept);
        self.bytes.extend_from_slice(&batch.bytes);
        self.log = Log::of(entries(&self.bytes));
        Ok(())
    }

    /// Whether it holds the entry at `index` of `term`, or that is the place before the first.
    pub(super) fn holds(&self, term: u64, index: u64) -> bool {
        index <= self.log.len() && self.log.term(index) == term
    }
}

/// The entries whose frames `bytes` are.
pub(super) fn entries(bytes: &[u8]) -> FrameIter<'_> {
    Frames::new(Index(1), 0, bytes, &[]).iter()
}
