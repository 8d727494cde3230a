//! Opening a loop: socket, journal, node.

use crate::error::OpenError;
use crate::link::Link;
use crate::node::{Backlog, Buffers, Fate, Node};
use crate::options::Options;
use crate::run::Loop;
use crate::stopper::Stopper;
use crate::world::World;
use adapter_std::clock::Clock;
use adapter_std::entropy::seed;
use adapter_std::handle::{self, Limits};
use mio::net::UdpSocket;
use mio::{Events, Interest, Poll, Token, Waker};
use raft_nostd::journal::Medium;
use raft_nostd::vault::owner_of;
use raft_nostd::{Config, ConfigError, Driver, Instant, NodeId, StateMachine, VOTERS_MAX};
use socket2::SockRef;
use std::collections::VecDeque;
use std::iter;
use std::net::{self, SocketAddr};
use std::sync::Arc;

/// The socket between the nodes.
pub(crate) const PEERS: Token = Token(0);
/// Handles and stoppers.
const WAKER: Token = Token(1);
/// Events taken from the kernel at a time; what is ready beyond is told in the next turn.
const EVENTS: usize = 256;
/// More memory than a log can use: see [`ConfigError::Memory`].
const MEMORY_MAX: u64 = 1 << 31;

/// The media of a node. A medium alone is the journal of a node that never compacts its log.
///
/// With a second medium it runs for ever in a log of any size. That has segments for two snapshots,
/// an even number, and one that grows takes no more space than they need:
///
/// ```
/// use adapter_mio::{Options, Storage, open};
/// use adapter_std::files::{self, AfterFailure, FileMedium, Space};
/// use raft_nostd::{ClusterId, Committed, Config, NodeId, SnapshotError, StateMachine};
///
/// /// The last command, of 100 bytes at most.
/// #[derive(Default)]
/// struct Last { command: Vec<u8>, image: Vec<u8> }
///
/// impl StateMachine for Last {
///     type Response = ();
///     fn apply(&mut self, committed: Committed<'_>) {
///         self.command = committed.command.to_vec();
///     }
///     fn query(&self, _: &[u8]) {}
///     fn snapshot(&mut self, offset: u64, piece: &mut [u8]) -> Result<usize, SnapshotError> {
///         if offset > 0 || piece.is_empty() {
///             return Ok(0); // The end, or it is given up.
///         }
///         let room = piece.get_mut(..self.command.len()).ok_or(SnapshotError::Unsupported)?;
///         room.copy_from_slice(&self.command);
///         Ok(self.command.len())
///     }
///     fn restore(&mut self, offset: u64, piece: &[u8]) -> Result<(), SnapshotError> {
///         match (offset, piece) {
///             (0, []) => self.command.clear(), // A snapshot of nothing.
///             (_, []) => self.command = std::mem::take(&mut self.image),
///             (0, piece) => self.image = piece.to_vec(),
///             _ => return Err(SnapshotError::Malformed),
///         }
///         Ok(())
///     }
/// }
///
/// # let dir = std::env::temp_dir().join(format!("adapter-mio-storage-{}", std::process::id()));
/// let voters = [NodeId::new(1).unwrap()];
/// let config = Config::new(ClusterId::from_name("last"), voters[0], &voters);
/// let mut options = Options::new("127.0.0.1:0".parse()?, vec![]);
/// // Besides when the log is more than half full:
/// options.compaction.after_bytes = 1 << 20;
/// let files = files::Options::new(64 << 10, 4);
/// let files = files.with_space(Space::Grown).with_failures(AfterFailure::GoOn);
/// let storage = Storage {
///     journal: FileMedium::open(dir.join("journal"), files::Options::new(1 << 20, 4))?,
///     snapshots: Some(FileMedium::open(dir.join("snapshots"), files)?),
/// };
/// let node = open(&config, options, Last::default(), storage, config.log_bytes(100))?;
/// assert!(node.node().snapshots().is_some());
/// # drop(node);
/// # std::fs::remove_dir_all(&dir)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Storage<D> {
    /// For the journal.
    pub journal: D,
    /// For snapshots: segments for two of them. The state machine must write and read them.
    pub snapshots: Option<D>,
}

impl<D: Medium> From<D> for Storage<D> {
    fn from(journal: D) -> Self {
        Self { journal, snapshots: None }
    }
}

/// Opens a node: its socket, its journal and snapshots in `storage`, its log in `memory_bytes` of memory (see
/// [`Config::log_bytes`]). It does nothing until it is [run](Loop::run).
///
/// # Errors
/// What is wrong with the options, the configuration, the journal or the machine, or that the
/// operating system has no socket for it. The medium is opened last, and only a journal that is
/// accepted is written to.
pub fn open<M: StateMachine, D: Medium>(
    config: &Config<'_>,
    options: Options,
    machine: M,
    storage: impl Into<Storage<D>>,
    memory_bytes: u64,
) -> Result<Loop<M, D>, OpenError<D::Error>> {
    let bind = options.bind;
    let socket = net::UdpSocket::bind(bind).map_err(|source| OpenError::Socket { bind, source })?;
    open_with_socket(config, options, socket, machine, storage, memory_bytes)
}

