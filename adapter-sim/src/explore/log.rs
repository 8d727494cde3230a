//! A log as one number: what the checks compare.

use raft_nostd::frame::{Entry, EntryKind};

/// Entries from index 1 on, four bits each: term, and whether it is a command. At most eight entries of
/// terms 1 to 7, so equal logs are equal numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Log(pub(super) u32);

impl Log {
    pub(super) const LEN_MAX: u64 = 8;

    pub(super) fn of<'a>(entries: impl Iterator<Item = Entry<'a>>) -> Self {
        let mut log = Self::default();
        for entry in entries {
            log.push(code(&entry));
        }
        log
    }

    pub(super) fn push(&mut self, code: u32) {
        self.0 |= code << (4 * self.len());
    }

    pub(super) fn len(self) -> u64 {
        u64::from((35 - self.0.leading_zeros()) / 4)
    }

    /// The entry at `index`; zero for none.
    pub(super) fn at(self, index: u64) -> u32 {
        if index == 0 || index > Self::LEN_MAX { 0 } else { self.0 >> (4 * (index - 1)) & 15 }
    }

    /// The term of the entry at `index`; zero before the first and behind the last.
    pub(super) fn term(self, index: u64) -> u64 {
        u64::from(self.at(index) >> 1)
    }

    /// Term and index of the last entry.
    pub(super) fn last(self) -> (u64, u64) {
        (self.term(self.len()), self.len())
    }

    /// The first `len` entries.
    pub(super) fn first(self, len: u64) -> Self {
        if len >= Self::LEN_MAX { self } else { Self(self.0 & ((1 << (4 * len)) - 1)) }
    }

    pub(super) fn starts_with(self, other: Self) -> bool {
        self.first(other.len()) == other
    }

    /// Log Matching (dissertation §3.5): where both have an entry of one term, all before is the same.
    pub(super) fn matches(self, other: Self) -> bool {
        let common = (1..=self.len().min(other.len())).rev();
        let agree = common.into_iter().find(|&at| self.term(at) == other.term(at)).unwrap_or(0);
        self.first(agree) == other.first(agree)
    }
}

impl std::fmt::Display for Log {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let name = |at| {
            let kind = if self.at(at) & 1 == 1 { "" } else { "n" };
            format!("{}{kind}", self.term(at))
        };
        write!(f, "[{}]", (1..=self.len()).map(name).collect::<Vec<_>>().join(" "))
    }
}

fn code(entry: &Entry<'_>) -> u32 {
    let term = entry.position.term.0 as u32;
    assert!((1..8).contains(&term), "terms are bounded");
    term << 1 | u32::from(entry.kind == EntryKind::Command)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn log(terms: &[u32]) -> Log {
        let mut log = Log::default();
        for term in terms {
            log.push(term << 1);
        }
        log
    }

    #[test]
    fn length_terms_and_prefixes() {
        let long = log(&[1, 1, 2, 3, 3, 4, 7, 7]);
        assert_eq!((log(&[]).len(), log(&[1]).len(), long.len()), (0, 1, 8));
        assert_eq!(long.last(), (7, 8));
        assert_eq!((long.term(0), long.term(3), long.term(9)), (0, 2, 0));
        assert_eq!(long.first(3), log(&[1, 1, 2]));
        assert!(long.starts_with(log(&[1, 1])) && !long.starts_with(log(&[1, 2])));
    }

    #[test]
    fn logs_that_agree_later_agree_before() {
        assert!(log(&[1, 1, 3]).matches(log(&[1, 1, 2, 2])));
        assert!(log(&[1, 2]).matches(log(&[1])));
        assert!(!log(&[1, 2, 3]).matches(log(&[1, 1, 3])));
    }
}
