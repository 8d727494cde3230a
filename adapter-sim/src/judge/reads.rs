//! Reads are linearizable since a majority has answered a round that began after they were asked
//! (dissertation §6.4): one that is told to be ready without that may be right by chance.

use crate::place::host::{Deeds, Told};
use raft_nostd::wire::{Datagram, Message};
use raft_nostd::{Event, ReadId, Term};
use std::collections::BTreeMap;

/// A read that its leader has not told of yet.
struct Open {
    term: Term,
    /// The newest round that there was when it was asked: that does not count.
    after: u64,
    /// Who has answered a newer one, a bit for each.
    confirmed_by: u32,
}

pub struct Reads {
    /// Those of each node's present run.
    open: Vec<BTreeMap<ReadId, Open>>,
}

impl Reads {
    pub fn new(nodes: usize) -> Self {
        Self { open: (0..nodes).map(|_| BTreeMap::new()).collect() }
    }

    pub fn restarted(&mut self, at: usize) {
        self.open[at].clear();
    }

    /// The node at `at`, leader of `term`, was asked to read. Several may wait under one name: the last
    /// that was asked is the one that must wait longest.
    pub fn asked(&mut self, at: usize, read: ReadId, term: Term, newest_round: u64) {
        let open = Open { term, after: newest_round, confirmed_by: 0 };
        self.open[at].insert(read, open);
    }

    /// A node took a datagram for true.
    pub fn taken(&mut self, at: usize, said: &Datagram<'_>) {
        let (term, round) = match said.message {
            Message::AppendReply(reply) => (reply.term, reply.round),
            Message::InstallReply(reply) => (reply.term, reply.round),
            _ => return,
        };
        let bit = 1 << (said.envelope.sender.get() - 1);
        for read in self.open[at].values_mut() {
            if read.term == term && round > read.after {
                read.confirmed_by |= bit;
            }
        }
    }

    /// Hears what a node, one of so many `voters`, told.
    pub fn hear(&mut self, at: usize, voters: usize, deeds: &Deeds) {
        for Told { event, .. } in &deeds.events {
            let (Event::ReadReady(through) | Event::ReadsLost(through)) = *event else { continue };
            let before = self.open[at].len();
            while let Some(first) = self.open[at].first_entry().filter(|one| *one.key() <= through)
            {
                let (read, open) = first.remove_entry();
                let with_itself = open.confirmed_by.count_ones() as usize + 1;
                let confirmed = with_itself > voters / 2 || matches!(event, Event::ReadsLost(_));
                assert!(confirmed, "n{} answers read {}, and no majority did", at + 1, read.get());
            }
            let told = before > self.open[at].len();
            assert!(told, "n{} tells what became of reads that do not wait: {event:?}", at + 1);
        }
    }
}
