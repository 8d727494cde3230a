//! The peer's storage, in memory.
//!
//! It does what the library's `MemStorage` does, but has no lock and moves new entries in where
//! that copies them, which makes it faster.

use raft::prelude::{ConfState, Entry, HardState, Snapshot};
use raft::{Error, GetEntriesContext, RaftState, Storage, StorageError, util};

/// How many entries there are when the log is compacted.
const LONGEST: usize = 1024;

/// How many are left after that, in case another node still needs them.
const SHORTEST: usize = 128;

/// A node's log and hard state.
pub struct Log {
    state: RaftState,
    /// Index and term of the entry before the first of `entries`.
    before: (u64, u64),
    entries: Vec<Entry>,
}

impl Log {
    /// An empty log of a cluster of these voters.
    pub fn new(voters: &[u64]) -> Self {
        let conf_state = ConfState::from((voters.to_vec(), vec![]));
        Self {
            state: RaftState::new(HardState::default(), conf_state),
            before: (0, 0),
            entries: Vec::with_capacity(LONGEST),
        }
    }

    /// Keeps entries, dropping any they replace.
    pub fn append(&mut self, entries: Vec<Entry>) {
        let Some(first) = entries.first() else { return };
        self.entries.truncate(self.position(first.index));
        self.entries.extend(entries);
    }

    /// Keeps the hard state.
    pub fn set_hard_state(&mut self, state: &HardState) {
        self.state.hard_state.clone_from(state);
    }

    /// Forgets old entries that were applied, once there are many.
    pub fn compact(&mut self, applied: u64) {
        if self.entries.len() < LONGEST {
            return;
        }
        let dropped = (self.entries.len() - SHORTEST).min(self.position(applied));
        if let Some(last) = self.entries.drain(..dropped).next_back() {
            self.before = (last.index, last.term);
        }
    }

    /// Where in `entries` an index is.
    fn position(&self, index: u64) -> usize {
        (index - self.before.0 - 1) as usize
    }
}

impl Storage for Log {
    fn initial_state(&self) -> raft::Result<RaftState> {
        Ok(self.state.clone())
    }

    fn entries(
        &self,
        low: u64,
        high: u64,
        max_size: impl Into<Option<u64>>,
        _: GetEntriesContext,
    ) -> raft::Result<Vec<Entry>> {
        if low <= self.before.0 {
            return Err(Error::Store(StorageError::Compacted));
        }
        let mut entries = self.entries[self.position(low)..self.position(high)].to_vec();
        util::limit_size(&mut entries, max_size.into());
        Ok(entries)
    }

    fn term(&self, index: u64) -> raft::Result<u64> {
        if index == self.before.0 {
            return Ok(self.before.1);
        }
        if index < self.before.0 {
            return Err(Error::Store(StorageError::Compacted));
        }
        match self.entries.get(self.position(index)) {
            Some(entry) => Ok(entry.term),
            None => Err(Error::Store(StorageError::Unavailable)),
        }
    }

    fn first_index(&self) -> raft::Result<u64> {
        Ok(self.before.0 + 1)
    }

    fn last_index(&self) -> raft::Result<u64> {
        Ok(self.before.0 + self.entries.len() as u64)
    }

    fn snapshot(&self, _: u64, _: u64) -> raft::Result<Snapshot> {
        unreachable!("no node falls behind")
    }
}
