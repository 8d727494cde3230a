//! A thread-safe way to a node that belongs to one thread.
//!
//! [`channel`] makes two ends. Any number of threads and tasks hold [`Handle`]s; the thread that
//! owns the node keeps the [`Desk`] and shows it all that happens. (`adapter-mio` does so by itself;
//! ask its loop for a handle.)
//!
//! Every request ends, in exactly one of these ways:
//!
//! | answer | effect of a command |
//! |---|---|
//! | `Ok(response)` | applied |
//! | [`NotLeader`](HandleError::NotLeader), [`ProposeRefused`](HandleError::ProposeRefused), [`ReadRefused`](HandleError::ReadRefused), [`Busy`](HandleError::Busy), [`Stopped`](HandleError::Stopped) | none: the node did not take it |
//! | [`Lost`](HandleError::Lost) | none: another entry was committed in its place |
//! | [`Unknown`](HandleError::Unknown) | open; nobody but the client may try again |
//!
//! Answers are matched by position, that is by term *and* index: the response of another leader's
//! command at the same index is nobody's here.
//!
//! ```
//! use adapter_std::handle::{self, HandleError};
//! # use raft_nostd::{Committed, Duration, StateMachine};
//! # struct Lamp;
//! # impl StateMachine for Lamp {
//! #     type Response = ();
//! #     fn apply(&mut self, _: Committed<'_>) {}
//! #     fn query(&self, _: &[u8]) {}
//! # }
//! use std::time;
//!
//! let limits = handle::Limits { requests: 1, patience: Duration::from_millis(5_000) };
//! let (handle, desk) = handle::channel::<Lamp>(limits, || { /* wake the node's thread */ });
//! let waiting = handle.propose(b"on".to_vec());
//! let second = handle.propose(b"off".to_vec());
//! assert_eq!(second.wait(time::Duration::ZERO), Err(HandleError::Busy));
//! drop(desk); // The node ends; nobody waits for ever.
//! assert_eq!(waiting.wait(time::Duration::from_secs(9)), Err(HandleError::Stopped));
//! ```

mod desk;
mod error;
mod pending;
#[cfg(test)]
mod tests;

pub use desk::Desk;
pub use error::{Effect, HandleError, Unknown};
pub use pending::Pending;

use pending::{Promise, Waiting, lock};
use raft_nostd::{Duration, StateMachine};
use std::fmt::{self, Debug, Formatter};
use std::sync::{Arc, Mutex};

/// What all handles of one desk may ask for together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Requests that may wait for their answers; more are refused as [`HandleError::Busy`].
    pub requests: usize,
    /// How long a request waits, from when the desk takes it, before it is answered with
    /// [`Unknown::Deadline`]. A leader that lost its majority would keep it for ever.
    pub patience: Duration,
}

impl Default for Limits {
    /// 1,024 requests, 10 s.
    fn default() -> Self {
        Self { requests: 1_024, patience: Duration::from_millis(10_000) }
    }
}

/// Makes a handle, to be cloned, and the desk that serves it. `wake` must make the thread that
/// owns the node call [`Desk::serve`] soon; it is called from the threads of the handles, once
/// for all requests that come before the desk has looked.
pub fn channel<M: StateMachine>(
    limits: Limits,
    wake: impl Fn() + Send + Sync + 'static,
) -> (Handle<M>, Desk<M>) {
    let shared = Arc::new(Shared {
        inbox: Mutex::new(Inbox::Open(Vec::new())),
        waiting: Arc::default(),
        limits,
        wake: Box::new(wake),
    });
    (Handle { shared: Arc::clone(&shared) }, Desk::new(shared))
}

/// What a desk and its handles share.
struct Shared<R> {
    inbox: Mutex<Inbox<R>>,
    waiting: Arc<Waiting>,
    limits: Limits,
    wake: Box<dyn Fn() + Send + Sync>,
}

enum Inbox<R> {
    Open(Vec<Request<R>>),
    /// The desk is gone.
    Closed,
}

struct Request<R> {
    ask: Ask,
    promise: Promise<R>,
}

enum Ask {
    Propose(Vec<u8>),
    Read(Vec<u8>),
}

/// Proposes and reads from any thread. Cheap to clone.
pub struct Handle<M: StateMachine> {
    shared: Arc<Shared<M::Response>>,
}

impl<M: StateMachine> Handle<M> {
    /// Proposes `command`. Its answer is what the state machine answered when it applied it.
    pub fn propose(&self, command: Vec<u8>) -> Pending<M::Response> {
        self.ask(Ask::Propose(command))
    }

    /// Answers `query` from the state machine, linearizably: from a state that has all that was
    /// answered, by any node, before this call.
    pub fn read(&self, query: Vec<u8>) -> Pending<M::Response> {
        self.ask(Ask::Read(query))
    }

    /// How many requests wait at the moment, all handles of the desk together.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.shared.waiting.count()
    }

    fn ask(&self, ask: Ask) -> Pending<M::Response> {
        let shared = &self.shared;
        let Some(place) = shared.waiting.enter(shared.limits.requests) else {
            return Pending::refused(HandleError::Busy);
        };
        let (promise, pending) = Promise::new(place);
        let first = match &mut *lock(&shared.inbox) {
            Inbox::Closed => return pending, // The promise is dropped: stopped.
            Inbox::Open(requests) => {
                requests.push(Request { ask, promise });
                requests.len() == 1
            }
        };
        if first {
            (shared.wake)();
        }
        pending
    }
}

impl<M: StateMachine> Clone for Handle<M> {
    fn clone(&self) -> Self {
        Self { shared: Arc::clone(&self.shared) }
    }
}

impl<M: StateMachine> Debug for Handle<M> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.debug_struct("Handle").field("waiting", &self.waiting()).finish_non_exhaustive()
    }
}
