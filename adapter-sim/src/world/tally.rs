//! How often each thing took effect.

use crate::place::host::{Deeds, Told};
use crate::world::World;
use adapter_std::memory::Failures;
use raft_nostd::{Event, Role};

/// What need not happen: no faults, but ends that are allowed.
const RARE: [&str; 4] = ["waits_for_all", "exhausted", "explained_by_search", "undecided"];

macro_rules! tally {
    ($(#[doc = $meaning:literal] $counter:ident),+ $(,)?) => {
        /// How often each fault took effect, and what was done in spite of it.
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
        pub struct Tally {
            $(#[doc = $meaning] pub $counter: u64,)+
        }

        impl Tally {
            /// Adds what was counted elsewhere.
            pub fn add(&mut self, other: &Tally) {
                $(self.$counter += other.$counter;)+
            }

            /// What never happened, though it should in any hundred runs.
            pub fn missing(&self) -> impl Iterator<Item = &'static str> {
                let rare = |name: &str| RARE.contains(&name);
                self.counters().filter(move |(name, times)| *times == 0 && !rare(name)).map(|(name, _)| name)
            }

            /// Each counter's name and value.
            pub fn counters(&self) -> impl Iterator<Item = (&'static str, u64)> {
                [$((stringify!($counter), self.$counter),)+].into_iter()
            }

            /// What each counter counts, in the same order.
            pub fn meanings() -> impl Iterator<Item = &'static str> {
                [$($meaning.trim_ascii(),)+].into_iter()
            }
        }
    };
}

tally! {
    /// Simulated milliseconds.
    virtual_millis,
    /// Datagrams that arrived.
    delivered,
    /// Datagrams that did not.
    lost,
    /// Datagrams that arrived twice.
    duplicated,
    /// Datagrams with a flipped bit.
    flipped,
    /// Datagrams that were cut short.
    truncated,
    /// Datagrams of another cluster.
    foreign,
    /// Datagrams that also went to another node.
    misdelivered,
    /// Datagrams that came out of order.
    late,
    /// Datagrams that came late because all of their kind do.
    dawdled,
    /// Networks that fell apart.
    partitions,
    /// Datagrams that were lost for that.
    severed,
    /// Networks whose parts came together and fell apart, again and again.
    flapping,
    /// Nodes that were cut off together with one other, of more than three.
    pairs,
    /// Reads asked at a leader while another thinks that it leads.
    rival_reads,
    /// Leaders that something happened to as soon as they were elected.
    ambushes,
    /// Nodes that stopped.
    crashes,
    /// Leaders that stopped.
    leader_crashes,
    /// Nodes that stopped as soon as they had taken commands.
    proposer_crashes,
    /// Times at which all stopped at once.
    blackouts,
    /// Processes that were killed.
    kills,
    /// Nodes that were stopped cleanly.
    seals,
    /// Sectors that a power cut found unsynced.
    torn,
    /// Starts that found less than had been written.
    undone,
    /// Starts from a copy of the disks with a flipped bit.
    rotten_copies,
    /// Bits that flipped on disks for good.
    rotten,
    /// Writes that went astray.
    astray,
    /// Writes, erases and syncs that a power cut ended halfway.
    power_cuts,
    /// Nodes that stay down since their disks do not give back what they were given.
    lost_disks,
    /// Leaders with a follower that does not hear them.
    disturbed,
    /// Nodes that stayed down while a quorum had to do without them.
    left_dead,
    /// Starts that a power cut ended.
    interrupted_recoveries,
    /// Nodes that stood still.
    pauses,
    /// Clocks that jumped ahead.
    jumps,
    /// Clocks that ran at half to twice the true pace.
    wild_clocks,
    /// Clocks that all showed the same.
    equal_clocks,
    /// Clocks whose milliseconds left 32 bits.
    wrapped_clocks,
    /// Writes and erases of journals that found no space.
    full,
    /// Syncs of journals that failed.
    sync_failures,
    /// Those of them that lost what they were to make durable.
    lost_writes,
    /// The same of media for snapshots: writes and erases that found no space.
    snapshots_full,
    /// Their syncs that failed.
    snapshots_sync_failures,
    /// Their writes, erases and syncs that a power cut ended.
    snapshots_power_cuts,
    /// Batches that were written in the background.
    deferred_syncs,
    /// Those that took long.
    slow_writes,
    /// Times at which a client asked for much at once.
    bursts,
    /// Commands without a byte that a node took.
    empty_commands,
    /// Commands as long as can be that a node took.
    longest_commands,
    /// Terms with a leader.
    elections,
    /// Leaders that made way for others, since their logs stayed full.
    made_way,
    /// Commands that their proposer saw applied.
    applied,
    /// Commands that were asked once more, since their fate was open.
    retries,
    /// Commands that were refused.
    refused,
    /// Commands that were told to be lost.
    proposals_lost,
    /// Linearizable reads that were answered.
    reads,
    /// Logs that lost entries to a leader's.
    truncations,
    /// Times at which a node with something to take a snapshot of was asked to.
    compactions_asked,
    /// Snapshots that nodes took.
    snapshots_taken,
    /// Snapshots of leaders that nodes installed.
    snapshots_installed,
    /// Snapshots that came to nothing.
    snapshots_failed,
    /// Chunks of snapshots that did not arrive.
    chunks_lost,
    /// Transfers of snapshots that something happened to.
    waylaid,
    /// Nodes that were slow to replace their machine, while who sent the snapshot was cut off.
    forsaken,
    /// Transfers that went on after a restart.
    transfers_resumed,
    /// Transfers that made way for a newer snapshot.
    transfers_superseded,
    /// Nodes that stopped while they were restored from a snapshot.
    interrupted_installs,
    /// Runs whose clients' answers the order of the log explains.
    explained_by_log,
    /// Those in which another order had to be found, and was.
    explained_by_search,
    /// Those in which it would have taken too long to find out whether there is one.
    undecided,
    /// Healed quorums whose leader had no room to open its term, and waits for all.
    waits_for_all,
    /// Runs that ended with logs that nothing can make room in.
    full_for_good,
    /// Runs that ended without a leader, for the same reason.
    exhausted,
}

