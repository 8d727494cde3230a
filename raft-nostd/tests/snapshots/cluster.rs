//! Drivers in memory: a network that loses what it is told to, a clock that goes where somebody
//! waits.

use adapter_std::memory::{Behaviour, MemoryError, MemoryMedium};
use raft_nostd::journal::{Geometry, PersistFailure, WriteError};
use raft_nostd::{
    ClusterId, Committed, Config, Driver, Duration, Event, Host, Index, Instant, NodeId, OpenError,
    Position, ProposeError, Role, Seed, SnapshotError, StateMachine, Transport,
};

pub const NODES: u32 = 3;
const DATAGRAM: u32 = 400;

/// The commands that were applied, in a hash and in full, so that a snapshot has some length.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct State {
    pub count: u64,
    pub hash: u64,
    pub recent: Vec<u8>,
}

/// What a machine keeps beside its state while snapshots come and go.
#[derive(Default)]
pub struct Machine {
    pub state: State,
    image: Option<Vec<u8>>,
    coming: Vec<u8>,
}

impl Machine {
    /// Whether it holds an image that nobody wants any more.
    pub fn holds_image(&self) -> bool {
        self.image.is_some()
    }
}

impl State {
    fn to_bytes(&self) -> Vec<u8> {
        [&self.count.to_le_bytes()[..], &self.hash.to_le_bytes(), &self.recent].concat()
    }

    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (count, rest) = bytes.split_first_chunk()?;
        let (hash, recent) = rest.split_first_chunk()?;
        let (count, hash) = (u64::from_le_bytes(*count), u64::from_le_bytes(*hash));
        Some(Self { count, hash, recent: recent.to_vec() })
    }
}

impl StateMachine for Machine {
    type Response = u64;

    fn apply(&mut self, committed: Committed<'_>) -> u64 {
        let state = &mut self.state;
        state.count += 1;
        for byte in committed.command {
            state.hash = (state.hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3);
        }
        state.recent.extend(committed.command);
        if state.recent.len() > 9_000 {
            state.recent.drain(..1_000);
        }
        state.count
    }

    fn query(&self, _: &[u8]) -> u64 {
        self.state.count
    }

    fn snapshot(&mut self, offset: u64, piece: &mut [u8]) -> Result<usize, SnapshotError> {
        if offset == 0 {
            self.image = Some(self.state.to_bytes());
        }
        let image = self.image.as_deref().expect("it was begun");
        let rest = &image[offset as usize..];
        let len = rest.len().min(piece.len());
        piece[..len].copy_from_slice(&rest[..len]);
        if len == 0 {
            self.image = None;
        }
        Ok(len)
    }

    fn restore(&mut self, offset: u64, piece: &[u8]) -> Result<(), SnapshotError> {
        if offset == 0 {
            self.coming.clear();
        }
        assert_eq!(self.coming.len() as u64, offset, "pieces come in order");
        self.coming.extend(piece);
        if piece.is_empty() {
            self.state = State::from_bytes(&self.coming).ok_or(SnapshotError::Malformed)?;
        }
        Ok(())
    }
}

#[derive(Default)]
pub struct Air {
    flying: Vec<(NodeId, Vec<u8>)>,
    /// How often the node's journal was synced by now.
    syncs: u64,
    /// All that ever left.
    pub left: Vec<Left>,
}

/// A datagram that left.
#[derive(Clone, Copy, Debug)]
pub struct Left {
    pub bytes: usize,
    /// How often the journal had been synced.
    pub syncs: u64,
}

impl Transport for Air {
    fn send(&mut self, to: NodeId, datagram: &[u8]) {
        assert!(datagram.len() <= DATAGRAM as usize);
        self.left.push(Left { bytes: datagram.len(), syncs: self.syncs });
        self.flying.push((to, datagram.to_vec()));
    }
}

pub struct World {
    pub medium: MemoryMedium,
    pub snapshots: MemoryMedium,
    pub machine: Machine,
    pub air: Air,
    pub events: Vec<Event>,
    pub complaints: Vec<String>,
}

/// A medium with so many segments.
pub fn place(segments: u32) -> MemoryMedium {
    let geometry = Geometry { segments, segment_bytes: 4_096, granularity: 1, erased: 0 };
    MemoryMedium::new(geometry, Behaviour::File)
}

