//! Counters since the start of the run. They saturate.

use crate::error::Refused;

/// What a node has done since it started.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Metrics {
    /// Datagrams taken.
    pub datagrams_in: u64,
    /// Bytes in them.
    pub bytes_in: u64,
    /// Datagrams sent.
    pub datagrams_out: u64,
    /// Bytes in them, but for those with a chunk of a snapshot.
    pub bytes_out: u64,
    /// Datagrams dropped, by [`Refused::slot`].
    pub refused: [u64; Refused::COUNT],
    /// Elections this node stood in.
    pub elections: u64,
    /// Elections it won.
    pub elections_won: u64,
    /// Entries it proposed.
    pub proposed: u64,
    /// Commands its state machine was given.
    pub applied: u64,
    /// Batches made durable.
    pub syncs: u64,
    /// Bytes of frames in them.
    pub bytes_persisted: u64,
    /// Snapshots of this node's own that became durable.
    pub snapshots_taken: u64,
    /// Snapshots of leaders that replaced this node's state.
    pub snapshots_installed: u64,
    /// Chunks of snapshots sent.
    pub chunks_out: u64,
    /// Chunks of snapshots taken in.
    pub chunks_in: u64,
    /// Appends sent because an answer did not come in time.
    pub resent: u64,
}

impl Metrics {
    /// Datagrams dropped for `reason`.
    pub fn refused(&self, reason: Refused) -> u64 {
        self.refused.get(reason.slot()).copied().unwrap_or(0)
    }

    pub(crate) fn count_refused(&mut self, reason: Refused) {
        if let Some(count) = self.refused.get_mut(reason.slot()) {
            *count = count.saturating_add(1);
        }
    }
}

/// One more.
pub(crate) fn count(counter: &mut u64) {
    *counter = counter.saturating_add(1);
}

/// `more` more.
pub(crate) fn add(counter: &mut u64, more: usize) {
    *counter = counter.saturating_add(more as u64);
}
