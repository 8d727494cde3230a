//! Any message, drawn at random.

use crate::frame_bytes;
use raft_nostd::frame::EntryKind;
use raft_nostd::wire::{
    Append, AppendReply, Campaign, InstallReply, Message, Receipt, ReplyWish, Room, Verdict, Vote,
};
use raft_nostd::{Index, Position, Term};

/// Draws messages.
pub struct Random(pub u64);

impl Random {
    /// Any number, and as often a short as a long one.
    pub fn number(&mut self) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888);
        let shift = (self.0 >> 58) as u32;
        (self.0.rotate_left(29) ^ self.0) >> shift
    }

    pub fn position(&mut self) -> Position {
        Position::new(self.number(), self.number())
    }

    pub fn vote(&mut self) -> Vote {
        if self.number() & 1 == 0 { Vote::Granted } else { Vote::Refused }
    }

    /// Any message that carries no entries.
    pub fn message(&mut self) -> Message {
        let term = Term(self.number());
        let room = Room { entries: self.number() as u32, bytes: self.number() as u32 };
        match self.number() % 8 {
            0 => Message::PreVoteRequest {
                term,
                proposed: Term(self.number()),
                last: self.position(),
            },
            1 => Message::PreVoteReply { term, proposed: Term(self.number()), vote: self.vote() },
            2 => Message::VoteRequest { term, last: self.position(), campaign: Campaign::Timeout },
            3 => Message::VoteRequest { term, last: self.position(), campaign: Campaign::Transfer },
            4 => Message::VoteReply { term, vote: self.vote() },
            5 => {
                let (durable, received) = (Index(self.number()), Index(self.number()));
                let verdict = Verdict::Matched { durable, received };
                Message::AppendReply(AppendReply { term, round: self.number(), verdict, room })
            }
            6 => Message::InstallReply(InstallReply {
                term,
                round: self.number(),
                last: self.position(),
                crc: self.number() as u32,
                chunks: self.number() as u32,
                receipt: Receipt::Declined,
            }),
            _ => {
                let verdict =
                    Verdict::Conflict { prev: Index(self.number()), hint: self.position() };
                Message::AppendReply(AppendReply { term, round: self.number(), verdict, room })
            }
        }
    }

    /// An append with entries that a correct leader could send.
    pub fn append(&mut self) -> (Append, Vec<u8>) {
        let prev = Position::new(1 + self.number() % 100, self.number() >> 2);
        let (mut bytes, mut at) = (Vec::new(), prev);
        let count = self.number() % 6;
        for _ in 0..count {
            at = Position::new(at.term.0 + self.number() % 3, at.index.0 + 1);
            let payload = vec![self.number() as u8; (self.number() % 90) as usize];
            bytes.extend(frame_bytes(at, EntryKind::Command, &payload));
        }
        let append = Append {
            term: Term(at.term.0 + self.number() % 3),
            prev,
            commit: Index(self.number()),
            round: self.number(),
            reply: if self.number() & 1 == 0 { ReplyWish::Wanted } else { ReplyWish::Unwanted },
            count: count as u32,
            bytes: bytes.len() as u32,
        };
        (append, bytes)
    }
}
