//! Finding out what the slots hold.

use super::read::{Body, Found, Which, belongs, body_at, header_at};
use super::record::{End, Generation, HEAD_BODY_MAX, HEADER, Head, Header, HeaderFault, Kind};
use super::shape::Shape;
use super::{ChunkError, Origin, Owner, Rot, Slot, Staged, Stored, Vault, VaultError};
use crate::crc::{Crc, checksum};
use crate::journal::Medium;
use crate::manifest::Manifest;
use crate::types::Index;

/// What one slot holds.
enum Contents {
    /// Nothing that counts.
    Nothing,
    Whole(Stored),
    /// The beginning of one.
    Part(Staged),
    /// One that was whole.
    Rotten(Rot),
}

/// Whose snapshots lie on `medium`, and the bound of their chunks in bytes, for whoever looks at what
/// a stopped node left. `None` when there are none. O(1).
///
/// # Errors
/// When the medium cannot be read.
pub fn owner_of<M: Medium>(medium: &mut M) -> Result<Option<(Owner, u32)>, M::Error> {
    // Both heads begin a segment, so that no chunk length is needed to find them.
    for segment in 0..medium.geometry().segments.min(2) {
        let mut bytes = [0; HEADER + HEAD_BODY_MAX];
        medium.read(segment, 0, &mut bytes)?;
        let Some((header, body)) = bytes.split_first_chunk::<HEADER>() else { continue };
        let Ok(header) = Header::decode(header) else { continue };
        let Some(body) = body.get(..header.len as usize) else { continue };
        let intact = header.kind == Kind::Head && checksum(body) == header.body_crc;
        let head = postcard::from_bytes::<Head>(body).ok().filter(|_| intact);
        if let Some((owner, chunk)) = head.and_then(|head| Some((head.owner()?, head.chunk))) {
            return Ok(Some((owner, chunk)));
        }
    }
    Ok(None)
}

impl Vault {
    /// Looks at both slots of `medium`. Chunks have at most `chunk` bytes; `nonce` is drawn at
    /// random for each opening; `buf` is scratch of at least `chunk` bytes and 256.
    ///
    /// A transfer that broke off is [staged](Vault::staged) again as far as its chunks are intact.
    /// A medium without segments has no place for snapshots, and that is no error.
    /// O(number of chunks), and O(bytes) of a transfer that broke off.
    ///
    /// # Errors
    /// When the medium has segments, and no room for even a short snapshot in each half of them; when
    /// it cannot be read, or holds what belongs to somebody else. It is not written to.
    pub fn open<M: Medium>(
        medium: &mut M,
        owner: Owner,
        chunk: u32,
        nonce: u32,
        buf: &mut [u8],
    ) -> Result<Self, VaultError<M::Error>> {
        let geometry = medium.geometry();
        let shape = Shape::new(&geometry, chunk);
        let mut vault =
            Self { owner, shape, count: 0, nonce, newest: None, staged: None, rot: None };
        let Some(shape) = shape else {
            let record = Shape::record(&geometry, chunk).unwrap_or(u32::MAX);
            let none = geometry.segments == 0;
            return if none { Ok(vault) } else { Err(VaultError::Geometry { record }) };
        };
        let needed = shape.chunk.max(256) as usize;
        if buf.len() < needed {
            return Err(VaultError::Buffer { needed });
        }
        let mut part = None;
        for slot in Slot::BOTH {
            match vault.look(medium, &shape, slot, buf)? {
                Contents::Nothing => {}
                Contents::Whole(stored) => vault.keep_newer(stored),
                Contents::Part(staged) => part = Some(staged),
                Contents::Rotten(rot) => vault.rot = Some(rot),
            }
        }
        // (A part in the slot of an older whole one cannot be: it was overwritten.)
        vault.staged = part.filter(|part| vault.is_ahead(part));
        Ok(vault)
    }

    /// For a start, with a journal that begins at `base`. Where that is not behind the snapshot in the
    /// other slot, or where there was never any other, the newest is read through, and if a chunk
    /// is damaged the other counts instead, or none: the journal has what follows. The next is written
    /// over the damaged one.
    ///
    /// That is how it is where an end record reached the medium although its seal failed, and a power
    /// cut then tore the erase of that slot, which was the spare one.
    /// O(bytes) in such a case, else O(number of chunks). `buf` as for [`Vault::open`].
    ///
    /// # Errors
    /// When the medium cannot be read. It is not written to.
    pub fn pass_over_damage<M: Medium>(
        &mut self,
        medium: &mut M,
        base: Index,
        buf: &mut [u8],
    ) -> Result<(), VaultError<M::Error>> {
        let (Some(newest), Some(shape)) = (self.newest, self.shape) else { return Ok(()) };
        let other = match self.staged {
            Some(_) => None, // The other slot is that of a transfer.
            None => self.whole(medium, &shape, newest.slot.other(), buf)?,
        };
        if other.map_or(Index::ZERO, |other| other.manifest.last.index) < base {
            return Ok(());
        }
        if let Some(rot) = self.first_damage(medium, newest.manifest.chunks, buf)? {
            (self.rot, self.newest) = (Some(rot), other);
        }
        Ok(())
    }

