//! AppendEntries received (dissertation §3.5, Figure 3.1).

use super::Standing;
use crate::error::{Halt, Refused};
use crate::frame::Frames;
use crate::log::NoRoom;
use crate::state::Node;
use crate::state::peers::{Conflict, Owed, When};
use crate::state::role::Role;
use crate::time::Instant;
use crate::types::{Index, NodeId, Position, Term};
use crate::wire::{Append, ReplyWish};

/// What an append means for the log, found out before anything is changed.
enum Plan {
    /// There is no entry at `prev`, or one of another term.
    Conflict(Conflict),
    /// The logs agree, and hold all it brings.
    Known,
    /// The logs agree; what is new starts here.
    Extend(Index),
    /// It contradicts what is committed.
    Halt(Halt),
}

/// What an append brought.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum News {
    Entries,
    /// It was a heartbeat, or was here already, or there is no room for it.
    Nothing,
}

impl<B: AsRef<[u8]> + AsMut<[u8]>, const VOTERS: usize> Node<B, VOTERS> {
    pub(super) fn on_append(
        &mut self,
        now: Instant,
        from: usize,
        append: &Append,
        frames: &Frames<'_>,
    ) -> Result<(), Refused> {
        let Some(sender) = self.peers.get(from).map(|peer| peer.id) else {
            return Err(Refused::Sender);
        };
        let plan = self.plan_append(append, frames);
        self.check_consistent(sender, append, &plan)?;
        if self.heed_term(now, append.term, None) == Standing::Stale {
            self.owe_term(from);
            return Ok(());
        }
        self.follow(now, sender);
        let last = self.log.last();
        let proven = match plan {
            Plan::Halt(reason) => {
                self.halt(reason);
                return Ok(());
            }
            Plan::Conflict(conflict) => {
                self.heard_round = self.heard_round.max(append.round);
                self.owe_reply(from, When::Now, Some(conflict));
                return Ok(());
            }
            Plan::Known => append.prev.index.plus(frames.count()),
            Plan::Extend(first_new) => self.extend(append, frames, first_new),
        };
        self.verified = self.verified.max(proven);
        self.commit = self.commit.max(append.commit.min(self.verified));
        self.overtake();
        let news = if self.log.last() == last { News::Nothing } else { News::Entries };
        self.acknowledge(from, append, news, proven);
        Ok(())
    }

    /// Owes the leader an answer, where it wants one: at once when nothing of it waits for the
    /// medium, or when a quorum round does not need to wait for it. Nor does an append that brought
    /// nothing new: while the medium is slow or full, that is how the leader knows of its majority.
    fn acknowledge(&mut self, from: usize, append: &Append, news: News, proven: Index) {
        let newer_round = append.round > self.heard_round;
        self.heard_round = self.heard_round.max(append.round);
        if append.reply == ReplyWish::Unwanted {
            return;
        }
        let at_once = newer_round || news == News::Nothing || self.acknowledged() >= proven;
        self.owe_reply(from, if at_once { When::Now } else { When::Durable }, None);
    }

    /// Compares the append with the log. O(entries in it), and O(log entries) for a hint.
    fn plan_append(&self, append: &Append, frames: &Frames<'_>) -> Plan {
        let prev = append.prev;
        if prev.index >= self.log.base().index && self.log.term_at(prev.index) != Some(prev.term) {
            if prev.index <= self.commit {
                return self.plan_halt(prev);
            }
            let hint = self.log.last_at_most(prev.index.previous(), prev.term);
            return Plan::Conflict(Conflict { prev: prev.index, hint });
        }
        if prev.index >= self.log.last().index && !frames.is_empty() {
            return Plan::Extend(prev.index.next());
        }
        for entry in frames {
            let index = entry.position.index;
            if index <= self.log.base().index {
                continue;
            }
            match self.log.term_at(index) {
                Some(term) if term == entry.position.term => {}
                Some(_) if index <= self.commit => return self.plan_halt(entry.position),
                _ => return Plan::Extend(index),
            }
        }
        Plan::Known
    }

    fn plan_halt(&self, theirs: Position) -> Plan {
        let term = self.log.term_at(theirs.index).unwrap_or_default();
        let ours = Position { term, index: theirs.index };
        Plan::Halt(Halt::CommittedConflict { ours, theirs })
    }

    /// Refuses what no correct leader of this node's own term says: that there are two of them, or
    /// other entries than it has proven before.
    fn check_consistent(
        &self,
        sender: NodeId,
        append: &Append,
        plan: &Plan,
    ) -> Result<(), Refused> {
        self.check_leader(sender, append.term)?;
        if append.term != self.term() {
            return Ok(());
        }
        let disputed = match plan {
            Plan::Conflict(conflict) => conflict.prev <= self.verified,
            Plan::Extend(first_new) => *first_new <= self.verified,
            Plan::Known | Plan::Halt(_) => false,
        };
        if disputed { Err(Refused::Contradiction) } else { Ok(()) }
    }

    /// Refuses a second leader of this node's own term.
    pub(super) fn check_leader(&self, sender: NodeId, term: Term) -> Result<(), Refused> {
        let other = self.leader.is_some_and(|leader| leader != sender);
        if term == self.term() && (self.led == self.term() || other) {
            return Err(Refused::Contradiction);
        }
        Ok(())
    }

    /// Recognises the leader of this term.
    pub(super) fn follow(&mut self, now: Instant, leader: NodeId) {
        self.role = Role::Follower;
        self.leader = Some(leader);
        self.contact = now;
        self.campaign_at = self.draw_timeout(now);
    }

    /// Brings the log in line with the append, and returns the last index it proves. Entries that
    /// are there already stay: the log is cut only at `first_new`, whose term differs.
    fn extend(&mut self, append: &Append, frames: &Frames<'_>, first_new: Index) -> Index {
        self.truncate(first_new);
        let mut proven = first_new.previous();
        for entry in frames {
            if entry.position.index < first_new {
                continue;
            }
            if let Err(reason) = self.log.append(&entry) {
                if reason == NoRoom::TooLong || self.is_beyond_capacity(append, frames) {
                    self.news.capacity_differs(self.leader, self.term());
                }
                break;
            }
            proven = entry.position.index;
        }
        proven
    }

    fn truncate(&mut self, from: Index) {
        if from <= self.log.last().index {
            self.log.truncate(from);
            self.durability.truncate(from);
        }
    }

    /// Whether no log of this one's capacity can hold what the leader holds. Only what is committed is
    /// ever compacted away, so it holds at least all that is not, up to the last of `frames`. (Being
    /// full is no sign: this log may just not be compacted as far as that of a leader that is new and
    /// has not heard yet how much room there is.) O(entries).
    fn is_beyond_capacity(&self, append: &Append, frames: &Frames<'_>) -> bool {
        let commit = append.commit;
        let last = append.prev.index.plus(frames.count());
        let before = self.log.frames(commit.next(), append.prev.index).byte_len();
        let open = frames.iter().filter(|entry| entry.position.index > commit);
        let bytes = open.map(|entry| entry.frame.len()).fold(before, usize::saturating_add);
        let capacity = self.log.capacity();
        last.since(commit) > u64::from(capacity.entries) || bytes > capacity.bytes as usize
    }

    /// Owes the sender an answer. A newer answer replaces an older one, but is never later due.
    fn owe_reply(&mut self, from: usize, when: When, conflict: Option<Conflict>) {
        let Some(peer) = self.peer_mut(from) else { return };
        let when = match peer.owed {
            Owed::Append { when: When::Now, .. } => When::Now,
            _ => when,
        };
        peer.owed = Owed::Append { when, conflict };
    }
}
