//! What the medium's geometry means for blocks, and how many segments a log needs.

use super::Limits;
use super::layout::{BASE_BODY, HEAD, HEADER};
use super::medium::Geometry;
use super::stage::Grain;

/// Blocks begin at multiples of this, so that looking for them takes an eighth of the steps.
const STRIDE_MIN: u32 = 8;

/// A checked geometry.
#[derive(Clone, Copy, Debug)]
pub(super) struct Shape {
    pub(super) segments: u32,
    /// Bytes of a segment that blocks may use: a multiple of the stride.
    pub(super) usable: u32,
    pub(super) granularity: u32,
    pub(super) stride: u32,
    pub(super) erased: u8,
}

impl Shape {
    /// `None` where the sizes do not go together or no segment could hold a head.
    pub(super) fn new(geometry: &Geometry) -> Option<Self> {
        let Geometry { segments, segment_bytes, granularity, erased } = *geometry;
        let mask = granularity.checked_sub(1)?;
        let aligned = granularity.is_power_of_two() && segment_bytes & mask == 0;
        let stride = granularity.max(STRIDE_MIN);
        let usable = segment_bytes & !stride.wrapping_sub(1);
        let shape = Self { segments, usable, granularity, stride, erased };
        let possible = aligned
            && granularity <= Geometry::GRANULARITY_MAX
            && segments >= 2
            && segment_bytes <= i32::MAX as u32
            && shape.body_room(shape.head_len()).is_some();
        possible.then_some(shape)
    }

    /// How the medium takes writes.
    pub(super) const fn grain(&self) -> Grain {
        Grain { granularity: self.granularity, erased: self.erased }
    }

    /// Bytes a block of `content` header and body bytes takes.
    pub(super) const fn padded(&self, content: u32) -> u32 {
        let mask = self.stride.wrapping_sub(1);
        content.saturating_add(mask) & !mask
    }

    /// Where the first block after a head begins.
    pub(super) const fn head_len(&self) -> u32 {
        self.padded(HEAD as u32)
    }

    /// The longest body a block at `at` may have, if one may stand there at all. There is always
    /// room left for a seal, so that a clean stop needs no new segment.
    pub(super) fn body_room(&self, at: u32) -> Option<u32> {
        let seal = self.padded(HEADER as u32);
        self.usable.checked_sub(seal)?.checked_sub(at)?.checked_sub(HEADER as u32)
    }

    /// The slot after `slot`, round the end.
    pub(super) const fn after(&self, slot: u32) -> u32 {
        let next = slot.saturating_add(1);
        if next >= self.segments { 0 } else { next }
    }

    /// How many segments a journal needs that keeps `reserve` of them free: as many again for the
    /// log that is rewritten.
    pub(super) const fn needed(&self, reserve: u32) -> u32 {
        reserve.saturating_mul(2)
    }

    /// How many segments a checkpoint of `limits.ring_bytes` can take: as many stay free. `None`
    /// when a frame may not fit into any. O(result).
    pub(super) fn reserve(&self, limits: &Limits) -> Option<u32> {
        let room = self.body_room(self.head_len())?;
        let longest = u32::try_from(limits.max_frame.max(BASE_BODY)).ok()?;
        // A segment is left at the first frame that does not fit: all but that many are used ...
        let filled = room.checked_sub(longest)?.checked_add(1)?;
        let ring = u64::try_from(limits.ring_bytes).ok()?;
        // ... and that frame opens the next, so any two neighbours hold more than one could.
        let (mut left, mut pairs_left, mut segments) = (ring, ring, 1_u32);
        while left > u64::from(room) && pairs_left > u64::from(room) {
            left = left.saturating_sub(u64::from(filled));
            segments = segments.checked_add(1)?;
            if segments & 1 == 1 {
                pairs_left = pairs_left.saturating_sub(u64::from(room));
            }
        }
        Some(segments)
    }
}
