//! The configurations the search has reached, so that it enters none twice, nor one from which
//! nothing can follow that could not follow from another.

use std::collections::HashMap;

use super::model::Model;

/// A set of operations, by number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Set {
    words: Box<[u64]>,
}

impl Set {
    /// The empty set, with room for the numbers below `count`.
    pub fn with_room(count: usize) -> Self {
        Self { words: vec![0; count.div_ceil(64)].into_boxed_slice() }
    }

    /// Adds `number` if it is absent, removes it if it is present.
    pub fn toggle(&mut self, number: usize) {
        self.words[number / 64] ^= 1 << (number % 64);
    }

    /// Whether it has `number`.
    pub fn contains(&self, number: usize) -> bool {
        self.words[number / 64] >> (number % 64) & 1 == 1
    }

    /// Removes what is not in `other` as well.
    pub fn keep(&mut self, other: &Self) {
        for (mine, theirs) in self.words.iter_mut().zip(&other.words) {
            *mine &= theirs;
        }
    }

    /// Whether all its members, and perhaps more, are in `other`.
    pub fn is_within(&self, other: &Self) -> bool {
        self.words.iter().zip(&other.words).all(|(mine, theirs)| mine & !theirs == 0)
    }
}

/// What was taken last.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Last<M> {
    /// Nothing yet, or an operation that returned.
    Certain,
    /// One that did not return, and turned this state into the present one.
    Open(M),
}

/// What [`Visited::enter`] says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Entry {
    /// Not visited before.
    New,
    /// Nothing can come of this one that is not tried elsewhere.
    Futile,
}

/// Open operations taken, and what was taken last.
type Variant<M> = (Set, Last<M>);

/// A state, and the certain operations taken.
type Place<M> = (M, Box<[u64]>);

/// The configurations visited: by state and certain operations taken, the variants.
#[derive(Debug, Default)]
pub struct Visited<M> {
    variants: HashMap<Place<M>, Vec<Variant<M>>>,
}

impl<M: Model> Visited<M> {
    /// Notes a visit to the configuration.
    ///
    /// Besides configurations visited before it turns away those that differ from one visited
    /// only in having used up more open operations. An order through such a one could go through
    /// the other instead, and be an order with fewer open operations; the search need only find
    /// orders with the fewest.
    pub fn enter(&mut self, certain: &Set, open: &Set, state: &M, last: &Last<M>) -> Entry {
        let variants = self.variants.entry((state.clone(), certain.words.clone())).or_default();
        let covers = |(used, after): &Variant<M>| {
            used.is_within(open) && (used != open || after == last || *after == Last::Certain)
        };
        if variants.iter().any(covers) {
            return Entry::Futile;
        }
        // Whatever those that used up more would turn away, this one will.
        variants.retain(|(used, _)| used == open || !open.is_within(used));
        variants.push((open.clone(), last.clone()));
        Entry::New
    }
}

#[cfg(test)]
mod tests {
    use super::super::models::kv::Text;
    use super::*;

    fn text(value: &str) -> Text {
        Text(Some(value.into()))
    }

    fn set(members: &[usize]) -> Set {
        let mut set = Set::with_room(100);
        for &number in members {
            set.toggle(number);
        }
        set
    }

    #[test]
    fn sets() {
        let mut some = set(&[1, 70]);
        assert!(some.contains(70) && !some.contains(69));
        assert!(set(&[70]).is_within(&some) && !some.is_within(&set(&[70])));
        some.toggle(1);
        assert_eq!(some, set(&[70]));
        some.toggle(2);
        some.keep(&set(&[2, 5]));
        assert_eq!(some, set(&[2]));
    }

    #[test]
    fn a_configuration_is_entered_once_and_not_with_more_open_operations_used() {
        let mut visited = Visited::default();
        let state = text("a");
        let mut enter = |certain: &[usize], open: &[usize], last| {
            visited.enter(&set(certain), &set(open), &state, &last)
        };
        assert_eq!(enter(&[1], &[2, 3], Last::Certain), Entry::New);
        assert_eq!(enter(&[1], &[2, 3], Last::Certain), Entry::Futile);
        assert_eq!(enter(&[1], &[2, 3, 4], Last::Open(Text(None))), Entry::Futile);
        assert_eq!(enter(&[1], &[3, 4], Last::Certain), Entry::New);
        assert_eq!(enter(&[1], &[2, 3], Last::Certain), Entry::Futile);
        assert_eq!(enter(&[1, 2], &[2, 3], Last::Certain), Entry::New);
        // Fewer open operations replace more.
        assert_eq!(enter(&[1], &[3], Last::Certain), Entry::New);
        assert_eq!(enter(&[1], &[2, 3], Last::Certain), Entry::Futile);
        assert_eq!(visited.enter(&set(&[1]), &set(&[3]), &Text(None), &Last::Certain), Entry::New);
    }

    #[test]
    fn what_was_taken_last_matters_only_if_it_restricts() {
        let mut visited = Visited::default();
        let mut enter = |last| visited.enter(&set(&[]), &set(&[1]), &Text(None), &last);
        let after = |value: &str| Last::Open(text(value));
        assert_eq!(enter(after("a")), Entry::New);
        assert_eq!(enter(after("b")), Entry::New);
        assert_eq!(enter(after("a")), Entry::Futile);
        assert_eq!(enter(Last::Certain), Entry::New);
        assert_eq!(enter(after("a")), Entry::Futile);
        assert_eq!(enter(after("c")), Entry::Futile);
    }
}
