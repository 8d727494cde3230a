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
    /// When the cluster died in part, and when it first did anew what it was asked after that.
    death: Option<(Instant, Option<Instant>)>,
    /// Answers that no correct cluster gives: a write that was done twice, say.
    wrong: Vec<String>,
}

impl Ledger {
    fn with<T>(&self, what: impl FnOnce(&mut Inner) -> T) -> T {
        // A thread that panicked while it held the lock leaves a ledger that is still true.
        what(&mut self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner))
    }

    /// Enters a write that was asked for at `asked`.
    pub fn enter(&self, key: String, asked: Instant, fate: Fate) {
        self.with(|inner| {
            if fate == Fate::Acknowledged {
                inner.acknowledged += 1;
                if let Some((death, first @ None)) = &mut inner.death
                    && asked > *death
                {
                    *first = Some(Instant::now());
                }
            }
            inner.entries.push(Entry { key, fate });
        });
    }

    /// Nodes are dead since `death`.
    pub fn died(&self, death: Instant) {
        self.with(|inner| inner.death = Some((death, None)));
    }

    /// When the first write was acknowledged that was asked for after nodes [died](Ledger::died).
    /// No dead node can have done that, so whoever did leads now; an answer that was under way when
    /// they died does not count, however late it is heard.
    pub fn revived(&self) -> Option<Instant> {
        self.with(|inner| inner.death.and_then(|(_, first)| first))
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

    /// All writes.
    pub fn entries(&self) -> Vec<Entry> {
        self.with(|inner| inner.entries.clone())
    }

    /// All wrong answers.
    pub fn wrong_answers(&self) -> Vec<String> {
        self.with(|inner| inner.wrong.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn only_what_was_asked_after_a_death_shows_a_new_leader() {
        let (ledger, death) = (Ledger::default(), Instant::now());
        let (before, after) = (death - Duration::from_millis(1), death + Duration::from_millis(1));
        ledger.enter("a".into(), after, Fate::Acknowledged);
        assert_eq!(ledger.revived(), None, "nobody has died yet");
        ledger.died(death);
        ledger.enter("b".into(), before, Fate::Acknowledged);
        ledger.enter("c".into(), after, Fate::Unknown);
        assert_eq!(ledger.revived(), None);
        ledger.enter("d".into(), after, Fate::Acknowledged);
        let first = ledger.revived().expect("a write after the death");
        ledger.enter("e".into(), after, Fate::Acknowledged);
        assert_eq!(ledger.revived(), Some(first));
        assert_eq!((ledger.acknowledged(), ledger.len()), (4, 5));
    }
}
