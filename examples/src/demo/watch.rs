//! Looks at every node ten times a second, and notes what must never go back.

use super::node::Report;
use super::resp::Connection;
use super::trouble::{Trouble, wait_for};
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

/// What was seen.
#[derive(Clone, Debug, Default)]
pub struct Seen {
    /// How often a node answered.
    pub looks: u64,
    /// What went back, in words.
    pub went_back: Vec<String>,
    /// The highest commit index of any node.
    pub commit: u64,
    /// The node that led each term.
    pub leaders: BTreeMap<u64, u64>,
    /// Terms that two nodes led, in words.
    pub two_leaders: Vec<String>,
    /// Each node's term, run (by its boot number) and commit index when it was last seen.
    nodes: BTreeMap<SocketAddr, (u64, u64, u64)>,
}

/// A watching thread; ends when dropped.
#[derive(Debug)]
pub struct Watch {
    addresses: Vec<SocketAddr>,
    seen: Arc<Mutex<Seen>>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Watch {
    /// Watches the nodes at these addresses.
    pub fn start(addresses: Vec<SocketAddr>) -> Self {
        let (seen, stop) = (Arc::new(Mutex::default()), Arc::new(AtomicBool::new(false)));
        let (into, until) = (Arc::clone(&seen), Arc::clone(&stop));
        let nodes = addresses.clone();
        let thread = std::thread::spawn(move || watch(&nodes, &into, &until));
        Self { addresses, seen, stop, thread: Some(thread) }
    }

    /// Looks at every node once more, and returns all that was seen. Between two looks of the
    /// thread much may happen; after this one nothing is unseen of nodes at rest.
    ///
    /// # Errors
    /// When a node does not answer.
    pub fn finish(mut self) -> Result<Seen, Trouble> {
        self.join();
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner).clone();
        for address in &self.addresses {
            let report = wait_for("a node's last report", || Report::of(*address))?;
            seen.take(*address, &report);
        }
        Ok(seen)
    }

    fn join(&mut self) {
        self.stop.store(true, Ordering::SeqCst);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.join();
    }
}

fn watch(addresses: &[SocketAddr], seen: &Mutex<Seen>, stop: &AtomicBool) {
    let mut connections: BTreeMap<SocketAddr, Connection> = BTreeMap::new();
    while !stop.load(Ordering::SeqCst) {
        for address in addresses {
            if !connections.contains_key(address)
                && let Ok(connection) = Connection::open(*address, Duration::from_millis(500))
            {
                connections.insert(*address, connection);
            }
            let Some(connection) = connections.get_mut(address) else { continue };
            match Report::from(connection) {
                Some(report) => {
                    seen.lock().unwrap_or_else(PoisonError::into_inner).take(*address, &report);
                }
                None => drop(connections.remove(address)),
            }
        }
        std::thread::sleep(Duration::from_millis(100));
    }
}

impl Seen {
    fn take(&mut self, address: SocketAddr, report: &Report) {
        self.looks += 1;
        let (id, term) = (report.number("node_id"), report.number("term"));
        let (run, commit) = (report.number("boot"), report.number("commit_index"));
        if let Some((last_term, last_run, last_commit)) = self.nodes.get(&address) {
            if term < *last_term {
                self.went_back.push(format!("node {id}: term {last_term} -> {term}"));
            }
            if run == *last_run && commit < *last_commit {
                self.went_back.push(format!("node {id}: commit {last_commit} -> {commit}"));
            }
            if run < *last_run {
                self.went_back.push(format!("node {id}: boot {last_run} -> {run}"));
            }
        }
        self.nodes.insert(address, (term, run, commit));
        self.commit = self.commit.max(commit);
        if report.leads() {
            let first = *self.leaders.entry(term).or_insert(id);
            if first != id {
                self.two_leaders.push(format!("nodes {first} and {id} in term {term}"));
            }
        }
    }
}
