//! Writing a snapshot into the spare slot, and the switch to it.

use super::record::{End, Generation, HEAD_BODY_MAX, Head, Header, Kind};
use super::shape::Shape;
use super::{Origin, Slot, Staged, Stored, Vault, VaultError};
use crate::crc::{Crc, checksum};
use crate::journal::{Grain, Medium, write_block};
use crate::manifest::Manifest;

/// The longest body of an end: two varints of 32 bits and one of 64.
const END_BODY_MAX: usize = 5 + 10 + 5;

impl Vault {
    /// Begins a snapshot in the spare slot, in place of what may have been begun there. Of an
    /// [own](Origin::Own) one only position and membership count. O(1), and an erase.
    ///
    /// # Errors
    /// Why it was not begun. The newest snapshot stays.
    pub fn begin<M: Medium>(
        &mut self,
        medium: &mut M,
        origin: Origin,
        announced: &Manifest,
    ) -> Result<(), VaultError<M::Error>> {
        self.staged = None;
        let shape = self.shape.ok_or(VaultError::NoPlace)?;
        let announced = match origin {
            Origin::Own => Manifest { chunks: 0, bytes: 0, crc: 0, ..*announced },
            Origin::Peer => *announced,
        };
        let most = shape.chunks_max();
        if announced.chunks > most {
            return Err(VaultError::TooLarge { most });
        }
        let slot = self.newest.map_or(Slot::First, |newest| newest.slot.other());
        self.count = self.count.checked_add(1).ok_or(VaultError::Exhausted)?;
        let generation = Generation::new(self.count, self.nonce);
        let mut body = [0; HEAD_BODY_MAX];
        let head = Head::new(&self.owner, shape.chunk, origin, announced);
        let body = postcard::to_slice(&head, &mut body).map_err(|_| VaultError::NotBegun)?;
        put(medium, &shape, slot, (Kind::Head, 0, generation), body)?;
        self.staged = Some(Staged {
            slot,
            generation,
            announced,
            origin,
            chunks: 0,
            bytes: 0,
            crc: Crc::new(),
            unsynced: body.len() as u64,
        });
        Ok(())
    }

    /// Writes the next chunk: 1 to [`Vault::chunk_max`] bytes. Not durable before a
    /// [`sync`](Vault::sync) or the [seal](Vault::seal). O(bytes), and an erase where a segment
    /// begins.
    ///
    /// # Errors
    /// Why it was not written; what was begun is then given up. The newest snapshot stays.
    pub fn put<M: Medium>(
        &mut self,
        medium: &mut M,
        chunk: &[u8],
    ) -> Result<(), VaultError<M::Error>> {
        let shape = self.shape.ok_or(VaultError::NoPlace)?;
        let mut staged = self.staged.take().ok_or(VaultError::NotBegun)?;
        let most = shape.chunk as usize;
        if chunk.is_empty() || chunk.len() > most {
            return Err(VaultError::ChunkLength { given: chunk.len(), most });
        }
        let most = shape.chunks_max();
        if staged.chunks >= most {
            return Err(VaultError::TooLarge { most });
        }
        let next = staged.chunks.saturating_add(1);
        put(medium, &shape, staged.slot, (Kind::Chunk, next, staged.generation), chunk)?;
        staged.add(chunk);
        self.staged = Some(staged);
        Ok(())
    }

    /// Makes durable what was written so far, so that the seal has less to wait for.
    ///
    /// # Errors
    /// Why it may not be durable; what was begun is then given up.
    pub fn sync<M: Medium>(&mut self, medium: &mut M) -> Result<(), VaultError<M::Error>> {
        let mut staged = self.staged.take().ok_or(VaultError::NotBegun)?;
        medium.sync().map_err(VaultError::Medium)?;
        staged.unsynced = 0;
        self.staged = Some(staged);
        Ok(())
    }

    /// Ends the snapshot that is being written: syncs it, writes the end record, syncs that. From
    /// then on it is the newest, and its manifest is returned.
    ///
    /// # Errors
    /// Why it is not; what was begun is then given up, and the newest snapshot stays.
    pub fn seal<M: Medium>(&mut self, medium: &mut M) -> Result<Manifest, VaultError<M::Error>> {
        let shape = self.shape.ok_or(VaultError::NoPlace)?;
        let staged = self.staged.take().ok_or(VaultError::NotBegun)?;
        let manifest = staged.manifest();
        if staged.origin == Origin::Peer && manifest != staged.announced {
            return Err(VaultError::NotAsAnnounced);
        }
        medium.sync().map_err(VaultError::Medium)?;
        let Manifest { chunks, bytes, crc, .. } = manifest;
        let mut body = [0; END_BODY_MAX];
        let body = postcard::to_slice(&End { chunks, bytes, crc }, &mut body)
            .map_err(|_| VaultError::NotBegun)?;
        let place = chunks.saturating_add(1);
        put(medium, &shape, staged.slot, (Kind::End, place, staged.generation), body)?;
        medium.sync().map_err(VaultError::Medium)?;
        let Staged { slot, generation, origin, .. } = staged;
        self.newest = Some(Stored { slot, shape, generation, origin, manifest });
        Ok(manifest)
    }

    /// Gives up what is being written.
    pub fn abandon(&mut self) {
        self.staged = None;
    }
}

impl Staged {
    /// One more chunk is written. The CRC covers where chunks end, too: nodes may cut equal bytes
    /// into pieces differently, and the chunks of one are not those of the other.
    pub(super) fn add(&mut self, chunk: &[u8]) {
        self.chunks = self.chunks.saturating_add(1);
        self.bytes = self.bytes.saturating_add(chunk.len() as u64);
        self.crc.update(&(chunk.len() as u32).to_le_bytes());
        self.crc.update(chunk);
        self.unsynced = self.unsynced.saturating_add(chunk.len() as u64);
    }

    /// What it is, as far as it is written.
    pub(super) fn manifest(&self) -> Manifest {
        let crc = self.crc.clone().finish();
        Manifest { chunks: self.chunks, bytes: self.bytes, crc, ..self.announced }
    }
}

/// Writes one record at its place; erases the segment first where it is the first of one.
fn put<M: Medium>(
    medium: &mut M,
    shape: &Shape,
    slot: Slot,
    (kind, place, generation): (Kind, u32, Generation),
    body: &[u8],
) -> Result<(), VaultError<M::Error>> {
    let most = shape.chunks_max();
    let (segment, offset) = shape.at(slot, place).ok_or(VaultError::TooLarge { most })?;
    if offset == 0 {
        medium.erase(segment).map_err(VaultError::Medium)?;
    }
    let header =
        Header { kind, place, len: body.len() as u32, body_crc: checksum(body), generation };
    let grain = Grain { granularity: shape.granularity, erased: shape.erased };
    write_block(medium, grain, (segment, offset), &header.encode(), &[body])
        .map_err(VaultError::Medium)
}
