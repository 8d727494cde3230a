//! The UDP socket between the nodes.

use crate::Counters;
use mio::net::UdpSocket;
use raft_nostd::{NodeId, Transport};
use std::io::{self, ErrorKind};
use std::net::SocketAddr;

/// One socket for all peers.
#[derive(Debug)]
pub(crate) struct Link {
    pub(crate) socket: UdpSocket,
    peers: Vec<(NodeId, SocketAddr)>,
    pub(crate) counters: Counters,
}

/// What one call to the operating system brought.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Received {
    /// So many bytes at the start of the buffer.
    Datagram(usize),
    /// News of an earlier send, or an interruption: read on.
    Nothing,
    /// There is nothing more until the socket is ready again.
    Dry,
    /// It cannot be read now, though there may be more.
    Failed,
}

impl Link {
    pub(crate) fn new(socket: UdpSocket, peers: Vec<(NodeId, SocketAddr)>) -> Self {
        Self { socket, peers, counters: Counters::default() }
    }

    /// Takes one datagram. `buf` is a byte longer than the longest that is allowed, so that an
    /// oversize one is told from one that just fits.
    pub(crate) fn receive(&mut self, buf: &mut [u8]) -> Received {
        let counters = &mut self.counters;
        count(&mut counters.receive_calls);
        match self.socket.recv_from(buf) {
            Ok((len, _)) => {
                count(&mut counters.received);
                if len >= buf.len() {
                    count(&mut counters.oversize);
                }
                Received::Datagram(len)
            }
            Err(error) => match error.kind() {
                ErrorKind::WouldBlock => Received::Dry,
                ErrorKind::Interrupted => Received::Nothing,
                _ => {
                    count(&mut counters.receive_errors);
                    after(&error)
                }
            },
        }
    }
}

/// Linux tells a socket that wants to receive that an earlier send was refused by the other host
/// (ICMP); that says nothing of what has come.
fn after(error: &io::Error) -> Received {
    match error.kind() {
        ErrorKind::ConnectionRefused
        | ErrorKind::ConnectionReset
        | ErrorKind::HostUnreachable
        | ErrorKind::NetworkUnreachable => Received::Nothing,
        _ => Received::Failed,
    }
}

impl Transport for Link {
    fn send(&mut self, to: NodeId, datagram: &[u8]) {
        let counters = &mut self.counters;
        let Some((_, address)) = self.peers.iter().find(|(peer, _)| *peer == to) else {
            return count(&mut counters.send_errors); // Every voter has an address: `open` saw to it.
        };
        match self.socket.send_to(datagram, *address) {
            Ok(_) => count(&mut counters.sent),
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                count(&mut counters.send_would_block);
            }
            Err(_) => count(&mut counters.send_errors),
        }
    }
}

/// One more.
pub(crate) fn count(counter: &mut u64) {
    *counter = counter.saturating_add(1);
}
