//! Where clients come in. Its address is taken before the journal is opened, so that nothing is
//! written when it is taken already; but it opens only after: a client that comes before is refused
//! by the operating system, as if nobody were there, and need not wait for an unknown time.

use super::error::Error;
use super::options::Options;
use mio::net::TcpListener;
use socket2::{Domain, Socket, Type};
use std::io;
use std::net::{self, SocketAddr};

/// Connections that may wait to be accepted.
const BACKLOG: i32 = 1_024;

/// An address that is taken.
#[derive(Debug)]
pub struct Door {
    socket: Socket,
    address: SocketAddr,
}

impl Door {
    /// Takes the address for clients. Also says what they are told to connect to.
    ///
    /// # Errors
    /// When it cannot be had, or they could not connect to it.
    pub fn take(options: &Options) -> Result<(Self, String), Error> {
        let address = options.client;
        if options.announce.is_none() && address.ip().is_unspecified() {
            return Err(Error::Usage(format!(
                "clients cannot connect to --client {address}: say --announce HOST:PORT"
            )));
        }
        let failed = |source| Error::Listen { address, source };
        let socket = bind(address).map_err(failed)?;
        let bound = socket.local_addr().map_err(failed)?.as_socket().unwrap_or(address);
        let announce = options.announce.clone().unwrap_or_else(|| bound.to_string());
        Ok((Self { socket, address }, announce))
    }

    /// Lets clients in.
    ///
    /// # Errors
    /// When another program did first.
    pub fn open(self) -> Result<TcpListener, Error> {
        let address = self.address;
        self.socket.listen(BACKLOG).map_err(|source| Error::Listen { address, source })?;
        Ok(TcpListener::from_std(net::TcpListener::from(self.socket)))
    }
}

fn bind(address: SocketAddr) -> io::Result<Socket> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, None)?;
    // As std does: connections of an earlier process may not have ended yet.
    socket.set_reuse_address(true)?;
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    Ok(socket)
}

#[cfg(test)]
mod tests {
    use super::super::options::Cli;
    use super::*;
    use clap::Parser;
    use std::io::ErrorKind;

    #[test]
    fn clients_are_refused_until_it_opens() {
        let line = "kv --id 1 --raft 127.0.0.1:0 --client 127.0.0.1:0 --data d";
        let options = Cli::parse_from(line.split(' ')).options.unwrap();
        let (door, announce) = Door::take(&options).unwrap();
        let early = net::TcpStream::connect(&announce).map_err(|error| error.kind());
        assert_eq!(early.err(), Some(ErrorKind::ConnectionRefused));
        let listener = door.open().unwrap();
        net::TcpStream::connect(&announce).unwrap();
        // Another one is told at once.
        let taken = Options { client: listener.local_addr().unwrap(), ..options };
        assert!(matches!(Door::take(&taken), Err(Error::Listen { .. })));
    }
}
