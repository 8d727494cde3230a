//! Datagrams out. None is queued: each is derived, when it is polled, from what a peer is owed and
//! what this node wants of it.

use crate::frame::Frames;
use crate::state::Node;
use crate::state::peers::{Ballot, Owed, Peer, When};
use crate::state::role::Role;
use crate::time::Instant;
use crate::types::{Index, NodeId, Position};
use crate::wire::{self, AppendReply, Campaign, Envelope, Message, Verdict};

impl<B: AsRef<[u8]> + AsMut<[u8]>, const VOTERS: usize> Node<B, VOTERS> {
    /// Encodes the next datagram that is due into `buf`: to whom, and its length. Peers take
    /// turns. What does not fit is dropped like a datagram that is lost. O(members + bytes).
    pub(crate) fn next_datagram(
        &mut self,
        now: Instant,
        buf: &mut [u8],
    ) -> Option<(NodeId, usize)> {
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

    fn datagram_to(&mut self, now: Instant, to: usize, buf: &mut [u8]) -> Option<(NodeId, usize)> {
        let receiver = self.peers.get(to)?.id;
        let (message, frames) =
            match self.message_owed(to).or_else(|| self.message_of_candidate(to)) {
                Some(message) => (message, None),
                None => {
                    let append = self.message_of_leader(now, to)?;
                    (Message::Append(append), Some((append.prev.index, append.count)))
                }
            };
        let frames = frames.map_or(Frames::none(Index::ZERO), |(prev, count)| {
            self.log.frames(prev.next(), prev.plus(u64::from(count)))
        });
        let envelope =
            Envelope { cluster: self.cluster, sender: self.id, receiver, life: self.life };
        let len = wire::encode(&envelope, &message, &frames, buf)?;
        Some((receiver, len))
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
        let (term, last) = (self.term(), self.durable_last());
        let message = match self.role {
            Role::PreCandidate => Message::PreVoteRequest { term, proposed: term.next()?, last },
            Role::Candidate => Message::VoteRequest { term, last, campaign: Campaign::Timeout },
            Role::Follower | Role::Leader => return None,
        };
        let peer: &mut Peer = self.peers.get_mut(to)?;
        if peer.ballot != Ballot::Due {
            return None;
        }
        peer.ballot = Ballot::Asked;
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
