//! Where an entry's frame lies, and what its header said: decoded once, when it is appended.

use crate::frame::EntryKind;
use crate::types::Term;

/// Bytes a slot takes in the log's memory.
pub(crate) const SLOT_LEN: usize = 16;

/// Term (64 bits), offset (32), then in one word: frame length (24), header length (6), kind (2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Slot {
    pub(super) term: Term,
    /// From the start of the log's memory.
    pub(super) offset: u32,
    /// Of the whole frame; below 2^24.
    pub(super) len: u32,
    /// Of the frame's header.
    pub(super) header_len: u8,
    pub(super) kind: EntryKind,
}

impl Slot {
    /// The offset just behind the frame; `None` only when memory was damaged.
    pub(super) fn end(self) -> Option<u32> {
        self.offset.checked_add(self.len)
    }

    pub(super) fn to_bytes(self) -> [u8; SLOT_LEN] {
        let word = (self.len & 0x00ff_ffff)
            | u32::from(self.header_len & 0x3f) << 24
            | (self.kind as u32) << 30;
        let place = u64::from(self.offset) | u64::from(word) << 32;
        (u128::from(self.term.0) | u128::from(place) << 64).to_le_bytes()
    }

    pub(super) fn from_bytes(bytes: &[u8; SLOT_LEN]) -> Option<Self> {
        let bits = u128::from_le_bytes(*bytes);
        let word = (bits >> 96) as u32;
        Some(Self {
            term: Term(bits as u64),
            offset: (bits >> 64) as u32,
            len: word & 0x00ff_ffff,
            header_len: (word >> 24) as u8 & 0x3f,
            kind: EntryKind::from_number((word >> 30) as u8)?,
        })
    }
}
