//! What the clients were promised: every proposal ends in exactly one way, and every read sees all
//! that was known to be committed when it was asked.

use crate::judge::Judge;
use crate::place::host::Deeds;
use raft_nostd::{Event, Index, NodeId, Position, Proposed, ReadId};
use std::collections::{BTreeMap, HashSet};

#[derive(Default)]
pub struct Clients {
    /// Open proposals of each node's present run.
    open: BTreeMap<(NodeId, Position), Vec<u8>>,
    /// Reads of each node's present run, and what they must see.
    reads: BTreeMap<(NodeId, ReadId), Index>,
    /// Proposals that were told to be lost: nobody may ever apply them.
    lost: HashSet<Position>,
    pub applied: u64,
    pub lost_count: u64,
    pub reads_answered: u64,
}

impl Clients {
    pub fn proposed(&mut self, node: NodeId, position: Position, command: Vec<u8>) {
        let before = self.open.insert((node, position), command);
        assert!(before.is_none(), "two proposals at {position}");
    }

    pub fn asked(&mut self, node: NodeId, read: ReadId, judge: &Judge) {
        let must_see = judge.committed_command();
        let entry = self.reads.entry((node, read)).or_insert(must_see);
        *entry = (*entry).max(must_see);
    }

    /// Hears what a node has applied and told.
    pub fn hear(&mut self, id: NodeId, deeds: &Deeds) {
        for (position, command) in deeds.applied() {
            if let Some(proposed) = self.open.remove(&(id, position)) {
                assert_eq!(proposed, command, "another command at {position}");
                self.applied += 1;
            }
        }
        for (event, machine_at) in &deeds.events {
            match *event {
                Event::ProposalsLost(range) => {
                    let gone = self.take(id, range);
                    self.lost_count += gone.len() as u64;
                    self.lost.extend(gone.iter().map(|(position, _)| *position));
                }
                Event::ProposalsUnknown(range) => drop(self.take(id, range)),
                Event::ReadReady(through) => self.answer_reads(id, through, *machine_at),
                Event::ReadsLost(through) => {
                    self.reads.retain(|(node, read), _| *node != id || *read > through);
                }
                _ => {}
            }
        }
    }

    fn answer_reads(&mut self, id: NodeId, through: ReadId, machine_at: Index) {
        self.reads.retain(|(node, read), must_see| {
            if *node != id || *read > through {
                return true;
            }
            assert!(machine_at >= *must_see, "{id} answers a read at {machine_at}, not {must_see}");
            self.reads_answered += 1;
            false
        });
    }

    fn take(&mut self, id: NodeId, range: Proposed) -> Vec<(Position, Vec<u8>)> {
        let inside = |node: &NodeId, position: &Position| *node == id && range.contains(*position);
        let mut taken = Vec::new();
        self.open.retain(|(node, position), command| {
            let keep = !inside(node, position);
            if !keep {
                taken.push((*position, std::mem::take(command)));
            }
            keep
        });
        taken
    }

    /// A node is gone: its clients do not know what became of what they asked.
    pub fn gone(&mut self, id: NodeId) {
        self.open.retain(|(node, _), _| *node != id);
        self.reads.retain(|(node, _), _| *node != id);
    }

    /// Nothing that was called lost was applied.
    pub fn nothing_lost_was_applied(&self, judge: &Judge) {
        for (position, _) in judge.commands() {
            assert!(!self.lost.contains(&position), "lost, and yet applied at {position}");
        }
    }

    /// What has not come to an end yet, in a few words.
    pub fn open(&self) -> String {
        let proposals: Vec<_> = self.open.keys().take(8).collect();
        let (more, reads) = (self.open.len() - proposals.len(), self.reads.len());
        format!("open are {proposals:?}, {more} more, and {reads} reads")
    }

    pub fn nothing_is_open(&self) -> bool {
        self.open.is_empty() && self.reads.is_empty()
    }
}
