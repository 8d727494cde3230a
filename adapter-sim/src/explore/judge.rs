//! What must hold of all nodes together, whatever happened (dissertation, Figure 3.2).

use super::log::Log;
use raft_nostd::Role;

/// What is remembered of the past: who was elected, and what was committed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct History {
    /// Who led each term, three bits a term: a node's number from 1 on.
    leaders: u32,
    pub(super) committed: Log,
    /// In which term each of them was committed first, four bits each.
    committed_in: u32,
}

/// What the checks need to know of a node.
#[derive(Clone, Copy, Debug)]
pub(super) struct Summary<const N: usize> {
    pub(super) role: Role,
    pub(super) term: u64,
    pub(super) log: Log,
    pub(super) commit: u64,
    /// Of a leader: how far it takes each node to be.
    pub(super) matched: [u64; N],
    /// Whether a batch is out.
    pub(super) writes: bool,
    pub(super) disk: Log,
    pub(super) disk_term: u64,
    /// A node's number from 0 on.
    pub(super) disk_vote: Option<usize>,
}

/// Nodes that are a majority.
const fn majority(nodes: usize) -> usize {
    nodes / 2 + 1
}

impl History {
    pub(super) fn to_words(self) -> [u32; 3] {
        [self.leaders, self.committed.0, self.committed_in]
    }

    pub(super) fn from_words([leaders, committed, committed_in]: [u32; 3]) -> Self {
        Self { leaders, committed: Log(committed), committed_in }
    }

    /// Who led `term`.
    pub(super) fn leader(self, term: u64) -> Option<usize> {
        (self.leaders >> (3 * term) & 7).checked_sub(1).map(|node| node as usize)
    }

    /// Terms that had a leader, and entries that were committed.
    pub(super) fn reached(self) -> (usize, usize) {
        let elected = (1..8).filter(|&term| self.leader(term).is_some()).count();
        (elected, self.committed.len() as usize)
    }

    /// The history once `node`, one of `all`, has become what it is; it was as in `before`.
    ///
    /// # Errors
    /// What must not happen.
    pub(super) fn after<const N: usize>(
        mut self,
        node: usize,
        before: &Summary<N>,
        all: &[&Summary<N>; N],
    ) -> Result<Self, String> {
        let now = all[node];
        let led = before.role == Role::Leader && before.term == now.term;
        if now.role == Role::Leader && !led {
            self = self.elected(node, all)?;
        }
        self.commits(node, now)
    }

    /// Election Safety: at most one leader in a term, by the durable votes of a majority.
    fn elected<const N: usize>(
        mut self,
        node: usize,
        all: &[&Summary<N>; N],
    ) -> Result<Self, String> {
        let term = all[node].term;
        if let Some(other) = self.leader(term) {
            return Err(format!("{} leads term {term}, and so did {}", node + 1, other + 1));
        }
        self.leaders |= (node as u32 + 1) << (3 * term);
        let own = (all[node].disk_term, all[node].disk_vote) == (term, Some(node));
        let votes = |one: &&&Summary<N>| {
            one.disk_term > term || (one.disk_term == term && one.disk_vote == Some(node))
        };
        if !own || all.iter().filter(votes).count() < majority(N) {
            return Err(format!("{} leads term {term} without durable votes for it", node + 1));
        }
        Ok(self)
    }

    /// State Machine Safety: what is committed never changes. And a leader commits it first.
    fn commits<const N: usize>(mut self, node: usize, now: &Summary<N>) -> Result<Self, String> {
        let known = self.committed.len();
        let (ours, theirs) = (now.log.first(now.commit), self.committed.first(now.commit));
        if ours.first(known) != theirs {
            let node = node + 1;
            return Err(format!(
                "{node} has {ours} committed, where {theirs} was committed before"
            ));
        }
        for index in known + 1..=now.commit {
            if now.role != Role::Leader {
                return Err(format!("{} commits {index} before any leader does", node + 1));
            }
            self.committed.push(now.log.at(index));
            self.committed_in |= (now.term as u32) << (4 * (index - 1));
        }
        Ok(self)
    }

    /// What holds of every state.
    ///
    /// # Errors
    /// What does not.
    pub(super) fn check<const N: usize>(self, all: &[&Summary<N>; N]) -> Result<(), String> {
        for (one, other) in pairs(all) {
            check_matching(one, other)?;
        }
        for (node, one) in (1..).zip(all) {
            if one.role == Role::Leader {
                self.check_complete(node, one)?;
                check_matched(node, one, all)?;
            }
        }
        self.check_committed(all)
    }

    /// Leader Completeness: a leader has what was committed in earlier terms.
    fn check_complete<const N: usize>(self, node: usize, one: &Summary<N>) -> Result<(), String> {
        let earlier =
            |index: &u64| u64::from(self.committed_in >> (4 * (index - 1)) & 15) < one.term;
        let due = (1..=self.committed.len()).take_while(earlier).count() as u64;
        let due = self.committed.first(due);
        if one.log.starts_with(due) {
            return Ok(());
        }
        let (term, log) = (one.term, one.log);
        Err(format!("{node} leads term {term} with {log}, and lacks of {due} that was committed"))
    }

    /// What is committed is on a majority of disks, and who lacks it could not be elected, whatever
    /// is lost now: that is what committed means (§5.4 of the paper).
    fn check_committed<const N: usize>(self, all: &[&Summary<N>; N]) -> Result<(), String> {
        let has = |one: &Summary<N>| one.disk.starts_with(self.committed);
        let committed = self.committed;
        if all.iter().filter(|one| has(one)).count() < majority(N) {
            return Err(format!("{committed} is committed, but not on a majority of disks"));
        }
        for (node, one) in (1..).zip(all).filter(|(_, one)| !has(one)) {
            let votes = all.iter().filter(|voter| voter.disk.last() <= one.disk.last()).count();
            if votes >= majority(N) {
                return Err(format!("{committed} is committed, and {node} could win without it"));
            }
        }
        Ok(())
    }
}

fn pairs<'a, const N: usize>(
    all: &'a [&'a Summary<N>; N],
) -> impl Iterator<Item = (&'a Summary<N>, &'a Summary<N>)> {
    let rest =
        |(at, one): (usize, &'a &'a Summary<N>)| all[at..].iter().map(|other| (*one, *other));
    all.iter().enumerate().flat_map(rest)
}

/// Log Matching, of memories and disks.
fn check_matching<const N: usize>(one: &Summary<N>, other: &Summary<N>) -> Result<(), String> {
    for ours in [one.log, one.disk] {
        for theirs in [other.log, other.disk] {
            if ours != theirs && !ours.matches(theirs) {
                return Err(format!("Log Matching: {ours} against {theirs}"));
            }
        }
    }
    Ok(())
}

/// What a leader takes for matched is on the follower's disk, until that hears of a newer leader.
fn check_matched<const N: usize>(
    node: usize,
    one: &Summary<N>,
    all: &[&Summary<N>; N],
) -> Result<(), String> {
    for (peer, (matched, other)) in (1..).zip(one.matched.iter().zip(all)) {
        let same = other.disk.starts_with(one.log.first(*matched));
        if !same && other.disk_term <= one.term {
            return Err(format!("{node} takes {peer} to have {matched} durably, which it has not"));
        }
    }
    Ok(())
}
