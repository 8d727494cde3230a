//! What clients ask.

use super::World;
use crate::judge::disk::Core;
use crate::place::Place;
use crate::registers::{Call, KEYS};
use raft_nostd::{LogFull, ProposeError};

/// So many commands at once, at most, when a client asks for much.
const BURST: u64 = 24;
/// No-ops that every log keeps room for.
const LEAST_RESERVE: u64 = 2;

impl World {
    pub fn client_asks(&mut self) {
        let at = self.somebody();
        let most = if self.random.in_a_thousand(self.swarm.faults.burst) { BURST } else { 3 };
        if !self.random.one_in(6) {
            self.propose(at, most);
        }
        self.read(at);
        // Whoever has been deposed, and does not know it, must not answer from the past.
        let leaders: Vec<_> = self.leaders().collect();
        if leaders.len() > 1 {
            for other in leaders.into_iter().filter(|other| *other != at) {
                self.tally.rival_reads += 1;
                self.read(other);
            }
        }
    }

    /// A client asks a node to read.
    pub fn read(&mut self, at: usize) {
        let place = &mut self.places[at];
        let local = place.clock.reading(self.now);
        let Some(node) = &mut place.node else { return };
        if let Ok(read) = node.read(local) {
            let (id, key) = (place.id, self.random.below(u64::from(KEYS)) as u8);
            self.judge.asked(at, node.raft(), read);
            self.clients.asked(self.now, id, read, key, &self.judge);
            self.tell_read(at, read.get());
        }
        self.act(at);
    }

    /// What a client asks next: perhaps once more what it does not know the fate of.
    fn draw_command(&mut self) -> Vec<u8> {
        if !self.kind.reads.is_empty() && self.random.in_a_thousand(self.swarm.long) {
            return vec![1; self.swarm.command_max as usize];
        }
        if self.random.in_a_thousand(self.swarm.faults.retry)
            && let Some((key, call)) = self.clients.again()
        {
            self.tally.retries += 1;
            return call.command(key, self.random.bits());
        }
        if !self.kind.reads.is_empty() && self.random.one_in(4) {
            // One that probably succeeds.
            let key = self.random.below(u64::from(KEYS)) as u8;
            let swap = Call::Swap(self.clients.seen(key), self.random.bits() as u32);
            return swap.command(key, self.random.bits());
        }
        let command = self.kind.draw_command(&mut self.random);
        let (len, most) = (command.len(), self.kind.command_max);
        assert!(
            len <= most as usize,
            "the subject made a command of {len} bytes; COMMAND_MAX is {most}"
        );
        command
    }

    /// Up to `most` commands for a node; perhaps it crashes as soon as it has taken them.
    pub fn propose(&mut self, at: usize, most: u64) {
        let local = self.places[at].clock.reading(self.now);
        let mut taken = 0;
        for _ in 0..1 + self.random.below(most) {
            let Some(node) = &mut self.places[at].node else { return };
            if node.raft().last().index.0 >= self.swarm.appetite {
                break;
            }
            let command = self.draw_command();
            let place = &mut self.places[at];
            let Some(node) = &mut place.node else { return };
            match node.propose(local, &command) {
                Ok(position) => {
                    taken += 1;
                    let id = place.id;
                    self.count_command(&command);
                    self.judge_room(at);
                    self.tell_asked(at, &command, position);
                    self.clients.proposed(self.now, id, position, command);
                }
                Err(why) => {
                    self.full |= why == ProposeError::LogFull(LogFull::Capacity);
                    self.tally.refused += 1;
                    self.clients.refused(command);
                }
            }
        }
        self.tally.bursts += u64::from(taken > BURST / 3);
        self.act(at);
        if taken > 0 && self.random.in_a_thousand(self.swarm.faults.crash_proposer) {
            self.tally.proposer_crashes += 1;
            self.crash(at);
        }
    }

    /// A leader whose log is more than half full has taken a command: a majority has room for all that it
    /// holds, and for two no-ops more. Or else the others might be left with logs in which nobody
    /// could open a term.
    fn judge_room(&self, at: usize) {
        let Some(leader) = self.places[at].raft() else { return };
        let (room, capacity) = (leader.room().entries, leader.capacity().entries);
        // (Of a log of two or three entries half is no more than the no-ops.)
        if 2 * (capacity - room) <= capacity + 2 {
            return;
        }
        let behind = leader.last().index.0 + LEAST_RESERVE;
        let lacks = |raft: &&Core| {
            let holds = raft.base().index.0 + u64::from(raft.capacity().entries);
            raft.term() == leader.term() && behind > holds
        };
        let full = self.places.iter().filter_map(Place::raft).filter(lacks).count();
        let (id, voters) = (leader.id(), self.places.len());
        let majority = voters / 2 + 1;
        assert!(
            full + majority <= voters,
            "{id} takes a command that {full} of {voters} have no room for"
        );
    }

    fn count_command(&mut self, command: &[u8]) {
        self.tally.empty_commands += u64::from(command.is_empty());
        let longest = command.len() == self.swarm.command_max as usize;
        self.tally.longest_commands += u64::from(longest);
    }
}
