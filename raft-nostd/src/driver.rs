//! The driver: the one place that does what the core says, for hosts that sync before they go on.
//!
//! A host lends it three things, a [`Medium`], a [`Transport`] and a [`StateMachine`], and calls
//! [`Driver::datagram`], [`Driver::timeout`], [`Driver::propose`] and [`Driver::read`] as things
//! happen, then [`Driver::drain`]. Everything durable goes through one journal
//! ([`journal::Writer`]), and one sync covers all that was written since the last.

use crate::config::Config;
use crate::error::{ProposeError, ReadError, Refused};
use crate::journal::{self, Entropy, Identity, Medium, Opening, RecoverError, WriteError};
use crate::raft::{Committed, Loading, Output, Persist, Raft, StartError};
use crate::rand::mix;
use crate::state::Start;
use crate::state::durability::Ticket;
use crate::state::news::Event;
use crate::state::reads::ReadId;
use crate::time::Instant;
use crate::types::{Index, Life, NodeId, Position};

/// Outputs that one [`Driver::drain`] does at most before it lets the host look at its inputs.
const OUTPUTS_PER_DRAIN: u32 = 4_096;

/// What replicated commands change, and reads look at.
///
/// `apply` must be deterministic: the same commands in the same order give the same state and the
/// same responses on every node. No clocks, no randomness, no iteration order of hash maps.
pub trait StateMachine {
    /// What a command or a query answers.
    type Response;

    /// Applies a committed command. Called once for each, in order, in each run.
    fn apply(&mut self, committed: Committed<'_>) -> Self::Response;

    /// Answers a query from the state as it is.
    fn query(&self, request: &[u8]) -> Self::Response;

    /// How far a machine with durability of its own has applied the log. The journal's entries
    /// after this are applied again when the node starts; zero, the default, for all of them.
    fn applied(&self) -> Index {
        Index::ZERO
    }

    /// Writes the piece of a snapshot that starts at byte `offset` to `piece`, and returns how many
    /// bytes it wrote; zero at the end. Offset zero begins a snapshot of the state as it is at
    /// that moment; the machine keeps that image, whatever is applied meanwhile, until the end.
    ///
    /// # Errors
    /// When the machine does not write snapshots: its log cannot be compacted.
    fn snapshot(&mut self, offset: u64, piece: &mut [u8]) -> Result<usize, SnapshotError> {
        let _ = (offset, piece);
        Err(SnapshotError::Unsupported)
    }

    /// Takes the piece of a snapshot that starts at byte `offset`. Offset zero begins; an empty
    /// piece is the end, at which the new state replaces the old one at once.
    ///
    /// # Errors
    /// When the machine does not read snapshots, or not this one; the old state stays.
    fn restore(&mut self, offset: u64, piece: &[u8]) -> Result<(), SnapshotError> {
        let _ = (offset, piece);
        Err(SnapshotError::Unsupported)
    }
}

/// Why a state machine did not write or read a snapshot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SnapshotError {
    /// It never does.
    Unsupported,
    /// The bytes are no snapshot of this machine.
    Malformed,
}

impl core::fmt::Display for SnapshotError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(match self {
            Self::Unsupported => "the state machine does not support snapshots",
            Self::Malformed => "the bytes are no snapshot of this state machine",
        })
    }
}

impl core::error::Error for SnapshotError {}

/// How datagrams leave. They may be lost, doubled, late or cut off: like UDP.
pub trait Transport {
    /// Sends `datagram` to `to`, or fails silently.
    fn send(&mut self, to: NodeId, datagram: &[u8]);
}

/// The world of one node.
pub trait Host {
    /// The log's memory.
    type Memory: AsRef<[u8]> + AsMut<[u8]>;
    /// Where the journal lives.
    type Medium: Medium;
    /// How datagrams leave.
    type Transport: Transport;
    /// What is replicated.
    type Machine: StateMachine;

