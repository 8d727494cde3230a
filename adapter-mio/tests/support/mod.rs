//! Three nodes in three threads, a machine that adds, and a medium that outlives its node.
#![allow(dead_code)] // Each test file uses what it needs.

use adapter_mio::mio::event::Event as Readiness;
use adapter_mio::{Counters, Node, Options, RunError, Service, Stopper, open_with_socket};
use adapter_std::handle::{Effect, Handle, HandleError};
use adapter_std::memory::{Behaviour, MemoryError, MemoryMedium};
use raft_nostd::journal::{Geometry, Medium, PersistFailure};
use raft_nostd::{
    ClusterId, Committed, Config, Duration, Event, Instant, Metrics, NodeId, Position, Role,
    StateMachine, Status,
};
use std::io;
use std::net::{SocketAddr, UdpSocket};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time;

pub fn millis(millis: u64) -> time::Duration {
    time::Duration::from_millis(millis)
}

/// Longer than anything takes on a busy machine.
pub const PATIENCE: time::Duration = time::Duration::from_secs(20);

pub fn node(number: u32) -> NodeId {
    NodeId::new(number).unwrap()
}

/// Adds what it is told; answers the sum.
#[derive(Debug, Default)]
pub struct Sum(pub u64);

impl StateMachine for Sum {
    type Response = u64;

    fn apply(&mut self, committed: Committed<'_>) -> u64 {
        let add = committed.command.try_into().map_or(0, u64::from_le_bytes);
        self.0 = self.0.wrapping_add(add);
        self.0
    }

    fn query(&self, _: &[u8]) -> u64 {
        self.0
    }
}

pub fn add(number: u64) -> Vec<u8> {
    number.to_le_bytes().to_vec()
}

/// A medium that the test keeps a hold of.
#[derive(Clone, Debug)]
pub struct Disk(pub Arc<Mutex<MemoryMedium>>);

impl Disk {
    pub fn blank() -> Self {
        let geometry =
            Geometry { segments: 4, segment_bytes: 128 << 10, granularity: 1, erased: 0 };
        Self(Arc::new(Mutex::new(MemoryMedium::new(geometry, Behaviour::File))))
    }
}

impl Medium for Disk {
    type Error = MemoryError;

    fn geometry(&self) -> Geometry {
        self.0.lock().unwrap().geometry()
    }

    fn read(&mut self, segment: u32, offset: u32, into: &mut [u8]) -> Result<(), MemoryError> {
        self.0.lock().unwrap().read(segment, offset, into)
    }

    fn write(&mut self, segment: u32, offset: u32, bytes: &[u8]) -> Result<(), MemoryError> {
        self.0.lock().unwrap().write(segment, offset, bytes)
    }

    fn erase(&mut self, segment: u32) -> Result<(), MemoryError> {
        self.0.lock().unwrap().erase(segment)
    }

    fn sync(&mut self) -> Result<(), MemoryError> {
        self.0.lock().unwrap().sync()
    }

    fn failure(error: &MemoryError) -> PersistFailure {
        MemoryMedium::failure(error)
    }
}

/// What a node last looked like from inside.
#[derive(Clone, Copy, Debug, Default)]
pub struct View {
    pub status: Status,
    pub metrics: Metrics,
    pub counters: Counters,
    pub applied: u64,
}

/// A service that shows the node to the test and lets another one have the rest.
pub struct Watch<S> {
    view: Arc<Mutex<View>>,
    inner: S,
}

impl<D: Medium, S: Service<D>> Service<D> for Watch<S> {
    type Machine = S::Machine;

    fn start(&mut self, node: &mut Node<S::Machine, D>) -> io::Result<()> {
        self.inner.start(node)
    }

    fn ready(&mut self, node: &mut Node<S::Machine, D>, readiness: &Readiness) {
        self.inner.ready(node, readiness);
    }

    fn applied(
        &mut self,
        node: &mut Node<S::Machine, D>,
        position: Position,
        response: <S::Machine as StateMachine>::Response,
    ) {
        self.view.lock().unwrap().applied += 1;
        self.inner.applied(node, position, response);
    }

    fn event(&mut self, node: &mut Node<S::Machine, D>, event: Event) {
        self.inner.event(node, event);
    }

    fn wake_at(&self) -> Option<Instant> {
        self.inner.wake_at()
    }

    fn turn_ends(&mut self, node: &mut Node<S::Machine, D>) {
        self.inner.turn_ends(node);
        let mut view = self.view.lock().unwrap();
        view.status = node.raft().status();
        view.metrics = *node.raft().metrics();
        view.counters = node.counters();
    }
}

/// What a node is started with.
#[derive(Debug)]
pub struct Seat {
    pub id: NodeId,
    pub voters: Vec<NodeId>,
    pub peers: Vec<(NodeId, SocketAddr)>,
    pub socket: UdpSocket,
    pub disk: Disk,
    pub receive_budget: u32,
    pub election_timeout: Duration,
}

