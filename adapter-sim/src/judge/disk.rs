//! What a node's disk must give back: a model of it, fed with every batch that was written and every
//! sync that succeeded, and compared with what recovery finds.

use raft_nostd::{HardState, Index, Position, Raft, Term};

pub type Core = Raft<Vec<u8>, 7>;

/// Term, vote, and the term of each entry behind a snapshot, or from the first one on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Image {
    pub hard: HardState,
    /// Everything up to this is in the snapshot.
    pub base: Position,
    terms: Vec<Term>,
}

impl Image {
    /// All that `raft` holds in memory.
    pub fn of(raft: &Core) -> Self {
        Self::through(raft, raft.hard_state(), raft.last().index)
    }

    fn through(raft: &Core, hard: HardState, last: Index) -> Self {
        let base = raft.base();
        Self { hard, base, terms: terms(raft, base.index.next(), last) }
    }

    /// The term of the entry at `index`; `None` inside the snapshot and behind the end.
    pub fn term_at(&self, index: Index) -> Option<Term> {
        if index == self.base.index {
            return Some(self.base.term);
        }
        let place = index.0.checked_sub(self.base.index.0 + 1)?;
        self.terms.get(place as usize).copied()
    }

    /// Whether it has this entry of a log that is committed as far as the snapshot goes: as an
    /// entry, or inside the snapshot.
    pub fn holds(&self, position: Position) -> bool {
        position.index < self.base.index || self.term_at(position.index) == Some(position.term)
    }

    pub fn last(&self) -> Position {
        let term = self.terms.last().copied().unwrap_or(self.base.term);
        Position { term, index: self.base.index.plus(self.terms.len() as u64) }
    }

    /// What is left behind `base`, which is in a snapshot or was compacted away: all that follows
    /// it, if this went the same way.
    fn behind(&self, base: Position) -> Self {
        if base.index < self.base.index {
            return self.clone();
        }
        let same = self.term_at(base.index) == Some(base.term);
        let gone = if same { base.index.since(self.base.index) as usize } else { self.terms.len() };
        Self { hard: self.hard, base, terms: self.terms[gone..].to_vec() }
    }

    fn apply(&mut self, write: &Write, entries: usize) {
        *self = self.behind(write.base);
        self.hard = write.hard;
        let first = self.base.index.0 + 1;
        self.terms.truncate(write.first.0.saturating_sub(first) as usize);
        let inside = first.saturating_sub(write.first.0) as usize;
        self.terms.extend(write.terms[..entries].iter().skip(inside));
    }
}

/// One batch: it replaces everything from `first` on, and forgets what is up to `base`.
#[derive(Clone, Debug)]
pub struct Write {
    pub hard: HardState,
    pub base: Position,
    pub first: Index,
    pub terms: Vec<Term>,
}

/// The terms of the entries from `first` through `last`.
pub fn terms(raft: &Core, first: Index, last: Index) -> Vec<Term> {
    (first.0..=last.0).map(|index| raft.term_at(Index(index)).expect("held")).collect()
}

#[derive(Default)]
pub struct Disk {
    /// What is durable, whatever happens: the journal's entries behind the newest snapshot.
    pub image: Image,
    /// What the journal holds.
    journal: Image,
    /// What the newest durable snapshot is of.
    pub snapshot: Position,
    /// Written since the last sync, in order: nobody knows how much of it a crash leaves.
    unsynced: Vec<Write>,
    boot: u32,
}

impl Disk {
    pub fn written(&mut self, write: Write) {
        self.unsynced.push(write);
    }

    pub fn synced(&mut self) {
        for write in std::mem::take(&mut self.unsynced) {
            self.journal.apply(&write, write.terms.len());
        }
        self.image = self.journal.behind(self.snapshot);
    }

    /// A snapshot through `last` is durable. (One that cannot be read is replaced by its like.)
    pub fn sealed(&mut self, last: Position) {
        assert!(last.index >= self.snapshot.index, "an older snapshot replaces a newer one");
        // After a power cut the node would come back with a snapshot of a term that it never knew.
        let term = self.journal.hard.term;
        assert!(last.term <= term, "a snapshot through {last} counts, and term {term} is durable");
        self.snapshot = last;
        self.image = self.journal.behind(last);
    }

    /// Takes over what a driver that syncs before it returns has done. `synced`: it has.
    pub fn follow(&mut self, raft: &Core, synced: bool) {
        let (hard, durable) = (raft.durable_hard_state(), raft.durable());
        let newest = raft.snapshot().map(|snapshot| snapshot.last).unwrap_or_default();
        if synced {
            self.journal = Image::through(raft, hard, durable);
            self.unsynced.clear();
        }
        if newest != self.snapshot {
            self.sealed(newest);
        } else if synced {
            self.image = self.journal.behind(newest);
        }
        if hard != raft.hard_state() || durable < raft.last().index {
            let first = durable.next();
            let terms = terms(raft, first, raft.last().index);
            let (hard, base) = (raft.hard_state(), raft.base());
            self.unsynced.push(Write { hard, base, first, terms });
        }
    }

    /// A node was opened on the disk: it holds all that was synced, and of the rest a beginning.
    /// Returns whether something of the rest was lost.
    pub fn reopened(&mut self, raft: &Core) -> bool {
        let found = Image::of(raft);
        let newest = raft.snapshot().map(|snapshot| snapshot.last).unwrap_or_default();
        assert_eq!(found.base, newest, "{}: what is in the snapshot makes way", raft.id());
        // (One that was all but sealed may count. Its contents are compared elsewhere.)
        let lost = newest.index < self.snapshot.index;
        assert!(!lost, "{} lost its snapshot through {}", raft.id(), self.snapshot);
        assert!(
            self.allows(&found),
            "{} lost durable bytes: it comes back with {found:?}, not {:?}, last unsynced {:?}",
            raft.id(),
            self.journal.behind(newest),
            self.unsynced.last()
        );
        assert!(raft.life().boot > self.boot, "{}: the boot number goes back", raft.id());
        self.boot = raft.life().boot;
        let mut whole = std::mem::replace(&mut self.journal, found.clone());
        for write in std::mem::take(&mut self.unsynced) {
            whole.apply(&write, write.terms.len());
        }
        let undone = whole.behind(newest) != found;
        (self.snapshot, self.image) = (newest, found);
        undone
    }

    /// Whether a node that was opened on it has all that it must have.
    pub fn gives_back(&self, raft: &Core) -> bool {
        let found = Image::of(raft);
        let newest = raft.snapshot().map(|snapshot| snapshot.last).unwrap_or_default();
        found.base == newest
            && newest.index >= self.snapshot.index
            && raft.life().boot > self.boot
            && self.allows(&found)
    }

    fn allows(&self, found: &Image) -> bool {
        let mut image = self.journal.clone();
        if image.behind(found.base) == *found {
            return true;
        }
        for write in &self.unsynced {
            // A batch may take several blocks, and each holds an entry, unless none is to be added,
            // or it is the first and tells that the log was compacted.
            let least = if write.base == Position::ZERO { 1.min(write.terms.len()) } else { 0 };
            for entries in least..=write.terms.len() {
                let mut partly = image.clone();
                partly.apply(write, entries);
                if partly.behind(found.base) == *found {
                    return true;
                }
            }
            image.apply(write, write.terms.len());
        }
        false
    }
}
