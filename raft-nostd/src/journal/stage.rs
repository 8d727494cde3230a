//! Writes one block so that every write is aligned to the granularity and no byte is written twice.

use super::layout::{HEADER, Header};
use super::medium::{Geometry, Medium};
use super::shape::Shape;

/// How a medium takes writes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Grain {
    /// As in [`Geometry`].
    pub(crate) granularity: u32,
    /// As in [`Geometry`].
    pub(crate) erased: u8,
}

const STAGE: usize = Geometry::GRANULARITY_MAX as usize;

/// Writes `header` and the body in `parts` at `at` of `slot`. O(bytes).
pub(crate) fn write_block<M: Medium>(
    medium: &mut M,
    grain: Grain,
    (slot, at): (u32, u32),
    header: &[u8],
    parts: &[&[u8]],
) -> Result<(), M::Error> {
    let mut stage = Stage { medium, grain, slot, at, held: [grain.erased; STAGE], len: 0 };
    stage.put(header)?;
    for part in parts {
        stage.put(part)?;
    }
    stage.finish()
}

/// The length of a block with this header, as it lies on the medium.
pub(super) fn block_len(shape: &Shape, header: &Header) -> u32 {
    shape.padded((HEADER as u32).saturating_add(header.body_len))
}

struct Stage<'a, M> {
    medium: &'a mut M,
    grain: Grain,
    slot: u32,
    at: u32,
    /// Bytes that do not fill a write yet; the rest holds the erased byte.
    held: [u8; STAGE],
    len: usize,
}

impl<M: Medium> Stage<'_, M> {
    fn put(&mut self, bytes: &[u8]) -> Result<(), M::Error> {
        let mut rest = bytes;
        if self.len > 0 {
            rest = self.hold(rest);
            if self.len < self.unit() {
                return Ok(());
            }
            self.flush()?;
        }
        let whole = rest.len() & !self.unit().wrapping_sub(1);
        if let Some((direct, tail)) = rest.split_at_checked(whole) {
            if !direct.is_empty() {
                self.medium.write(self.slot, self.at, direct)?;
                self.at = self.at.saturating_add(direct.len() as u32);
            }
            self.hold(tail);
        }
        Ok(())
    }

    const fn unit(&self) -> usize {
        self.grain.granularity as usize
    }

    /// Keeps what fits into one write and returns the rest.
    fn hold<'b>(&mut self, bytes: &'b [u8]) -> &'b [u8] {
        let room = self.unit().saturating_sub(self.len).min(bytes.len());
        let end = self.len.saturating_add(room);
        match (self.held.get_mut(self.len..end), bytes.split_at_checked(room)) {
            (Some(into), Some((taken, rest))) if into.len() == taken.len() => {
                into.copy_from_slice(taken);
                self.len = end;
                rest
            }
            _ => bytes,
        }
    }

    fn flush(&mut self) -> Result<(), M::Error> {
        let unit = self.unit();
        if let Some(full) = self.held.get(..unit) {
            self.medium.write(self.slot, self.at, full)?;
        }
        self.at = self.at.saturating_add(self.grain.granularity);
        self.held = [self.grain.erased; STAGE];
        self.len = 0;
        Ok(())
    }

    fn finish(mut self) -> Result<(), M::Error> {
        if self.len > 0 { self.flush() } else { Ok(()) }
    }
}
