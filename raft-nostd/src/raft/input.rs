//! `handle_*`: the world speaks.

use super::Raft;
use crate::error::{Halt, Refused, SnapshotRefused, TicketError};
use crate::journal::PersistFailure;
use crate::manifest::Manifest;
use crate::recv::Received;
use crate::state::Stirred;
use crate::state::durability::Ticket;
use crate::state::metrics::count;
use crate::state::news::{Event, SnapshotFailure};
use crate::state::peers::{Owed, When};
use crate::state::snapshots::{ChunkTicket, Stage};
use crate::time::Instant;
use crate::wire::Receipt;

/// For so many election timeouts a snapshot that could not be stored or installed is not tried again.
const DECLINED_FOR: u64 = 8;

impl<B: AsRef<[u8]> + AsMut<[u8]>, const VOTERS: usize> Raft<B, VOTERS> {
    /// A datagram has come. Decodes, checks, takes its step. O(members + bytes), and O(log of the
    /// log's length) where logs differ.
    ///
    /// A [chunk](Received::Chunk) of a snapshot is to be stored while its bytes are there.
    ///
    /// # Errors
    /// Why it was dropped. A refused datagram changes nothing but a counter; there is nothing to
    /// do about it. (That a voter's is too long is told, by [`Event::CapacityDiffers`].)
    pub fn handle_datagram<'a>(
        &mut self,
        now: Instant,
        bytes: &'a [u8],
    ) -> Result<Received<'a>, Refused> {
        let received = self.node.receive(now, bytes)?;
        self.node.stirred = Stirred::Yes;
        Ok(received)
    }

    /// The chunk that the ticket names is stored; it need not be durable yet. O(1).
    ///
    /// # Errors
    /// When the ticket is of another run, or was brought back before. Nothing changes.
    pub fn handle_chunk_stored(
        &mut self,
        _now: Instant,
        ticket: ChunkTicket,
    ) -> Result<(), TicketError> {
        let node = &mut self.node;
        node.stirred = Stirred::Yes;
        if let Some(incoming) = node.snapshots.redeem(&ticket, node.life.nonce)? {
            incoming.chunks = incoming.chunks.saturating_add(1);
            let whole = incoming.chunks >= incoming.manifest.chunks;
            incoming.stage = if whole { Stage::Whole } else { Stage::Awaiting };
            count(&mut node.metrics.chunks_in);
            node.owe_receipt();
        }
        Ok(())
    }

    /// The chunk that the ticket names could not be stored, and what was stored of its snapshot is
    /// given up. The leader begins again, later; the node is well. O(1).
    ///
    /// # Errors
    /// As [`Raft::handle_chunk_stored`].
    pub fn handle_chunk_failed(
        &mut self,
        now: Instant,
        ticket: ChunkTicket,
        failure: SnapshotFailure,
    ) -> Result<(), TicketError> {
        let node = &mut self.node;
        node.stirred = Stirred::Yes;
        let patience = node.limits.election_timeout.times(DECLINED_FOR);
        if let Some(incoming) = node.snapshots.redeem(&ticket, node.life.nonce)? {
            incoming.chunks = 0;
            incoming.stage = Stage::Awaiting;
            incoming.receipt = Receipt::Declined;
            incoming.declined_until = now.plus(patience);
            incoming.failure = Some(failure);
            node.news.snapshot_failed = Some(failure);
            node.owe_receipt();
        }
        Ok(())
    }

    /// What [`Output::Install`](crate::Output::Install) asked for is done: the snapshot is the newest
    /// on its medium, durably, and the state machine was restored from it. O(1).
    ///
    /// # Errors
    /// When none was asked for. Nothing changes.
    pub fn handle_installed(&mut self, _now: Instant) -> Result<(), SnapshotRefused> {
        self.node.stirred = Stirred::Yes;
        self.node.installed()
    }

    /// What [`Output::Install`](crate::Output::Install) asked for did not come about, and the state
    /// machine is what it was. O(1).
    ///
    /// # Errors
    /// When none was asked for. Nothing changes.
    pub fn handle_install_failed(
        &mut self,
        now: Instant,
        failure: SnapshotFailure,
    ) -> Result<(), SnapshotRefused> {
        let node = &mut self.node;
        if !node.snapshots.is_installing() {
            return Err(SnapshotRefused);
        }
        node.stirred = Stirred::Yes;
        node.news.snapshot_failed = Some(failure);
        let patience = node.limits.election_timeout.times(DECLINED_FOR);
        // (An empty one is heard of once in each heartbeat, which is slow enough.)
        node.snapshots.incoming = node.snapshots.incoming.filter(|one| one.manifest.chunks > 0);
        if let Some(incoming) = &mut node.snapshots.incoming {
            // It is sent again from the beginning, but not at once.
            incoming.chunks = 0;
            incoming.stage = Stage::Awaiting;
            incoming.receipt = Receipt::Declined;
            incoming.declined_until = now.plus(patience);
            incoming.failure = Some(failure);
        }
        Ok(())
    }

    /// A snapshot of this node's own, begun with [`Raft::snapshot_due`] or [`Raft::replacement_due`],
    /// is whole and durable. The log is compacted: what the snapshot is of makes way, but for a
    /// little that followers may still need. O(log entries).
    ///
    /// # Errors
    /// When the node has a newer one by now. Nothing changes.
    pub fn handle_snapshot_taken(
        &mut self,
        now: Instant,
        manifest: &Manifest,
    ) -> Result<(), SnapshotRefused> {
        self.node.stirred = Stirred::Yes;
        self.node.snapshot_taken(now, manifest)
    }

    /// A snapshot of this node's own did not come about. O(1).
    pub fn handle_snapshot_failed(&mut self, _now: Instant, failure: SnapshotFailure) {
        self.node.stirred = Stirred::Yes;
        self.node.news.snapshot_failed = Some(failure);
    }

    /// Time has passed. Nothing happens when this comes early or twice. O(members).
    pub fn handle_timeout(&mut self, now: Instant) {
        self.node.stirred = Stirred::Yes;
        self.node.pass_time(now);
    }

    /// What the ticket names is durable. O(members).
    ///
    /// # Errors
    /// When the ticket is of another node or run. Nothing changes.
    pub fn handle_persisted(&mut self, now: Instant, ticket: Ticket) -> Result<(), TicketError> {
        let node = &mut self.node;
        let recovered = node.durability.retry_at().is_some();
        node.durability.finish(&ticket, node.id, node.life.nonce)?;
        node.stirred = Stirred::Yes;
        count(&mut node.metrics.syncs);
        if recovered {
            node.news.storage = Some(Event::StorageRecovered);
        }
        for peer in &mut node.peers {
            if let Owed::Append { when, .. } = &mut peer.owed {
                *when = When::Now;
            }
        }
        node.count_own_vote(now);
        node.advance_commit();
        Ok(())
    }

    /// What the ticket names is not durable. [`PersistFailure::Full`]: the node steps down, and
    /// hands the same out again after an election timeout. [`PersistFailure::Failed`]: it halts;
    /// whatever the medium says after an error is not to be trusted. O(members).
    ///
    /// # Errors
    /// When the ticket is of another node or run. Nothing changes.
    pub fn handle_persist_failed(
        &mut self,
        now: Instant,
        ticket: Ticket,
        failure: PersistFailure,
    ) -> Result<(), TicketError> {
        let node = &mut self.node;
        let retry_at = now.plus(node.limits.election_timeout);
        let first = node.durability.retry_at().is_none();
        node.durability.postpone(&ticket, node.id, node.life.nonce, retry_at)?;
        node.stirred = Stirred::Yes;
        match failure {
            PersistFailure::Failed => node.halt(Halt::StorageFailed),
            PersistFailure::Full => {
                if first {
                    node.news.storage = Some(Event::StorageFull);
                }
                node.become_follower(now);
            }
        }
        Ok(())
    }
}
