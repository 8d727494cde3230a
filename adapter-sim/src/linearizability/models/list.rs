//! A list to append to: what is appended once stays, in its place, for every later reader to see.
//! So a read says much about all that happened before it.

use std::fmt::{self, Debug};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use super::super::Model;

/// What a client asks for.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Call<V> {
    /// Read all items.
    Read,
    /// Add this item at the end.
    Append(V),
}

/// What it is answered.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Reply<V> {
    /// To [`Call::Read`]: the items from the first to the last.
    Items(Vec<V>),
    /// To [`Call::Append`]: how many items there are now.
    Length(usize),
}

/// The items.
///
/// Lists share what they have in common, so that the checker can keep one for every operation:
/// cloning and appending take constant time and memory.
#[derive(Clone)]
pub struct List<V> {
    last: Option<Arc<Node<V>>>,
    length: usize,
    /// A hash of all items.
    digest: u64,
}

struct Node<V> {
    item: V,
    before: Option<Arc<Node<V>>>,
}

impl<V> List<V> {
    fn nodes(&self) -> impl Iterator<Item = &Arc<Node<V>>> {
        std::iter::successors(self.last.as_ref(), |node| node.before.as_ref())
    }
}

impl<V: Clone> List<V> {
    /// The items from the first to the last.
    #[must_use]
    pub fn items(&self) -> Vec<V> {
        let mut items: Vec<V> = self.nodes().map(|node| node.item.clone()).collect();
        items.reverse();
        items
    }
}

impl<V: Clone + Eq + Hash + Debug> Model for List<V> {
    type Call = Call<V>;
    type Reply = Reply<V>;

    fn apply(&mut self, call: &Call<V>) -> Reply<V> {
        match call {
            Call::Read => Reply::Items(self.items()),
            Call::Append(item) => {
                let mut hasher = DefaultHasher::new();
                (self.digest, item).hash(&mut hasher);
                self.digest = hasher.finish();
                self.last = Some(Arc::new(Node { item: item.clone(), before: self.last.take() }));
                self.length += 1;
                Reply::Length(self.length)
            }
        }
    }

    fn is_read(call: &Call<V>) -> bool {
        *call == Call::Read
    }

    fn explains(&mut self, call: &Call<V>, reply: &Reply<V>) -> bool {
        match (call, reply) {
            (Call::Read, Reply::Items(items)) => {
                let mine = self.nodes().map(|node| &node.item);
                items.len() == self.length && mine.eq(items.iter().rev())
            }
            _ => self.apply(call) == *reply,
        }
    }

    /// Not if it is longer already, or its last item is another.
    fn may_yet_answer(&self, call: &Call<V>, reply: &Reply<V>) -> bool {
        match (call, reply) {
            (Call::Append(_), Reply::Length(length)) => *length > self.length,
            (Call::Read, Reply::Items(items)) => match &self.last {
                Some(node) => items.get(self.length - 1) == Some(&node.item),
                None => true,
            },
            (Call::Append(_), Reply::Items(_)) | (Call::Read, Reply::Length(_)) => false,
        }
    }
}

impl<V> Default for List<V> {
    fn default() -> Self {
        Self { last: None, length: 0, digest: 0 }
    }
}

impl<V> Drop for List<V> {
    /// One node after the other: by itself each would drop the one before it, and overflow the
    /// stack.
    fn drop(&mut self) {
        let mut last = self.last.take();
        while let Some(node) = last {
            last = Arc::into_inner(node).and_then(|node| node.before);
        }
    }
}

impl<V: PartialEq> PartialEq for List<V> {
    fn eq(&self, other: &Self) -> bool {
        (self.length, self.digest) == (other.length, other.digest)
            && self
                .nodes()
                .zip(other.nodes())
                .take_while(|(mine, theirs)| !Arc::ptr_eq(mine, theirs))
                .all(|(mine, theirs)| mine.item == theirs.item)
    }
}

impl<V: Eq> Eq for List<V> {}

impl<V> Hash for List<V> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.digest.hash(state);
    }
}

impl<V: Debug> Debug for List<V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut items: Vec<&V> = self.nodes().map(|node| &node.item).collect();
        items.reverse();
        f.debug_list().entries(items).finish()
    }
}

impl<V: Debug> fmt::Display for List<V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self:?}")
    }
}

impl<V: Debug> fmt::Display for Call<V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Read => write!(f, "read"),
            Self::Append(item) => write!(f, "append {item:?}"),
        }
    }
}

impl<V: Debug> fmt::Display for Reply<V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Items(items) => write!(f, "{items:?}"),
            Self::Length(length) => write!(f, "length {length}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(items: &[u32]) -> List<u32> {
        let mut list = List::default();
        for (before, &item) in items.iter().enumerate() {
            assert_eq!(list.apply(&Call::Append(item)), Reply::Length(before + 1));
        }
        list
    }

    #[test]
    fn it_keeps_what_is_appended() {
        let mut some = list(&[1, 2]);
        let before = some.clone();
        some.apply(&Call::Append(3));
        assert_eq!(some.apply(&Call::Read), Reply::Items(vec![1, 2, 3]));
        assert_eq!(before.items(), [1, 2]);
        assert!(some.explains(&Call::Read, &Reply::Items(vec![1, 2, 3])));
        for other in [vec![1, 2], vec![2, 2, 3], vec![1, 2, 4], vec![1, 2, 3, 3]] {
            assert!(!some.explains(&Call::Read, &Reply::Items(other)));
        }
        assert_eq!(some.to_string(), "[1, 2, 3]");
    }

    #[test]
    fn lists_are_equal_if_their_items_are() {
        assert_eq!(list(&[1, 2]), list(&[1, 2]));
        let (mut some, mut other) = (list(&[1, 2]), list(&[1, 2]));
        assert_eq!(some, other);
        some.apply(&Call::Append(3));
        assert_ne!(some, other);
        other.apply(&Call::Append(4));
        assert_ne!(some, other);
        assert_ne!(list(&[]), list(&[0]));
        // The same digest is no proof.
        let mut forged = list(&[1, 2, 4]);
        forged.digest = some.digest;
        assert_ne!(some, forged);
    }

    #[test]
    fn what_is_appended_is_there_for_good() {
        let some = list(&[1, 2]);
        let may_read =
            |items: &[u32]| some.may_yet_answer(&Call::Read, &Reply::Items(items.into()));
        assert!(may_read(&[1, 2]) && may_read(&[1, 2, 3]));
        assert!(!may_read(&[]) && !may_read(&[1]) && !may_read(&[1, 3, 2]));
        let may_append = |length| some.may_yet_answer(&Call::Append(3), &Reply::Length(length));
        assert!(may_append(3) && may_append(4) && !may_append(2));
        assert!(list(&[]).may_yet_answer(&Call::Read, &Reply::Items(vec![])));
        assert!(!some.may_yet_answer(&Call::Read, &Reply::Length(2)));
    }

    #[test]
    fn a_long_list_can_be_dropped() {
        let list = list(&[0; 200_000]);
        assert_eq!(list.nodes().count(), 200_000);
    }
}
