//! What a node knows: the fields of Figure 3.1 and what this implementation adds to them.
//!
//! Behaviour lives one rank up, in `recv`, `election`, `replicate` and their neighbours.

pub(crate) mod durability;
pub(crate) mod metrics;
pub(crate) mod news;
pub(crate) mod peers;
pub(crate) mod progress;
pub(crate) mod proposals;
pub(crate) mod quorum;
pub(crate) mod reads;
pub(crate) mod role;
pub(crate) mod snapshots;
pub(crate) mod transfer;

use crate::config::Config;
use crate::error::Halt;
use crate::log::Log;
use crate::rand::Rand;
use crate::time::{Duration, Instant};
use crate::types::{ClusterId, HardState, Index, Life, NodeId, Position, Term};
use durability::Durability;
use metrics::Metrics;
use news::News;
use peers::{Ballot, Peer};
use proposals::Proposals;
use reads::Reads;
use role::Role;
use snapshots::Snapshots;

/// The bounds of a node, from its configuration.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    pub(crate) max_command: u32,
    pub(crate) max_datagram: u32,
    pub(crate) max_chunk: u32,
    pub(crate) window: u32,
    pub(crate) election_timeout: Duration,
    pub(crate) heartbeat: Duration,
}

/// Everything a node knows.
#[derive(Clone, Debug)]
pub(crate) struct Node<B, const VOTERS: usize> {
    pub(crate) cluster: ClusterId,
    pub(crate) id: NodeId,
    pub(crate) life: Life,
    pub(crate) limits: Limits,
    pub(crate) rand: Rand,

    /// `currentTerm` and `votedFor`, perhaps not durable yet.
    pub(crate) hard: HardState,
    pub(crate) role: Role,
    pub(crate) leader: Option<NodeId>,
    /// When the leader of this term was last heard.
    pub(crate) contact: Instant,
    /// The last term this node led. Nobody else leads in it.
    pub(crate) led: Term,
    /// This node's own vote for itself.
    pub(crate) own_ballot: Ballot,

    pub(crate) log: Log<B>,
    pub(crate) commit: Index,
    pub(crate) applied: Index,
    /// The last position that an append of the current term's leader has proven; zero in a new
    /// term.
    pub(crate) verified: Index,
    /// The newest quorum round heard from the leader of this term.
    pub(crate) heard_round: u64,
    pub(crate) durability: Durability,

    /// All voters but this node.
    pub(crate) peers: heapless::Vec<Peer, VOTERS>,
    /// The peer that is served next, so that none starves.
    pub(crate) turn: usize,
    /// When a follower or candidate campaigns.
    pub(crate) campaign_at: Instant,
    /// Since when a leader has refused every command, and its log was not compacted; never if it has
    /// not.
    pub(crate) full_since: Instant,
    /// When a leader makes itself heard, and a candidate asks again.
    pub(crate) beat_at: Instant,

    pub(crate) proposals: Proposals,
    pub(crate) reads: Reads,
    pub(crate) snapshots: Snapshots,
    pub(crate) news: News,
    pub(crate) metrics: Metrics,
    pub(crate) halted: Option<Halt>,
    pub(crate) stirred: Stirred,
}

/// How far polling has come since the last input. Between inputs nothing becomes due again, so that
/// each poll goes on where the one before it ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stirred {
    /// An input has come: everything may be due, events first.
    Yes,
    /// Events were told: datagrams are next.
    Told,
    /// Datagrams were sent: a batch to persist is next.
    Said,
    /// All that is to be told, said and persisted was.
    No,
}

/// What a node starts from.
#[derive(Clone, Copy, Debug)]
pub struct Start {
    /// Term and vote, as recovered.
    pub hard_state: HardState,
    /// Which life this is, as recovered, with a nonce drawn for this run.
    pub life: Life,
    /// How far the state machine has applied the log already, if it is durable by itself.
    pub applied: Index,
    /// Entropy for the election timeouts. May be the same on every node.
    pub seed: u64,
    /// The current time.
    pub now: Instant,
}

