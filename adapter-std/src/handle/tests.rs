//! A desk with a node that is alone in its cluster, and time that the test makes.

use super::{Desk, Effect, Handle, HandleError, Limits, Pending, Unknown, channel};
use crate::memory::{Behaviour, MemoryMedium};
use raft_nostd::journal::Geometry;
use raft_nostd::{
    ClusterId, Committed, Config, Driver, Duration, Event, Halt, Host, Index, Instant, LogFull,
    NodeId, Position, ProposeError, Proposed, ReadError, Role, Seed, StateMachine, Status, Term,
    Transport,
};
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::{thread, time};

const SOON: time::Duration = time::Duration::from_secs(20);

/// Remembers the last byte it was given.
#[derive(Default)]
struct Last(u8);

impl StateMachine for Last {
    type Response = u8;

    fn apply(&mut self, committed: Committed<'_>) -> u8 {
        self.0 = committed.command.first().copied().unwrap_or(0);
        self.0
    }

    fn query(&self, request: &[u8]) -> u8 {
        self.0 + request.len() as u8
    }
}

struct Nowhere;

impl Transport for Nowhere {
    fn send(&mut self, _: NodeId, _: &[u8]) {}
}

enum Told {
    Applied(Position, u8),
    Event(Event),
}

struct World {
    machine: Last,
    medium: MemoryMedium,
    snapshots: Option<MemoryMedium>,
    nowhere: Nowhere,
    told: Vec<Told>,
}

impl Host for World {
    type Memory = Vec<u8>;
    type Medium = MemoryMedium;
    type Snapshots = Option<MemoryMedium>;
    type Transport = Nowhere;
    type Machine = Last;

    fn medium(&mut self) -> &mut MemoryMedium {
        &mut self.medium
    }

    fn snapshots(&mut self) -> &mut Option<MemoryMedium> {
        &mut self.snapshots
    }

    fn transport(&mut self) -> &mut Nowhere {
        &mut self.nowhere
    }

    fn machine(&mut self) -> &mut Last {
        &mut self.machine
    }

    fn applied(&mut self, position: Position, response: u8) {
        self.told.push(Told::Applied(position, response));
    }

    fn event(&mut self, event: Event) {
        self.told.push(Told::Event(event));
    }
}

/// A node, its desk, and a handle.
struct Room {
    driver: Driver<World, 1>,
    desk: Desk<Last>,
    handle: Handle<Last>,
    woken: Arc<AtomicU32>,
    now: Instant,
}

impl Room {
    fn new(requests: usize) -> Self {
        let voters = [NodeId::new(1).unwrap()];
        let config = Config::new(ClusterId::from_name("room"), voters[0], &voters);
        let memory = vec![0; config.log_bytes(20) as usize];
        let shape = Geometry { segments: 4, segment_bytes: 1 << 17, granularity: 1, erased: 0 };
        let world = World {
            machine: Last(0),
            medium: MemoryMedium::new(shape, Behaviour::File),
            snapshots: None,
            nowhere: Nowhere,
            told: Vec::new(),
        };
        let now = Instant::ORIGIN;
        let seed = Seed { public: 7, secret: 8 };
        let driver = Driver::open(&config, memory, world, seed, now, &mut [0; 1_200]).unwrap();
        let woken = Arc::new(AtomicU32::new(0));
        let bell = Arc::clone(&woken);
        let limits = Limits { requests, patience: Duration::from_millis(1_000) };
        let (handle, desk) = channel(limits, move || {
            bell.fetch_add(1, Ordering::Relaxed);
        });
        Self { driver, desk, handle, woken, now }
    }

    /// A room whose node leads.
    fn leading(requests: usize) -> Self {
        let mut room = Self::new(requests);
        room.pass(Duration::from_millis(5_000));
        room.turn();
        assert_eq!(room.driver.raft().status().role, Role::Leader);
        room
    }

    fn pass(&mut self, time: Duration) {
        self.now = self.now.plus(time);
        self.driver.timeout(self.now);
    }

    fn serve(&mut self) {
        self.desk.serve(&mut self.driver, self.now);
    }

    fn turn(&mut self) {
        self.serve();
        self.driver.drain(self.now, &mut [0; 1_200]);
        for told in std::mem::take(&mut self.driver.host_mut().told) {
            match told {
                Told::Applied(position, response) => {
                    assert_eq!(self.desk.applied(position, response), None);
                }
                Told::Event(event) => self.event(event),
            }
        }
    }

    fn event(&mut self, event: Event) {
        self.desk.event(&event, &self.driver.host().machine);
    }
}

/// The answer, which must be there.
fn answer(mut pending: Pending<u8>) -> Result<u8, HandleError> {
    let answer = pending.try_take().expect("no answer yet");
    assert_eq!(pending.try_take(), None, "told twice");
    answer
}

fn is_open(pending: &mut Pending<u8>) -> bool {
    pending.try_take().is_none()
}

