//! Proposals (dissertation §3.5).

use crate::error::{LogFull, ProposeError};
use crate::frame::EntryKind;
use crate::log::NoRoom;
use crate::state::Node;
use crate::state::metrics::count;
use crate::state::role::Role;
use crate::time::Instant;
use crate::types::Position;

impl<B: AsRef<[u8]> + AsMut<[u8]>, const VOTERS: usize> Node<B, VOTERS> {
    /// Appends a command to a leader's log. O(members + command).
    pub(crate) fn propose(
        &mut self,
        now: Instant,
        command: &[u8],
    ) -> Result<Position, ProposeError> {
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
        if let Err(full) = self.check_room(now, command.len()) {
            self.full_since = self.full_since.min(now);
            return Err(ProposeError::LogFull(full));
        }
        let created = self.log.create(self.term(), EntryKind::Command, command);
        let position = created.map_err(|reason| match reason {
            NoRoom::Full => ProposeError::LogFull(LogFull::Capacity),
            NoRoom::TooLong => too_large,
        })?;
        self.full_since = Instant::NEVER;
        count(&mut self.metrics.proposed);
        if let Some(forgotten) = self.proposals.add(position) {
            self.news.unknown = Some(forgotten);
        }
        Ok(position)
    }
}
