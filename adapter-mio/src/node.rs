//! The node as a service sees it.

use crate::link::{Received, count};
use crate::world::{Told, Unreadable, World};
use adapter_std::clock::Clock;
use adapter_std::files::FileMedium;
use mio::Registry;
use raft_nostd::journal::Medium;
use raft_nostd::{
    Driver, Event, Halt, Instant, Position, ProposeError, Raft, ReadError, ReadId, SnapshotWork,
    StateMachine, VOTERS_MAX,
};
use std::fmt::{self, Debug, Formatter};

/// What a loop has done since it was opened. All counts saturate.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Times the loop woke up.
    pub turns: u64,
    /// Datagrams handed to the kernel.
    pub sent: u64,
    /// Datagrams it had no room for. They count as lost.
    pub send_would_block: u64,
    /// Datagrams it refused for another reason, an unreachable peer for example. Likewise.
    pub send_errors: u64,
    /// Calls to receive one, those that found nothing included.
    pub receive_calls: u64,
    /// Datagrams received, whatever they were; see [`Raft::metrics`] for how they were taken.
    pub received: u64,
    /// Datagrams longer than the configuration's bound. Dropped, and counted by the node as
    /// [`Refused::Length`](raft_nostd::Refused::Length) too.
    pub oversize: u64,
    /// Failed calls to receive one; on Linux also how a peer's closed port is heard of.
    pub receive_errors: u64,
    /// Turns that ended with datagrams left in the kernel as the budget was spent.
    pub budget_spent: u64,
}

/// A node on a loop, as a [`Service`](crate::Service) sees it: what it may ask and look at in a
/// callback.
pub struct Node<M: StateMachine, D: Medium = FileMedium> {
    pub(crate) driver: Driver<World<M, D>, VOTERS_MAX>,
    pub(crate) registry: Registry,
    pub(crate) clock: Clock,
    pub(crate) now: Instant,
    pub(crate) fate: Fate,
    pub(crate) backlog: Backlog,
    pub(crate) buffers: Buffers,
}

/// Whether the loop goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    Running,
    Stopping,
    Halted(Halt),
}

/// What is known of datagrams in the kernel. mio tells of new ones only once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Backlog {
    /// There are none.
    Dry,
    /// There may be some: look in this turn, and do not sleep before.
    Some,
    /// There may be some, but the last call failed: look in the next turn, whenever that is.
    Failed,
}

/// One datagram each way.
pub(crate) struct Buffers {
    /// One byte more than the longest allowed datagram.
    pub(crate) inbound: Box<[u8]>,
    pub(crate) outbound: Box<[u8]>,
}

/// What a drain left behind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rest {
    /// There is more to do, or a deadline has passed meanwhile.
    More,
    /// Nothing until then.
    Until(Instant),
}

impl<M: StateMachine, D: Medium> Node<M, D> {
    /// Proposes a command. What becomes of it is told by exactly one of
    /// [`Service::applied`](crate::Service::applied) with this very position,
    /// [`Event::ProposalsLost`] and [`Event::ProposalsUnknown`], unless the loop ends before. See
    /// [`Raft::propose`]. O(command).
    ///
    /// # Errors
    /// Why it was not taken; then nothing of it is in any log.
    pub fn propose(&mut self, command: &[u8]) -> Result<Position, ProposeError> {
        self.driver.propose(self.now, command)
    }

    /// Asks for a linearizable read: at [`Event::ReadReady`] with this id or a later one, the
    /// machine may be read; at [`Event::ReadsLost`], ask the next leader. See [`Raft::read`]. O(1).
    ///
    /// # Errors
    /// When this node does not lead, or has halted.
    pub fn read(&mut self) -> Result<ReadId, ReadError> {
        self.driver.read(self.now)
    }

    /// The state machine. What it says is linearizable only when a [read](Node::read) is ready.
    #[must_use]
    pub fn machine(&self) -> &M {
        &self.driver.host().machine
    }

    /// Role, term, log and metrics of the node.
    #[must_use]
    pub fn raft(&self) -> &Raft<Box<[u8]>, VOTERS_MAX> {
        self.driver.raft()
    }

    /// The time, as of when the loop last looked: after it slept, and after each sync. On the
    /// clock of [`Service::wake_at`](crate::Service::wake_at).
    #[must_use]
    pub fn now(&self) -> Instant {
        self.now
    }

    /// Where to register the service's sockets, under tokens from
    /// [`FIRST_TOKEN`](crate::FIRST_TOKEN) up.
    #[must_use]
    pub fn registry(&self) -> &Registry {
        &self.registry
    }

