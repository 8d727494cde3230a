//! How often each thing took effect.

use crate::host::Deeds;
use crate::world::World;
use raft_nostd::Event;

macro_rules! tally {
    ($($counter:ident),+ $(,)?) => {
        /// How often each fault took effect, and what was done in spite of it.
        #[derive(Clone, Copy, Debug, Default)]
        pub struct Tally {
            $(pub $counter: u64,)+
        }

        impl Tally {
            pub fn add(&mut self, other: &Tally) {
                $(self.$counter += other.$counter;)+
            }

            pub fn assert_all_took_effect(&self) {
                $(assert!(self.$counter > 0, "never happened: {}", stringify!($counter));)+
            }
        }
    };
}

tally! {
    virtual_millis,
    delivered,
    lost,
    duplicated,
    flipped,
    late,
    dawdled,
    partitions,
    ambushes,
    crashes,
    leader_crashes,
    blackouts,
    kills,
    seals,
    torn,
    undone,
    rotten,
    interrupted_recoveries,
    pauses,
    full,
    sync_failures,
    deferred_syncs,
    elections,
    applied,
    proposals_lost,
    reads,
    truncations,
    snapshots_taken,
    snapshots_installed,
    snapshots_failed,
    chunks_lost,
    waylaid,
    transfers_resumed,
    transfers_superseded,
    interrupted_installs,
    full_for_good,
    exhausted,
}

impl World {
    /// Counts what a node has done about snapshots. Returns whether it has come further with one, or
    /// has just failed.
    pub fn count_snapshots(&mut self, at: usize, deeds: &Deeds) -> bool {
        let mut told = false;
        for (event, _) in &deeds.events {
            told |= matches!(event, Event::SnapshotInstalled(_) | Event::SnapshotFailed(_));
            match event {
                Event::SnapshotTaken(_) => self.tally.snapshots_taken += 1,
                Event::SnapshotInstalled(_) => self.tally.snapshots_installed += 1,
                Event::SnapshotFailed(_) => self.tally.snapshots_failed += 1,
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
