//! Who waits for what: writes by position, reads by quorum round, each until a deadline.

use raft_nostd::{Instant, Position, Proposed};
use std::collections::{BTreeMap, VecDeque};

/// A slot in a client's queue of replies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Waiter {
    /// The client, who may be gone by now. Never used for another one.
    pub client: usize,
    /// Its slot.
    pub slot: u64,
}

/// All who wait.
///
/// Proposals of later terms, and later ones of a term, have later positions; reads have growing
/// numbers. So the first of either is also the one that has waited longest.
#[derive(Debug, Default)]
pub struct Waiting {
    writes: BTreeMap<Position, (Waiter, Instant)>,
    reads: VecDeque<(u64, Waiter, Instant)>,
}

impl Waiting {
    /// A write was proposed.
    pub fn add_write(&mut self, position: Position, waiter: Waiter, deadline: Instant) {
        self.writes.insert(position, (waiter, deadline));
    }

    /// A read was asked for.
    pub fn add_read(&mut self, read: u64, waiter: Waiter, deadline: Instant) {
        self.reads.push_back((read, waiter, deadline));
    }

    /// How many writes and reads wait.
    pub fn len(&self) -> (usize, usize) {
        (self.writes.len(), self.reads.len())
    }

    /// Who waits for the write at exactly this position.
    pub fn applied(&mut self, position: Position) -> Option<Waiter> {
        self.writes.remove(&position).map(|(waiter, _)| waiter)
    }

    /// One of those who wait for a write of these. Call until there is none.
    pub fn next_of(&mut self, range: Proposed) -> Option<Waiter> {
        let first = Position { term: range.term, index: range.first };
        let last = Position { term: range.term, index: range.last };
        if first > last {
            return None;
        }
        let position = *self.writes.range(first..=last).next()?.0;
        self.applied(position)
    }

    /// The next who waits for a read up to this one. Call until there is none.
    pub fn next_read(&mut self, through: u64) -> Option<Waiter> {
        self.pop_read(|read, _| read <= through)
    }

    /// The next whose write is overdue. Call until there is none.
    pub fn next_late_write(&mut self, now: Instant) -> Option<Waiter> {
        let entry = self.writes.first_entry()?;
        (entry.get().1 <= now).then(|| entry.remove().0)
    }

    /// The next whose read is overdue. Call until there is none.
    pub fn next_late_read(&mut self, now: Instant) -> Option<Waiter> {
        self.pop_read(|_, deadline| deadline <= now)
    }

    fn pop_read(&mut self, due: impl FnOnce(u64, Instant) -> bool) -> Option<Waiter> {
        let (read, waiter, deadline) = *self.reads.front()?;
        if !due(read, deadline) {
            return None;
        }
        self.reads.pop_front();
        Some(waiter)
    }

    /// When the next one is overdue.
    pub fn deadline(&self) -> Option<Instant> {
        let write = self.writes.first_key_value().map(|(_, (_, deadline))| *deadline);
        let read = self.reads.front().map(|(.., deadline)| *deadline);
        [write, read].into_iter().flatten().min()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use raft_nostd::{Index, Term};

    fn waiter(slot: u64) -> Waiter {
        Waiter { client: 1, slot }
    }

    #[test]
    fn every_write_is_told_once() {
        let mut waiting = Waiting::default();
        for index in 5..9 {
            waiting.add_write(Position::new(2, index), waiter(index), Instant::from_millis(index));
        }
        waiting.add_write(Position::new(4, 6), waiter(46), Instant::from_millis(20));
        assert_eq!(waiting.applied(Position::new(3, 5)), None);
        assert_eq!(waiting.applied(Position::new(2, 5)), Some(waiter(5)));
        assert_eq!(waiting.applied(Position::new(2, 5)), None);
        let lost = Proposed { term: Term(2), first: Index(7), last: Index(8) };
        assert_eq!(waiting.next_of(lost), Some(waiter(7)));
        assert_eq!(waiting.next_of(lost), Some(waiter(8)));
        assert_eq!(waiting.next_of(lost), None);
        assert_eq!(waiting.deadline(), Some(Instant::from_millis(6)));
        assert_eq!(waiting.next_late_write(Instant::from_millis(5)), None);
        assert_eq!(waiting.next_late_write(Instant::from_millis(6)), Some(waiter(6)));
        assert_eq!(waiting.next_late_write(Instant::from_millis(6)), None);
        assert_eq!(waiting.applied(Position::new(4, 6)), Some(waiter(46)));
        assert_eq!(waiting.len(), (0, 0));
        let empty = Proposed { term: Term(2), first: Index(9), last: Index(8) };
        assert_eq!(waiting.next_of(empty), None);
    }

    #[test]
    fn reads_are_told_by_round() {
        let mut waiting = Waiting::default();
        for (slot, read) in [1, 1, 2, 5].into_iter().enumerate() {
            waiting.add_read(read, waiter(slot as u64), Instant::from_millis(9));
        }
        assert_eq!(waiting.next_read(1), Some(waiter(0)));
        assert_eq!(waiting.next_read(1), Some(waiter(1)));
        assert_eq!(waiting.next_read(1), None);
        assert_eq!(waiting.next_read(4), Some(waiter(2)));
        assert_eq!(waiting.next_late_read(Instant::from_millis(9)), Some(waiter(3)));
        assert_eq!(waiting.deadline(), None);
    }
}
