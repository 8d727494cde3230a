//! Appending: blocks, segments, syncs, and what happens when one of them fails.

use super::batch::{Rest, Standing};
use super::error::{BatchError, Counter, WriteError};
use super::layout::{BlockKind, Generation, HEADER, Head, Header, Owner, Role, Start, base_body};
use super::medium::{Medium, PersistFailure};
use super::shape::Shape;
use super::stage::{block_len, write_block};
use super::{Batch, Limits};
use crate::crc::Crc;
use crate::types::{HardState, Index, Position};

/// Appends to a journal that [`recover`](super::recover) opened.
///
/// Holds no bytes of the log: 300 bytes of positions and numbers. Always use it with the medium it
/// was recovered from.
#[derive(Debug)]
pub struct Writer {
    pub(super) shape: Shape,
    pub(super) owner: Owner,
    pub(super) limits: Limits,
    /// Segments kept free, so that the log can be rewritten at any time.
    pub(super) reserve: u32,
    pub(super) nonce: u32,
    /// The count of the last generation begun.
    pub(super) count: u32,
    pub(super) start: Start,
    /// Segments in the chain.
    pub(super) length: u32,
    pub(super) place: Place,
    /// The last sequence known to be durable.
    pub(super) synced: u64,
    pub(super) standing: Standing,
    pub(super) health: Health,
}

/// Where the next block goes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    pub(super) slot: u32,
    pub(super) generation: Generation,
    pub(super) at: u32,
    pub(super) sequence: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Health {
    Ready,
    Sealed,
    Poisoned,
}

/// What went wrong while writing, by how much of the medium it touched.
#[derive(Debug)]
pub(super) enum Trouble<E> {
    /// The next segment cannot be erased; the current one can still be used.
    Erase(E),
    /// Part of a block may have been written. Nothing can follow it in the same segment.
    Write(E),
    /// Nothing can be trusted to be durable.
    Sync(E),
    /// The batch is wrong.
    Batch(BatchError),
    /// A number is at its end.
    Exhausted(Counter),
}

/// What a block holds beyond what the writer knows.
pub(super) struct Content<'a> {
    pub(super) kind: BlockKind,
    pub(super) hard_state: HardState,
    pub(super) first: Index,
    pub(super) parts: [&'a [u8]; 2],
}

/// How the chain went on.
enum Rolled {
    /// In a new segment, to be filled.
    Next,
    /// By a rewrite of the whole log, the batch included.
    Rewritten,
}

impl Writer {
    /// Appends `batch`, without making it durable: [`Writer::sync`] does. O(bytes of the batch);
    /// when segments run out, the whole log is rewritten and synced, O(bytes of the log).
    ///
    /// # Errors
    /// [`WriteError::Full`] loses nothing and may be followed by the same or another batch; every
    /// other failure of the medium makes the writer refuse everything for good.
    pub fn write<M: Medium>(
        &mut self,
        medium: &mut M,
        batch: &Batch<'_>,
    ) -> Result<(), WriteError<M::Error>> {
        self.ready()?;
        self.standing.check(batch, &self.limits).map_err(WriteError::Batch)?;
        if !self.standing.is_news(batch) {
            return Ok(());
        }
        self.append_batch(medium, batch).map_err(|trouble| self.settle::<M>(trouble))
    }

    /// Makes durable everything that was written. Free when there is nothing.
    ///
    /// # Errors
    /// Any failure, even a full medium, makes the writer refuse everything for good: after a
    /// failed sync nobody knows what is durable.
    pub fn sync<M: Medium>(&mut self, medium: &mut M) -> Result<(), WriteError<M::Error>> {
        self.ready()?;
        if self.synced.checked_add(1) == Some(self.place.sequence) {
            return Ok(());
        }
        self.force_sync(medium).map_err(|trouble| self.settle::<M>(trouble))
    }

    /// Marks a clean stop: syncs, and writes and syncs a block that proves everything before it,
    /// so that damage to any of it will be noticed, unless it takes the seal as well. The writer
    /// takes nothing after that.
    ///
    /// # Errors
    /// As [`Writer::sync`]; the journal is then as after a crash.
    pub fn seal<M: Medium>(&mut self, medium: &mut M) -> Result<(), WriteError<M::Error>> {
        self.sync(medium)?;
        let content = Content {
            kind: BlockKind::Seal,
            hard_state: self.standing.hard_state,
            first: self.standing.last.next(),
            parts: [&[], &[]],
        };
        // Room for a seal is left in every segment, unless a full medium cut it short.
        let len = self.shape.padded(HEADER as u32);
        let fits = self.place.at.saturating_add(len) <= self.shape.usable;
        let sealed = if fits { self.append(medium, &content) } else { Ok(()) };
        sealed
            .and_then(|()| self.force_sync(medium))
            .map_err(|trouble| self.settle::<M>(trouble))?;
        self.health = Health::Sealed;
        Ok(())
    }

