//! Clusters of [`raft_nostd`] nodes on a simulated network, disks and clocks, all from one seed.

#![forbid(unsafe_code)]
#![warn(missing_docs)]

mod judge;
mod place;
mod random;
mod registers;
mod run;
mod subject;
mod swarm;
mod world;

pub use random::Random;
pub use run::{Failure, Options, Report, is_running, record, replay, run};
pub use subject::Subject;
pub use world::tally::Tally;
