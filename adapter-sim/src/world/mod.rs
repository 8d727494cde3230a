//! The cluster, its clients, its network, and time.

pub mod client;
mod mischief;
pub mod network;
pub mod tally;

use crate::judge::disk::Core;
use crate::judge::{Judge, hash};
use crate::place::host::Deeds;
use crate::place::{JOURNAL, Place, SNAPSHOTS};
use crate::random::Random;
use crate::swarm::{Faults, MAX_COMMAND, Swarm};
use crate::world::client::Clients;
use crate::world::network::Network;
use crate::world::tally::Tally;
use raft_nostd::wire::Message;
use raft_nostd::{Duration, Halt, Instant, LogFull, NodeId, ProposeError, Role, frame, wire};

pub struct World {
    pub random: Random,
    pub swarm: Swarm,
    pub voters: Vec<NodeId>,
    pub places: Vec<Place>,
    pub network: Network,
    pub now: Instant,
    pub judge: Judge,
    pub clients: Clients,
    pub tally: Tally,
    /// A hash over everything that was delivered.
    pub trace: u64,
    /// A leader refused a proposal because the log is full for good.
    full: bool,
    buf: Vec<u8>,
}

impl World {
    pub fn new(mut random: Random, swarm: Swarm) -> Self {
        let voters: Vec<_> = (1..=swarm.nodes).map(|id| NodeId::new(id).unwrap()).collect();
        let places = voters.iter().map(|id| Place::new(*id, &swarm, &mut random)).collect();
        let mut world = Self {
            places,
            network: Network::new(voters.len()),
            judge: Judge::new(voters.len(), swarm.snapshots.size),
            buf: vec![0; swarm.datagram as usize],
            random,
            swarm,
            voters,
            now: Instant::ORIGIN,
            clients: Clients::default(),
            tally: Tally::default(),
            trace: 0,
            full: false,
        };
        for at in 0..world.places.len() {
            world.start(at);
        }
        world
    }

    /// Everything goes wrong, for a while or until the logs are full.
    pub fn run_with_faults(&mut self) {
        let end = self.now.plus(self.swarm.span);
        while self.now < end && !self.all_are_full() {
            self.mischief();
            self.client_asks();
            let pause = self.random.tenths(self.swarm.election, 6);
            self.pass(self.now.plus(pause));
        }
    }

    /// Whether every node has room for snapshots: then nothing may ever be full for good.
    fn all_compact(&self) -> bool {
        self.places.iter().all(|place| place.compacts)
    }

    /// Everything works again: within twenty election timeouts, by the slowest clock, there is a
    /// leader that commits, answers a read, and brings everybody to the same log.
    pub fn heal_and_converge(&mut self) {
        self.heal();
        let patience = self.swarm.election.times(20 * 1_000 / (1_000 - self.swarm.drift));
        // So many that small logs must be compacted for it.
        let more =
            10 + if self.all_compact() { u64::from(self.swarm.log_entries.min(30)) } else { 0 };
        let goal = (self.clients.applied + more, self.clients.reads_answered + 1);
        self.full = false;
        let mut reached = false;
        // A few times over: a log that is all but full may make elections fail.
        for _ in 0..3 {
            reached = reached
                || self.pass_until(patience, |world| {
                    world.client_asks();
                    let full = world.full && !world.all_compact();
                    let applied = full || world.clients.applied >= goal.0;
                    applied && world.clients.reads_answered >= goal.1
                });
        }
        if reached {
            let rests = self.pass_until(patience, |world| world.is_at_rest());
            // (A datagram from before may have deposed the leader, and nobody can succeed it.)
            let justified = rests || self.is_exhausted() || self.somebody_is_stuck();
            assert!(justified, "the nodes do not come to rest: {}", self.sketch());
            self.tally.full_for_good += u64::from(rests && self.full);
        } else {
            let justified = self.is_exhausted() || self.somebody_is_stuck();
            assert!(justified, "no progress after healing: {}", self.sketch());
            self.tally.exhausted += 1;
        }
        self.clients.nothing_lost_was_applied(&self.judge);
        self.tally.virtual_millis += self.now.as_micros() / 1_000;
        self.tally.elections = self.judge.elections();
        self.tally.truncations = self.judge.truncations;
        self.tally.applied = self.clients.applied;
        self.tally.proposals_lost = self.clients.lost_count;
        self.tally.reads = self.clients.reads_answered;
    }