    /// The journal's medium, for its metrics.
    #[must_use]
    pub fn medium(&self) -> &D {
        &self.driver.host().medium
    }

    /// The snapshots' medium, if there is one.
    #[must_use]
    pub fn snapshots(&self) -> Option<&D> {
        self.driver.host().snapshots.as_ref()
    }

    /// Takes a snapshot of the machine and compacts the log, however empty that may be.
    /// [`Event::SnapshotTaken`] or [`Event::SnapshotFailed`] tells how it went; neither comes when
    /// nothing was applied since the last snapshot. See [`Driver::compact`].
    pub fn compact(&mut self) {
        self.driver.compact();
    }

    /// Takes a snapshot in place of the newest, even where nothing was applied since. See
    /// [`Driver::replace_snapshot`].
    pub fn replace_snapshot(&mut self) {
        self.driver.replace_snapshot();
    }

    /// What is being done about snapshots.
    #[must_use]
    pub fn snapshot_work(&self) -> SnapshotWork {
        self.driver.snapshot_work()
    }

    /// What went wrong with a snapshot last, if anything ever did: with
    /// [`Event::SnapshotFailed`], why.
    #[must_use]
    pub fn snapshot_error(&self) -> Option<&str> {
        self.driver.host().snapshot_error.as_deref()
    }

    /// What kept the newest snapshot from being read last when a peer was to be sent it, if anything
    /// ever did. Its count tells whether it is news: there is no event for it.
    #[must_use]
    pub fn snapshot_unreadable(&self) -> Option<&Unreadable> {
        self.driver.host().unreadable.as_ref()
    }

    /// What the loop has done.
    #[must_use]
    pub fn counters(&self) -> Counters {
        self.driver.host().link.counters
    }

    /// What the medium complained of last, if it ever did, in its own words: with
    /// [`Event::StorageFull`], why.
    #[must_use]
    pub fn storage_error(&self) -> Option<&str> {
        self.driver.host().storage_error.as_deref()
    }

    /// Ends the loop at the end of this turn: what was proposed before is still sent and made
    /// durable, not awaited; then the journal is sealed.
    pub fn stop(&mut self) {
        if self.fate == Fate::Running {
            self.fate = Fate::Stopping;
        }
    }

    /// Looks at the clock.
    pub(crate) fn look_at_clock(&mut self) -> Instant {
        self.now = self.clock.now();
        self.now
    }

    /// Takes what peers have sent, up to `budget` datagrams.
    pub(crate) fn receive(&mut self, budget: u32) {
        let inbound = &mut self.buffers.inbound;
        for _ in 0..budget.max(1) {
            match self.driver.host_mut().link.receive(inbound) {
                Received::Datagram(len) => {
                    // What is refused is counted by its reason; an oversize one as well.
                    let _ = self.driver.datagram(self.now, inbound.get(..len).unwrap_or(inbound));
                }
                Received::Nothing => {}
                Received::Dry => {
                    self.backlog = Backlog::Dry;
                    return;
                }
                Received::Failed => {
                    self.backlog = Backlog::Failed;
                    return;
                }
            }
        }
        self.backlog = Backlog::Some;
        count(&mut self.driver.host_mut().link.counters.budget_spent);
    }

    /// Fires the node's deadline, if it has passed.
    pub(crate) fn fire(&mut self) {
        let now = self.look_at_clock();
        self.driver.timeout(now);
    }

    /// Does what the node wants done, and looks at the clock again, as that may sync.
    pub(crate) fn drain(&mut self) -> Rest {
        let now = self.look_at_clock();
        let wake_at = self.driver.drain(now, &mut self.buffers.outbound);
        self.look_at_clock();
        if wake_at <= now { Rest::More } else { Rest::Until(wake_at) }
    }

    /// The next thing the drain had to tell.
    pub(crate) fn next_told(&mut self) -> Option<Told<M::Response>> {
        let told = self.driver.host_mut().told.pop_front();
        if let Some(Told::Event(Event::Halted(reason))) = &told {
            self.fate = Fate::Halted(*reason);
        }
        told
    }

    pub(crate) fn count_turn(&mut self) {
        count(&mut self.driver.host_mut().link.counters.turns);
    }
}

impl<M: StateMachine, D: Medium> Debug for Node<M, D> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.debug_struct("Node")
            .field("id", &self.raft().id())
            .field("status", &self.raft().status())
            .field("now", &self.now)
            .field("fate", &self.fate)
            .field("counters", &self.counters())
            .finish_non_exhaustive()
    }
}
