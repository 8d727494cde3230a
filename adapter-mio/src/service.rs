//! What runs on the loop beside the node: the host's own sockets, clients and deadlines.

use crate::node::Node;
use adapter_std::files::FileMedium;
use mio::event::Event as Readiness;
use raft_nostd::journal::Medium;
use raft_nostd::{Event, Instant, Position, StateMachine};
use std::io;
use std::marker::PhantomData;

/// The first token a service may register its sockets with; smaller ones are the loop's own.
pub const FIRST_TOKEN: usize = 16;

/// A program on the loop of a node. All calls come from the thread that runs the loop, one at a
/// time, and none of them should block: nobody is heard meanwhile, and the other nodes elect a
/// new leader after an election timeout.
///
/// In any of them the service may [propose](Node::propose) and [read](Node::read); what comes of it
/// comes later, in a call of its own, never from inside.
///
/// A service that does not care where the journal is kept is implemented for every `D`; one for
/// files only may leave `D` out.
pub trait Service<D: Medium = FileMedium> {
    /// What is replicated.
    type Machine: StateMachine;

    /// The loop begins: register listeners with [`Node::registry`], under tokens from
    /// [`FIRST_TOKEN`] up. Nothing has been sent yet, and no command was applied.
    ///
    /// # Errors
    /// What keeps the service from running: the loop seals the journal and ends with it.
    fn start(&mut self, node: &mut Node<Self::Machine, D>) -> io::Result<()>;

    /// A socket of the service is ready. As always with mio, readiness is told once: read or write
    /// until `WouldBlock`, or remember that there is more and ask for a turn at once by
    /// [`Service::wake_at`].
    fn ready(&mut self, node: &mut Node<Self::Machine, D>, readiness: &Readiness);

    /// The command at `position` was applied and answered `response`. This comes for commands of
    /// every node, in log order and after a restart from the first on; whoever waits for exactly
    /// this position (term *and* index) may have it. Those that were proposed by a
    /// [`Handle`](adapter_std::handle::Handle) do not come here.
    fn applied(
        &mut self,
        node: &mut Node<Self::Machine, D>,
        position: Position,
        response: <Self::Machine as StateMachine>::Response,
    );

    /// Something happened to the node. Comes in order with [`Service::applied`]; at
    /// [`Event::ReadReady`] the reads up to that id may be answered from [`Node::machine`].
    fn event(&mut self, node: &mut Node<Self::Machine, D>, event: Event);

    /// When the service wants a turn even if nothing happens. Asked before each sleep; a time
    /// that has passed means at once, so move it on in [`Service::turn_ends`], or the loop spins.
    fn wake_at(&self) -> Option<Instant> {
        None
    }

    /// All inputs of this turn are done: flush buffers, look at deadlines. Called at least once a
    /// turn, and again if more came of it. What is proposed here leaves before the loop sleeps.
    fn turn_ends(&mut self, node: &mut Node<Self::Machine, D>) {
        let _ = node;
    }
}

/// No service: for nodes that are only used through a [`Handle`](adapter_std::handle::Handle).
#[derive(Clone, Copy, Debug)]
pub struct NoService<M>(PhantomData<fn() -> M>);

impl<M> NoService<M> {
    /// It does nothing.
    #[must_use]
    pub const fn new() -> Self {
        Self(PhantomData)
    }
}

impl<M> Default for NoService<M> {
    fn default() -> Self {
        Self::new()
    }
}

impl<M: StateMachine, D: Medium> Service<D> for NoService<M> {
    type Machine = M;

    fn start(&mut self, _: &mut Node<M, D>) -> io::Result<()> {
        Ok(())
    }

    fn ready(&mut self, _: &mut Node<M, D>, _: &Readiness) {}

    fn applied(&mut self, _: &mut Node<M, D>, _: Position, _: M::Response) {}

    fn event(&mut self, _: &mut Node<M, D>, _: Event) {}
}