    fn heal(&mut self) {
        self.swarm.faults = Faults::default();
        self.swarm.appetite = u64::MAX;
        self.network.heal();
        for at in 0..self.places.len() {
            let place = &mut self.places[at];
            place.paused_until = self.now;
            place.repair();
            if place.raft().is_some_and(|raft| raft.halted().is_some()) {
                self.crash(at);
            }
            if self.places[at].node.is_none() {
                self.start(at);
            }
        }
    }

    /// Whether nobody leads, and a log is so full that perhaps nobody can: it takes an entry to open
    /// a term.
    fn is_exhausted(&self) -> bool {
        if self.all_compact() {
            return false;
        }
        let rafts = || self.places.iter().filter_map(Place::raft);
        let leads = |raft: &Core| raft.status().role == Role::Leader;
        let full = |raft: &Core| {
            raft.room().entries == 0 || raft.room().bytes < frame::OVERHEAD_MAX as u32
        };
        !rafts().any(leads) && rafts().any(full)
    }

    /// Whether a node without room for snapshots has no room either for what others go on with, or
    /// needs a snapshot.
    fn somebody_is_stuck(&self) -> bool {
        let rafts = || self.places.iter().filter_map(Place::raft);
        let base = rafts().map(|raft| raft.base().index).max().unwrap_or_default();
        let stuck = |place: &Place| {
            !place.compacts
                && place.raft().is_some_and(|raft| {
                    let (room, all) = (raft.room(), raft.capacity());
                    room.entries == 0 || room.bytes < all.bytes / 8 || raft.commit() < base
                })
        };
        self.places.iter().any(stuck)
    }

    fn all_are_full(&self) -> bool {
        self.places.iter().all(|place| place.raft().is_some_and(|raft| raft.room().entries == 0))
    }

    /// Whether all nodes have the same log and have applied all of it, and no client waits.
    fn is_at_rest(&self) -> bool {
        let mut rafts = self.places.iter().map(|place| place.raft().expect("all run"));
        let last = rafts.next().expect("there are nodes").last();
        let same = |raft: &Core| raft.last() == last && raft.applied() == last.index;
        self.places.iter().filter_map(Place::raft).all(same) && self.clients.nothing_is_open()
    }

    /// The nodes in a few words, for a failure.
    fn sketch(&self) -> String {
        let node = |raft: &Core| {
            format!(
                "{}: {:?} last {} durable {} commit {} applied {} room {:?}\n",
                raft.id(),
                raft.status(),
                raft.last(),
                raft.durable(),
                raft.commit(),
                raft.applied(),
                raft.room()
            )
        };
        let nodes: String = self.places.iter().filter_map(Place::raft).map(node).collect();
        format!("open {:?}, {:?}\n{nodes}", self.clients.open(), self.swarm)
    }

    /// Lets time pass until `done`, asked a few times in each election timeout, but not longer than
    /// `patience`.
    fn pass_until(&mut self, patience: Duration, done: impl Fn(&mut Self) -> bool) -> bool {
        let end = self.now.plus(patience);
        while self.now < end {
            if done(self) {
                return true;
            }
            let pause = self.random.tenths(self.swarm.election, 6);
            self.pass(self.now.plus(pause));
        }
        done(self)
    }

    fn client_asks(&mut self) {
        let at = self.somebody();
        let most = if self.random.in_a_thousand(self.swarm.faults.burst) { 24 } else { 4 };
        if self.random.below(6) < 5 {
            self.propose(at, most);
        }
        let place = &mut self.places[at];
        let local = place.clock.reading(self.now);
        let Some(node) = &mut place.node else { return };
        if let Ok(read) = node.read(local) {
            self.clients.asked(place.id, read, &self.judge);
        }
        self.act(at);
    }

