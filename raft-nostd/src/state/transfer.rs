//! How far a leader has come with sending its snapshot to one follower (dissertation §5.3).

use crate::time::Instant;
use crate::wire::{Install, Receipt};

/// Chunks are sent in order and acknowledged by their number; after a loss they are sent again
/// from there.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Transfer {
    /// Chunks that the follower has, as far as heard.
    pub(crate) acked: u32,
    /// The next chunk to send.
    pub(crate) next: u32,
    /// What the last answer said: less than `acked` when it was late, or since a restart.
    heard: u32,
    /// The gap that was answered to last: many datagrams tell of one loss.
    mended: Option<u32>,
    pub(crate) pace: Pace,
    /// When the follower last got further, or the first unanswered chunk was sent.
    advanced_at: Instant,
}

/// Whether chunks are sent at present.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Pace {
    /// As the window allows.
    #[default]
    Flowing,
    /// Not before the next heartbeat: the follower has no place.
    Held,
    /// A heartbeat without a chunk comes first: long datagrams may be what gets lost, and the follower
    /// must hear its leader.
    Bare,
}

impl Transfer {
    /// The follower has `chunks` of them.
    pub(crate) fn answered(&mut self, chunks: u32, receipt: Receipt, now: Instant) {
        if receipt == Receipt::Declined {
            *self = Self { pace: Pace::Held, advanced_at: now, ..Self::default() };
            return;
        }
        self.heard = chunks;
        if chunks < self.acked {
            // Late, or the follower has lost some by a restart: the next heartbeat will tell. To go
            // back at once would answer every late answer with a window full of chunks, each of
            // which is answered in turn.
            return;
        }
        if chunks > self.acked {
            self.advanced_at = now;
            self.mended = None;
        }
        self.acked = chunks;
        self.next = self.next.max(chunks);
        if receipt == Receipt::Gap && self.mended != Some(chunks) {
            self.mended = Some(chunks);
            self.next = chunks;
        }
    }

    /// The chunk at `next` was sent.
    pub(crate) fn sent(&mut self, now: Instant) {
        if self.next == self.acked {
            self.advanced_at = now;
        }
        self.next = self.next.saturating_add(1);
    }

    /// A heartbeat is due. What was sent a whole heartbeat ago and is not known to have arrived, or
    /// is known to be lost, is sent again.
    pub(crate) fn beat(&mut self, overdue_before: Instant) {
        self.pace = Pace::Flowing;
        if self.next > self.heard && self.advanced_at <= overdue_before {
            self.acked = self.heard;
            self.next = self.heard;
            self.mended = None;
            self.pace = Pace::Bare;
        }
    }

    /// A heartbeat without a chunk was sent.
    pub(crate) fn beaten(&mut self) {
        if self.pace == Pace::Bare {
            self.pace = Pace::Flowing;
        }
    }

    /// Whether the follower has got further since `before`.
    pub(crate) fn has_advanced_since(&self, before: Instant) -> bool {
        self.acked > 0 && self.advanced_at > before
    }
}

/// A chunk, or a heartbeat without one, for the peer at a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Parcel {
    pub(crate) install: Install,
    pub(crate) content: Content,
}

/// What an [`Install`] brings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Content {
    Chunk,
    Nothing,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sent(chunks: u32) -> Transfer {
        let mut transfer = Transfer::default();
        for _ in 0..chunks {
            transfer.sent(Instant::ORIGIN);
        }
        transfer
    }

    #[test]
    fn one_loss_is_mended_once() {
        let mut transfer = sent(9);
        transfer.answered(4, Receipt::Gap, Instant::ORIGIN);
        assert_eq!((transfer.acked, transfer.next), (4, 4));
        transfer.sent(Instant::ORIGIN);
        transfer.answered(4, Receipt::Gap, Instant::ORIGIN);
        assert_eq!(transfer.next, 5);
        transfer.answered(5, Receipt::Gap, Instant::ORIGIN);
        assert_eq!(transfer.next, 5);
    }

    #[test]
    fn a_follower_that_lost_its_chunks_gets_them_again() {
        let mut transfer = sent(9);
        transfer.answered(9, Receipt::Taken, Instant::ORIGIN);
        transfer.answered(0, Receipt::Taken, Instant::ORIGIN);
        assert_eq!((transfer.acked, transfer.next), (9, 9));
        transfer.beat(Instant::ORIGIN);
        assert_eq!((transfer.acked, transfer.next), (0, 0));
    }

    #[test]
    fn a_late_answer_sends_nothing_again() {
        let mut transfer = sent(9);
        transfer.answered(6, Receipt::Taken, Instant::ORIGIN);
        transfer.answered(4, Receipt::Gap, Instant::ORIGIN);
        transfer.answered(7, Receipt::Taken, Instant::from_micros(5));
        transfer.beat(Instant::from_micros(4));
        assert_eq!((transfer.acked, transfer.next), (7, 9));
    }

    #[test]
    fn silence_sends_again() {
        let mut transfer = sent(9);
        transfer.answered(2, Receipt::Taken, Instant::from_micros(5));
        transfer.beat(Instant::from_micros(4));
        assert_eq!(transfer.next, 9);
        transfer.beat(Instant::from_micros(5));
        assert_eq!(transfer.next, 2);
    }
}
