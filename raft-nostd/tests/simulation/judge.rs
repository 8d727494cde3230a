//! The five safety properties (dissertation, Figure 3.2), of memories and of disks.

use crate::disk::Core;
use crate::host::Deeds;
use crate::ledger::Ledger;
use crate::place::Place;
use raft_nostd::frame::EntryKind;
use raft_nostd::wire::{Datagram, Message};
use raft_nostd::{Event, Index, NodeId, Position, Role, Status, Term};
use std::collections::{BTreeMap, HashMap};

/// An entry that was committed.
struct Committed {
    term: Term,
    /// The term whose leader committed it.
    by: Term,
}

/// An entry of any log: by Log Matching, its position says everything about it and what is before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Entry {
    before: Term,
    bytes: u64,
}

/// A node as it was when it was last looked at.
#[derive(Default)]
struct Seen {
    term: Term,
    log: Vec<Term>,
    commit: Index,
    /// The last entry its machine has dealt with.
    machine: Index,
    /// What it knew of others as the leader of its term.
    matched: BTreeMap<NodeId, Index>,
}

pub struct Judge {
    pub ledger: Ledger,
    voters: usize,
    leaders: BTreeMap<Term, NodeId>,
    entries: HashMap<Position, Entry>,
    committed: Vec<Committed>,
    committed_command: Index,
    /// Everything any state machine was given, by index.
    applied: BTreeMap<Index, (Position, Vec<u8>)>,
    seen: Vec<Seen>,
    pub truncations: u64,
}

impl Judge {
    pub fn new(voters: usize) -> Self {
        Self {
            ledger: Ledger::new(voters),
            voters,
            leaders: BTreeMap::new(),
            entries: HashMap::new(),
            committed: Vec::new(),
            committed_command: Index::ZERO,
            applied: BTreeMap::new(),
            seen: (0..voters).map(|_| Seen::default()).collect(),
            truncations: 0,
        }
    }

    pub fn elections(&self) -> u64 {
        self.leaders.len() as u64
    }

    /// The last command any node knew to be committed.
    pub fn committed_command(&self) -> Index {
        self.committed_command
    }

    pub fn commands(&self) -> impl Iterator<Item = &(Position, Vec<u8>)> {
        self.applied.values()
    }

    /// A node has started: it knows nothing but what its disk gave back.
    pub fn restarted(&mut self, at: usize, raft: &Core) {
        let (commit, machine) = (raft.commit(), raft.applied());
        self.seen[at] = Seen { term: raft.term(), commit, machine, ..Seen::default() };
        self.ledger.restarted(at);
    }

    /// Checks what the node at `at` has done, and become.
    pub fn look_at(&mut self, places: &[Place], at: usize, deeds: &Deeds) {
        let place = &places[at];
        let Some(raft) = place.raft() else { return };
        if self.seen[at].term != raft.term() {
            self.seen[at].term = raft.term();
            self.seen[at].matched.clear();
        }
        for (event, _) in &deeds.events {
            if let Event::Status(Status { role: Role::Leader, term, .. }) = event {
                self.election_safety(place, raft, *term);
            }
        }
        self.log_matching(at, raft);
        self.commitment(at, raft);
        self.state_machine_safety(at, place, raft, &deeds.applied);
        self.leader_completeness_of_disks(places);
        self.matches(at, raft, places);
    }

    /// Election Safety, and Leader Completeness at the moment of election.
    fn election_safety(&mut self, place: &Place, raft: &Core, term: Term) {
        if let Some(other) = self.leaders.insert(term, place.id) {
            assert_eq!(other, place.id, "two leaders in term {term}");
            return;
        }
        self.ledger.check_elected(place, term, self.voters);
        let Some(last) = self.committed.iter().rposition(|entry| entry.by < term) else { return };
        let index = Index(last as u64 + 1);
        let complete = raft.term_at(index) == Some(self.committed[last].term);
        assert!(complete, "Leader Completeness: {} lacks {index} in term {term}", place.id);
    }

    /// Log Matching, through all times: an entry is first seen in the log of its term's leader, and
    /// whoever has one at its position has the same, behind the same.
    fn log_matching(&mut self, at: usize, raft: &Core) {
        let seen = &mut self.seen[at].log;
        let last = raft.last().index.0 as usize;
        let agrees = |place: &usize| raft.term_at(Index(*place as u64 + 1)) == Some(seen[*place]);
        let same = (0..seen.len().min(last)).rev().find(agrees).map_or(0, |place| place + 1);
        self.truncations += u64::from(same < seen.len());
        seen.truncate(same);
        for index in (same as u64 + 1..=last as u64).map(Index) {
            let entry = raft.entry(index).expect("held");
            let before = raft.term_at(index.previous()).expect("held");
            let (position, bytes) = (entry.position, hash(entry.frame));
            let known = self.entries.entry(position).or_insert_with(|| {
                let leader = self.leaders.get(&position.term);
                assert_eq!(leader, Some(&raft.id()), "{position} does not come from a leader");
                Entry { before, bytes }
            });
            assert_eq!(*known, Entry { before, bytes }, "Log Matching at {position}");
            seen.push(position.term);
        }
    }