    /// What `slot` holds, if it is a whole snapshot.
    fn whole<M: Medium>(
        &mut self,
        medium: &mut M,
        shape: &Shape,
        slot: Slot,
        buf: &mut [u8],
    ) -> Result<Option<Stored>, VaultError<M::Error>> {
        Ok(match self.look(medium, shape, slot, buf)? {
            Contents::Whole(stored) => Some(stored),
            _ => None,
        })
    }

    /// The first damaged one of so many chunks of the newest snapshot.
    fn first_damage<M: Medium>(
        &self,
        medium: &mut M,
        chunks: u32,
        buf: &mut [u8],
    ) -> Result<Option<Rot>, VaultError<M::Error>> {
        for chunk in 0..chunks {
            match self.read(medium, Which::Newest, chunk, buf) {
                Ok(_) => {}
                Err(ChunkError::Damaged { chunk, segment, offset }) => {
                    return Ok(Some(Rot { chunk, segment, offset }));
                }
                Err(ChunkError::Medium(error)) => return Err(VaultError::Medium(error)),
                // (Whoever restores from it says that the buffer is too short.)
                Err(ChunkError::Absent | ChunkError::Buffer) => break,
            }
        }
        Ok(None)
    }

    /// The chunk for which a snapshot does not count that was sealed once, if there was one when the
    /// vault was opened: it has lost its header, which reading chunk by chunk does not find, or it was
    /// [passed over](Vault::pass_over_damage).
    pub fn rot<E>(&self) -> Option<ChunkError<E>> {
        let Rot { chunk, segment, offset } = self.rot?;
        Some(ChunkError::Damaged { chunk, segment, offset })
    }

    /// The count tells, and not the index: what was sealed last is the newest in every run.
    fn keep_newer(&mut self, stored: Stored) {
        let count = |one: &Stored| one.generation.count();
        if self.newest.as_ref().is_none_or(|newest| count(newest) < count(&stored)) {
            self.newest = Some(stored);
        }
    }

    /// Whether the part was begun after the newest snapshot, and is of more than that.
    fn is_ahead(&self, part: &Staged) -> bool {
        self.newest.as_ref().is_none_or(|newest| {
            newest.generation.count() < part.generation.count()
                && newest.manifest.last.index < part.announced.last.index
        })
    }

    fn look<M: Medium>(
        &mut self,
        medium: &mut M,
        shape: &Shape,
        slot: Slot,
        buf: &mut [u8],
    ) -> Result<Contents, VaultError<M::Error>> {
        let header = match header_at(medium, shape, slot, 0).map_err(VaultError::Medium)? {
            Found::Header(header) => header,
            Found::Fault(HeaderFault::Format(format)) => return Err(VaultError::Format(format)),
            Found::Fault(HeaderFault::NoHeader) => return Ok(Contents::Nothing),
        };
        let Some(head) = body::<M, Head>(medium, shape, slot, &header, buf)? else {
            return Ok(Contents::Nothing);
        };
        let (Some(found), Some(origin)) = (head.owner(), head.origin()) else {
            return Ok(Contents::Nothing);
        };
        if header.kind != Kind::Head || header.place != 0 {
            return Ok(Contents::Nothing);
        }
        if found != self.owner {
            return Err(VaultError::OtherOwner { found });
        }
        self.count = self.count.max(header.generation.count());
        let Some(theirs) = Shape::new(&medium.geometry(), head.chunk) else {
            return Ok(Contents::Nothing);
        };
        self.follow(medium, &theirs, (slot, header.generation), (origin, head.manifest), buf)
    }

