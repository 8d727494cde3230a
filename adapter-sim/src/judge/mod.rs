//! The five safety properties (dissertation, Figure 3.2), of memories and of disks.

pub mod disk;
pub mod history;
pub mod ledger;
pub mod reads;

use crate::judge::disk::{Core, Image};
use crate::judge::history::History;
use crate::judge::ledger::Ledger;
use crate::judge::reads::Reads;
use crate::place::Place;
use crate::place::host::{Deeds, Told};
use crate::place::machine::{Size, State, Step};
use raft_nostd::frame::EntryKind;
use raft_nostd::wire::{Datagram, Message};
use raft_nostd::{Event, Index, NodeId, Position, ReadId, Role, Status, Term};
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
    kind: EntryKind,
    bytes: u64,
}

/// A node as it was when it was last looked at.
#[derive(Default)]
struct Seen {
    term: Term,
    /// From the first entry on, whatever of it was compacted.
    log: Vec<Term>,
    commit: Index,
    /// The last entry its machine has dealt with.
    machine: Index,
    /// What it knew of others as the leader of its term.
    matched: BTreeMap<NodeId, Index>,
    /// Snapshots of leaders that it has installed in this run.
    installed: u64,
}

pub struct Judge {
    pub ledger: Ledger,
    reads: Reads,
    voters: usize,
    leaders: BTreeMap<Term, NodeId>,
    entries: HashMap<Position, Entry>,
    committed: Vec<Committed>,
    committed_command: Index,
    history: History,
    seen: Vec<Seen>,
    pub truncations: u64,
}

