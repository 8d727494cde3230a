//! What a std host lends to `raft-nostd`.
//!
//! - [`clock`]: a monotonic clock, and the timeout to sleep with.
//! - [`entropy`]: a seed for a node's random numbers and its journal's salt.
//! - [`files`]: a medium made of files in one directory, for a journal or for snapshots.
//! - [`handle`]: a thread-safe way to a node that belongs to one thread.
//! - [`memory`]: a journal medium in memory that fails when told to.

pub mod clock;
pub mod entropy;
pub mod files;
pub mod handle;
pub mod memory;

#[cfg(test)]
#[path = "../tests/testing/mod.rs"]
mod testing;
