//! The node under test and its shadow, which hears everything but what the node refuses: as long
//! as they say the same, a refused datagram has changed nothing.

use super::disk::{self, CLUSTER, Disk};
use super::promises::Promises;
use super::{ELECTION, HEARTBEAT, forge};
use raft_nostd::invariants::Witness;
use raft_nostd::journal::PersistFailure;
use raft_nostd::types::{HardState, Life, NodeId, Position};
use raft_nostd::vault::Origin;
use raft_nostd::wire::{self, Message, Verdict, Vote};
use raft_nostd::{
    Config, Event, Index, Instant, Loading, Manifest, Metrics, Output, Raft, Received, Refused,
    Start, Term, Ticket,
};
use std::collections::VecDeque;

pub type Node = Raft<Vec<u8>, 5>;
pub const DATAGRAM: usize = 400;
/// Outputs after which a node that is left alone must be idle.
const OUTPUTS: usize = 2_000;
/// Datagrams remembered in each direction.
const REMEMBERED: usize = 8;

/// How a batch fails to become durable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failing {
    Full,
    ForGood,
}

/// When batches become durable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Storage {
    /// Whenever the stream runs dry.
    Prompt,
    /// When the input says so.
    Slow,
}

pub struct Setup {
    voters: Vec<NodeId>,
    id: NodeId,
    log_entries: u32,
    spare_bytes: u32,
    term: Term,
    storage: Storage,
}

impl Setup {
    pub fn choose(shape: u8, more: u8) -> Self {
        let count = [3, 5, 3, 1][usize::from(shape & 3)];
        let voters: Vec<_> = (1..=count).filter_map(NodeId::new).collect();
        let term = match more >> 5 {
            0..=4 => 0,
            5 => 7,
            6 => 1 << 32,
            _ => u64::MAX - 3,
        };
        Self {
            id: voters[usize::from(more & 31) % voters.len()],
            voters,
            log_entries: [8, 16, 32, 8][usize::from(shape >> 2 & 3)],
            spare_bytes: [0, 20, 700, 4_000][usize::from(shape >> 4 & 3)],
            term: Term(term),
            storage: if shape >> 6 & 1 == 0 { Storage::Prompt } else { Storage::Slow },
        }
    }

    pub fn config(&self) -> Config<'_> {
        let mut config =
            Config::new(CLUSTER, self.id, &self.voters).with_max_datagram(DATAGRAM as u32);
        config.log_entries = self.log_entries;
        config.max_command = 48;
        config.election_timeout = ELECTION;
        config.heartbeat = HEARTBEAT;
        config.window = 300;
        config
    }

    pub fn loading(&self) -> Loading<'_, Vec<u8>> {
        let config = self.config();
        let least = self.log_entries * 16 + config.max_frame() * 3;
        let memory = vec![0xa5; (least + self.spare_bytes) as usize];
        Loading::new::<5>(&config, memory).expect("the configuration is right")
    }
}

/// An output that borrows nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Said {
    Transmit(NodeId, Vec<u8>),
    Persist(HardState, Position, Index, u64, Vec<u8>),
    Event(Event),
    Apply(Position, Vec<u8>),
    /// A chunk with a byte that stands for it.
    Chunk(NodeId, Vec<u8>),
    Install(Manifest),
    Idle(Instant),
}

pub struct Pair {
    setup: Setup,
    pub node: Node,
    pub shadow: Node,
    witness: Witness,
    promises: Promises,
    pub disk: Disk,
    tickets: Option<(Ticket, Ticket)>,
    pub now: Instant,
    wake_at: Instant,
    heard: VecDeque<Vec<u8>>,
    sent: VecDeque<Vec<u8>>,
    /// The newest snapshot on the medium that is made believe.
    pub snapshot: Option<Manifest>,
    pub installing: Option<Manifest>,
}

fn start(loading: Loading<'_, Vec<u8>>, hard_state: HardState, boot: u32, now: Instant) -> Node {
    let life = Life { incarnation: 1, boot, nonce: boot };
    let start = Start { hard_state, life, applied: Index::ZERO, seed: 1, now };
    loading.start(start).expect("nothing was applied")
}

