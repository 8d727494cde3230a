//! What a node owes each peer, and what it is owed. Nothing else is remembered of the network:
//! memory stays O(members), whatever arrives.

use super::progress::Progress;
use crate::time::Instant;
use crate::types::{Index, NodeId, Position, Term};
use crate::wire::Vote;

#[derive(Clone, Debug)]
pub(crate) struct Peer {
    pub(crate) id: NodeId,
    /// What became of this node's request for its vote.
    pub(crate) ballot: Ballot,
    /// The answer it waits for. A newer one replaces an older one.
    pub(crate) owed: Owed,
    /// How far it has replicated this node's log, while this node leads.
    pub(crate) progress: Progress,
    /// When it last answered this leader.
    pub(crate) heard_at: Instant,
}

impl Peer {
    pub(crate) fn new(id: NodeId) -> Self {
        Self {
            id,
            ballot: Ballot::Idle,
            owed: Owed::Nothing,
            progress: Progress::default(),
            heard_at: Instant::ORIGIN,
        }
    }
}

/// A vote or pre-vote, as the one who asks sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ballot {
    /// Not asked for.
    Idle,
    /// To be asked for.
    Due,
    /// Asked for, and not answered.
    Asked,
    Granted,
    Refused,
}

/// An answer that a peer waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Owed {
    Nothing,
    PreVote {
        proposed: Term,
        vote: Vote,
    },
    Vote(Vote),
    Append {
        when: When,
        conflict: Option<Conflict>,
    },
    /// What has come of the snapshot that it sends.
    Install,
}

/// When the answer to an append is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum When {
    /// Once what was received is durable.
    Durable,
    /// At once.
    Now,
}

/// What an append was refused for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Conflict {
    pub(crate) prev: Index,
    pub(crate) hint: Position,
}
