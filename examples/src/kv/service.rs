//! The service on the node's loop: accepts clients, serves them, tells them what became of what
//! they asked.

use super::client::{After, Client};
use super::desk::{Desk, Shared, elsewhere};
use super::discarded::Left;
use super::encoding::{Command, encode};
use super::machine::{Machine, Response};
use super::reply::{self, Reply};
use super::saves::{News, Way};
use super::say::Voice;
use super::waiting::Waiter;
use adapter_mio::{FIRST_TOKEN, Node, Service};
use mio::event::Event as Readiness;
use mio::net::{TcpListener, TcpStream, UnixStream};
use mio::{Interest, Token};
use raft_nostd::journal::Medium;
use raft_nostd::{Duration, Event, Instant, Position, ReadId, Role, Status};
use std::collections::BTreeMap;
use std::io::{self, ErrorKind, Read, Write};

const LISTENER: usize = FIRST_TOKEN;
const SIGNALS: usize = FIRST_TOKEN + 1;
const FIRST_CLIENT: usize = FIRST_TOKEN + 2;
/// Bytes read from one client in one turn.
const READ_BYTES: usize = 64 << 10;
/// Connections taken in one turn.
const ACCEPTS: u32 = 64;
/// Keys let go in one turn that nobody needs any more: less than a millisecond.
const LET_GO: usize = 512;
/// How long to wait when the operating system has no connection to give.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Whether clients wait to be accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Door {
    /// None.
    Quiet,
    /// Perhaps some: look.
    Knock,
    /// Perhaps some, but the operating system had no connection to give: look at this time.
    Stuck(Instant),
}

/// Whether the service goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// It does.
    Open,
    /// It ends with this turn, for this reason.
    Ending(&'static str),
}

/// The service.
#[derive(Debug)]
pub struct Kv {
    listener: TcpListener,
    /// A byte for each signal to stop.
    signals: UnixStream,
    voice: Voice,
    clients_max: usize,
    shared: Shared,
    clients: BTreeMap<usize, Client>,
    next_client: usize,
    /// Clients to be served when the turn ends. A client may be in it twice.
    touched: Vec<usize>,
    door: Door,
    phase: Phase,
    told: Option<Status>,
    /// Of what the state has no use for any more.
    left: Left,
    scratch: Box<[u8]>,
}

impl Kv {
    /// A service on a listener; a byte on `signals` stops it.
    pub fn new(
        listener: TcpListener,
        signals: UnixStream,
        shared: Shared,
        clients_max: usize,
        voice: Voice,
    ) -> Self {
        Self {
            listener,
            signals,
            voice,
            clients_max,
            shared,
            clients: BTreeMap::new(),
            next_client: FIRST_CLIENT,
            touched: Vec::new(),
            door: Door::Quiet,
            phase: Phase::Open,
            told: None,
            left: Left::Nothing,
            scratch: vec![0; READ_BYTES].into_boxed_slice(),
        }
    }

    /// Answers everybody who waits, at the end, and hears nobody any more. What was proposed may
    /// yet come to be.
    fn dismiss(&mut self, why: &str) {
        for client in self.clients.values_mut() {
            client.session().close();
        }
        while let Some(waiter) = self.shared.waiting.next_late_write(Instant::NEVER) {
            self.shared.counts.unknown += 1;
            self.fill(waiter, reply::unknown(why));
        }
        while let Some(waiter) = self.shared.waiting.next_late_read(Instant::NEVER) {
            self.fill(waiter, reply::error(format!("CLUSTERDOWN {why}")));
        }
    }

    fn fill(&mut self, waiter: Waiter, reply: Reply) {
        if let Some(client) = self.clients.get_mut(&waiter.client) {
            client.session().fill(waiter.slot, reply);
            self.touched.push(waiter.client);
        }
    }

    fn reads_ready(&mut self, through: ReadId) {
        while let Some(waiter) = self.shared.waiting.next_read(through.get()) {
            if let Some(client) = self.clients.get_mut(&waiter.client) {
                client.session().confirm(waiter.slot);
                self.touched.push(waiter.client);
            }
        }
    }

    fn reads_lost<D: Medium>(&mut self, node: &Node<Machine, D>, through: ReadId) {
        while let Some(waiter) = self.shared.waiting.next_read(through.get()) {
            self.shared.counts.reads_lost += 1;
            self.fill(waiter, elsewhere(node));
        }
    }

