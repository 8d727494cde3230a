//! The checksum of a block's body.
//!
//! Not a CRC: a frame ends with its own CRC-32, so the CRC-32 of any run of valid frames depends on
//! their lengths alone, and would take the frames of an earlier pass for those of this one.

/// Streams a 32-bit checksum, four bytes at a step. Any change within four aligned bytes changes
/// it; other changes do but for one in 2^32 (and the frames' own CRCs are checked besides).
#[derive(Clone, Debug)]
pub(super) struct Sum {
    state: u32,
    /// Bytes that do not fill a word yet, the oldest lowest.
    held: u32,
    len: u32,
}

impl Sum {
    pub(super) const fn new() -> Self {
        Self { state: 0x6a72_6a72, held: 0, len: 0 }
    }

    pub(super) fn update(&mut self, bytes: &[u8]) {
        let mut rest = bytes;
        while self.len & 3 != 0 {
            let Some((byte, tail)) = rest.split_first() else { return };
            self.hold(*byte);
            rest = tail;
        }
        while let Some((word, tail)) = rest.split_first_chunk::<4>() {
            self.step(u32::from_le_bytes(*word));
            self.len = self.len.wrapping_add(4);
            rest = tail;
        }
        for byte in rest {
            self.hold(*byte);
        }
    }

    fn hold(&mut self, byte: u8) {
        let place = (self.len & 3).wrapping_mul(8);
        self.held |= u32::from(byte).wrapping_shl(place);
        self.len = self.len.wrapping_add(1);
        if self.len & 3 == 0 {
            let word = core::mem::take(&mut self.held);
            self.step(word);
        }
    }

    const fn step(&mut self, word: u32) {
        self.state = (self.state ^ word).wrapping_mul(0x9e37_79b1).rotate_left(13);
    }

    /// The sum of all bytes so far, and of their count.
    pub(super) const fn finish(mut self) -> u32 {
        let held = self.held;
        self.step(held);
        let len = self.len;
        self.step(len);
        // The finaliser of MurmurHash3.
        let mut sum = self.state;
        sum = (sum ^ (sum >> 16)).wrapping_mul(0x85eb_ca6b);
        sum = (sum ^ (sum >> 13)).wrapping_mul(0xc2b2_ae35);
        sum ^ (sum >> 16)
    }
}

/// The sum of one piece of bytes.
pub(super) fn sum(bytes: &[u8]) -> u32 {
    let mut sum = Sum::new();
    sum.update(bytes);
    sum.finish()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frame::{EntryKind, encode};
    use crate::types::Position;

    #[test]
    fn pieces_do_not_matter() {
        let bytes: std::vec::Vec<u8> = (0..100).collect();
        for cut in 0..100 {
            let mut pieces = Sum::new();
            pieces.update(&bytes[..cut]);
            pieces.update(&bytes[cut..]);
            assert_eq!(pieces.finish(), sum(&bytes));
        }
    }

    #[test]
    fn two_frames_of_one_length_differ() {
        let frame = |term| {
            let mut out = [0; 32];
            let len =
                encode(Position::new(term, 1), EntryKind::Command, b"payload", &mut out).unwrap();
            (crate::crc::checksum(&out[..len]), sum(&out[..len]))
        };
        assert_eq!(frame(1).0, frame(2).0, "why no CRC can do this");
        assert_ne!(frame(1).1, frame(2).1);
    }

    #[test]
    fn every_flipped_bit_and_every_length_is_noticed() {
        let bytes = [0x55; 67];
        for bit in 0..bytes.len() * 8 {
            let mut other = bytes;
            other[bit / 8] ^= 1 << (bit % 8);
            assert_ne!(sum(&other), sum(&bytes));
        }
        assert_ne!(sum(&[0; 4]), sum(&[0; 5]));
    }
}
