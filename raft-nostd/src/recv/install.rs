//! InstallSnapshot received (dissertation §5.3), a chunk at a time.

use super::{Chunk, Received, Standing};
use crate::error::{Halt, Refused};
use crate::state::Node;
use crate::state::peers::{Owed, When};
use crate::state::snapshots::{Incoming, Stage};
use crate::time::Instant;
use crate::types::Position;
use crate::wire::{Install, Receipt};

impl<B: AsRef<[u8]> + AsMut<[u8]>, const VOTERS: usize> Node<B, VOTERS> {
    /// Takes the next chunk of what a leader sends, or makes sure that it is not needed.
    pub(super) fn on_install<'a>(
        &mut self,
        now: Instant,
        from: usize,
        install: &Install,
        chunk: &'a [u8],
    ) -> Result<Received<'a>, Refused> {
        let Some(sender) = self.peers.get(from).map(|peer| peer.id) else {
            return Err(Refused::Sender);
        };
        let manifest = &install.manifest;
        if manifest.membership != self.snapshots.membership {
            return Err(Refused::Contradiction);
        }
        self.check_leader(sender, install.term)?;
        let conflict = self.contradiction_of(manifest.last);
        if self.heed_term(now, install.term, None) == Standing::Stale {
            self.owe_term(from);
            return Ok(Received::Heard);
        }
        self.follow(now, sender);
        self.heard_round = self.heard_round.max(install.round);
        if let Some(reason) = conflict {
            self.halt(reason);
            return Ok(Received::Heard);
        }
        if self.has(manifest.last) {
            self.pass_over(from, manifest.last);
            return Ok(Received::Heard);
        }
        self.owe(from, Owed::Install);
        Ok(self.take_chunk(now, install, chunk))
    }

    /// What is committed here, where a snapshot says that something else is (§3.6).
    pub(crate) fn contradiction_of(&self, theirs: Position) -> Option<Halt> {
        let term = self.log.term_at(theirs.index)?;
        let ours = Position { term, index: theirs.index };
        let committed = theirs.index <= self.commit;
        (committed && ours != theirs).then_some(Halt::CommittedConflict { ours, theirs })
    }

    /// Whether the log has all that a snapshot up to `last` is of: as an entry, or compacted away.
    fn has(&self, last: Position) -> bool {
        last.index <= self.commit || self.log.term_at(last.index) == Some(last.term)
    }

    /// A snapshot of what is here already: what it proves of the log is acknowledged instead.
    /// (An entry that is in a snapshot is committed, so every leader has it, and all before it.)
    fn pass_over(&mut self, from: usize, last: Position) {
        self.verified = self.verified.max(last.index);
        self.commit = self.commit.max(last.index);
        self.overtake();
        self.owe(from, Owed::Append { when: When::Now, conflict: None });
    }

    /// The log has come as far as the snapshot that is on its way: the transfer ends.
    pub(crate) fn overtake(&mut self) {
        let incoming = self.snapshots.incoming.as_ref();
        let overtaken = incoming.is_some_and(|incoming| {
            incoming.stage != Stage::Installing && self.has(incoming.manifest.last)
        });
        if overtaken {
            self.snapshots.incoming = None;
        }
    }

    fn take_chunk<'a>(&mut self, now: Instant, install: &Install, chunk: &'a [u8]) -> Received<'a> {
        let incoming = self.incoming(now, install);
        if incoming.manifest != install.manifest || incoming.stage == Stage::Installing {
            return Received::Heard;
        }
        if now < incoming.declined_until {
            incoming.receipt = Receipt::Declined;
            return Received::Heard;
        }
        incoming.heard_at = now;
        let number = install.chunk;
        incoming.receipt = if number <= incoming.chunks { Receipt::Taken } else { Receipt::Gap };
        let next = number == incoming.chunks && !chunk.is_empty();
        if !next || incoming.stage != Stage::Awaiting {
            return Received::Heard;
        }
        let ticket = self.snapshots.hand_out(self.life.nonce);
        Received::Chunk(Chunk { manifest: install.manifest, number, bytes: chunk, ticket })
    }

    /// The snapshot on its way: another one makes way for that of `install`, unless the state machine
    /// is being restored from it. What the same leader sent before that does not count: it was delayed,
    /// since its newest snapshot never goes back, nor do its rounds. A later term's leader may have an
    /// older one.
    fn incoming(&mut self, now: Instant, install: &Install) -> &mut Incoming {
        let &Install { term, round, manifest, .. } = install;
        let busy = self.snapshots.is_installing();
        let known = self.snapshots.incoming.filter(|one| {
            let before = manifest.last < one.manifest.last || round < self.heard_round;
            let late = term == one.term && before;
            busy || late || one.manifest == manifest
        });
        // An empty snapshot is whole as soon as it is heard of.
        let stage = if manifest.chunks == 0 { Stage::Whole } else { Stage::Awaiting };
        let incoming = self.snapshots.incoming.insert(known.unwrap_or(Incoming {
            term,
            manifest,
            chunks: 0,
            stage,
            receipt: Receipt::Taken,
            heard_at: now,
            declined_until: Instant::ORIGIN,
            failure: None,
        }));
        if incoming.manifest == manifest {
            incoming.term = term;
        }
        incoming
    }

    fn owe(&mut self, to: usize, owed: Owed) {
        if let Some(peer) = self.peer_mut(to) {
            peer.owed = owed;
        }
    }
}
