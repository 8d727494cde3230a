//! The dissertation, sentence by sentence: D. Ongaro, *Consensus: Bridging Theory and Practice*,
//! 2014. One file for each section, one test for each sentence that the core implements.

#[path = "../common/mod.rs"]
mod common;

mod bounds;
mod edges;
mod election;
mod figure_3_6;
mod figure_3_7;
mod full;
mod halting;
mod install;
mod making_way;
mod memory;
mod metrics;
mod persistence;
mod pre_vote;
mod proposals;
mod quorum;
mod reads;
mod refused;
mod replication;
mod room;
mod safety;
mod snapshots;
mod stickiness;
mod storage;
mod terms;
mod timing;
mod wiped;
