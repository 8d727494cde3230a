//! Cutting a batch at frame boundaries, and checking that it fits to what came before.

use super::error::BatchError;
use super::{Batch, Limits};
use crate::frame::{Entry, Frames, decode};
use crate::types::{HardState, Index, Position};

/// What the journal holds so far, as far as a new batch must agree with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Standing {
    pub(super) hard_state: HardState,
    /// The index of the last entry, or of `base`.
    pub(super) last: Index,
    pub(super) base: Position,
}

/// Whether `next` may follow: terms grow, and a vote once given stays for its term.
pub(super) fn follows(before: &HardState, next: &HardState) -> bool {
    next.term > before.term
        || (next.term == before.term && (before.vote.is_none() || before.vote == next.vote))
}

/// Whether a base may follow another.
pub(super) fn base_follows(before: &Position, next: &Position) -> bool {
    next == before || (next.index > before.index && next.term >= before.term)
}

impl Standing {
    /// Refuses what recovery would have to call corrupt. O(frames of the batch).
    pub(super) fn check(&self, batch: &Batch<'_>, limits: &Limits) -> Result<(), BatchError> {
        let Batch { hard_state, frames, live, base } = batch;
        let of_this_term = |entry: Entry<'_>| entry.position.term <= hard_state.term;
        if !follows(&self.hard_state, hard_state) || !frames.iter().all(of_this_term) {
            return Err(BatchError::HardState);
        }
        if !base_follows(&self.base, base) || base.term > hard_state.term {
            return Err(BatchError::Base);
        }
        let end = frames.first().plus(frames.count());
        let live_end = live.first().plus(live.count());
        let connected = frames.first() <= self.last.next() || frames.first() == base.index.next();
        let whole = if frames.is_empty() { live_end == end } else { live_end >= end };
        if !connected || frames.first() <= base.index || live.first() != base.index.next() || !whole
        {
            return Err(BatchError::Entries);
        }
        if live.byte_len() > limits.ring_bytes {
            return Err(BatchError::TooLarge);
        }
        Ok(())
    }

    /// Whether `live` can be all that the log holds.
    pub(super) fn is_whole(&self, live: &Frames<'_>) -> bool {
        let Self { last, base, .. } = self;
        live.first() == base.index.next() && live.count() == last.since(base.index)
    }

    /// Whether `batch` would change anything.
    pub(super) fn is_news(&self, batch: &Batch<'_>) -> bool {
        batch.hard_state != self.hard_state
            || batch.base != self.base
            || !batch.frames.is_empty()
            || batch.frames.first() != self.last.next()
    }
}

/// The frames of a batch that are still to be written.
#[derive(Clone, Debug)]
pub(super) struct Rest<'a> {
    first: Index,
    count: u64,
    slices: [&'a [u8]; 2],
}

/// Frames for one block.
#[derive(Clone, Debug)]
pub(super) struct Part<'a> {
    pub(super) first: Index,
    pub(super) count: u64,
    pub(super) slices: [&'a [u8]; 2],
}

impl<'a> Rest<'a> {
    pub(super) const fn new(frames: &Frames<'a>) -> Self {
        Self { first: frames.first(), count: frames.count(), slices: frames.slices() }
    }

    pub(super) const fn is_empty(&self) -> bool {
        let [here, then] = self.slices;
        here.is_empty() && then.is_empty()
    }

    /// Takes as many whole frames as fit into `room` bytes: everything, in O(1), or else a part
    /// in O(frames taken). `None`: not even one fits.
    pub(super) fn take(&mut self, room: u32) -> Result<Option<Part<'a>>, BatchError> {
        let [here, then] = self.slices;
        let room = room as usize;
        if here.len().saturating_add(then.len()) <= room {
            let part = Part { first: self.first, count: self.count, slices: self.slices };
            *self = Self { first: self.first.plus(self.count), count: 0, slices: [&[], &[]] };
            return Ok(Some(part));
        }
        let (count, taken, left) = prefix(here, room)?;
        if count == 0 && !here.is_empty() {
            return Ok(None);
        }
        let mut part = Part { first: self.first, count, slices: [taken, &[]] };
        let mut rest = [left, then];
        if left.is_empty() {
            let (more, tail, left) = prefix(then, room.saturating_sub(taken.len()))?;
            part.count = count.saturating_add(more);
            part.slices = [taken, tail];
            rest = [left, &[]];
        }
        if part.count == 0 {
            return Ok(None);
        }
        self.first = self.first.plus(part.count);
        self.count = self.count.saturating_sub(part.count);
        self.slices = rest;
        Ok(Some(part))
    }
}

/// The frames at the start of `bytes` that fit into `room`: their count, their bytes, the others'.
fn prefix(bytes: &[u8], room: usize) -> Result<(u64, &[u8], &[u8]), BatchError> {
    let mut rest = bytes;
    let mut count = 0_u64;
    let mut end = 0_usize;
    while !rest.is_empty() {
        let frame = decode(rest).map_err(|_| BatchError::Malformed)?.frame.len();
        let next = end.saturating_add(frame);
        if next > room {
            break;
        }
        rest = rest.get(frame..).ok_or(BatchError::Malformed)?;
        end = next;
        count = count.saturating_add(1);
    }
    let (taken, left) = bytes.split_at_checked(end).ok_or(BatchError::Malformed)?;
    Ok((count, taken, left))
}
