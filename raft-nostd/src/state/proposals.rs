//! The proposals of this node whose fate is open.
//!
//! An entry that is gone from this log may still be on another node, and be committed by a later
//! leader. So a proposal is not lost when it is truncated, but once what is *committed* leaves no
//! place for it: another entry where it stood, or one of a later term before it, since terms never
//! go back in a log. And by Log Matching, where one of a term is lost, all later ones of it are.

use crate::types::{Index, Position, Term};

/// Leaderships of this node with open proposals that are remembered.
const LEADERSHIPS: usize = 4;

/// Proposals of one term at consecutive indexes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Proposed {
    /// The term in which they were proposed.
    pub term: Term,
    /// The first of them.
    pub first: Index,
    /// The last of them.
    pub last: Index,
}

impl Proposed {
    /// Whether the proposal at `position` is one of these.
    pub fn contains(&self, position: Position) -> bool {
        position.term == self.term && self.first <= position.index && position.index <= self.last
    }
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Proposals {
    open: heapless::Vec<Proposed, LEADERSHIPS>,
}

impl Proposals {
    /// One more. Returns those that are forgotten for it, and whose fate stays unknown.
    pub(crate) fn add(&mut self, position: Position) -> Option<Proposed> {
        let Position { term, index } = position;
        if let Some(latest) = self.open.last_mut()
            && latest.term == term
        {
            latest.last = index;
            return None;
        }
        let forgotten = if self.open.is_full() { self.forget_oldest() } else { None };
        let _ = self.open.push(Proposed { term, first: index, last: index });
        forgotten
    }

    /// The entry at `position` is committed, and everything before it applied. Returns those that
    /// are lost by it, one leadership at a time.
    pub(crate) fn lost_by(&mut self, position: Position) -> Option<Proposed> {
        let lost = self.open.iter().copied().find(|open| {
            let displaced = open.first <= position.index && open.term != position.term;
            displaced || open.term < position.term
        })?;
        self.open.retain(|open| *open != lost);
        Some(lost)
    }

    /// The state machine was replaced by one that has applied all through `last`. Returns those
    /// that it passed over, and whose fate stays unknown, one leadership at a time.
    pub(crate) fn passed_over(&mut self, last: Index) -> Option<Proposed> {
        let open = self.open.iter_mut().find(|open| open.first <= last)?;
        let passed = Proposed { last: open.last.min(last), ..*open };
        open.first = last.next();
        self.open.retain(|open| open.first <= open.last);
        Some(passed)
    }

    /// The entry at `position` is applied.
    pub(crate) fn applied(&mut self, position: Position) {
        for open in &mut self.open {
            if open.first == position.index && open.term == position.term {
                open.first = position.index.next();
            }
        }
        self.open.retain(|open| open.first <= open.last);
    }

    /// Gives up the oldest.
    pub(crate) fn forget_oldest(&mut self) -> Option<Proposed> {
        let oldest = self.open.first().copied()?;
        self.open.retain(|open| open.term != oldest.term);
        Some(oldest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn applied_by_term_and_index() {
        let mut proposals = Proposals::default();
        for index in 5..9 {
            assert_eq!(proposals.add(Position::new(2, index)), None);
        }
        assert_eq!(proposals.lost_by(Position::new(2, 5)), None);
        proposals.applied(Position::new(2, 5));
        let lost = Proposed { term: Term(2), first: Index(6), last: Index(8) };
        assert_eq!(proposals.lost_by(Position::new(3, 6)), Some(lost));
        assert_eq!(proposals.lost_by(Position::new(3, 6)), None);
    }

    #[test]
    fn an_entry_of_a_later_term_leaves_no_place_behind_it() {
        let mut proposals = Proposals::default();
        assert_eq!(proposals.add(Position::new(2, 9)), None);
        assert_eq!(proposals.lost_by(Position::new(1, 4)), None);
        assert_eq!(proposals.lost_by(Position::new(2, 5)), None);
        let lost = Proposed { term: Term(2), first: Index(9), last: Index(9) };
        assert_eq!(proposals.lost_by(Position::new(3, 6)), Some(lost));
    }

    #[test]
    fn two_leaderships_are_lost_by_one_entry() {
        let mut proposals = Proposals::default();
        assert_eq!(proposals.add(Position::new(2, 7)), None);
        assert_eq!(proposals.add(Position::new(4, 7)), None);
        let lost = |term| Proposed { term: Term(term), first: Index(7), last: Index(7) };
        assert_eq!(proposals.lost_by(Position::new(3, 7)), Some(lost(2)));
        assert_eq!(proposals.lost_by(Position::new(3, 7)), Some(lost(4)));
        assert_eq!(proposals.lost_by(Position::new(3, 7)), None);
    }

    #[test]
    fn what_a_snapshot_passes_over_stays_unknown_and_the_rest_open() {
        let mut proposals = Proposals::default();
        for index in 5..9 {
            assert_eq!(proposals.add(Position::new(2, index)), None);
        }
        let passed = Proposed { term: Term(2), first: Index(5), last: Index(6) };
        assert_eq!(proposals.passed_over(Index(6)), Some(passed));
        assert_eq!(proposals.passed_over(Index(6)), None);
        let lost = Proposed { term: Term(2), first: Index(7), last: Index(8) };
        assert_eq!(proposals.lost_by(Position::new(3, 7)), Some(lost));
    }

    #[test]
    fn the_oldest_is_forgotten_when_there_are_too_many() {
        let mut proposals = Proposals::default();
        for term in 1..=4 {
            assert_eq!(proposals.add(Position::new(term, term * 10)), None);
        }
        let oldest = Proposed { term: Term(1), first: Index(10), last: Index(10) };
        assert_eq!(proposals.add(Position::new(5, 50)), Some(oldest));
    }
}
