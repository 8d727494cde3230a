//! PreVote asked (dissertation §9.6): would this node vote for the sender?

use crate::state::Node;
use crate::state::peers::Owed;
use crate::time::Instant;
use crate::types::{Position, Term};
use crate::wire::{Campaign, Vote};

impl<B: AsRef<[u8]> + AsMut<[u8]>, const VOTERS: usize> Node<B, VOTERS> {
    /// Every request is answered, whatever the terms: the answer's term is what lets an asker that
    /// is behind catch up.
    pub(super) fn on_pre_vote_request(
        &mut self,
        now: Instant,
        from: usize,
        term: Term,
        proposed: Term,
        last: Position,
    ) {
        self.heed_term(now, term, Some(Campaign::Timeout));
        let electable = proposed > self.term() && last >= self.log.last() && !self.is_loyal(now);
        let vote = if electable { Vote::Granted } else { Vote::Refused };
        self.owe_ballot(from, Owed::PreVote { proposed, vote });
    }
}
