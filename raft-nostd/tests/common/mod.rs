//! A few nodes in one process: datagrams in vectors, time in a variable, storage that is instant
//! or waits until it is told.
#![allow(dead_code)] // Each test binary uses its part.

pub mod solo;

use raft_nostd::frame::{self, EntryKind, Frames};
use raft_nostd::invariants::Witness;
use raft_nostd::journal::{PersistFailure, Sink};
use raft_nostd::wire::{self, Message};
use raft_nostd::{
    ClusterId, Config, Duration, Event, HardState, Index, Instant, Life, Loading, NodeId, Output,
    Persist, Position, Raft, Start, Term, Ticket,
};

pub type Node = Raft<Vec<u8>, 7>;
pub const CLUSTER: ClusterId = ClusterId(42);
pub const BUFFER: usize = 1_200;

pub fn id(number: u32) -> NodeId {
    NodeId::new(number).unwrap()
}

pub fn ids(count: u32) -> Vec<NodeId> {
    (1..=count).map(id).collect()
}

pub fn at(term: u64, index: u64) -> Position {
    Position::new(term, index)
}

/// When a node's batches become durable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Storage {
    Instant,
    Waits,
}

/// One thing that a node said or did, in the order of its outputs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    Say { to: NodeId, message: Message, entries: Vec<Position>, len: usize },
    Persist { hard: HardState, entries: Vec<Position> },
    Durable,
    Tell(Event),
    Apply(Position, Vec<u8>),
}

/// What a node finds when it starts: its journal, in effect.
#[derive(Clone, Debug, Default)]
pub struct Disk {
    pub hard: HardState,
    pub base: Position,
    pub frames: Vec<Vec<u8>>,
}

impl Disk {
    /// Term and vote (0: none), and a log whose entries have these terms.
    pub fn new(term: u64, vote: u32, terms: &[u64]) -> Self {
        Self::after(Position::ZERO, term, vote, terms)
    }

    /// The same, with a log that begins after `base`.
    pub fn after(base: Position, term: u64, vote: u32, terms: &[u64]) -> Self {
        let hard = HardState { term: Term(term), vote: NodeId::new(vote) };
        Self { hard, base, frames: frames_after(base.index, terms) }
    }

    /// The same log with commands of `bytes` bytes.
    pub fn with_commands_of(mut self, bytes: usize) -> Self {
        for frame in &mut self.frames {
            let position = frame::decode(frame).unwrap().position;
            *frame = framed(position, &vec![b'.'; bytes]);
        }
        self
    }

    fn write(&mut self, persist: &Persist<'_>) {
        self.hard = persist.batch.hard_state;
        let frames = &persist.batch.frames;
        self.frames.truncate(frames.first().since(self.base.index.next()) as usize);
        self.frames.extend(frames.iter().map(|entry| entry.frame.to_vec()));
    }
}

/// Commands of these terms after `index`; each is named after its place.
pub fn frames_after(index: Index, terms: &[u64]) -> Vec<Vec<u8>> {
    let places = terms.iter().zip(index.next().0..);
    places.map(|(&term, index)| command_frame(at(term, index))).collect()
}

pub fn command_frame(position: Position) -> Vec<u8> {
    framed(position, position.to_string().as_bytes())
}

fn framed(position: Position, payload: &[u8]) -> Vec<u8> {
    let mut out = vec![0; payload.len() + frame::OVERHEAD_MAX];
    let len = frame::encode(position, EntryKind::Command, payload, &mut out).unwrap();
    out.truncate(len);
    out
}

pub fn positions(frames: &Frames<'_>) -> Vec<Position> {
    frames.iter().map(|entry| entry.position).collect()
}

/// One node, what it said, and what it was told to do.
pub struct Member {
    pub raft: Node,
    pub storage: Storage,
    pub ticket: Option<Ticket>,
    pub outbox: Vec<(NodeId, Vec<u8>)>,
    pub applied: Vec<(Position, Vec<u8>)>,
    pub events: Vec<Event>,
    pub story: Vec<Step>,
    pub wake_at: Instant,
    /// What has been written and synced.
    pub disk: Disk,
    writing: Option<Disk>,
    witness: Witness,
}

#[derive(Clone)]
pub struct Options {
    pub log_entries: u32,
    pub log_bytes: usize,
    pub max_command: u32,
    pub max_datagram: u32,
    pub window: u32,
    pub election_ms: u64,
    pub heartbeat_ms: u64,
    pub seed: u64,
    pub boot: u32,
    pub now: Instant,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            log_entries: 1_024,
            log_bytes: 128 * 1_024,
            max_command: 1_000,
            max_datagram: 1_200,
            window: 64 * 1_024,
            election_ms: 1_000,
            heartbeat_ms: 100,
            seed: 1,
            boot: 1,
            now: Instant::ORIGIN,
        }
    }
}

