//! Keys and values that nobody needs any more, on their way back to the allocator.
//!
//! To drop a map of millions of keys takes seconds, in which nobody would be served: so it is taken
//! apart a little at a time. Who puts a key in takes more than one out of here, so that it never
//! holds more than there was in use at a time.

use std::cell::RefCell;
use std::collections::{BTreeMap, btree_map};
use std::fmt::{self, Debug, Formatter};

type Blob = Box<[u8]>;

/// Maps that are being taken apart. Through a shared reference, as it is no part of the state.
#[derive(Default)]
pub struct Discarded(RefCell<Vec<Remains>>);

/// What is left of a map.
enum Remains {
    Keys(btree_map::IntoIter<Blob, Blob>),
    Kept(btree_map::IntoIter<Blob, Option<Blob>>),
}

/// Whether anything is left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Left {
    Nothing,
    Something,
}

impl Discarded {
    /// Nobody needs these keys any more.
    pub fn add(&mut self, map: BTreeMap<Blob, Blob>) {
        if !map.is_empty() {
            self.0.get_mut().push(Remains::Keys(map.into_iter()));
        }
    }

    /// Nor these, some of which were never there.
    pub fn add_kept(&mut self, map: BTreeMap<Blob, Option<Blob>>) {
        if !map.is_empty() {
            self.0.get_mut().push(Remains::Kept(map.into_iter()));
        }
    }

    /// All that somebody else has not let go yet.
    pub fn adopt(&mut self, mut other: Self) {
        self.0.get_mut().append(other.0.get_mut());
    }

    /// Lets some keys go, `most` at most. O(`most`).
    pub fn let_go(&self, most: usize) -> Left {
        // Nothing that is dropped here comes back here: it is never borrowed already.
        let Ok(mut maps) = self.0.try_borrow_mut() else { return Left::Something };
        for _ in 0..most {
            let Some(remains) = maps.last_mut() else { return Left::Nothing };
            if !remains.let_one_go() {
                maps.pop();
            }
        }
        if maps.is_empty() { Left::Nothing } else { Left::Something }
    }

    /// How many keys are left.
    #[cfg(test)]
    pub fn len(&self) -> usize {
        let count = |remains: &Remains| match remains {
            Remains::Keys(keys) => keys.len(),
            Remains::Kept(keys) => keys.len(),
        };
        self.0.borrow().iter().map(count).sum()
    }
}

impl Remains {
    /// `false` when none is left.
    fn let_one_go(&mut self) -> bool {
        match self {
            Self::Keys(keys) => keys.next().is_some(),
            Self::Kept(keys) => keys.next().is_some(),
        }
    }
}

impl Debug for Discarded {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.debug_struct("Discarded").finish_non_exhaustive()
    }
}
