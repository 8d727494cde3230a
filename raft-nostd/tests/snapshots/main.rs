//! Compaction and snapshots (dissertation §5): three drivers together, and what a crash,
//! a full medium or a lost file does to journal and snapshots.

mod cluster;
mod crash;
mod full;
mod held_up;
mod refused;
mod salt;
mod slots;
mod support;
mod together;