    /// Ends the waiting of those who waited too long.
    fn lose_patience(&mut self, now: Instant) {
        while let Some(waiter) = self.shared.waiting.next_late_write(now) {
            self.shared.counts.unknown += 1;
            self.fill(waiter, reply::unknown("nobody told in time"));
        }
        while let Some(waiter) = self.shared.waiting.next_late_read(now) {
            self.shared.counts.reads_lost += 1;
            self.fill(waiter, reply::read_too_late());
        }
    }

    fn accept<D: Medium>(&mut self, node: &Node<Machine, D>) {
        match self.door {
            Door::Quiet => return,
            Door::Stuck(at) if node.now() < at => return,
            Door::Stuck(_) | Door::Knock => {}
        }
        for _ in 0..ACCEPTS {
            match self.listener.accept() {
                Ok((stream, _)) => {
                    self.door = Door::Knock;
                    self.admit(stream, node);
                }
                Err(error) => match error.kind() {
                    ErrorKind::WouldBlock => return self.door = Door::Quiet,
                    ErrorKind::Interrupted | ErrorKind::ConnectionAborted => {}
                    _ => return self.shut_door(&error, node.now()),
                },
            }
        }
    }

    /// No file descriptors or memory left: clients wait in the kernel meanwhile.
    fn shut_door(&mut self, error: &io::Error, now: Instant) {
        if !matches!(self.door, Door::Stuck(_)) {
            self.voice.say(format_args!("cannot accept a client: {error}"));
        }
        self.door = Door::Stuck(now.plus(ACCEPT_PAUSE));
    }

    fn admit<D: Medium>(&mut self, mut stream: TcpStream, node: &Node<Machine, D>) {
        if self.clients.len() >= self.clients_max {
            self.shared.counts.rejected += 1;
            // As much as the new socket takes; it takes this.
            let _ = stream.write(b"-ERR max number of clients reached\r\n");
            return;
        }
        let token = self.next_client;
        self.next_client += 1;
        match Client::new(stream, token, node.registry()) {
            Ok(client) => {
                self.shared.counts.accepted += 1;
                self.clients.insert(token, client);
                self.touched.push(token);
            }
            Err(error) => self.voice.say(format_args!("cannot serve a client: {error}")),
        }
    }

    /// Serves everybody in `touched`; who has more to say stays in it for the next turn.
    fn serve_touched<D: Medium>(&mut self, node: &mut Node<Machine, D>) {
        let mut touched = std::mem::take(&mut self.touched);
        touched.sort_unstable();
        touched.dedup();
        self.shared.counts.clients = self.clients.len();
        touched.retain(|token| {
            let Some(client) = self.clients.get_mut(token) else { return false };
            let mut desk = Desk { node, shared: &mut self.shared, client: *token };
            let after = client.serve(&mut self.scratch, &mut desk);
            self.shared.counts.commands += client.session().take_count();
            if after == After::Gone {
                self.clients.remove(token);
            }
            after == After::Again
        });
        self.touched.append(&mut touched);
    }

    fn announce<D: Medium>(&mut self, node: &mut Node<Machine, D>) {
        let Shared { announcer, names, .. } = &mut self.shared;
        announcer.run(node.now(), || {
            let id = node.raft().id().get();
            node.propose(&encode(&Command::Announce { node: id, address: &names.announce }))
        });
    }

    fn tell_status(&mut self, status: Status) {
        if self.told == Some(status) {
            return;
        }
        self.told = Some(status);
        let Status { role, term, leader } = status;
        match leader {
            Some(leader) => {
                self.voice.say(format_args!("term {term}: {role}, node {leader} leads"))
            }
            None => self.voice.say(format_args!("term {term}: {role}, no leader")),
        }
    }

    /// Tells of a snapshot that could not be read. No event does.
    fn look_at_snapshots<D: Medium>(&mut self, node: &Node<Machine, D>) {
        let Shared { saves, snapshots, .. } = &mut self.shared;
        if let Some(found) = node.snapshot_unreadable() {
            saves.look(self.voice, node.now(), found, snapshots);
        }
    }

    fn stop<D: Medium>(&mut self, node: &mut Node<Machine, D>) {
        let mut bytes = [0; 16];
        if !matches!(self.signals.read(&mut bytes), Ok(1..)) {
            return;
        }
        self.voice.say(format_args!("asked to stop"));
        self.phase = Phase::Ending("the node stops");
        node.stop();
    }
}

impl<D: Medium> Service<D> for Kv {
    type Machine = Machine;

    fn start(&mut self, node: &mut Node<Machine, D>) -> io::Result<()> {
        let registry = node.registry();
        registry.register(&mut self.listener, Token(LISTENER), Interest::READABLE)?;
        registry.register(&mut self.signals, Token(SIGNALS), Interest::READABLE)?;
        // What came before the registration is not told.
        self.door = Door::Knock;
        self.stop(node);
        Ok(())
    }