impl Member {
    pub fn new(number: u32, voters: &[NodeId], options: &Options) -> Self {
        Self::start(number, voters, options, Disk::default())
    }

    /// Starts a node from what its disk holds.
    pub fn start(number: u32, voters: &[NodeId], options: &Options, disk: Disk) -> Self {
        let mut config = Config::new(CLUSTER, id(number), voters);
        config.log_entries = options.log_entries;
        config.max_command = options.max_command;
        config.max_datagram = options.max_datagram;
        config.window = options.window;
        config.election_timeout = Duration::from_millis(options.election_ms);
        config.heartbeat = Duration::from_millis(options.heartbeat_ms);
        let mut loading = Loading::new::<7>(&config, vec![0; options.log_bytes]).unwrap();
        loading.reset(disk.base);
        for frame in &disk.frames {
            assert!(Sink::append(&mut loading, frame), "the disk's log does not fit");
        }
        let start = Start {
            hard_state: disk.hard,
            life: Life { incarnation: u64::from(number), boot: options.boot, nonce: options.boot },
            applied: Index::ZERO,
            seed: options.seed,
            now: options.now,
        };
        Self {
            raft: loading.start(start).unwrap(),
            storage: Storage::Instant,
            ticket: None,
            outbox: Vec::new(),
            applied: Vec::new(),
            events: Vec::new(),
            story: Vec::new(),
            wake_at: Instant::ORIGIN,
            disk,
            writing: None,
            witness: Witness::default(),
        }
    }

    pub fn check(&mut self) {
        if let Err(broken) = self.witness.observe(&self.raft) {
            panic!("{}: {broken}", self.raft.id());
        }
    }

    /// Does all that the node says, until it is idle.
    pub fn drain(&mut self, now: Instant) {
        let mut buf = [0; BUFFER];
        self.check();
        loop {
            match self.raft.poll_output(now, &mut buf) {
                Output::Transmit(t) => {
                    let read = wire::decode(t.datagram).unwrap();
                    let (message, entries) = (read.message, positions(&read.frames));
                    let len = t.datagram.len();
                    self.story.push(Step::Say { to: t.to, message, entries, len });
                    self.outbox.push((t.to, t.datagram.to_vec()));
                }
                Output::Persist(persist) => {
                    assert!(self.ticket.is_none(), "one ticket at a time");
                    let mut disk = self.disk.clone();
                    disk.write(&persist);
                    self.writing = Some(disk);
                    let (hard, entries) =
                        (persist.batch.hard_state, positions(&persist.batch.frames));
                    self.story.push(Step::Persist { hard, entries });
                    self.ticket = Some(persist.ticket);
                }
                Output::Event(event) => {
                    self.story.push(Step::Tell(event));
                    self.events.push(event);
                }
                Output::Apply(c) => {
                    self.story.push(Step::Apply(c.position, c.command.to_vec()));
                    self.applied.push((c.position, c.command.to_vec()));
                }
                Output::TransmitChunk(_) | Output::Install(_) => {
                    panic!("nobody takes snapshots here")
                }
                Output::Idle { wake_at } => {
                    self.wake_at = wake_at;
                    if self.storage == Storage::Waits || self.ticket.is_none() {
                        break;
                    }
                    self.persisted(now);
                }
            }
            self.check();
        }
    }

    pub fn persisted(&mut self, now: Instant) {
        if let Some(ticket) = self.ticket.take() {
            self.disk = self.writing.take().unwrap();
            self.story.push(Step::Durable);
            self.raft.handle_persisted(now, ticket).unwrap();
            self.check();
        }
    }

    pub fn persist_failed(&mut self, now: Instant, failure: PersistFailure) {
        let ticket = self.ticket.take().expect("nothing is being written");
        self.writing = None;
        self.raft.handle_persist_failed(now, ticket, failure).unwrap();
        self.check();
    }

    /// Takes a snapshot of all that is applied, wherever that is kept.
    #[track_caller]
    pub fn compact(&mut self, now: Instant) {
        let manifest = self.raft.snapshot_due().expect("something was applied since the last one");
        self.raft.handle_snapshot_taken(now, &manifest).unwrap();
        self.check();
    }

    /// The terms of the log's entries.
    pub fn terms(&self) -> Vec<u64> {
        let indexes = 1..=self.raft.last().index.0;
        indexes.filter_map(|index| Some(self.raft.entry(Index(index))?.position.term.0)).collect()
    }