/// [Opens](open) a node on a socket that is bound already: so that its port is known before the
/// peers' options are made, or that a supervisor can hand it down. [`Options::bind`] is not looked
/// at.
///
/// # Errors
/// As [`open`].
pub fn open_with_socket<M: StateMachine, D: Medium>(
    config: &Config<'_>,
    options: Options,
    socket: net::UdpSocket,
    machine: M,
    storage: impl Into<Storage<D>>,
    memory_bytes: u64,
) -> Result<Loop<M, D>, OpenError<D::Error>> {
    config.check::<VOTERS_MAX>().map_err(refused)?;
    let bind = options.bind;
    let unusable = |source| OpenError::Socket { bind, source };
    let local_addr = socket.local_addr().map_err(unusable)?;
    check_peers(config, &options.peers, local_addr)?;
    socket.set_nonblocking(true).map_err(unusable)?;
    enlarge_buffers(&socket, options.socket_buffers);

    let poll = Poll::new().map_err(OpenError::Poll)?;
    let registry = poll.registry().try_clone().map_err(OpenError::Poll)?;
    let waker = Arc::new(Waker::new(&registry, WAKER).map_err(OpenError::Poll)?);
    let mut socket = UdpSocket::from_std(socket);
    registry.register(&mut socket, PEERS, Interest::READABLE).map_err(OpenError::Poll)?;

    let datagram = usize::try_from(config.max_datagram).unwrap_or(usize::MAX);
    let outbound = vec![0; datagram].into_boxed_slice();
    let inbound = vec![0; datagram.saturating_add(1)].into_boxed_slice();
    let memory = allocate(memory_bytes)?;
    let link = Link::new(socket, options.peers);
    let Storage { journal: medium, mut snapshots } = storage.into();
    // Chunks of a snapshot may have been longer when it was taken. What cannot be read here is told
    // when the node opens.
    let known = snapshots.as_mut().and_then(|medium| owner_of(medium).ok().flatten());
    let chunk = known.map_or(0, |(_, chunk)| usize::try_from(chunk).unwrap_or(0));
    let mut scratch = vec![0; datagram.max(chunk)];
    let world = World {
        machine,
        medium,
        snapshots,
        link,
        told: VecDeque::new(),
        storage_error: None,
        snapshot_error: None,
        unreadable: None,
    };
    // A node's time begins when it is open: reading a long journal takes longer than an election
    // timeout, and is no silence of a leader.
    let now = Instant::ORIGIN;
    let mut driver =
        Driver::open(config, memory, world, seed(), now, &mut scratch).map_err(OpenError::Node)?;
    drop(scratch);
    let clock = Clock::start();

    driver.set_compaction(options.compaction);
    let stopper = Stopper::new(Arc::clone(&waker));
    let limits = Limits { requests: options.requests, patience: options.patience };
    // Should it fail (no memory in the kernel), the next turn serves the desk all the same.
    let (handle, desk) = handle::channel(limits, move || drop(waker.wake()));
    let node = Node {
        driver,
        registry,
        clock,
        now,
        fate: Fate::Running,
        // Peers may have sent before the socket was registered.
        backlog: Backlog::Some,
        buffers: Buffers { inbound, outbound },
    };
    let events = Events::with_capacity(EVENTS);
    let budget = options.receive_budget;
    Ok(Loop { node, poll, events, desk, handle, stopper, budget, local_addr })
}

fn refused<E>(error: ConfigError) -> OpenError<E> {
    OpenError::Node(raft_nostd::OpenError::Config(error))
}

/// Every other voter has one address, of the socket's family; nobody else has.
fn check_peers<E>(
    config: &Config<'_>,
    peers: &[(NodeId, SocketAddr)],
    local: SocketAddr,
) -> Result<(), OpenError<E>> {
    for (place, (node, address)) in peers.iter().enumerate() {
        if !config.voters.contains(node) {
            return Err(OpenError::NotAVoter(*node));
        }
        if peers.iter().take(place).any(|(other, _)| other == node) {
            return Err(OpenError::TwoAddresses(*node));
        }
        if address.is_ipv4() != local.is_ipv4() {
            return Err(OpenError::AddressFamily { peer: *node, address: *address, local });
        }
    }
    let has_address = |voter: &&NodeId| peers.iter().any(|(node, _)| node == *voter);
    let mut others = config.voters.iter().filter(|voter| **voter != config.node);
    others.find(|voter| !has_address(voter)).map_or(Ok(()), |node| Err(OpenError::NoAddress(*node)))
}

/// Asks for buffers of `bytes`, then for half of it, and so on while the kernel refuses. (Linux
/// never does: it gives what it may.) Whatever comes of it, the socket works.
fn enlarge_buffers(socket: &net::UdpSocket, bytes: usize) {
    let socket = SockRef::from(socket);
    let asks = || iter::successors(Some(bytes), |ask| Some(ask / 2)).take_while(|ask| *ask > 0);
    if let Ok(now) = socket.recv_buffer_size() {
        let _ =
            asks().take_while(|ask| *ask > now).any(|ask| socket.set_recv_buffer_size(ask).is_ok());
    }
    if let Ok(now) = socket.send_buffer_size() {
        let _ =
            asks().take_while(|ask| *ask > now).any(|ask| socket.set_send_buffer_size(ask).is_ok());
    }
}

/// Zeros, or an error where `vec!` would end the process.
fn allocate<E>(bytes: u64) -> Result<Box<[u8]>, OpenError<E>> {
    // A little too much is refused by the log, with what it can use.
    let len = usize::try_from(bytes.min(MEMORY_MAX + 1)).unwrap_or(usize::MAX);
    Vec::<u8>::new().try_reserve_exact(len).map_err(|_| OpenError::Memory { bytes })?;
    // Not the same allocation, but pages that are zero without being touched.
    Ok(vec![0; len].into_boxed_slice())
}
