//! AppendEntries answered (dissertation §3.5).

use super::Standing;
use crate::error::Refused;
use crate::state::Node;
use crate::state::role::Role;
use crate::time::Instant;
use crate::types::{Life, Position};
use crate::wire::{AppendReply, Verdict};

impl<B: AsRef<[u8]> + AsMut<[u8]>, const VOTERS: usize> Node<B, VOTERS> {
    /// An answer moves what the leader knows of the follower forward, or makes it probe further
    /// back; an old or doubled one does neither.
    pub(super) fn on_append_reply(
        &mut self,
        now: Instant,
        from: usize,
        life: Life,
        reply: &AppendReply,
    ) -> Result<(), Refused> {
        self.check_answerable(reply)?;
        if self.heed_term(now, reply.term, None) == Standing::Stale || self.role != Role::Leader {
            return Ok(());
        }
        let candidate = match reply.verdict {
            Verdict::Matched { .. } => None,
            Verdict::Conflict { prev, hint } => {
                let index = hint.index.min(prev.previous());
                Some(match self.log.base() {
                    // Where they may still agree was compacted away: it needs a snapshot.
                    base if index < base.index => Position::new(0, base.index.0.saturating_sub(1)),
                    _ => self.log.last_at_most(index, hint.term),
                })
            }
        };
        let Some(peer) = self.peers.get_mut(from) else { return Err(Refused::Sender) };
        peer.heard_at = peer.heard_at.max(now);
        peer.progress.round = peer.progress.round.max(reply.round);
        peer.progress.recognise(life, &reply.verdict);
        match (reply.verdict, candidate) {
            (Verdict::Matched { durable, received }, _) => {
                peer.progress.matched(durable, received, reply.room, now);
            }
            (Verdict::Conflict { prev, .. }, Some(candidate)) => {
                peer.progress.conflict(prev, candidate);
            }
            (Verdict::Conflict { .. }, None) => {}
        }
        self.advance_commit();
        Ok(())
    }

    /// Refuses an answer to what this leader cannot have said.
    fn check_answerable(&self, reply: &AppendReply) -> Result<(), Refused> {
        if reply.term != self.term() {
            return Ok(());
        }
        let last = self.log.last().index;
        let beyond = match reply.verdict {
            Verdict::Matched { durable, received } => received > last || durable > received,
            Verdict::Conflict { prev, hint } => prev > last || hint.index >= prev,
        };
        if self.role == Role::Leader && (beyond || reply.round > self.reads.round()) {
            return Err(Refused::Contradiction);
        }
        Ok(())
    }
}
