//! Compaction and snapshots (dissertation §5.1 to §5.3): which entries may go, which chunk a
//! follower gets next, and the switch to what a leader has sent.

use crate::error::SnapshotRefused;
use crate::frame;
use crate::manifest::Manifest;
use crate::state::metrics::count;
use crate::state::news::Event;
use crate::state::peers::{Owed, Peer, When};
use crate::state::progress::Due;
use crate::state::role::Role;
use crate::state::snapshots::Stage;
use crate::state::transfer::{Content, Pace, Parcel, Transfer};
use crate::state::{Node, Speech};
use crate::time::Instant;
use crate::types::{Index, Position};
use crate::wire::{Install, Room};

impl<B: AsRef<[u8]> + AsMut<[u8]>, const VOTERS: usize> Node<B, VOTERS> {
    /// The position and membership a snapshot taken now is of; `None` when there is nothing to
    /// gain, or a snapshot is being installed.
    pub(crate) fn snapshot_due(&self) -> Option<Manifest> {
        self.replacement_due().filter(|due| due.last.index > self.snapshots.newest_index())
    }

    /// The same where the newest snapshot is of no use: that may have been of as much.
    pub(crate) fn replacement_due(&self) -> Option<Manifest> {
        let newest = self.snapshots.newest_index();
        let older = self.applied < newest || self.applied == Index::ZERO;
        if self.halted.is_some() || self.snapshots.is_installing() || older {
            return None;
        }
        let term = self.log.term_at(self.applied)?;
        let last = Position { term, index: self.applied };
        Some(Manifest { last, membership: self.snapshots.membership, ..Manifest::default() })
    }

    /// Bytes of entries that were applied since the newest snapshot.
    pub(crate) fn bytes_since_snapshot(&self) -> u64 {
        let newest = self.snapshots.newest_index();
        let first = newest.max(self.log.base().index).next();
        if first > self.applied {
            return 0;
        }
        u64::from(self.log.bytes_between(first, self.applied))
    }

    /// How many entries these are.
    pub(crate) fn entries_since_snapshot(&self) -> u32 {
        let before = self.snapshots.newest_index().max(self.log.base().index);
        u32::try_from(self.applied.0.saturating_sub(before.0)).unwrap_or(u32::MAX)
    }

    /// A snapshot of this node's own is durable: what it is of need not be in the log. One of the same
    /// position as the newest replaces that.
    pub(crate) fn snapshot_taken(
        &mut self,
        now: Instant,
        manifest: &Manifest,
    ) -> Result<(), SnapshotRefused> {
        let older = self.snapshots.newest.is_some_and(|newest| newest.last > manifest.last);
        if self.halted.is_some() || older {
            return Err(SnapshotRefused);
        }
        let known = manifest.last.index <= self.applied
            && self.log.term_at(manifest.last.index) == Some(manifest.last.term);
        if !known {
            return Err(SnapshotRefused);
        }
        self.renew(*manifest);
        count(&mut self.metrics.snapshots_taken);
        self.news.snapshot = Some(Event::SnapshotTaken(manifest.last));
        self.compact(self.compactable(now, manifest.last.index));
        self.owe_room();
        Ok(())
    }

    /// Forgets the entries through `base`. A leader that had no room for it opens its term.
    fn compact(&mut self, base: Index) {
        self.log.compact(base);
        self.full_since = Instant::NEVER;
        if self.role == Role::Leader {
            _ = self.open_term();
        }
    }

    /// In a crowded log, what was kept for followers that are a little behind makes way. O(1).
    pub(crate) fn reclaim(&mut self) {
        let newest = self.snapshots.newest_index();
        if newest > self.log.base().index && self.is_crowded() {
            self.compact(newest);
        }
    }

    /// `manifest` is the newest snapshot; what is being sent of an older one ends.
    fn renew(&mut self, manifest: Manifest) {
        self.snapshots.newest = Some(manifest);
        for peer in &mut self.peers {
            peer.progress.transfer = Transfer::default();
        }
    }

