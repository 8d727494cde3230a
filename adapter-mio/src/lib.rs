//! Raft nodes on one thread and one `mio::Poll`: peers over UDP, deadlines, wake-ups, and the
//! host's own sockets.
//!
//! A program brings a [`StateMachine`](raft_nostd::StateMachine), a directory for the journal, and
//! the addresses of its peers. [`open()`] makes a [`Loop`] of them, [`Loop::run`] runs it until it is
//! stopped. The program takes part in one of two ways, or both:
//!
//! - as a [`Service`] **on** the loop, with sockets of its own: no locks, no other threads;
//! - through a [`Handle`](adapter_std::handle::Handle) from other threads or any async executor.
//!
//! ```
//! use adapter_mio::{NoService, Options, open};
//! use adapter_std::files::{self, FileMedium};
//! use adapter_std::handle::Effect;
//! use raft_nostd::{ClusterId, Committed, Config, Duration, NodeId, StateMachine};
//! use std::{thread, time};
//!
//! /// Counts what it is told to.
//! struct Counter(u64);
//!
//! impl StateMachine for Counter {
//!     type Response = u64;
//!     fn apply(&mut self, committed: Committed<'_>) -> u64 {
//!         self.0 += u64::from(committed.command == b"one more");
//!         self.0
//!     }
//!     fn query(&self, _request: &[u8]) -> u64 {
//!         self.0
//!     }
//! }
//!
//! # let dir = std::env::temp_dir().join(format!("adapter-mio-doc-{}", std::process::id()));
//! // Alone in its cluster; with peers, all nodes have the same voters, and their addresses here.
//! let voters = [NodeId::new(1).unwrap()];
//! let mut config = Config::new(ClusterId::from_name("counters"), voters[0], &voters);
//! config.election_timeout = Duration::from_millis(200);
//! let options = Options::new("127.0.0.1:0".parse()?, vec![]);
//! let medium = FileMedium::open(&dir, files::Options::new(1 << 20, 4))?;
//! let node = open(&config, options, Counter(0), medium, config.log_bytes(100))?;
//!
//! let (handle, stopper) = (node.handle(), node.stopper());
//! let thread = thread::spawn(move || node.run(&mut NoService::new()));
//! let (patience, began) = (time::Duration::from_secs(5), time::Instant::now());
//! // It does not lead at once. After "not the leader" one may ask again, as after anything that had
//! // no effect. An unknown fate is another matter: asked again, the command might count twice.
//! let count = loop {
//!     match handle.propose(b"one more".to_vec()).wait(patience) {
//!         Ok(count) => break count,
//!         Err(error) if error.effect() == Effect::None && began.elapsed() < patience => {
//!             thread::sleep(time::Duration::from_millis(10));
//!         }
//!         Err(error) => return Err(error.into()),
//!     }
//! };
//! assert_eq!(count, 1);
//! assert_eq!(handle.read(vec![]).wait(patience)?, 1);
//!
//! stopper.stop(); // From a handler of SIGTERM, say.
//! thread.join().unwrap()?;
//! # std::fs::remove_dir_all(&dir)?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # What it promises
//!
//! - **It blocks in `poll` and in syncs of the journal, and nowhere else.** Idle, it wakes for
//!   heartbeats and deadlines only.
//! - **Nobody starves.** A turn takes a bounded number of datagrams and of outputs, then looks at
//!   everything else. What is left makes the next turn come at once.
//! - **A stall is not an election.** Whatever kept the thread, the sockets are read before
//!   deadlines fire.
//! - **No reentrancy.** What the node does is told to the service between drains, in order. A
//!   service may propose in any callback.
//! - **A send that fails is a lost datagram**, counted, and never in the way of another.
//! - **The kernel has room for a window.** The socket's buffers are enlarged as far as the kernel
//!   allows ([`Options::socket_buffers`]). Raft's own [window](raft_nostd::Config::window) of 64 KiB
//!   per peer fits Linux's default of 208 KiB anyway; larger ones, which pay off where commands are
//!   large, need the sysctl `net.core.rmem_max` at twice as much.
//!
//! Errors that end a loop are [`RunError`]s; those that keep it from beginning, [`OpenError`]s.
#![cfg_attr(
    not(test),
    deny(
        clippy::indexing_slicing,
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::unreachable
    )
)]

mod error;
mod link;
mod node;
mod open;
mod options;
mod run;
mod service;
mod stopper;
mod world;

pub use error::{OpenError, RunError};
pub use node::{Counters, Node};
pub use open::{Storage, open, open_with_socket};
pub use options::Options;
pub use run::Loop;
pub use service::{FIRST_TOKEN, NoService, Service};
pub use stopper::Stopper;
pub use world::Unreadable;

pub use mio;
