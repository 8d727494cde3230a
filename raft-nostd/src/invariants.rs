//! What must hold of a node after every input, by itself and against what it was before.
//!
//! Run in tests, simulation and fuzzing; costs O(log) now and then, so not in production.

use crate::raft::Raft;
use crate::state::role::Role;
use crate::types::{HardState, Index, Position, Term};

/// Watches one run of one node.
#[derive(Clone, Copy, Debug, Default)]
pub struct Witness {
    hard: HardState,
    durable_hard: HardState,
    commit: Index,
    applied: Index,
    committed: Position,
    led: Option<(Term, Position)>,
    /// The log as it was: its base, and its last entry.
    log: Option<(Position, Position)>,
    /// Changes of the log since all of it was looked at.
    changes: u32,
}

/// Of so many changes of a log, one makes the witness look at all of its frames again.
const CHANGES_PER_LOOK: u32 = 32;

/// Of a log that grew, so many of its oldest frames are looked at: what is written too far
/// overwrites these.
const OLDEST: u64 = 2;

/// An invariant that does not hold, in words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Broken(pub &'static str);

impl core::fmt::Display for Broken {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "invariant broken: {}", self.0)
    }
}

impl core::error::Error for Broken {}

fn require(holds: bool, what: &'static str) -> Result<(), Broken> {
    if holds { Ok(()) } else { Err(Broken(what)) }
}

impl Witness {
    /// Checks a node, and remembers what it was for the next check.
    ///
    /// # Errors
    /// The first invariant that does not hold.
    pub fn observe<B: AsRef<[u8]> + AsMut<[u8]>, const VOTERS: usize>(
        &mut self,
        raft: &Raft<B, VOTERS>,
    ) -> Result<(), Broken> {
        self.check_monotonic(raft)?;
        check_indexes(raft)?;
        self.check_log(raft)?;
        check_role(raft)?;
        self.check_leader_append_only(raft)?;
        self.hard = raft.hard_state();
        self.durable_hard = raft.durable_hard_state();
        (self.commit, self.applied) = (raft.commit(), raft.applied());
        self.committed = position(raft, raft.commit());
        Ok(())
    }

    fn check_monotonic<B: AsRef<[u8]> + AsMut<[u8]>, const VOTERS: usize>(
        &self,
        raft: &Raft<B, VOTERS>,
    ) -> Result<(), Broken> {
        let (before, now) = (self.hard, raft.hard_state());
        require(now.term >= before.term, "the term never goes back (§3.3)")?;
        let kept = now.term > before.term || before.vote.is_none() || now.vote == before.vote;
        require(kept, "one vote in each term (§3.4)")?;
        let durable = raft.durable_hard_state();
        require(durable.term >= self.durable_hard.term, "the durable term never goes back")?;
        require(raft.commit() >= self.commit, "the commit index never goes back (§3.5)")?;
        require(raft.applied() >= self.applied, "the applied index never goes back (§3.5)")?;
        let kept = raft.term_at(self.committed.index).is_none_or(|t| t == self.committed.term);
        require(kept, "a committed entry never changes (§3.6)")
    }

    /// A log that has not changed is not looked at, and of one that grew only what is new and what
    /// that might have overwritten; now and then all of it.
    fn check_log<B: AsRef<[u8]> + AsMut<[u8]>, const VOTERS: usize>(
        &mut self,
        raft: &Raft<B, VOTERS>,
    ) -> Result<(), Broken> {
        let now = (raft.base(), raft.last());
        let before = self.log.replace(now);
        if before == Some(now) {
            return Ok(());
        }
        self.changes = self.changes.wrapping_add(1);
        let grown_from = before.map(|(_, last)| last).filter(|last| {
            last.index >= raft.base().index && raft.term_at(last.index) == Some(last.term)
        });
        let Some(last) = grown_from.filter(|_| !self.changes.is_multiple_of(CHANGES_PER_LOOK))
        else {
            return check_whole_log(raft);
        };
        let oldest = raft.base().index.plus(OLDEST).min(last.index);
        check_frames(raft, raft.base(), oldest)?;
        let (end, _) = check_frames(raft, last, raft.last().index)?;
        require(end == raft.last(), "all entries are there")
    }

