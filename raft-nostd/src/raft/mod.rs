//! The front door: [`Raft`], one node of a cluster.

mod command;
#[cfg(feature = "explore")]
mod explore;
mod input;
mod loading;
mod output;

#[cfg(feature = "explore")]
pub use explore::Sketch;
pub use loading::{AttachError, Loading, SnapshotAhead, SnapshotMissing, StartError};
pub use output::{Committed, Output, Persist, Transmit, TransmitChunk};

use crate::error::Halt;
use crate::manifest::Manifest;
use crate::state::Node;
use crate::state::metrics::Metrics;
use crate::state::news::{SnapshotFailure, Status};
use crate::time::{Duration, Instant};
use crate::types::{HardState, Index, Life, NodeId, Position, Term};
use crate::wire::Room;

/// One node: its log, its term and vote, and what it knows of its peers.
///
/// `B` is the log's memory (`[u8; N]` in a static, `Box<[u8]>` on a server), `VOTERS` the most
/// voters the cluster may have. The methods come in four families:
///
/// - **getters** tell what is;
/// - **`handle_*`**: the world speaks (a datagram, a deadline, the medium);
/// - **commands**: the application asks ([`propose`](Self::propose), [`read`](Self::read));
/// - **[`poll_output`](Self::poll_output)**: the one way out. Call it after any of the others, do
///   what it says in the order it says it, until it is [`Output::Idle`].
///
/// No method panics, allocates, or loops over more than the members and the bytes it touches.
#[derive(Debug)]
#[cfg_attr(feature = "explore", derive(Clone))]
pub struct Raft<B, const VOTERS: usize> {
    node: Node<B, VOTERS>,
}

impl<B: AsRef<[u8]> + AsMut<[u8]>, const VOTERS: usize> Raft<B, VOTERS> {
    /// This node.
    pub fn id(&self) -> NodeId {
        self.node.id
    }

    /// Which life of this node this is.
    pub fn life(&self) -> Life {
        self.node.life
    }

    /// Role, term and leader.
    pub fn status(&self) -> Status {
        Status { role: self.node.role, term: self.node.term(), leader: self.node.leader }
    }

    /// The current term; perhaps not durable yet.
    pub fn term(&self) -> Term {
        self.node.term()
    }

    /// Term and vote; perhaps not durable yet.
    pub fn hard_state(&self) -> HardState {
        self.node.hard
    }

    /// Term and vote as the medium has them.
    pub fn durable_hard_state(&self) -> HardState {
        self.node.durability.hard_state()
    }

    /// The last entry of the log; perhaps not durable yet.
    pub fn last(&self) -> Position {
        self.node.log.last()
    }

    /// The last entry the medium has.
    pub fn durable(&self) -> Index {
        self.node.durability.through()
    }

    /// The commit index, as far as this node knows.
    pub fn commit(&self) -> Index {
        self.node.commit
    }

    /// The last entry that was given to the state machine (no-ops count as given).
    pub fn applied(&self) -> Index {
        self.node.applied
    }

    /// The term of the entry at `index`, when the log holds it. O(1).
    pub fn term_at(&self, index: Index) -> Option<Term> {
        self.node.log.term_at(index)
    }

    /// The entry at `index`, when the log holds it. O(1).
    pub fn entry(&self, index: Index) -> Option<crate::frame::Entry<'_>> {
        self.node.log.entry(index)
    }

    /// The position before the first entry of the log: what was compacted away ends there.
    pub fn base(&self) -> Position {
        self.node.log.base()
    }

    /// Position and membership of a snapshot taken now, of the state machine as it is when
    /// [`poll_output`](Self::poll_output) was idle last. `None` when there is nothing new to take.
    pub fn snapshot_due(&self) -> Option<Manifest> {
        self.node.snapshot_due()
    }

    /// The same where the newest snapshot cannot be read, or not be sent: one that replaces it may be
    /// of the same position. `None` when nothing was applied yet, or a snapshot is being installed.
    pub fn replacement_due(&self) -> Option<Manifest> {
        self.node.replacement_due()
    }

    /// Whether the log is so full that a snapshot should be taken soon: more than half, or three
    /// quarters while a follower takes in the last one and what follows it.
    pub fn is_compaction_urged(&self, now: Instant) -> bool {
        self.node.is_compaction_urged(now)
    }

    /// Whether a follower takes in the newest snapshot just now, or what follows it.
    pub(crate) fn is_sending(&self, now: Instant) -> bool {
        self.node.is_sending(now)
    }

    /// While a leader is sending a snapshot: until when that takes precedence over taking one.
    pub(crate) fn incoming_quiet_at(&self) -> Option<Instant> {
        self.node.incoming_quiet_at()
    }

    /// How long to wait before a thing that failed is tried again.
    pub(crate) fn patience(&self) -> Duration {
        self.node.limits.election_timeout
    }

    /// Bytes of log entries that were applied since the newest snapshot. O(1).
    pub fn bytes_since_snapshot(&self) -> u64 {
        self.node.bytes_since_snapshot()
    }

    /// How many entries were applied since the newest snapshot. O(1).
    pub fn entries_since_snapshot(&self) -> u32 {
        self.node.entries_since_snapshot()
    }

    /// The newest snapshot that this node has durably.
    pub fn snapshot(&self) -> Option<&Manifest> {
        self.node.snapshots.newest.as_ref()
    }

    /// The snapshot that a leader is sending, how many of its chunks are stored, and when one last
    /// came.
    pub fn incoming_snapshot(&self) -> Option<(&Manifest, u32, Instant)> {
        let incoming = self.node.snapshots.incoming.as_ref()?;
        Some((&incoming.manifest, incoming.chunks, incoming.heard_at))
    }

    /// Why the snapshot that a leader is sending was given up when it was last tried, if it was:
    /// it is sent again from its beginning, until it is taken over.
    pub fn incoming_failure(&self) -> Option<SnapshotFailure> {
        self.node.snapshots.incoming.as_ref()?.failure
    }

    /// While this node leads: how many chunks of its newest snapshot `peer` has, when it needs it.
    pub fn transfer(&self, peer: NodeId) -> Option<u32> {
        let at = self.node.peers.iter().position(|one| one.id == peer)?;
        let leads = self.status().role == crate::Role::Leader;
        let peer = self.node.peers.get(at)?;
        (leads && self.node.needs_snapshot(at)).then_some(peer.progress.transfer.acked)
    }

    /// How many entries and bytes an empty log holds.
    pub fn capacity(&self) -> Room {
        self.node.log.capacity()
    }

    /// How many entries and bytes the log has room for.
    pub fn room(&self) -> Room {
        self.node.log.room()
    }

    /// The voters other than this node, in ascending order.
    pub fn peers(&self) -> impl Iterator<Item = NodeId> + '_ {
        self.node.peers.iter().map(|peer| peer.id)
    }

    /// While this node leads: how far `peer` is known to have the log, durably.
    pub fn matched(&self, peer: NodeId) -> Option<Index> {
        let peer = self.node.peers.iter().find(|one| one.id == peer)?;
        (self.status().role == crate::Role::Leader).then_some(peer.progress.matched)
    }

    /// Counters since the start.
    pub fn metrics(&self) -> &Metrics {
        &self.node.metrics
    }

    /// Why the node has stopped for good, if it has.
    pub fn halted(&self) -> Option<Halt> {
        self.node.halted
    }

    pub(crate) fn node(&self) -> &Node<B, VOTERS> {
        &self.node
    }
}
