//! Linearizable reads without log entries (dissertation §6.4, ReadIndex).
//!
//! Each quorum round has its own number, carried by appends and their answers, so an old
//! acknowledgement never confirms a newer read. Reads asked for between two polls share a round.

use crate::types::Index;

/// Names a read, and every read before it in this run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ReadId(pub(crate) u64);

impl ReadId {
    /// The number; later reads never have a smaller one.
    pub const fn get(self) -> u64 {
        self.0
    }
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Reads {
    /// The round of the newest read.
    asked: u64,
    /// The newest round that was started.
    started: u64,
    /// Answered, or given up, through this round.
    settled: u64,
    /// A confirmed round, and what must be applied before its reads are answered.
    confirmed: Option<(u64, Index)>,
}

impl Reads {
    /// Takes a read, to be confirmed by a round that has not started yet.
    pub(crate) fn ask(&mut self) -> ReadId {
        self.asked = self.started.saturating_add(1);
        ReadId(self.asked)
    }

    /// Whether a read waits for its round to start.
    pub(crate) fn wants_round(&self) -> bool {
        self.asked > self.started
    }

    /// Starts the round that was asked for.
    pub(crate) fn start_round(&mut self) {
        self.started = self.asked;
    }

    /// The newest round.
    pub(crate) fn round(&self) -> u64 {
        self.started
    }

    /// Whether a started round waits for its quorum and may be confirmed now.
    pub(crate) fn wants_quorum(&self) -> bool {
        self.confirmed.is_none() && self.settled < self.asked.min(self.started)
    }

    /// A majority has answered `round` while `commit` was the commit index. Later than when the
    /// reads were asked for, so it covers them.
    pub(crate) fn confirm(&mut self, round: u64, commit: Index) {
        if round > self.settled && self.confirmed.is_none() {
            self.confirmed = Some((round, commit));
        }
    }

    /// Whether confirmed reads wait for entries to be applied.
    pub(crate) fn is_confirmed(&self) -> bool {
        self.confirmed.is_some()
    }

    /// The reads that may be answered once `applied` is.
    pub(crate) fn ready(&mut self, applied: Index) -> Option<ReadId> {
        let (round, index) = self.confirmed?;
        if applied < index {
            return None;
        }
        self.confirmed = None;
        self.settled = round;
        Some(ReadId(round))
    }

    /// Gives up the reads that wait.
    pub(crate) fn abandon(&mut self) -> Option<ReadId> {
        let waiting = self.asked > self.settled;
        self.confirmed = None;
        self.started = self.asked;
        self.settled = self.asked;
        waiting.then_some(ReadId(self.asked))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_given_up_is_not_answered_by_a_later_leadership() {
        let mut reads = Reads::default();
        reads.ask();
        reads.start_round();
        assert_eq!(reads.abandon(), Some(ReadId(1)));
        assert!(!reads.wants_quorum());
        reads.confirm(1, Index::ZERO);
        assert_eq!((reads.ready(Index(9)), reads.abandon()), (None, None));
        assert_eq!(reads.ask(), ReadId(2));
    }
}
