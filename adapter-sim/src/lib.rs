//! Clusters of [`raft_nostd`] nodes on a simulated network, disks and clocks, all from one seed.

#![forbid(unsafe_code)]
#![warn(missing_docs)]

pub mod linearizability;