    /// Follows the records behind a head to the end, or to where they break off.
    fn follow<M: Medium>(
        &self,
        medium: &mut M,
        shape: &Shape,
        (slot, generation): (Slot, Generation),
        (origin, announced): (Origin, Manifest),
        buf: &mut [u8],
    ) -> Result<Contents, VaultError<M::Error>> {
        let (mut chunks, mut bytes, mut hole) = (0_u32, 0_u64, None);
        loop {
            let place = chunks.saturating_add(1);
            let header = match header_at(medium, shape, slot, place).map_err(VaultError::Medium)? {
                Found::Header(header)
                    if belongs(&header, generation, place) && header.kind != Kind::Head =>
                {
                    header
                }
                // An end behind it tells whether it broke off here, or was whole once.
                _ => {
                    let Some(at) = shape.at(slot, place).filter(|_| hole.is_none()) else { break };
                    hole = Some((chunks, at));
                    chunks = place;
                    continue;
                }
            };
            if header.kind == Kind::End {
                let end = body::<M, End>(medium, shape, slot, &header, buf)?;
                let Some(end) = end.filter(|end| end.chunks == chunks) else { break };
                if let Some((chunk, (segment, offset))) = hole {
                    return Ok(Contents::Rotten(Rot { chunk, segment, offset }));
                }
                if end.bytes != bytes {
                    break;
                }
                let manifest = Manifest { chunks, bytes, crc: end.crc, ..announced };
                let stored = Stored { slot, shape: *shape, generation, origin, manifest };
                return Ok(Contents::Whole(stored));
            }
            chunks = place;
            bytes = bytes.saturating_add(u64::from(header.len));
        }
        let chunks = hole.map_or(chunks, |(chunks, _)| chunks);
        // Of one of its own the image is gone; a transfer goes on only in chunks of today's length.
        if origin == Origin::Own || self.shape.is_none_or(|today| today.chunk != shape.chunk) {
            return Ok(Contents::Nothing);
        }
        // Rot in a sealed one leaves its end where it was. Chunks that go on in front of it would
        // count before they are durable.
        let last = announced.chunks.saturating_add(1);
        if self.has_end(medium, shape, (slot, generation), last, buf)? {
            return Ok(Contents::Nothing);
        }
        let part = Staged {
            slot,
            generation,
            announced,
            origin,
            chunks: 0,
            bytes: 0,
            crc: Crc::new(),
            unsynced: 0,
        };
        let kept = self.check_part(medium, shape, part, chunks, buf)?;
        Ok(kept.map_or(Contents::Nothing, Contents::Part))
    }

    /// Whether an intact end stands at `place`.
    fn has_end<M: Medium>(
        &self,
        medium: &mut M,
        shape: &Shape,
        (slot, generation): (Slot, Generation),
        place: u32,
        buf: &mut [u8],
    ) -> Result<bool, VaultError<M::Error>> {
        let found = header_at(medium, shape, slot, place).map_err(VaultError::Medium)?;
        match found {
            Found::Header(header)
                if header.kind == Kind::End && belongs(&header, generation, place) =>
            {
                Ok(body::<M, End>(medium, shape, slot, &header, buf)?.is_some())
            }
            _ => Ok(false),
        }
    }

    /// Keeps the intact chunks of a broken transfer, but for those in its last segment: what the
    /// power cut left there must be erased before anything is written.
    fn check_part<M: Medium>(
        &self,
        medium: &mut M,
        shape: &Shape,
        mut part: Staged,
        chunks: u32,
        buf: &mut [u8],
    ) -> Result<Option<Staged>, VaultError<M::Error>> {
        let mut kept = None;
        while part.chunks < chunks {
            let place = part.chunks.saturating_add(1);
            if shape.at(part.slot, place).is_some_and(|(_, offset)| offset == 0) {
                kept = Some(part.clone());
            }
            let found = header_at(medium, shape, part.slot, place).map_err(VaultError::Medium)?;
            let Found::Header(header) = found else { break };
            let Some(into) = buf.get_mut(..header.len as usize) else { break };
            let state =
                body_at(medium, shape, part.slot, &header, into).map_err(VaultError::Medium)?;
            if state == Body::Damaged {
                break;
            }
            // What can be read need not be durable: the seal syncs it.
            part.add(into);
        }
        Ok(kept)
    }
}

/// The decoded body behind `header`; `None` when it is damaged.
fn body<'a, M: Medium, T: serde::Deserialize<'a>>(
    medium: &mut M,
    shape: &Shape,
    slot: Slot,
    header: &Header,
    buf: &'a mut [u8],
) -> Result<Option<T>, VaultError<M::Error>> {
    let Some(into) = buf.get_mut(..header.len as usize) else { return Ok(None) };
    match body_at(medium, shape, slot, header, into).map_err(VaultError::Medium)? {
        Body::Damaged => Ok(None),
        Body::Intact => Ok(postcard::from_bytes(into).ok()),
    }
}
