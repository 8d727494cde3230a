//! A node's place: its disk and its clock, and the node while it runs.

use crate::clock::Clock;
use crate::deferred::{Deferred, reread};
use crate::disk::{Core, Disk, Image, SharedMedium};
use crate::host::Surroundings;
use crate::random::Random;
use crate::swarm::Swarm;
use adapter_std::memory::{Fate, MemoryError, MemoryMedium};
use raft_nostd::invariants::Witness;
use raft_nostd::journal::{Medium, RecoverError};
use raft_nostd::{Driver, Index, Instant, NodeId, OpenError, ProposeError, ReadError, ReadId};
use raft_nostd::{Position, Refused, Seed};
use std::cell::RefCell;
use std::rc::Rc;

/// A running node.
pub enum Node {
    /// With the library's driver, which syncs before it goes on.
    Prompt(Box<Driver<Surroundings, 7>>),
    /// With storage that works in the background.
    Deferred(Box<Deferred>),
}

/// What became of an attempt to start a node.
pub enum Opened {
    Runs {
        /// Whether something that had been written and not synced is gone.
        undone: bool,
    },
    /// The power failed during recovery.
    Interrupted,
}

/// How a node stops.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stop {
    Killed,
    Sealed,
}

pub struct Place {
    pub id: NodeId,
    pub node: Option<Node>,
    pub medium: SharedMedium,
    pub disk: Disk,
    pub clock: Clock,
    /// True times: when the node wants to be called, when its storage gets further, and until when
    /// it neither hears nor acts.
    pub wake_at: Instant,
    pub storage_at: Instant,
    pub paused_until: Instant,
    witness: Witness,
    /// How far its state machine has applied the log durably; never, for one that starts anew.
    machine: Option<Index>,
}

impl Node {
    pub fn raft(&self) -> &Core {
        match self {
            Self::Prompt(driver) => driver.raft(),
            Self::Deferred(deferred) => &deferred.raft,
        }
    }

    pub fn around(&mut self) -> &mut Surroundings {
        match self {
            Self::Prompt(driver) => driver.host_mut(),
            Self::Deferred(deferred) => &mut deferred.around,
        }
    }

    pub fn datagram(&mut self, now: Instant, bytes: &[u8]) -> Result<(), Refused> {
        match self {
            Self::Prompt(driver) => driver.datagram(now, bytes),
            Self::Deferred(deferred) => deferred.raft.handle_datagram(now, bytes).map(drop),
        }
    }

    pub fn timeout(&mut self, now: Instant) {
        match self {
            Self::Prompt(driver) => driver.timeout(now),
            Self::Deferred(deferred) => deferred.raft.handle_timeout(now),
        }
    }

    pub fn propose(&mut self, now: Instant, command: &[u8]) -> Result<Position, ProposeError> {
        match self {
            Self::Prompt(driver) => driver.propose(now, command),
            Self::Deferred(deferred) => deferred.raft.propose(now, command),
        }
    }

    pub fn read(&mut self, now: Instant) -> Result<ReadId, ReadError> {
        match self {
            Self::Prompt(driver) => driver.read(now),
            Self::Deferred(deferred) => deferred.raft.read(now),
        }
    }
}

impl Place {
    pub fn new(id: NodeId, swarm: &Swarm, random: &mut Random) -> Self {
        let durable = random.in_a_thousand(swarm.durable_machines);
        Self {
            id,
            node: None,
            medium: SharedMedium(Rc::new(RefCell::new(swarm.medium()))),
            disk: Disk::default(),
            clock: Clock::new(0, 1_000),
            wake_at: Instant::NEVER,
            storage_at: Instant::NEVER,
            paused_until: Instant::ORIGIN,
            witness: Witness::default(),
            machine: durable.then_some(Index::ZERO),
        }
    }

    pub fn raft(&self) -> Option<&Core> {
        self.node.as_ref().map(Node::raft)
    }

