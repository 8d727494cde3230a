//! What a caller chooses about a loop.

use raft_nostd::{Compaction, Duration, NodeId};
use std::net::SocketAddr;

/// Where a node listens, where its peers are, and how much it does at a time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// The UDP address of this node. Port zero takes a free one; see
    /// [`Loop::local_addr`](crate::Loop::local_addr).
    pub bind: SocketAddr,
    /// Where to send what is for a node: one address for every other voter, of the same family
    /// as `bind`. This node may be among them, so that all nodes can share a list. An address
    /// may be a proxy's: nodes are known by the id inside their datagrams, never by where they
    /// come from.
    pub peers: Vec<(NodeId, SocketAddr)>,
    /// Datagrams taken from the socket in one turn before timers and clients have theirs: at
    /// least 1 (zero counts as 1). What is left stays in the kernel until the next turn, at once.
    pub receive_budget: u32,
    /// Bytes to ask the kernel for as the socket's receive and send buffer each; it may give less
    /// (Linux: `net.core.rmem_max`, `wmem_max`), and never is asked to give up what it has. Zero:
    /// leave them alone. A buffer smaller than
    /// [`Config::window`](raft_nostd::Config::window) loses most of what is sent.
    pub socket_buffers: usize,
    /// Requests of all handles together that may wait for their answers. More are refused as
    /// [`Busy`](adapter_std::handle::HandleError::Busy).
    pub requests: usize,
    /// How long a request of a handle waits before its fate is told to be unknown.
    pub patience: Duration,
    /// When snapshots are taken, and how much of the loop's time they may have. Only where there
    /// is a medium for them.
    pub compaction: Compaction,
}

impl Options {
    /// At `bind`, with 256 datagrams per turn, socket buffers of 4 MiB if they can be had,
    /// 1,024 requests of handles, and 10 s of patience.
    #[must_use]
    pub fn new(bind: SocketAddr, peers: Vec<(NodeId, SocketAddr)>) -> Self {
        Self {
            bind,
            peers,
            receive_budget: 256,
            socket_buffers: 4 << 20,
            requests: 1_024,
            patience: Duration::from_millis(10_000),
            compaction: Compaction::default(),
        }
    }
}
