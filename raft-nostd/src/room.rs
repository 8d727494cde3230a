//! Room in logs: what a leader may append (DESIGN "The log, and being full").

use crate::error::LogFull;
use crate::frame;
use crate::state::Node;
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
    Told(Room),
    /// It has said nothing yet; or it is sent a snapshot, with which its log will begin anew.
    Untold,
    /// It has not been heard of for an election timeout: it may be dead.
    Unheard,
}

/// What counts for a peer that has not said how much room it has.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Untold {
    IsEnough,
    IsNone,
}

impl<B: AsRef<[u8]> + AsMut<[u8]>, const VOTERS: usize> Node<B, VOTERS> {
    /// What is not committed yet may fill half the log, and nothing the reserve, here and at a majority.
    pub(crate) fn check_room(&self, now: Instant, command: usize) -> Result<(), LogFull> {
        let next = Position { term: self.term(), index: self.log.last().index.next() };
        let len = frame::encoded_len(next, command).unwrap_or(usize::MAX);
        let len = u32::try_from(len).unwrap_or(u32::MAX);
        if !self.leaves_reserve(self.log.room(), len) {
            return Err(LogFull::Capacity);
        }
        let capacity = self.log.capacity();
        let open = self.held_behind(self.commit);
        let crowded = open.entries >= capacity.entries >> 1
            || (open.entries > 0 && open.bytes.saturating_add(len) > capacity.bytes >> 1);
        if !crowded && self.majority_has_room(now, len) {
            return Ok(());
        }
        // A majority was heard and nothing is on its way, so that no answer will help: others must
        // compact their logs.
        let opened = self.log.last().term == self.term();
        let settled = opened && open.entries == 0 && now < self.abdicate_at(now);
        Err(if settled { LogFull::Capacity } else { LogFull::Uncommitted })
    }

    /// Whether an entry of `len` bytes fits into `room`, and the reserve too.
    fn leaves_reserve(&self, room: Room, len: u32) -> bool {
        let reserve = self.reserve();
        room.entries > reserve.entries && room.bytes >= reserve.bytes.saturating_add(len)
    }

    /// Whether a majority, with this leader, has room for one more entry of `len` bytes. What fits
    /// nowhere else could not be committed before others compact their logs; nor could what would
    /// help them to. O(members).
    fn majority_has_room(&self, now: Instant, len: u32) -> bool {
        let untold = if self.is_half_full() { Untold::IsNone } else { Untold::IsEnough };
        self.others_with_room(now, len, untold).saturating_add(1) >= majority(self.voters())
    }

    /// How many peers have room for an entry of `len` bytes.
    fn others_with_room(&self, now: Instant, len: u32, untold: Untold) -> usize {
        let has_room = |to: usize| match self.room_at(now, to) {
            RoomThere::Told(room) => self.leaves_reserve(room, len),
            RoomThere::Untold => untold == Untold::IsEnough,
            RoomThere::Unheard => false,
        };
        (0..self.peers.len()).filter(|to| has_room(*to)).count()
    }

    /// The room of the peer at `to`, behind all that this log holds.
    fn room_at(&self, now: Instant, to: usize) -> RoomThere {
        let Some(peer) = self.peers.get(to) else { return RoomThere::Unheard };
        let Progress { room, received, .. } = peer.progress;
        if now >= peer.heard_at.plus(self.limits.election_timeout) {
            RoomThere::Unheard
        } else if room == ROOM_UNTOLD || self.needs_snapshot(to) {
            RoomThere::Untold
        } else {
            let coming = self.held_behind(received);
            RoomThere::Told(Room {
                entries: room.entries.saturating_sub(coming.entries),
                bytes: room.bytes.saturating_sub(coming.bytes),
            })
        }
    }

    /// Whether this leader's log has been too full for long, and a majority of others have room: one of
    /// them had better lead. (It may be that this node has no place for a snapshot, or is slow to
    /// write one.) O(members). (Of its own, since it takes stack that a heartbeat need not.)
    #[inline(never)]
    pub(crate) fn is_in_the_way(&self, now: Instant) -> bool {
        let longest = self.limits.max_command.saturating_add(frame::OVERHEAD_MAX as u32);
        now >= self.full_since.plus(self.limits.election_timeout.times(FULL_FOR))
            && !self.leaves_reserve(self.log.room(), longest)
            && self.others_with_room(now, longest, Untold::IsNone) >= majority(self.voters())
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
