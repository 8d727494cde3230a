//! One node whose peers are played by the test: it hears what the test makes them say, and what
//! it says is compared.

use super::{Disk, Member, Options, Step, Storage, at, frames_after, id, ids};
use raft_nostd::frame::Frames;
use raft_nostd::wire::{
    self, Append, AppendReply, Campaign, Envelope, Message, ReplyWish, Room, Verdict, Vote,
};
use raft_nostd::{Index, Instant, Life, Position, Refused, Role, Term};

/// Node 1.
pub struct Solo {
    pub me: Member,
    pub now: Instant,
    pub voters: u32,
    options: Options,
}

impl Solo {
    pub fn new(voters: u32) -> Self {
        Self::from(voters, Disk::default())
    }

    pub fn from(voters: u32, disk: Disk) -> Self {
        Self::with(voters, disk, &Options::default())
    }

    pub fn with(voters: u32, disk: Disk, options: &Options) -> Self {
        let me = Member::start(1, &ids(voters), options, disk);
        let mut solo = Self { me, now: options.now, voters, options: options.clone() };
        solo.steps();
        solo
    }

    /// From now on, what is written becomes durable when [`Solo::durable`] says so.
    pub fn waiting(mut self) -> Self {
        self.me.storage = Storage::Waits;
        self
    }

    pub fn durable(&mut self) {
        self.me.drain(self.now);
        self.me.persisted(self.now);
    }

    /// Ends the process, and starts it again from its disk.
    pub fn restart(&mut self) {
        self.options.boot += 1;
        let options = Options { now: self.now, ..self.options.clone() };
        *self = Self::with(self.voters, self.me.disk.clone(), &options);
    }

    /// A datagram as node `from` sends it; the entries of an append have these terms.
    pub fn datagram(&self, from: u32, message: &Message, terms: &[u64]) -> Vec<u8> {
        let prev = match message {
            Message::Append(append) => append.prev.index,
            _ => Index::ZERO,
        };
        let bytes = frames_after(prev, terms).concat();
        let frames = Frames::new(prev.next(), terms.len() as u64, &bytes, &[]);
        self.datagram_of(from, *message, &frames)
    }

    pub fn datagram_of(&self, from: u32, mut message: Message, frames: &Frames<'_>) -> Vec<u8> {
        let life = Life { incarnation: u64::from(from), boot: 1, nonce: 1 };
        let envelope =
            Envelope { cluster: super::CLUSTER, sender: id(from), receiver: id(1), life };
        if let Message::Append(append) = &mut message {
            (append.count, append.bytes) = (frames.count() as u32, frames.byte_len() as u32);
        }
        let mut out = vec![0; frames.byte_len() + wire::OVERHEAD_MAX];
        let len = wire::encode(&envelope, &message, frames, &mut out).unwrap();
        out.truncate(len);
        out
    }

    /// Node `from` says `message`; the entries of an append have these terms.
    pub fn try_hear(&mut self, from: u32, message: Message, terms: &[u64]) -> Result<(), Refused> {
        let bytes = self.datagram(from, &message, terms);
        let result = self.me.raft.handle_datagram(self.now, &bytes).map(drop);
        self.me.check();
        result
    }

    #[track_caller]
    pub fn hear(&mut self, from: u32, message: Message) {
        self.try_hear(from, message, &[]).unwrap();
    }

    #[track_caller]
    pub fn hear_append(&mut self, from: u32, append: Message, terms: &[u64]) {
        self.try_hear(from, append, terms).unwrap();
    }

    /// All that the node has done since the last time.
    pub fn steps(&mut self) -> Vec<Step> {
        self.me.drain(self.now);
        self.me.outbox.clear();
        std::mem::take(&mut self.me.story)
    }

    /// What it has said since the last time, and to whom.
    pub fn said(&mut self) -> Vec<(u32, Message)> {
        let said = self.steps().into_iter().filter_map(|step| match step {
            Step::Say { to, message, .. } => Some((to.get(), message)),
            _ => None,
        });
        said.collect()
    }

    /// The one thing it has said to `to` since the last time.
    #[track_caller]
    pub fn said_to(&mut self, to: u32) -> Message {
        let said: Vec<_> = self.said().into_iter().filter(|(other, _)| *other == to).collect();
        let [(_, message)] = said[..] else { panic!("said {said:?}") };
        message
    }

    /// The positions of the entries in each append since the last time, by whom it went to.
    pub fn sent(&mut self) -> Vec<(u32, Position, Vec<Position>)> {
        let sent = self.steps().into_iter().filter_map(|step| match step {
            Step::Say { to, message: Message::Append(append), entries, .. } => {
                Some((to.get(), append.prev, entries))
            }
            _ => None,
        });
        sent.collect()
    }

