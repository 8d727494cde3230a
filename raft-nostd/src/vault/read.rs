//! Reading chunks and records back, each checked against its CRC.

use super::record::{Generation, HEADER, Header, HeaderFault, Kind};
use super::shape::Shape;
use super::{ChunkError, Slot, Vault};
use crate::crc::checksum;
use crate::journal::Medium;

/// Which of the two snapshots.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Which {
    /// The newest whole one.
    Newest,
    /// The one that is being written.
    Staged,
}

/// A record that was found where it was looked for.
#[derive(Clone, Copy, Debug)]
pub(super) enum Found {
    /// An intact header.
    Header(Header),
    /// None, or one of another version.
    Fault(HeaderFault),
}

impl Vault {
    /// Reads chunk `number` of a snapshot, from zero, into the start of `into`, and returns its
    /// length. O(bytes).
    ///
    /// # Errors
    /// Why it cannot be had; see [`ChunkError`].
    pub fn read<M: Medium>(
        &self,
        medium: &mut M,
        which: Which,
        number: u32,
        into: &mut [u8],
    ) -> Result<usize, ChunkError<M::Error>> {
        let place = number.checked_add(1).ok_or(ChunkError::Absent)?;
        let (shape, slot, generation, chunks) =
            self.whereabouts(which).ok_or(ChunkError::Absent)?;
        let shape = &shape;
        if number >= chunks {
            return Err(ChunkError::Absent);
        }
        let (segment, offset) = shape.at(slot, place).ok_or(ChunkError::Absent)?;
        let damaged = ChunkError::Damaged { chunk: number, segment, offset };
        let Found::Header(header) =
            header_at(medium, shape, slot, place).map_err(ChunkError::Medium)?
        else {
            return Err(damaged);
        };
        if header.kind != Kind::Chunk || !belongs(&header, generation, place) {
            return Err(damaged);
        }
        let body = into.get_mut(..header.len as usize).ok_or(ChunkError::Buffer)?;
        match body_at(medium, shape, slot, &header, body).map_err(ChunkError::Medium)? {
            Body::Intact => Ok(header.len as usize),
            Body::Damaged => Err(damaged),
        }
    }
}

impl Vault {
    /// Shape, slot, generation and number of chunks of a snapshot.
    fn whereabouts(&self, which: Which) -> Option<(Shape, Slot, Generation, u32)> {
        match which {
            Which::Newest => {
                let one = self.newest.as_ref()?;
                Some((one.shape, one.slot, one.generation, one.manifest.chunks))
            }
            Which::Staged => {
                let one = self.staged.as_ref()?;
                Some((self.shape?, one.slot, one.generation, one.chunks))
            }
        }
    }
}

/// Whether a header is that of `place` in this use of its slot.
pub(super) fn belongs(header: &Header, generation: Generation, place: u32) -> bool {
    header.generation == generation && header.place == place
}

/// The header at `place` of `slot`. One with more body than its place has room for is none, so that
/// no body is looked for beyond its segment.
pub(super) fn header_at<M: Medium>(
    medium: &mut M,
    shape: &Shape,
    slot: Slot,
    place: u32,
) -> Result<Found, M::Error> {
    let Some((segment, offset)) = shape.at(slot, place) else {
        return Ok(Found::Fault(HeaderFault::NoHeader));
    };
    let mut bytes = [0; HEADER];
    medium.read(segment, offset, &mut bytes)?;
    Ok(match Header::decode(&bytes) {
        Ok(header) if shape.fits(header.len) => Found::Header(header),
        Ok(_) => Found::Fault(HeaderFault::NoHeader),
        Err(fault) => Found::Fault(fault),
    })
}

/// Whether a body is what its header says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Body {
    Intact,
    Damaged,
}

/// Fills `into`, which is as long as `header` says, with the body behind it.
pub(super) fn body_at<M: Medium>(
    medium: &mut M,
    shape: &Shape,
    slot: Slot,
    header: &Header,
    into: &mut [u8],
) -> Result<Body, M::Error> {
    let Some((segment, offset)) = shape.at(slot, header.place) else { return Ok(Body::Damaged) };
    medium.read(segment, offset.saturating_add(HEADER as u32), into)?;
    Ok(if checksum(into) == header.body_crc { Body::Intact } else { Body::Damaged })
}