    fn ready(&mut self, node: &mut Node<Machine, D>, readiness: &Readiness) {
        match readiness.token() {
            Token(LISTENER) if self.door == Door::Quiet => self.door = Door::Knock,
            Token(LISTENER) => {}
            Token(SIGNALS) => self.stop(node),
            Token(token) => {
                if let Some(client) = self.clients.get_mut(&token) {
                    client.ready(readiness);
                    self.touched.push(token);
                }
            }
        }
    }

    fn applied(&mut self, _: &mut Node<Machine, D>, position: Position, response: Response) {
        self.shared.announcer.applied(position);
        if let Some(waiter) = self.shared.waiting.applied(position) {
            self.fill(waiter, reply::from_response(response));
        }
    }

    fn event(&mut self, node: &mut Node<Machine, D>, event: Event) {
        // What could not be read comes before what replaces it.
        self.look_at_snapshots(node);
        self.shared.announcer.event(&event, node.now());
        match event {
            Event::Status(status) => self.tell_status(status),
            Event::ReadReady(through) => self.reads_ready(through),
            Event::ReadsLost(through) => self.reads_lost(node, through),
            Event::ProposalsLost(range) => {
                while let Some(waiter) = self.shared.waiting.next_of(range) {
                    self.shared.counts.lost += 1;
                    self.fill(waiter, reply::lost());
                }
            }
            Event::ProposalsUnknown(range) => {
                while let Some(waiter) = self.shared.waiting.next_of(range) {
                    self.shared.counts.unknown += 1;
                    self.fill(waiter, reply::unknown("this node cannot find out"));
                }
            }
            Event::LogFull(full) => {
                let way = match node.raft().status().role {
                    Role::Leader => "",
                    _ => ", and others have room: makes way for one of them",
                };
                let full = raft_nostd::ProposeError::LogFull(full);
                self.voice.say(format_args!("{full}{way}"));
            }
            Event::CapacityDiffers { leader } => self.voice.say(format_args!(
                "the log or datagram bounds of this node and of node {leader} differ"
            )),
            Event::FollowerLost { peer } => self.voice.say(format_args!(
                "node {peer} has lost what it had acknowledged: its disk is another one, or was wiped"
            )),
            Event::StorageFull => {
                let why = node.storage_error().unwrap_or("no space");
                self.voice.say(format_args!("the journal cannot grow: {why}"));
                self.shared.journal_failure = Some(why.to_owned());
            }
            Event::SnapshotTaken(_) | Event::SnapshotInstalled(_) | Event::SnapshotFailed(_) => {
                let raft = node.raft();
                let incoming = raft.incoming_snapshot().map(|(manifest, ..)| *manifest);
                let news = News {
                    changes: node.machine().changes_written(),
                    bytes: raft.snapshot().map_or(0, |newest| newest.bytes),
                    why: node.snapshot_error(),
                    declined: incoming.zip(raft.incoming_failure()),
                };
                self.shared.saves.event(self.voice, node.now(), &event, news);
            }
            Event::StorageRecovered => {
                self.shared.journal_failure = None;
                self.voice.say(format_args!("the journal can grow again"));
            }
            Event::Halted(_) => self.phase = Phase::Ending("the node has halted"),
            _ => {}
        }
    }

    fn wake_at(&self) -> Option<Instant> {
        if !self.touched.is_empty() || self.left == Left::Something {
            return Some(Instant::ORIGIN);
        }
        let door = match self.door {
            Door::Quiet => None,
            Door::Knock => Some(Instant::ORIGIN),
            Door::Stuck(at) => Some(at),
        };
        let Shared { waiting, announcer, .. } = &self.shared;
        let report = self.shared.saves.wake_at();
        [door, waiting.deadline(), announcer.wake_at(), report].into_iter().flatten().min()
    }

    fn turn_ends(&mut self, node: &mut Node<Machine, D>) {
        if let Phase::Ending(why) = self.phase {
            self.dismiss(why);
            self.touched.extend(self.clients.keys());
            return self.serve_touched(node);
        }
        self.accept(node);
        self.lose_patience(node.now());
        self.serve_touched(node);
        self.announce(node);
        self.left = node.machine().tidy(LET_GO);
        self.look_at_snapshots(node);
        let Shared { saves, .. } = &mut self.shared;
        saves.look_at_sends(self.voice, node.now(), node.raft());
        let way = Way::of(node.raft(), node.snapshot_work(), saves.sends());
        saves.report(self.voice, node.now(), way);
    }
}
