//! The driver: the one place that does what the core says, for hosts that sync before they go on.
//!
//! A host lends it a [`Medium`] for the journal and one for snapshots, a [`Transport`] and a
//! [`StateMachine`], and calls [`Driver::datagram`], [`Driver::timeout`], [`Driver::propose`] and
//! [`Driver::read`] as things happen, then [`Driver::drain`]. All entries go through one journal
//! ([`journal::Writer`]), and one sync covers all that was written since the last. Snapshots are
//! taken, sent and installed in pieces between the other work.

mod host;
mod open;
mod work;

pub use host::{Host, OpenError, SnapshotError, StateMachine, Transport};

use crate::error::{ProposeError, ReadError, Refused};
use crate::journal::{self, Medium, WriteError};
use crate::raft::{Output, Persist, Raft};
use crate::recv::Received;
use crate::state::durability::Ticket;
use crate::state::reads::ReadId;
use crate::time::Instant;
use crate::types::Position;
use crate::vault::Vault;
pub use work::{Compaction, SnapshotWork};
use work::{Turn, Work};

/// Outputs that one [`Driver::drain`] does at most before it lets the host look at its inputs.
const OUTPUTS_PER_DRAIN: u32 = 4_096;

/// A node and its host.
#[derive(Debug)]
pub struct Driver<H: Host, const VOTERS: usize> {
    raft: Raft<H::Memory, VOTERS>,
    journal: journal::Writer,
    vault: Vault,
    host: H,
    /// A batch that is written and not synced.
    unsynced: Option<Ticket>,
    work: Work,
}

type MediumError<H> = <<H as Host>::Medium as Medium>::Error;

impl<H: Host, const VOTERS: usize> Driver<H, VOTERS> {
    /// The node.
    pub fn raft(&self) -> &Raft<H::Memory, VOTERS> {
        &self.raft
    }

    /// The host.
    pub fn host(&self) -> &H {
        &self.host
    }

    /// The host, to change.
    pub fn host_mut(&mut self) -> &mut H {
        &mut self.host
    }

    /// Gives the host back, as it is: nothing more is written, as if the process were killed.
    pub fn into_host(self) -> H {
        self.host
    }

    /// A datagram has come. See [`Raft::handle_datagram`].
    ///
    /// # Errors
    /// Why it was dropped; it is counted, and nothing needs to be done.
    pub fn datagram(&mut self, now: Instant, bytes: &[u8]) -> Result<(), Refused> {
        match self.raft.handle_datagram(now, bytes)? {
            Received::Heard => {}
            Received::Chunk(chunk) => self.store(now, chunk),
        }
        Ok(())
    }

    /// Time has passed. See [`Raft::handle_timeout`].
    pub fn timeout(&mut self, now: Instant) {
        self.raft.handle_timeout(now);
    }

    /// Proposes a command. See [`Raft::propose`].
    ///
    /// # Errors
    /// Why it was not taken.
    pub fn propose(&mut self, now: Instant, command: &[u8]) -> Result<Position, ProposeError> {
        self.raft.propose(now, command)
    }

    /// Asks for a linearizable read. See [`Raft::read`].
    ///
    /// # Errors
    /// Why it was not taken.
    pub fn read(&mut self, now: Instant) -> Result<ReadId, ReadError> {
        self.raft.read(now)
    }

    /// Does all that the node wants done, and syncs the journal once the stream runs dry. Returns
    /// when to call [`Driver::timeout`]; no later than `now` when there is more to do at once, so
    /// that the host may look at its inputs first. `buf` takes one datagram at a time.
    pub fn drain(&mut self, now: Instant, buf: &mut [u8]) -> Instant {
        let mut left = OUTPUTS_PER_DRAIN;
        loop {
            match self.raft.poll_output(now, buf) {
                Output::Event(event) => self.host.event(event),
                Output::Transmit(transmit) => {
                    self.host.transport().send(transmit.to, transmit.datagram);
                }
                Output::Persist(Persist { batch, ticket }) => {
                    match self.journal.write(self.host.medium(), &batch) {
                        Ok(()) => self.unsynced = Some(ticket),
                        Err(error) => self.persist_failed(now, ticket, error),
                    }
                }
                Output::Apply(committed) => {
                    let response = self.host.machine().apply(committed);
                    self.host.applied(committed.position, response);
                }
                Output::TransmitChunk(transmit) => {
                    work::send(&self.vault, &mut self.host, &mut self.work, transmit);
                    if let Some(ticket) = self.unsynced.take() {
                        self.sync(now, ticket); // It waits for one chunk, and not for all that may go.
                    }
                }
                Output::Install(manifest) => self.begin_restoring(now, &manifest),
                Output::Idle { wake_at } => match self.unsynced.take() {
                    Some(ticket) => self.sync(now, ticket),
                    None => match self.turn(now, buf) {
                        Turn::Again => return now,
                        Turn::Stirred => {}
                        Turn::Nothing { again_at } => return wake_at.min(again_at),
                    },
                },
            }
            left = left.saturating_sub(1);
            if left == 0 {
                return now;
            }
        }
    }

    fn sync(&mut self, now: Instant, ticket: Ticket) {
        match self.journal.sync(self.host.medium()) {
            // The ticket is this node's own: it is never refused.
            Ok(()) => _ = self.raft.handle_persisted(now, ticket),
            Err(error) => self.persist_failed(now, ticket, error),
        }
    }

    fn persist_failed(&mut self, now: Instant, ticket: Ticket, error: WriteError<MediumError<H>>) {
        let failure = error.failure();
        _ = self.raft.handle_persist_failed(now, ticket, failure);
        self.host.storage_error(error);
    }

    /// Seals the journal for a clean stop, so that damage to any of it will be noticed (but for the
    /// loss of the seal with the sector it lies in), and gives the host back.
    ///
    /// # Errors
    /// When the seal is not durable. Nothing acknowledged is lost by that.
    pub fn stop(mut self) -> Result<H, WriteError<MediumError<H>>> {
        self.journal.seal(self.host.medium())?;
        Ok(self.host)
    }
}
