//! What a node promises to its own clients: each proposal and each read ends once, and truly.

use super::pair::Node;
use raft_nostd::{Event, Index, Position, Proposed, ReadId, Role};
use std::collections::BTreeSet;

#[derive(Default)]
pub struct Promises {
    /// Terms and indexes.
    open: BTreeSet<(u64, u64)>,
    lost: Vec<Position>,
    /// Open reads, and the commit index when they were asked for.
    reads: Vec<(ReadId, Index)>,
}

impl Promises {
    pub fn proposed(&mut self, at: Position) {
        assert!(self.open.insert((at.term.0, at.index.0)), "two proposals at {at}");
    }

    pub fn asked(&mut self, read: ReadId, commit: Index) {
        self.reads.push((read, commit));
    }

    /// The command may be another one: a later leader that lies has put it there, and term and
    /// index are all that an entry is known by.
    pub fn applied(&mut self, at: Position) {
        assert!(!self.lost.contains(&at), "{at} was told to be lost, and is applied");
        self.open.remove(&(at.term.0, at.index.0));
    }

    pub fn told(&mut self, event: Event, node: &Node) {
        match event {
            Event::ProposalsLost(range) => {
                let gone = self.take(range);
                self.lost.extend(gone);
            }
            Event::ProposalsUnknown(range) => drop(self.take(range)),
            Event::ReadReady(through) => self.end_reads(through, |commit| {
                assert!(node.applied() >= commit, "a read misses what was committed before it");
            }),
            Event::ReadsLost(through) => self.end_reads(through, |_| ()),
            _ => {}
        }
    }

    fn take(&mut self, range: Proposed) -> Vec<Position> {
        let inside = |(term, index): (u64, u64)| range.contains(Position::new(term, index));
        let gone: Vec<_> = self.open.iter().copied().filter(|key| inside(*key)).collect();
        self.open.retain(|key| !inside(*key));
        gone.into_iter().map(|(term, index)| Position::new(term, index)).collect()
    }

    fn end_reads(&mut self, through: ReadId, check: impl Fn(Index)) {
        let before = self.reads.len();
        self.reads.retain(|(read, commit)| {
            if *read <= through {
                check(*commit);
            }
            *read > through
        });
        assert!(self.reads.len() < before, "{through:?} ends no read, or a second time");
    }

    /// The node is idle: who waits for an answer may still get one.
    pub fn idle(&self, node: &Node) {
        if node.halted().is_some() {
            assert!(self.open.is_empty(), "halted, and proposals are open: {:?}", self.open);
        }
        if node.status().role != Role::Leader {
            assert!(self.reads.is_empty(), "reads wait for who does not lead: {:?}", self.reads);
        }
    }
}
