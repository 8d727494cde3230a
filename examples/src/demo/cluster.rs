//! All nodes together: who leads, and who is how far.

use super::node::{Node, Report};
use super::root::Root;
use super::trouble::{Trouble, wait_for};
use std::net::SocketAddr;

/// The nodes.
#[derive(Debug)]
pub struct Cluster {
    /// In the order of their numbers.
    pub nodes: Vec<Node>,
    peers: Vec<(u32, String)>,
    /// Where all data is. After the nodes, as dropping goes on in this order: they are killed before
    /// it is removed.
    pub root: Root,
}

impl Cluster {
    /// Places for `count` nodes under `root`, which are to be started with `flags`.
    ///
    /// # Errors
    /// When there is no port to be had.
    pub fn place(count: u32, root: Root, flags: &[&str]) -> Result<Self, Trouble> {
        let nodes: Result<Vec<_>, _> =
            (1..=count).map(|id| Node::place(id, root.path(), flags)).collect();
        let nodes = nodes?;
        Ok(Self { peers: Node::peers(&nodes), nodes, root })
    }

    /// Where clients reach the nodes.
    pub fn addresses(&self) -> Vec<SocketAddr> {
        self.nodes.iter().map(|node| node.client).collect()
    }

    /// Starts node `id`.
    ///
    /// # Errors
    /// When it cannot be executed.
    pub fn start(&mut self, id: u32) -> Result<(), Trouble> {
        let peers = &self.peers;
        let node = self.nodes.iter_mut().find(|node| node.id == id);
        Ok(node.map_or(Ok(()), |node| node.start(peers))?)
    }

    /// Starts every node.
    ///
    /// # Errors
    /// When one cannot be executed.
    pub fn start_all(&mut self) -> Result<(), Trouble> {
        (1..=self.nodes.len() as u32).try_for_each(|id| self.start(id))
    }

    /// The node with this number.
    pub fn node(&mut self, id: u32) -> Option<&mut Node> {
        self.nodes.iter_mut().find(|node| node.id == id)
    }

    /// Waits until a node other than `not` leads and knows that all before it is committed.
    ///
    /// # Errors
    /// When none does for a long time.
    pub fn leader(&self, not: Option<u32>) -> Result<(u32, Report), Trouble> {
        let candidates = self.nodes.iter().filter(|node| node.pid().is_some());
        let candidates: Vec<_> = candidates.filter(|node| Some(node.id) != not).collect();
        wait_for("a leader", || {
            candidates.iter().find_map(|node| {
                let report = Report::of(node.client)?;
                report.leads().then_some((node.id, report))
            })
        })
    }

    /// Waits until node `id` has applied what the leader had committed when this was called.
    ///
    /// # Errors
    /// When it has not for a long time.
    pub fn caught_up(&self, id: u32) -> Result<u64, Trouble> {
        let (_, leader) = self.leader(None)?;
        let commit = leader.number("commit_index");
        let node = self.nodes.iter().find(|node| node.id == id);
        wait_for(&format!("node {id} to catch up"), || {
            let applied = Report::of(node?.client)?.number("applied_index");
            (applied >= commit).then_some(applied)
        })
    }

    /// What node `id` tells of itself.
    ///
    /// # Errors
    /// When it does not for a long time.
    pub fn report(&self, id: u32) -> Result<Report, Trouble> {
        let node = self.nodes.iter().find(|node| node.id == id);
        wait_for(&format!("a report of node {id}"), || Report::of(node?.client))
    }

    /// Waits until every node has applied the same entries, and returns what each tells.
    ///
    /// # Errors
    /// When they do not agree for a long time.
    pub fn at_rest(&self) -> Result<Vec<Report>, Trouble> {
        wait_for("all nodes to have applied the same entries", || {
            let reports: Option<Vec<_>> =
                self.nodes.iter().map(|node| Report::of(node.client)).collect();
            let reports = reports?;
            let first = reports.first()?.number("applied_index");
            let same = reports.iter().all(|report| {
                report.number("applied_index") == first && report.number("last_index") == first
            });
            same.then_some(reports)
        })
    }
}
