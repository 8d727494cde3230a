//! Reading single pieces of a journal: a head, a header, a body's checksum, whatever looks like a
//! block.

use super::layout::{Generation, HEAD, HEADER, Head, HeadFault, Header};
use super::medium::Medium;
use super::shape::Shape;
use super::stage::block_len;
use crate::crc::Crc;

/// A medium with what is needed to read blocks from it.
pub(super) struct Reader<'a, M> {
    pub(super) medium: &'a mut M,
    pub(super) shape: Shape,
    pub(super) salt: u64,
    /// At least [`BUFFER_MIN`](super::BUFFER_MIN) bytes.
    pub(super) buf: &'a mut [u8],
}

/// What the intact headers of the whole medium say together.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Claims {
    /// The highest sequence that any block knew to be durable. Such a word stays true for ever: a
    /// sequence is only given away again by a cut, and nothing is cut that any block says is
    /// durable.
    pub(super) synced: u64,
    /// The highest count of a generation.
    pub(super) count: u32,
}

impl<M: Medium> Reader<'_, M> {
    /// The head at the start of `slot`.
    pub(super) fn head(&mut self, slot: u32) -> Result<Result<Head, HeadFault>, M::Error> {
        let mut bytes = [0; HEAD];
        self.medium.read(slot, 0, &mut bytes)?;
        Ok(Head::decode(&bytes))
    }

    /// The header at `at`, whole and inside the segment with its body, or `None`.
    pub(super) fn header(&mut self, slot: u32, at: u32) -> Result<Option<Header>, M::Error> {
        let Some(room) = self.shape.usable.checked_sub(at.saturating_add(HEADER as u32)) else {
            return Ok(None);
        };
        let mut bytes = [0; HEADER];
        self.medium.read(slot, at, &mut bytes)?;
        Ok(Header::decode(&bytes, self.salt).filter(|header| header.body_len <= room))
    }

    /// Whether the bytes at `at` begin as a header of `generation` would: a torn one.
    pub(super) fn resembles(
        &mut self,
        slot: u32,
        at: u32,
        generation: Generation,
    ) -> Result<bool, M::Error> {
        let mut bytes = [0; 16];
        if at.saturating_add(HEADER as u32) > self.shape.usable {
            return Ok(false);
        }
        self.medium.read(slot, at, &mut bytes)?;
        Ok(generation.begins(&bytes))
    }

    /// Whether the body of the block at `at` matches its header. O(body).
    pub(super) fn body_matches(
        &mut self,
        slot: u32,
        at: u32,
        header: &Header,
    ) -> Result<bool, M::Error> {
        let mut crc = Crc::new();
        let mut from = at.saturating_add(HEADER as u32);
        let mut left = header.body_len;
        while left > 0 {
            let len = left.min(self.buf_len());
            let Some(window) = self.buf.get_mut(..len as usize) else { break };
            self.medium.read(slot, from, window)?;
            crc.update(window);
            from = from.saturating_add(len);
            left = left.saturating_sub(len);
        }
        Ok(crc.finish() == header.body_crc)
    }

    pub(super) fn buf_len(&self) -> u32 {
        u32::try_from(self.buf.len()).unwrap_or(u32::MAX)
    }

    /// Calls `each` with every intact header of the journal in `slot` from `from` on, whether it
    /// counts or not. O(segment).
    pub(super) fn each_header(
        &mut self,
        slot: u32,
        from: u32,
        each: &mut dyn FnMut(&Header),
    ) -> Result<(), M::Error> {
        let mut at = from;
        loop {
            let len = self.shape.usable.saturating_sub(at).min(self.buf_len());
            let Some(window) = self.buf.get_mut(..len as usize) else { return Ok(()) };
            if window.len() < HEADER {
                return Ok(());
            }
            self.medium.read(slot, at, window)?;
            let mut rest: &[u8] = window;
            let mut found = None;
            while let Some(bytes) = rest.first_chunk::<HEADER>() {
                found = Header::decode(bytes, self.salt);
                if found.is_some() {
                    break;
                }
                at = at.saturating_add(self.shape.stride);
                rest = rest.get(self.shape.stride as usize..).unwrap_or(&[]);
            }
            if let Some(header) = found {
                each(&header);
                // Inside an intact block there is nothing but payload.
                let room = self.shape.usable.saturating_sub(at).saturating_sub(HEADER as u32);
                let whole = header.body_len <= room && self.body_matches(slot, at, &header)?;
                let len = if whole { block_len(&self.shape, &header) } else { self.shape.stride };
                at = at.saturating_add(len);
            }
        }
    }

    /// What all headers say. O(medium).
    pub(super) fn claims(&mut self) -> Result<Claims, M::Error> {
        let mut claims = Claims::default();
        for slot in 0..self.shape.segments {
            self.each_header(slot, 0, &mut |header| {
                claims.synced = claims.synced.max(header.synced);
                claims.count = claims.count.max(header.generation.count());
            })?;
        }
        Ok(claims)
    }

    /// The first byte of `slot` from `from` on that is not blank. O(segment).
    pub(super) fn first_written(&mut self, slot: u32, from: u32) -> Result<Option<u32>, M::Error> {
        let mut at = from;
        loop {
            let len = self.shape.usable.saturating_sub(at).min(self.buf_len());
            let Some(window) = self.buf.get_mut(..len as usize).filter(|w| !w.is_empty()) else {
                return Ok(None);
            };
            self.medium.read(slot, at, window)?;
            let erased = self.shape.erased;
            if let Some(place) = window.iter().position(|byte| *byte != erased) {
                return Ok(Some(at.saturating_add(place as u32)));
            }
            at = at.saturating_add(len);
        }
    }
}
