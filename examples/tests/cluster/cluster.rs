//! Three nodes with a bad network between them.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::thread;
use std::time::{Duration, Instant};

use super::node::{Info, Node};
use super::place::{Directory, free_address};
use super::proxy::{Faults, NodeId, Proxy};

/// How many nodes there are.
pub const NODES: usize = 3;

/// Far longer than anything should take that has to happen.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// How long to wait for a node's answer to `INFO`: it may be paused.
const INFO: Duration = Duration::from_millis(250);

/// What all nodes are told. Elections are quick, so that much happens in little time; clients
/// that are patient hear of a write whose fate is open; the log is long enough for minutes.
const WORDS: [&str; 7] = [
    "--cluster=mischief",
    "--election-timeout=250ms",
    "--heartbeat=40ms",
    "--write-timeout=1s",
    "--log-entries=1048576",
    "--log-bytes=64MiB",
    "--journal=192MiB",
];

/// The cluster. Dropping it kills the nodes and removes what they wrote; if the test fails it
/// shows their last words before.
#[derive(Debug)]
pub struct Cluster {
    /// The nodes, those with the ids 1, 2 and 3.
    pub nodes: Vec<Node>,
    /// The network between them.
    pub proxy: Proxy,
    /// The state that was seen at each applied index, and where first.
    states: BTreeMap<u64, (String, NodeId)>,
    _directory: Directory,
}

impl Cluster {
    /// Starts the nodes, and waits until one of them leads.
    pub fn start(seed: u64) -> Self {
        let directory = Directory::new();
        let ids = 1..=NodeId::try_from(NODES).expect("a few");
        let raft: Vec<(NodeId, SocketAddr)> = ids.map(|id| (id, free_address())).collect();
        let mut links = Vec::new();
        for &(from, _) in &raft {
            let others = raft.iter().filter(|(to, _)| *to != from);
            links.extend(others.map(|&(to, target)| (from, to, target)));
        }
        let proxy = Proxy::start(links, seed, Faults::NONE).expect("sockets and a thread");
        let node = |&(id, address): &(NodeId, SocketAddr)| {
            let others = raft.iter().filter(|(to, _)| *to != id);
            let peers = others.map(|(to, _)| format!("--peer={to}={}", proxy.addr(id, *to)));
            let words: Vec<String> = WORDS.map(str::to_owned).into_iter().chain(peers).collect();
            Node::new(id, (address, free_address()), directory.path(), &words)
        };
        let nodes: Vec<Node> = raft.iter().map(node).collect();
        let mut cluster = Self { nodes, proxy, states: BTreeMap::new(), _directory: directory };
        cluster.nodes.iter_mut().for_each(Node::start);
        cluster.wait_for("a leader", |cluster| cluster.leader().is_some());
        cluster
    }

    /// Where the nodes listen for clients.
    pub fn clients(&self) -> Vec<SocketAddr> {
        self.nodes.iter().map(Node::client).collect()
    }

    /// What the nodes say of themselves, those that answer.
    ///
    /// # Panics
    ///
    /// If a node has ended by itself or halted, or two nodes that applied as many entries, now
    /// or at any time, do not have the same state.
    pub fn survey(&mut self) -> Vec<(usize, Info)> {
        let mut infos = Vec::new();
        for (index, node) in self.nodes.iter_mut().enumerate() {
            node.check();
            let Ok(info) = node.info(INFO) else { continue };
            assert_eq!(info.text("halted"), "", "node {} has halted", node.id());
            let (applied, hash) = (info.number("applied_index"), info.text("state_hash"));
            let first = (hash.to_owned(), node.id());
            let (seen, by) = self.states.entry(applied).or_insert(first);
            assert_eq!(seen, hash, "after entry {applied}: nodes {by} and {} differ", node.id());
            infos.push((index, info));
        }
        infos
    }

    /// The node that leads, of several the one in the latest term.
    pub fn leader(&mut self) -> Option<usize> {
        let leads = |info: &Info| info.text("raft_role") == "leader";
        let leaders = self.survey().into_iter().filter(|(_, info)| leads(info));
        leaders.max_by_key(|(_, info)| info.number("term")).map(|(index, _)| index)
    }

    /// Waits until all nodes have applied the same entries.
    ///
    /// # Panics
    ///
    /// If they do not within [`PATIENCE`], or come to different states.
    pub fn wait_for_agreement(&mut self) {
        self.wait_for("agreement", |cluster| {
            let infos = cluster.survey();
            let reached = |info: &Info| {
                let applied = info.number("applied_index");
                (applied == info.number("last_index")).then_some(applied)
            };
            let first = infos.first().and_then(|(_, info)| reached(info));
            infos.len() == NODES
                && first.is_some()
                && infos.iter().all(|(_, info)| reached(info) == first)
        });
        self.survey().iter().for_each(|(_, info)| println!("{info}"));
    }

    /// Waits until it is so.
    ///
    /// # Panics
    ///
    /// If it is not within [`PATIENCE`].
    pub fn wait_for(&mut self, what: &str, mut is_so: impl FnMut(&mut Self) -> bool) {
        let start = Instant::now();
        while !is_so(self) {
            if start.elapsed() > PATIENCE {
                for (_, info) in self.survey() {
                    println!("{info}");
                }
                panic!("{what}: not within {PATIENCE:?}");
            }
            thread::sleep(Duration::from_millis(10));
        }
    }

    /// Asks all nodes to stop, and looks at their journals.
    ///
    /// # Panics
    ///
    /// If a node does not end well, or its journal does not.
    pub fn stop(mut self) {
        for node in &mut self.nodes {
            let status = node.stop();
            assert!(status.success(), "node {} ended with {status}", node.id());
            let inspected = node.inspect();
            let text = String::from_utf8_lossy(&inspected.stdout);
            let is_sealed = inspected.status.success() && text.contains("ends      cleanly");
            assert!(is_sealed, "the journal of node {}: {text}", node.id());
        }
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        if thread::panicking() {
            for node in &self.nodes {
                println!("{}", node.last_words());
            }
        }
    }
}
