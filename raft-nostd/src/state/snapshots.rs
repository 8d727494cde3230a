//! What a node knows of snapshots: its newest one, and the one a leader is sending it
//! (dissertation §5).

use crate::error::TicketError;
use crate::manifest::{Manifest, Membership};
use crate::state::news::SnapshotFailure;
use crate::time::Instant;
use crate::types::{Index, Term};
use crate::wire::Receipt;

/// Names one chunk that the driver was asked to store: like a [`Ticket`](crate::Ticket), made by the
/// core only and to be brought back once.
#[derive(Debug, PartialEq, Eq)]
pub struct ChunkTicket {
    nonce: u32,
    serial: u64,
}

#[derive(Clone, Debug)]
pub(crate) struct Snapshots {
    /// The membership of this node's log.
    pub(crate) membership: Membership,
    /// The newest snapshot of its own that is durable: what a peer can be sent.
    pub(crate) newest: Option<Manifest>,
    /// The one it is being sent.
    pub(crate) incoming: Option<Incoming>,
    /// What the state machine was last restored from while it ran.
    pub(crate) restored: Index,
    /// The chunk that is out to be stored.
    serial: u64,
}

/// A snapshot on its way to this node.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Incoming {
    /// The term of the leader that last sent of it; zero when it was found at the start.
    pub(crate) term: Term,
    pub(crate) manifest: Manifest,
    /// Chunks that are stored.
    pub(crate) chunks: u32,
    pub(crate) stage: Stage,
    /// What is to be said of the last chunk.
    pub(crate) receipt: Receipt,
    /// When a chunk last came.
    pub(crate) heard_at: Instant,
    /// It could not be installed: nothing of it is taken before this.
    pub(crate) declined_until: Instant,
    /// Why not, when it was last tried.
    pub(crate) failure: Option<SnapshotFailure>,
}

/// How far a snapshot on its way has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stage {
    /// Its next chunk is awaited.
    Awaiting,
    /// A chunk is out to be stored.
    Storing,
    /// All chunks are stored; the driver is to be told.
    Whole,
    /// The driver restores the state machine from it. Nothing is applied meanwhile.
    Installing,
}

impl Snapshots {
    pub(crate) fn new(membership: Membership) -> Self {
        Self { membership, newest: None, incoming: None, restored: Index::ZERO, serial: 0 }
    }

    /// The last index that the newest snapshot is of; zero when there is none.
    pub(crate) fn newest_index(&self) -> Index {
        self.newest.as_ref().map_or(Index::ZERO, |newest| newest.last.index)
    }

    /// Whether the state machine is being replaced.
    pub(crate) fn is_installing(&self) -> bool {
        self.incoming.as_ref().is_some_and(|incoming| incoming.stage == Stage::Installing)
    }

    /// Gives out the next chunk of the incoming snapshot.
    pub(crate) fn hand_out(&mut self, nonce: u32) -> ChunkTicket {
        self.serial = self.serial.wrapping_add(1);
        if let Some(incoming) = &mut self.incoming {
            incoming.stage = Stage::Storing;
        }
        ChunkTicket { nonce, serial: self.serial }
    }

    /// Takes the ticket of the chunk that is out: the snapshot that it is of, if that is still
    /// wanted.
    pub(crate) fn redeem(
        &mut self,
        ticket: &ChunkTicket,
        nonce: u32,
    ) -> Result<Option<&mut Incoming>, TicketError> {
        if *ticket != (ChunkTicket { nonce, serial: self.serial }) {
            return Err(TicketError);
        }
        self.serial = self.serial.wrapping_add(1);
        Ok(self.incoming.as_mut().filter(|incoming| incoming.stage == Stage::Storing))
    }
}
