//! What was said: nothing of it may be taken back, or be said before it is durable.

use crate::judge::disk::Core;
use crate::place::Place;
use raft_nostd::wire::{Append, AppendReply, Datagram, Install, Message, Verdict, Vote};
use raft_nostd::{HardState, Index, NodeId, Position, Term};
use std::collections::BTreeMap;

pub struct Ledger {
    votes: BTreeMap<(Term, NodeId), NodeId>,
    /// The newest quorum round of each term.
    rounds: BTreeMap<Term, u64>,
    /// What the leader of a term has proven to each node.
    proven: Vec<(Term, Index)>,
}

impl Ledger {
    pub fn new(nodes: usize) -> Self {
        let proven = vec![Default::default(); nodes];
        Self { votes: BTreeMap::new(), rounds: BTreeMap::new(), proven }
    }

    pub fn restarted(&mut self, at: usize) {
        self.proven[at] = Default::default();
    }

    /// A node has accepted an append of its own term: it proves `prev` and what follows, no more.
    pub fn heard(&mut self, at: usize, append: &Append) {
        self.proved(at, append.term, append.prev.index.plus(u64::from(append.count)));
    }

    /// It is proven to a node that its log is that of the leader of `of` through `index`.
    pub fn proved(&mut self, at: usize, of: Term, index: Index) {
        let (term, proven) = &mut self.proven[at];
        if *term != of {
            (*term, *proven) = (of, Index::ZERO);
        }
        *proven = (*proven).max(index);
    }

    /// As far as the leader of `term` has proven its log to a node.
    pub fn proven(&self, at: usize, term: Term) -> Index {
        let (of, proven) = self.proven[at];
        if of == term { proven } else { Index::ZERO }
    }

    /// The newest quorum round of a term's leader.
    pub fn newest_round(&self, term: Term) -> u64 {
        self.rounds.get(&term).copied().unwrap_or_default()
    }

    /// A leader was elected by a majority, its own durable vote included.
    pub fn check_elected(&self, place: &Place, term: Term, voters: usize) {
        let own = HardState { term, vote: Some(place.id) };
        assert_eq!(place.disk.image.hard, own, "{} leads without its own vote", place.id);
        let for_it = |((of, voter), candidate): &(&(Term, NodeId), &NodeId)| {
            *of == term && *voter != place.id && **candidate == place.id
        };
        let votes = self.votes.iter().filter(for_it).count() + 1;
        assert!(votes > voters / 2, "{} leads term {term} with {votes} votes", place.id);
    }

    /// Checks what `place` says. Its disk has not changed since it said it, unless by the sync that
    /// its driver did first.
    pub fn overhear(&mut self, at: usize, place: &Place, datagram: &Datagram<'_>) {
        let Some(raft) = place.raft() else { return };
        let (term, image) = (datagram.message.term(), &place.disk.image);
        let receiver = datagram.envelope.receiver;
        assert!(term <= image.hard.term, "{} says a term that is not durable", place.id);
        match datagram.message {
            Message::PreVoteRequest { last, .. } => self.check_last(place, last),
            Message::VoteRequest { last, .. } => {
                self.check_vote(place, term, place.id);
                self.check_last(place, last);
            }
            Message::VoteReply { vote: Vote::Granted, .. } => {
                self.check_vote(place, term, receiver);
            }
            Message::Append(Append { round, .. }) => {
                let newest = self.rounds.entry(term).or_default();
                *newest = (*newest).max(round);
            }
            Message::AppendReply(reply) => self.check_reply(at, place, raft, &reply),
            Message::Install(Install { round, manifest, .. }) => {
                let newest = self.rounds.entry(term).or_default();
                *newest = (*newest).max(round);
                let durable = manifest.last.index <= place.disk.snapshot.index;
                assert!(durable, "{} sends a snapshot that is not durable", place.id);
            }
            Message::InstallReply(reply) => {
                let newest = self.newest_round(term);
                assert!(reply.round <= newest, "{} answers a round that never was", place.id);
            }
            Message::PreVoteReply { .. } | Message::VoteReply { vote: Vote::Refused, .. } => {}
        }
    }

    /// One vote in each term, and none before it is durable.
    fn check_vote(&mut self, place: &Place, term: Term, candidate: NodeId) {
        let HardState { term: durable, vote } = place.disk.image.hard;
        let said = durable > term || vote == Some(candidate);
        assert!(said, "{} says a vote that is not durable", place.id);
        let first = *self.votes.entry((term, place.id)).or_insert(candidate);
        assert_eq!(first, candidate, "{} voted twice in term {term}", place.id);
    }

    fn check_last(&self, place: &Place, last: Position) {
        let durable = place.disk.image.holds(last);
        assert!(durable, "{} asks for votes with {last}, which is not durable", place.id);
    }

    fn check_reply(&self, at: usize, place: &Place, raft: &Core, reply: &AppendReply) {
        let newest = self.newest_round(reply.term);
        assert!(reply.round <= newest, "{} answers a round that never was", place.id);
        let Verdict::Matched { durable, received } = reply.verdict else { return };
        let held = raft.term_at(durable).map_or(durable < raft.base().index, |term| {
            place.disk.image.holds(Position { term, index: durable })
        });
        assert!(held, "{} acknowledges {durable}, which is not durable", place.id);
        let proven = self.proven(at, reply.term);
        let justified = durable <= received && received <= proven;
        assert!(justified, "{} acknowledges {durable}, {received}, proven is {proven}", place.id);
    }
}
