//! The core, the journal, the vault and the driver never allocate: here every allocation aborts.

use assert_no_alloc::{AllocDisabler, assert_no_alloc};
use raft_nostd::journal::{Geometry, Medium, PersistFailure};
use raft_nostd::{
    ClusterId, Committed, Config, Driver, Event, Host, Instant, NodeId, Position, Role, Seed,
    SnapshotError, StateMachine, Transport,
};
use std::convert::Infallible;

#[global_allocator]
static FORBIDDING: AllocDisabler = AllocDisabler;

const NODES: usize = 3;
const SEED: Seed = Seed { public: 5, secret: 6 };
const DATAGRAM: usize = 400;
const LOG: usize = 8 * 1_024;
const SEGMENT: usize = 4_096;
/// Datagrams on their way at a time; more are lost.
const AIR: usize = 64;

/// Segments in an array.
struct Array<const SEGMENTS: usize>([[u8; SEGMENT]; SEGMENTS]);

impl<const SEGMENTS: usize> Medium for Array<SEGMENTS> {
    type Error = Infallible;

    fn geometry(&self) -> Geometry {
        let (segments, segment_bytes) = (SEGMENTS as u32, SEGMENT as u32);
        Geometry { segments, segment_bytes, granularity: 1, erased: 0 }
    }

    fn read(&mut self, segment: u32, offset: u32, into: &mut [u8]) -> Result<(), Infallible> {
        into.copy_from_slice(&self.0[segment as usize][offset as usize..][..into.len()]);
        Ok(())
    }

    fn write(&mut self, segment: u32, offset: u32, bytes: &[u8]) -> Result<(), Infallible> {
        self.0[segment as usize][offset as usize..][..bytes.len()].copy_from_slice(bytes);
        Ok(())
    }

    fn erase(&mut self, segment: u32) -> Result<(), Infallible> {
        self.0[segment as usize].fill(0);
        Ok(())
    }

    fn sync(&mut self) -> Result<(), Infallible> {
        Ok(())
    }

    fn failure(error: &Infallible) -> PersistFailure {
        match *error {}
    }
}

/// A sum, and a snapshot of several pieces.
#[derive(Default)]
struct Sum {
    sum: u64,
    image: u64,
}

const PIECES: u64 = 20;

impl StateMachine for Sum {
    type Response = ();

    fn apply(&mut self, committed: Committed<'_>) {
        self.sum += committed.command.iter().map(|byte| u64::from(*byte)).sum::<u64>();
    }

    fn query(&self, _: &[u8]) {}

    fn snapshot(&mut self, offset: u64, piece: &mut [u8]) -> Result<usize, SnapshotError> {
        if offset == 0 {
            self.image = self.sum;
        }
        if offset >= PIECES * 8 || piece.is_empty() {
            return Ok(0);
        }
        piece[..8].copy_from_slice(&self.image.to_le_bytes());
        Ok(8)
    }

    fn restore(&mut self, offset: u64, piece: &[u8]) -> Result<(), SnapshotError> {
        match <[u8; 8]>::try_from(piece) {
            Ok(bytes) => self.image = u64::from_le_bytes(bytes),
            Err(_) if offset == PIECES * 8 => self.sum = self.image,
            Err(_) => return Err(SnapshotError::Malformed),
        }
        Ok(())
    }
}

struct Air {
    datagrams: [(Option<NodeId>, usize, [u8; DATAGRAM]); AIR],
    count: usize,
}

impl Transport for Air {
    fn send(&mut self, to: NodeId, datagram: &[u8]) {
        let Some(place) = self.datagrams.get_mut(self.count) else { return };
        (place.0, place.1) = (Some(to), datagram.len());
        place.2[..datagram.len()].copy_from_slice(datagram);
        self.count += 1;
    }
}

struct World {
    medium: Array<8>,
    snapshots: Array<4>,
    air: Air,
    sum: Sum,
}

