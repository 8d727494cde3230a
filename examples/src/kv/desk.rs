//! Between the sessions and the node: proposes, asks for reads, remembers who waits.

use super::announcer::Announcer;
use super::encoding::{Command, encode};
use super::info::{Counts, Names, View};
use super::machine::{Machine, Response};
use super::reply::{self, Reply};
use super::saves::Saves;
use super::session::Backend;
use super::waiting::{Waiter, Waiting};
use adapter_mio::Node;
use raft_nostd::journal::Medium;
use raft_nostd::{Duration, Instant, ReadError, Role, SnapshotWork};
use std::path::PathBuf;

/// What all sessions share.
#[derive(Debug)]
pub struct Shared {
    /// What the node is called.
    pub names: Names,
    /// Who waits for what.
    pub waiting: Waiting,
    /// What is left to be announced.
    pub announcer: Announcer,
    /// What was counted.
    pub counts: Counts,
    /// What became of snapshots.
    pub saves: Saves,
    /// Where they are.
    pub snapshots: PathBuf,
    /// Why the journal cannot grow, while it cannot.
    pub journal_failure: Option<String>,
    /// How long anybody waits.
    pub patience: Duration,
    /// Bytes in the longest command.
    pub longest: u32,
}

/// The node as one client's session sees it.
pub struct Desk<'a, D: Medium> {
    /// The node.
    pub node: &'a mut Node<Machine, D>,
    /// What all sessions share.
    pub shared: &'a mut Shared,
    /// The client.
    pub client: usize,
}

impl<D: Medium> Desk<'_, D> {
    fn waiter(&self, slot: u64) -> (Waiter, Instant) {
        let deadline = self.node.now().plus(self.shared.patience);
        (Waiter { client: self.client, slot }, deadline)
    }

    fn view(&self) -> View<'_> {
        View {
            raft: self.node.raft(),
            machine: self.node.machine(),
            names: &self.shared.names,
            counts: &self.shared.counts,
            waiting: &self.shared.waiting,
            saves: &self.shared.saves,
            journal_failure: self.shared.journal_failure.as_deref(),
            work: self.node.snapshot_work(),
            rate: self.shared.saves.rate(self.node.now()),
        }
    }
}

/// Where to send a client that came to a node which does not lead.
pub fn elsewhere<D: Medium>(node: &Node<Machine, D>) -> Reply {
    if node.raft().halted().is_some() {
        return reply::halted();
    }
    match node.raft().status().leader {
        Some(leader) if leader != node.raft().id() => match node.machine().address(leader) {
            Some(address) => reply::moved(address),
            None => reply::leader_without_address(),
        },
        _ => reply::no_leader(),
    }
}

impl<D: Medium> Backend for Desk<'_, D> {
    fn write(&mut self, slot: u64, command: &Command<'_>) -> Result<(), Reply> {
        match self.node.propose(&encode(command)) {
            Ok(position) => {
                let (waiter, deadline) = self.waiter(slot);
                self.shared.waiting.add_write(position, waiter, deadline);
                Ok(())
            }
            Err(refusal) => {
                let failing = self.shared.saves.trouble().map(|trouble| trouble.failure);
                Err(reply::from_refusal(refusal, failing).unwrap_or_else(|| elsewhere(self.node)))
            }
        }
    }

    fn read(&mut self, slot: u64) -> Result<(), Reply> {
        match self.node.read() {
            Ok(read) => {
                let (waiter, deadline) = self.waiter(slot);
                self.shared.waiting.add_read(read.get(), waiter, deadline);
                Ok(())
            }
            Err(ReadError::NotLeader { .. } | ReadError::Halted) => Err(elsewhere(self.node)),
        }
    }

    fn query(&self, query: &[u8]) -> Response {
        raft_nostd::StateMachine::query(self.node.machine(), query)
    }

    fn info(&self, sections: &[&[u8]]) -> String {
        self.view().info(sections)
    }

    fn role(&self) -> Reply {
        self.view().role()
    }

    fn save(&mut self) -> Reply {
        match self.node.snapshot_work() {
            SnapshotWork::Idle => {}
            _ => return reply::error("ERR Background save already in progress"),
        }
        let raft = self.node.raft();
        if raft.replacement_due().is_none() {
            return reply::error("ERR nothing to save: this node has applied nothing yet");
        }
        // As Redis does, even where the last one has everything: it may be damaged by now.
        match raft.snapshot_due() {
            Some(_) => self.node.compact(),
            None => self.node.replace_snapshot(),
        }
        reply::simple("Background saving started")
    }

    fn last_save(&self) -> u64 {
        self.shared.saves.last()
    }

    fn elsewhere(&self) -> Option<Reply> {
        match self.node.raft().status().role {
            Role::Leader => None,
            _ => Some(elsewhere(self.node)),
        }
    }

    fn longest(&self) -> u64 {
        u64::from(self.shared.longest)
    }
}
