//! The cluster, its clients, its network, and time.

mod ask;
pub mod client;
mod converge;
mod launch;
mod mischief;
pub mod network;
pub mod tally;
pub mod tell;

use crate::judge::{Judge, hash};
use crate::place::host::Deeds;
use crate::place::{JOURNAL, Place, SNAPSHOTS};
use crate::random::Random;
use crate::story::Story;
use crate::subject::Kind;
use crate::swarm::{CLUSTER, Swarm};
use crate::world::client::Clients;
use crate::world::network::Network;
use crate::world::tally::Tally;
use crate::world::tell::Teller;
use raft_nostd::{Duration, Halt, Instant, NodeId, wire};
use std::cell::RefCell;
use std::rc::Rc;

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
    pub teller: Teller,
    kind: Rc<Kind>,
    buf: Vec<u8>,
}

impl World {
    pub fn new(
        mut random: Random,
        swarm: Swarm,
        kind: &Rc<Kind>,
        story: Option<Rc<RefCell<Story>>>,
    ) -> Self {
        let voters: Vec<_> = (1..=swarm.nodes).map(|id| NodeId::new(id).unwrap()).collect();
        let places = voters.iter().map(|id| Place::new(*id, &swarm, kind, &mut random)).collect();
        let mut world = Self {
            places,
            network: Network::new(voters.len()),
            judge: Judge::new(voters.len(), swarm.snapshots.size),
            buf: vec![0; swarm.datagram as usize],
            kind: Rc::clone(kind),
            random,
            swarm,
            voters,
            now: Instant::ORIGIN,
            clients: Clients::default(),
            tally: Tally::default(),
            trace: 0,
            full: false,
            teller: Teller::default(),
        };
        world.teller = Teller::new(story, world.places.len());
        world.teller.scene(&tell::cast(&world.voters));
        world.draw_rotten();
        for at in 0..world.places.len() {
            world.start(at);
        }
        world
    }

    /// Draws whose disks may rot: those of a minority, so that a majority keeps what it is given.
    fn draw_rotten(&mut self) {
        for _ in 0..(self.places.len() - 1) / 2 {
            let at = self.random.below(self.places.len() as u64) as usize;
            self.places[at].may_rot = true;
        }
    }

    /// Everything goes wrong, for a while or until the logs are full.
    pub fn run_with_faults(&mut self) {
        let end = self.now.plus(self.swarm.span);
        while self.now < end && !self.all_are_full() {
            self.random.mark();
            self.mischief();
            self.client_asks();
            self.wait();
        }
    }

    /// Lets some time pass, never none.
    fn wait(&mut self) {
        let pause = self.random.tenths(self.swarm.election, 5);
        let least = Duration::from_micros(self.swarm.election.as_micros() / 20);
        self.pass(self.now.plus(least).plus(pause));
    }

    /// Whether every node has room for snapshots: then nothing may ever be full for good.
    fn all_compact(&self) -> bool {
        self.places.iter().all(|place| place.compacts)
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
            let ours = said.envelope.cluster == CLUSTER;
            assert!(ours, "{} takes a datagram of another cluster", place.id);
            self.judge.taken(datagram.to, node.raft(), &said);
        }
        if let Err(why) = taken {
            self.tell_refused(datagram.to, &datagram.bytes, &why);
        }
        if self.random.one_in(30)
            && let Some(node) = &mut self.places[datagram.to].node
        {
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
        self.tell_deeds(at, &deeds);
        let place = &mut self.places[at];
        let Some(node) = &mut place.node else { return };
        assert!(matches!(halted, None | Some(Halt::StorageFailed)), "{id}: {halted:?}");
        let machine = &node.around().machine;
        let state = if deeds.steps.is_empty() { None } else { Some(machine.state.clone()) };
        let elections = self.judge.elections();
        self.judge.look_at(&self.places, at, &deeds, state.as_ref());
        let gained = self.count_snapshots(at, &deeds);
        self.clients.hear(self.now, id, &deeds);
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
}
