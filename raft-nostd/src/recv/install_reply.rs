//! InstallSnapshot answered (dissertation §5.3).

use super::Standing;
use crate::error::Refused;
use crate::state::Node;
use crate::state::role::Role;
use crate::time::Instant;
use crate::wire::InstallReply;

impl<B: AsRef<[u8]> + AsMut<[u8]>, const VOTERS: usize> Node<B, VOTERS> {
    /// What the follower has of the snapshot moves the transfer on, or back to where it lost
    /// something. That it is installed is told by the answer to an append.
    pub(super) fn on_install_reply(
        &mut self,
        now: Instant,
        from: usize,
        reply: &InstallReply,
    ) -> Result<(), Refused> {
        if reply.term == self.term()
            && self.role == Role::Leader
            && reply.round > self.reads.round()
        {
            return Err(Refused::Contradiction);
        }
        if self.heed_term(now, reply.term, None) == Standing::Stale || self.role != Role::Leader {
            return Ok(());
        }
        let newest = self.snapshots.newest;
        let ours = newest.filter(|one| one.last == reply.last && one.crc == reply.crc);
        let Some(peer) = self.peer_mut(from) else { return Err(Refused::Sender) };
        peer.heard_at = peer.heard_at.max(now);
        peer.progress.round = peer.progress.round.max(reply.round);
        if let Some(manifest) = ours {
            let chunks = reply.chunks.min(manifest.chunks);
            peer.progress.transfer.answered(chunks, reply.receipt, now);
        }
        self.confirm_reads();
        Ok(())
    }
}