impl World {
    pub fn new() -> Self {
        Self {
            medium: place(8),
            snapshots: place(6),
            machine: Machine::default(),
            air: Air::default(),
            events: Vec::new(),
            complaints: Vec::new(),
        }
    }

    /// The disks of a node that stopped, for another that starts.
    pub fn disks(self) -> Self {
        Self { medium: self.medium, snapshots: self.snapshots, ..Self::new() }
    }
}

impl Host for World {
    type Memory = Vec<u8>;
    type Medium = MemoryMedium;
    type Snapshots = MemoryMedium;
    type Transport = Air;
    type Machine = Machine;

    fn medium(&mut self) -> &mut MemoryMedium {
        &mut self.medium
    }

    fn snapshots(&mut self) -> &mut MemoryMedium {
        &mut self.snapshots
    }

    fn transport(&mut self) -> &mut Air {
        self.air.syncs = self.medium.calls().syncs;
        &mut self.air
    }

    fn machine(&mut self) -> &mut Machine {
        &mut self.machine
    }

    fn applied(&mut self, _: Position, _: u64) {}

    fn event(&mut self, event: Event) {
        self.events.push(event);
    }

    fn storage_error(&mut self, error: WriteError<MemoryError>) {
        assert_eq!(error.failure(), PersistFailure::Full, "{error}");
    }

    fn snapshot_error(&mut self, error: &dyn std::fmt::Display) {
        self.complaints.push(error.to_string());
    }
}

pub type Node = Driver<World, 3>;
pub type Refusal = OpenError<MemoryError, MemoryError>;

pub struct Cluster {
    pub nodes: Vec<Option<Node>>,
    pub now: Instant,
    pub log_entries: u32,
    /// Of a thousand datagrams, so many are lost.
    pub loss: u64,
    /// Longer datagrams are lost.
    pub longest: usize,
    /// Bytes on their way to one peer, for nodes that start from now on.
    pub window: u32,
    random: u64,
    wakes: Vec<Instant>,
}

pub fn id(number: u32) -> NodeId {
    NodeId::new(number).unwrap()
}

impl Cluster {
    pub fn new(log_entries: u32) -> Self {
        let mut cluster = Self {
            nodes: (0..NODES).map(|_| None).collect(),
            now: Instant::ORIGIN,
            log_entries,
            loss: 0,
            longest: DATAGRAM as usize,
            window: 500,
            random: 1,
            wakes: vec![Instant::ORIGIN; NODES as usize],
        };
        for at in 0..NODES as usize {
            cluster.start(at, World::new());
        }
        cluster
    }

    pub fn start(&mut self, at: usize, world: World) {
        self.try_start(at, world).unwrap();
    }

    pub fn try_start(&mut self, at: usize, world: World) -> Result<(), Refusal> {
        let voters: Vec<_> = (1..=NODES).map(id).collect();
        let mut config = Config::new(ClusterId(5), voters[at], &voters).with_max_datagram(DATAGRAM);
        config.log_entries = self.log_entries;
        config.max_command = 100;
        config.window = self.window;
        config.election_timeout = Duration::from_millis(100);
        config.heartbeat = Duration::from_millis(20);
        let memory = vec![0; config.log_bytes(40) as usize];
        let seed = Seed { public: self.draw(), secret: self.draw() };
        let node = Node::open(&config, memory, world, seed, self.now, &mut [0; 400])?;
        self.nodes[at] = Some(node);
        self.wakes[at] = self.now;
        Ok(())
    }

    /// Stops a node as by `kill -9`: what it wrote is there, what it was about to say is not.
    pub fn kill(&mut self, at: usize) -> World {
        let node = self.nodes[at].take().expect("it runs");
        node.into_host().disks()
    }

    fn draw(&mut self) -> u64 {
        self.random = self.random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        self.random >> 33
    }

