//! Snapshots beside the journal: what a crash, a full medium or a lost file does to the two of them.

mod crash;
mod full;
mod refused;
mod salt;
mod support;