    const fn ready<E>(&self) -> Result<(), WriteError<E>> {
        match self.health {
            Health::Ready => Ok(()),
            Health::Sealed => Err(WriteError::Sealed),
            Health::Poisoned => Err(WriteError::Poisoned),
        }
    }

    /// Decides what a failure means for the next call.
    fn settle<M: Medium>(&mut self, trouble: Trouble<M::Error>) -> WriteError<M::Error> {
        let full = |error: &M::Error| M::failure(error) == PersistFailure::Full;
        match trouble {
            Trouble::Erase(error) if full(&error) => return WriteError::Full(error),
            Trouble::Write(error) if full(&error) => {
                // A head or a block may stand behind this place, whole or torn. Whatever comes
                // next begins a new segment, whose head says that the chain ended before it.
                self.place.at = self.shape.usable;
                return WriteError::Full(error);
            }
            Trouble::Batch(error) => {
                self.place.at = self.shape.usable;
                return WriteError::Batch(error);
            }
            _ => self.health = Health::Poisoned,
        }
        match trouble {
            Trouble::Erase(error) | Trouble::Write(error) | Trouble::Sync(error) => {
                WriteError::Failed(error)
            }
            Trouble::Batch(error) => WriteError::Batch(error),
            Trouble::Exhausted(counter) => WriteError::Exhausted(counter),
        }
    }

    fn append_batch<M: Medium>(
        &mut self,
        medium: &mut M,
        batch: &Batch<'_>,
    ) -> Result<(), Trouble<M::Error>> {
        if batch.base != self.standing.base
            && (matches!(self.append_base(medium, batch)?, Rolled::Rewritten)
                || batch.frames.is_empty())
        {
            return Ok(());
        }
        let mut rest = Rest::new(&batch.frames);
        loop {
            let room = self.shape.body_room(self.place.at);
            let part = room.map_or(Ok(None), |room| rest.take(room)).map_err(Trouble::Batch)?;
            if let Some(part) = part {
                self.append(
                    medium,
                    &Content {
                        kind: BlockKind::Entries,
                        hard_state: batch.hard_state,
                        first: part.first,
                        parts: part.slices,
                    },
                )?;
                self.standing.hard_state = batch.hard_state;
                self.standing.last = part.first.plus(part.count).previous();
                if rest.is_empty() {
                    return Ok(());
                }
            } else if self.place.at == self.shape.head_len() {
                return Err(Trouble::Batch(BatchError::TooLarge));
            }
            if matches!(self.roll(medium, batch)?, Rolled::Rewritten) {
                return Ok(());
            }
        }
    }

    /// Writes the new base down, in the current segment or the next.
    fn append_base<M: Medium>(
        &mut self,
        medium: &mut M,
        batch: &Batch<'_>,
    ) -> Result<Rolled, Trouble<M::Error>> {
        let body = base_body(batch.base);
        if self.shape.body_room(self.place.at).is_none_or(|room| (room as usize) < body.len())
            && matches!(self.roll(medium, batch)?, Rolled::Rewritten)
        {
            return Ok(Rolled::Rewritten);
        }
        let first = batch.frames.first();
        let hard_state = batch.hard_state;
        let content = Content { kind: BlockKind::Base, hard_state, first, parts: [&body, &[]] };
        self.append(medium, &content)?;
        self.standing = Standing { hard_state, last: first.previous(), base: batch.base };
        Ok(Rolled::Next)
    }

    /// Goes on in the next segment, or rewrites the log when no more may be taken.
    fn roll<M: Medium>(
        &mut self,
        medium: &mut M,
        batch: &Batch<'_>,
    ) -> Result<Rolled, Trouble<M::Error>> {
        if self.may_grow() {
            self.extend(medium)?;
            return Ok(Rolled::Next);
        }
        self.rewrite(medium, batch)?;
        Ok(Rolled::Rewritten)
    }

