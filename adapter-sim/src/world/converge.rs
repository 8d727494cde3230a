//! Everything heals, and liveness is asked for.

use super::World;
use super::client::Verdict;
use super::mischief::Ending;
use super::network::Partition;
use crate::judge::disk::Core;
use crate::place::Place;
use crate::swarm::{Clocks, Faults};
use raft_nostd::{Duration, NodeId, Role, frame};

/// Who is started again.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Gathered {
    Quorum,
    All,
}

impl World {
    /// Liveness. First a random quorum is healed, and the others stay dead: within twenty election
    /// timeouts it has a leader that commits ten commands and answers a read. Then all are, and come
    /// to the same log and state.
    pub fn heal_and_converge(&mut self) {
        self.calm();
        self.teller.scene("Nothing goes wrong any more, for a majority of nodes.");
        self.gather(Gathered::Quorum);
        self.full = false;
        if !self.answers_a_read() {
            self.demand_a_reason("a healed quorum answers no read");
        }
        if !self.makes_progress(10) {
            self.demand_a_reason("a healed quorum makes no progress");
        }
        self.teller.scene("All come back.");
        self.gather(Gathered::All);
        // So many that small logs must be compacted for it.
        let entries = if self.all_compact() { self.swarm.log_entries.min(30) } else { 0 };
        if self.makes_progress(10 + u64::from(entries)) {
            let patience = self.patience();
            let rests = self.pass_until(patience, |world| world.is_at_rest());
            if !rests {
                // (A datagram from before may have deposed the leader, and nobody can succeed it.)
                self.demand_a_reason("the nodes do not come to rest");
            }
            self.tally.full_for_good += u64::from(rests && self.full);
            if rests {
                self.compare_answers();
                self.disturb();
            }
        } else {
            self.demand_a_reason("no progress after healing");
            self.tally.exhausted += 1;
        }
        self.clients.nothing_lost_was_applied(&self.judge);
        match self.clients.check_linearizability(&self.judge) {
            Verdict::ByLog => self.tally.explained_by_log += 1,
            Verdict::BySearch => self.tally.explained_by_search += 1,
            Verdict::Open => self.tally.undecided += 1,
        }
        self.count();
    }

    fn count(&mut self) {
        self.tally.virtual_millis += self.now.as_micros() / 1_000;
        self.tally.elections = self.judge.elections();
        self.tally.truncations = self.judge.truncations;
        self.tally.applied = self.clients.applied;
        self.tally.proposals_lost = self.clients.lost_count;
        self.tally.reads = self.clients.reads_answered;
        for place in &self.places {
            let wrapped = place.node.is_some() && place.clock.has_wrapped(self.now);
            self.tally.wrapped_clocks += u64::from(wrapped);
            let journal = place.medium.borrow().failures();
            let snapshots = place.snapshots.as_ref().map(|medium| medium.borrow().failures());
            self.tally.count_media(journal, snapshots.unwrap_or_default());
        }
    }

    /// Twenty election timeouts, by the slowest clock.
    fn patience(&self) -> Duration {
        self.swarm.election.times(20 * 1_000 / (1_000 - self.swarm.drift))
    }

    /// Nothing goes wrong any more, but what is wrong with the nodes stays.
    fn calm(&mut self) {
        self.swarm.faults = Faults::default();
        self.swarm.appetite = u64::MAX;
        self.network.heal();
        for at in 0..self.places.len() {
            let pace = self.swarm.pace(&mut self.random);
            self.places[at].calm(self.now, pace);
        }
    }

    /// Starts whom it concerns; beside a quorum, the others stop for now.
    fn gather(&mut self, whom: Gathered) {
        let mut wanted = match whom {
            Gathered::Quorum => self.places.len() / 2 + 1,
            Gathered::All => self.places.len(),
        };
        let mut places: Vec<_> = (0..self.places.len()).collect();
        if whom == Gathered::Quorum && self.swarm.clocks == Clocks::Equal {
            // All start at the same moment.
            places.iter().for_each(|at| self.end(*at, Ending::Killed));
        }
        while !places.is_empty() {
            let next = self.random.below(places.len() as u64) as usize;
            let at = places.swap_remove(next);
            if wanted == 0 {
                self.end(at, Ending::Killed);
                self.tally.left_dead += 1;
            } else if self.is_up(at) {
                wanted -= 1;
            }
        }
    }

    /// Whether a node runs, once it was started if need be.
    fn is_up(&mut self, at: usize) -> bool {
        if self.places[at].raft().is_some_and(|raft| raft.halted().is_some()) {
            self.crash(at);
        }
        if self.places[at].node.is_none() && !self.places[at].is_lost {
            self.start(at);
        }
        self.places[at].node.is_some()
    }

    /// Whether a read is answered in time, while nobody writes.
    fn answers_a_read(&mut self) -> bool {
        let patience = self.patience();
        let goal = self.clients.reads_answered + 1;
        self.pass_until(patience, |world| {
            let at = world.somebody();
            world.read(at);
            world.clients.reads_answered >= goal
        })
    }

