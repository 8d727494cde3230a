//! The node's end of all handles: who waits for what.

use super::error::{HandleError, Unknown};
use super::pending::{Promise, lock};
use super::{Ask, Inbox, Request, Shared};
use raft_nostd::{Driver, Event, Host, Instant, NodeId, Position, Proposed, ReadId, StateMachine};
use std::collections::VecDeque;
use std::fmt::{self, Debug, Formatter};
use std::mem;
use std::sync::Arc;

/// Takes the requests of all handles to the node and the node's answers back. It belongs to
/// whoever owns the [`Driver`], which, in this order:
///
/// - calls [`Desk::serve`] when woken, and no later than [`Desk::wake_at`];
/// - drains the driver;
/// - shows it all that the driver's [`Host`] was told, in order: [`Desk::applied`], [`Desk::event`].
///
/// Dropping it answers every request that still waits.
pub struct Desk<M: StateMachine> {
    shared: Arc<Shared<M::Response>>,
    /// Taken from the inbox; empty between calls, kept for its memory.
    taken: Vec<Request<M::Response>>,
    /// By position, which is also by age: a node proposes at ever higher positions.
    proposals: VecDeque<Waiter<Position, M::Response>>,
    /// By id, which is also by age.
    reads: VecDeque<Waiter<Read, M::Response>>,
    leader: Option<NodeId>,
}

struct Waiter<K, R> {
    key: K,
    until: Instant,
    promise: Promise<R>,
}

struct Read {
    id: ReadId,
    query: Vec<u8>,
}

impl<M: StateMachine> Desk<M> {
    pub(super) fn new(shared: Arc<Shared<M::Response>>) -> Self {
        Self {
            shared,
            taken: Vec::new(),
            proposals: VecDeque::new(),
            reads: VecDeque::new(),
            leader: None,
        }
    }

    /// Gives up those that waited too long, and hands all new requests to the driver. O(requests);
    /// there are no more than the limits allow.
    pub fn serve<H, const VOTERS: usize>(&mut self, driver: &mut Driver<H, VOTERS>, now: Instant)
    where
        H: Host<Machine = M>,
    {
        self.expire(now);
        if let Inbox::Open(requests) = &mut *lock(&self.shared.inbox) {
            mem::swap(requests, &mut self.taken);
        }
        let until = now.plus(self.shared.limits.patience);
        for Request { ask, promise } in self.taken.drain(..) {
            match ask {
                Ask::Propose(command) => match driver.propose(now, &command) {
                    Ok(position) => {
                        let promise = promise.taken();
                        self.proposals.push_back(Waiter { key: position, until, promise });
                    }
                    Err(error) => promise.settle(Err(error.into())),
                },
                Ask::Read(query) => match driver.read(now) {
                    Ok(id) => {
                        let promise = promise.taken();
                        self.reads.push_back(Waiter { key: Read { id, query }, until, promise });
                    }
                    Err(error) => promise.settle(Err(error.into())),
                },
            }
        }
    }

    /// When to call [`Desk::serve`] even if nobody wakes its owner.
    #[must_use]
    pub fn wake_at(&self) -> Instant {
        let proposal = self.proposals.front().map_or(Instant::NEVER, |waiter| waiter.until);
        let read = self.reads.front().map_or(Instant::NEVER, |waiter| waiter.until);
        proposal.min(read)
    }

    /// The command at `position` was applied. The response comes back if it is for nobody here.
    /// O(1) for the oldest proposal, which it usually is; else O(requests).
    pub fn applied(&mut self, position: Position, response: M::Response) -> Option<M::Response> {
        let Ok(place) = self.proposals.binary_search_by_key(&position, |waiter| waiter.key) else {
            return Some(response);
        };
        match self.proposals.remove(place) {
            Some(waiter) => waiter.promise.settle(Ok(response)),
            None => return Some(response),
        }
        None
    }

    /// Something happened. Reads that are ready are answered from `machine`. O(requests).
    pub fn event(&mut self, event: &Event, machine: &M) {
        match event {
            Event::Status(status) => self.leader = status.leader,
            Event::ProposalsLost(range) => self.end_proposals(range, HandleError::Lost),
            Event::ProposalsUnknown(range) => {
                self.end_proposals(range, HandleError::Unknown(Unknown::Forgotten));
            }
            Event::ReadReady(through) => {
                self.end_reads(*through, |query| Ok(machine.query(query)));
            }
            Event::ReadsLost(through) => {
                let hint = self.leader;
                self.end_reads(*through, |_| Err(HandleError::NotLeader { hint }));
            }
            Event::Halted(_) => self.end_all(HandleError::Unknown(Unknown::Halted)),
            _ => {}
        }
    }

    fn expire(&mut self, now: Instant) {
        let late = || Err(HandleError::Unknown(Unknown::Deadline));
        while let Some(waiter) = pop_if(&mut self.proposals, |waiter| waiter.until <= now) {
            waiter.promise.settle(late());
        }
        while let Some(waiter) = pop_if(&mut self.reads, |waiter| waiter.until <= now) {
            waiter.promise.settle(late());
        }
    }

    fn end_proposals(&mut self, range: &Proposed, error: HandleError) {
        let start = self.proposals.partition_point(|waiter| {
            waiter.key < Position { term: range.term, index: range.first }
        });
        let end = self.proposals.partition_point(|waiter| {
            waiter.key <= Position { term: range.term, index: range.last }
        });
        // `start` is the smaller one, unless the range is empty.
        for waiter in self.proposals.drain(start.min(end)..end) {
            waiter.promise.settle(Err(error));
        }
    }

    fn end_reads(
        &mut self,
        through: ReadId,
        mut answer: impl FnMut(&[u8]) -> Result<M::Response, HandleError>,
    ) {
        while let Some(waiter) = pop_if(&mut self.reads, |waiter| waiter.key.id <= through) {
            waiter.promise.settle(answer(&waiter.key.query));
        }
    }

    fn end_all(&mut self, error: HandleError) {
        for waiter in self.proposals.drain(..) {
            waiter.promise.settle(Err(error));
        }
        for waiter in self.reads.drain(..) {
            waiter.promise.settle(Err(error));
        }
    }
}

/// The oldest, if it is `due`.
fn pop_if<T>(queue: &mut VecDeque<T>, due: impl FnOnce(&T) -> bool) -> Option<T> {
    if queue.front().is_some_and(due) { queue.pop_front() } else { None }
}

impl<M: StateMachine> Drop for Desk<M> {
    fn drop(&mut self) {
        // What waits is answered as it is dropped; outside the lock, as that may run anything.
        let inbox = mem::replace(&mut *lock(&self.shared.inbox), Inbox::Closed);
        drop(inbox);
    }
}

impl<M: StateMachine> Debug for Desk<M> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.debug_struct("Desk")
            .field("proposals", &self.proposals.len())
            .field("reads", &self.reads.len())
            .finish_non_exhaustive()
    }
}
