//! `poll_output`: the one way out, and what comes that way.

use super::Raft;
use crate::error::Halt;
use crate::frame::EntryKind;
use crate::journal::Batch;
use crate::manifest::Manifest;
use crate::narrate;
use crate::speak::Said;
use crate::state::durability::Ticket;
use crate::state::metrics::{add, count};
use crate::state::news::{Event, Told};
use crate::state::progress::Loss;
use crate::state::{Node, Speech, Stirred};
use crate::time::Instant;
use crate::types::{Index, NodeId, Position};
use crate::wire;

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
    /// Send a chunk of the newest snapshot, which goes into the datagram first. Comes when there is
    /// nothing else to do, with a batch to sync perhaps: several may follow, so sync first or soon.
    TransmitChunk(TransmitChunk<'a>),
    /// All chunks of a leader's snapshot are stored. Restore the state machine from it, in as many
    /// turns as that takes; make it the newest on its medium, durably, before the machine shows
    /// the new state; then call [`Raft::handle_installed`]. Nothing is applied meanwhile. Should it
    /// fail: [`Raft::handle_install_failed`].
    Install(Manifest),
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

/// A datagram that lacks its chunk.
#[derive(Debug)]
pub struct TransmitChunk<'a> {
    /// To whom.
    pub to: NodeId,
    /// Which chunk of the newest snapshot, from zero.
    pub chunk: u32,
    buf: &'a mut [u8],
    chunk_at: usize,
}

impl<'a> TransmitChunk<'a> {
    /// Where the chunk goes.
    pub fn body(&mut self) -> &mut [u8] {
        self.buf.get_mut(self.chunk_at..).unwrap_or(&mut [])
    }

    /// The whole datagram, once the first `len` bytes of the body are the chunk; `None` when it
    /// does not fit. O(bytes).
    pub fn seal(self, len: usize) -> Option<Transmit<'a>> {
        let end = self.chunk_at.checked_add(len)?;
        let len = wire::seal(self.buf, end)?;
        let datagram = self.buf.get(..len)?;
        Some(Transmit { to: self.to, datagram })
    }
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
    Transmit(Said),
    Persist { ticket: Ticket, first: Index },
    Install(Manifest),
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
            Step::Transmit(Said::Whole { to, len }) => {
                Output::Transmit(Transmit { to, datagram: buf.get(..len).unwrap_or(&[]) })
            }
            Step::Transmit(Said::Chunk { to, chunk, chunk_at }) => {
                Output::TransmitChunk(TransmitChunk { to, chunk, buf, chunk_at })
            }
            Step::Install(manifest) => Output::Install(manifest),
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
        match self.first_things(now, buf).or_else(|| self.next_apply(now)) {
            Some(step) => step,
            None if self.sends_snapshots() => match self.next_chunk_said(now, buf) {
                Some(said) => Step::Transmit(said),
                None => Step::Idle(self.wake_at(now)),
            },
            None => Step::Idle(self.wake_at(now)),
        }
    }

    /// All that comes before applying: events, datagrams, then the batch to persist.
    fn first_things(&mut self, now: Instant, buf: &mut [u8]) -> Option<Step> {
        if self.stirred == Stirred::Yes {
            self.start_read_round();
            self.reclaim();
            if let Some(event) = self.next_event(now) {
                return Some(Step::Event(event));
            }
            self.stirred = if self.halted.is_some() { Stirred::No } else { Stirred::Told };
        }
        if self.stirred == Stirred::Told {
            if let Some(said) = self.next_said(now, buf) {
                return Some(Step::Transmit(said));
            }
            self.stirred = Stirred::Said;
        }
        if self.stirred == Stirred::Said {
            self.stirred = Stirred::No;
            return self.next_persist(now);
        }
        None
    }

    /// The next datagram, if any may be sent. (Of its own, since a loop that polls would hold it twice.)
    #[inline(never)]
    fn next_said(&mut self, now: Instant, buf: &mut [u8]) -> Option<Said> {
        if self.may_speak() == Speech::Withheld {
            return None;
        }
        let said = self.next_datagram(now, buf)?;
        count(&mut self.metrics.datagrams_out);
        if let Said::Whole { len, .. } = said {
            add(&mut self.metrics.bytes_out, len);
        }
        Some(said)
    }

    /// The next chunk, if one may be sent. After all else, so that a transfer keeps nothing waiting.
    #[inline(never)]
    fn next_chunk_said(&mut self, now: Instant, buf: &mut [u8]) -> Option<Said> {
        if self.may_speak() == Speech::Withheld {
            return None;
        }
        let said = self.next_chunk(now, buf)?;
        count(&mut self.metrics.datagrams_out);
        Some(said)
    }

    fn next_event(&mut self, now: Instant) -> Option<Event> {
        let status = crate::Status { role: self.role, term: self.term(), leader: self.leader };
        if let Some(event) = self.news.next(status) {
            return Some(event);
        }
        if self.halted.is_some() {
            return self.proposals.forget_oldest().map(Event::ProposalsUnknown);
        }
        if let Some(passed) = self.proposals.passed_over(self.snapshots.restored) {
            return Some(Event::ProposalsUnknown(passed));
        }
        if let Some(event) = self.next_urge(now).or_else(|| self.next_loss()) {
            return Some(event);
        }
        let ready = self.reads.ready(self.applied)?;
        self.confirm_reads();
        Some(Event::ReadReady(ready))
    }

    /// That a follower lacks what it had acknowledged to this leader.
    fn next_loss(&mut self) -> Option<Event> {
        let peer = self.peers.iter_mut().find(|peer| peer.progress.loss == Loss::Found)?;
        peer.progress.loss = Loss::Told;
        Some(Event::FollowerLost { peer: peer.id })
    }

    /// That compaction is urged, once for each time it becomes so.
    fn next_urge(&mut self, now: Instant) -> Option<Event> {
        let urged = self.is_compaction_urged(now);
        let told =
            core::mem::replace(&mut self.news.urged, if urged { Told::Yes } else { Told::No });
        (urged && told == Told::No).then_some(Event::CompactionUrged)
    }

    fn next_persist(&mut self, now: Instant) -> Option<Step> {
        if self.durability.is_busy() || self.durability.retry_at().is_some_and(|at| now < at) {
            return None;
        }
        let last = self.log.last().index;
        let written = self.durability.written();
        let base = self.log.base();
        let unchanged = self.hard == self.durability.hard_state() && base == self.durability.base();
        if unchanged && last <= written {
            return None;
        }
        let first = written.next();
        add(&mut self.metrics.bytes_persisted, self.log.frames(first, last).byte_len());
        let ticket = self.durability.begin((self.hard, base), last, self.id, self.life.nonce);
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
    fn next_apply(&mut self, now: Instant) -> Option<Step> {
        if self.halted.is_some() || self.snapshots.is_installing() {
            return None;
        }
        if let Some(manifest) = self.next_install() {
            return Some(Step::Install(manifest));
        }
        let applicable = self.applicable();
        while self.applied < applicable {
            let index = self.applied.next();
            // Command and all: what cannot be read is not handed out as an empty one.
            let entry = self.log.entry(index).map(|entry| (entry.position, entry.kind));
            let Some((position, kind)) = entry else {
                self.halt(Halt::MemoryDamaged(index));
                return self.next_event(now).map(Step::Event);
            };
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
            if let Some(event) = self.next_event(now) {
                return Some(Step::Event(event));
            }
        }
        None
    }
}
