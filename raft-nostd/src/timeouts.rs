//! Deadlines (dissertation §3.4, §3.9): what happens when they pass, and when the next one is.

use crate::state::Node;
use crate::state::role::Role;
use crate::time::Instant;

impl<B: AsRef<[u8]> + AsMut<[u8]>, const VOTERS: usize> Node<B, VOTERS> {
    /// Does what is due; nothing when nothing is. O(members).
    pub(crate) fn pass_time(&mut self, now: Instant) {
        if self.halted.is_some() {
            return;
        }
        match self.role {
            // Alone there is nobody to be heard by, and no majority to lose.
            Role::Leader if self.peers.is_empty() => {}
            Role::Leader if now >= self.abdicate_at(now) => self.become_follower(now),
            Role::Leader if now >= self.beat_at && self.is_in_the_way(now) => self.make_way(now),
            Role::Leader if now >= self.beat_at => self.beat(now),
            Role::Leader => {}
            _ if now >= self.campaign_at => self.campaign(now),
            Role::PreCandidate | Role::Candidate if now >= self.beat_at => self.ask_again(now),
            _ => {}
        }
    }

    /// When [`Node::pass_time`], or polling, will next have something to do. O(members).
    pub(crate) fn wake_at(&self, now: Instant) -> Instant {
        if self.halted.is_some() {
            return Instant::NEVER;
        }
        let by_role = match self.role {
            Role::Leader if self.peers.is_empty() => Instant::NEVER,
            Role::Leader => self.beat_at.min(self.abdicate_at(now)),
            Role::PreCandidate | Role::Candidate => self.beat_at.min(self.campaign_at),
            Role::Follower => self.campaign_at,
        };
        // Due until the same was handed out again, be that time now or past.
        let retry_at = self.durability.retry_at().filter(|_| !self.durability.is_busy());
        by_role.min(retry_at.unwrap_or(Instant::NEVER))
    }
}
