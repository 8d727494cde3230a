//! Consecutive frames as they lie in the ring: at most two runs of bytes.

use super::{Entry, decode};
use crate::types::Index;

/// Frames of consecutive entries, borrowed from the log's memory.
///
/// The ring wraps at most once, so two slices hold any range; a frame never straddles them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Frames<'a> {
    first: Index,
    count: u64,
    before_wrap: &'a [u8],
    after_wrap: &'a [u8],
}

impl<'a> Frames<'a> {
    /// No frames; the next would stand at `first`.
    pub const fn none(first: Index) -> Self {
        Self { first, count: 0, before_wrap: &[], after_wrap: &[] }
    }

    /// `count` whole frames from `first` on, in one or two slices.
    pub const fn new(
        first: Index,
        count: u64,
        before_wrap: &'a [u8],
        after_wrap: &'a [u8],
    ) -> Self {
        Self { first, count, before_wrap, after_wrap }
    }

    /// The index of the first frame (or where it would stand).
    pub const fn first(&self) -> Index {
        self.first
    }

    /// How many frames.
    pub const fn count(&self) -> u64 {
        self.count
    }

    /// Whether there are none.
    pub const fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// All bytes of all frames.
    pub fn byte_len(&self) -> usize {
        self.before_wrap.len().saturating_add(self.after_wrap.len())
    }

    /// The bytes, in order; the second slice is empty unless the range wraps.
    pub const fn slices(&self) -> [&'a [u8]; 2] {
        [self.before_wrap, self.after_wrap]
    }

    /// The entries, decoded one by one without checking their CRCs.
    pub const fn iter(&self) -> FrameIter<'a> {
        FrameIter { here: self.before_wrap, then: self.after_wrap }
    }
}

impl<'a> IntoIterator for &Frames<'a> {
    type Item = Entry<'a>;
    type IntoIter = FrameIter<'a>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

/// Iterates over the entries of [`Frames`]; ends early at bytes that are no frame.
#[derive(Clone, Debug)]
pub struct FrameIter<'a> {
    here: &'a [u8],
    then: &'a [u8],
}

impl<'a> Iterator for FrameIter<'a> {
    type Item = Entry<'a>;

    fn next(&mut self) -> Option<Entry<'a>> {
        if self.here.is_empty() {
            self.here = core::mem::take(&mut self.then);
        }
        let entry = decode(self.here).ok()?;
        self.here = self.here.get(entry.frame.len()..)?;
        Some(entry)
    }
}