    pub fn is_leader(&self) -> bool {
        self.raft.status().role == raft_nostd::Role::Leader
    }
}

/// A cluster whose datagrams arrive at once, unless a link is cut.
pub struct Net {
    pub now: Instant,
    pub members: Vec<Member>,
    /// Directed links that lose everything.
    pub cut: Vec<(NodeId, NodeId)>,
    /// Counts down: the datagrams from now on that are lost.
    pub lose: Vec<u64>,
    pub delivered: u64,
    pub options: Options,
}

impl Net {
    pub fn new(count: u32) -> Self {
        Self::with(count, &Options::default())
    }

    pub fn with(count: u32, options: &Options) -> Self {
        Self::of(options, vec![Disk::default(); count as usize])
    }

    /// A node for each disk.
    pub fn of(options: &Options, disks: Vec<Disk>) -> Self {
        let voters = ids(disks.len() as u32);
        let members = disks.into_iter().zip(1..);
        let members = members.map(|(disk, n)| Member::start(n, &voters, options, disk)).collect();
        let options = options.clone();
        Self { now: options.now, members, cut: Vec::new(), lose: Vec::new(), delivered: 0, options }
    }

    /// Ends a node's process, and starts it again from its disk.
    pub fn restart(&mut self, number: u32) {
        self.options.boot += 1;
        let options = Options { now: self.now, ..self.options.clone() };
        let disk = self.node(number).disk.clone();
        let voters = ids(self.members.len() as u32);
        *self.node(number) = Member::start(number, &voters, &options, disk);
    }

    pub fn node(&mut self, number: u32) -> &mut Member {
        &mut self.members[number as usize - 1]
    }

    pub fn isolate(&mut self, number: u32) {
        for other in ids(self.members.len() as u32) {
            self.cut.push((id(number), other));
            self.cut.push((other, id(number)));
        }
    }

    pub fn heal(&mut self) {
        self.cut.clear();
    }

    /// Delivers datagrams until nobody has anything to say.
    pub fn settle(&mut self) {
        for _ in 0..10_000 {
            let mut flying = Vec::new();
            for member in &mut self.members {
                member.drain(self.now);
                let from = member.raft.id();
                flying.extend(member.outbox.drain(..).map(|(to, bytes)| (from, to, bytes)));
            }
            if flying.is_empty() {
                return;
            }
            for (from, to, bytes) in flying {
                let lost = self.lose.contains(&0);
                self.lose.retain(|left| *left > 0);
                self.lose.iter_mut().for_each(|left| *left -= 1);
                if !lost && !self.cut.contains(&(from, to)) {
                    self.delivered += 1;
                    let now = self.now;
                    let _ = self.node(to.get()).raft.handle_datagram(now, &bytes);
                }
            }
        }
        panic!("the cluster does not come to rest");
    }

    /// Lets time pass to the next deadline of any node, and settles.
    pub fn step(&mut self) {
        let wake_at = self.members.iter().map(|m| m.wake_at).min().unwrap();
        self.now = self.now.max(wake_at);
        for member in &mut self.members {
            member.raft.handle_timeout(self.now);
        }
        self.settle();
    }

    /// Lets `millis` of virtual time pass.
    pub fn run(&mut self, millis: u64) {
        self.settle();
        let end = self.now.plus(raft_nostd::Duration::from_millis(millis));
        while self.members.iter().map(|m| m.wake_at).min().unwrap() < end {
            self.step();
        }
        self.now = end;
    }

    /// Makes one node campaign as soon as it may, before all others.
    pub fn stand(&mut self, number: u32) {
        self.settle();
        for _ in 0..10 {
            if self.node(number).is_leader() {
                return;
            }
            self.now = self.now.max(self.node(number).wake_at);
            let now = self.now;
            self.node(number).raft.handle_timeout(now);
            self.settle();
        }
        panic!("node {number} is not elected");
    }

    /// Runs until there is exactly one leader in the newest term, and returns its number.
    pub fn elect(&mut self) -> u32 {
        self.settle();
        for _ in 0..200 {
            if let Some(leader) = self.leader() {
                return leader;
            }
            self.step();
        }
        panic!("no leader is elected");
    }

    pub fn leader(&self) -> Option<u32> {
        let term = self.members.iter().map(|m| m.raft.term()).max()?;
        let leads =
            |m: &&Member| m.raft.term() == term && m.raft.status().role == raft_nostd::Role::Leader;
        self.members.iter().find(leads).map(|m| m.raft.id().get())
    }

    pub fn propose(&mut self, number: u32, command: &[u8]) -> Position {
        let now = self.now;
        self.node(number).raft.propose(now, command).unwrap()
    }
}
