//! PreVote answered (dissertation §9.6).

use crate::state::Node;
use crate::state::peers::Ballot;
use crate::state::role::Role;
use crate::time::Instant;
use crate::types::Term;
use crate::wire::Vote;

impl<B: AsRef<[u8]> + AsMut<[u8]>, const VOTERS: usize> Node<B, VOTERS> {
    /// A majority that would vote starts the election. An answer for another proposal is stale.
    pub(super) fn on_pre_vote_reply(
        &mut self,
        now: Instant,
        from: usize,
        term: Term,
        proposed: Term,
        vote: Vote,
    ) {
        // One that granted may be behind: it adopts the new term when the vote is asked for.
        self.heed_term(now, term, None);
        if self.role != Role::PreCandidate || self.term().next() != Some(proposed) {
            return;
        }
        if let Some(peer) = self.peer_mut(from) {
            peer.ballot = Ballot::from(vote);
        }
        self.count_ballots(now);
    }
}