    /// Starts the node on its disk, with a clock of its own.
    pub fn start(
        &mut self,
        swarm: &Swarm,
        voters: &[NodeId],
        now: Instant,
        random: &mut Random,
    ) -> Opened {
        let pace = 1_000 - swarm.drift + random.below(2 * swarm.drift + 1);
        self.clock = Clock::new(random.below(1_000_000_000), pace);
        let config = swarm.config(self.id, voters);
        let memory = vec![0; swarm.log_bytes];
        let around = Surroundings::new(self.medium.clone(), self.machine.unwrap_or_default());
        let (seed, local) = (random.bits(), self.clock.reading(now));
        let opened = if random.in_a_thousand(swarm.deferred) {
            Deferred::open(&config, memory, around, seed, local)
                .map(|node| Node::Deferred(Box::new(node)))
                .map_err(OpenError::Journal)
        } else {
            let mut buf = vec![0; swarm.datagram as usize];
            let seed = Seed { public: seed, secret: !seed };
            Driver::open(&config, memory, around, seed, local, &mut buf)
                .map(|node| Node::Prompt(Box::new(node)))
        };
        let node = match opened {
            Ok(node) => node,
            Err(OpenError::Journal(RecoverError::Medium(MemoryError::PowerCut))) => {
                return Opened::Interrupted;
            }
            Err(error) => panic!("{} does not open: {error}", self.id),
        };
        let undone = self.disk.reopened(node.raft());
        self.node = Some(node);
        self.witness = Witness::default();
        (self.wake_at, self.storage_at, self.paused_until) = (now, Instant::NEVER, now);
        Opened::Runs { undone }
    }

    /// Damages one byte on a copy of the disk: that is noticed, or it does no harm. (At the end of a
    /// journal that was just opened stands a head, which proves everything before it.)
    pub fn rot(&self, swarm: &Swarm, voters: &[NodeId], random: &mut Random) {
        let mut copy: MemoryMedium = self.medium.0.borrow().clone();
        let geometry = copy.geometry();
        let segment = random.below(u64::from(geometry.segments)) as u32;
        let written = copy.bytes(segment);
        let end = written.iter().rposition(|byte| *byte != geometry.erased).unwrap_or(0);
        let offset = random.below(end as u64 + 1) as u32;
        copy.damage(segment, offset, 1 << random.below(8));
        let config = swarm.config(self.id, voters);
        if let Some(raft) = reread(&config, vec![0; swarm.log_bytes], &mut copy) {
            assert_eq!(Image::of(&raft), self.disk.image, "rot went unnoticed");
        }
    }

    /// The node stops: at once, so that what it had not said yet is never said, or with its journal
    /// sealed.
    pub fn stop(&mut self, way: Stop) {
        let node = self.node.take().expect("it runs");
        self.storage_at = Instant::NEVER;
        if let Some(applied) = &mut self.machine {
            *applied = node.raft().applied();
        }
        match (way, node) {
            (Stop::Killed, _) => {}
            // A medium that fails leaves a journal that was not sealed.
            (Stop::Sealed, Node::Prompt(driver)) => drop(driver.stop()),
            (Stop::Sealed, Node::Deferred(deferred)) => deferred.stop(),
        }
    }

    /// The power fails at a node that was killed. Returns how many sectors were not synced.
    pub fn lose_power(&mut self, random: &mut Random) -> u64 {
        let mut unsynced = 0;
        self.medium.0.borrow_mut().crash(|_| {
            unsynced += 1;
            match random.below(3) {
                0 => Fate::Kept,
                1 => Fate::Dropped,
                _ => Fate::Torn(random.below(512) as usize),
            }
        });
        unsynced
    }

    /// Lets the node do what it wants to do; a driver that may stop halfway does `most` things.
    pub fn drain(&mut self, now: Instant, buf: &mut [u8], most: u64) {
        let local = self.clock.reading(now);
        let Some(node) = &mut self.node else { return };
        let wake_at = match node {
            Node::Prompt(driver) => {
                let syncs = driver.raft().metrics().syncs;
                let wake_at = driver.drain(local, buf);
                self.disk.follow(driver.raft(), driver.raft().metrics().syncs > syncs);
                wake_at
            }
            Node::Deferred(deferred) => deferred.drain(local, buf, most),
        };
        self.wake_at = self.clock.when(wake_at);
        self.check();
    }

    pub fn check(&mut self) {
        let Some(node) = &self.node else { return };
        if let Err(broken) = self.witness.observe(node.raft()) {
            panic!("{}: {broken}", self.id);
        }
    }

    /// Whether the storage has something to do in the background.
    pub fn is_working(&self) -> bool {
        matches!(&self.node, Some(Node::Deferred(deferred)) if deferred.is_working())
    }

    /// The storage gets one step further.
    pub fn work(&mut self, now: Instant) {
        let local = self.clock.reading(now);
        if let Some(Node::Deferred(deferred)) = &mut self.node {
            deferred.work(local, &mut self.disk);
        }
    }
}