impl Host for World {
    type Memory = [u8; LOG];
    type Medium = Array<8>;
    type Snapshots = Array<4>;
    type Transport = Air;
    type Machine = Sum;

    fn medium(&mut self) -> &mut Array<8> {
        &mut self.medium
    }

    fn snapshots(&mut self) -> &mut Array<4> {
        &mut self.snapshots
    }

    fn transport(&mut self) -> &mut Air {
        &mut self.air
    }

    fn machine(&mut self) -> &mut Sum {
        &mut self.sum
    }

    fn applied(&mut self, _: Position, (): ()) {}

    fn event(&mut self, _: Event) {}
}

type Node = Driver<World, NODES>;

struct Cluster {
    nodes: [Node; NODES],
    /// Who hears and does nothing.
    absent: usize,
    now: Instant,
    buf: [u8; DATAGRAM],
}

impl Cluster {
    fn step(&mut self) {
        let mut wake = Instant::NEVER;
        let mut quiet = true;
        for at in 0..NODES {
            if at == self.absent {
                continue;
            }
            self.nodes[at].timeout(self.now);
            wake = wake.min(self.nodes[at].drain(self.now, &mut self.buf));
            for sent in 0..std::mem::take(&mut self.nodes[at].host_mut().air.count) {
                let (to, len, bytes) = self.nodes[at].host().air.datagrams[sent];
                let to = to.map_or(0, NodeId::get) as usize - 1;
                quiet = false;
                if to != self.absent {
                    let _ = self.nodes[to].datagram(self.now, &bytes[..len]);
                }
            }
        }
        if quiet {
            self.now = self.now.max(wake);
        }
    }

    fn write(&mut self) {
        for at in (0..NODES).filter(|at| *at != self.absent) {
            let node = &mut self.nodes[at];
            if node.raft().status().role == Role::Leader {
                let _ = node.propose(self.now, &[1; 20]);
            }
        }
    }
}

fn start() -> Box<Cluster> {
    let voters = [1, 2, 3].map(|id| NodeId::new(id).unwrap());
    let nodes = voters.map(|id| {
        let mut config = Config::new(ClusterId(3), id, &voters).with_max_datagram(DATAGRAM as u32);
        config.log_entries = 64;
        config.max_command = 64;
        let world = World {
            medium: Array([[0; SEGMENT]; 8]),
            snapshots: Array([[0; SEGMENT]; 4]),
            air: Air { datagrams: [(None, 0, [0; DATAGRAM]); AIR], count: 0 },
            sum: Sum::default(),
        };
        let opened =
            Node::open(&config, [0; LOG], world, SEED, Instant::ORIGIN, &mut [0; DATAGRAM]);
        opened.map_err(drop).expect("blank media")
    });
    let buf = [0; DATAGRAM];
    Box::new(Cluster { nodes, absent: NODES, now: Instant::ORIGIN, buf })
}

/// Elections, replication, a log that goes round many times, snapshots taken, sent and installed.
#[test]
fn a_cluster_at_work_allocates_nothing() {
    // Three nodes with all they have lie on this stack for a moment.
    let work = || {
        let mut cluster = start();
        assert_no_alloc(|| {
            for step in 0..6_000 {
                cluster.absent = if (2_000..3_000).contains(&step) { 2 } else { NODES };
                cluster.write();
                cluster.step();
            }
            for _ in 0..500 {
                cluster.step();
            }
        });
        cluster
    };
    let thread = std::thread::Builder::new().stack_size(16 << 20).spawn(work).unwrap();
    let cluster = thread.join().unwrap();
    let sums = cluster.nodes.each_ref().map(|node| node.host().sum.sum);
    assert!(sums[0] > 20_000 && sums.iter().all(|sum| *sum == sums[0]), "{sums:?}");
    let metrics = cluster.nodes.each_ref().map(|node| *node.raft().metrics());
    assert!(metrics.iter().all(|one| one.snapshots_taken > 10), "{metrics:?}");
    assert!(metrics[2].snapshots_installed > 0, "{metrics:?}");
}
