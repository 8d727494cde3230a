//! Datagrams out. None is queued: each is derived, when it is polled, from what a peer is owed and
//! what this node wants of it. Chunks of a snapshot come last, so that they keep nothing waiting.

use crate::frame::Frames;
use crate::state::Node;
use crate::state::peers::{Ballot, Owed, When};
use crate::state::role::Role;
use crate::state::transfer::Content;
use crate::time::Instant;
use crate::types::{Index, NodeId, Position};
use crate::wire::{self, AppendReply, Campaign, Envelope, InstallReply, Message, Verdict};

/// A datagram that was encoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Said {
    /// All of it.
    Whole { to: NodeId, len: usize },
    /// All before the chunk of a snapshot, which goes in there; it is to be sealed then.
    Chunk { to: NodeId, chunk: u32, chunk_at: usize },
}

impl<B: AsRef<[u8]> + AsMut<[u8]>, const VOTERS: usize> Node<B, VOTERS> {
    /// Encodes the next datagram that is due into `buf`. Peers take turns. What does not fit is
    /// dropped like a datagram that is lost. O(members + bytes).
    pub(crate) fn next_datagram(&mut self, now: Instant, buf: &mut [u8]) -> Option<Said> {
        let mut passed = 0;
        while passed < self.peers.len() {
            if self.turn >= self.peers.len() {
                self.turn = 0;
            }
            match self.datagram_to(now, self.turn, buf) {
                Some(sent) => return Some(sent),
                None => {
                    self.turn = self.turn.saturating_add(1);
                    passed = passed.saturating_add(1);
                }
            }
        }
        None
    }

    fn datagram_to(&mut self, now: Instant, to: usize, buf: &mut [u8]) -> Option<Said> {
        let envelope = self.envelope_to(to)?;
        let receiver = envelope.receiver;
        let (message, frames) =
            match self.message_owed(to).or_else(|| self.message_of_candidate(to)) {
                Some(message) => (message, None),
                None if self.role == Role::Leader && self.needs_snapshot(to) => {
                    return self.install_to(now, to, Content::Nothing, buf);
                }
                None => {
                    let append = self.message_of_leader(now, to)?;
                    (Message::Append(append), Some((append.prev.index, append.count)))
                }
            };
        let frames = frames.map_or(Frames::none(Index::ZERO), |(prev, count)| {
            self.log.frames(prev.next(), prev.plus(u64::from(count)))
        });
        let len = wire::encode(&envelope, &message, &frames, buf)?;
        Some(Said::Whole { to: receiver, len })
    }

    fn envelope_to(&self, to: usize) -> Option<Envelope> {
        let receiver = self.peers.get(to)?.id;
        Some(Envelope { cluster: self.cluster, sender: self.id, receiver, life: self.life })
    }

    /// Whether this node leads and some peer needs a snapshot. O(members).
    pub(crate) fn sends_snapshots(&self) -> bool {
        let base = self.log.base().index;
        self.role == Role::Leader && self.peers.iter().any(|peer| peer.progress.is_behind(base))
    }

    /// Encodes the next datagram for a chunk that may be sent, but for the chunk, into `buf`, where
    /// [one is needed](Node::sends_snapshots). Peers take turns. O(members).
    pub(crate) fn next_chunk(&mut self, now: Instant, buf: &mut [u8]) -> Option<Said> {
        let peers = self.peers.len();
        let mut after = (self.turn..peers).chain(0..self.turn.min(peers));
        let to = after.find(|to| self.may_send_chunk(*to))?;
        self.turn = to.saturating_add(1);
        self.install_to(now, to, Content::Chunk, buf)
    }

    fn may_send_chunk(&self, to: usize) -> bool {
        self.needs_snapshot(to) && self.next_parcel(to, Content::Chunk).is_some()
    }

    /// A chunk of the newest snapshot, which the driver has; or a heartbeat without one.
    fn install_to(
        &mut self,
        now: Instant,
        to: usize,
        content: Content,
        buf: &mut [u8],
    ) -> Option<Said> {
        let envelope = self.envelope_to(to)?;
        let parcel = self.next_parcel(to, content)?;
        self.parcel_sent(now, to, &parcel);
        let to = envelope.receiver;
        let chunk_at = wire::encode_install(&envelope, &parcel.install, buf)?;
        match parcel.content {
            Content::Chunk => Some(Said::Chunk { to, chunk: parcel.install.chunk, chunk_at }),
            Content::Nothing => Some(Said::Whole { to, len: wire::seal(buf, chunk_at)? }),
        }
    }

    /// The answer this peer waits for, if it may be given now.
    fn message_owed(&mut self, to: usize) -> Option<Message> {
        let term = self.term();
        let owed = self.peers.get(to)?.owed;
        let (message, still_owed) = match owed {
            Owed::Nothing | Owed::Append { when: When::Durable, .. } => return None,
            Owed::PreVote { proposed, vote } => {
                (Message::PreVoteReply { term, proposed, vote }, Owed::Nothing)
            }
            Owed::Install => {
                let Some(incoming) = self.snapshots.incoming else {
                    self.peers.get_mut(to)?.owed = Owed::Nothing;
                    return None;
                };
                let reply = InstallReply {
                    term,
                    round: self.heard_round,
                    last: incoming.manifest.last,
                    crc: incoming.manifest.crc,
                    chunks: incoming.chunks,
                    receipt: incoming.receipt,
                };
                (Message::InstallReply(reply), Owed::Nothing)
            }
            Owed::Vote(vote) => (Message::VoteReply { term, vote }, Owed::Nothing),
            Owed::Append { conflict, .. } => {
                let (durable, received) = (self.acknowledged(), self.verified);
                let verdict = match conflict {
                    None => Verdict::Matched { durable, received },
                    Some(conflict) => {
                        Verdict::Conflict { prev: conflict.prev, hint: conflict.hint }
                    }
                };
                // Behind what is acknowledged: the rest is the leader's too, or will make way.
                let room = self.log.room_after(received);
                let reply = AppendReply { term, round: self.heard_round, verdict, room };
                let rest = Owed::Append { when: When::Durable, conflict: None };
                let owed = if durable < received { rest } else { Owed::Nothing };
                (Message::AppendReply(reply), owed)
            }
        };
        self.peers.get_mut(to)?.owed = still_owed;
        Some(message)
    }

    /// The request for this peer's vote, if it is due.
    fn message_of_candidate(&mut self, to: usize) -> Option<Message> {
        if self.peers.get(to)?.ballot != Ballot::Due {
            return None;
        }
        let (term, last) = (self.term(), self.durable_last());
        let message = match self.role {
            Role::PreCandidate => Message::PreVoteRequest { term, proposed: term.next()?, last },
            Role::Candidate => Message::VoteRequest { term, last, campaign: Campaign::Timeout },
            Role::Follower | Role::Leader => return None,
        };
        self.peers.get_mut(to)?.ballot = Ballot::Asked;
        Some(message)
    }

    fn message_of_leader(&mut self, now: Instant, to: usize) -> Option<wire::Append> {
        if self.role != Role::Leader {
            return None;
        }
        let shipment = self.next_append(to)?;
        self.shipped(now, &shipment);
        Some(shipment.append)
    }

    /// The last entry the medium has: what a vote is asked for with.
    fn durable_last(&self) -> Position {
        let index = self.log.last().index.min(self.durability.through());
        Position { term: self.log.term_at(index).unwrap_or_default(), index }
    }
}
