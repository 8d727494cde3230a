//! A lossy network on the loopback interface: a UDP relay between the nodes of a test.
//!
//! Each directed link (from, to) has a socket of its own on 127.0.0.1, to which the node `from`
//! sends instead of to the node `to`. One thread relays what arrives, does to it what the
//! [`Faults`] ask for, and counts what it did. What befalls the n-th datagram of a link follows
//! from the seed and the faults in force then; when it happens depends on the machine.
//!
//! The receiver sees the address of the link as the source, not that of the sender.

mod faults;
mod relay;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, UdpSocket};
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread::{self, JoinHandle};

pub use faults::{Counters, Faults, PerMille};
use relay::{Link, Relay};

/// How a test names a node.
pub type NodeId = u64;

/// The longest datagram UDP over IPv4 can carry.
pub const MAX_DATAGRAM: usize = 65_507;

/// What the relay does next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Running,
    Stopping,
}

/// What the test and the relay share. The relay holds the lock while it handles datagrams, so a
/// change made here applies to all that follows.
#[derive(Debug)]
struct Control {
    faults: Faults,
    cut: BTreeSet<(NodeId, NodeId)>,
    counters: Counters,
    under_way: usize,
    phase: Phase,
}

/// The relay. Dropping it stops it, and loses what is under way.
#[derive(Debug)]
pub struct Proxy {
    control: Arc<Mutex<Control>>,
    addresses: BTreeMap<(NodeId, NodeId), SocketAddr>,
    thread: Option<JoinHandle<()>>,
}

impl Proxy {
    /// Starts relaying on the directed `links`, each given as the nodes it leads from and to and
    /// the address the latter really has.
    ///
    /// # Errors
    ///
    /// If a target is not on 127.0.0.1, a link is given twice or leads nowhere, or the system
    /// provides no socket or no thread.
    pub fn start(
        links: Vec<(NodeId, NodeId, SocketAddr)>,
        seed: u64,
        faults: Faults,
    ) -> io::Result<Self> {
        let mut addresses = BTreeMap::new();
        let mut relayed = Vec::with_capacity(links.len());
        for (from, to, target) in links {
            let refuse = |why: &str| {
                let text = format!("link {from} -> {to} ({target}): {why}");
                Err(io::Error::new(io::ErrorKind::InvalidInput, text))
            };
            if target.ip() != IpAddr::V4(Ipv4Addr::LOCALHOST) {
                return refuse("the target is not on 127.0.0.1");
            }
            if from == to {
                return refuse("it leads from a node to itself");
            }
            let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
            socket.set_nonblocking(true)?;
            if addresses.insert((from, to), socket.local_addr()?).is_some() {
                return refuse("it is given twice");
            }
            relayed.push(Link::new((from, to), socket, target, seed));
        }
        let control = Arc::new(Mutex::new(Control {
            faults,
            cut: BTreeSet::new(),
            counters: Counters::default(),
            under_way: 0,
            phase: Phase::Running,
        }));
        let mut relay = Relay::new(Arc::clone(&control), relayed);
        let thread =
            thread::Builder::new().name("udp-proxy".to_owned()).spawn(move || relay.run())?;
        Ok(Self { control, addresses, thread: Some(thread) })
    }

    /// Where node `from` must send what is meant for node `to`.
    ///
    /// # Panics
    ///
    /// If there is no such link.
    pub fn addr(&self, from: NodeId, to: NodeId) -> SocketAddr {
        self.addresses.get(&(from, to)).copied().unwrap_or_else(|| no_link(from, to))
    }

    /// Applies these faults from now on. Datagrams under way are not affected.
    pub fn set_faults(&self, faults: Faults) {
        self.control().faults = faults;
    }

    /// Cuts the link from `from` to `to` in this direction. Once this returns nothing comes out
    /// of it; what is under way is lost.
    ///
    /// # Panics
    ///
    /// If there is no such link.
    pub fn cut(&self, from: NodeId, to: NodeId) {
        if !self.addresses.contains_key(&(from, to)) {
            no_link(from, to);
        }
        self.control().cut.insert((from, to));
    }

    /// Cuts all links from and to `node`.
    ///
    /// # Panics
    ///
    /// If it has none.
    pub fn isolate(&self, node: NodeId) {
        let links = self.addresses.keys().filter(|&&(from, to)| from == node || to == node);
        let links: Vec<_> = links.copied().collect();
        assert!(!links.is_empty(), "node {node} has no links");
        self.control().cut.extend(links);
    }

    /// Restores all links that were cut. The faults stay as they are.
    pub fn heal(&self) {
        self.control().cut.clear();
    }

    /// What happened to datagrams so far, on all links.
    pub fn counters(&self) -> Counters {
        self.control().counters
    }

    /// How many copies of datagrams have been received and neither delivered nor lost yet.
    pub fn under_way(&self) -> usize {
        self.control().under_way
    }

    fn control(&self) -> MutexGuard<'_, Control> {
        self.control.lock().expect("the relay does not panic")
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        if let Ok(mut control) = self.control.lock() {
            control.phase = Phase::Stopping;
        }
        let ended = self.thread.take().map(JoinHandle::join);
        if matches!(ended, Some(Err(_))) && !thread::panicking() {
            panic!("the relay panicked");
        }
    }
}

fn no_link(from: NodeId, to: NodeId) -> ! {
    panic!("there is no link {from} -> {to}")
}