impl Pair {
    pub fn start(setup: Setup) -> Self {
        let mut disk = Disk::new(&setup, setup.term);
        let now = Instant::ORIGIN;
        let (node, shadow) = Self::twins(&setup, &mut disk, now, None, None);
        let mut pair = Self {
            node,
            shadow,
            witness: Witness::default(),
            promises: Promises::default(),
            disk,
            setup,
            tickets: None,
            now,
            wake_at: now,
            heard: VecDeque::new(),
            sent: VecDeque::new(),
            snapshot: None,
            installing: None,
        };
        pair.check();
        pair
    }

    fn twins(
        setup: &Setup,
        disk: &mut Disk,
        now: Instant,
        before: Option<&Node>,
        snapshot: Option<&Manifest>,
    ) -> (Node, Node) {
        let (mut loading, recovered) = disk.open(setup);
        let mut twin = setup.loading();
        disk::copy_log(&loading, recovered.base, &mut twin);
        for log in [&mut loading, &mut twin] {
            let newest = snapshot.map(|snapshot| (Origin::Peer, snapshot));
            let attached = log.attach(recovered.hard_state.term, newest, None);
            attached.expect("journal and snapshot fit");
        }
        let (hard, boot) = (recovered.hard_state, recovered.boot);
        let node = start(loading, hard, boot, now);
        if let Some(before) = before {
            disk::check_kept(before, &node);
        }
        (node, start(twin, hard, boot, now))
    }

    /// Stops the node, keeps or loses what was not synced, and starts it again.
    pub fn restart(&mut self, choice: u8) {
        if choice & 1 == 0 {
            self.disk.medium.revert();
        }
        let (node, shadow) = Self::twins(
            &self.setup,
            &mut self.disk,
            self.now,
            Some(&self.node),
            self.snapshot.as_ref(),
        );
        self.installing = None;
        (self.node, self.shadow) = (node, shadow);
        (self.witness, self.promises) = (Witness::default(), Promises::default());
        self.tickets = None;
        self.check();
    }

    /// A datagram comes. The shadow hears it only if it is taken.
    pub fn hear(&mut self, bytes: &[u8]) {
        let before = *self.node.metrics();
        match self.node.handle_datagram(self.now, bytes) {
            Ok(received) => {
                let same = self.shadow.handle_datagram(self.now, bytes);
                let same = same.expect("the node took it");
                if let (Received::Chunk(ours), Received::Chunk(its)) = (received, same) {
                    self.store(ours, its);
                }
            }
            Err(reason) => {
                let count = self.node.metrics().refused(reason);
                assert_eq!(count, before.refused(reason) + 1, "a refusal is counted");
                // That bounds differ is told, too: the one thing that a refusal may have to say.
                if bytes.len() > DATAGRAM {
                    let same = self.shadow.handle_datagram(self.now, bytes).map(drop);
                    assert_eq!(same, Err(reason));
                }
            }
        }
        if self.heard.len() == REMEMBERED {
            self.heard.pop_front();
        }
        self.heard.push_back(bytes.to_vec());
        self.check();
    }

    /// One of the last datagrams comes again.
    pub fn hear_again(&mut self, which: u8) {
        if let Some(bytes) = self.heard.get(usize::from(which) % REMEMBERED).cloned() {
            self.hear(&bytes);
        }
    }

    /// A peer answers one of the node's last datagrams.
    pub fn answer(&mut self, which: u8, how: u8) {
        let back = usize::from(which) % REMEMBERED + 1;
        let asked = self.sent.len().checked_sub(back).and_then(|place| self.sent.get(place));
        if let Some(bytes) = asked.and_then(|asked| forge::answer(asked, how)) {
            self.hear(&bytes);
        }
    }

    pub fn timeout(&mut self, now: Instant) {
        self.node.handle_timeout(now);
        self.shadow.handle_timeout(now);
        self.check();
    }

    /// Lets time pass to the deadline the node has named, and drains.
    pub fn wake(&mut self) {
        if self.wake_at < super::LATEST {
            self.now = self.now.max(self.wake_at);
        }
        self.timeout(self.now);
        self.drain();
    }

    pub fn propose(&mut self, len: u8) {
        let command = vec![len; usize::from(len) % 52];
        let taken = self.node.propose(self.now, &command);
        assert_eq!(taken, self.shadow.propose(self.now, &command));
        if let Ok(at) = taken {
            self.promises.proposed(at);
            assert_eq!(self.node.last(), at);
        }
        self.check();
    }

