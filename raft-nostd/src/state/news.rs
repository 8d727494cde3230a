//! What the application is to be told: one slot for each kind of event, so that nothing queues.

use super::proposals::Proposed;
use super::reads::ReadId;
use super::role::Role;
use crate::error::{Halt, LogFull};
use crate::types::{NodeId, Position, Term};

/// Something the application may want to know. More may come, so match with a wildcard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event {
    /// Role, term or known leader changed; several changes between two polls come as one.
    Status(Status),
    /// What is committed leaves no place for these proposals of this node. They have no effect and
    /// never will.
    ProposalsLost(Proposed),
    /// This node will not tell what became of these proposals: they may be applied, by any node, at
    /// any time, or never. For whoever waits that is final; an [`Output::Apply`](crate::Output::Apply)
    /// with the very position of one of them may still come.
    ProposalsUnknown(Proposed),
    /// Every read up to this one may be answered from the state machine, now.
    ReadReady(ReadId),
    /// No read up to this one that is not ready yet will be: ask the next leader.
    ReadsLost(ReadId),
    /// A leader could not append: the log is full. See [`LogFull`] for what helps. It leads no more if
    /// its log stayed full while a majority of others had room.
    LogFull(LogFull),
    /// A leader sends what this node's configuration does not allow, a datagram or an entry too long
    /// or more entries than its log can ever hold: the nodes have unequal logs or datagram bounds.
    /// Told once in a term.
    CapacityDiffers {
        /// The leader.
        leader: NodeId,
    },
    /// A follower has not got any more what it had acknowledged as durable to this leader: its disk was
    /// wiped or exchanged. Told once of each in a term. It is not the node that its peers knew, and its
    /// old acknowledgements and votes do not hold: what was committed with them may lack its majority.
    /// It gets no further before another node leads, or it is sent a snapshot.
    FollowerLost {
        /// The follower.
        peer: NodeId,
    },
    /// The medium is full. The node has stepped down and tries again; nothing is lost.
    StorageFull,
    /// The medium has space again.
    StorageRecovered,
    /// The log is more than half full, and all that is applied of it can make way: take a snapshot.
    /// ([`Driver`](crate::Driver) does.)
    CompactionUrged,
    /// A snapshot of the state through this position is durable; the log was compacted.
    SnapshotTaken(Position),
    /// The state machine was replaced by a leader's snapshot of the state through this position.
    SnapshotInstalled(Position),
    /// A snapshot was not taken, or not taken over. The node goes on without it.
    SnapshotFailed(SnapshotFailure),
    /// The node has stopped for good.
    Halted(Halt),
}

/// Why a snapshot did not come about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SnapshotFailure {
    /// Its medium has no space for it at present.
    Full,
    /// It is longer than its place on the medium: no space that comes back helps.
    TooLarge,
    /// Its medium failed, or gave back other bytes than were written.
    Storage,
    /// The state machine did not write it, or did not take it.
    Machine,
}

impl core::fmt::Display for SnapshotFailure {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(match self {
            Self::Full => "no space",
            Self::TooLarge => "too large for its place",
            Self::Storage => "its medium failed",
            Self::Machine => "the state machine failed",
        })
    }
}

/// Role, term and leader.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Status {
    /// What this node is.
    pub role: Role,
    /// Its term.
    pub term: Term,
    /// Whom it takes for the leader of that term.
    pub leader: Option<NodeId>,
}

/// Whether something lasting was told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Told {
    #[default]
    No,
    Yes,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct News {
    /// The status last told.
    pub(crate) told: Status,
    pub(crate) unknown: Option<Proposed>,
    pub(crate) reads_lost: Option<ReadId>,
    pub(crate) log_full: Option<LogFull>,
    capacity_differs: Option<NodeId>,
    /// Of whom that was told last, and in which term.
    capacity_told: Option<(NodeId, Term)>,
    pub(crate) storage: Option<Event>,
    pub(crate) snapshot: Option<Event>,
    pub(crate) snapshot_failed: Option<SnapshotFailure>,
    /// Whether it was told that compaction is urged.
    pub(crate) urged: Told,
    pub(crate) halted: Option<Halt>,
}

impl News {
    /// The bounds of `leader` differ: told once in a term, not with each of its datagrams.
    pub(crate) fn capacity_differs(&mut self, leader: Option<NodeId>, term: Term) {
        let told = leader.map(|leader| (leader, term));
        if told != self.capacity_told {
            self.capacity_told = told;
            self.capacity_differs = leader;
        }
    }

    /// The next event, the status being `status`.
    pub(crate) fn next(&mut self, status: Status) -> Option<Event> {
        if let Some(reason) = self.halted.take() {
            return Some(Event::Halted(reason));
        }
        if self.told != status {
            self.told = status;
            return Some(Event::Status(status));
        }
        if let Some(unknown) = self.unknown.take() {
            return Some(Event::ProposalsUnknown(unknown));
        }
        if let Some(through) = self.reads_lost.take() {
            return Some(Event::ReadsLost(through));
        }
        if let Some(full) = self.log_full.take() {
            return Some(Event::LogFull(full));
        }
        if let Some(leader) = self.capacity_differs.take() {
            return Some(Event::CapacityDiffers { leader });
        }
        if let Some(failure) = self.snapshot_failed.take() {
            return Some(Event::SnapshotFailed(failure));
        }
        self.snapshot.take().or_else(|| self.storage.take())
    }
}
