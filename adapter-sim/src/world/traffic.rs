//! What nodes say to each other, and that there is a reason for it: an answer was asked for, and what is
//! asked is not asked again and again. A cluster that talks without end seems to work, until the
//! network is full of it.

use crate::judge::disk::Core;
use crate::swarm::Swarm;
use raft_nostd::wire::{Append, Datagram, Install, Message, Verdict};
use raft_nostd::{Instant, NodeId};
use std::collections::HashMap;

/// Answers to one question: at once, when what a chunk brought is stored, and when all of them are
/// installed.
const ANSWERS: u64 = 3;
/// So often a question is put in one election timeout besides with each heartbeat: since it is new, since
/// a heartbeat was due when the counting began, and since another is when it ends.
const BESIDES: u64 = 3;

/// So often an answer about chunks may be heard in one election timeout and be a reason to send some: with each
/// heartbeat, and as answers are doubled.
const SAME: u64 = 8;

/// What tells a question from others: its kind, its term, and what it is about.
type Question = [u64; 7];

/// What one node asks another.
#[derive(Clone, Default)]
struct Talk {
    /// Since when it is counted, by its own clock.
    since: Instant,
    /// How often it has put each question.
    put: HashMap<Question, u64>,
    /// Answers that let it begin anew where it was before.
    spurs: u64,
    /// How often it has heard each answer about chunks.
    heard: HashMap<[u64; 3], u64>,
}

/// How much a node was asked in its present run, and has answered.
#[derive(Clone, Copy, Default)]
struct Answers {
    asked: u64,
    given: u64,
}

pub struct Traffic {
    /// From each node to each.
    talks: Vec<Vec<Talk>>,
    answers: Vec<Answers>,
}

impl Traffic {
    pub fn new(nodes: usize) -> Self {
        let talks = vec![vec![Talk::default(); nodes]; nodes];
        Self { talks, answers: vec![Answers::default(); nodes] }
    }

    /// A node has started: it has said and heard nothing.
    pub fn restarted(&mut self, at: usize) {
        self.talks[at].fill(Talk::default());
        self.answers[at] = Answers::default();
    }

    /// A node took a datagram for true.
    pub fn taken(&mut self, at: usize, said: &Datagram<'_>) {
        self.answers[at].asked += u64::from(question(said).is_some());
        // A leader that a follower surprises probes once more, perhaps with what it asked before;
        // and a chunk that the follower lacks is sent again. A refusal leads further back.
        let talk = &mut self.talks[at][place_of(said.envelope.sender)];
        talk.spurs += match said.message {
            Message::AppendReply(reply) => matches!(reply.verdict, Verdict::Matched { .. }).into(),
            // (Or else answers and chunks could be each other's reason without end.)
            Message::InstallReply(reply) => {
                let about = [reply.last.index.0, reply.chunks.into(), reply.receipt as u64];
                let times = talk.heard.entry(about).or_default();
                *times += 1;
                u64::from(*times <= SAME)
            }
            _ => 0,
        };
    }

    /// A node says something.
    pub fn said(
        &mut self,
        at: usize,
        raft: &Core,
        said: &Datagram<'_>,
        (local, swarm): (Instant, &Swarm),
    ) {
        let (id, to) = (raft.id(), said.envelope.receiver);
        let Some(question) = question(said) else {
            let Answers { asked, given } = &mut self.answers[at];
            *given += 1;
            // (What is not durable yet is answered to again each time that more of it is.)
            let most = ANSWERS * *asked + raft.metrics().syncs;
            assert!(*given <= most, "{id} answers {to} though nobody asks: {:?}", said.message);
            return;
        };
        let talk = &mut self.talks[at][place_of(to)];
        if local >= talk.since.plus(swarm.election) {
            (talk.since, talk.spurs) = (local, 0);
            talk.put.clear();
            talk.heard.clear();
        }
        let times = talk.put.entry(question).or_default();
        *times += 1;
        let most = swarm.beats() + BESIDES + talk.spurs;
        assert!(*times <= most, "{id} asks {to} again and again: {:?}", said.message);
    }
}

fn place_of(id: NodeId) -> usize {
    id.get() as usize - 1
}

/// What a message asks; `None` when it answers.
fn question(said: &Datagram<'_>) -> Option<Question> {
    let term = said.message.term().0;
    match said.message {
        Message::PreVoteRequest { .. } => Some([0, term, 0, 0, 0, 0, 0]),
        Message::VoteRequest { .. } => Some([1, term, 0, 0, 0, 0, 0]),
        Message::Append(Append { prev, commit, round, count, .. }) => {
            Some([2, term, prev.index.0, commit.0, round, count.into(), 0])
        }
        Message::Install(Install { round, manifest, chunk, .. }) => {
            let (of, crc, empty) = (manifest.last.index.0, manifest.crc, said.chunk.is_empty());
            Some([3, term, of, crc.into(), round, chunk.into(), empty.into()])
        }
        Message::PreVoteReply { .. }
        | Message::VoteReply { .. }
        | Message::AppendReply(_)
        | Message::InstallReply(_) => None,
    }
}