impl<B: AsRef<[u8]> + AsMut<[u8]>, const VOTERS: usize> Node<B, VOTERS> {
    /// A follower that has heard nothing yet, with a log whose every entry is durable.
    pub(crate) fn new(
        config: &Config<'_>,
        log: Log<B>,
        snapshots: Snapshots,
        journal_base: Position,
        start: &Start,
    ) -> Self {
        let mut peers = heapless::Vec::new();
        for id in config.voters.iter().filter(|id| **id != config.node) {
            // The configuration was checked: there are at most VOTERS.
            let _ = peers.push(Peer::new(*id));
        }
        let durability = Durability::new(start.hard_state, journal_base, log.last().index);
        let applied = start.applied.max(log.base().index);
        let mut node = Self {
            cluster: config.cluster,
            id: config.node,
            life: start.life,
            limits: Limits {
                max_command: config.max_command,
                max_datagram: config.max_datagram,
                max_chunk: config.max_chunk(),
                window: config.window,
                election_timeout: config.election_timeout,
                heartbeat: config.heartbeat,
            },
            rand: Rand::new(start.seed, config.node),
            hard: start.hard_state,
            role: Role::Follower,
            leader: None,
            contact: Instant::ORIGIN,
            led: Term::ZERO,
            own_ballot: Ballot::Idle,
            log,
            commit: applied,
            applied,
            verified: Index::ZERO,
            heard_round: 0,
            durability,
            peers,
            turn: 0,
            campaign_at: Instant::NEVER,
            full_since: Instant::NEVER,
            beat_at: Instant::NEVER,
            proposals: Proposals::default(),
            reads: Reads::default(),
            snapshots,
            news: News::default(),
            metrics: Metrics::default(),
            halted: None,
            stirred: Stirred::Yes,
        };
        node.campaign_at = node.draw_timeout(start.now);
        node
    }

    /// How many voters there are.
    pub(crate) fn voters(&self) -> usize {
        self.peers.len().saturating_add(1)
    }

    /// A new election deadline (dissertation §3.4: from a fixed interval, at random).
    pub(crate) fn draw_timeout(&mut self, now: Instant) -> Instant {
        let shortest = self.limits.election_timeout;
        let extra = self.rand.below(shortest.as_micros());
        now.plus(shortest).plus(Duration::from_micros(extra))
    }

    /// Whether a leader of this node's own term commits by counting at `index`.
    pub(crate) fn is_of_own_term(&self, index: Index) -> bool {
        self.log.term_at(index) == Some(self.hard.term)
    }

    /// As far as this node may acknowledge to the leader of its term.
    pub(crate) fn acknowledged(&self) -> Index {
        self.verified.min(self.durability.through())
    }

    /// As far as the state machine may go: committed, and durable here.
    pub(crate) fn applicable(&self) -> Index {
        self.commit.min(self.durability.through())
    }

    /// Whether term and vote, as they are in memory, are durable. Until then the node is silent.
    pub(crate) fn may_speak(&self) -> Speech {
        if self.durability.hard_state() == self.hard { Speech::Free } else { Speech::Withheld }
    }

    /// Stops the node for good.
    pub(crate) fn halt(&mut self, reason: Halt) {
        if self.halted.is_none() {
            self.halted = Some(reason);
            self.stirred = Stirred::Yes;
            self.role = Role::Follower;
            self.leader = None;
            self.news.halted = Some(reason);
            self.lose_reads();
        }
    }

    /// The reads that wait for a quorum will not be answered.
    pub(crate) fn lose_reads(&mut self) {
        if let Some(through) = self.reads.abandon() {
            self.news.reads_lost = Some(through);
        }
    }

    /// The term, for brevity.
    pub(crate) fn term(&self) -> Term {
        self.hard.term
    }
}

/// Whether a node may say anything at present.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Speech {
    /// Its term and vote are durable.
    Free,
    /// They are not yet: no datagram carries a term that is not durable.
    Withheld,
}
