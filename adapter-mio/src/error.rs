//! Why a loop did not open, and why it ended.

use raft_nostd::{Halt, NodeId};
use std::error::Error;
use std::fmt::{self, Debug, Display, Formatter};
use std::io;
use std::net::SocketAddr;

/// Why a loop did not open. `E` is the medium's error.
#[derive(Debug)]
#[non_exhaustive]
pub enum OpenError<E> {
    /// The options have no address for this voter.
    NoAddress(NodeId),
    /// The options have two addresses for this node.
    TwoAddresses(NodeId),
    /// The options have an address for this node, which is not a voter.
    NotAVoter(NodeId),
    /// One of two addresses is IPv4 and the other IPv6: one socket cannot serve both.
    AddressFamily {
        /// The peer.
        peer: NodeId,
        /// Its address.
        address: SocketAddr,
        /// That of this node.
        local: SocketAddr,
    },
    /// There is not so much memory for the log.
    Memory {
        /// Bytes asked for.
        bytes: u64,
    },
    /// The UDP socket cannot be had.
    Socket {
        /// Where it should listen.
        bind: SocketAddr,
        /// How the operating system put it.
        source: io::Error,
    },
    /// The operating system does not let it poll.
    Poll(io::Error),
    /// The configuration, the journal or the state machine is refused.
    Node(raft_nostd::OpenError<E, E>),
}

impl<E: Display> Display for OpenError<E> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoAddress(node) => write!(f, "no address is given for voter {node}"),
            Self::TwoAddresses(node) => write!(f, "two addresses are given for node {node}"),
            Self::NotAVoter(node) => {
                write!(f, "an address is given for node {node}, which is not a voter")
            }
            Self::AddressFamily { peer, address, local } => write!(
                f,
                "node {peer} at {address} cannot be reached from {local}: \
                 use IPv4 for all nodes or IPv6 for all"
            ),
            Self::Memory { bytes } => write!(f, "cannot allocate {bytes} bytes for the log"),
            Self::Socket { bind, source } => write!(f, "cannot listen on UDP {bind}: {source}"),
            Self::Poll(source) => write!(f, "cannot poll: {source}"),
            Self::Node(error) => Display::fmt(error, f),
        }
    }
}

impl<E: Debug + Display> Error for OpenError<E> {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Socket { source, .. } | Self::Poll(source) => Some(source),
            _ => None,
        }
    }
}

/// Why a loop ended otherwise than by a clean stop.
#[derive(Debug)]
#[non_exhaustive]
pub enum RunError {
    /// The service could not start. The node was stopped cleanly.
    Start(io::Error),
    /// The node has stopped for good; all callbacks were made. Start the process again: recovery
    /// reads what is really there.
    Halted {
        /// What the node says.
        reason: Halt,
        /// What the medium said last, if it ever complained.
        storage: Option<String>,
    },
    /// The operating system does not let it poll any more. Nothing acknowledged is lost.
    Poll(io::Error),
    /// A clean stop that did not become durable. Nothing acknowledged is lost, but damage to the
    /// very end of the journal would not be noticed.
    Seal(String),
}

impl Display for RunError {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Start(source) => write!(f, "the service cannot start: {source}"),
            Self::Halted { reason, storage: Some(storage) } => {
                write!(f, "the node has halted: {reason}: {storage}")
            }
            Self::Halted { reason, storage: None } => write!(f, "the node has halted: {reason}"),
            Self::Poll(source) => write!(f, "cannot poll: {source}"),
            Self::Seal(error) => write!(f, "the journal cannot be sealed: {error}"),
        }
    }
}

impl Error for RunError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Start(source) | Self::Poll(source) => Some(source),
            Self::Halted { reason, .. } => Some(reason),
            Self::Seal(_) => None,
        }
    }
}
