//! The header of a frame: kind, term, index and payload length in postcard's encoding.
//!
//! postcard writes a struct as its fields, a unit variant as the varint of its number, and an
//! integer as a varint. Entries are read far more often than anything else, so these four fields
//! are read and written here, without serde; a test holds them against postcard itself.

use crate::types::{Index, Position, Term};

/// Kind, term, index and length, each at its longest varint.
pub(super) const LEN_MAX: usize = 1 + 10 + 10 + 5;

/// What an entry is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(test, derive(serde::Serialize))]
pub enum EntryKind {
    /// Opens a leader's term (dissertation §6.4); the state machine never sees it.
    Noop,
    /// A command for the state machine.
    Command,
    /// A cluster configuration (dissertation §4.1). Named so that the format need not change;
    /// this version writes none.
    Membership,
}

impl EntryKind {
    /// The kind with this number in the format.
    pub(crate) const fn from_number(number: u8) -> Option<Self> {
        match number {
            0 => Some(Self::Noop),
            1 => Some(Self::Command),
            2 => Some(Self::Membership),
            _ => None,
        }
    }
}

#[cfg_attr(test, derive(serde::Serialize))]
pub(super) struct Header {
    pub(super) kind: EntryKind,
    pub(super) position: Position,
    pub(super) length: u32,
}

impl Header {
    pub(super) fn len(&self) -> usize {
        varint_len(self.position.term.0)
            .saturating_add(varint_len(self.position.index.0))
            .saturating_add(varint_len(u64::from(self.length)))
            .saturating_add(1)
    }

    /// Writes the header to the start of `out`: its length, or `None` when it does not fit.
    pub(super) fn write(&self, out: &mut [u8]) -> Option<usize> {
        let len = self.len();
        let (kind, mut rest) = out.get_mut(..len)?.split_first_mut()?;
        *kind = self.kind as u8;
        for value in [self.position.term.0, self.position.index.0, u64::from(self.length)] {
            rest = put_varint(value, rest)?;
        }
        Some(len)
    }

    /// Reads the header at the start of `bytes`, and returns what follows it.
    pub(super) fn read(bytes: &[u8]) -> Option<(Self, &[u8])> {
        let (kind, rest) = bytes.split_first()?;
        let kind = EntryKind::from_number(*kind)?;
        let (term, rest) = take_varint(rest)?;
        let (index, rest) = take_varint(rest)?;
        let (length, rest) = take_varint(rest)?;
        let position = Position { term: Term(term), index: Index(index) };
        Some((Self { kind, position, length: u32::try_from(length).ok()? }, rest))
    }
}

/// Bytes in the varint of `value`: one for each seven bits, at least one.
fn varint_len(value: u64) -> usize {
    let bits = 64_u32.saturating_sub((value | 1).leading_zeros());
    // Division by seven, rounding up, right for 1 to 64 and without a division.
    (bits.wrapping_mul(9).wrapping_add(64) >> 6) as usize
}

fn put_varint(mut value: u64, mut out: &mut [u8]) -> Option<&mut [u8]> {
    loop {
        let (byte, rest) = out.split_first_mut()?;
        out = rest;
        if value < 0x80 {
            *byte = value as u8;
            return Some(out);
        }
        *byte = value as u8 | 0x80;
        value >>= 7;
    }
}

/// Reads seven bits a byte, the lowest first, until a byte below 128: ten bytes at most, and the
/// tenth holds one bit.
fn take_varint(bytes: &[u8]) -> Option<(u64, &[u8])> {
    let (first, mut rest) = bytes.split_first()?;
    let mut value = u64::from(first & 0x7f);
    let mut last = *first;
    let mut shift = 7_u32;
    while last >= 0x80 {
        let (byte, after) = rest.split_first()?;
        if shift > 63 || (shift == 63 && *byte > 1) {
            return None;
        }
        value |= u64::from(byte & 0x7f) << shift;
        (last, rest) = (*byte, after);
        shift = shift.saturating_add(7);
    }
    Some((value, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_what_postcard_writes() {
        for bits in 0..64 {
            for value in [(1_u64 << bits) - 1, 1 << bits, u64::MAX >> bits] {
                for kind in [EntryKind::Noop, EntryKind::Command, EntryKind::Membership] {
                    let position = Position::new(value, !value);
                    let header = Header { kind, position, length: value as u32 };
                    let (mut ours, mut theirs) = ([0; LEN_MAX], [0; LEN_MAX]);
                    let len = header.write(&mut ours).unwrap();
                    let theirs = postcard::to_slice(&header, &mut theirs).unwrap();
                    assert_eq!(&ours[..len], theirs, "{value:x}");
                    let (read, rest) = Header::read(&ours).unwrap();
                    assert_eq!((read.kind, read.position), (kind, position));
                    assert_eq!((read.length, rest.len()), (value as u32, LEN_MAX - len));
                }
            }
        }
    }

    #[test]
    fn varints_that_are_too_long_are_refused() {
        assert_eq!(take_varint(&[0xff; 12]), None);
        let most = [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1];
        assert_eq!(take_varint(&most), Some((u64::MAX, &[][..])));
        let more = [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2];
        assert_eq!(take_varint(&more), None);
    }
}
