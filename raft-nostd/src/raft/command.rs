//! Commands: the application asks.

use super::Raft;
use crate::error::{ProposeError, ReadError};
use crate::state::Stirred;
use crate::state::reads::ReadId;
use crate::time::Instant;
use crate::types::Position;

impl<B: AsRef<[u8]> + AsMut<[u8]>, const VOTERS: usize> Raft<B, VOTERS> {
    /// Appends `command` to the log of this leader, to be replicated. O(members + command).
    ///
    /// What becomes of it is told in one of three ways: [`Output::Apply`] with this very position;
    /// [`Event::ProposalsLost`] or [`Event::ProposalsUnknown`] with a range that
    /// [contains](crate::Proposed::contains) it. The first of them is the last word for whoever waits.
    /// *Applied* and *lost* are the whole truth. *Unknown* is final too, but it promises nothing: an
    /// [`Output::Apply`] with this very position may still come, for the state machine. An
    /// application that stops waiting earlier must take its fate for unknown, never for failed.
    ///
    /// [`Output::Apply`]: crate::Output::Apply
    /// [`Event::ProposalsLost`]: crate::Event::ProposalsLost
    /// [`Event::ProposalsUnknown`]: crate::Event::ProposalsUnknown
    ///
    /// # Errors
    /// Why it was not taken; then nothing of it is in any log.
    pub fn propose(&mut self, now: Instant, command: &[u8]) -> Result<Position, ProposeError> {
        self.node.stirred = Stirred::Yes;
        self.node.propose(now, command)
    }

    /// Asks for a linearizable read (dissertation §6.4): once [`Event::ReadReady`] with this id or
    /// a later one comes, the state machine may be read. [`Event::ReadsLost`] says that it will
    /// not come. Reads asked for between two polls share one quorum round. O(1).
    ///
    /// [`Event::ReadReady`]: crate::Event::ReadReady
    /// [`Event::ReadsLost`]: crate::Event::ReadsLost
    ///
    /// # Errors
    /// When this node does not lead, or has halted.
    pub fn read(&mut self, _now: Instant) -> Result<ReadId, ReadError> {
        self.node.stirred = Stirred::Yes;
        self.node.read()
    }
}