    /// The medium.
    fn medium(&mut self) -> &mut Self::Medium;
    /// The transport.
    fn transport(&mut self) -> &mut Self::Transport;
    /// The state machine.
    fn machine(&mut self) -> &mut Self::Machine;

    /// The command at `position` was applied and answered `response`. Whoever proposed exactly
    /// this position may have it.
    fn applied(&mut self, position: Position, response: <Self::Machine as StateMachine>::Response);

    /// Something happened.
    fn event(&mut self, event: Event);

    /// Why the medium is full or has failed, for people.
    fn storage_error(&mut self, error: WriteError<<Self::Medium as Medium>::Error>) {
        let _ = error;
    }
}

/// Why a node did not open.
#[derive(Debug)]
pub enum OpenError<E> {
    /// The configuration cannot be run.
    Config(crate::error::ConfigError),
    /// The journal cannot be recovered.
    Journal(RecoverError<E>),
    /// The state machine does not belong to the journal.
    Start(StartError),
}

impl<E: core::fmt::Display> core::fmt::Display for OpenError<E> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Config(error) => error.fmt(f),
            Self::Journal(error) => error.fmt(f),
            Self::Start(error) => error.fmt(f),
        }
    }
}

impl<E: core::fmt::Debug + core::fmt::Display> core::error::Error for OpenError<E> {}

/// A node and its host.
#[derive(Debug)]
pub struct Driver<H: Host, const VOTERS: usize> {
    raft: Raft<H::Memory, VOTERS>,
    journal: journal::Writer,
    host: H,
    /// A batch that is written and not synced.
    unsynced: Option<Ticket>,
}

type MediumError<H> = <<H as Host>::Medium as Medium>::Error;

impl<H: Host, const VOTERS: usize> Driver<H, VOTERS> {
    /// Recovers the journal on the host's medium, or formats a blank one, and starts the node.
    /// `seed` is entropy; `buf` is scratch of at least the configuration's datagram bound.
    ///
    /// # Errors
    /// What is wrong with the configuration, the journal or the state machine. A medium that is
    /// refused is not written to.
    pub fn open(
        config: &Config<'_>,
        memory: H::Memory,
        mut host: H,
        seed: u64,
        now: Instant,
        buf: &mut [u8],
    ) -> Result<Self, OpenError<MediumError<H>>> {
        let mut loading = Loading::new::<VOTERS>(config, memory).map_err(OpenError::Config)?;
        let opening = Opening {
            identity: Identity {
                cluster: config.cluster,
                node: config.node,
                voters: config.voters,
            },
            entropy: Entropy { incarnation: mix(seed), salt: mix(!seed) },
            limits: loading.limits(),
        };
        let (journal, recovered) = journal::recover(host.medium(), &opening, &mut loading, buf)
            .map_err(OpenError::Journal)?;
        let nonce = mix(seed ^ u64::from(config.node.get())) as u32;
        let start = Start {
            hard_state: recovered.hard_state,
            life: Life { incarnation: recovered.incarnation, boot: recovered.boot, nonce },
            applied: host.machine().applied(),
            seed,
            now,
        };
        let raft = loading.start(start).map_err(OpenError::Start)?;
        Ok(Self { raft, journal, host, unsynced: None })
    }

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

    /// A datagram has come. See [`Raft::handle_datagram`].
    ///
    /// # Errors
    /// Why it was dropped; it is counted, and nothing needs to be done.
    pub fn datagram(&mut self, now: Instant, bytes: &[u8]) -> Result<(), Refused> {
        self.raft.handle_datagram(now, bytes)
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
                Output::Idle { wake_at } => match self.unsynced.take() {
                    Some(ticket) => self.sync(now, ticket),
                    None => return wake_at,
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

    /// Seals the journal for a clean stop, so that damage to any of it will be noticed, and gives
    /// the host back.
    ///
    /// # Errors
    /// When the seal is not durable. Nothing acknowledged is lost by that.
    pub fn stop(mut self) -> Result<H, WriteError<MediumError<H>>> {
        self.journal.seal(self.host.medium())?;
        Ok(self.host)
    }
}
