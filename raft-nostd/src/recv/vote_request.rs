//! RequestVote asked (dissertation §3.4, Figure 3.1).

use super::Standing;
use crate::state::Node;
use crate::state::peers::Owed;
use crate::time::Instant;
use crate::types::{Position, Term};
use crate::wire::{Campaign, Vote};

impl<B: AsRef<[u8]> + AsMut<[u8]>, const VOTERS: usize> Node<B, VOTERS> {
    /// One vote in each term, first come first served, and only for a log at least as up to date
    /// as one's own (§3.6.1). The answer leaves once the vote is durable.
    pub(super) fn on_vote_request(
        &mut self,
        now: Instant,
        from: usize,
        term: Term,
        last: Position,
        campaign: Campaign,
    ) {
        let standing = self.heed_term(now, term, Some(campaign));
        if standing == Standing::Withstood {
            return;
        }
        let Some(candidate) = self.peers.get(from).map(|peer| peer.id) else { return };
        let free = self.hard.vote.is_none_or(|voted| voted == candidate);
        let electable = standing == Standing::Current
            && free
            && self.leader.is_none()
            && last >= self.log.last();
        if electable {
            self.become_follower(now); // Who asked for pre-votes stands no longer itself.
            self.hard.vote = Some(candidate);
            self.campaign_at = self.draw_timeout(now);
        }
        let vote = if electable { Vote::Granted } else { Vote::Refused };
        self.owe_ballot(from, Owed::Vote(vote));
    }
}
