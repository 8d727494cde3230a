//! Everything that may happen to a small cluster, within bounds: exhaustive exploration of the real core.
//!
//! The simulator tries what chance brings. This tries everything, in clusters and runs so small that
//! everything can be tried: each datagram early, late, twice or never, each timeout, each crash before and after
//! a batch is durable. The nodes are [`raft_nostd::Raft`] itself, not a model of it. After each happening all that
//! Figure 3.2 of the dissertation demands is checked, of memories and of disks; the first state in which
//! something is wrong ends the exploration, with the shortest way there in prose.
//!
//! ```
//! use adapter_sim::explore::{Bounds, Ending, explore};
//!
//! // Three nodes, one term, one of them campaigns, and one crash.
//! let bounds = Bounds { timeouts: 1, crashes: 1, ..Bounds::of_nothing(3) };
//! let report = explore(&bounds)?;
//! assert_eq!(report.ending, Ending::Closed); // There is nothing else that could happen.
//! assert!(report.reached[1][1] > 0); // Somebody was elected, and its no-op was committed.
//! # Ok::<(), adapter_sim::explore::Failure>(())
//! ```
//!
//! `cargo run --release -p adapter-sim -- explore --help` explores with other bounds; `EXPLORE.md` tells
//! of what was explored, how long it took, and which seeded bugs it finds.
//!
//! # What a state is
//!
//! Nodes meet only through datagrams. So what becomes of one node depends on that node and on what happens to it,
//! and the core is asked only once for each: a catalogue numbers every node *as it may be* (core, disk, batch
//! under way) and every datagram, and remembers what leads where. A state of the cluster is then a few numbers:
//! one for each node, those of the datagrams on the network, how often each bounded thing may still happen, and
//! what must be remembered to check the past: who was elected in which term, and what was committed when.
//!
//! States are explored breadth first, on several threads, and told apart by 64-bit hashes. That two among *n*
//! different states have the same hash, so that one of them is left out, has a chance below *n*²/2⁶²: one in
//! 46,000 for ten million states.
//!
//! # What is abstracted, and why nothing is lost by that
//!
//! - **The network** loses, doubles and reorders without any bound: a datagram that was said may be delivered from
//!   then on at any time and any number of times, so it stays where it is. To lose one is never to deliver it.
//! - **Answers ahead of their time.** Where a datagram changes nothing at its receiver but makes it answer (a
//!   pre-vote, most doubles), the answer is put on the network as soon as it could be. It need not be delivered, so
//!   a state with the answer can do all that one without it can. This alone makes one state of hundreds; a test
//!   holds that the same nodes are reached without it. Prose does not tell of such answers.
//! - **Names.** The core treats all peers alike but for the order in which it serves them, which the network
//!   forgets. States that differ in nothing but how nodes are called count as one: the hash is the smallest under
//!   all renamings.
//! - **What is left.** A state that was seen when no less of anything was left is not explored again.
//! - **Time.** Each node has a clock of its own, which moves only when the explorer says so: by two election
//!   timeouts when nobody is heard (a follower or candidate campaigns, a leader steps down), by a heartbeat when
//!   one is due. Any silence may be that long at any time, since nothing says how fast clocks run. So the node's
//!   random timeouts do not matter, and points in time are no part of a state. A test holds that nodes which count as
//!   one do the same.
//! - **Loyalty** to a leader (§4.2.3) has always run out when a datagram comes to a follower. A loyal follower
//!   ignores some requests for votes, which may be lost anyway.
//! - **Commands** are all equal: the core never looks at them.
//! - **Crash and start** are one happening: to be down is to do nothing for a while.
//!
//! # Storage
//!
//! What a node wants durable is so before anything else happens to it, or, as often as [`Bounds::slow`] says,
//! it is not: then the ticket is out, datagrams and timeouts come, and at some time the ticket comes back, or
//! the node dies, and the batch is on its disk or not. A batch is written in one piece, as the journal writes it in one block.
//!
//! # What is checked, in each state
//!
//! At most one leader in each term, elected by a majority of durable votes; Log Matching of all memories and
//! disks; Leader Completeness; that what is committed never changes, is committed by a leader first, lies on a
//! majority of disks, and that nobody without it could be elected; that what a leader takes for matched is on the
//! follower's disk. Of each node: what it says is durable (term, vote, end of its log, what it acknowledges), and so
//! is what it applies, in order and once; it neither commits nor acknowledges what its leader has not proven to it; term, vote, commit and applied index never go back, nor does the
//! disk's vote change in a term; no node halts; and all of [`raft_nostd::invariants`].
//!
//! # What is not covered
//!
//! Snapshots and compaction, reads, full logs and full or failing media, damaged datagrams, and what lies beyond
//! the bounds. Each happening is followed by polling until nothing is left to do: that a second input
//! comes between two outputs is not tried. A heartbeat always finds what is unanswered overdue. A batch is never torn
//! (the journal's own tests do that), and one datagram holds all entries there are.

mod catalogue;
mod disk;
mod judge;
mod log;
mod permute;
mod place;
mod prose;
mod search;
mod step;
mod world;

use log::Log;
use search::Search;
use std::time::Duration;
use step::Answers;

#[cfg(test)]
mod tests;