/// Elections are rare even if the machine is busy: for tests that want one leader to stay.
pub const CALM: Duration = Duration::from_millis(600);
/// Elections are fast: for tests that must not mind another one.
pub const HASTY: Duration = Duration::from_millis(150);

impl Seat {
    pub fn hasty(self) -> Self {
        Self { election_timeout: HASTY, ..self }
    }

    /// The same seat, for another start on the same socket and disk.
    pub fn again(&self) -> Self {
        Self {
            voters: self.voters.clone(),
            peers: self.peers.clone(),
            socket: self.socket.try_clone().unwrap(),
            disk: self.disk.clone(),
            ..*self
        }
    }

    pub fn config(&self) -> Config<'_> {
        Config {
            log_entries: 1_024,
            election_timeout: self.election_timeout,
            heartbeat: Duration::from_millis(30),
            ..Config::new(ClusterId::from_name("test"), self.id, &self.voters)
        }
    }
}

/// A node that runs.
pub struct Member {
    pub id: NodeId,
    pub address: SocketAddr,
    pub handle: Handle<Sum>,
    pub stopper: Stopper,
    view: Arc<Mutex<View>>,
    thread: JoinHandle<Result<(), RunError>>,
}

impl Member {
    pub fn start<S>(seat: Seat, service: S) -> Self
    where
        S: Service<Disk, Machine = Sum> + Send + 'static,
    {
        let address = seat.socket.local_addr().unwrap();
        let options = Options {
            receive_budget: seat.receive_budget,
            ..Options::new(address, seat.peers.clone())
        };
        let config = seat.config();
        let socket = seat.socket.try_clone().unwrap();
        let memory = config.log_bytes(16);
        let node =
            open_with_socket(&config, options, socket, Sum(0), seat.disk.clone(), memory).unwrap();
        let (handle, stopper) = (node.handle(), node.stopper());
        let view = Arc::new(Mutex::new(View::default()));
        let mut watch = Watch { view: Arc::clone(&view), inner: service };
        let thread = thread::spawn(move || node.run(&mut watch));
        Self { id: seat.id, address, handle, stopper, view, thread }
    }

    pub fn view(&self) -> View {
        *self.view.lock().unwrap()
    }

    /// Stops it cleanly.
    pub fn stop(self) {
        self.stopper.stop();
        self.join().unwrap();
    }

    /// Waits until it ends.
    pub fn join(self) -> Result<(), RunError> {
        self.thread.join().unwrap()
    }
}

/// Sockets and disks of `count` nodes.
pub fn seats(count: u32) -> Vec<Seat> {
    let sockets: Vec<_> = (0..count).map(|_| UdpSocket::bind(("127.0.0.1", 0)).unwrap()).collect();
    let voters: Vec<_> = (1..=count).map(node).collect();
    let addresses = sockets.iter().map(|socket| socket.local_addr().unwrap());
    let peers: Vec<_> = voters.iter().copied().zip(addresses).collect();
    let seat = |(socket, id)| Seat {
        id,
        voters: voters.clone(),
        peers: peers.clone(),
        socket,
        disk: Disk::blank(),
        receive_budget: 256,
        election_timeout: CALM,
    };
    sockets.into_iter().zip(voters.iter().copied()).map(seat).collect()
}

/// Waits until `what` is there.
pub fn eventually<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let start = time::Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(start.elapsed() < PATIENCE, "never: {what}");
        thread::sleep(millis(2));
    }
}

/// Where the leader of the newest term is among `members`, once it has a majority of them.
pub fn leader(members: &[Member]) -> usize {
    eventually("a leader", || {
        let views: Vec<_> = members.iter().map(Member::view).collect();
        let newest = views.iter().map(|view| view.status.term).max()?;
        views.iter().position(|view| view.status.role == Role::Leader && view.status.term == newest)
    })
}

/// Sends a request to whoever leads until it is taken. `Err`: its fate is unknown.
pub fn ask(
    members: &[Member],
    send: impl Fn(&Handle<Sum>) -> adapter_std::handle::Pending<u64>,
) -> Result<u64, HandleError> {
    let start = time::Instant::now();
    let mut place = 0;
    loop {
        let member = &members[place % members.len()];
        let error = match send(&member.handle).wait(PATIENCE) {
            Ok(response) => return Ok(response),
            Err(error) if error.effect() == Effect::Unknown => return Err(error),
            Err(error) => error,
        };
        assert!(start.elapsed() < PATIENCE, "never taken: {error}");
        let hinted = match error {
            HandleError::NotLeader { hint: Some(hint) } => {
                members.iter().position(|member| member.id == hint)
            }
            _ => None,
        };
        place = hinted.unwrap_or(place + 1);
        thread::sleep(millis(2));
    }
}

pub fn propose(members: &[Member], number: u64) -> Result<u64, HandleError> {
    ask(members, |handle| handle.propose(add(number)))
}

pub fn read(members: &[Member]) -> Result<u64, HandleError> {
    ask(members, |handle| handle.read(Vec::new()))
}