impl Tally {
    /// Counts how the disks of a node failed.
    pub(super) fn count_media(&mut self, journal: Failures, snapshots: Failures) {
        self.full += journal.full;
        self.sync_failures += journal.syncs;
        self.lost_writes += journal.losing_syncs;
        self.power_cuts += journal.power_cuts;
        self.astray += journal.astray + snapshots.astray;
        self.snapshots_full += snapshots.full;
        self.snapshots_sync_failures += snapshots.syncs;
        self.snapshots_power_cuts += snapshots.power_cuts;
    }
}

impl World {
    /// Counts what a node has done about snapshots, and about a log that stays full. Returns whether it has come further with one, or
    /// has just failed.
    pub fn count_snapshots(&mut self, at: usize, deeds: &Deeds) -> bool {
        let mut told = false;
        let role = self.places[at].raft().map(|raft| raft.status().role);
        let leads = role == Some(Role::Leader);
        for Told { event, .. } in &deeds.events {
            told |= matches!(event, Event::SnapshotInstalled(_) | Event::SnapshotFailed(_));
            match event {
                Event::SnapshotTaken(_) => self.tally.snapshots_taken += 1,
                Event::SnapshotInstalled(_) => self.tally.snapshots_installed += 1,
                Event::SnapshotFailed(_) => self.tally.snapshots_failed += 1,
                Event::LogFull(_) if !leads => self.tally.made_way += 1,
                _ => {}
            }
        }
        let place = &mut self.places[at];
        let incoming = place.raft().and_then(|raft| raft.incoming_snapshot());
        let incoming = incoming.map(|(manifest, chunks, _)| (*manifest, chunks));
        if let (Some((before, chunks)), Some((now, _))) = (place.incoming, incoming) {
            self.tally.transfers_superseded += u64::from(before != now && chunks > 0);
        }
        if let (Some((of, found)), Some((manifest, chunks))) = (place.resumable, incoming)
            && of == manifest
            && chunks > found
        {
            self.tally.transfers_resumed += 1;
            place.resumable = None;
        }
        let before = std::mem::replace(&mut place.incoming, incoming);
        told || incoming.is_some_and(|(_, chunks)| chunks > 0) && incoming != before
    }
}
