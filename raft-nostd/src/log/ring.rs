//! The arithmetic of the ring: where the next frame goes, and how much is used.

use super::slot::Slot;

/// Offsets are from the start of the log's memory, as in slots.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ring {
    start: u32,
    end: u32,
    /// The first frame held. Meaningless while empty.
    head: u32,
    /// Just behind the last frame held.
    tail: u32,
    /// Bytes skipped at the end where the frames held wrap. Meaningless where they do not.
    skipped: u32,
    /// Bytes of the frames held.
    used: u32,
}

impl Ring {
    pub(super) fn new(start: u32, end: u32) -> Self {
        Self { start, end, head: start, tail: start, skipped: 0, used: 0 }
    }

    pub(super) fn start(&self) -> u32 {
        self.start
    }

    /// Bytes in the ring, used or not.
    pub(super) fn len(&self) -> u32 {
        self.end.saturating_sub(self.start)
    }

    pub(super) fn used(&self) -> u32 {
        self.used
    }

    /// Where the frames before the wrap end.
    pub(super) fn wrapped_at(&self) -> u32 {
        self.end.saturating_sub(self.skipped)
    }

    /// Where a frame of `len` bytes would go: behind the last, or at the start when it would
    /// straddle the end. The caller has checked that there is room.
    pub(super) fn place(&self, len: u32) -> u32 {
        if self.used == 0 || len > self.end.saturating_sub(self.tail) {
            self.start
        } else {
            self.tail
        }
    }

    /// Takes in a frame where [`Ring::place`] put it.
    pub(super) fn push(&mut self, slot: Slot) {
        if self.used == 0 {
            self.head = slot.offset;
        } else if slot.offset != self.tail {
            self.skipped = self.end.saturating_sub(self.tail);
        }
        self.tail = slot.offset.saturating_add(slot.len);
        self.used = self.used.saturating_add(slot.len);
    }

    /// Forgets what lies behind `tail`, the end of a frame held.
    pub(super) fn cut(&mut self, tail: u32) {
        self.used = if tail > self.head {
            // What is left does not wrap any more, or never did.
            tail.saturating_sub(self.head)
        } else {
            self.used.saturating_sub(self.tail.saturating_sub(tail))
        };
        self.tail = tail;
    }

    /// Forgets the first frames, `bytes` in all; the one at `head` is the first now.
    pub(super) fn advance(&mut self, head: u32, bytes: u32) {
        self.head = head;
        self.used = self.used.saturating_sub(bytes);
    }

    /// Forgets every frame.
    pub(super) fn clear(&mut self) {
        *self = Self::new(self.start, self.end);
    }

    /// Bytes from the frame at `offset` through `last`, those skipped at the wrap included.
    pub(super) fn distance(&self, offset: u32, last: Slot) -> u32 {
        let end = last.offset.saturating_add(last.len);
        if end > offset {
            end.saturating_sub(offset)
        } else {
            end.saturating_add(self.len()).saturating_sub(offset)
        }
    }
}