    /// A committed entry never changes, and no follower takes for committed what its leader has not
    /// proven to it.
    fn commitment(&mut self, at: usize, raft: &Core) {
        let commit = raft.commit();
        if commit <= self.seen[at].commit {
            return;
        }
        if self.leaders.get(&raft.term()) != Some(&raft.id()) {
            let proven = self.ledger.proven(at, raft.term());
            assert!(commit <= proven, "{} commits {commit}, proven is {proven}", raft.id());
        }
        for index in (self.seen[at].commit.0 + 1..=commit.0).map(Index) {
            let term = raft.term_at(index).expect("a committed entry is held");
            match self.committed.get(index.0 as usize - 1) {
                Some(known) => assert_eq!(known.term, term, "two entries committed at {index}"),
                None => {
                    self.committed.push(Committed { term, by: raft.term() });
                    let kind = raft.entry(index).expect("a committed entry is held").kind;
                    if kind == EntryKind::Command {
                        self.committed_command = index;
                    }
                }
            }
        }
        self.seen[at].commit = commit;
    }

    /// The last committed entry is on a majority of disks, and those without it could not win an
    /// election, whatever is lost now: that is what committed means (§5.4 of the paper).
    fn leader_completeness_of_disks(&self, places: &[Place]) {
        let Some(last) = self.committed.last() else { return };
        let committed = Position { term: last.term, index: Index(self.committed.len() as u64) };
        let (have, lack): (Vec<_>, Vec<_>) =
            places.iter().partition(|place| place.disk.image.holds(committed));
        let majority = self.voters / 2 + 1;
        assert!(have.len() >= majority, "committed, but not on a majority of disks: {committed}");
        for one in lack {
            let ours = one.disk.image.last();
            let votes = places.iter().filter(|place| place.disk.image.last() <= ours).count();
            assert!(votes < majority, "{} lacks {committed} and could be elected", one.id);
        }
    }

    /// What a leader takes for matched is on the follower's disk, and never goes back.
    fn matches(&mut self, at: usize, raft: &Core, places: &[Place]) {
        for place in places.iter().filter(|place| place.id != raft.id()) {
            let Some(matched) = raft.matched(place.id) else { return };
            let before = self.seen[at].matched.insert(place.id, matched).unwrap_or_default();
            assert!(matched >= before, "matched goes back from {before} to {matched}");
            let image = &place.disk.image;
            let same = raft.term_at(matched).is_some_and(|t| image.term_at(matched) == Some(t));
            let replaced = image.hard.term > raft.term();
            assert!(same || replaced, "{} does not have {matched} durably", place.id);
        }
    }

    /// State Machine Safety: nobody applies another command at the same index, every machine gets
    /// every command, in order, and nothing that is not durable at its own node.
    fn state_machine_safety(
        &mut self,
        at: usize,
        place: &Place,
        raft: &Core,
        applied: &[(Position, Vec<u8>)],
    ) {
        let (id, last) = (place.id, raft.applied());
        assert_eq!(place.disk.image.term_at(last), raft.term_at(last), "{id} applies too early");
        let skips = |from: Index, to: Index| {
            let mut between = (from.0 + 1..to.0).map(|index| raft.entry(Index(index)));
            between.any(|entry| entry.expect("held").kind == EntryKind::Command)
        };
        let machine = &mut self.seen[at].machine;
        for (position, command) in applied {
            let index = position.index;
            assert!(index > *machine, "{id}: {position} is applied again");
            assert!(!skips(*machine, index), "{id}: skipped a command for {position}");
            *machine = index;
            let known = self.applied.entry(index);
            let known = known.or_insert_with(|| (*position, command.clone()));
            assert_eq!((&known.0, &known.1), (position, command), "State Machine Safety");
        }
        assert!(!skips(*machine, last.next()), "{id}: skipped a command");
        *machine = last;
    }

    /// A node took a datagram for true.
    pub fn taken(&mut self, at: usize, raft: &Core, datagram: &Datagram<'_>) {
        if let Message::Append(append) = datagram.message
            && append.term == raft.term()
        {
            self.ledger.heard(at, &append);
        }
    }
}

/// FNV-1a.
pub fn hash(bytes: &[u8]) -> u64 {
    let mix = |hash: u64, byte: &u8| (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3);
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, mix)
}
