//! What goes wrong, apart from single datagrams.

use crate::judge::disk::Core;
use crate::place::{Node, Opened, SNAPSHOTS, Stop};
use crate::random::Random;
use crate::swarm::{Clocks, Faults};
use crate::world::World;
use crate::world::network::Partition;
use adapter_std::memory::MemoryMedium;
use raft_nostd::Role;

/// How a node ends.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// Cleanly.
    Sealed,
    /// The process is killed; what it wrote is there.
    Killed,
    /// Each unsynced sector is kept, dropped or torn.
    PowerCut,
}

impl World {
    /// Lets something happen to the cluster, or to any of its nodes.
    pub fn mischief(&mut self) {
        for at in 0..self.places.len() {
            self.torment(at);
        }
        if self.random.in_a_thousand(self.swarm.faults.partition) {
            let at = self.somebody();
            let other = self.another_than(at);
            let partition = match self.random.below(7) {
                0 => Partition::Split,
                1 => Partition::Bridge(at),
                2 => Partition::Alone(at),
                3 => Partition::Deaf(at),
                4 => Partition::Mute(at),
                5 => Partition::Pair(at, other),
                _ => Partition::OneWay(at, other),
            };
            self.cut(partition);
        }
        if self.random.in_a_thousand(self.swarm.faults.blackout) {
            self.tally.blackouts += 1;
            for at in 0..self.places.len() {
                self.crash(at);
            }
        }
    }

    /// A leader, when there is one, or any node.
    pub fn somebody(&mut self) -> usize {
        let leaders: Vec<_> = self.leaders().collect();
        if leaders.is_empty() || self.random.one_in(4) {
            self.random.below(self.places.len() as u64) as usize
        } else {
            self.random.among(&leaders)
        }
    }

    /// Any other node; the same where it is alone.
    fn another_than(&mut self, at: usize) -> usize {
        let nodes = self.places.len();
        let by = 1 + self.random.below((nodes as u64 - 1).max(1)) as usize;
        (at + by) % nodes
    }

    /// All that think that they lead.
    pub fn leaders(&self) -> impl Iterator<Item = usize> {
        let leads = |raft: &Core| raft.status().role == Role::Leader;
        (0..self.places.len()).filter(move |at| self.places[*at].raft().is_some_and(leads))
    }

    fn cut(&mut self, partition: Partition) {
        self.tally.partitions += 1;
        let pair = matches!(partition, Partition::Pair(..)) && self.places.len() > 3;
        self.tally.pairs += u64::from(pair);
        let until = self.now.plus(self.random.tenths(self.swarm.election, 50));
        let flap = self.random.in_a_thousand(self.swarm.faults.flap).then(|| {
            self.tally.flapping += 1;
            self.random.tenths(self.swarm.election, 15)
        });
        self.network.cut(partition, until, flap, &mut self.random);
        self.tell_cut(partition, until, flap);
    }

    fn torment(&mut self, at: usize) {
        let faults = &self.swarm.faults;
        let place = &mut self.places[at];
        let Some(raft) = place.raft() else {
            if !place.is_lost && self.random.one_in(4) {
                self.start(at);
            }
            return;
        };
        if raft.halted().is_some() || self.random.in_a_thousand(faults.crash) {
            self.crash(at);
            return;
        }
        self.torment_disks(at);
        if self.random.in_a_thousand(self.swarm.faults.compact)
            && let Some(node) = &mut self.places[at].node
        {
            self.tally.compactions_asked += u64::from(node.raft().snapshot_due().is_some());
            node.compact();
            self.act(at);
        }
        if self.random.in_a_thousand(self.swarm.faults.pause) {
            self.pause(at);
        }
        self.spoil(at);
    }