#[test]
fn proposals_and_reads_are_answered_in_order() {
    let mut room = Room::leading(9);
    let first = room.handle.propose(vec![1]);
    let read = room.handle.read(vec![0; 3]);
    let second = room.handle.clone().propose(vec![2]);
    assert_eq!(room.handle.waiting(), 3);
    room.turn();
    assert_eq!(answer(first), Ok(1));
    assert_eq!(answer(second), Ok(2));
    // It may see what was proposed after it, never less than what was answered before.
    assert!([Ok(4), Ok(5)].contains(&answer(read)));
    assert_eq!(room.handle.waiting(), 0);
}

#[test]
fn one_wake_for_all_that_comes_before_the_desk_looks() {
    let mut room = Room::leading(9);
    let woken = |room: &Room| room.woken.load(Ordering::Relaxed);
    let _first = room.handle.propose(vec![1]);
    let _second = room.handle.propose(vec![1]);
    assert_eq!(woken(&room), 1);
    room.turn();
    let _third = room.handle.read(vec![1]);
    assert_eq!(woken(&room), 2);
}

#[test]
fn who_does_not_lead_says_so_and_what_is_wrong_is_kept() {
    let mut room = Room::new(9);
    let (proposal, read) = (room.handle.propose(vec![1]), room.handle.read(vec![]));
    room.turn();
    assert_eq!(answer(proposal), Err(HandleError::NotLeader { hint: None }));
    assert_eq!(answer(read), Err(HandleError::NotLeader { hint: None }));

    let mut room = Room::leading(9);
    let large = room.handle.propose(vec![0; 5_000]);
    room.turn();
    let too_large =
        HandleError::ProposeRefused(ProposeError::TooLarge { given: 5_000, most: 1_068 });
    assert_eq!(answer(large), Err(too_large));
    assert_eq!(too_large.effect(), Effect::None);
    assert!(!too_large.is_transient());
}

#[test]
fn no_more_wait_than_the_limit_allows() {
    let mut room = Room::leading(2);
    let first = room.handle.propose(vec![1]);
    let _second = room.handle.read(vec![]);
    assert_eq!(answer(room.handle.propose(vec![3])), Err(HandleError::Busy));
    assert!(HandleError::Busy.is_transient());
    room.turn();
    assert_eq!(answer(first), Ok(1));
    // One that nobody waits for any more gives its place back too.
    drop((room.handle.propose(vec![4]), room.handle.propose(vec![5])));
    assert_eq!(room.handle.waiting(), 2);
    room.turn();
    assert_eq!(room.handle.waiting(), 0);
}

/// Each request asks for the next as soon as it is answered, with room for one.
#[test]
fn whoever_is_answered_may_ask_again_at_once() {
    let mut room = Room::leading(1);
    let handle = room.handle.clone();
    let client = thread::spawn(move || {
        for _ in 0..100 {
            handle.propose(vec![1]).wait(SOON).unwrap();
        }
    });
    while !client.is_finished() {
        room.turn();
        thread::yield_now();
    }
    client.join().unwrap();
}

#[test]
fn lost_and_forgotten_ranges_end_exactly_their_proposals() {
    let mut room = Room::leading(9);
    let mut pending: Vec<_> = (0..5).map(|byte| room.handle.propose(vec![byte])).collect();
    room.serve();
    let last = room.driver.raft().last();
    let at = |back: u64| Index(last.index.0 - back);
    let range = |term, first, last| Proposed { term, first, last };

    room.event(Event::ProposalsLost(range(Term(last.term.0 + 1), at(4), at(0))));
    room.event(Event::ProposalsUnknown(range(Term(0), at(4), at(0))));
    room.event(Event::ProposalsLost(range(last.term, Index(900), Index(901))));
    room.event(Event::ProposalsLost(range(last.term, at(3), at(4))));
    assert!(pending.iter_mut().all(is_open));

    room.event(Event::ProposalsLost(range(last.term, at(1), Index(900))));
    room.event(Event::ProposalsUnknown(range(last.term, at(3), at(3))));
    assert_eq!(answer(pending.pop().unwrap()), Err(HandleError::Lost));
    assert_eq!(answer(pending.pop().unwrap()), Err(HandleError::Lost));
    let unknown = HandleError::Unknown(Unknown::Forgotten);
    assert_eq!(answer(pending.remove(1)), Err(unknown));
    assert_eq!(unknown.effect(), Effect::Unknown);
    assert_eq!(pending.len(), 2);
    assert!(pending.iter_mut().all(is_open));
}

#[test]
fn a_response_goes_to_its_term_and_index_only() {
    let mut room = Room::leading(9);
    let pending = room.handle.propose(vec![1]);
    room.serve();
    let Position { term, index } = room.driver.raft().last();
    let other_term = Position { term: Term(term.0 + 1), index };
    let other_index = Position { term, index: index.next() };
    assert_eq!(room.desk.applied(other_term, 8), Some(8));
    assert_eq!(room.desk.applied(other_index, 9), Some(9));
    assert_eq!(room.desk.applied(Position { term, index }, 1), None);
    assert_eq!(answer(pending), Ok(1));
    assert_eq!(room.desk.applied(Position { term, index }, 1), Some(1));
}

