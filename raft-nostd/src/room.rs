//! Room in logs: what a leader may append (DESIGN "The log, and being full").

use crate::error::LogFull;
use crate::frame;
use crate::state::Node;
use crate::state::peers::Peer;
use crate::state::progress::{Progress, ROOM_UNTOLD};
use crate::state::quorum::majority;
use crate::time::Instant;
use crate::types::{Index, Position};
use crate::wire::Room;

/// No-ops that a log always keeps room for, for a run of failed leaderships: at least, and at most.
const RESERVE_ENTRIES: (u32, u32) = (2, 1_024);

/// For how many election timeouts a leader waits for room in its log, before it makes way for another.
const FULL_FOR: u64 = 4;

/// What a leader knows of the room in a peer's log.
enum RoomThere {
    Enough,
    TooLittle,
    /// It has said nothing yet; or it is sent a snapshot, with which its log will begin anew.
    Untold,
}

/// What counts for a peer that has not said how much room it has.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Untold {
    IsEnough,
    IsNone,
}

impl Room {
    /// This and `more`; saturates.
    fn and(self, more: Self) -> Self {
        Self {
            entries: self.entries.saturating_add(more.entries),
            bytes: self.bytes.saturating_add(more.bytes),
        }
    }

    fn fits(self, into: Self) -> bool {
        self.entries <= into.entries && self.bytes <= into.bytes
    }
}

impl<B: AsRef<[u8]> + AsMut<[u8]>, const VOTERS: usize> Node<B, VOTERS> {
    /// What is not committed yet may fill half the log, and nothing the reserve, here and at a majority.
    pub(crate) fn check_room(&self, now: Instant, command: usize) -> Result<(), LogFull> {
        let next = Position { term: self.term(), index: self.log.last().index.next() };
        let len = frame::encoded_len(next, command).unwrap_or(usize::MAX);
        let len = u32::try_from(len).unwrap_or(u32::MAX);
        let needed = self.needed(len);
        if !needed.fits(self.log.room()) {
            return Err(LogFull::Capacity);
        }
        let capacity = self.log.capacity();
        let open = self.held_behind(self.commit);
        // (The longest frame fits into half of any log.)
        let crowded = open.entries >= capacity.entries >> 1
            || open.bytes.saturating_add(len) > capacity.bytes >> 1;
        if !crowded && self.majority_has(now, needed) {
            return Ok(());
        }
        // A majority was heard and nothing is on its way, so that no answer will help: others must
        // compact their logs.
        let opened = self.log.last().term == self.term();
        let settled = opened && open.entries == 0 && now < self.abdicate_at(now);
        Err(if settled { LogFull::Capacity } else { LogFull::Uncommitted })
    }

    /// The room that an entry of `len` bytes needs, so that the reserve stays.
    fn needed(&self, len: u32) -> Room {
        let Room { entries, bytes } = self.reserve();
        Room { entries: entries.saturating_add(1), bytes: bytes.saturating_add(len) }
    }

    /// Whether a majority, with this leader, has `needed` room. What fits nowhere else could not be
    /// committed before others compact their logs; nor could what would help them to. O(members).
    fn majority_has(&self, now: Instant, needed: Room) -> bool {
        let untold = if self.is_half_full() { Untold::IsNone } else { Untold::IsEnough };
        let others = majority(self.voters()).saturating_sub(1);
        self.are_roomy(others, now, needed, untold)
    }

    /// Whether so many peers have `needed` room.
    fn are_roomy(&self, peers: usize, now: Instant, needed: Room, untold: Untold) -> bool {
        let roomy = |peer: &&Peer| match self.room_at(now, peer, needed) {
            RoomThere::Enough => true,
            RoomThere::Untold => untold == Untold::IsEnough,
            RoomThere::TooLittle => false,
        };
        self.peers.iter().filter(roomy).take(peers).count() >= peers
    }

    /// Whether a peer has `needed` room behind all that this log holds.
    fn room_at(&self, now: Instant, peer: &Peer, needed: Room) -> RoomThere {
        let Progress { room, received, .. } = peer.progress;
        if now >= peer.heard_at.plus(self.limits.election_timeout) {
            return RoomThere::TooLittle; // It may be dead.
        }
        // Between what it has for sure and what this log begins with, it may hold, or need, anything.
        if room == ROOM_UNTOLD || received < self.log.base().index {
            return RoomThere::Untold;
        }
        // All that is held is no less than what is behind `received`, and needs no look at the log.
        let coming = self.log.used();
        let coming =
            if needed.and(coming).fits(room) { coming } else { self.held_behind(received) };
        if needed.and(coming).fits(room) { RoomThere::Enough } else { RoomThere::TooLittle }
    }

    /// Whether this leader's log has been too full for long, and a majority of others have room: one of
    /// them had better lead. (It may be that this node has no place for a snapshot, or is slow to
    /// write one.) O(members). (Of its own, since it takes stack that a heartbeat need not.)
    #[inline(never)]
    pub(crate) fn is_in_the_way(&self, now: Instant) -> bool {
        let longest = self.limits.max_command.saturating_add(frame::OVERHEAD_MAX as u32);
        let needed = self.needed(longest);
        now >= self.full_since.plus(self.limits.election_timeout.times(FULL_FOR))
            && !needed.fits(self.log.room())
            && self.are_roomy(majority(self.voters()), now, needed, Untold::IsNone)
    }

    /// Whether at most half of the log is free.
    pub(crate) fn is_half_full(&self) -> bool {
        let (room, capacity) = (self.log.room(), self.log.capacity());
        room.entries <= capacity.entries >> 1 || room.bytes <= capacity.bytes >> 1
    }

    /// The part of the log that commands may not use.
    pub(crate) fn reserve(&self) -> Room {
        let (least, most) = RESERVE_ENTRIES;
        let entries = (self.log.capacity().entries >> 3).clamp(least, most);
        let bytes = entries.saturating_mul(frame::OVERHEAD_MAX as u32);
        Room { entries, bytes: bytes.min(self.log.capacity().bytes >> 2) }
    }

    /// What the log holds behind `index`. O(1). (Of its own, for it takes flash at each place.)
    #[inline(never)]
    fn held_behind(&self, index: Index) -> Room {
        let index = index.max(self.log.base().index);
        let last = self.log.last().index;
        let entries = u32::try_from(last.since(index)).unwrap_or(u32::MAX);
        Room { entries, bytes: self.log.bytes_between(index.next(), last) }
    }
}