impl Judge {
    pub fn new(voters: usize, size: Size) -> Self {
        Self {
            ledger: Ledger::new(voters),
            reads: Reads::new(voters),
            voters,
            leaders: BTreeMap::new(),
            entries: HashMap::new(),
            committed: Vec::new(),
            committed_command: Index::ZERO,
            history: History::new(size),
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

    pub fn commands(&self) -> impl Iterator<Item = (Position, &[u8])> {
        self.history.commands()
    }

    /// A node has started: it knows nothing but what its disks gave back, and its machine is what
    /// all commands through there make of it.
    pub fn restarted(&mut self, at: usize, raft: &Core, state: &State) {
        let (commit, machine) = (raft.commit(), raft.applied());
        self.check_committed(raft.base());
        self.history.check(raft.id(), machine, state);
        self.seen[at] = Seen { term: raft.term(), commit, machine, ..Seen::default() };
        self.ledger.restarted(at);
        self.reads.restarted(at);
    }

    /// A machine that started from a damaged disk.
    pub fn check_rotten(&self, id: NodeId, state: &State, applied: Index) {
        self.history.check(id, applied, state);
    }

    /// Sees what came in before the node does anything about it, and perhaps compacts it away.
    pub fn glance_at(&mut self, at: usize, raft: &Core) {
        let told = self.leaders.get(&raft.term()) == Some(&raft.id());
        if told || raft.status().role != Role::Leader {
            self.see_installed(at, raft);
            self.log_matching(at, raft);
        }
    }

    /// Checks what the node at `at` has done, and become.
    pub fn look_at(&mut self, places: &[Place], at: usize, deeds: &Deeds, state: Option<&State>) {
        let place = &places[at];
        let Some(raft) = place.raft() else { return };
        if self.seen[at].term != raft.term() {
            self.seen[at].term = raft.term();
            self.seen[at].matched.clear();
        }
        for Told { event, .. } in &deeds.events {
            if let Event::Status(Status { role: Role::Leader, term, .. }) = event {
                self.election_safety(place, raft, *term);
            }
        }
        self.reads.hear(at, self.voters, deeds);
        self.see_installed(at, raft);
        self.log_matching(at, raft);
        self.commitment(at, raft);
        self.state_machine_safety(at, place, raft, deeds);
        if let Some(state) = state {
            self.history.check(place.id, raft.applied(), state);
        }
        self.check_compaction(place, raft);
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
        let complete =
            index < raft.base().index || raft.term_at(index) == Some(self.committed[last].term);
        assert!(complete, "Leader Completeness: {} lacks {index} in term {term}", place.id);
    }

    /// What was compacted, or is in a snapshot, was committed.
    fn check_committed(&self, position: Position) {
        let known = self.committed_term(position.index);
        assert_eq!(known, Some(position.term), "{position} is in a snapshot and not committed");
    }

    fn committed_term(&self, index: Index) -> Option<Term> {
        match index.0.checked_sub(1) {
            Some(place) => self.committed.get(place as usize).map(|entry| entry.term),
            None => Some(Term::ZERO),
        }
    }

    /// A leader's snapshot proves to a follower all that it is of: it is committed.
    fn see_installed(&mut self, at: usize, raft: &Core) {
        let installed = raft.metrics().snapshots_installed;
        if installed > std::mem::replace(&mut self.seen[at].installed, installed) {
            let last = raft.snapshot().expect("it was installed").last;
            self.check_committed(last);
            self.ledger.proved(at, raft.term(), last.index);
        }
    }

    /// Log Matching, through all times: an entry is first seen in the log of its term's leader, and
    /// whoever has one at its position has the same, behind the same.
    fn log_matching(&mut self, at: usize, raft: &Core) {
        self.see_base(at, raft);
        let base = raft.base().index.0 as usize;
        let seen = &mut self.seen[at].log;
        let last = raft.last().index.0 as usize;
        let agrees = |place: &usize| raft.term_at(Index(*place as u64 + 1)) == Some(seen[*place]);
        let same = (base..seen.len().min(last)).rev().find(agrees).map_or(base, |place| place + 1);
        self.truncations += u64::from(same < seen.len());
        seen.truncate(same);
        for index in (same as u64 + 1..=last as u64).map(Index) {
            let entry = raft.entry(index).expect("held");
            let before = raft.term_at(index.previous()).expect("held");
            let (position, kind, bytes) = (entry.position, entry.kind, hash(entry.frame));
            let known = self.entries.entry(position).or_insert_with(|| {
                let leader = self.leaders.get(&position.term);
                assert_eq!(leader, Some(&raft.id()), "{position} does not come from a leader");
                Entry { before, kind, bytes }
            });
            assert_eq!(*known, Entry { before, kind, bytes }, "Log Matching at {position}");
            seen.push(position.term);
        }
    }

    /// What a node has compacted was in its log before, or committed elsewhere.
    fn see_base(&mut self, at: usize, raft: &Core) {
        let base = raft.base();
        let seen = &mut self.seen[at].log;
        let ends_there = |log: &[Term]| match base.index.0.checked_sub(1) {
            Some(place) => log.get(place as usize) == Some(&base.term),
            None => true,
        };
        if ends_there(seen) {
            return;
        }
        let through = base.index.0 as usize;
        let known = seen.len().min(through).min(self.committed.len());
        // A snapshot was put in place of the log, or the node has just started.
        self.truncations += u64::from(known < seen.len());
        seen.clear();
        seen.extend(self.committed.iter().take(through).map(|entry| entry.term));
        if seen.len() < through {
            // Nobody else can have known: it was elected, and has opened its term, at once.
            assert_eq!(self.voters, 1, "{}: {base} was never committed", raft.id());
            seen.resize(through, raft.term());
        }
        assert!(ends_there(seen), "{}: {base} was compacted and not committed", raft.id());
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
            let term = self.seen[at].log[index.0 as usize - 1];
            match self.committed.get(index.0 as usize - 1) {
                Some(known) => assert_eq!(known.term, term, "two entries committed at {index}"),
                None => {
                    self.committed.push(Committed { term, by: raft.term() });
                    let entry = self.entries.get(&Position { term, index });
                    if entry.is_some_and(|entry| entry.kind == EntryKind::Command) {
                        self.committed_command = index;
                    }
                }
            }
        }
        self.seen[at].commit = commit;
    }

    /// The last committed entry is on a majority of disks, as an entry or inside a snapshot, and
    /// those without it could not win an election, whatever is lost now: that is what committed
    /// means (§5.4 of the paper).
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

    /// Nothing makes way in a log that is not in a snapshot, durably, and of what was committed.
    fn check_compaction(&self, place: &Place, raft: &Core) {
        let (id, base, snapshot) = (place.id, raft.base(), place.disk.snapshot);
        self.check_committed(base);
        self.check_committed(snapshot);
        assert!(base.index <= snapshot.index, "{id}: {base} is gone, and not in {snapshot}");
        let said = raft.snapshot().map(|one| one.last).unwrap_or_default();
        assert!(said.index <= snapshot.index, "{id} speaks of {said}, and has {snapshot}");
    }

    /// What a leader takes for matched is on the follower's disk, and never goes back.
    fn matches(&mut self, at: usize, raft: &Core, places: &[Place]) {
        for place in places.iter().filter(|place| place.id != raft.id()) {
            let Some(matched) = raft.matched(place.id) else { return };
            let before = self.seen[at].matched.insert(place.id, matched).unwrap_or_default();
            assert!(matched >= before, "matched goes back from {before} to {matched}");
            let image = &place.disk.image;
            let term = match matched.0.checked_sub(1) {
                Some(at_place) => self.seen[at].log[at_place as usize],
                None => Term::ZERO,
            };
            let same = self.has(image, Position { term, index: matched });
            let replaced = image.hard.term > raft.term();
            assert!(same || replaced, "{} does not have {matched} durably", place.id);
        }
    }

    /// Whether an image has an entry that need not be committed.
    fn has(&self, image: &Image, position: Position) -> bool {
        if position.index < image.base.index {
            return self.committed_term(position.index) == Some(position.term);
        }
        image.holds(position)
    }

    /// State Machine Safety: nobody applies another command at the same index, every machine gets
    /// every command, in order or inside a snapshot, and nothing that is not durable at its own
    /// node.
    fn state_machine_safety(&mut self, at: usize, place: &Place, raft: &Core, deeds: &Deeds) {
        let (id, last) = (place.id, raft.applied());
        let term = raft.term_at(last).expect("what is applied is held, or the base");
        let durable = self.has(&place.disk.image, Position { term, index: last });
        assert!(durable, "{id} applies too early");
        let log = &self.seen[at].log;
        let skips = |from: Index, to: Index| {
            let mut between = (from.0 + 1..to.0).map(Index);
            between.any(|index| {
                let position = Position { term: log[index.0 as usize - 1], index };
                let entry = self.entries.get(&position);
                entry.is_some_and(|entry| entry.kind == EntryKind::Command)
            })
        };
        let mut machine = self.seen[at].machine;
        for step in &deeds.steps {
            match step {
                Step::Applied(position, command, answer) => {
                    let index = position.index;
                    assert!(index > machine, "{id}: {position} is applied again");
                    assert!(!skips(machine, index), "{id}: skipped a command for {position}");
                    machine = index;
                    self.history.applied(id, *position, command, answer);
                }
                Step::Restored(state) => {
                    let through = state.last.index.max(machine);
                    self.history.check(id, through, state);
                    self.history.restored(id, state);
                    machine = through;
                }
            }
        }
        assert!(!skips(machine, last.next()), "{id}: skipped a command");
        self.seen[at].machine = last;
    }

    /// A leader says of the entry before what it sends what that entry is, whether or not it still has it.
    pub fn overhear(&self, at: usize, raft: &Core, said: &Datagram<'_>) {
        let Message::Append(append) = said.message else { return };
        if append.term != raft.term() {
            return; // It has stepped down since, and its log may be another.
        }
        let prev = append.prev;
        let known = match prev.index.0.checked_sub(1) {
            Some(place) => self.seen[at].log.get(place as usize).copied(),
            None => Some(Term::ZERO),
        };
        let to = said.envelope.receiver;
        assert_eq!(known, Some(prev.term), "{}: what comes before it, to {to}: {prev}", raft.id());
    }

    /// A leader was asked to read.
    pub fn asked(&mut self, at: usize, raft: &Core, read: ReadId) {
        let newest = self.ledger.newest_round(raft.term());
        self.reads.asked(at, read, raft.term(), newest);
    }

    /// A node took a datagram for true.
    pub fn taken(&mut self, at: usize, raft: &Core, datagram: &Datagram<'_>) {
        self.reads.taken(at, datagram);
        match datagram.message {
            Message::Append(append) if append.term == raft.term() => {
                self.ledger.heard(at, &append);
            }
            Message::Install(install) if install.term == raft.term() => {
                let last = install.manifest.last;
                self.check_committed(last);
                let has =
                    last.index < raft.base().index || raft.term_at(last.index) == Some(last.term);
                if has {
                    self.ledger.proved(at, install.term, last.index);
                }
            }
            _ => {}
        }
    }
}

/// FNV-1a.
pub fn hash(bytes: &[u8]) -> u64 {
    let mix = |hash: u64, byte: &u8| (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3);
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, mix)
}