#[test]
fn lost_reads_name_the_next_leader() {
    let mut room = Room::leading(9);
    let read = room.handle.read(vec![]);
    room.serve();
    let id = room.driver.read(room.now).unwrap();
    let leader = NodeId::new(3);
    let status = Status { role: Role::Follower, term: Term(9), leader };
    room.event(Event::Status(status));
    room.event(Event::ReadsLost(id));
    assert_eq!(answer(read), Err(HandleError::NotLeader { hint: leader }));
}

#[test]
fn nobody_waits_longer_than_the_desk_is_patient() {
    let mut room = Room::leading(9);
    assert_eq!(room.desk.wake_at(), Instant::NEVER);
    let (mut first, mut read) = (room.handle.propose(vec![1]), room.handle.read(vec![]));
    room.serve();
    let deadline = room.now.plus(Duration::from_millis(1_000));
    assert_eq!(room.desk.wake_at(), deadline);
    room.now = room.now.plus(Duration::from_millis(999));
    let mut later = room.handle.propose(vec![2]);
    room.serve();
    assert!(is_open(&mut first) && is_open(&mut read));
    room.now = deadline;
    room.serve();
    let late = HandleError::Unknown(Unknown::Deadline);
    assert_eq!((answer(first), answer(read)), (Err(late), Err(late)));
    assert!(is_open(&mut later));
    // It is applied all the same; that is nobody's any more.
    room.driver.drain(room.now, &mut [0; 1_200]);
    let applied = room.driver.host_mut().told.iter().find_map(|told| match told {
        Told::Applied(position, 1) => Some(*position),
        _ => None,
    });
    assert_eq!(room.desk.applied(applied.unwrap(), 1), Some(1));
}

#[test]
fn waiting_has_a_deadline_of_its_own() {
    let room = Room::leading(9);
    let pending = room.handle.propose(vec![1]);
    let start = time::Instant::now();
    let late = pending.wait(time::Duration::from_millis(20));
    assert_eq!(late, Err(HandleError::Unknown(Unknown::Deadline)));
    assert!(start.elapsed() >= time::Duration::from_millis(20));
}

#[test]
fn halting_ends_all_that_the_node_took() {
    let mut room = Room::leading(9);
    let (proposal, read) = (room.handle.propose(vec![1]), room.handle.read(vec![]));
    room.serve();
    room.event(Event::Halted(Halt::StorageFailed));
    let halted = Err(HandleError::Unknown(Unknown::Halted));
    assert_eq!((answer(proposal), answer(read)), (halted, halted));
}

#[test]
fn a_dropped_desk_leaves_nobody_waiting() {
    let mut room = Room::leading(9);
    let taken = room.handle.propose(vec![1]);
    room.serve();
    let untaken = room.handle.read(vec![]);
    let Room { desk, handle, .. } = room;
    drop(desk);
    assert_eq!(answer(taken), Err(HandleError::Unknown(Unknown::Stopped)));
    assert_eq!(answer(untaken), Err(HandleError::Stopped));
    assert_eq!(answer(handle.propose(vec![2])), Err(HandleError::Stopped));
    assert_eq!(handle.waiting(), 0);
}

struct Count(AtomicU32);

impl Wake for Count {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

#[test]
fn the_newest_waker_of_a_future_is_woken_once() {
    let mut room = Room::leading(9);
    let mut pending = room.handle.propose(vec![6]);
    let (old, new) = (Arc::new(Count(AtomicU32::new(0))), Arc::new(Count(AtomicU32::new(0))));
    let mut poll = |count: &Arc<Count>| {
        let waker = Waker::from(Arc::clone(count));
        Pin::new(&mut pending).poll(&mut Context::from_waker(&waker))
    };
    assert_eq!(poll(&old), Poll::Pending);
    assert_eq!(poll(&new), Poll::Pending);
    assert_eq!(poll(&new), Poll::Pending);
    room.turn();
    assert_eq!((old.0.load(Ordering::Relaxed), new.0.load(Ordering::Relaxed)), (0, 1));
    assert_eq!(poll(&new), Poll::Ready(Ok(6)));
    assert_eq!(poll(&new), Poll::Pending);
}

#[test]
fn a_handle_goes_anywhere_and_errors_read_well() {
    fn goes_anywhere<T: Clone + Send + Sync + 'static>(_: &T) {}
    fn moves<T: Send + Unpin>(_: &T) {}
    let room = Room::new(1);
    goes_anywhere(&room.handle);
    moves(&room.handle.read(vec![]));
    let hint = NodeId::new(2);
    for (error, text) in [
        (HandleError::from(ProposeError::NotLeader { hint }), "not the leader; 2 is"),
        (ReadError::NotLeader { hint }.into(), "not the leader; 2 is"),
        (ReadError::Halted.into(), "the node has halted"),
        (
            ProposeError::LogFull(LogFull::Uncommitted).into(),
            "too many entries wait for a majority; try again",
        ),
        (HandleError::Lost, "another entry was committed in its place"),
        (
            HandleError::Unknown(Unknown::Deadline),
            "what became of it is unknown: no answer came in time",
        ),
        (HandleError::Busy, "too many requests wait already"),
        (HandleError::Stopped, "the node has stopped"),
    ] {
        assert_eq!(error.to_string(), text);
    }
}
