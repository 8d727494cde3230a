//! A chunk that has lost its header in a snapshot that was whole once, found as `WIRE.md` lays it out.
//!
//! For such a snapshot the vault has no number of chunks, so that reading it chunk by chunk finds
//! nothing.

use adapter_std::files::{FileError, FileMedium};
use raft_nostd::crc::checksum;
use raft_nostd::journal::{Geometry, Medium};
use raft_nostd::vault::ChunkError;

/// Bytes of a header.
const HEADER: usize = 28;
/// The longest body of a head; no record has room for less.
const HEAD_BODY_MAX: u32 = 116;
/// The longest body of an end: three varints.
const END_BODY_MAX: u32 = 5 + 10 + 5;

/// Where the records of one slot stand.
struct Slot {
    geometry: Geometry,
    /// 0 or 1: the slots take turns.
    turn: u32,
    /// Bytes a record takes.
    record: u32,
}

/// What is needed of a header.
struct Header {
    kind: u8,
    len: u32,
    crc: u32,
    generation: [u8; 8],
}

/// The first such chunk on `medium`, whose chunks have `chunk` bytes at most.
///
/// # Errors
/// When the medium cannot be read.
pub fn find(
    medium: &mut FileMedium,
    chunk: u32,
) -> Result<Option<ChunkError<FileError>>, FileError> {
    let geometry = medium.geometry();
    let record = chunk.max(HEAD_BODY_MAX).saturating_add(HEADER as u32);
    let record = record.checked_next_multiple_of(geometry.granularity.max(1)).unwrap_or(u32::MAX);
    for turn in [0, 1] {
        if let Some(rot) = (Slot { geometry, turn, record }).rot(medium)? {
            return Ok(Some(rot));
        }
    }
    Ok(None)
}

impl Slot {
    /// The only chunk between head and end without a header, if there is one.
    fn rot(&self, medium: &mut FileMedium) -> Result<Option<ChunkError<FileError>>, FileError> {
        let Some(head) = self.header(medium, 0)?.filter(|head| head.kind == b'h') else {
            return Ok(None);
        };
        let mut rot = None;
        for chunk in 0..u32::MAX {
            let place = chunk.saturating_add(1);
            let Some((segment, offset)) = self.at(place) else { break };
            let header = self.header(medium, place)?;
            match header.filter(|header| header.generation == head.generation) {
                Some(header) if header.kind == b'c' => {}
                Some(header) if header.kind == b'e' => {
                    let whole = self.end_after(medium, place, &header)? == Some(chunk);
                    return Ok(rot.filter(|_| whole));
                }
                _ if rot.is_some() => break,
                _ => rot = Some(ChunkError::Damaged { chunk, segment, offset }),
            }
        }
        Ok(None)
    }

    /// After how many chunks the end at `place` says that it stands, when it is intact.
    fn end_after(
        &self,
        medium: &mut FileMedium,
        place: u32,
        header: &Header,
    ) -> Result<Option<u32>, FileError> {
        let mut body = [0; END_BODY_MAX as usize];
        let body = body.get_mut(..header.len as usize);
        let (Some(body), Some((segment, offset))) = (body, self.at(place)) else {
            return Ok(None);
        };
        medium.read(segment, offset.saturating_add(HEADER as u32), body)?;
        let intact = checksum(body) == header.crc;
        let chunks = postcard::take_from_bytes::<u32>(body).ok();
        Ok(chunks.filter(|_| intact).map(|(chunks, _)| chunks))
    }

    /// The intact header at `place`.
    fn header(&self, medium: &mut FileMedium, place: u32) -> Result<Option<Header>, FileError> {
        let Some((segment, offset)) = self.at(place) else { return Ok(None) };
        let mut bytes = [0; HEADER];
        medium.read(segment, offset, &mut bytes)?;
        Ok(decode(&bytes).filter(|(at, _)| *at == place).map(|(_, header)| header))
    }

    /// The segment and the offset of the record at `place`, if there is such a place.
    fn at(&self, place: u32) -> Option<(u32, u32)> {
        let per_segment = self.geometry.segment_bytes / self.record;
        let segment = place.checked_div(per_segment)?;
        let offset = (place % per_segment).checked_mul(self.record)?;
        let whole = segment < self.geometry.segments / 2;
        whole.then(|| (segment * 2 + self.turn, offset))
    }
}

/// The place of a header, and the rest of it.
fn decode(bytes: &[u8; HEADER]) -> Option<(u32, Header)> {
    let (content, crc) = bytes.split_last_chunk::<4>()?;
    let rest = content.strip_prefix(b"rs\x01")?;
    let (kind, rest) = rest.split_first()?;
    let (place, rest) = rest.split_first_chunk()?;
    let (len, rest) = rest.split_first_chunk()?;
    let (body_crc, rest) = rest.split_first_chunk()?;
    let (generation, _) = rest.split_first_chunk()?;
    let header = Header {
        kind: *kind,
        len: u32::from_le_bytes(*len),
        crc: u32::from_le_bytes(*body_crc),
        generation: *generation,
    };
    let intact = u32::from_le_bytes(*crc) == checksum(content);
    intact.then(|| (u32::from_le_bytes(*place), header))
}
