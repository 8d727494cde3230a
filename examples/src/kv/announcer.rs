//! Telling the cluster where clients reach this node: a command that it proposes whenever it has
//! become the leader, until one was applied in that term.

use raft_nostd::{Duration, Event, Instant, Position, ProposeError, Role};

/// How long to wait after the log did not take it.
const PAUSE: Duration = Duration::from_millis(500);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// This node does not lead, or has announced itself in this term.
    Idle,
    /// To be proposed at this time.
    Due(Instant),
    /// Proposed.
    Sent(Position),
}

/// What is left to be announced.
#[derive(Debug)]
pub struct Announcer {
    stage: Stage,
}

impl Default for Announcer {
    fn default() -> Self {
        Self { stage: Stage::Idle }
    }
}

impl Announcer {
    /// Something happened to the node.
    pub fn event(&mut self, event: &Event, now: Instant) {
        match (event, self.stage) {
            // The role may have been lost and won again between two events.
            (Event::Status(status), _) if status.role == Role::Leader => {
                self.stage = Stage::Due(now);
            }
            (Event::Status(_), _) => self.stage = Stage::Idle,
            (
                Event::ProposalsLost(range) | Event::ProposalsUnknown(range),
                Stage::Sent(position),
            ) if range.contains(position) => {
                self.stage = Stage::Due(now.plus(PAUSE));
            }
            _ => {}
        }
    }

    /// A command was applied.
    pub fn applied(&mut self, position: Position) {
        if self.stage == Stage::Sent(position) {
            self.stage = Stage::Idle;
        }
    }

    /// Proposes, if it is time to.
    pub fn run(&mut self, now: Instant, propose: impl FnOnce() -> Result<Position, ProposeError>) {
        let Stage::Due(at) = self.stage else { return };
        if now < at {
            return;
        }
        self.stage = match propose() {
            Ok(position) => Stage::Sent(position),
            Err(ProposeError::NotLeader { .. } | ProposeError::Halted) => Stage::Idle,
            Err(_) => Stage::Due(now.plus(PAUSE)),
        };
    }

    /// When to call [`Announcer::run`].
    pub fn wake_at(&self) -> Option<Instant> {
        match self.stage {
            Stage::Due(at) => Some(at),
            Stage::Idle | Stage::Sent(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use raft_nostd::{LogFull, Status, Term};

    fn status(role: Role) -> Event {
        Event::Status(Status { role, term: Term(3), leader: None })
    }

    #[test]
    fn it_insists_until_applied() {
        let mut announcer = Announcer::default();
        let at = Instant::from_millis;
        announcer.run(at(1), || panic!("it does not lead"));
        announcer.event(&status(Role::Leader), at(2));
        announcer.run(at(2), || Err(ProposeError::LogFull(LogFull::Uncommitted)));
        announcer.run(at(3), || panic!("it waits a moment"));
        assert_eq!(announcer.wake_at(), Some(at(502)));
        announcer.run(at(502), || Ok(Position::new(3, 9)));
        announcer.run(at(503), || panic!("it is on its way"));
        announcer.applied(Position::new(2, 9));
        let lost = raft_nostd::Proposed {
            term: Term(3),
            first: raft_nostd::Index(8),
            last: raft_nostd::Index(9),
        };
        announcer.event(&Event::ProposalsLost(lost), at(504));
        announcer.run(at(1_004), || Ok(Position::new(3, 12)));
        announcer.applied(Position::new(3, 12));
        assert_eq!(announcer.wake_at(), None);
        announcer.event(&status(Role::Leader), at(2_000));
        announcer.event(&status(Role::Follower), at(2_000));
        announcer.run(at(2_001), || panic!("it leads no more"));
    }
}
