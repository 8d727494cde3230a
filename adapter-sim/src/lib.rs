//! Clusters of [`raft_nostd`] nodes on a simulated network, disks and clocks, all from one seed.

#![forbid(unsafe_code)]
#![warn(missing_docs)]

mod judge;
mod place;
mod random;
mod run;
mod swarm;
mod world;

pub use run::{Failure, Options, Report, is_running, record, replay, run};
pub use world::tally::Tally;
