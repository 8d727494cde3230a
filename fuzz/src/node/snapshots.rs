//! Snapshots of a node under test: a medium for them is made believe.

use super::pair::Pair;
use crate::medium::Space;
use raft_nostd::{Chunk, Manifest, SnapshotFailure};

impl Pair {
    /// A chunk finds its place, unless there is no space.
    pub fn store(&mut self, ours: Chunk<'_>, its: Chunk<'_>) {
        assert_eq!((ours.number, ours.bytes), (its.number, its.bytes));
        assert!(!ours.bytes.is_empty() && ours.number < ours.manifest.chunks);
        let (full, now) = (SnapshotFailure::Full, self.now);
        for (node, chunk) in [(&mut self.node, ours), (&mut self.shadow, its)] {
            let taken = match self.disk.medium.space {
                Space::Plenty => node.handle_chunk_stored(now, chunk.ticket),
                Space::None => node.handle_chunk_failed(now, chunk.ticket, full),
            };
            taken.expect("it is this node's");
        }
    }

    /// A snapshot of its own is durable, if there is something to take.
    pub fn compact(&mut self) {
        let Some(due) = self.node.snapshot_due() else { return };
        assert_eq!(Some(due), self.shadow.snapshot_due());
        let manifest = Manifest { chunks: 3, bytes: 30, crc: due.last.index.0 as u32, ..due };
        for node in [&mut self.node, &mut self.shadow] {
            node.handle_snapshot_taken(self.now, &manifest).expect("it was due");
        }
        self.snapshot = Some(manifest);
        self.check();
    }

    /// What was to be installed is, or cannot be.
    pub fn install(&mut self, choice: u8) {
        let Some(manifest) = self.installing.take() else { return };
        for node in [&mut self.node, &mut self.shadow] {
            let taken = match choice & 3 {
                0 => node.handle_install_failed(self.now, SnapshotFailure::Machine),
                _ => node.handle_installed(self.now),
            };
            taken.expect("it was asked for");
        }
        // One that contradicts what is committed, by a leader that lied, halts the node.
        if choice & 3 != 0 && self.node.halted().is_none() {
            self.snapshot = Some(manifest);
            assert_eq!(self.node.applied(), manifest.last.index);
        }
        self.check();
    }
}
