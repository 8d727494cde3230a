//! What was asked of the cluster, and what it acknowledged.

use std::sync::Mutex;
use std::time::Instant;

/// What became of a write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// The cluster said it is done.
    Acknowledged,
    /// The connection broke, or the node did not know: it may be done, once, or not.
    Unknown,
}

/// A write to a key of its own: an increment of it, so that doing it twice would show.
#[derive(Clone, Debug)]
pub struct Entry {
    /// The key.
    pub key: String,
    /// What became of the write.
    pub fate: Fate,
}

/// All writes so far.
#[derive(Debug, Default)]
pub struct Ledger(Mutex<Inner>);

#[derive(Debug, Default)]
struct Inner {
    entries: Vec<Entry>,
    acknowledged: u64,
    last_acknowledged: Option<Instant>,
    /// Answers that no correct cluster gives: a write that was done twice, say.
    wrong: Vec<String>,
}

impl Ledger {
    fn with<T>(&self, what: impl FnOnce(&mut Inner) -> T) -> T {
        // A thread that panicked while it held the lock leaves a ledger that is still true.
        what(&mut self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner))
    }

    /// Enters a write.
    pub fn enter(&self, key: String, fate: Fate) {
        self.with(|inner| {
            if fate == Fate::Acknowledged {
                inner.acknowledged += 1;
                inner.last_acknowledged = Some(Instant::now());
            }
            inner.entries.push(Entry { key, fate });
        });
    }

    /// Enters an answer that should not be.
    pub fn wrong(&self, what: String) {
        self.with(|inner| inner.wrong.push(what));
    }

    /// Writes with any fate.
    pub fn len(&self) -> u64 {
        self.with(|inner| inner.entries.len() as u64)
    }

    /// Writes that were acknowledged.
    pub fn acknowledged(&self) -> u64 {
        self.with(|inner| inner.acknowledged)
    }

    /// When the last write was acknowledged.
    pub fn last_acknowledged(&self) -> Option<Instant> {
        self.with(|inner| inner.last_acknowledged)
    }

    /// All writes.
    pub fn entries(&self) -> Vec<Entry> {
        self.with(|inner| inner.entries.clone())
    }

    /// All wrong answers.
    pub fn wrong_answers(&self) -> Vec<String> {
        self.with(|inner| inner.wrong.clone())
    }
}