    /// Up to `most` commands for a node; perhaps it crashes as soon as it has taken them.
    pub fn propose(&mut self, at: usize, most: u64) {
        let place = &mut self.places[at];
        let local = place.clock.reading(self.now);
        let Some(node) = &mut place.node else { return };
        let mut taken = 0;
        for _ in 0..self.random.below(most) {
            if node.raft().last().index.0 >= self.swarm.appetite {
                break;
            }
            let mut command = self.random.bits().to_le_bytes().to_vec();
            let most = if self.random.one_in(8) { MAX_COMMAND } else { 40 };
            command.resize(8 + self.random.below(u64::from(most) - 7) as usize, 1);
            match node.propose(local, &command) {
                Ok(position) => {
                    taken += 1;
                    self.clients.proposed(place.id, position, command);
                }
                Err(ProposeError::LogFull(LogFull::Capacity)) => self.full = true,
                Err(_) => {}
            }
        }
        self.act(at);
        if taken > 0 && self.random.in_a_thousand(self.swarm.faults.crash_proposer) {
            self.crash(at);
        }
    }

    /// Lets time pass until `end`.
    fn pass(&mut self, end: Instant) {
        while self.now < end {
            self.advance(end);
        }
    }

    /// Goes on to the next datagram, deadline or storage, no further than `limit`.
    fn advance(&mut self, limit: Instant) {
        let arrival = self.network.next_at();
        let due = |at: &usize| {
            let place = &self.places[*at];
            let [journal, snapshots] = place.storage_at;
            let first = place.wake_at.min(journal).min(snapshots);
            if place.node.is_some() { first.max(place.paused_until) } else { Instant::NEVER }
        };
        let at = (0..self.places.len()).min_by_key(due).expect("there are nodes");
        let deadline = due(&at);
        if limit < arrival.min(deadline) {
            self.now = self.now.max(limit);
            return;
        }
        self.now = self.now.max(arrival.min(deadline));
        if arrival < deadline || (arrival == deadline && self.random.below(2) == 0) {
            self.deliver();
            return;
        }
        let place = &mut self.places[at];
        if let Some(storage) = (0..2).find(|storage| place.storage_at[*storage] <= self.now) {
            place.storage_at[storage] = Instant::NEVER;
            place.work(storage, self.now);
            self.tally.deferred_syncs += u64::from(storage == JOURNAL);
        } else if let Some(node) = &mut place.node {
            node.timeout(place.clock.reading(self.now));
        }
        self.act(at);
    }

    fn deliver(&mut self) {
        let Some(datagram) = self.network.next() else { return };
        let place = &mut self.places[datagram.to];
        if place.paused_until > self.now {
            let until = place.paused_until;
            self.network.hold(datagram, until);
            return;
        }
        let Some(node) = &mut place.node else { return };
        self.trace = hash(&datagram.bytes) ^ self.trace.rotate_left(5);
        self.tally.delivered += 1;
        let local = place.clock.reading(self.now);
        let taken = node.datagram(local, &datagram.bytes);
        if let (Ok(()), Ok(said)) = (taken, wire::decode(&datagram.bytes)) {
            self.judge.taken(datagram.to, node.raft(), &said);
        }
        if self.random.one_in(30) {
            node.timeout(local); // Early, mostly, and then nothing may come of it.
        }
        self.act(datagram.to);
    }

    /// Lets a node do what it wants to do.
    pub fn act(&mut self, at: usize) {
        if self.places[at].paused_until <= self.now {
            let most = self.random.among(&[1, 3, 1_000, 1_000, 1_000]);
            let place = &mut self.places[at];
            if self.random.one_in(8) {
                place.check(); // Always after it acted, and sometimes before.
            }
            if let Some(raft) = place.raft() {
                self.judge.glance_at(at, raft);
            }
            place.drain(self.now, &mut self.buf, most);
            self.after(at);
        }
    }

