//! What clients ask.

use super::World;
use raft_nostd::{LogFull, ProposeError};

impl World {
    pub fn client_asks(&mut self) {
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
            let command = (self.kind.command)(&mut self.random);
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
}
