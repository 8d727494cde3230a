//! Proposals, and the log being full (dissertation §3.5; DESIGN "The log, and being full").

use crate::error::{LogFull, ProposeError};
use crate::frame::{self, EntryKind};
use crate::log::NoRoom;
use crate::state::Node;
use crate::state::metrics::count;
use crate::state::role::Role;
use crate::types::{Index, Position};
use crate::wire::Room;

/// No-ops that a log always keeps room for, for a run of failed leaderships: at least, and at most.
const RESERVE_ENTRIES: (u32, u32) = (2, 1_024);

impl<B: AsRef<[u8]> + AsMut<[u8]>, const VOTERS: usize> Node<B, VOTERS> {
    /// Appends a command to a leader's log. O(command).
    pub(crate) fn propose(&mut self, command: &[u8]) -> Result<Position, ProposeError> {
        if self.halted.is_some() {
            return Err(ProposeError::Halted);
        }
        if self.role != Role::Leader {
            // A node whose medium is full does not lead; who does, if anybody, can be asked.
            return Err(match (self.leader, self.durability.retry_at()) {
                (None, Some(_)) => ProposeError::StorageFull,
                (hint, _) => ProposeError::NotLeader { hint },
            });
        }
        let too_large =
            ProposeError::TooLarge { given: command.len(), most: self.limits.max_command };
        if command.len() > self.limits.max_command as usize {
            return Err(too_large);
        }
        self.check_room(command.len())?;
        let created = self.log.create(self.term(), EntryKind::Command, command);
        let position = created.map_err(|reason| match reason {
            NoRoom::Full => ProposeError::LogFull(LogFull::Capacity),
            NoRoom::TooLong => too_large,
        })?;
        count(&mut self.metrics.proposed);
        if let Some(forgotten) = self.proposals.add(position) {
            self.news.unknown = Some(forgotten);
        }
        Ok(position)
    }

    /// What is not committed yet may fill half the log, and nothing the reserve.
    fn check_room(&self, command: usize) -> Result<(), ProposeError> {
        let next = Position { term: self.term(), index: self.log.last().index.next() };
        let len = frame::encoded_len(next, command).unwrap_or(usize::MAX);
        let len = u32::try_from(len).unwrap_or(u32::MAX);
        let (room, reserve) = (self.log.room(), self.reserve());
        let entries = room.entries.saturating_sub(reserve.entries);
        if entries == 0 || room.bytes.saturating_sub(reserve.bytes) < len {
            return Err(ProposeError::LogFull(LogFull::Capacity));
        }
        let capacity = self.log.capacity();
        let open = self.uncommitted();
        let crowded = open.entries >= capacity.entries >> 1
            || (open.entries > 0 && open.bytes.saturating_add(len) > capacity.bytes >> 1);
        if crowded { Err(ProposeError::LogFull(LogFull::Uncommitted)) } else { Ok(()) }
    }

    /// The part of the log that commands may not use.
    pub(crate) fn reserve(&self) -> Room {
        let (least, most) = RESERVE_ENTRIES;
        let entries = (self.log.capacity().entries >> 3).clamp(least, most);
        let bytes = entries.saturating_mul(frame::OVERHEAD_MAX as u32);
        Room { entries, bytes: bytes.min(self.log.capacity().bytes >> 2) }
    }

    /// What the log holds beyond the commit index.
    fn uncommitted(&self) -> Room {
        let (first, last) = (self.commit.next(), self.log.last().index);
        let entries = last.since(first.previous());
        let bytes = if first <= last && first > Index::ZERO {
            self.log.bytes_between(first, last)
        } else {
            0
        };
        Room { entries: u32::try_from(entries).unwrap_or(u32::MAX), bytes }
    }
}
