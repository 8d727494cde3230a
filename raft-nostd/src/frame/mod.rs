//! One log entry as bytes: a postcard header, the payload verbatim, a masked CRC-32 over both.
//!
//! An entry is framed once, where it is proposed. The same frame then lies in the log's ring,
//! travels in datagrams and goes into the journal. `WIRE.md` holds the layout with golden bytes.

use crate::crc::masked;
use crate::types::Position;

mod header;
mod run;

pub use header::EntryKind;
use header::Header;
pub use run::{FrameIter, Frames};

/// The most bytes a frame adds to its payload: the longest header and the CRC.
pub const OVERHEAD_MAX: usize = header::LEN_MAX + CRC_LEN;
/// Bytes of the CRC at the end of a frame.
pub(crate) const CRC_LEN: usize = 4;

/// A decoded frame, borrowing its payload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry<'a> {
    /// Where it stands.
    pub position: Position,
    /// What it is for.
    pub kind: EntryKind,
    /// The command, or nothing.
    pub payload: &'a [u8],
    /// The whole frame: header, payload and CRC.
    pub frame: &'a [u8],
}

impl Entry<'_> {
    /// Bytes before the payload.
    pub(crate) fn header_len(&self) -> usize {
        self.frame.len().saturating_sub(self.payload.len()).saturating_sub(CRC_LEN)
    }
}

/// Why bytes are no frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FrameError {
    /// The header does not decode, or the bytes end before the frame does.
    Malformed,
    /// The CRC does not match.
    Checksum,
}

impl core::fmt::Display for FrameError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(match self {
            Self::Malformed => "the bytes are no frame of an entry",
            Self::Checksum => "the frame's CRC does not match",
        })
    }
}

impl core::error::Error for FrameError {}

/// Writes the frame of one entry to the start of `out` and returns its length, or `None` when it
/// does not fit. O(payload).
pub fn encode(
    position: Position,
    kind: EntryKind,
    payload: &[u8],
    out: &mut [u8],
) -> Option<usize> {
    let length = u32::try_from(payload.len()).ok()?;
    let header_len = Header { kind, position, length }.write(out)?;
    let crc_at = header_len.checked_add(payload.len())?;
    out.get_mut(header_len..crc_at)?.copy_from_slice(payload);
    let crc = masked(out.get(..crc_at)?);
    let end = crc_at.checked_add(CRC_LEN)?;
    out.get_mut(crc_at..end)?.copy_from_slice(&crc.to_le_bytes());
    Some(end)
}

/// Bytes in the header of an entry with a payload of `payload` bytes; `None` beyond 4 GiB. O(1).
pub(crate) fn header_len(position: Position, payload: usize) -> Option<usize> {
    let length = u32::try_from(payload).ok()?;
    Some(Header { kind: EntryKind::Noop, position, length }.len())
}

/// Bytes in the frame of an entry with a payload of `payload` bytes; `None` beyond 4 GiB. O(1).
pub fn encoded_len(position: Position, payload: usize) -> Option<usize> {
    payload.checked_add(header_len(position, payload)?)?.checked_add(CRC_LEN)
}

/// Reads the frame at the start of `bytes` without checking its CRC: for bytes whose integrity
/// something else vouches for (a datagram's CRC, this process's memory). O(1).
pub fn decode(bytes: &[u8]) -> Result<Entry<'_>, FrameError> {
    split(bytes).ok_or(FrameError::Malformed)
}

/// As [`decode`], and checks the CRC: for bytes that come back from a medium. O(payload).
pub fn verify(bytes: &[u8]) -> Result<Entry<'_>, FrameError> {
    let entry = decode(bytes)?;
    let (content, crc) = entry.frame.split_last_chunk::<CRC_LEN>().ok_or(FrameError::Malformed)?;
    if masked(content) == u32::from_le_bytes(*crc) { Ok(entry) } else { Err(FrameError::Checksum) }
}

/// Position and length of the frame whose header begins `bytes`, however much of it follows.
pub(crate) fn announced(bytes: &[u8]) -> Option<(Position, usize)> {
    let (header, rest) = Header::read(bytes)?;
    let length = usize::try_from(header.length).ok()?;
    let header_len = bytes.len().checked_sub(rest.len())?;
    Some((header.position, header_len.checked_add(length)?.checked_add(CRC_LEN)?))
}

fn split(bytes: &[u8]) -> Option<Entry<'_>> {
    let (header, rest) = Header::read(bytes)?;
    let length = usize::try_from(header.length).ok()?;
    let payload = rest.get(..length)?;
    let header_len = bytes.len().checked_sub(rest.len())?;
    let end = header_len.checked_add(length)?.checked_add(CRC_LEN)?;
    let frame = bytes.get(..end)?;
    Some(Entry { position: header.position, kind: header.kind, payload, frame })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn golden_bytes() {
        let mut out = [0; 64];
        let len = encode(Position::new(3, 300), EntryKind::Command, b"abc", &mut out).unwrap();
        assert_eq!(out[..len], *b"\x01\x03\xac\x02\x03abc\x51\xf8\x6e\x90", "{:02x?}", &out[..len]);
    }

    #[test]
    fn what_is_encoded_decodes() {
        let mut out = [0; 64];
        let position = Position::new(u64::MAX, u64::MAX);
        let len = encode(position, EntryKind::Noop, b"", &mut out).unwrap();
        assert!(len <= OVERHEAD_MAX);
        let entry = verify(&out).unwrap();
        assert_eq!((entry.position, entry.kind), (position, EntryKind::Noop));
        assert_eq!(entry.frame.len(), len);
    }

    #[test]
    fn every_flipped_bit_and_every_cut_is_noticed() {
        let mut out = [0; 64];
        let len = encode(Position::new(1, 2), EntryKind::Command, b"payload", &mut out).unwrap();
        for cut in 0..len {
            assert!(verify(&out[..cut]).is_err());
        }
        for bit in 0..len * 8 {
            let mut bad = out;
            bad[bit / 8] ^= 1 << (bit % 8);
            assert!(verify(&bad[..len]).is_err(), "bit {bit}");
        }
    }

    #[test]
    fn the_length_is_known_beforehand() {
        let mut out = [0; 64];
        for bits in 0..64 {
            for value in [(1_u64 << bits) - 1, 1 << bits] {
                let position = Position::new(value, !value);
                let len = encode(position, EntryKind::Command, b"abc", &mut out).unwrap();
                assert_eq!(encoded_len(position, 3), Some(len), "{value:x}");
            }
        }
    }

    #[test]
    fn a_frame_that_does_not_fit_is_refused() {
        let mut out = [0; 10];
        assert_eq!(encode(Position::ZERO, EntryKind::Command, b"too long for it", &mut out), None);
    }
}
