//! Raft consensus without heap, clock, socket, file, thread or `unsafe`.
//!
//! **Bytes and time go in, an ordered stream of outputs comes out.** A [`Raft`] is told of a
//! datagram, of time that has passed, of a batch that is durable, of a command to replicate; and
//! [`Raft::poll_output`] says what to do about it: send this, persist that, apply this command,
//! sleep until then. It does nothing else, so it runs wherever there are a few kilobytes of memory.
//!
//! ```text
//!   handle_datagram(now, bytes) ---+                          +--> Transmit { to, datagram }
//!   handle_timeout(now) -----------+      +-----------+       +--> Persist  { batch, ticket }
//!   handle_persisted(now, ticket) -+----> |   Raft    | ------+--> Event(..)
//!   propose(now, command) ---------+      +-----------+       +--> Apply { position, command }
//!   read(now) ---------------------+       poll_output        +--> Idle { wake_at }
//! ```
//!
//! The order of that stream is the safety argument: what rests on durability (a vote, an
//! acknowledgement, a node's own share in a majority) does not exist before the ticket of the batch
//! comes back. A driver that does what it is told, in the order it is told, cannot get Raft wrong.
//!
//! # Three nodes in memory
//!
//! 1. Make a [`Config`] and a [`Loading`] log in memory of your own, and start it.
//! 2. Pass in what happens: datagrams, and the time when `wake_at` has come.
//! 3. Poll until [`Output::Idle`], doing what each output says.
//!
//! ```
//! use raft_nostd::*;
//!
//! let voters = [1, 2, 3].map(|id| NodeId::new(id).unwrap());
//! let mut nodes = voters.map(|id| {
//!     let config = Config::new(ClusterId::from_name("doc"), id, &voters);
//!     let start = Start {
//!         hard_state: HardState::default(), // A blank node; see `Driver` for one with a journal.
//!         life: Life { incarnation: 1, boot: 1, nonce: id.get() },
//!         applied: Index::ZERO,
//!         seed: 4, // Entropy of the host, really.
//!         now: Instant::ORIGIN,
//!     };
//!     Loading::new::<3>(&config, [0_u8; 64 * 1024]).unwrap().start::<3>(start).unwrap()
//! });
//!
//! let (mut now, mut applied, mut proposed) = (Instant::ORIGIN, 0, false);
//! while applied < 3 {
//!     let (mut wake, mut post) = (Instant::NEVER, Vec::new());
//!     for node in &mut nodes {
//!         let (mut buf, mut ticket) = ([0; 1_200], None);
//!         node.handle_timeout(now);
//!         loop {
//!             match node.poll_output(now, &mut buf) {
//!                 Output::Transmit(out) => post.push((out.to, out.datagram.to_vec())),
//!                 Output::TransmitChunk(_) | Output::Install(_) => {} // No snapshots here.
//!                 Output::Persist(persist) => ticket = Some(persist.ticket), // Written: nowhere.
//!                 Output::Event(event) => println!("{event:?}"),
//!                 Output::Apply(committed) => {
//!                     assert_eq!(committed.command, b"hello");
//!                     applied += 1;
//!                 }
//!                 Output::Idle { wake_at } => match ticket.take() {
//!                     Some(ticket) => node.handle_persisted(now, ticket).unwrap(),
//!                     None => break wake = wake.min(wake_at),
//!                 },
//!             }
//!         }
//!         if node.status().role == Role::Leader && !proposed {
//!             proposed = node.propose(now, b"hello").is_ok();
//!             wake = now;
//!         }
//!     }
//!     for (to, datagram) in &post {
//!         let node = &mut nodes[to.get() as usize - 1];
//!         let _ = node.handle_datagram(now, datagram).unwrap();
//!     }
//!     if post.is_empty() {
//!         now = wake; // Nobody has anything to say: sleep.
//!     }
//! }
//! ```
//!
//! A host with a medium to write on has less to do: [`Driver`] does what the outputs say, with a
//! [`journal`] that survives power cuts, and asks its [`Host`] for a [medium](journal::Medium), a
//! [`Transport`] and a [`StateMachine`].
//!
//! # A log that never ends
//!
//! A log of any size goes on for ever if its state machine writes snapshots: [`StateMachine`] shows
//! how, with code for a struct and for a map, and how big is too big. They live on a medium of their
//! own ([`vault`]); [`Compaction`] says when they are taken and how much of each turn that may cost. Without
//! them a full log stays full.
//!
//! # How big
//!
//! [`Config::tiny`], [`Config::new`] and [`Config::server`] are three sizes; the
//! [README](https://github.com/raft-nostd/raft-nostd/blob/main/raft-nostd/README.md#sizes) states
//! memory, stack and flash of each.
//!
//! # Bytes
//!
//! What goes over the wire and onto a medium is specified, byte by byte and with golden bytes, in
//! [`WIRE.md`](https://github.com/raft-nostd/raft-nostd/blob/main/WIRE.md) of the repository.
//!
//! # When it panics
//!
//! Never: not from bytes, files, time or misuse. A panic is a bug of this project. Clippy holds the
//! lints that forbid what may panic; an image whose panic handler does not link proves it.
//!
//! # Features
//!
//! They only add. `fast-crc` (default): CRC-32 by `crc32fast` instead of a 64-byte table, 16 KiB
//! of tables. `std`: that crate's use of the processor's instructions. `log`: refusals, elections
//! and failures through the `log` facade. `explore`: for testing this crate, and for nothing else: a
//! node that can be cloned, with the ticket that is out.
#![no_std]
#![cfg_attr(
    not(test),
    deny(
        clippy::indexing_slicing,
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::arithmetic_side_effects,
        clippy::unreachable
    )
)]

#[cfg(test)]
extern crate std;

pub mod config;
pub mod crc;
pub mod driver;
mod election;
pub mod error;
pub mod frame;
pub mod invariants;
pub mod journal;
mod log;
pub mod manifest;
mod narrate;
mod propose;
mod raft;
mod rand;
mod read;
mod recv;
mod replicate;
mod room;
mod snapshot;
mod speak;
mod state;
pub mod time;
mod timeouts;
pub mod types;
pub mod vault;
pub mod wire;

pub use config::{Config, VOTERS_MAX};
pub use driver::{
    Compaction, Driver, Host, OpenError, SnapshotError, SnapshotWork, StateMachine, Transport,
};
pub use error::{
    ConfigError, Halt, LogFull, ProposeError, ReadError, Refused, SnapshotRefused, TicketError,
};
pub use manifest::{Manifest, Membership};
#[cfg(feature = "explore")]
pub use raft::Sketch;
pub use raft::{
    AttachError, Committed, Loading, Output, Persist, Raft, SnapshotAhead, SnapshotMissing,
    StartError, Transmit, TransmitChunk,
};
pub use rand::Seed;
pub use recv::{Chunk, Received};
pub use state::Start;
pub use state::durability::Ticket;
pub use state::metrics::Metrics;
pub use state::news::{Event, SnapshotFailure, Status};
pub use state::proposals::Proposed;
pub use state::reads::ReadId;
pub use state::role::Role;
pub use state::snapshots::ChunkTicket;
pub use time::{Duration, Instant};
pub use types::{ClusterId, HardState, Index, Life, NodeId, Position, Term};
