//! RequestVote answered (dissertation §3.4).

use super::Standing;
use crate::error::Refused;
use crate::state::peers::Ballot;
use crate::state::role::Role;
use crate::state::{Node, Speech};
use crate::time::Instant;
use crate::types::Term;
use crate::wire::Vote;

impl<B: AsRef<[u8]> + AsMut<[u8]>, const VOTERS: usize> Node<B, VOTERS> {
    /// A majority of votes in its term makes a candidate leader. A doubled vote counts once. An
    /// answer before term and vote are durable is refused: nobody can have been asked.
    pub(super) fn on_vote_reply(
        &mut self,
        now: Instant,
        from: usize,
        term: Term,
        vote: Vote,
    ) -> Result<(), Refused> {
        let unasked = self.role == Role::Candidate && self.may_speak() == Speech::Withheld;
        if unasked && term == self.term() {
            return Err(Refused::Contradiction);
        }
        let standing = self.heed_term(now, term, None);
        if standing != Standing::Current || self.role != Role::Candidate {
            return Ok(());
        }
        if let Some(peer) = self.peer_mut(from) {
            peer.ballot = Ballot::from(vote);
        }
        self.count_ballots(now);
        Ok(())
    }
}
