//! Clusters of [`raft_nostd`] nodes on a simulated network, disks and clocks, all from one seed.

#![forbid(unsafe_code)]
#![warn(missing_docs)]

mod check;
mod judge;
pub mod linearizability;
pub mod picture;
mod place;
mod quiet;
mod random;
mod registers;
mod run;
mod shrink;
pub mod story;
mod subject;
mod swarm;
mod world;

pub use check::check;
pub use quiet::keep_judges_quiet;
pub use random::{Random, Tape};
pub use run::{Failure, Options, Report, Simulator};
pub use shrink::Shrunk;
pub use subject::Subject;
pub use world::tally::Tally;
