//! The log in fixed memory (dissertation §3.5): a table of slots, and a ring of frames.
//!
//! The caller's bytes hold both. First one 16-byte slot per entry (its term, and where its frame
//! lies), found by the low bits of the index; then the ring, in which frames follow each other and
//! never straddle the end. How full the log is counts the bytes of frames, not the bytes skipped at
//! the ring's end: one longest frame is kept to spare for those, so what fits into one log fits
//! into every log of equal capacity, wherever each of them wraps.

mod ring;
mod slot;

use crate::config::Config;
use crate::error::ConfigError;
use crate::frame::{self, Entry, EntryKind, Frames};
use crate::journal::Sink;
use crate::types::{Index, Position, Term};
use crate::wire::Room;
use ring::Ring;
use slot::Slot;

pub(crate) use slot::SLOT_LEN;

/// The largest memory a log may be given: offsets are 32 bits.
const MEMORY_MAX: usize = 1 << 31;

/// Why an entry was not appended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NoRoom {
    /// Every slot is taken, or too few bytes are free, or indexes have reached their limit.
    Full,
    /// The entry is longer than this log's longest frame.
    TooLong,
}

/// The log. `B` is its memory.
#[derive(Clone, Debug)]
pub(crate) struct Log<B> {
    memory: B,
    /// Slots are a power of two; this is their number less one.
    mask: u64,
    ring: Ring,
    max_frame: u32,
    /// The entry before the first one held; its term is known.
    base: Position,
    last: Position,
}

impl<B: AsRef<[u8]> + AsMut<[u8]>> Log<B> {
    /// An empty log.
    pub(crate) fn new(memory: B, config: &Config<'_>) -> Result<Self, ConfigError> {
        let entries = config.log_entries as usize;
        let max_frame = config.max_frame();
        let slots = entries.saturating_mul(SLOT_LEN);
        let least = slots.saturating_add((max_frame as usize).saturating_mul(3));
        let given = memory.as_ref().len();
        if given < least || given > MEMORY_MAX {
            return Err(ConfigError::Memory { given, least });
        }
        let ring = Ring::new(slots as u32, given as u32);
        let mask = u64::from(config.log_entries).saturating_sub(1);
        Ok(Self { memory, mask, ring, max_frame, base: Position::ZERO, last: Position::ZERO })
    }

    /// The last entry, or the base of an empty log.
    pub(crate) fn last(&self) -> Position {
        self.last
    }

    /// The entry before the first one held.
    pub(crate) fn base(&self) -> Position {
        self.base
    }

    /// The first index held, or the next one to be appended.
    pub(crate) fn first(&self) -> Index {
        self.base.index.next()
    }

    /// How many entries and bytes can still be appended.
    pub(crate) fn room(&self) -> Room {
        Room {
            entries: self.capacity().entries.saturating_sub(self.used().entries),
            bytes: self.capacity().bytes.saturating_sub(self.used().bytes),
        }
    }

    /// How many entries and bytes are held.
    pub(crate) fn used(&self) -> Room {
        Room { entries: self.len() as u32, bytes: self.ring.used() }
    }

    /// How many entries and bytes there would be room for behind `index`: what follows there now
    /// would make way. O(1).
    pub(crate) fn room_after(&self, index: Index) -> Room {
        let held = index.max(self.base.index);
        let following = self.frames(held.next(), self.last.index);
        let Room { entries, bytes } = self.room();
        Room {
            entries: entries.saturating_add(following.count() as u32),
            bytes: bytes.saturating_add(following.byte_len() as u32),
        }
    }

    /// How many entries and bytes an empty log can hold.
    pub(crate) fn capacity(&self) -> Room {
        Room {
            entries: self.mask.saturating_add(1) as u32,
            bytes: self.ring.len().saturating_sub(self.max_frame),
        }
    }

    /// How many entries are held.
    pub(crate) fn len(&self) -> u64 {
        self.last.index.since(self.base.index)
    }

