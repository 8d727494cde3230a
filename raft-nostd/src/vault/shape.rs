//! Where each record of a slot stands.

use super::Slot;
use super::record::{HEAD_BODY_MAX, HEADER};
use crate::journal::Geometry;

/// A checked geometry.
#[derive(Clone, Copy, Debug)]
pub(super) struct Shape {
    pub(super) granularity: u32,
    pub(super) erased: u8,
    /// Bytes in the longest chunk.
    pub(super) chunk: u32,
    /// Bytes a record takes.
    record: u32,
    /// Records in a segment.
    per_segment: u32,
    /// Segments in a slot.
    segments: u32,
}

impl Shape {
    /// `None` where not even an empty snapshot has a place.
    pub(super) fn new(geometry: &Geometry, chunk: u32) -> Option<Self> {
        let Geometry { segments, segment_bytes, granularity, erased } = *geometry;
        let mask = granularity.checked_sub(1)?;
        let aligned = granularity.is_power_of_two()
            && granularity <= Geometry::GRANULARITY_MAX
            && segment_bytes & mask == 0;
        let record = Self::record(geometry, chunk)?;
        let per_segment = segment_bytes.checked_div(record)?;
        let shape =
            Self { granularity, erased, chunk, record, per_segment, segments: segments >> 1 };
        (aligned && shape.records() >= 3).then_some(shape)
    }

    /// Bytes a record takes: a header, and the longest chunk or the head.
    pub(super) fn record(geometry: &Geometry, chunk: u32) -> Option<u32> {
        let mask = geometry.granularity.checked_sub(1)?;
        let body = chunk.max(HEAD_BODY_MAX as u32);
        Some(body.checked_add(HEADER as u32)?.checked_add(mask)? & !mask)
    }

    /// Records in a slot.
    fn records(&self) -> u32 {
        self.per_segment.saturating_mul(self.segments)
    }

    /// The most chunks a snapshot may have: head and end take a place each.
    pub(super) fn chunks_max(&self) -> u32 {
        self.records().saturating_sub(2)
    }

    /// Whether a body of `len` bytes has room in a record.
    pub(super) fn fits(&self, len: u32) -> bool {
        len <= self.record.saturating_sub(HEADER as u32)
    }

    /// The segment and the offset of the record at `place` in `slot`, if there is such a place.
    pub(super) fn at(&self, slot: Slot, place: u32) -> Option<(u32, u32)> {
        let segment = place.checked_div(self.per_segment)?;
        if segment >= self.segments {
            return None;
        }
        let offset = place.checked_sub(segment.checked_mul(self.per_segment)?)?;
        // The slots take turns, so that a medium may get more segments and every place stays.
        let turn = match slot {
            Slot::First => 0,
            Slot::Second => 1,
        };
        let segment = segment.checked_mul(2)?.checked_add(turn)?;
        Some((segment, offset.checked_mul(self.record)?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn geometry(segments: u32, segment_bytes: u32, granularity: u32) -> Geometry {
        Geometry { segments, segment_bytes, granularity, erased: 0xff }
    }

    #[test]
    fn no_two_records_overlap_and_none_leaves_its_segment() {
        let geometry = geometry(6, 2_048, 8);
        let shape = Shape::new(&geometry, 500).unwrap();
        let mut taken = std::collections::BTreeSet::new();
        for slot in Slot::BOTH {
            for place in 0..shape.records() {
                let (segment, offset) = shape.at(slot, place).unwrap();
                assert!(segment < geometry.segments && offset % 8 == 0);
                assert!(offset + shape.record <= geometry.segment_bytes);
                assert!(taken.insert((segment, offset)));
            }
            assert_eq!(shape.at(slot, shape.records()), None);
        }
        let starts: Vec<_> = taken.into_iter().collect();
        for pair in starts.windows(2) {
            assert!(pair[0].0 < pair[1].0 || pair[0].1 + shape.record <= pair[1].1);
        }
    }

    #[test]
    fn what_is_too_small_has_no_place() {
        assert!(Shape::new(&geometry(0, 0, 1), 100).is_none());
        assert!(Shape::new(&geometry(2, 100, 1), 100).is_none());
        assert!(Shape::new(&geometry(1, 4_096, 1), 100).is_none());
        assert!(Shape::new(&geometry(2, 4_096, 3), 100).is_none());
        assert!(Shape::new(&geometry(2, 4_096, 1), u32::MAX).is_none());
        assert!(Shape::new(&geometry(2, 4_096, 1), 100).is_some());
    }
    use std::vec::Vec;
}
