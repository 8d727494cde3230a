//! One client: its socket and its session.

use super::session::{Backend, OUTPUT_MAX, Session};
use mio::Interest;
use mio::event::Event;
use mio::net::TcpStream;
use mio::{Registry, Token};
use std::io::{self, ErrorKind, Read, Write};

/// What one step with a client leaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum After {
    /// Nothing until it sends or receives something, or an answer comes.
    Rest,
    /// More to read, when the others had their turn.
    Again,
    /// Nothing: it is to be forgotten.
    Gone,
}

/// What the socket said last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Readiness {
    Ready,
    Blocked,
}

/// A client. Dropping it closes its connection.
#[derive(Debug)]
pub struct Client {
    stream: TcpStream,
    session: Session,
    /// Whether there may be something to read.
    readable: Readiness,
}

impl Client {
    /// Takes a connection.
    ///
    /// # Errors
    /// When the operating system does not let it be polled.
    pub fn new(mut stream: TcpStream, token: usize, registry: &Registry) -> io::Result<Self> {
        // Replies are written whole: there is nothing to wait for.
        stream.set_nodelay(true)?;
        let both = Interest::READABLE | Interest::WRITABLE;
        registry.register(&mut stream, Token(token), both)?;
        let session = Session::new(token as u64);
        Ok(Self { stream, session, readable: Readiness::Ready })
    }

    /// The socket is ready.
    pub fn ready(&mut self, event: &Event) {
        if event.is_readable() || event.is_read_closed() || event.is_error() {
            self.readable = Readiness::Ready;
        }
    }

    /// Its conversation.
    pub fn session(&mut self) -> &mut Session {
        &mut self.session
    }

    /// Reads what came (at most as much as `scratch` takes), does it, and sends what is answered.
    pub fn serve<B: Backend>(&mut self, scratch: &mut [u8], backend: &mut B) -> After {
        match self.try_serve(scratch, backend) {
            Ok(after) => after,
            Err(_) => After::Gone,
        }
    }

    fn try_serve<B: Backend>(&mut self, scratch: &mut [u8], backend: &mut B) -> io::Result<After> {
        self.session.run(backend);
        self.read(scratch)?;
        loop {
            self.session.run(backend);
            let full = self.session.unsent().len() >= OUTPUT_MAX;
            self.flush()?;
            if !full || !self.session.unsent().is_empty() {
                break;
            }
        }
        if self.session.is_over() {
            return Ok(After::Gone);
        }
        let more = self.readable == Readiness::Ready && self.session.is_listening();
        Ok(if more { After::Again } else { After::Rest })
    }

    fn read(&mut self, scratch: &mut [u8]) -> io::Result<()> {
        let mut budget = scratch.len();
        while budget > 0 && self.readable == Readiness::Ready && self.session.is_listening() {
            match self.stream.read(scratch) {
                Ok(0) => {
                    self.readable = Readiness::Blocked;
                    self.session.receive_end();
                }
                Ok(bytes) => {
                    self.session.receive(scratch.get(..bytes).unwrap_or_default());
                    budget = budget.saturating_sub(bytes);
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    self.readable = Readiness::Blocked;
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Sends what is answered, as far as the socket takes it.
    ///
    /// # Errors
    /// When the connection is broken.
    pub fn flush(&mut self) -> io::Result<()> {
        while !self.session.unsent().is_empty() {
            match self.stream.write(self.session.unsent()) {
                Ok(0) => return Err(ErrorKind::WriteZero.into()),
                Ok(bytes) => self.session.sent(bytes),
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}
