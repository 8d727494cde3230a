//! Log replication and commitment (dissertation §3.5, §3.6), and the heartbeat.

use crate::state::Node;
use crate::state::metrics::count;
use crate::state::progress::{Due, Luggage, Mode, Progress};
use crate::state::quorum::reached_by_majority;
use crate::state::role::Role;
use crate::time::Instant;
use crate::types::{Index, Position};
use crate::wire::{self, Append, ReplyWish};

/// An append to one peer: what to say, and how many entries go with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Shipment {
    /// The peer's place.
    pub(crate) to: usize,
    pub(crate) append: Append,
}

impl<B: AsRef<[u8]> + AsMut<[u8]>, const VOTERS: usize> Node<B, VOTERS> {
    /// What a majority has durably, and is of this term, is committed: only entries of a leader's
    /// own term are committed by counting (§3.6.2). Where there was no room for one, what every voter
    /// has durably is committed, whatever its term: nobody can be elected without it, now that all
    /// are in this term.
    pub(crate) fn advance_commit(&mut self) {
        if self.role != Role::Leader {
            return;
        }
        if self.log.last().term != self.term() {
            let peers = self.peers.iter().map(|peer| peer.progress.matched);
            let everywhere = peers.fold(self.durability.through(), Index::min);
            self.commit = self.commit.max(everywhere);
            _ = self.open_term();
        }
        let index = self.held_by_majority();
        if index > self.commit && self.is_of_own_term(index) {
            self.commit = index;
        }
        self.confirm_reads();
    }

    /// How far a majority has a leader's log durably.
    pub(crate) fn held_by_majority(&self) -> Index {
        let mut matched: heapless::Vec<Index, VOTERS> = heapless::Vec::new();
        let own = self.durability.through();
        for index in self.peers.iter().map(|peer| peer.progress.matched).chain([own]) {
            let _ = matched.push(index); // As many as there are voters, this node included.
        }
        reached_by_majority(&mut matched).unwrap_or_default()
    }

    /// A heartbeat is due to everybody.
    pub(crate) fn beat(&mut self, now: Instant) {
        let overdue =
            Instant::from_micros(now.as_micros().saturating_sub(self.limits.heartbeat.as_micros()));
        for peer in &mut self.peers {
            peer.progress.beat(overdue);
            let in_log = peer.progress.next > self.log.base().index;
            if in_log && peer.progress.mode != Mode::Stream {
                count(&mut self.metrics.resent);
            }
        }
        self.beat_at = now.plus(self.limits.heartbeat);
    }

    /// The append that the peer at `to` is to get next, if any.
    pub(crate) fn next_append(&self, to: usize) -> Option<Shipment> {
        let progress = &self.peers.get(to)?.progress;
        let (count, bytes) = match progress.mode {
            Mode::Probe => self.batch(to, progress.next),
            Mode::Wait if progress.beat == Due::No => return None,
            // What was asked is asked again: it may be lost.
            Mode::Wait if progress.luggage == Luggage::Entries => self.batch(to, progress.next),
            Mode::Wait => (0, 0),
            Mode::Stream => self.batch_in_window(to),
        };
        let due = count > 0 || progress.beat == Due::Yes || progress.mode == Mode::Probe;
        if due {
            let prev = self.position(progress.next.previous());
            return Some(self.shipment(to, prev, ReplyWish::Wanted, (count, bytes)));
        }
        let noticeable = self.commit.min(progress.matched);
        // (Of what was compacted away, the term is not known any more.)
        if noticeable > progress.noted && progress.matched >= self.log.base().index {
            let prev = self.position(progress.matched);
            return Some(self.shipment(to, prev, ReplyWish::Unwanted, (0, 0)));
        }
        None
    }

    fn shipment(&self, to: usize, prev: Position, reply: ReplyWish, size: (u32, u32)) -> Shipment {
        let append = Append {
            term: self.term(),
            prev,
            commit: self.commit,
            round: self.reads.round(),
            reply,
            count: size.0,
            bytes: size.1,
        };
        Shipment { to, append }
    }

    fn position(&self, index: Index) -> Position {
        Position { term: self.log.term_at(index).unwrap_or_default(), index }
    }

    /// Remembers that `shipment` left.
    pub(crate) fn shipped(&mut self, now: Instant, shipment: &Shipment) {
        let Some(peer) = self.peers.get_mut(shipment.to) else { return };
        let append = &shipment.append;
        let count = u64::from(append.count);
        let known = append.prev.index.plus(count);
        peer.progress.noted = peer.progress.noted.max(append.commit.min(known));
        if append.reply == ReplyWish::Wanted {
            peer.progress.beat = Due::No;
            peer.progress.sent(count, now);
        }
    }

    /// As [`Node::batch`], within the window of bytes that may be on their way.
    fn batch_in_window(&self, to: usize) -> (u32, u32) {
        let Some(peer) = self.peers.get(to) else { return (0, 0) };
        if peer.progress.next > self.log.last().index {
            return (0, 0);
        }
        let flying = self.bytes_before(peer.progress.next, peer.progress.received);
        if flying > 0 && flying >= self.limits.window {
            return (0, 0);
        }
        self.batch(to, peer.progress.next)
    }

    /// Bytes of the entries behind `received` and before `next`. O(1).
    fn bytes_before(&self, next: Index, received: Index) -> u32 {
        let first = received.next();
        if next > first { self.log.bytes_between(first, next.previous()) } else { 0 }
    }

    /// As many entries from `first` on as one datagram holds and the peer has room for, behind what
    /// it has received: their number and bytes. O(entries).
    fn batch(&self, to: usize, first: Index) -> (u32, u32) {
        let Some(peer) = self.peers.get(to) else { return (0, 0) };
        let Progress { received, room, .. } = peer.progress;
        let last = self.log.last().index.min(received.plus(u64::from(room.entries)));
        let room = room.bytes.saturating_sub(self.bytes_before(first, received));
        let most = self.limits.max_datagram.saturating_sub(wire::OVERHEAD_MAX as u32).min(room);
        let (mut index, mut count, mut bytes) = (first, 0_u32, 0_u32);
        while index <= last {
            let more = bytes.saturating_add(self.log.frame_len(index));
            if more > most {
                break;
            }
            bytes = more;
            count = count.saturating_add(1);
            index = index.next();
        }
        (count, bytes)
    }
}
