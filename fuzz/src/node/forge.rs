//! Datagrams as a peer might send them: whole, sealed, and anything but true.

use super::disk::CLUSTER;
use super::pair::Node;
use crate::input::Input;
use raft_nostd::crc::{checksum, masked};
use raft_nostd::frame::{self, EntryKind, Frames};
use raft_nostd::types::{Life, NodeId, Position};
use raft_nostd::wire::{
    self, Append, AppendReply, Campaign, Envelope, Install, InstallReply, Message, Receipt,
    ReplyWish, Room, Verdict, Vote,
};
use raft_nostd::{Index, Manifest, Membership, Term};

/// `body` (a header, frames) as the voter chosen by `sender` would send it, CRCs and all.
pub fn sealed(node: &Node, sender: u8, body: &[u8]) -> Vec<u8> {
    let nothing = Message::VoteReply { term: Term(0), vote: Vote::Refused };
    let mut bytes = encode(&envelope(node, sender), &nothing, &Frames::none(Index::ZERO));
    bytes.truncate(36);
    bytes.extend(body);
    seal(&mut bytes);
    repair_frames(&mut bytes);
    bytes
}

fn seal(bytes: &mut Vec<u8>) {
    let crc = checksum(bytes);
    bytes.extend(crc.to_le_bytes());
}

/// A frame's own CRC is not checked in transit, so a correct peer is taken for granted there.
fn repair_frames(bytes: &mut Vec<u8>) {
    let Ok(datagram) = wire::decode(bytes) else { return };
    let lengths: Vec<_> = datagram.frames.iter().map(|entry| entry.frame.len()).collect();
    bytes.truncate(bytes.len() - 4);
    let mut start = bytes.len() - lengths.iter().sum::<usize>();
    for length in lengths {
        let (content, crc) = bytes[start..start + length].split_at_mut(length - 4);
        crc.copy_from_slice(&masked(content).to_le_bytes());
        start += length;
    }
    seal(bytes);
}

fn envelope(node: &Node, sender: u8) -> Envelope {
    let peers: Vec<_> = node.peers().collect();
    // Now and then it is the node itself or a stranger.
    let stranger = NodeId::new(u32::from(sender)).unwrap_or(node.id());
    let sender = peers.get(usize::from(sender & 7)).copied().unwrap_or(stranger);
    let life = Life { incarnation: 9, boot: 1, nonce: 3 };
    Envelope { cluster: CLUSTER, sender, receiver: node.id(), life }
}

fn encode(envelope: &Envelope, message: &Message, frames: &Frames<'_>) -> Vec<u8> {
    let mut out = vec![0; wire::OVERHEAD_MAX + frames.byte_len()];
    let len = wire::encode(envelope, message, frames, &mut out).expect("the overhead is bounded");
    out.truncate(len);
    out
}

/// What a peer answers to `asked`. `how`: bit 0 says no, bit 1 is slow, bit 2 has no room.
pub fn answer(asked: &[u8], how: u8) -> Option<Vec<u8>> {
    let asked = wire::decode(asked).ok()?;
    let Envelope { cluster, sender, receiver, .. } = asked.envelope;
    let life = Life { incarnation: 9, boot: 1, nonce: 3 };
    let envelope = Envelope { cluster, sender: receiver, receiver: sender, life };
    let vote = if how & 1 == 0 { Vote::Granted } else { Vote::Refused };
    let message = match asked.message {
        Message::PreVoteRequest { term, proposed, .. } => {
            Message::PreVoteReply { term, proposed, vote }
        }
        Message::VoteRequest { term, .. } => Message::VoteReply { term, vote },
        Message::Append(append) => {
            let received = append.prev.index.plus(u64::from(append.count));
            let durable = if how & 2 == 0 { received } else { append.prev.index };
            let verdict = if how & 1 == 0 {
                Verdict::Matched { durable, received }
            } else {
                let index = append.prev.index.previous();
                let term = Term(append.prev.term.0.saturating_sub(u64::from(how >> 3 & 1)));
                Verdict::Conflict { prev: append.prev.index, hint: Position { term, index } }
            };
            let most = if how & 4 == 0 { 1_000 } else { 0 };
            let room = Room { entries: most, bytes: most };
            Message::AppendReply(AppendReply {
                term: append.term,
                round: append.round,
                verdict,
                room,
            })
        }
        Message::Install(install) => Message::InstallReply(InstallReply {
            term: install.term,
            round: install.round,
            last: install.manifest.last,
            crc: install.manifest.crc,
            chunks: install.chunk.saturating_add(1).min(install.manifest.chunks),
            receipt: receipt(how),
        }),
        _ => return None,
    };
    Some(encode(&envelope, &message, &Frames::none(Index::ZERO)))
}

fn receipt(how: u8) -> Receipt {
    match how & 3 {
        0 | 1 => Receipt::Taken,
        2 => Receipt::Gap,
        _ => Receipt::Declined,
    }
}

