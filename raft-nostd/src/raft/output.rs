//! `poll_output`: the one way out, and what comes that way.

use super::Raft;
use crate::error::Halt;
use crate::frame::EntryKind;
use crate::journal::Batch;
use crate::narrate;
use crate::state::durability::Ticket;
use crate::state::metrics::{add, count};
use crate::state::news::Event;
use crate::state::{Node, Speech, Stirred};
use crate::time::Instant;
use crate::types::{Index, NodeId, Position};

/// What the driver is to do next. Exhaustive on purpose: a driver that forgets one does not
/// compile.
///
/// **The order is the safety argument.** What needs no durability comes before the
/// [`Persist`](Self::Persist); what rests on it (a vote, an answer, the node's own share in a
/// majority) does not exist until its ticket has returned.
#[derive(Debug)]
pub enum Output<'a> {
    /// Send a datagram. It may be lost, doubled or late.
    Transmit(Transmit<'a>),
    /// Write a batch, in order after all earlier ones. Sync when the stream has run dry, then
    /// bring the ticket back and poll on.
    Persist(Persist<'a>),
    /// Something the application may want to know.
    Event(Event),
    /// Give a committed command to the state machine.
    Apply(Committed<'a>),
    /// There is nothing more to do until an input comes, or until this time.
    Idle {
        /// When to call [`Raft::handle_timeout`], if nothing else comes first.
        wake_at: Instant,
    },
}

/// A datagram for a peer.
#[derive(Debug)]
pub struct Transmit<'a> {
    /// To whom.
    pub to: NodeId,
    /// What; lies in the caller's buffer.
    pub datagram: &'a [u8],
}

/// A batch to make durable.
#[derive(Debug)]
pub struct Persist<'a> {
    /// What to write. It lies in the log's memory: an asynchronous medium copies it.
    pub batch: Batch<'a>,
    /// What to bring back when it is durable.
    pub ticket: Ticket,
}

/// A committed command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Committed<'a> {
    /// Its place, by which its proposer knows it.
    pub position: Position,
    /// The command as it was proposed.
    pub command: &'a [u8],
}

/// An [`Output`] before it borrows anything.
enum Step {
    Event(Event),
    Transmit { to: NodeId, len: usize },
    Persist { ticket: Ticket, first: Index },
    Apply(Position),
    Idle(Instant),
}

impl<B: AsRef<[u8]> + AsMut<[u8]>, const VOTERS: usize> Raft<B, VOTERS> {
    /// The next thing to do. `buf` takes the datagram of a [`Transmit`]; it should be as long as
    /// the configuration's datagram bound (what does not fit counts as lost).
    ///
    /// Poll until [`Output::Idle`]; inputs may come between any two polls. O(members + bytes of
    /// the output), and O(no-ops in a row) when applying.
    pub fn poll_output<'a>(&'a mut self, now: Instant, buf: &'a mut [u8]) -> Output<'a> {
        match self.node.step(now, buf) {
            Step::Event(event) => {
                narrate::event(self.node.id, &event);
                Output::Event(event)
            }
            Step::Transmit { to, len } => {
                Output::Transmit(Transmit { to, datagram: buf.get(..len).unwrap_or(&[]) })
            }
            Step::Persist { ticket, first } => {
                Output::Persist(Persist { batch: self.node.batch_from(first), ticket })
            }
            Step::Apply(position) => {
                let entry = self.node.log.entry(position.index);
                let command = entry.map_or(&[][..], |entry| entry.payload);
                Output::Apply(Committed { position, command })
            }
            Step::Idle(wake_at) => Output::Idle { wake_at },
        }
    }
}

impl<B: AsRef<[u8]> + AsMut<[u8]>, const VOTERS: usize> Node<B, VOTERS> {
    fn step(&mut self, now: Instant, buf: &mut [u8]) -> Step {
        if self.stirred == Stirred::Yes {
            if let Some(step) = self.first_things(now, buf) {
                return step;
            }
            // Nothing of that will be due before the next input: applying need not look again.
            self.stirred = Stirred::No;
        }
        match self.next_apply() {
            Some(step) => step,
            None => Step::Idle(self.wake_at(now)),
        }
    }

    /// All that comes before applying: events, datagrams, then the batch to persist.
    fn first_things(&mut self, now: Instant, buf: &mut [u8]) -> Option<Step> {
        self.start_read_round();
        if let Some(event) = self.next_event() {
            return Some(Step::Event(event));
        }
        if self.halted.is_some() {
            return None;
        }
        if self.may_speak() == Speech::Free
            && let Some((to, len)) = self.next_datagram(now, buf)
        {
            count(&mut self.metrics.datagrams_out);
            add(&mut self.metrics.bytes_out, len);
            return Some(Step::Transmit { to, len });
        }
        self.next_persist(now)
    }

    fn next_event(&mut self) -> Option<Event> {
        let status = crate::Status { role: self.role, term: self.term(), leader: self.leader };
        if let Some(event) = self.news.next(status) {
            return Some(event);
        }
        if self.halted.is_some() {
            return self.proposals.forget_oldest().map(Event::ProposalsUnknown);
        }
        let ready = self.reads.ready(self.applied)?;
        self.confirm_reads();
        Some(Event::ReadReady(ready))
    }

    fn next_persist(&mut self, now: Instant) -> Option<Step> {
        if self.durability.is_busy() || self.durability.retry_at().is_some_and(|at| now < at) {
            return None;
        }
        let last = self.log.last().index;
        let written = self.durability.written();
        if self.hard == self.durability.hard_state() && last <= written {
            return None;
        }
        let first = written.next();
        add(&mut self.metrics.bytes_persisted, self.log.frames(first, last).byte_len());
        let ticket = self.durability.begin(self.hard, last, self.id, self.life.nonce);
        Some(Step::Persist { ticket, first })
    }

    fn batch_from(&self, first: Index) -> Batch<'_> {
        let last = self.log.last().index;
        Batch {
            hard_state: self.hard,
            frames: self.log.frames(first, last),
            live: self.log.frames(self.log.first(), last),
            base: self.log.base(),
        }
    }

    /// The next committed command. No-ops are passed over; what they tell about open proposals is
    /// an event.
    fn next_apply(&mut self) -> Option<Step> {
        if self.halted.is_some() {
            return None;
        }
        let applicable = self.applicable();
        while self.applied < applicable {
            let index = self.applied.next();
            let (Some(term), Some(kind)) = (self.log.term_at(index), self.log.kind_at(index))
            else {
                self.halt(Halt::MemoryDamaged(index));
                return self.next_event().map(Step::Event);
            };
            let position = Position { term, index };
            if let Some(lost) = self.proposals.lost_by(position) {
                return Some(Step::Event(Event::ProposalsLost(lost)));
            }
            self.applied = index;
            self.proposals.applied(position);
            if self.reads.is_confirmed() {
                self.stirred = Stirred::Yes;
            }
            if kind == EntryKind::Command {
                count(&mut self.metrics.applied);
                return Some(Step::Apply(position));
            }
            if let Some(event) = self.next_event() {
                return Some(Step::Event(event));
            }
        }
        None
    }
}