    /// Looks at what a node did, and lets its datagrams fly.
    fn after(&mut self, at: usize) {
        let place = &mut self.places[at];
        let Some(node) = &mut place.node else { return };
        let (id, halted, deeds) = (place.id, node.raft().halted(), node.around().take_deeds());
        assert!(matches!(halted, None | Some(Halt::StorageFailed)), "{id}: {halted:?}");
        let machine = &node.around().machine;
        let state = if deeds.steps.is_empty() { None } else { Some(machine.state.clone()) };
        let elections = self.judge.elections();
        self.judge.look_at(&self.places, at, &deeds, state.as_ref());
        let gained = self.count_snapshots(at, &deeds);
        self.clients.hear(id, &deeds);
        self.overhear(at, &deeds);
        if self.judge.elections() > elections && self.random.in_a_thousand(self.swarm.faults.ambush)
        {
            self.ambush(at);
        }
        if gained && self.random.in_a_thousand(self.swarm.faults.waylay) {
            self.waylay(at);
        }
        self.set_storage_to_work(at);
        for (to, bytes) in deeds.datagrams {
            self.launch(at, to.get() as usize - 1, bytes);
        }
    }

    fn overhear(&mut self, at: usize, deeds: &Deeds) {
        let place = &self.places[at];
        for (_, bytes) in &deeds.datagrams {
            let said = wire::decode(bytes).expect("nodes say what decodes");
            self.judge.ledger.overhear(at, place, &said);
        }
    }

    fn set_storage_to_work(&mut self, at: usize) {
        let place = &mut self.places[at];
        for storage in [JOURNAL, SNAPSHOTS] {
            if !place.is_working(storage) || place.storage_at[storage] != Instant::NEVER {
                continue;
            }
            let slow = self.random.in_a_thousand(self.swarm.faults.slow_storage);
            let span = if slow {
                self.random.tenths(self.swarm.election, 20)
            } else {
                Duration::from_micros(self.random.below(300))
            };
            place.storage_at[storage] = self.now.plus(span);
        }
    }

    fn launch(&mut self, from: usize, to: usize, bytes: Vec<u8>) {
        let faults = &self.swarm.faults;
        let cut = self.network.is_cut(from, to, self.now);
        if cut || self.random.in_a_thousand(faults.loss) {
            self.tally.lost += 1;
            self.tally.chunks_lost += u64::from(is_chunk(&bytes));
            return;
        }
        let (duplicate, delay) = (faults.duplicate, faults.delay);
        let dawdle = if slowed(faults.slow_kind, &bytes) { faults.dawdle } else { 0 };
        if self.random.in_a_thousand(duplicate) {
            self.tally.duplicated += 1;
            // Most soon, but up to ten election timeouts later.
            let tenths = self.random.among(&[1, 10, 100]);
            let late = self.random.tenths(self.swarm.election, tenths);
            self.fly(to, self.now.plus(late), bytes.clone());
        }
        let mut span = Duration::from_micros(200 + self.random.below(1_000));
        if self.random.in_a_thousand(delay) {
            self.tally.late += 1;
            let tenths = self.random.among(&[1, 5, 30]);
            span = self.random.tenths(self.swarm.election, tenths);
        }
        if self.random.in_a_thousand(dawdle) {
            self.tally.dawdled += 1;
            let tenths = self.random.among(&[10, 30, 100]);
            span = self.random.tenths(self.swarm.election, tenths);
        }
        self.fly(to, self.now.plus(span), bytes);
    }

    fn fly(&mut self, to: usize, at: Instant, mut bytes: Vec<u8>) {
        if self.random.in_a_thousand(self.swarm.faults.flip) {
            self.tally.flipped += 1;
            let bit = self.random.below(bytes.len() as u64 * 8) as usize;
            bytes[bit / 8] ^= 1 << (bit % 8);
        }
        self.network.send(to, at, bytes);
    }
}

/// Whether a datagram brings a chunk of a snapshot.
fn is_chunk(bytes: &[u8]) -> bool {
    wire::decode(bytes).is_ok_and(|said| !said.chunk.is_empty())
}

/// Whether a datagram is of the kind that dawdles, by the place of its message among all.
fn slowed(kind: u64, bytes: &[u8]) -> bool {
    let Ok(said) = wire::decode(bytes) else { return false };
    kind == match said.message {
        Message::PreVoteRequest { .. } | Message::PreVoteReply { .. } => 0,
        Message::VoteRequest { .. } => 1,
        Message::VoteReply { .. } => 2,
        Message::Append(_) => 3,
        Message::AppendReply(_) => 4,
        Message::Install(_) | Message::InstallReply(_) => 5,
    }
}
