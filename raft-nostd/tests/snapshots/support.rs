//! A node that is alone in its cluster and sums the bytes it is given, on media that outlive it.

use adapter_std::memory::{Behaviour, MemoryError, MemoryMedium, SharedMedium};
use raft_nostd::journal::Geometry;
use raft_nostd::{
    ClusterId, Committed, Config, Driver, Duration, Event, Host, Index, Instant, NodeId, OpenError,
    Position, Role, Seed, SnapshotError, StateMachine, Transport,
};

pub const CLUSTER: ClusterId = ClusterId(7);

pub fn me() -> NodeId {
    NodeId::new(1).unwrap()
}

/// A blank medium that can still be looked at after its node is gone.
pub fn blank() -> SharedMedium {
    let geometry = Geometry { segments: 8, segment_bytes: 1 << 16, granularity: 1, erased: 0 };
    SharedMedium::new(MemoryMedium::new(geometry, Behaviour::File))
}

/// Calls that may have changed something.
pub fn changes(medium: &SharedMedium) -> u64 {
    let calls = medium.borrow().calls();
    calls.writes + calls.erases
}

/// What a node stands on.
#[derive(Clone)]
pub struct World {
    pub journal: SharedMedium,
    pub snapshots: SharedMedium,
    pub sum: u64,
    /// What the machine says it has applied by itself.
    pub applied: Index,
}

impl World {
    pub fn on(journal: SharedMedium, snapshots: SharedMedium) -> Self {
        Self { journal, snapshots, sum: 0, applied: Index::ZERO }
    }

    pub fn new() -> Self {
        Self::on(blank(), blank())
    }
}

impl Transport for World {
    fn send(&mut self, _: NodeId, _: &[u8]) {}
}

impl StateMachine for World {
    type Response = ();

    fn apply(&mut self, committed: Committed<'_>) {
        self.sum += u64::from(committed.command[0]);
    }

    fn query(&self, _: &[u8]) {}

    fn applied(&self) -> Index {
        self.applied
    }

    fn snapshot(&mut self, offset: u64, piece: &mut [u8]) -> Result<usize, SnapshotError> {
        if offset > 0 || piece.len() < 8 {
            return Ok(0);
        }
        piece[..8].copy_from_slice(&self.sum.to_le_bytes());
        Ok(8)
    }

    fn restore(&mut self, _: u64, piece: &[u8]) -> Result<(), SnapshotError> {
        if let Ok(sum) = piece.try_into() {
            self.sum = u64::from_le_bytes(sum);
        }
        Ok(())
    }
}

impl Host for World {
    type Memory = Vec<u8>;
    type Medium = SharedMedium;
    type Snapshots = SharedMedium;
    type Transport = Self;
    type Machine = Self;

    fn medium(&mut self) -> &mut SharedMedium {
        &mut self.journal
    }

    fn snapshots(&mut self) -> &mut SharedMedium {
        &mut self.snapshots
    }

    fn transport(&mut self) -> &mut Self {
        self
    }

    fn machine(&mut self) -> &mut Self {
        self
    }

    fn applied(&mut self, _: Position, (): ()) {}

    fn event(&mut self, _: Event) {}
}

/// The node, and its time.
pub struct Solo {
    pub driver: Driver<World, 1>,
    now: Instant,
}

impl Solo {
    pub fn open(world: World, seed: u64) -> Result<Self, OpenError<MemoryError, MemoryError>> {
        Self::with_secret(world, seed, !seed)
    }

    pub fn with_secret(
        world: World,
        public: u64,
        secret: u64,
    ) -> Result<Self, OpenError<MemoryError, MemoryError>> {
        let now = Instant::from_micros(0);
        let seed = Seed { public, secret };
        let voters = [me()];
        let config = config(&voters);
        let driver = Driver::open(&config, vec![0; 1 << 16], world, seed, now, &mut [0; 2_000])?;
        Ok(Self { driver, now })
    }

    /// Lets it work for a while, and proposes so many commands of one byte, `a`.
    pub fn run(&mut self, commands: u32) {
        let mut left = commands;
        for _ in 0..60 {
            let wake_at = self.driver.drain(self.now, &mut [0; 2_000]);
            if left > 0 && self.driver.raft().status().role == Role::Leader {
                if self.driver.propose(self.now, b"a").is_ok() {
                    left -= 1;
                }
                continue;
            }
            let (soon, late) = (Duration::from_millis(1), Duration::from_millis(3_000));
            self.now = wake_at.max(self.now.plus(soon)).min(self.now.plus(late));
            self.driver.timeout(self.now);
        }
    }

    pub fn world(&self) -> &World {
        self.driver.host()
    }
}

pub fn config(voters: &[NodeId]) -> Config<'_> {
    let mut config = Config::new(CLUSTER, me(), voters);
    config.log_entries = 16;
    config
}
