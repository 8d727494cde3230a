//! CRC-32 (ISO-HDLC, the one of zip and Ethernet), by crc32fast or by a 64-byte table.

/// The checksum of one piece of bytes.
pub fn checksum(bytes: &[u8]) -> u32 {
    let mut crc = Crc::new();
    crc.update(bytes);
    crc.finish()
}

/// The checksum that ends a frame: the CRC-32 times an odd constant, modulo 2^32.
///
/// The CRC-32 of bytes that end with their own CRC-32 is a constant of their number. Unmasked, one
/// frame in the place of another would change neither a datagram's CRC nor a journal block's.
pub fn masked(bytes: &[u8]) -> u32 {
    checksum(bytes).wrapping_mul(0x9e37_79b1)
}

/// A checksum over bytes that come in pieces.
#[derive(Clone, Debug)]
pub struct Crc(imp::State);

impl Default for Crc {
    fn default() -> Self {
        Self::new()
    }
}

impl Crc {
    /// The checksum of nothing.
    pub fn new() -> Self {
        Self(imp::new())
    }

    /// Takes in the next piece.
    pub fn update(&mut self, bytes: &[u8]) {
        imp::update(&mut self.0, bytes);
    }

    /// The checksum of all pieces so far.
    pub fn finish(self) -> u32 {
        imp::finish(self.0)
    }
}

#[cfg(feature = "fast-crc")]
mod imp {
    pub(super) type State = crc32fast::Hasher;

    pub(super) fn new() -> State {
        State::new()
    }

    pub(super) fn update(state: &mut State, bytes: &[u8]) {
        state.update(bytes);
    }

    pub(super) fn finish(state: State) -> u32 {
        state.finalize()
    }
}

#[cfg(any(not(feature = "fast-crc"), test))]
#[cfg_attr(feature = "fast-crc", allow(dead_code))]
mod small {
    pub(super) type State = u32;

    /// The remainders of the sixteen nibbles: 64 bytes where a full table takes 1 KiB.
    const NIBBLES: [u32; 16] = table();

    #[allow(clippy::arithmetic_side_effects, clippy::indexing_slicing)] // runs in the compiler
    const fn table() -> [u32; 16] {
        let mut table = [0; 16];
        let mut nibble = 0;
        while nibble < 16 {
            let mut value = nibble as u32;
            let mut bit = 0;
            while bit < 4 {
                value = if value & 1 == 1 { (value >> 1) ^ 0xedb8_8320 } else { value >> 1 };
                bit += 1;
            }
            table[nibble] = value;
            nibble += 1;
        }
        table
    }

    pub(super) fn new() -> State {
        u32::MAX
    }

    pub(super) fn update(state: &mut State, bytes: &[u8]) {
        for byte in bytes {
            *state = step(step(*state ^ u32::from(*byte)));
        }
    }

    fn step(state: u32) -> u32 {
        #[allow(clippy::indexing_slicing)] // sixteen remainders, an index below sixteen
        let remainder = NIBBLES[(state & 15) as usize];
        (state >> 4) ^ remainder
    }

    pub(super) fn finish(state: State) -> u32 {
        !state
    }
}

#[cfg(not(feature = "fast-crc"))]
use small as imp;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn check_value_of_the_catalogue() {
        assert_eq!(checksum(b"123456789"), 0xcbf4_3926);
    }

    #[test]
    fn frames_of_one_length_have_different_checksums() {
        let around = |content: [u8; 8], end: fn(&[u8]) -> u32| {
            let mut crc = Crc::new();
            crc.update(&content);
            crc.update(&end(&content).to_le_bytes());
            crc.finish()
        };
        assert_eq!(around([1; 8], checksum), around([2; 8], checksum), "why the mask is there");
        assert_ne!(around([1; 8], masked), around([2; 8], masked));
    }

    #[test]
    fn the_small_table_agrees() {
        let bytes: std::vec::Vec<u8> = (0..=255).cycle().take(1_000).collect();
        for end in [0, 1, 7, 64, 999] {
            let mut state = small::new();
            small::update(&mut state, &bytes[..end]);
            assert_eq!(small::finish(state), checksum(&bytes[..end]));
        }
    }
}