    /// Lets time pass; deadlines are served once, at its end.
    pub fn pass(&mut self, millis: u64) {
        self.now = self.now.plus(raft_nostd::Duration::from_millis(millis));
        self.me.raft.handle_timeout(self.now);
        self.me.check();
    }

    /// Lets time pass to the next deadline.
    pub fn deadline(&mut self) {
        self.me.drain(self.now);
        self.now = self.now.max(self.me.wake_at);
        self.me.raft.handle_timeout(self.now);
        self.me.check();
    }

    pub fn role(&self) -> Role {
        self.me.raft.status().role
    }

    pub fn term(&self) -> u64 {
        self.me.raft.term().0
    }

    /// Waits until it asks for pre-votes; who asked for nothing is silent meanwhile.
    pub fn impatient(&mut self) {
        for _ in 0..5 {
            if self.role() == Role::PreCandidate {
                return;
            }
            self.deadline();
        }
        panic!("it does not campaign");
    }

    /// As far as a candidate: every pre-vote is granted.
    pub fn stand(&mut self) {
        self.impatient();
        let term = self.term();
        for peer in 2..=self.voters {
            if self.role() == Role::PreCandidate {
                self.hear(peer, pre_vote_reply(term, term + 1, Vote::Granted));
            }
        }
        assert_eq!((self.role(), self.term()), (Role::Candidate, term + 1));
    }

    /// As far as a leader whose no-op is durable here, and nothing of it acknowledged.
    pub fn lead(&mut self) {
        if self.voters == 1 {
            self.deadline();
            self.durable();
        } else {
            self.stand();
            self.durable();
            for peer in 2..=self.voters {
                if self.role() == Role::Candidate {
                    self.hear(peer, vote_reply(self.term(), Vote::Granted));
                }
            }
        }
        self.durable();
        assert_eq!(self.role(), Role::Leader);
    }

    /// Node `from` acknowledges all the log of this leader.
    pub fn acknowledge(&mut self, from: u32) {
        let last = self.me.raft.last().index.0;
        self.hear(from, matched(self.term(), last, 0));
    }

    /// As far as a leader whose no-op is committed, with nothing left to say.
    pub fn lead_and_commit(&mut self) {
        self.lead();
        self.steps();
        for peer in 2..=self.voters {
            self.acknowledge(peer);
        }
        assert_eq!(self.me.raft.commit(), self.me.raft.last().index);
        self.steps();
    }

    #[track_caller]
    pub fn compact(&mut self) {
        self.me.compact(self.now);
    }

    #[track_caller]
    pub fn propose(&mut self, command: &[u8]) -> Position {
        self.me.raft.propose(self.now, command).unwrap()
    }
}

pub fn append(term: u64, prev: Position, commit: u64) -> Message {
    Message::Append(Append {
        term: Term(term),
        prev,
        commit: Index(commit),
        round: 0,
        reply: ReplyWish::Wanted,
        count: 0,
        bytes: 0,
    })
}

/// From a leader whose log is empty.
pub fn heartbeat(term: u64) -> Message {
    append(term, at(0, 0), 0)
}

pub fn with_round(message: Message, round: u64) -> Message {
    match message {
        Message::Append(append) => Message::Append(Append { round, ..append }),
        Message::AppendReply(reply) => Message::AppendReply(AppendReply { round, ..reply }),
        other => other,
    }
}

const ROOM: Room = Room { entries: 1_000, bytes: 1_000_000 };

/// The follower has all through `index`, durably.
pub fn matched(term: u64, index: u64, round: u64) -> Message {
    let verdict = Verdict::Matched { durable: Index(index), received: Index(index) };
    Message::AppendReply(AppendReply { term: Term(term), round, verdict, room: ROOM })
}

pub fn conflict(term: u64, prev: u64, hint: Position) -> Message {
    let verdict = Verdict::Conflict { prev: Index(prev), hint };
    Message::AppendReply(AppendReply { term: Term(term), round: 0, verdict, room: ROOM })
}

pub fn pre_vote_request(term: u64, proposed: u64, last: Position) -> Message {
    Message::PreVoteRequest { term: Term(term), proposed: Term(proposed), last }
}

pub fn pre_vote_reply(term: u64, proposed: u64, vote: Vote) -> Message {
    Message::PreVoteReply { term: Term(term), proposed: Term(proposed), vote }
}

pub fn vote_request(term: u64, last: Position) -> Message {
    Message::VoteRequest { term: Term(term), last, campaign: Campaign::Timeout }
}

pub fn vote_reply(term: u64, vote: Vote) -> Message {
    Message::VoteReply { term: Term(term), vote }
}

/// What an answer to an append says.
#[track_caller]
pub fn verdict(message: Message) -> Verdict {
    let Message::AppendReply(reply) = message else { panic!("{message:?}") };
    reply.verdict
}

pub fn acknowledged(durable: u64, received: u64) -> Verdict {
    Verdict::Matched { durable: Index(durable), received: Index(received) }
}