    pub fn read(&mut self) {
        let commit = self.node.commit();
        let taken = self.node.read(self.now);
        assert_eq!(taken, self.shadow.read(self.now));
        if let Ok(read) = taken {
            self.promises.asked(read, commit);
        }
        self.check();
    }

    /// The batch that is out is durable, or does not fit.
    pub fn persisted(&mut self) {
        if !self.disk.sync() {
            return self.persist_fails(Failing::Full);
        }
        if let Some((ours, its)) = self.tickets.take() {
            self.node.handle_persisted(self.now, ours).expect("it is this node's");
            self.shadow.handle_persisted(self.now, its).expect("it is this node's");
        }
        self.check();
    }

    pub fn persist_fails(&mut self, how: Failing) {
        let failure = match how {
            Failing::Full => PersistFailure::Full,
            Failing::ForGood => PersistFailure::Failed,
        };
        if let Some((ours, its)) = self.tickets.take() {
            let taken = self.node.handle_persist_failed(self.now, ours, failure);
            assert_eq!(taken, self.shadow.handle_persist_failed(self.now, its, failure));
            taken.expect("it is this node's");
        }
        self.check();
    }

    /// A ticket of another run of this very node comes back. The shadow does not see it.
    pub fn strange_ticket(&mut self) {
        let voters = [self.node.id()];
        let config = Config::new(CLUSTER, voters[0], &voters);
        let memory = vec![0; config.log_bytes(0) as usize];
        let loading = Loading::new::<5>(&config, memory).expect("the configuration is right");
        let mut other = start(loading, HardState::default(), u32::MAX, Instant::ORIGIN);
        other.handle_timeout(Instant::NEVER);
        let mut buf = [0; DATAGRAM];
        loop {
            match other.poll_output(Instant::NEVER, &mut buf) {
                Output::Persist(persist) => {
                    let taken = self.node.handle_persisted(self.now, persist.ticket);
                    assert!(taken.is_err(), "a ticket of another run is taken");
                    return self.check();
                }
                Output::Idle { .. } => unreachable!("a single voter stands at once"),
                _ => {}
            }
        }
    }

    /// Takes one output, with a buffer of `room` bytes for a datagram.
    pub fn poll(&mut self, room: usize) {
        let said = self.take(room);
        if let Said::Idle(wake_at) = said {
            self.wake_at = wake_at;
            assert_eq!(self.take(room), said, "idle stays idle");
            self.promises.idle(&self.node);
        }
    }

    /// Does all that the node wants done, until it is idle.
    pub fn drain(&mut self) {
        for _ in 0..OUTPUTS {
            if let Said::Idle(wake_at) = self.take(usize::MAX) {
                self.wake_at = wake_at;
                if self.setup.storage == Storage::Slow || self.tickets.is_none() {
                    return self.promises.idle(&self.node);
                }
                self.persisted();
            }
        }
        panic!("the node never comes to rest");
    }

    /// At the end: nothing is due for ever.
    pub fn settle(&mut self) {
        self.drain();
        for _ in 0..8 {
            if self.wake_at > self.now {
                return;
            }
            self.timeout(self.now);
            self.drain();
        }
        panic!("idle until {:?}, and it is {:?}", self.wake_at, self.now);
    }

    fn take(&mut self, room: usize) -> Said {
        let room = room.min(DATAGRAM);
        let (mut ours, mut its) = ([0; DATAGRAM], [0; DATAGRAM]);
        let output = self.node.poll_output(self.now, &mut ours[..room]);
        if let Output::Persist(persist) = &output {
            assert!(self.tickets.is_none(), "one ticket is out at a time");
            self.disk.write(&persist.batch);
        }
        let (said, ticket) = owned(output);
        let (same, twin) = owned(self.shadow.poll_output(self.now, &mut its[..room]));
        assert_eq!(said, same, "who was refused has changed something");
        if let (Some(ours), Some(its)) = (ticket, twin) {
            self.tickets = Some((ours, its));
        }
        self.judge(&said);
        self.check();
        said
    }