    /// Leader Append-Only (Figure 3.2): within its term a leader only adds to its log.
    fn check_leader_append_only<B: AsRef<[u8]> + AsMut<[u8]>, const VOTERS: usize>(
        &mut self,
        raft: &Raft<B, VOTERS>,
    ) -> Result<(), Broken> {
        if raft.status().role != Role::Leader {
            self.led = None;
            return Ok(());
        }
        if let Some((term, last)) = self.led
            && term == raft.term()
        {
            // (What was compacted since is committed, so it was not overwritten.)
            let compacted = last.index < raft.base().index;
            let held = raft.term_at(last.index) == Some(last.term);
            let kept = (held || compacted) && raft.last() >= last;
            require(kept, "a leader never overwrites or deletes entries (Leader Append-Only)")?;
        }
        self.led = Some((raft.term(), raft.last()));
        Ok(())
    }
}

fn position<B: AsRef<[u8]> + AsMut<[u8]>, const VOTERS: usize>(
    raft: &Raft<B, VOTERS>,
    index: Index,
) -> Position {
    Position { term: raft.term_at(index).unwrap_or_default(), index }
}

fn check_indexes<B: AsRef<[u8]> + AsMut<[u8]>, const VOTERS: usize>(
    raft: &Raft<B, VOTERS>,
) -> Result<(), Broken> {
    let (last, node) = (raft.last().index, raft.node());
    require(raft.applied() <= raft.commit(), "applied <= commit")?;
    require(raft.applied() <= raft.durable(), "nothing is applied that is not durable here")?;
    require(raft.commit() <= last, "commit <= last")?;
    require(raft.durable() <= node.durability.written(), "durable <= written")?;
    require(node.durability.written() <= last, "written <= last")?;
    require(node.verified <= last, "verified <= last")?;
    require(raft.last().term <= raft.term(), "no entry is of a later term than the node")
}

/// All frames of the log.
fn check_whole_log<B: AsRef<[u8]> + AsMut<[u8]>, const VOTERS: usize>(
    raft: &Raft<B, VOTERS>,
) -> Result<(), Broken> {
    let log = &raft.node().log;
    let (at, bytes) = check_frames(raft, log.base(), log.last().index)?;
    require(at == log.last(), "all entries are there")?;
    let used = log.capacity().bytes.saturating_sub(log.room().bytes);
    require(u64::from(used) == bytes, "the room is what the frames leave")
}

/// The frames behind `from` through `to`: the last position, and their bytes.
fn check_frames<B: AsRef<[u8]> + AsMut<[u8]>, const VOTERS: usize>(
    raft: &Raft<B, VOTERS>,
    from: Position,
    to: Index,
) -> Result<(Position, u64), Broken> {
    let log = &raft.node().log;
    let (mut at, mut bytes) = (from, 0_u64);
    for entry in &log.frames(from.index.next(), to) {
        require(entry.position.index == at.index.next(), "indexes are consecutive")?;
        require(entry.position.term >= at.term, "terms in the log never go back")?;
        require(log.term_at(entry.position.index) == Some(entry.position.term), "slot and frame")?;
        require(crate::frame::verify(entry.frame).is_ok(), "each frame's CRC matches")?;
        bytes = bytes.saturating_add(entry.frame.len() as u64);
        at = entry.position;
    }
    Ok((at, bytes))
}

fn check_role<B: AsRef<[u8]> + AsMut<[u8]>, const VOTERS: usize>(
    raft: &Raft<B, VOTERS>,
) -> Result<(), Broken> {
    let node = raft.node();
    match node.role {
        Role::Leader => {
            require(node.leader == Some(node.id), "a leader knows who leads")?;
            let durable = node.durability.hard_state().term == node.term();
            require(durable, "a leader's term is durable")?;
            let last = raft.last().index;
            let bounded = node.peers.iter().all(|peer| {
                let progress = &peer.progress;
                progress.matched <= progress.received
                    && progress.received < progress.next
                    && progress.next <= last.next()
            });
            require(bounded, "matched <= received < next <= last + 1")
        }
        Role::Candidate => require(node.hard.vote == Some(node.id), "a candidate votes for itself"),
        Role::PreCandidate => require(node.leader.is_none(), "a pre-candidate knows no leader"),
        Role::Follower => require(node.leader != Some(node.id), "a follower does not lead"),
    }
}
