//! Linearizable reads by a quorum round (dissertation §6.4).

use crate::error::ReadError;
use crate::state::Node;
use crate::state::progress::Due;
use crate::state::quorum::reached_by_majority;
use crate::state::reads::ReadId;
use crate::state::role::Role;

impl<B: AsRef<[u8]> + AsMut<[u8]>, const VOTERS: usize> Node<B, VOTERS> {
    /// Takes a read; an event says when it may be answered. O(1).
    pub(crate) fn read(&mut self) -> Result<ReadId, ReadError> {
        if self.halted.is_some() {
            return Err(ReadError::Halted);
        }
        if self.role != Role::Leader {
            return Err(ReadError::NotLeader { hint: self.leader });
        }
        Ok(self.reads.ask())
    }

    /// Starts the round that reads wait for: an append to everybody. O(members).
    pub(crate) fn start_read_round(&mut self) {
        if self.role != Role::Leader || !self.reads.wants_round() {
            return;
        }
        self.reads.start_round();
        for peer in &mut self.peers {
            peer.progress.beat = Due::Yes;
        }
        self.confirm_reads();
    }

    /// Confirms the newest round a majority has answered, once an entry of this term is committed:
    /// before that a leader may not know what is.
    pub(crate) fn confirm_reads(&mut self) {
        // A leader knows what is committed once an entry of its term is, or once all it has is.
        let knows = self.is_of_own_term(self.commit) || self.commit == self.log.last().index;
        if !self.reads.wants_quorum() || !knows {
            return;
        }
        let mut rounds: heapless::Vec<u64, VOTERS> = heapless::Vec::new();
        let own = self.reads.round();
        for round in self.peers.iter().map(|peer| peer.progress.round).chain([own]) {
            let _ = rounds.push(round); // As many as there are voters, this node included.
        }
        if let Some(round) = reached_by_majority(&mut rounds) {
            self.reads.confirm(round, self.commit);
        }
    }
}