    /// As far as the log may be cut when it is in a snapshot through `last`. A little of it stays,
    /// for followers that are a little behind: up to an eighth of the log, or a quarter for those
    /// that a leader heard from lately.
    fn compactable(&self, now: Instant, last: Index) -> Index {
        let spare = self.tail_within(last, self.share(3));
        if self.role != Role::Leader {
            return spare;
        }
        let recent = |at: Instant| now < at.plus(self.limits.election_timeout);
        let awake = self.peers.iter().filter(|peer| recent(peer.heard_at));
        let slowest = awake.map(|peer| peer.progress.matched).min().unwrap_or(last);
        let most = self.tail_within(last, self.share(2));
        if slowest >= most { spare.min(slowest) } else { spare }
    }

    /// The log's capacity, halved `times` times.
    fn share(&self, times: u32) -> Room {
        let Room { entries, bytes } = self.log.capacity();
        Room { entries: entries >> times, bytes: bytes >> times }
    }

    /// The first index from which the entries through `last` are no more than `most`. O(entries).
    fn tail_within(&self, last: Index, most: Room) -> Index {
        let (mut base, mut entries, mut bytes) = (last, 0_u32, 0_u32);
        while base > self.log.base().index {
            entries = entries.saturating_add(1);
            bytes = bytes.saturating_add(self.log.frame_len(base));
            if entries > most.entries || bytes > most.bytes {
                break;
            }
            base = base.previous();
        }
        base
    }

    /// Whether the log has got so full that a snapshot is to be taken: more than half, or three
    /// quarters while a follower takes in the last one and what follows, and something to gain.
    pub(crate) fn is_compaction_urged(&self, now: Instant) -> bool {
        let full = || self.has_less_than(self.share(1)) && !self.is_sending(now);
        (self.is_crowded() || full()) && self.snapshot_due().is_some()
    }

    /// Whether less than a quarter of the log is free, or so little that a leader might refuse a
    /// command.
    fn is_crowded(&self) -> bool {
        let Room { entries, bytes } = self.reserve();
        let longest = self.limits.max_command.saturating_add(frame::OVERHEAD_MAX as u32);
        let one = Room { entries: entries.saturating_add(1), bytes: bytes.saturating_add(longest) };
        self.has_less_than(self.share(2)) || self.has_less_than(one)
    }

    fn has_less_than(&self, most: Room) -> bool {
        let room = self.log.room();
        room.entries < most.entries || room.bytes < most.bytes
    }

    /// Whether a follower takes in the newest snapshot just now, or what follows it in the log: it has
    /// got further with its chunks, or was heard with all of them, within the last election timeout. A
    /// newer snapshot would make it begin again.
    pub(crate) fn is_sending(&self, now: Instant) -> bool {
        let patience = self.limits.election_timeout.as_micros();
        let lately = Instant::from_micros(now.as_micros().saturating_sub(patience));
        self.role == Role::Leader && self.peers.iter().any(|peer| self.takes_in(peer, lately))
    }

    fn takes_in(&self, peer: &Peer, lately: Instant) -> bool {
        let progress = &peer.progress;
        let acked = progress.transfer.acked;
        let is_there = acked > 0 && peer.heard_at > lately;
        if !progress.is_behind(self.log.base().index) {
            return is_there && self.is_far_behind(progress.matched);
        }
        // With all of it the follower restores its state, which takes its time.
        let chunks = self.snapshots.newest.map_or(0, |newest| newest.chunks);
        (is_there && acked >= chunks) || progress.transfer.has_advanced_since(lately)
    }

    /// Whether there is more that is committed behind `index` than a snapshot leaves in the log.
    fn is_far_behind(&self, index: Index) -> bool {
        let spare = self.share(3);
        self.commit.0.saturating_sub(index.0) > u64::from(spare.entries)
            || (index < self.commit
                && self.log.bytes_between(index.next(), self.commit) > spare.bytes)
    }

    /// Until when a snapshot that a leader is sending takes precedence over one of this node's own.
    pub(crate) fn incoming_quiet_at(&self) -> Option<Instant> {
        let incoming = self.snapshots.incoming.as_ref()?;
        Some(incoming.heard_at.plus(self.limits.election_timeout))
    }

    /// Whether the peer at `to` needs what the log does not hold any more.
    pub(crate) fn needs_snapshot(&self, to: usize) -> bool {
        self.peers.get(to).is_some_and(|peer| peer.progress.is_behind(self.log.base().index))
    }