    /// A follower that does not hear its leader, and is heard by all, deposes nobody (§4.2.3, §9.6).
    fn disturb(&mut self) {
        let leads = |raft: &Core| raft.status().role == Role::Leader;
        let leader = self.places.iter().position(|place| place.raft().is_some_and(leads));
        // Without it there must be a majority still.
        let running = self.places.iter().filter(|place| place.node.is_some()).count();
        let spare = running > self.places.len() / 2 + 1;
        let Some(leader) = leader.filter(|_| spare) else { return };
        let deaf = self.random.below(self.places.len() as u64) as usize;
        let term = |world: &Self| world.places[leader].raft().map(Core::term);
        if deaf == leader || self.places[deaf].node.is_none() {
            return;
        }
        self.teller.scene("One follower does not hear the leader any more.");
        self.tally.disturbed += 1;
        let (before, made_way) = (term(self), self.tally.made_way);
        let until = self.now.plus(self.swarm.election.times(15));
        self.network.cut(Partition::OneWay(leader, deaf), until, None, &mut self.random);
        self.pass(until);
        let stays = term(self) == before || self.tally.made_way > made_way;
        assert!(stays, "a deaf follower deposes its leader: {}", self.sketch());
        self.network.heal();
    }

    /// Whether so many commands are applied, and a read is answered, in time.
    fn makes_progress(&mut self, commands: u64) -> bool {
        // (Clients ask for some three commands in each election timeout.)
        let patience = self.patience().times(commands.div_ceil(10));
        let goal = (self.clients.applied + commands, self.clients.reads_answered + 1);
        // A few times over: a log that is all but full may make elections fail.
        let times = if self.all_compact() { 1 } else { 3 };
        (0..times).any(|_| {
            self.pass_until(patience, |world| {
                world.client_asks();
                let full = world.full && !world.all_compact();
                let applied = full || world.clients.applied >= goal.0;
                applied && world.clients.reads_answered >= goal.1
            })
        })
    }

    /// What was asked for did not come about: there must be a reason.
    fn demand_a_reason(&mut self, what: &str) {
        let justified = self.is_justified();
        assert!(justified, "{what}: {}", self.sketch());
    }

    /// Whether there is a reason to make no progress.
    fn is_justified(&mut self) -> bool {
        if self.is_exhausted() || self.somebody_is_stuck() {
            return true;
        }
        let waits = self.waits_for_all();
        self.tally.waits_for_all += u64::from(waits);
        waits
    }

    /// Whether a leader had no room to open its term, in a log full of no-ops of failed leaderships: it
    /// commits only what all voters have, and some are down.
    fn waits_for_all(&self) -> bool {
        let unopened = |raft: &Core| {
            let full = raft.room().entries == 0 || raft.room().bytes < frame::OVERHEAD_MAX as u32;
            raft.status().role == Role::Leader && raft.last().term != raft.term() && full
        };
        let down = self.places.iter().any(|place| place.node.is_none());
        down && self.places.iter().filter_map(Place::raft).any(unopened)
    }

    /// Nodes that have applied the same answer the same.
    fn compare_answers(&mut self) {
        let question = self.kind.draw_question(&mut self.random);
        let mut first: Option<(NodeId, String)> = None;
        for place in &mut self.places {
            let Some(node) = &mut place.node else { continue };
            let machine = &node.around().machine;
            let (through, answer) = (machine.state.last, machine.answer(&question));
            match &first {
                Some((other, known)) => assert!(
                    answer == *known,
                    "{:?} and {other:?}, which have applied the same through {through}, answer {question:?} \
                     with {answer} and {known}",
                    place.id
                ),
                None => first = Some((place.id, answer)),
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
                    let longest = self.swarm.command_max + frame::OVERHEAD_MAX as u32;
                    let little = room.bytes < longest.max(all.bytes / 8);
                    room.entries == 0 || little || raft.commit() < base
                })
        };
        self.places.iter().any(stuck)
    }

    pub fn all_are_full(&self) -> bool {
        self.places.iter().all(|place| place.raft().is_some_and(|raft| raft.room().entries == 0))
    }

    /// Whether all nodes have the same log and have applied all of it, and no client waits.
    fn is_at_rest(&self) -> bool {
        let mut rafts = self.places.iter().filter_map(Place::raft);
        let last = rafts.next().expect("most run").last();
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
        format!("{}, {:?}\n{nodes}", self.clients.open(), self.swarm)
    }

    /// Lets time pass until `done`, asked a few times in each election timeout, but not longer than
    /// `patience`.
    fn pass_until(&mut self, patience: Duration, done: impl Fn(&mut Self) -> bool) -> bool {
        let end = self.now.plus(patience);
        while self.now < end {
            self.random.mark();
            if done(self) {
                return true;
            }
            self.wait();
        }
        done(self)
    }
}