/// A message that knows where the node stands.
pub fn forged(node: &Node, input: &mut Input<'_>) -> Option<Vec<u8>> {
    let envelope = envelope(node, input.byte()?);
    let mut forge = Forge { node, input };
    let kind = forge.input.byte()?;
    let term = forge.term()?;
    let vote = if kind & 16 == 0 { Vote::Granted } else { Vote::Refused };
    let message = match kind & 15 {
        0 => {
            let proposed = Term(term.0.wrapping_add(u64::from(kind >> 5)));
            Message::PreVoteRequest { term, proposed, last: forge.position()? }
        }
        1 => {
            let proposed = Term(term.0.wrapping_add(u64::from(kind >> 5)));
            Message::PreVoteReply { term, proposed, vote }
        }
        2 => {
            let campaign = if kind & 32 == 0 { Campaign::Timeout } else { Campaign::Transfer };
            Message::VoteRequest { term, last: forge.position()?, campaign }
        }
        3 => Message::VoteReply { term, vote },
        4 | 5 => {
            let verdict = if kind & 1 == 0 {
                Verdict::Matched { durable: forge.index()?, received: forge.index()? }
            } else {
                Verdict::Conflict { prev: forge.index()?, hint: forge.position()? }
            };
            let room = u32::from(forge.input.byte()?);
            let room = Room { entries: room >> 4, bytes: room << 2 };
            let round = u64::from(kind >> 4);
            Message::AppendReply(AppendReply { term, round, verdict, room })
        }
        9 | 10 => return forge.install(&envelope, kind, term),
        8 => Message::InstallReply(InstallReply {
            term,
            round: u64::from(kind >> 4),
            last: node.snapshot().map_or(Position::new(1, 1), |newest| newest.last),
            crc: node.snapshot().map_or(0, |newest| newest.crc),
            chunks: u32::from(forge.input.byte()? & 7),
            receipt: receipt(kind >> 4),
        }),
        _ => return forge.append(&envelope, kind, term),
    };
    Some(encode(&envelope, &message, &Frames::none(Index::ZERO)))
}

struct Forge<'a, 'b, 'c> {
    node: &'a Node,
    input: &'b mut Input<'c>,
}

impl Forge<'_, '_, '_> {
    fn term(&mut self) -> Option<Term> {
        let own = self.node.term().0;
        let byte = self.input.byte()?;
        Some(Term(match byte & 15 {
            0..=7 => own,
            8..=10 => own.wrapping_add(1),
            11 => own.wrapping_sub(1),
            12 => own.wrapping_add(u64::from(byte >> 4)),
            13 => u64::from(byte >> 4),
            14 => own.wrapping_add((1 << 32) - 8 + u64::from(byte >> 4)),
            _ => self.input.word()?,
        }))
    }

    fn index(&mut self) -> Option<Index> {
        let byte = self.input.byte()?;
        let far = u64::from(byte >> 4);
        let (last, commit) = (self.node.last().index, self.node.commit());
        Some(match byte & 15 {
            0..=3 => last,
            4 | 5 => commit,
            6 => self.node.durable(),
            7 => Index(far),
            8 | 9 => Index(last.0.saturating_sub(far)),
            10 => last.plus(far),
            11 => commit.plus(far),
            12 => Index(commit.0.saturating_sub(far)),
            13 => Index(Index::LIMIT.0 - 4 + far),
            14 => Index(u64::MAX - far),
            _ => Index(self.input.word()?),
        })
    }

    /// A position that is in the log, or one that is not.
    fn position(&mut self) -> Option<Position> {
        let index = self.index()?;
        let known = self.node.term_at(index);
        let byte = self.input.byte()?;
        let term = match known {
            Some(term) if byte & 3 != 0 => term,
            _ => Term(self.node.term().0.saturating_sub(u64::from(byte >> 2))),
        };
        Some(Position { term, index })
    }

    /// A chunk of a snapshot that a correct leader might have, or not.
    fn install(&mut self, envelope: &Envelope, kind: u8, term: Term) -> Option<Vec<u8>> {
        let last = self.position()?;
        let shape = self.input.byte()?;
        let mut voters: Vec<_> = self.node.peers().chain([self.node.id()]).collect();
        voters.sort();
        if shape & 15 == 15 {
            voters.pop();
        }
        let chunks = u32::from(shape >> 4 & 3);
        let manifest = Manifest {
            last,
            membership: Membership::initial(&voters),
            chunks,
            bytes: u64::from(chunks) * 8,
            crc: u32::from(shape >> 6),
        };
        let chunk = u32::from(kind >> 4 & 3);
        let install = Install { term, round: u64::from(kind >> 6), manifest, chunk };
        let body = vec![shape; usize::from(kind & 1) * 8];
        let mut out = vec![0; wire::INSTALL_OVERHEAD_MAX + body.len()];
        let at = wire::encode_install(envelope, &install, &mut out)?;
        out.get_mut(at..at + body.len())?.copy_from_slice(&body);
        let len = wire::seal(&mut out, at + body.len())?;
        out.truncate(len);
        Some(out)
    }

    fn append(&mut self, envelope: &Envelope, kind: u8, term: Term) -> Option<Vec<u8>> {
        let prev = self.position()?;
        let commit = self.index()?;
        let mut bytes = Vec::new();
        let count = u32::from(kind >> 4 & 7);
        let (mut at, wish) = (prev, self.input.byte()?);
        for _ in 0..count {
            let byte = self.input.byte()?;
            at.index = at.index.next();
            at.term = match byte & 7 {
                0 => Term(at.term.0.wrapping_add(1)),
                1 => term,
                _ => self.node.term_at(at.index).unwrap_or(at.term).max(at.term).max(Term(1)),
            };
            let entry_kind = match byte >> 3 & 7 {
                0 => EntryKind::Noop,
                1 => EntryKind::Membership,
                _ => EntryKind::Command,
            };
            let payload = vec![byte; usize::from(byte >> 6) * 17];
            let mut frame = vec![0; payload.len() + frame::OVERHEAD_MAX];
            let len = frame::encode(at, entry_kind, &payload, &mut frame)?;
            bytes.extend(&frame[..len]);
        }
        let append = Append {
            term,
            prev,
            commit,
            round: u64::from(wish >> 1),
            reply: if wish & 1 == 0 { ReplyWish::Wanted } else { ReplyWish::Unwanted },
            count,
            bytes: bytes.len() as u32,
        };
        let frames = Frames::new(prev.index.next(), u64::from(count), &bytes, &[]);
        Some(encode(envelope, &Message::Append(append), &frames))
    }
}
