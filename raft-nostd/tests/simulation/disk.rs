//! What a node's disk must give back: a model of it, fed with every batch that was written and every
//! sync that succeeded, and compared with what recovery finds.

use adapter_std::memory::{MemoryError, MemoryMedium};
use raft_nostd::journal::{Geometry, Medium, PersistFailure};
use raft_nostd::{HardState, Index, Position, Raft, Term};
use std::cell::RefCell;
use std::rc::Rc;

pub type Core = Raft<Vec<u8>, 7>;

/// A medium that outlives the nodes that run on it.
#[derive(Clone)]
pub struct SharedMedium(pub Rc<RefCell<MemoryMedium>>);

impl Medium for SharedMedium {
    type Error = MemoryError;

    fn geometry(&self) -> Geometry {
        self.0.borrow().geometry()
    }

    fn read(&mut self, segment: u32, offset: u32, into: &mut [u8]) -> Result<(), MemoryError> {
        self.0.borrow_mut().read(segment, offset, into)
    }

    fn write(&mut self, segment: u32, offset: u32, bytes: &[u8]) -> Result<(), MemoryError> {
        self.0.borrow_mut().write(segment, offset, bytes)
    }

    fn erase(&mut self, segment: u32) -> Result<(), MemoryError> {
        self.0.borrow_mut().erase(segment)
    }

    fn sync(&mut self) -> Result<(), MemoryError> {
        self.0.borrow_mut().sync()
    }

    fn failure(error: &MemoryError) -> PersistFailure {
        MemoryMedium::failure(error)
    }
}

/// Term, vote, and the term of each entry from the first one on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Image {
    pub hard: HardState,
    terms: Vec<Term>,
}

impl Image {
    /// All that `raft` holds in memory.
    pub fn of(raft: &Core) -> Self {
        Self { hard: raft.hard_state(), terms: terms(raft, Index(1), raft.last().index) }
    }

    pub fn term_at(&self, index: Index) -> Option<Term> {
        match index.0.checked_sub(1) {
            Some(place) => self.terms.get(place as usize).copied(),
            None => Some(Term::ZERO),
        }
    }

    pub fn holds(&self, position: Position) -> bool {
        self.term_at(position.index) == Some(position.term)
    }

    pub fn last(&self) -> Position {
        let term = self.terms.last().copied().unwrap_or_default();
        Position { term, index: Index(self.terms.len() as u64) }
    }

    fn apply(&mut self, write: &Write, entries: usize) {
        self.hard = write.hard;
        self.terms.truncate(write.first.0 as usize - 1);
        self.terms.extend(&write.terms[..entries]);
    }
}

/// One batch: it replaces everything from `first` on.
#[derive(Clone, Debug)]
pub struct Write {
    pub hard: HardState,
    pub first: Index,
    pub terms: Vec<Term>,
}

/// The terms of the entries from `first` through `last`.
pub fn terms(raft: &Core, first: Index, last: Index) -> Vec<Term> {
    (first.0..=last.0).map(|index| raft.term_at(Index(index)).expect("held")).collect()
}

#[derive(Default)]
pub struct Disk {
    /// What is durable, whatever happens.
    pub image: Image,
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
            self.image.apply(&write, write.terms.len());
        }
    }

    /// Takes over what a driver that syncs before it returns has done. `synced`: it has.
    pub fn follow(&mut self, raft: &Core, synced: bool) {
        let (hard, durable) = (raft.durable_hard_state(), raft.durable());
        if synced {
            self.image = Image { hard, terms: terms(raft, Index(1), durable) };
            self.unsynced.clear();
        }
        if hard != raft.hard_state() || durable < raft.last().index {
            let first = durable.next();
            let terms = terms(raft, first, raft.last().index);
            self.unsynced.push(Write { hard: raft.hard_state(), first, terms });
        }
    }

    /// A node was opened on the disk: it holds all that was synced, and of the rest a beginning.
    /// Returns whether something of the rest was lost.
    pub fn reopened(&mut self, raft: &Core) -> bool {
        let found = Image::of(raft);
        assert!(
            self.allows(&found),
            "{} lost durable bytes: it comes back with {found:?}, not {:?}, unsynced {:?}",
            raft.id(),
            self.image,
            self.unsynced
        );
        assert!(raft.life().boot > self.boot, "{}: the boot number goes back", raft.id());
        self.boot = raft.life().boot;
        let mut whole = std::mem::replace(&mut self.image, found);
        for write in std::mem::take(&mut self.unsynced) {
            whole.apply(&write, write.terms.len());
        }
        whole != self.image
    }

    fn allows(&self, found: &Image) -> bool {
        let mut image = self.image.clone();
        if *found == image {
            return true;
        }
        for write in &self.unsynced {
            // A batch may take several blocks, and each holds an entry, unless none is to be added.
            for entries in 1.min(write.terms.len())..=write.terms.len() {
                let mut partly = image.clone();
                partly.apply(write, entries);
                if partly == *found {
                    return true;
                }
            }
            image.apply(write, write.terms.len());
        }
        false
    }
}