    /// Everybody does what there is to do, then time passes to the next deadline.
    pub fn step(&mut self) {
        let mut flying = Vec::new();
        for at in 0..self.nodes.len() {
            let Some(node) = &mut self.nodes[at] else { continue };
            if self.wakes[at] <= self.now {
                node.timeout(self.now);
            }
            self.wakes[at] = node.drain(self.now, &mut [0; 400]);
            flying.append(&mut node.host_mut().air.flying);
        }
        let quiet = flying.is_empty();
        for (to, datagram) in flying {
            if datagram.len() > self.longest || self.draw() % 1_000 < self.loss {
                continue;
            }
            let at = to.get() as usize - 1;
            if let Some(node) = &mut self.nodes[at] {
                node.datagram(self.now, &datagram).unwrap();
                self.wakes[at] = self.now;
            }
        }
        let running = (0..self.nodes.len()).filter(|at| self.nodes[*at].is_some());
        let next = running.map(|at| self.wakes[at]).min().unwrap();
        self.now =
            if quiet { self.now.max(next) } else { self.now.plus(Duration::from_micros(50)) };
    }

    pub fn leader(&self) -> Option<usize> {
        let leads = |node: &Node| node.raft().status().role == Role::Leader;
        self.nodes.iter().position(|node| node.as_ref().is_some_and(leads))
    }

    pub fn elect(&mut self) -> usize {
        self.until("a leader", |cluster| cluster.leader().is_some());
        self.leader().unwrap()
    }

    pub fn until(&mut self, what: &str, done: impl Fn(&mut Self) -> bool) {
        for _ in 0..40_000 {
            if done(self) {
                return;
            }
            self.step();
        }
        panic!("waited in vain for {what}: {}", self.sketch());
    }

    /// Writes `count` commands, whoever leads, each once there is room.
    pub fn write(&mut self, count: u64) {
        let mut left = count;
        self.until_written(&mut left);
    }

    fn until_written(&mut self, left: &mut u64) {
        let mut patience = 100_000;
        while *left > 0 {
            patience -= 1;
            assert!(patience > 0, "{left} writes were never taken: {}", self.sketch());
            let Some(at) = self.leader() else {
                self.step();
                continue;
            };
            let now = self.now;
            let node = self.nodes[at].as_mut().unwrap();
            match node.propose(now, &left.to_le_bytes()) {
                Ok(_) => {
                    *left -= 1;
                    patience = 100_000;
                }
                Err(ProposeError::LogFull(_) | ProposeError::NotLeader { .. }) => self.step(),
                Err(error) => panic!("{error}"),
            }
        }
    }

    /// Waits until all that run have applied all there is.
    pub fn settle(&mut self) {
        self.until("everybody to have everything", |cluster| {
            let Some(leader) = cluster.leader() else { return false };
            let last = cluster.node(leader).raft().last().index;
            cluster.running().all(|node| node.raft().applied() == last)
        });
        let states: Vec<_> = self.running().map(|node| &node.host().machine.state).collect();
        assert!(states.windows(2).all(|pair| pair[0] == pair[1]), "the states differ");
    }

    pub fn running(&self) -> impl Iterator<Item = &Node> {
        self.nodes.iter().flatten()
    }

    pub fn node(&self, at: usize) -> &Node {
        self.nodes[at].as_ref().unwrap()
    }

    pub fn node_mut(&mut self, at: usize) -> &mut Node {
        self.nodes[at].as_mut().unwrap()
    }

    pub fn base(&self, at: usize) -> Index {
        self.node(at).raft().base().index
    }

    fn sketch(&self) -> String {
        let one = |node: &Node| {
            let raft = node.raft();
            format!(
                "\n{}: {:?} base {} last {} commit {} applied {} {:?} {:?} {:?}",
                raft.id(),
                raft.status(),
                raft.base(),
                raft.last(),
                raft.commit(),
                raft.applied(),
                raft.incoming_snapshot().map(|(manifest, chunks, _)| (manifest.last, chunks)),
                node.snapshot_work(),
                node.host().complaints,
            )
        };
        self.running().map(one).collect()
    }
}

/// A cluster with logs of so many entries that has a leader and has written so often since one was killed:
/// the places of both, and what the latter left.
pub fn one_away(log_entries: u32, writes: u64) -> (Cluster, usize, usize, World) {
    let mut cluster = Cluster::new(log_entries);
    let leader = cluster.elect();
    let away = (leader + 1) % 3;
    let disks = cluster.kill(away);
    cluster.write(writes);
    (cluster, leader, away, disks)
}
