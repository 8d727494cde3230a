//! Benchmark of Raft implementations against each other.
//!
//! Every contender runs a whole cluster (three nodes, in one thread, in memory) behind the
//! [`Cluster`] trait: each message is encoded to bytes by its sender and decoded by its receiver
//! with the contender's own codec, and every node applies every command to a [`Machine`].
//!
//! To add a contender, implement [`Cluster`] in a file of its own and name it in
//! [`contenders::CONTENDERS`].

pub mod alloc;
pub mod cluster;
pub mod contenders;
pub mod machine;
pub mod measure;
pub mod ours;
pub mod tikv;

pub use cluster::{Cluster, Command};
pub use machine::Machine;
