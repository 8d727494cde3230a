//! A node's place: its disk and its clock, and the node while it runs.

pub mod clock;
pub mod deferred;
pub mod errands;
pub mod host;
pub mod machine;

use crate::judge::disk::{Core, Disk, Image};
use crate::place::clock::Clock;
use crate::place::deferred::Deferred;
use crate::place::host::Surroundings;
use crate::place::machine::{Kept, Machine, State};
use crate::random::Random;
use crate::subject::Kind;
use crate::swarm::{Clocks, Swarm};
use adapter_std::memory::{Fate, MemoryError, MemoryMedium, SharedMedium};
use raft_nostd::invariants::Witness;
use raft_nostd::journal::{Medium, RecoverError};
use raft_nostd::vault::VaultError;
use raft_nostd::{
    Compaction, Driver, Duration, Index, Instant, Manifest, NodeId, OpenError, ProposeError,
    ReadError, ReadId,
};
use raft_nostd::{Position, Refused, Seed, SnapshotWork};
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
    /// Its disks are not what was written to them.
    Lost,
}

/// How a node's process stops.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stop {
    Killed,
    Sealed,
}

pub struct Place {
    pub id: NodeId,
    pub node: Option<Node>,
    pub medium: SharedMedium,
    /// Where its snapshots are, if anywhere.
    pub snapshots: Option<SharedMedium>,
    /// Whether every snapshot has room there.
    pub compacts: bool,
    pub disk: Disk,
    pub clock: Clock,
    /// True times: when the node wants to be called, when its journal and its snapshots get
    /// further, and until when it neither hears nor acts.
    pub wake_at: Instant,
    pub storage_at: [Instant; 2],
    pub paused_until: Instant,
    /// The snapshot it is being sent, and how many chunks it has.
    pub incoming: Option<(Manifest, u32)>,
    /// How many chunks of a snapshot its present run has found.
    pub resumable: Option<(Manifest, u32)>,
    /// Whether its disks may rot: those of a minority.
    pub may_rot: bool,
    /// Whether they did.
    pub is_rotten: bool,
    /// Its disks do not give back what they were given: it stays down for good.
    pub is_lost: bool,
    /// Whether everything has healed.
    calm: bool,
    witness: Witness,
    /// The state of a machine that is durable by itself.
    machine: Option<Kept>,
    kind: Rc<Kind>,
}

/// The two storages of a node, as places in [`Place::storage_at`].
pub const JOURNAL: usize = 0;
pub const SNAPSHOTS: usize = 1;

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
            Self::Deferred(deferred) => deferred.datagram(now, bytes),
        }
    }

    pub fn timeout(&mut self, now: Instant) {
        match self {
            Self::Prompt(driver) => driver.timeout(now),
            Self::Deferred(deferred) => deferred.input(|raft| raft.handle_timeout(now)),
        }
    }

    pub fn propose(&mut self, now: Instant, command: &[u8]) -> Result<Position, ProposeError> {
        match self {
            Self::Prompt(driver) => driver.propose(now, command),
            Self::Deferred(deferred) => deferred.input(|raft| raft.propose(now, command)),
        }
    }

    pub fn read(&mut self, now: Instant) -> Result<ReadId, ReadError> {
        match self {
            Self::Prompt(driver) => driver.read(now),
            Self::Deferred(deferred) => deferred.input(|raft| raft.read(now)),
        }
    }

    /// Asks for a snapshot, however empty the log may be.
    pub fn compact(&mut self) {
        match self {
            Self::Prompt(driver) => driver.compact(),
            Self::Deferred(deferred) => deferred.errands.wish(),
        }
    }

    /// Whether its machine is being restored from a leader's snapshot.
    pub fn is_restoring(&self) -> bool {
        match self {
            Self::Prompt(driver) => {
                matches!(driver.snapshot_work(), SnapshotWork::Restoring { .. })
            }
            Self::Deferred(deferred) => deferred.errands.is_restoring(),
        }
    }
}