    /// What the peer at `to` is to get next of the newest snapshot, if it may get a chunk, or a
    /// heartbeat without one, just now.
    pub(crate) fn next_parcel(&self, to: usize, content: Content) -> Option<Parcel> {
        let manifest = self.snapshots.newest?;
        let progress = &self.peers.get(to)?.progress;
        let transfer = &progress.transfer;
        let due = match content {
            Content::Nothing => progress.beat != Due::No,
            Content::Chunk => {
                let window = self.limits.window.checked_div(self.limits.max_chunk)?.max(1);
                let flying = transfer.next.saturating_sub(transfer.acked);
                transfer.next < manifest.chunks && flying < window && transfer.pace == Pace::Flowing
            }
        };
        let install = Install {
            term: self.term(),
            round: self.reads.round(),
            manifest,
            chunk: transfer.next.min(manifest.chunks),
        };
        due.then_some(Parcel { install, content })
    }

    /// Remembers that `parcel` left.
    pub(crate) fn parcel_sent(&mut self, now: Instant, to: usize, parcel: &Parcel) {
        let Some(peer) = self.peers.get_mut(to) else { return };
        peer.progress.beat = Due::No;
        match parcel.content {
            Content::Chunk => {
                peer.progress.transfer.sent(now);
                count(&mut self.metrics.chunks_out);
            }
            Content::Nothing => peer.progress.transfer.beaten(),
        }
    }

    /// The snapshot that is whole, once term and vote are durable and no batch is out: now the
    /// state machine may be restored from it.
    pub(crate) fn next_install(&mut self) -> Option<Manifest> {
        self.snapshots.incoming.as_ref()?;
        // What it waited for may have overtaken it: this node's own snapshot, or machine.
        self.overtake();
        let settled = !self.durability.is_busy() && self.may_speak() == Speech::Free;
        let incoming = self.snapshots.incoming.as_mut()?;
        if incoming.stage != Stage::Whole || !settled || self.role != Role::Follower {
            return None;
        }
        incoming.stage = Stage::Installing;
        Some(incoming.manifest)
    }

    /// The state machine, and the newest snapshot on the medium, are those of the incoming one: log,
    /// membership, commit index and applied index follow at once.
    pub(crate) fn installed(&mut self) -> Result<(), SnapshotRefused> {
        let incoming = self.snapshots.incoming.filter(|one| one.stage == Stage::Installing);
        let Some(incoming) = incoming else { return Err(SnapshotRefused) };
        let manifest = incoming.manifest;
        let last = manifest.last;
        self.snapshots.incoming = None;
        if let Some(reason) = self.contradiction_of(last) {
            self.halt(reason);
            return Ok(());
        }
        self.renew(manifest);
        self.snapshots.membership = manifest.membership;
        // §5.3: entries that follow what the snapshot is of are kept.
        if self.log.term_at(last.index) == Some(last.term) {
            self.log.compact(last.index);
        } else {
            self.log.restart(last);
            self.durability.truncate(last.index.next());
            // Who proved more of such a log lied.
            self.verified = self.verified.min(last.index);
        }
        self.durability.reach(last.index);
        self.verified = self.verified.max(last.index);
        self.commit = self.commit.max(last.index);
        self.applied = last.index;
        self.snapshots.restored = last.index;
        count(&mut self.metrics.snapshots_installed);
        self.news.snapshot = Some(Event::SnapshotInstalled(last));
        self.owe_leader(Owed::Append { when: When::Now, conflict: None });
        Ok(())
    }

    /// What became of a chunk is told when it is known, which may be long after the chunk came: a
    /// leader whose window is full waits for it.
    pub(crate) fn owe_receipt(&mut self) {
        self.owe_leader(Owed::Install);
    }

    /// A leader that knows of no room here waits for what it is told next.
    fn owe_room(&mut self) {
        let leader = self.leader.and_then(|id| self.peers.iter_mut().find(|peer| peer.id == id));
        if let Some(peer) = leader
            && peer.owed == Owed::Nothing
        {
            peer.owed = Owed::Append { when: When::Now, conflict: None };
        }
    }

    fn owe_leader(&mut self, owed: Owed) {
        if let Some(leader) = self.leader
            && let Some(peer) = self.peers.iter_mut().find(|peer| peer.id == leader)
        {
            peer.owed = owed;
        }
    }
}