    fn torment_disks(&mut self, at: usize) {
        let (faults, place) = (self.swarm.faults, &self.places[at]);
        let mut medium = place.medium.borrow_mut();
        let mut ailment = None;
        if self.random.in_a_thousand(faults.cut) {
            medium.cut_after(self.random.below(400));
            ailment = Some("is about to lose power");
        }
        if self.random.in_a_thousand(faults.sync_failure) {
            if self.random.one_in(2) {
                medium.lose_writes();
                ailment = Some("fails to sync once, and forgets what it was to");
            } else {
                medium.fail_syncs();
                ailment = Some("fails to sync from now on");
            }
        }
        if self.random.in_a_thousand(faults.full) {
            ailment = Some("is full");
            match self.random.below(2) {
                0 => medium.fill_after(0),
                _ => medium.fill_writes_after(self.random.below(400)),
            }
        } else if self.random.one_in(10) {
            medium.make_room();
        }
        drop(medium);
        if let Some(medium) = &place.snapshots {
            ail(&mut medium.borrow_mut(), &faults, &mut self.random);
        }
        if let Some(words) = ailment {
            self.tell_disk(at, words);
        }
    }

    /// What is worse than a crash: a clock that jumps, a disk that lies.
    fn spoil(&mut self, at: usize) {
        let (faults, place) = (&self.swarm.faults, &mut self.places[at]);
        if self.random.in_a_thousand(faults.jump) {
            self.tally.jumps += 1;
            let by = self.random.tenths(self.swarm.election, 100);
            place.jump(self.now, by);
            self.tell_jump(at, by);
        }
        let place = &mut self.places[at];
        if place.may_rot && self.random.in_a_thousand(faults.rot) {
            self.tally.rotten += 1;
            place.rot_for_good(&mut self.random);
            self.tell_disk(at, "rots");
        }
        let place = &mut self.places[at];
        if place.may_rot && self.random.in_a_thousand(faults.astray) {
            place.lead_astray(&mut self.random);
            self.tell_disk(at, "puts the next write elsewhere");
        }
    }

    fn pause(&mut self, at: usize) {
        self.tally.pauses += 1;
        let span = self.random.tenths(self.swarm.election, 100);
        self.places[at].paused_until = self.now.plus(span);
        self.tell_pause(at);
    }

    /// Something happens to a node that has just been elected, before anybody hears of it.
    pub fn ambush(&mut self, at: usize) {
        self.tally.ambushes += 1;
        match self.random.below(6) {
            0 | 1 => self.cut(Partition::Alone(at)),
            2 => self.cut(Partition::Mute(at)),
            3 => self.cut(Partition::Deaf(at)),
            4 => self.pause(at),
            _ => {
                self.crash(at);
                return;
            }
        }
        if self.random.one_in(2) {
            self.propose(at, 12);
        }
    }

    /// Something happens to a node in the middle of a transfer, or to who sends it.
    fn strike(&mut self, at: usize) {
        match self.random.below(6) {
            0 => self.cut(Partition::Alone(at)),
            1 => self.crash(at),
            2 => self.pause(at),
            // What was written stays, so that a transfer can go on.
            _ => self.end(at, Ending::Killed),
        }
    }

    /// A node is being sent a snapshot: it is interrupted, or gets too old.
    pub fn waylay(&mut self, at: usize) {
        self.tally.waylaid += 1;
        let sender = self.somebody();
        match self.random.below(6) {
            0..3 => self.strike(at),
            3 => self.strike(sender),
            4 => self.propose(sender, 12),
            _ => {
                self.propose(sender, 12);
                if let Some(node) = &mut self.places[sender].node {
                    node.compact();
                }
            }
        }
    }

    /// A node begins to replace its machine by a snapshot: it takes long, and meanwhile who sent that is
    /// cut off, so that others lead, and bring entries that follow it.
    pub fn forsake(&mut self, at: usize) {
        let sender = self.places[at].raft().and_then(|raft| raft.status().leader);
        let (Some(sender), true) = (sender, self.places[at].is_working(SNAPSHOTS)) else { return };
        self.tally.forsaken += 1;
        let sender = sender.get() as usize - 1;
        let until = self.now.plus(self.swarm.election.times(10));
        self.network.cut(Partition::Alone(sender), until, None, &mut self.random);
        self.tell_cut(Partition::Alone(sender), until, None);
        let least = self.swarm.election.times(3);
        let more = self.random.tenths(self.swarm.election, 50);
        self.places[at].storage_at[SNAPSHOTS] = self.now.plus(least).plus(more);
    }

