//! Datagrams in: the checks every one must pass, the rule for terms, and one file for each message.

mod append;
mod append_reply;
mod install;
mod install_reply;
mod pre_vote_reply;
mod pre_vote_request;
mod vote_reply;
mod vote_request;

use crate::error::Refused;
use crate::manifest::Manifest;
use crate::narrate;
use crate::state::metrics::{add, count};
use crate::state::peers::{Owed, Peer, When};
use crate::state::snapshots::ChunkTicket;
use crate::state::{Node, Stirred};
use crate::time::Instant;
use crate::types::Term;
use crate::wire::{self, Campaign, Datagram, Message};

/// A term further above a node's own than this is refused: nobody counts that far between two
/// datagrams, and `u64` must not end.
const TERM_LEAP_MAX: u64 = 1 << 32;

/// What a datagram asks of the host, beyond what [`poll_output`](crate::Raft::poll_output) will say.
#[derive(Debug, PartialEq, Eq)]
pub enum Received<'a> {
    /// Nothing.
    Heard,
    /// To store a chunk of a snapshot, before the datagram's bytes go away.
    Chunk(Chunk<'a>),
}

/// The next chunk of a snapshot that a leader sends.
///
/// Its bytes are the one thing that is not kept until it is polled for: they go from the datagram to
/// the medium, so that a node needs no memory for them. Bring the ticket back in any case: until then
/// no other chunk of this snapshot is taken.
#[derive(Debug, PartialEq, Eq)]
pub struct Chunk<'a> {
    /// The snapshot.
    pub manifest: Manifest,
    /// Which chunk of it, from zero. Chunk zero begins the snapshot anew.
    pub number: u32,
    /// The chunk.
    pub bytes: &'a [u8],
    /// What to bring back once it is stored, to
    /// [`Raft::handle_chunk_stored`](crate::Raft::handle_chunk_stored) or
    /// [`Raft::handle_chunk_failed`](crate::Raft::handle_chunk_failed).
    pub ticket: ChunkTicket,
}

/// How a message's term compares with the node's own, once the rule for terms was applied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Standing {
    /// It is older; the sender has to catch up.
    Stale,
    /// It is the node's own, perhaps only since now.
    Current,
    /// It is newer, but this node trusts in its leader and did not adopt it.
    Withstood,
}

impl<B: AsRef<[u8]> + AsMut<[u8]>, const VOTERS: usize> Node<B, VOTERS> {
    /// Takes a datagram. One that is refused changes nothing but its counter; of one that is too long
    /// the application may be told.
    pub(crate) fn receive<'a>(
        &mut self,
        now: Instant,
        bytes: &'a [u8],
    ) -> Result<Received<'a>, Refused> {
        let result = self.try_receive(now, bytes);
        match &result {
            Ok(_) => {
                count(&mut self.metrics.datagrams_in);
                add(&mut self.metrics.bytes_in, bytes.len());
            }
            Err(reason) => {
                self.metrics.count_refused(*reason);
                narrate::refused(self.id, *reason);
            }
        }
        result
    }

    fn try_receive<'a>(&mut self, now: Instant, bytes: &'a [u8]) -> Result<Received<'a>, Refused> {
        if self.halted.is_some() {
            return Err(Refused::Halted);
        }
        if bytes.len() > self.limits.max_datagram as usize {
            self.suspect_bound(bytes);
            return Err(Refused::Length);
        }
        let datagram = wire::decode(bytes)?;
        let from = self.admit(&datagram)?;
        match datagram.message {
            Message::PreVoteRequest { term, proposed, last } => {
                self.on_pre_vote_request(now, from, term, proposed, last);
            }
            Message::PreVoteReply { term, proposed, vote } => {
                self.on_pre_vote_reply(now, from, term, proposed, vote);
            }
            Message::VoteRequest { term, last, campaign } => {
                self.on_vote_request(now, from, term, last, campaign);
            }
            Message::VoteReply { term, vote } => self.on_vote_reply(now, from, term, vote)?,
            Message::Append(append) => self.on_append(now, from, &append, &datagram.frames)?,
            Message::AppendReply(reply) => {
                self.on_append_reply(now, from, datagram.envelope.life, &reply)?;
            }
            Message::Install(install) => {
                return self.on_install(now, from, &install, datagram.chunk);
            }
            Message::InstallReply(reply) => self.on_install_reply(now, from, &reply)?,
        }
        Ok(Received::Heard)
    }

    /// A voter that sends longer datagrams than this node takes has another bound. The host may have
    /// cut this one, so that there is no CRC to check.
    fn suspect_bound(&mut self, bytes: &[u8]) {
        let Some(envelope) = wire::envelope_of(bytes) else { return };
        let addressed = envelope.cluster == self.cluster && envelope.receiver == self.id;
        let sender = self.peers.iter().map(|peer| peer.id).find(|id| *id == envelope.sender);
        if addressed && sender.is_some() {
            self.news.capacity_differs(sender, self.term());
            self.stirred = Stirred::Yes;
        }
    }

    /// Checks that a datagram is for this node and from a peer, and finds the peer's place.
    fn admit(&self, datagram: &Datagram<'_>) -> Result<usize, Refused> {
        let envelope = &datagram.envelope;
        if envelope.cluster != self.cluster {
            return Err(Refused::Cluster);
        }
        if envelope.receiver != self.id {
            return Err(Refused::Receiver);
        }
        if datagram.message.term().0.saturating_sub(self.term().0) > TERM_LEAP_MAX {
            return Err(Refused::TermTooFar);
        }
        let sender = self.peers.iter().position(|peer| peer.id == envelope.sender);
        let sender = sender.ok_or(Refused::Sender)?;
        if datagram.message.is_possible() { Ok(sender) } else { Err(Refused::Contradiction) }
    }

    /// The rule for all servers (Figure 3.1): a newer term is adopted, whoever says it; but one
    /// that somebody campaigns in, or would, not while a leader is heard (§4.2.3).
    fn heed_term(&mut self, now: Instant, term: Term, campaign: Option<Campaign>) -> Standing {
        if term < self.term() {
            return Standing::Stale;
        }
        if term > self.term() {
            if campaign == Some(Campaign::Timeout) && self.is_loyal(now) {
                return Standing::Withstood;
            }
            self.adopt_term(now, term);
        }
        Standing::Current
    }

    /// Owes the answer to a request for a vote. Who leads this term asks for none any more: its
    /// request is an old one, and takes the place of nothing that its appends wait for.
    fn owe_ballot(&mut self, to: usize, owed: Owed) {
        let leader = self.leader;
        let Some(peer) = self.peer_mut(to) else { return };
        let awaited = matches!(peer.owed, Owed::Append { .. } | Owed::Install);
        if !awaited || leader != Some(peer.id) {
            peer.owed = owed;
        }
    }

    /// Owes an answer to whom a stale term belongs. What is owed already tells of the newer term as
    /// well, and may be a vote.
    fn owe_term(&mut self, to: usize) {
        let Some(peer) = self.peer_mut(to) else { return };
        if peer.owed == Owed::Nothing {
            peer.owed = Owed::Append { when: When::Now, conflict: None };
        }
    }

    fn peer_mut(&mut self, place: usize) -> Option<&mut Peer> {
        self.peers.get_mut(place)
    }
}
