//! `handle_*`: the world speaks.

use super::Raft;
use crate::error::{Halt, Refused, TicketError};
use crate::journal::PersistFailure;
use crate::state::Stirred;
use crate::state::durability::Ticket;
use crate::state::metrics::count;
use crate::state::news::Event;
use crate::state::peers::{Owed, When};
use crate::time::Instant;

impl<B: AsRef<[u8]> + AsMut<[u8]>, const VOTERS: usize> Raft<B, VOTERS> {
    /// A datagram has come. Decodes, checks, takes its step. O(members + bytes), and O(log of the
    /// log's length) where logs differ.
    ///
    /// # Errors
    /// Why it was dropped. A refused datagram changes nothing but a counter; there is nothing to
    /// do about it.
    pub fn handle_datagram(&mut self, now: Instant, bytes: &[u8]) -> Result<(), Refused> {
        self.node.receive(now, bytes)?;
        self.node.stirred = Stirred::Yes;
        Ok(())
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