impl Place {
    pub fn new(id: NodeId, swarm: &Swarm, kind: &Rc<Kind>, random: &mut Random) -> Self {
        let durable = random.in_a_thousand(swarm.durable_machines);
        let snapshots = swarm.snapshots.draw_one(random);
        Self {
            id,
            node: None,
            medium: SharedMedium::new(swarm.medium()),
            compacts: snapshots.is_roomy(),
            snapshots: snapshots.medium().map(SharedMedium::new),
            disk: Disk::default(),
            clock: Clock::draw(Instant::ORIGIN, 1_000, random),
            wake_at: Instant::NEVER,
            storage_at: [Instant::NEVER; 2],
            paused_until: Instant::ORIGIN,
            incoming: None,
            resumable: None,
            may_rot: false,
            is_rotten: false,
            is_lost: false,
            calm: false,
            witness: Witness::default(),
            machine: if durable { Kept::first(kind) } else { None },
            kind: Rc::clone(kind),
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
        let pace = if self.calm { swarm.pace(random) } else { swarm.wild_pace(random) };
        self.clock = match swarm.clocks {
            Clocks::Equal => Clock::exact(),
            _ => Clock::draw(now, pace, random),
        };
        let config = swarm.config(self.id, voters);
        let memory = vec![0; swarm.log_bytes];
        let kept = self.machine.as_ref().and_then(Kept::copy);
        let machine =
            Machine::new(self.id, kept, (&self.kind, swarm.snapshots.size), random.bits());
        let around = Surroundings::new(self.medium.clone(), self.snapshots.clone(), machine);
        let (seed, local) = (random.bits(), self.clock.reading(now));
        let bytes_per_sync = swarm.snapshots.bytes_per_sync;
        let opened = if random.in_a_thousand(swarm.deferred) {
            Deferred::open(&config, memory, around, (seed, bytes_per_sync), local)
                .map(|node| Node::Deferred(Box::new(node)))
        } else {
            let mut buf = vec![0; swarm.datagram as usize];
            let seed = Seed { public: seed, secret: !seed };
            Driver::open(&config, memory, around, seed, local, &mut buf).map(|mut node| {
                let policy = Compaction { bytes_per_sync, ..Compaction::default() };
                node.set_compaction(policy);
                Node::Prompt(Box::new(node))
            })
        };
        let node = match opened {
            Ok(node) => node,
            Err(
                OpenError::Journal(RecoverError::Medium(MemoryError::PowerCut))
                | OpenError::Snapshots(VaultError::Medium(MemoryError::PowerCut)),
            ) => return Opened::Interrupted,
            // A clear refusal: it stays down, since nothing of it can be trusted.
            Err(_) if self.is_rotten => return self.give_up(),
            Err(error) => panic!("{} does not open: {error}", self.id),
        };
        if self.is_rotten && !self.disk.gives_back(node.raft()) {
            // What was written last cannot prove itself: that is as if it had never been written.
            return self.give_up();
        }
        let undone = self.disk.reopened(node.raft());
        let incoming = node.raft().incoming_snapshot();
        self.incoming = incoming.map(|(manifest, chunks, _)| (*manifest, chunks));
        self.resumable = self.incoming.filter(|(_, chunks)| *chunks > 0);
        self.node = Some(node);
        self.witness = Witness::default();
        (self.wake_at, self.storage_at, self.paused_until) = (now, [Instant::NEVER; 2], now);
        Opened::Runs { undone }
    }

    fn give_up(&mut self) -> Opened {
        self.is_lost = true;
        Opened::Lost
    }

    /// Nothing goes wrong with it any more.
    pub fn calm(&mut self, now: Instant, pace: u64) {
        self.calm = true;
        self.paused_until = now;
        self.clock.set_pace(now, pace);
        self.wake_at = now;
        self.repair();
    }

    /// Its clock jumps ahead.
    pub fn jump(&mut self, now: Instant, by: Duration) {
        self.clock.jump(by);
        self.wake_at = now;
    }

    /// A bit flips on one of its disks, and stays so.
    pub fn rot_for_good(&mut self, random: &mut Random) {
        self.is_rotten = true;
        match &self.snapshots {
            Some(snapshots) if random.one_in(2) => damage(&mut snapshots.borrow_mut(), random),
            _ => damage(&mut self.medium.borrow_mut(), random),
        }
    }

    /// The next write to one of its disks goes elsewhere.
    pub fn lead_astray(&mut self, random: &mut Random) {
        self.is_rotten = true;
        let by = random.bits() as u32;
        match &self.snapshots {
            Some(snapshots) if random.one_in(2) => snapshots.borrow_mut().misdirect(by),
            _ => self.medium.borrow_mut().misdirect(by),
        }
    }

    /// Damages one byte on a copy of one of the disks: that is noticed, or it does no harm. (At the
    /// end of a journal that was just opened stands a head, which proves everything before it.)
    /// Returns the machine that starts from it, if one does.
    pub fn rot(
        &self,
        swarm: &Swarm,
        voters: &[NodeId],
        random: &mut Random,
    ) -> Option<(State, Index)> {
        let mut journal: MemoryMedium = self.medium.borrow().clone();
        let mut snapshots = self.snapshots.as_ref().map(|medium| medium.borrow().clone());
        match &mut snapshots {
            Some(snapshots) if random.below(2) == 0 => damage(snapshots, random),
            _ => damage(&mut journal, random),
        }
        let config = swarm.config(self.id, voters);
        let mut machine = Machine::new(self.id, None, (&self.kind, swarm.snapshots.size), 1);
        let media = (&mut journal, &mut snapshots);
        let memory = vec![0; swarm.log_bytes];
        let opened =
            deferred::open(&config, memory, media, &mut machine, (1, Instant::ORIGIN)).ok()?;
        let (raft, found) = (&opened.0, Image::of(&opened.0));
        // What is written last cannot prove itself: an end record that rots is one that was never
        // written, and the snapshot before it, or none, is what counts. The node opens only as
        // long as its journal still goes on from there.
        let older = found.base.index < self.disk.image.base.index;
        assert!(older || found == self.disk.image, "rot went unnoticed");
        Some((machine.state, raft.applied()))
    }

    /// The node stops: at once, so that what it had not said yet is never said, or with its journal
    /// sealed.
    pub fn stop(&mut self, way: Stop) {
        let mut node = self.node.take().expect("it runs");
        self.storage_at = [Instant::NEVER; 2];
        self.machine = node.around().machine.kept();
        match (way, node) {
            (Stop::Killed, _) => {}
            // A medium that fails leaves a journal that was not sealed.
            (Stop::Sealed, Node::Prompt(driver)) => drop(driver.stop()),
            (Stop::Sealed, Node::Deferred(deferred)) => deferred.stop(),
        }
    }

    /// The power fails at a node that was killed, and so for both its media. Returns how many
    /// sectors were not synced.
    pub fn lose_power(&mut self, random: &mut Random) -> u64 {
        let mut unsynced = 0;
        for medium in [Some(&self.medium), self.snapshots.as_ref()].into_iter().flatten() {
            medium.borrow_mut().crash(|_| {
                unsynced += 1;
                match random.below(3) {
                    0 => Fate::Kept,
                    1 => Fate::Dropped,
                    _ => Fate::Torn(random.below(512) as usize),
                }
            });
        }
        unsynced
    }

    /// Whether its process must not go on with what its media show: a sync has failed and lost something.
    pub fn must_lose_power(&self) -> bool {
        let media = [Some(&self.medium), self.snapshots.as_ref()];
        media.into_iter().flatten().any(|medium| medium.borrow().has_lost_writes())
    }

    /// The media do what they are told again.
    pub fn repair(&mut self) {
        for medium in [Some(&self.medium), self.snapshots.as_ref()].into_iter().flatten() {
            medium.borrow_mut().restart();
        }
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
        let idle = matches!(node, Node::Prompt(driver)
            if !matches!(driver.snapshot_work(), SnapshotWork::Taking { .. })
                && driver.host().machine.holds_image());
        assert!(!idle, "{}: the machine keeps an image for nothing", self.id);
    }

    /// Whether a storage has something to do in the background.
    pub fn is_working(&self, storage: usize) -> bool {
        match &self.node {
            Some(Node::Deferred(deferred)) if storage == JOURNAL => deferred.is_working(),
            Some(Node::Deferred(deferred)) => deferred.errands.is_working(),
            _ => false,
        }
    }

    /// A storage gets one step further.
    pub fn work(&mut self, storage: usize, now: Instant) {
        let local = self.clock.reading(now);
        match &mut self.node {
            Some(Node::Deferred(deferred)) if storage == JOURNAL => {
                deferred.work(local, &mut self.disk);
            }
            Some(Node::Deferred(deferred)) => deferred.run_errand(local, &mut self.disk),
            _ => {}
        }
    }
}

/// Flips a bit somewhere in what was written.
fn damage(medium: &mut MemoryMedium, random: &mut Random) {
    let geometry = medium.geometry();
    let segment = random.below(u64::from(geometry.segments)) as u32;
    let written = medium.bytes(segment);
    let end = written.iter().rposition(|byte| *byte != geometry.erased).unwrap_or(0);
    let offset = random.below(end as u64 + 1) as u32;
    medium.damage(segment, offset, 1 << random.below(8));
}
