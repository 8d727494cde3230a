//! A durable, linearizable key-value service that speaks the Redis protocol: RESP2, and as much of
//! RESP3 as clients need that insist on it.
//!
//! From the bytes of a client to the log and back:
//!
//! ```text
//! client     its socket                      service    the node's loop: who is served when
//! resp       bytes -> words                  desk       the node, as a session sees it
//! request    words -> what is wanted         waiting    who waits for which position or round
//! session    the order of replies            announcer  tells the cluster where this node is
//! encoding   commands as bytes of the log    machine    the replicated state
//!                                            keys, snapshot: as an image, as bytes
//! reply      answers, in the words of Redis  info       INFO and ROLE
//! ```

mod announcer;
mod client;
mod descriptors;
mod desk;
mod digest;
mod discarded;
mod door;
mod encoding;
mod error;
mod gate;
mod info;
mod inline;
mod inspect;
mod inspect_snapshots;
mod journal;
mod keys;
mod local;
mod lost;
mod machine;
#[cfg(test)]
mod machine_tests;
mod options;
mod queue;
mod reply;
mod request;
mod resp;
mod run;
mod saves;
mod say;
mod sends;
mod service;
mod session;
#[cfg(test)]
mod session_tests;
mod snapshot;
mod snapshot_files;
#[cfg(test)]
mod snapshot_tests;
mod table;
mod transaction;
mod trouble;
mod values;
mod waiting;

pub use digest::Digest;
pub use encoding::{Bytes, Change, Command, Condition, Query, Step, decode, encode};
pub use error::Error;
pub use inspect::inspect;
pub use machine::{Failure, Machine, Response};
pub use options::{Cli, Options, Peer, Sync, Task};
pub use run::{main, run};