    /// The term of the entry at `index`, if it is held or is the base. O(1).
    pub(crate) fn term_at(&self, index: Index) -> Option<Term> {
        if index == self.last.index {
            return Some(self.last.term);
        }
        if index == self.base.index {
            return Some(self.base.term);
        }
        Some(self.slot(index)?.term)
    }

    /// The entry at `index`. O(1).
    pub(crate) fn entry(&self, index: Index) -> Option<Entry<'_>> {
        let slot = self.slot(index)?;
        let frame = self.bytes(slot.offset, slot.end()?)?;
        let (content, _crc) = frame.split_last_chunk::<{ frame::CRC_LEN }>()?;
        let payload = content.get(usize::from(slot.header_len)..)?;
        let position = Position { term: slot.term, index };
        Some(Entry { position, kind: slot.kind, payload, frame })
    }

    /// The frames from `first` through `last`; none when that range is empty or not all held. O(1).
    pub(crate) fn frames(&self, first: Index, last: Index) -> Frames<'_> {
        self.range(first, last).unwrap_or(Frames::none(first))
    }

    fn range(&self, first: Index, last: Index) -> Option<Frames<'_>> {
        if first > last {
            return None;
        }
        let start = self.slot(first)?.offset;
        let end = self.slot(last)?.end()?;
        let count = last.since(first).saturating_add(1);
        if start < end {
            return Some(Frames::new(first, count, self.bytes(start, end)?, &[]));
        }
        let before = self.bytes(start, self.ring.wrapped_at())?;
        Some(Frames::new(first, count, before, self.bytes(self.ring.start(), end)?))
    }

    /// Bytes in the frame at `index`, zero when it is not held. O(1).
    pub(crate) fn frame_len(&self, index: Index) -> u32 {
        self.slot(index).map_or(0, |slot| slot.len)
    }

    /// Bytes of ring from the frame at `first` through the one at `last`. O(1).
    pub(crate) fn bytes_between(&self, first: Index, last: Index) -> u32 {
        match (self.slot(first), self.slot(last)) {
            (Some(first), Some(last)) => self.ring.distance(first.offset, last),
            _ => 0,
        }
    }

    /// The last position at or before `index` whose term is at most `term`: where two logs may
    /// still agree. O(log entries).
    pub(crate) fn last_at_most(&self, index: Index, term: Term) -> Position {
        let mut low = self.base.index;
        let mut high = index.min(self.last.index);
        while low < high {
            let half = high.since(low).saturating_add(1) >> 1;
            let middle = low.plus(half);
            match self.term_at(middle) {
                Some(found) if found <= term => low = middle,
                _ => high = middle.previous(),
            }
        }
        Position { term: self.term_at(low).unwrap_or(self.base.term), index: low }
    }

    /// Frames a new entry after the last one. O(payload).
    pub(crate) fn create(
        &mut self,
        term: Term,
        kind: EntryKind,
        payload: &[u8],
    ) -> Result<Position, NoRoom> {
        let position = Position { term, index: self.last.index.next() };
        let header_len = frame::header_len(position, payload.len()).ok_or(NoRoom::TooLong)?;
        let len = header_len.saturating_add(payload.len()).saturating_add(frame::CRC_LEN);
        let (offset, len) = self.place(len)?;
        let slot = Slot { term, offset, len, header_len: header_len as u8, kind };
        let end = slot.end().ok_or(NoRoom::Full)?;
        let out = self.bytes_mut(slot.offset, end).ok_or(NoRoom::Full)?;
        frame::encode(position, kind, payload, out).ok_or(NoRoom::TooLong)?;
        self.take(position, slot);
        Ok(position)
    }

    /// Appends the frame of an entry that follows the last one, as somebody else framed it.
    /// O(bytes).
    pub(crate) fn append(&mut self, entry: &Entry<'_>) -> Result<(), NoRoom> {
        let (offset, len) = self.place(entry.frame.len())?;
        let header_len = entry.header_len() as u8;
        let slot = Slot { term: entry.position.term, offset, len, header_len, kind: entry.kind };
        let end = slot.end().ok_or(NoRoom::Full)?;
        let into = self.bytes_mut(slot.offset, end).ok_or(NoRoom::Full)?;
        // Always so, but that is for the optimiser to see: a copy of unequal lengths panics.
        if into.len() != entry.frame.len() {
            return Err(NoRoom::Full);
        }
        into.copy_from_slice(entry.frame);
        self.take(entry.position, slot);
        Ok(())
    }

    /// Forgets the entries up to `base`, which is committed and in a snapshot (dissertation §5.1).
    /// O(1).
    pub(crate) fn compact(&mut self, base: Index) {
        let base = base.min(self.last.index);
        if base <= self.base.index {
            return;
        }
        let Some(term) = self.term_at(base) else { return };
        let bytes = self.frames(self.first(), base).byte_len() as u32;
        match self.slot(base.next()) {
            Some(first) => self.ring.advance(first.offset, bytes),
            None => self.ring.clear(),
        }
        self.base = Position { term, index: base };
    }

    /// Forgets every entry, and goes on behind `base`. O(1).
    pub(crate) fn restart(&mut self, base: Position) {
        self.ring.clear();
        self.base = base;
        self.last = base;
    }

    /// Forgets the entries from `from` on. O(1).
    pub(crate) fn truncate(&mut self, from: Index) {
        let keep = from.previous().max(self.base.index);
        if keep >= self.last.index {
            return;
        }
        let Some(term) = self.term_at(keep) else { return };
        match self.slot(keep).and_then(Slot::end) {
            Some(end) => self.ring.cut(end),
            None => self.ring.clear(),
        }
        self.last = Position { term, index: keep };
    }

    /// Where a frame of `len` bytes goes, and its length.
    fn place(&self, len: usize) -> Result<(u32, u32), NoRoom> {
        let len = u32::try_from(len).map_err(|_| NoRoom::TooLong)?;
        if len > self.max_frame {
            return Err(NoRoom::TooLong);
        }
        let room = self.room();
        if room.entries == 0 || room.bytes < len || self.last.index >= Index::LIMIT {
            return Err(NoRoom::Full);
        }
        Ok((self.ring.place(len), len))
    }

    fn take(&mut self, position: Position, slot: Slot) {
        let at = self.slot_at(position.index);
        if let Some(bytes) = self.memory.as_mut().get_mut(at..).and_then(<[u8]>::first_chunk_mut) {
            *bytes = slot.to_bytes();
        }
        self.ring.push(slot);
        self.last = position;
    }

    fn slot(&self, index: Index) -> Option<Slot> {
        if index <= self.base.index || index > self.last.index {
            return None;
        }
        let bytes = self.memory.as_ref().get(self.slot_at(index)..)?.first_chunk()?;
        Slot::from_bytes(bytes)
    }

    fn slot_at(&self, index: Index) -> usize {
        ((index.0 & self.mask) as usize).saturating_mul(SLOT_LEN)
    }

    fn bytes(&self, start: u32, end: u32) -> Option<&[u8]> {
        self.memory.as_ref().get(start as usize..end as usize)
    }

    fn bytes_mut(&mut self, start: u32, end: u32) -> Option<&mut [u8]> {
        self.memory.as_mut().get_mut(start as usize..end as usize)
    }
}

/// Recovery fills the log from the journal.
impl<B: AsRef<[u8]> + AsMut<[u8]>> Sink for Log<B> {
    fn reset(&mut self, base: Position) {
        self.restart(base);
    }

    fn truncate(&mut self, from: Index) {
        Log::truncate(self, from);
    }

    fn append(&mut self, frame: &[u8]) -> bool {
        match frame::decode(frame) {
            Ok(entry) if entry.position.index == self.last.index.next() => {
                Log::append(self, &entry).is_ok()
            }
            _ => false,
        }
    }

    fn live(&self) -> Frames<'_> {
        self.frames(self.first(), self.last.index)
    }
}

#[cfg(test)]
mod tests;
