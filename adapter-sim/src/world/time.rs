//! Time passes: what is due happens, one thing after another.

use super::World;
use super::watch::Watch;
use crate::judge::hash;
use crate::place::host::Deeds;
use crate::place::{JOURNAL, Node, SNAPSHOTS};
use crate::swarm::{CLUSTER, Clocks};
use raft_nostd::{Duration, Halt, Instant, wire};

impl World {
    /// Lets some time pass, never none.
    pub fn wait(&mut self) {
        let pause = self.random.tenths(self.swarm.election, 5);
        let least = Duration::from_micros(self.swarm.election.as_micros() / 20);
        self.pass(self.now.plus(least).plus(pause));
    }

    /// Lets time pass until `end`.
    pub fn pass(&mut self, end: Instant) {
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
        self.watch.step(self.now, &self.places[at]);
        let place = &mut self.places[at];
        if let Some(storage) = (0..2).find(|storage| place.storage_at[*storage] <= self.now) {
            place.storage_at[storage] = Instant::NEVER;
            place.work(storage, self.now);
            self.tally.deferred_syncs += u64::from(storage == JOURNAL);
        } else if let Some(node) = &mut place.node {
            let local = place.clock.reading(self.now);
            node.timeout(local);
            self.watch.called(at, place, self.swarm.election, local);
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
            self.watch.taken(datagram.to, place, &said, local);
            self.traffic.taken(datagram.to, &said);
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
            let replacing = place.node.as_ref().is_some_and(Node::is_restoring);
            place.drain(self.now, &mut self.buf, most);
            self.after(at, replacing);
        }
    }

    /// Looks at what a node did, and lets its datagrams fly.
    fn after(&mut self, at: usize, replacing: bool) {
        let place = &mut self.places[at];
        let Some(node) = &mut place.node else { return };
        let (id, halted, deeds) = (place.id, node.raft().halted(), node.around().take_deeds());
        self.tell_deeds(at, &deeds);
        let place = &mut self.places[at];
        let Some(node) = &mut place.node else { return };
        let begins = !replacing && node.is_restoring();
        if replacing && node.is_restoring() {
            Watch::replacing(place, &deeds);
        }
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
        if begins && self.random.in_a_thousand(self.swarm.faults.forsake) {
            self.forsake(at);
        }
        for (to, bytes) in deeds.datagrams {
            self.launch(at, to.get() as usize - 1, bytes);
        }
    }

    fn overhear(&mut self, at: usize, deeds: &Deeds) {
        let place = &self.places[at];
        let local = place.clock.reading(self.now);
        for (_, bytes) in &deeds.datagrams {
            let said = wire::decode(bytes).expect("nodes say what decodes");
            self.judge.ledger.overhear(at, place, &said);
            if let Some(raft) = place.raft() {
                self.judge.overhear(at, raft, &said);
                self.traffic.said(at, raft, &said, (local, &self.swarm));
            }
        }
    }

    fn set_storage_to_work(&mut self, at: usize) {
        let place = &mut self.places[at];
        for storage in [JOURNAL, SNAPSHOTS] {
            if !place.is_working(storage) || place.storage_at[storage] != Instant::NEVER {
                continue;
            }
            let slow = self.random.in_a_thousand(self.swarm.faults.slow_storage);
            let span = if self.swarm.clocks == Clocks::Equal {
                Duration::from_micros(150)
            } else if slow {
                self.tally.slow_writes += 1;
                self.random.tenths(self.swarm.election, 20)
            } else {
                Duration::from_micros(self.random.below(300))
            };
            place.storage_at[storage] = self.now.plus(span);
        }
    }
}
