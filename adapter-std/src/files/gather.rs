//! Writes that wait for each other: one contiguous run of bytes in one segment.

/// The run. It holds at most [`Gather::BYTES_MAX`].
#[derive(Debug, Default)]
pub(super) struct Gather {
    segment: u32,
    offset: u32,
    bytes: Vec<u8>,
}

impl Gather {
    /// The longest run in bytes. A run that grows beyond is written in pieces.
    pub(super) const BYTES_MAX: usize = 1 << 20;

    /// Takes `bytes` if they begin where the run ends, or the run is empty, and there is room.
    pub(super) fn take(&mut self, segment: u32, offset: u32, bytes: &[u8]) -> Taken {
        if bytes.len() > Self::BYTES_MAX.saturating_sub(self.bytes.len()) {
            return Taken::No;
        }
        if self.bytes.is_empty() {
            (self.segment, self.offset) = (segment, offset);
        } else if self.segment != segment || self.end() != u64::from(offset) {
            return Taken::No;
        }
        self.bytes.extend_from_slice(bytes);
        Taken::Yes
    }

    /// Whether a read of `length` bytes at `offset` of `segment` would miss bytes of the run.
    pub(super) fn hides(&self, segment: u32, offset: u32, length: usize) -> bool {
        let end = u64::from(offset).saturating_add(length as u64);
        !self.bytes.is_empty()
            && self.segment == segment
            && u64::from(self.offset) < end
            && u64::from(offset) < self.end()
    }

    /// The run to write, if there is any: segment, offset, bytes.
    pub(super) fn run(&self) -> Option<(u32, u32, &[u8])> {
        (!self.bytes.is_empty()).then_some((self.segment, self.offset, self.bytes.as_slice()))
    }

    /// Forgets the run, which was written; keeps its memory.
    pub(super) fn cleared(mut self) -> Self {
        self.bytes.clear();
        self
    }

    fn end(&self) -> u64 {
        u64::from(self.offset).saturating_add(self.bytes.len() as u64)
    }
}

/// Whether bytes joined the run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Taken {
    /// They did.
    Yes,
    /// The run must be written first, or they are too many for any run.
    No,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_grows_only_at_its_end() {
        let mut gather = Gather::default();
        assert_eq!(gather.run(), None);
        assert_eq!(gather.take(1, 10, b"abc"), Taken::Yes);
        assert_eq!(gather.take(1, 13, b"de"), Taken::Yes);
        assert_eq!(gather.take(1, 16, b"gap"), Taken::No);
        assert_eq!(gather.take(1, 14, b"overlap"), Taken::No);
        assert_eq!(gather.take(2, 15, b"other segment"), Taken::No);
        assert_eq!(gather.run(), Some((1, 10, b"abcde".as_slice())));
        let mut gather = gather.cleared();
        assert_eq!(gather.take(2, 15, b"f"), Taken::Yes);
        assert_eq!(gather.run(), Some((2, 15, b"f".as_slice())));
    }

    #[test]
    fn a_run_is_bounded() {
        let mut gather = Gather::default();
        assert_eq!(gather.take(0, 0, &vec![0; Gather::BYTES_MAX + 1]), Taken::No);
        assert_eq!(gather.take(0, 0, &vec![0; Gather::BYTES_MAX]), Taken::Yes);
        assert_eq!(gather.take(0, Gather::BYTES_MAX as u32, b"x"), Taken::No);
    }

    #[test]
    fn a_read_beside_the_run_needs_no_write() {
        let mut gather = Gather::default();
        gather.take(1, 10, b"abc");
        for (segment, offset, length, hidden) in [
            (1, 0, 10, false),
            (1, 0, 11, true),
            (1, 12, 1, true),
            (1, 13, 5, false),
            (1, 11, 0, true),
            (0, 10, 3, false),
        ] {
            assert_eq!(
                gather.hides(segment, offset, length),
                hidden,
                "{segment} {offset} {length}"
            );
        }
    }
}
