//! A datagram on its way, and what may become of it.

use super::World;
use crate::story::{Arrival, Damage};
use crate::swarm::{CLUSTER, Clocks};
use raft_nostd::wire::{self, Message};
use raft_nostd::{ClusterId, Duration};

impl World {
    /// `from` sends `bytes` to `to`.
    pub fn launch(&mut self, from: usize, to: usize, bytes: Vec<u8>) {
        let faults = self.swarm.faults;
        let cut = self.network.is_cut(from, to, self.now);
        if cut || self.random.in_a_thousand(faults.loss) {
            self.tally.lost += 1;
            self.tally.severed += u64::from(cut);
            self.tally.chunks_lost += u64::from(is_chunk(&bytes));
            self.tell_datagram(from, to, &bytes, Vec::new());
            return;
        }
        let mut arrivals = Vec::new();
        if self.random.in_a_thousand(faults.duplicate) {
            self.tally.duplicated += 1;
            // Most soon, but up to ten election timeouts later.
            let tenths = self.random.among(&[1, 10, 100]);
            let late = self.random.tenths(self.swarm.election, tenths);
            arrivals.push(self.fly(to, late, bytes.clone()));
        }
        if self.random.in_a_thousand(faults.foreign) {
            self.stray(to, &bytes);
        }
        if self.random.in_a_thousand(faults.misdelivery) {
            self.tally.misdelivered += 1;
            let other = self.random.below(self.places.len() as u64) as usize;
            self.fly(other, Duration::default(), bytes.clone());
        }
        let span = self.draw_span(&bytes);
        let flying = if self.teller.is_heard() { bytes.clone() } else { Vec::new() };
        arrivals.push(self.fly(to, span, bytes));
        arrivals.sort_by_key(|arrival| arrival.at);
        self.tell_datagram(from, to, &flying, arrivals);
    }

    /// How long a datagram takes.
    fn draw_span(&mut self, bytes: &[u8]) -> Duration {
        let faults = self.swarm.faults;
        if self.swarm.clocks == Clocks::Equal {
            return Duration::from_micros(400);
        }
        if faults.dawdle > 0
            && is_of(faults.slow_kind, bytes)
            && self.random.in_a_thousand(faults.dawdle)
        {
            self.tally.dawdled += 1;
            let tenths = self.random.among(&[10, 30, 100]);
            return self.random.tenths(self.swarm.election, tenths);
        }
        if self.random.in_a_thousand(faults.delay) {
            self.tally.late += 1;
            let tenths = self.random.among(&[1, 5, 30]);
            return self.random.tenths(self.swarm.election, tenths);
        }
        Duration::from_micros(100 + self.random.below(1_000))
    }

    /// A datagram of another cluster comes by, which says the same.
    fn stray(&mut self, to: usize, bytes: &[u8]) {
        let Ok(said) = wire::decode(bytes) else { return };
        let mut foreign = vec![0; bytes.len() + 16];
        let mut envelope = said.envelope;
        envelope.cluster = ClusterId(CLUSTER.0 ^ (1 << self.random.below(64)));
        let encoded = match said.message {
            Message::Install(_) => None, // Its chunk would have to come along.
            message => wire::encode(&envelope, &message, &said.frames, &mut foreign),
        };
        let Some(len) = encoded else { return };
        self.tally.foreign += 1;
        foreign.truncate(len);
        self.fly(to, Duration::default(), foreign);
    }

    fn fly(&mut self, to: usize, span: Duration, mut bytes: Vec<u8>) -> Arrival {
        let mut damage = Damage::None;
        if self.random.in_a_thousand(self.swarm.faults.flip) {
            self.tally.flipped += 1;
            let bit = self.random.below(bytes.len() as u64 * 8) as usize;
            bytes[bit / 8] ^= 1 << (bit % 8);
            damage = Damage::Flipped;
        }
        if self.random.in_a_thousand(self.swarm.faults.truncate) {
            self.tally.truncated += 1;
            bytes.truncate(self.random.below(bytes.len() as u64) as usize);
            damage = Damage::CutShort;
        }
        let at = self.now.plus(Duration::from_micros(100)).plus(span);
        self.network.send(to, at, bytes);
        Arrival { at: at.into(), damage }
    }
}

/// Whether a datagram brings a chunk of a snapshot.
fn is_chunk(bytes: &[u8]) -> bool {
    wire::decode(bytes).is_ok_and(|said| !said.chunk.is_empty())
}

/// Whether a datagram is of that kind, by the place of its message among all.
fn is_of(kind: u64, bytes: &[u8]) -> bool {
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