    /// Whether the chain may take another segment and still leave room for a rewrite.
    pub(super) const fn may_grow(&self) -> bool {
        self.shape.segments.saturating_sub(self.length) > self.reserve
    }

    /// Begins the next segment of the chain.
    pub(super) fn extend<M: Medium>(&mut self, medium: &mut M) -> Result<(), Trouble<M::Error>> {
        let mut place = self.place;
        place.slot = self.shape.after(place.slot);
        let previous = place.enter(self.next_generation()?);
        let head = self.head(&place, Role::Log, previous, self.start, &self.standing);
        self.begin(medium, &mut place, &head)?;
        self.place = place;
        self.length = self.length.saturating_add(1);
        Ok(())
    }

    /// The head for a segment that begins at `place`.
    pub(super) const fn head(
        &self,
        place: &Place,
        role: Role,
        previous: Generation,
        start: Start,
        standing: &Standing,
    ) -> Head {
        Head {
            owner: self.owner,
            generation: place.generation,
            sequence: place.sequence,
            synced: self.synced,
            hard_state: standing.hard_state,
            first: standing.last.next(),
            previous,
            start,
            role,
            base: standing.base,
        }
    }

    /// Erases the segment at `place` and writes its head.
    pub(super) fn begin<M: Medium>(
        &self,
        medium: &mut M,
        place: &mut Place,
        head: &Head,
    ) -> Result<(), Trouble<M::Error>> {
        medium.erase(place.slot).map_err(Trouble::Erase)?;
        let body = head.body();
        self.put(medium, place, &head.header(&body), [&body, &[]])
    }

    pub(super) fn next_generation<E>(&mut self) -> Result<Generation, Trouble<E>> {
        self.count = self.count.checked_add(1).ok_or(Trouble::Exhausted(Counter::Generation))?;
        Ok(Generation::new(self.count, self.nonce))
    }

    /// Appends a block to the chain.
    fn append<M: Medium>(
        &mut self,
        medium: &mut M,
        content: &Content<'_>,
    ) -> Result<(), Trouble<M::Error>> {
        let mut place = self.place;
        self.append_at(medium, &mut place, content)?;
        self.place = place;
        Ok(())
    }

    /// Writes a block at `place`, which moves behind it.
    pub(super) fn append_at<M: Medium>(
        &self,
        medium: &mut M,
        place: &mut Place,
        content: &Content<'_>,
    ) -> Result<(), Trouble<M::Error>> {
        let mut crc = Crc::new();
        let mut body_len = 0_u32;
        for part in content.parts {
            crc.update(part);
            body_len = body_len.saturating_add(part.len() as u32);
        }
        let header = Header {
            kind: content.kind,
            body_len,
            generation: place.generation,
            sequence: place.sequence,
            synced: self.synced,
            hard_state: content.hard_state,
            first: content.first,
            body_crc: crc.finish(),
        };
        self.put(medium, place, &header, content.parts)
    }

    fn put<M: Medium>(
        &self,
        medium: &mut M,
        place: &mut Place,
        header: &Header,
        parts: [&[u8]; 2],
    ) -> Result<(), Trouble<M::Error>> {
        let next = place.sequence.checked_add(1).ok_or(Trouble::Exhausted(Counter::Sequence))?;
        let bytes = header.encode(self.owner.salt);
        write_block(medium, self.shape.grain(), (place.slot, place.at), &bytes, &parts)
            .map_err(Trouble::Write)?;
        place.at = place.at.saturating_add(block_len(&self.shape, header));
        place.sequence = next;
        Ok(())
    }

    pub(super) fn force_sync<M: Medium>(
        &mut self,
        medium: &mut M,
    ) -> Result<(), Trouble<M::Error>> {
        medium.sync().map_err(Trouble::Sync)?;
        self.synced = self.place.sequence.saturating_sub(1);
        Ok(())
    }

    /// The position before the first entry the journal holds.
    pub const fn base(&self) -> Position {
        self.standing.base
    }

    /// Segments of the medium that hold nothing that counts.
    pub const fn free_segments(&self) -> u32 {
        self.shape.segments.saturating_sub(self.length)
    }
}

impl Place {
    /// Turns to the start of a segment in a new generation; returns the one before.
    pub(super) const fn enter(&mut self, generation: Generation) -> Generation {
        self.at = 0;
        core::mem::replace(&mut self.generation, generation)
    }

    pub(super) const fn start(&self) -> Start {
        Start { slot: self.slot, generation: self.generation, sequence: self.sequence }
    }
}