/// How much may happen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// Voters: 1 to 5.
    pub nodes: u8,
    /// The last term there may be: 1 to 7.
    pub terms: u8,
    /// Commands that clients propose, in all. With `terms` (each leader opens its own with a no-op) no more
    /// than 8.
    pub commands: u8,
    /// Crashes, in all.
    pub crashes: u8,
    /// Heartbeats of leaders and repeated requests of candidates, in all.
    pub beats: u8,
    /// Election timeouts, in all.
    pub timeouts: u8,
    /// Batches that are not durable before anything else happens, in all.
    pub slow: u8,
    /// Crashes that leave an empty disk, in all. Raft does not survive a single one: to see what an
    /// exploration says that finds something.
    pub wipes: u8,
    /// Stop after about so many states.
    pub states: u64,
    /// Stop when everything that so many happenings lead to was seen.
    pub depth: u32,
    /// Threads that work.
    pub threads: usize,
}

impl Default for Bounds {
    /// Three nodes, three terms, three commands, two crashes, six election timeouts, two heartbeats, two slow
    /// batches; ten million states; a thread for each processor.
    fn default() -> Self {
        Self {
            nodes: 3,
            terms: 3,
            commands: 3,
            crashes: 2,
            timeouts: 6,
            beats: 2,
            slow: 2,
            wipes: 0,
            states: 10_000_000,
            depth: u32::MAX,
            threads: std::thread::available_parallelism().map_or(1, usize::from),
        }
    }
}

impl Bounds {
    /// As small as bounds can be, for a cluster of so many nodes: nothing happens in no term.
    pub fn of_nothing(nodes: u8) -> Self {
        let (terms, commands, crashes, timeouts, beats, slow) = (1, 0, 0, 0, 0, 0);
        Self { nodes, terms, commands, crashes, timeouts, beats, slow, ..Self::default() }
    }

    fn check(&self) -> Result<(), &'static str> {
        if !(1..=5).contains(&self.nodes) {
            return Err("1 to 5 nodes");
        }
        if !(1..=7).contains(&self.terms) {
            return Err("1 to 7 terms");
        }
        if u64::from(self.terms) + u64::from(self.commands) > Log::LEN_MAX {
            return Err("no more than 8 terms and commands together");
        }
        Ok(())
    }
}

/// How far an exploration has come.
#[derive(Clone, Debug)]
pub struct Progress {
    /// Happenings before the states that are looked at now.
    pub depth: u32,
    /// Different states.
    pub states: u64,
    /// Happenings tried.
    pub steps: u64,
    /// About so many states of this depth are still to be looked at.
    pub queued: u64,
    /// About so many states of the next depth are known.
    pub next: u64,
    /// Different states of single nodes.
    pub nodes_as_they_may_be: usize,
    /// Different datagrams.
    pub datagrams: usize,
    /// Since the start.
    pub elapsed: Duration,
}

/// Why an exploration has ended without a violation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// There is nothing more within the bounds.
    Closed,
    /// [`Bounds::states`] are spent.
    StatesSpent,
    /// [`Bounds::depth`] is reached.
    DepthReached,
}

/// What an exploration that found nothing wrong has seen.
#[derive(Clone, Debug)]
pub struct Report {
    /// Why it ended.
    pub ending: Ending,
    /// Different states.
    pub states: u64,
    /// Happenings tried.
    pub steps: u64,
    /// New states by depth, from the first one on.
    pub levels: Vec<u64>,
    /// Different states of single nodes.
    pub nodes_as_they_may_be: usize,
    /// Different datagrams.
    pub datagrams: usize,
    /// States whose successors were looked at, by how many terms had a leader, and by how many entries were
    /// committed.
    pub reached: [[u64; 9]; 8],
    /// How long it took.
    pub elapsed: Duration,
}

/// Something that must never happen, and the shortest way there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// What is wrong.
    pub what: String,
    /// What happened, one after the other.
    pub path: Vec<String>,
}

impl std::fmt::Display for Violation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        writeln!(f, "{}, after:", self.what)?;
        for (number, step) in (1..).zip(&self.path) {
            writeln!(f, "{number:4}. {step}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Violation {}

/// Why an exploration has failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Failure {
    /// The bounds are beyond what can be explored at all: which of them.
    Bounds(&'static str),
    /// Something went wrong that never must.
    Violation(Box<Violation>),
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Bounds(what) => write!(f, "out of bounds: {what}"),
            Self::Violation(violation) => violation.fmt(f),
        }
    }
}

impl std::error::Error for Failure {}

/// Explores everything within the bounds, or as much of it as they allow.
///
/// # Errors
/// The first thing that is wrong, with a shortest way there; or what is wrong with the bounds.
pub fn explore(bounds: &Bounds) -> Result<Report, Failure> {
    explore_and_tell(bounds, &mut |_| {})
}

/// The same, and `tell` hears of it every few seconds.
///
/// # Errors
/// As [`explore`].
pub fn explore_and_tell(
    bounds: &Bounds,
    tell: &mut dyn FnMut(&Progress),
) -> Result<Report, Failure> {
    bounds.check().map_err(Failure::Bounds)?;
    match bounds.nodes {
        1 => Search::<1, 1>::new(bounds, Answers::Ahead).run(tell),
        2 => Search::<2, 2>::new(bounds, Answers::Ahead).run(tell),
        3 => Search::<3, 6>::new(bounds, Answers::Ahead).run(tell),
        4 => Search::<4, 24>::new(bounds, Answers::Ahead).run(tell),
        _ => Search::<5, 120>::new(bounds, Answers::Ahead).run(tell),
    }
}
