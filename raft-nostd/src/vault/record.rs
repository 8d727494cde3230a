//! The bytes of a record: a header with a CRC of its own, and a body. `WIRE.md` has the tables.

use super::{Origin, Owner};
use crate::crc::checksum;
use crate::manifest::Manifest;
use crate::types::{ClusterId, NodeId};
use serde::{Deserialize, Serialize};

/// The version of the layout; any other is refused by name.
pub(super) const FORMAT: u8 = 1;
/// Bytes before the body.
pub(super) const HEADER: usize = 28;
/// The longest body of a head: every field at its longest varint.
pub(super) const HEAD_BODY_MAX: usize = 10 + 5 + 10 + 5 + 1 + Manifest::LEN_MAX;

/// What a record is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// The first: whose snapshot it is, and of what.
    Head,
    /// A piece of the state machine.
    Chunk,
    /// The last: from here on the snapshot counts.
    End,
}

impl Kind {
    const fn byte(self) -> u8 {
        match self {
            Self::Head => b'h',
            Self::Chunk => b'c',
            Self::End => b'e',
        }
    }

    const fn from_byte(byte: u8) -> Option<Self> {
        match byte {
            b'h' => Some(Self::Head),
            b'c' => Some(Self::Chunk),
            b'e' => Some(Self::End),
            _ => None,
        }
    }
}

/// One use of one slot: a count that only grows, and a number drawn in each run, so that records of
/// an earlier use are never taken for those of this one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Generation(u64);

impl Generation {
    pub(super) const fn new(count: u32, nonce: u32) -> Self {
        Self(((count as u64) << 32) | nonce as u64)
    }

    pub(super) const fn count(self) -> u32 {
        (self.0 >> 32) as u32
    }
}

/// What every record begins with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) kind: Kind,
    /// The record's place in its slot: zero for the head, one for the first chunk.
    pub(super) place: u32,
    pub(super) len: u32,
    pub(super) body_crc: u32,
    pub(super) generation: Generation,
}

/// Why bytes are no header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum HeaderFault {
    /// They are something else, or damaged.
    NoHeader,
    /// They are an intact header of another version.
    Format(u8),
}

impl Header {
    pub(super) fn encode(&self) -> [u8; HEADER] {
        let mut bytes = [0; HEADER];
        let fields: [&[u8]; 5] = [
            &[b'r', b's', FORMAT, self.kind.byte()],
            &self.place.to_le_bytes(),
            &self.len.to_le_bytes(),
            &self.body_crc.to_le_bytes(),
            &self.generation.0.to_le_bytes(),
        ];
        let mut places = bytes.iter_mut();
        for byte in fields.into_iter().flatten() {
            if let Some(place) = places.next() {
                *place = *byte;
            }
        }
        if let Some((content, crc)) = bytes.split_last_chunk_mut::<4>() {
            *crc = checksum(content).to_le_bytes();
        }
        bytes
    }

    pub(super) fn decode(bytes: &[u8; HEADER]) -> Result<Self, HeaderFault> {
        let [b'r', b's', format, kind, rest @ ..] = bytes else {
            return Err(HeaderFault::NoHeader);
        };
        let (content, crc) = bytes.split_last_chunk::<4>().ok_or(HeaderFault::NoHeader)?;
        if u32::from_le_bytes(*crc) != checksum(content) {
            return Err(HeaderFault::NoHeader);
        }
        if *format != FORMAT {
            return Err(HeaderFault::Format(*format));
        }
        Self::fields(*kind, rest).ok_or(HeaderFault::NoHeader)
    }

    fn fields(kind: u8, rest: &[u8]) -> Option<Self> {
        let (place, rest) = rest.split_first_chunk()?;
        let (len, rest) = rest.split_first_chunk()?;
        let (body_crc, rest) = rest.split_first_chunk()?;
        let (generation, _) = rest.split_first_chunk()?;
        Some(Self {
            kind: Kind::from_byte(kind)?,
            place: u32::from_le_bytes(*place),
            len: u32::from_le_bytes(*len),
            body_crc: u32::from_le_bytes(*body_crc),
            generation: Generation(u64::from_le_bytes(*generation)),
        })
    }
}

/// The body of a head, in postcard's encoding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Head {
    cluster: u64,
    node: u32,
    incarnation: u64,
    /// Bytes in the longest chunk, which all places follow from.
    pub(super) chunk: u32,
    origin: u8,
    pub(super) manifest: Manifest,
}

impl Head {
    pub(super) fn new(owner: &Owner, chunk: u32, origin: Origin, manifest: Manifest) -> Self {
        Self {
            cluster: owner.cluster.0,
            node: owner.node.get(),
            incarnation: owner.incarnation,
            chunk,
            origin: origin as u8,
            manifest,
        }
    }

    pub(super) fn origin(&self) -> Option<Origin> {
        match self.origin {
            0 => Some(Origin::Own),
            1 => Some(Origin::Peer),
            _ => None,
        }
    }

    pub(super) fn owner(&self) -> Option<Owner> {
        Some(Owner {
            cluster: ClusterId(self.cluster),
            node: NodeId::new(self.node)?,
            incarnation: self.incarnation,
        })
    }
}

/// The body of an end, in postcard's encoding: how much there was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct End {
    pub(super) chunks: u32,
    pub(super) bytes: u64,
    pub(super) crc: u32,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_flipped_bit_of_a_header_is_noticed() {
        let header = Header {
            kind: Kind::Chunk,
            place: 7,
            len: 99,
            body_crc: 0x0102_0304,
            generation: Generation::new(3, 4),
        };
        let bytes = header.encode();
        assert_eq!(Header::decode(&bytes), Ok(header));
        for bit in 0..HEADER * 8 {
            let mut other = bytes;
            other[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(Header::decode(&other), Err(HeaderFault::NoHeader), "bit {bit}");
        }
    }

    #[test]
    fn another_format_is_known_by_its_number() {
        let header = Header {
            kind: Kind::Head,
            place: 0,
            len: 0,
            body_crc: 0,
            generation: Generation::new(1, 1),
        };
        let mut bytes = header.encode();
        bytes[2] = 9;
        let crc = checksum(&bytes[..HEADER - 4]);
        bytes[HEADER - 4..].copy_from_slice(&crc.to_le_bytes());
        assert_eq!(Header::decode(&bytes), Err(HeaderFault::Format(9)));
    }
}
