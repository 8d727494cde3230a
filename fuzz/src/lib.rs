//! What the fuzz targets do with the fuzzer's bytes. `README.md` says how to run them.
//!
//! A function panics when a property does not hold; `tests/replay.rs` runs every checked-in input
//! through them on stable.

mod datagram;
mod input;
mod journal;
mod medium;
mod node;
mod seeds;

pub use datagram::decode_datagram;
pub use journal::recover_journal;
pub use node::handle_datagram;
pub use seeds::{Seed, seeds};