    fn judge(&mut self, said: &Said) {
        match said {
            Said::Transmit(to, bytes) => self.judge_datagram(*to, bytes),
            Said::Event(event) => self.promises.told(*event, &self.node),
            Said::Apply(at, command) => {
                assert_eq!(self.node.applied(), at.index, "in order");
                let entry = self.node.entry(at.index).expect("it is held");
                assert_eq!((entry.position, entry.payload), (*at, &command[..]));
                self.promises.applied(*at);
            }
            Said::Chunk(to, bytes) => {
                assert_eq!(self.node.snapshot(), self.snapshot.as_ref());
                if !bytes.is_empty() {
                    self.judge_datagram(*to, bytes);
                }
            }
            Said::Install(manifest) => self.installing = Some(*manifest),
            Said::Persist(hard, ..) => assert_eq!(*hard, self.node.hard_state()),
            Said::Idle(_) => {}
        }
    }

    /// Nothing is said that is not durable, nor of anybody else's.
    fn judge_datagram(&mut self, to: NodeId, bytes: &[u8]) {
        let node = &self.node;
        assert_eq!(node.halted(), None, "a halted node speaks");
        let datagram = wire::decode(bytes).expect("what a node says decodes");
        assert_eq!((datagram.envelope.sender, datagram.envelope.receiver), (node.id(), to));
        assert!(node.peers().any(|peer| peer == to));
        let durable = node.durable_hard_state();
        assert_eq!(datagram.message.term(), durable.term, "the term is not durable");
        match datagram.message {
            Message::VoteReply { vote: Vote::Granted, .. } => assert_eq!(durable.vote, Some(to)),
            Message::VoteRequest { last, .. } => {
                assert_eq!(durable.vote, Some(node.id()));
                assert!(last.index <= node.durable());
            }
            Message::AppendReply(reply) => {
                if let Verdict::Matched { durable, received } = reply.verdict {
                    assert!(durable <= node.durable() && durable <= received);
                    assert!(received <= node.last().index);
                }
            }
            Message::Append(append) => {
                assert!(append.commit <= node.commit());
                for entry in &datagram.frames {
                    let ours = node.entry(entry.position.index).expect("it is held");
                    assert_eq!(ours.frame, entry.frame);
                }
            }
            _ => {}
        }
        if self.sent.len() == REMEMBERED {
            self.sent.pop_front();
        }
        self.sent.push_back(bytes.to_vec());
    }

    /// The invariants hold, and the shadow is the same.
    pub fn check(&mut self) {
        if let Err(broken) = self.witness.observe(&self.node) {
            panic!("{broken}");
        }
        let (ours, its) = (view(&self.node), view(&self.shadow));
        assert_eq!(ours, its, "who was refused has changed something");
    }
}

fn owned(output: Output<'_>) -> (Said, Option<Ticket>) {
    match output {
        Output::Transmit(transmit) => {
            (Said::Transmit(transmit.to, transmit.datagram.to_vec()), None)
        }
        Output::Persist(persist) => {
            let batch = &persist.batch;
            let (first, count) = (batch.frames.first(), batch.frames.count());
            let said = Said::Persist(
                batch.hard_state,
                batch.base,
                first,
                count,
                batch.frames.slices().concat(),
            );
            (said, Some(persist.ticket))
        }
        Output::TransmitChunk(mut transmit) => {
            let stand_in = transmit.body().first_mut().map(|byte| *byte = 7);
            let len = usize::from(stand_in.is_some());
            let to = transmit.to;
            // What does not fit into a short buffer is lost.
            let bytes = transmit.seal(len).map_or(Vec::new(), |whole| whole.datagram.to_vec());
            (Said::Chunk(to, bytes), None)
        }
        Output::Install(manifest) => (Said::Install(manifest), None),
        Output::Event(event) => (Said::Event(event), None),
        Output::Apply(committed) => {
            (Said::Apply(committed.position, committed.command.to_vec()), None)
        }
        Output::Idle { wake_at } => (Said::Idle(wake_at), None),
    }
}

/// Everything that can be seen of a node, but what it has refused.
fn view(node: &Node) -> impl PartialEq + std::fmt::Debug {
    let metrics = Metrics { refused: [0; Refused::COUNT], ..*node.metrics() };
    let matched: Vec<_> = node.peers().map(|peer| node.matched(peer)).collect();
    (
        (node.status(), node.hard_state(), node.durable_hard_state()),
        (node.last(), node.durable(), node.commit(), node.applied()),
        (node.room(), node.halted(), matched, metrics),
    )
}