    /// Starts a node that is down; perhaps its power fails again soon, perhaps already during
    /// recovery.
    pub fn start(&mut self, at: usize) {
        let place = &mut self.places[at];
        if self.random.in_a_thousand(self.swarm.faults.relapse) {
            // Most of the time one of them is first.
            let media = [Some(&place.medium), place.snapshots.as_ref()];
            for medium in media.into_iter().flatten() {
                if self.random.below(3) > 0 {
                    medium.borrow_mut().cut_after(self.random.below(500));
                }
            }
        }
        match place.start(&self.swarm, &self.voters, self.now, &mut self.random) {
            Opened::Interrupted => {
                self.tally.interrupted_recoveries += 1;
                self.tally.torn += place.lose_power(&mut self.random);
                self.tell_start(at, Some("the power fails again"));
                return;
            }
            Opened::Lost => {
                self.tally.lost_disks += 1;
                self.tell_start(at, Some("its disk is damaged"));
                return;
            }
            Opened::Runs { undone } => self.tally.undone += u64::from(undone),
        }
        match self.swarm.clocks {
            Clocks::Wild => self.tally.wild_clocks += 1,
            Clocks::Equal => self.tally.equal_clocks += 1,
            Clocks::Tame => {}
        }
        self.tell_start(at, None);
        self.traffic.restarted(at);
        let place = &mut self.places[at];
        let machine = &mut place.node.as_mut().expect("it runs").around().machine;
        drop(machine.take_steps()); // What it took from a snapshot is in its state.
        let state = machine.state.clone();
        self.judge.restarted(at, place.raft().expect("it runs"), &state);
        if !self.places[at].is_rotten && self.random.in_a_thousand(self.swarm.faults.rot_at_start) {
            self.tally.rotten_copies += 1;
            let place = &self.places[at];
            let opened = place.rot(&self.swarm, &self.voters, &mut self.random);
            if let Some((state, through)) = opened {
                self.judge.check_rotten(place.id, &state, through);
            }
        }
        self.act(at);
    }

    /// A node stops: cleanly, or because its process dies, or because the power fails, and each
    /// unsynced sector is kept, dropped or torn.
    pub fn crash(&mut self, at: usize) {
        let way = self.random.among(&[
            Ending::Sealed,
            Ending::Killed,
            Ending::PowerCut,
            Ending::PowerCut,
            Ending::PowerCut,
        ]);
        self.end(at, way);
    }

    /// A node stops in that way.
    pub fn end(&mut self, at: usize, way: Ending) {
        let place = &mut self.places[at];
        // After a sync that failed, only the power's going off shows what is there.
        let way = if place.must_lose_power() { Ending::PowerCut } else { way };
        let Some(raft) = place.raft() else { return };
        self.tally.crashes += 1;
        self.tally.wrapped_clocks += u64::from(place.clock.has_wrapped(self.now));
        self.tally.leader_crashes += u64::from(raft.status().role == Role::Leader);
        let restoring = place.node.as_ref().is_some_and(Node::is_restoring);
        self.tally.interrupted_installs += u64::from(restoring);
        self.clients.gone(place.id);
        self.tell_end(at, way);
        let place = &mut self.places[at];
        match way {
            Ending::Sealed => {
                self.tally.seals += 1;
                place.stop(Stop::Sealed);
                if place.must_lose_power() {
                    self.tally.torn += place.lose_power(&mut self.random);
                }
                place.repair();
            }
            Ending::Killed => {
                self.tally.kills += 1;
                place.stop(Stop::Killed);
                place.repair();
            }
            Ending::PowerCut => {
                place.stop(Stop::Killed);
                self.tally.torn += place.lose_power(&mut self.random);
            }
        }
    }
}

/// Lets something happen to a medium for snapshots, or end.
fn ail(medium: &mut MemoryMedium, faults: &Faults, random: &mut Random) {
    if random.in_a_thousand(faults.snapshots_cut) {
        medium.cut_after(random.below(2_000));
    }
    if random.in_a_thousand(faults.snapshots_sync_failure) {
        medium.fail_syncs();
    }
    if random.in_a_thousand(faults.snapshots_full) {
        match random.below(2) {
            0 => medium.fill_after(random.below(2)),
            _ => medium.fill_writes_after(random.below(1_000)),
        }
    } else if random.one_in(20) {
        medium.restart();
    }
}
