//! The loop: sleep, take in, settle.

use crate::error::RunError;
use crate::node::{Backlog, Fate, Node, Rest};
use crate::open::PEERS;
use crate::service::{FIRST_TOKEN, Service};
use crate::stopper::Stopper;
use crate::world::Told;
use adapter_std::clock::until;
use adapter_std::files::FileMedium;
use adapter_std::handle::{Desk, Handle};
use mio::{Events, Poll, Token};
use raft_nostd::journal::Medium;
use raft_nostd::{Instant, StateMachine};
use std::fmt::{self, Debug, Formatter};
use std::io;
use std::net::SocketAddr;

/// Rounds of draining and telling in one turn, before the loop looks at its sockets again.
const ROUNDS_PER_TURN: u32 = 16;

/// A node on one thread and one `mio::Poll`. Made by [`open`](crate::open()), then [run](Loop::run).
///
/// A turn is: sleep in `poll`, and nowhere else; take datagrams, up to the budget; let the service
/// read its sockets; take what handles ask; fire the node's deadline, *after* all these, as what
/// came during a stall may have put it off; then drain the node (which syncs the journal), tell
/// the service what came of it, and repeat that until nothing does.
pub struct Loop<M: StateMachine, D: Medium = FileMedium> {
    pub(crate) node: Node<M, D>,
    pub(crate) poll: Poll,
    pub(crate) events: Events,
    pub(crate) desk: Desk<M>,
    pub(crate) handle: Handle<M>,
    pub(crate) stopper: Stopper,
    pub(crate) budget: u32,
    pub(crate) local_addr: SocketAddr,
}

/// Whether the loop had something to tell.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Tidings {
    None,
    Some,
}

impl<M: StateMachine, D: Medium> Loop<M, D> {
    /// A way to the node for other threads.
    #[must_use]
    pub fn handle(&self) -> Handle<M> {
        self.handle.clone()
    }

    /// A way to stop the loop from other threads.
    #[must_use]
    pub fn stopper(&self) -> Stopper {
        self.stopper.clone()
    }

    /// Where the node listens for its peers.
    #[must_use]
    pub fn local_addr(&self) -> SocketAddr {
        self.local_addr
    }

    /// The node, before it runs.
    #[must_use]
    pub fn node(&self) -> &Node<M, D> {
        &self.node
    }

    /// Runs the node and `service` until one of them, or the [`Stopper`], ends it. Every request of
    /// a handle is answered when this returns.
    ///
    /// # Errors
    /// Why it ended otherwise than by a clean stop.
    pub fn run<S: Service<D, Machine = M>>(mut self, service: &mut S) -> Result<(), RunError> {
        if let Err(error) = service.start(&mut self.node) {
            // It has said nothing yet, and a clean stop it is; the service's error matters more.
            let _ = self.node.driver.stop();
            return Err(RunError::Start(error));
        }
        let mut wake_at = self.settle(service);
        while self.goes_on() {
            let asked = service.wake_at().unwrap_or(Instant::NEVER);
            self.sleep(wake_at.min(asked).min(self.desk.wake_at())).map_err(RunError::Poll)?;
            self.take_in(service);
            wake_at = self.settle(service);
        }
        self.end()
    }

    fn goes_on(&mut self) -> bool {
        if self.stopper.is_stopped() {
            self.node.stop();
        }
        self.node.fate == Fate::Running
    }

    /// Sleeps until something comes or it is `wake_at`; not at all while datagrams may be left.
    fn sleep(&mut self, wake_at: Instant) -> io::Result<()> {
        loop {
            let wake_at = match self.node.backlog {
                Backlog::Some => Instant::ORIGIN,
                Backlog::Dry | Backlog::Failed => wake_at,
            };
            let timeout = until(self.node.look_at_clock(), wake_at);
            match self.poll.poll(&mut self.events, timeout) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                done => return done,
            }
        }
    }

    /// Takes all inputs: peers first, deadlines last.
    fn take_in<S: Service<D, Machine = M>>(&mut self, service: &mut S) {
        self.node.count_turn();
        self.node.look_at_clock();
        let peers_ready = self.events.iter().any(|event| event.token() == PEERS);
        if peers_ready || self.node.backlog != Backlog::Dry {
            self.node.receive(self.budget);
        }
        for event in self.events.iter().filter(|event| event.token() >= Token(FIRST_TOKEN)) {
            service.ready(&mut self.node, event);
        }
        let now = self.node.look_at_clock();
        self.desk.serve(&mut self.node.driver, now);
        self.node.fire();
    }

    /// Drains and tells until nothing comes of it any more, and returns when there will be
    /// something to do; a time long past if there is already.
    fn settle<S: Service<D, Machine = M>>(&mut self, service: &mut S) -> Instant {
        let mut ended = Tidings::None;
        for _ in 0..ROUNDS_PER_TURN {
            let rest = self.node.drain();
            let tidings = self.tell(service);
            match (rest, tidings, ended) {
                // Inputs first: sockets, then deadlines.
                (Rest::More, ..) => break,
                (Rest::Until(_), Tidings::Some, _) => ended = Tidings::None,
                (Rest::Until(wake_at), Tidings::None, Tidings::Some) => return wake_at,
                (Rest::Until(_), Tidings::None, Tidings::None) => {
                    service.turn_ends(&mut self.node);
                    ended = Tidings::Some;
                }
            }
        }
        service.turn_ends(&mut self.node);
        Instant::ORIGIN
    }

    /// Tells the desk and the service what the node did. They may propose; that waits for the next
    /// drain.
    fn tell<S: Service<D, Machine = M>>(&mut self, service: &mut S) -> Tidings {
        let mut tidings = Tidings::None;
        while let Some(told) = self.node.next_told() {
            tidings = Tidings::Some;
            match told {
                Told::Applied(position, response) => {
                    if let Some(response) = self.desk.applied(position, response) {
                        service.applied(&mut self.node, position, response);
                    }
                }
                Told::Event(event) => {
                    self.desk.event(&event, self.node.machine());
                    service.event(&mut self.node, event);
                }
            }
        }
        tidings
    }

    fn end(self) -> Result<(), RunError> {
        if let Fate::Halted(reason) = self.node.fate {
            let storage = self.node.storage_error().map(str::to_owned);
            return Err(RunError::Halted { reason, storage });
        }
        match self.node.driver.stop() {
            Ok(_) => Ok(()),
            Err(error) => Err(RunError::Seal(error.to_string())),
        }
    }
}

impl<M: StateMachine, D: Medium> Debug for Loop<M, D> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.debug_struct("Loop")
            .field("local_addr", &self.local_addr)
            .field("node", &self.node)
            .finish_non_exhaustive()
    }
}
