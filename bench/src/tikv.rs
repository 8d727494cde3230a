//! The peer: the crate `raft` (tikv's), at the best setting found.
//!
//! What was tried besides, and cost more instructions: `MemStorage` (6 % to 8 %), decoding with a
//! copy of every payload, `advance` in place of `advance_append_async`, and one `propose` for each
//! command of a batch (kept, as the contender `tikv-each`). The library's other codec, prost,
//! cannot be built without `protoc`; built with one, it costs 7 % less with one command at a time
//! and at least 45 % more with 64 in flight.

mod log;
mod node;

use crate::{Cluster, Command};
use node::{Letter, Node};

/// Ids of the nodes. The first is the one elected.
const VOTERS: [u64; 3] = [1, 2, 3];

/// How many rounds anything may take: far more than it does.
const MOST_ROUNDS: usize = 20;

/// Three nodes of the peer.
///
/// A batch is proposed as one `MsgPropose` of many entries if `TOGETHER`, which is the peer's best,
/// and otherwise by one call of `RawNode::propose` for each command, which is its usual interface.
/// Either way its entries travel in one message to each follower.
pub struct Tikv<const TOGETHER: bool> {
    nodes: [Node; 3],
    /// Messages on their way: empty between turns, kept for its memory.
    wire: Vec<Letter>,
    messages: u64,
}

impl<const TOGETHER: bool> Tikv<TOGETHER> {
    /// The node that leads, once there is one.
    fn leader(&mut self) -> &mut Node {
        &mut self.nodes[0]
    }

    /// Gives every node a turn, the leader first, and delivers what it sent.
    fn round(&mut self) {
        for sender in 0..self.nodes.len() {
            self.nodes[sender].turn(&mut self.wire);
            self.messages += self.wire.len() as u64;
            for (to, bytes) in self.wire.drain(..) {
                self.nodes[to as usize - 1].receive(bytes);
            }
        }
    }

    /// Gives rounds until a condition holds.
    fn run_until(&mut self, done: impl Fn(&Self) -> bool) {
        for _ in 0..MOST_ROUNDS {
            if done(self) {
                return;
            }
            self.round();
        }
        panic!("the cluster makes no progress");
    }
}

impl<const TOGETHER: bool> Cluster for Tikv<TOGETHER> {
    fn new() -> Self {
        Self { nodes: VOTERS.map(|id| Node::new(id, &VOTERS)), wire: Vec::new(), messages: 0 }
    }

    fn elect(&mut self) {
        self.leader().campaign();
        self.run_until(|cluster| cluster.nodes.iter().all(Node::has_applied_no_op));
        assert!(self.leader().leads());
    }

    fn commit_one(&mut self, command: &Command) {
        let applied = self.applied() + 1;
        self.leader().propose(command);
        self.run_until(|cluster| cluster.applied() == applied);
    }

    fn commit_batch(&mut self, commands: &[Command]) {
        let applied = self.applied() + commands.len() as u64;
        if TOGETHER {
            self.leader().propose_together(commands);
        } else {
            for command in commands {
                self.leader().propose(command);
            }
        }
        self.run_until(|cluster| cluster.applied() == applied);
    }

    fn messages(&self) -> u64 {
        self.messages
    }

    fn applied(&self) -> u64 {
        let [a, b, c] = &self.nodes;
        let [a, b, c] = [a, b, c].map(|node| node.machine().applied());
        a.min(b).min(c)
    }

    fn digest(&self) -> u64 {
        self.nodes[0].machine().digest()
    }

    fn check(&self) {
        for node in &self.nodes {
            assert_eq!(node.machine(), self.nodes[0].machine());
        }
    }
}
