//! The keys and their values, of which an image can be taken while they go on changing.
//!
//! The image is read in the order of the keys. What is changed ahead of the reader is kept for it as
//! it was; what is behind has been read. So an image costs as much memory as changes while it is
//! read, and neither its beginning nor its end takes long. Nor does anything else: what is removed as
//! a whole is let go a little at a time.

use super::discarded::{Discarded, Left};
use std::collections::BTreeMap;
use std::ops::Bound;

type Blob = Box<[u8]>;

/// Keys and values.
#[derive(Debug, Default)]
pub struct Keys {
    map: BTreeMap<Blob, Blob>,
    image: Option<Image>,
    discarded: Discarded,
}

/// Keys that are let go for each that is put in: more than one, or they might never be gone.
const LET_GO: usize = 2;

/// The keys and values as they were at one moment, from the reader on.
#[derive(Debug, Default)]
struct Image {
    /// The last key that was read.
    read: Option<Blob>,
    /// The keys ahead of the reader that were changed since, as they were: `None` where there was
    /// none.
    kept: BTreeMap<Blob, Option<Blob>>,
    /// All keys ahead of the reader, when they were cleared since.
    cleared: Option<BTreeMap<Blob, Blob>>,
}

impl Keys {
    /// The value at `key`.
    pub fn get(&self, key: &[u8]) -> Option<&[u8]> {
        self.map.get(key).map(|value| &**value)
    }

    /// How many keys there are.
    pub fn len(&self) -> usize {
        self.map.len()
    }

    /// Puts `value` at `key`, and returns what was there.
    pub fn insert(&mut self, key: &[u8], value: &[u8]) -> Option<Blob> {
        let old = match self.map.get_mut(key) {
            Some(place) => Some(std::mem::replace(place, value.into())),
            None => {
                self.discarded.let_go(LET_GO);
                self.map.insert(key.into(), value.into())
            }
        };
        self.keep(key, || old.clone());
        old
    }

    /// Removes `key`, and returns what was there.
    pub fn remove(&mut self, key: &[u8]) -> Option<Blob> {
        let old = self.map.remove(key)?;
        self.keep(key, || Some(old.clone()));
        Some(old)
    }

    /// Removes all keys.
    pub fn clear(&mut self) {
        let map = std::mem::take(&mut self.map);
        match &mut self.image {
            Some(image) if image.cleared.is_none() => image.cleared = Some(map),
            _ => self.discarded.add(map),
        }
    }

    /// All keys are those of `new` from now on, and there is no image any more.
    pub fn replace(&mut self, new: Self) {
        let old = std::mem::replace(self, new);
        self.discard(old);
    }

    /// Lets go of all that is in `others`.
    pub fn discard(&mut self, mut others: Self) {
        others.clear();
        others.end_image();
        self.discarded.adopt(others.discarded);
    }

    /// Lets some of what nobody needs any more go, `most` keys at most.
    pub fn let_go(&self, most: usize) -> Left {
        self.discarded.let_go(most)
    }

    /// Remembers for the image what was at `key`, if it still has to be read there.
    fn keep(&mut self, key: &[u8], old: impl FnOnce() -> Option<Blob>) {
        let Some(image) = &mut self.image else { return };
        let ahead = image.read.as_deref().is_none_or(|read| key > read);
        if ahead && image.cleared.is_none() && !image.kept.contains_key(key) {
            image.kept.insert(key.into(), old());
        }
    }

    /// Begins an image of the keys and values as they are now.
    pub fn begin_image(&mut self) {
        self.end_image();
        self.image = Some(Image::default());
    }

    /// Lets the image go.
    pub fn end_image(&mut self) {
        let Some(Image { kept, cleared, .. }) = self.image.take() else { return };
        self.discarded.add_kept(kept);
        self.discarded.add(cleared.unwrap_or_default());
    }

    /// Hands the next key of the image and its value to `read`; `None` at its end.
    pub fn next_of_image<T>(&mut self, read: impl FnOnce(&[u8], &[u8]) -> T) -> Option<T> {
        let image = self.image.as_mut()?;
        loop {
            let from = image.read.as_deref().map_or(Bound::Unbounded, Bound::Excluded);
            let source = image.cleared.as_ref().unwrap_or(&self.map);
            let now = source.range::<[u8], _>((from, Bound::Unbounded)).next();
            let kept = image.kept.first_key_value();
            let is_kept = match (now, kept) {
                (None, None) => return None,
                (Some((now, _)), Some((kept, _))) => kept <= now,
                (None, Some(_)) => true,
                (Some(_), None) => false,
            };
            if !is_kept {
                let (key, value) = now?;
                let answer = read(key, value);
                image.read = Some(key.clone());
                return Some(answer);
            }
            let (key, value) = image.kept.pop_first()?;
            // A key that is new since is passed over.
            let answer = value.map(|value| (key.clone(), value));
            image.read = Some(key);
            if let Some((key, value)) = answer {
                return Some(read(&key, &value));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rest(keys: &mut Keys) -> Vec<(Vec<u8>, Vec<u8>)> {
        std::iter::from_fn(|| keys.next_of_image(|key, value| (key.to_vec(), value.to_vec())))
            .collect()
    }

    /// Any changes, at any time while the image is read, against a copy.
    #[test]
    fn an_image_is_a_copy_of_the_moment() {
        let mut state = 7_u64;
        let mut random = move |below: u64| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (state >> 33) % below
        };
        for _ in 0..500 {
            let mut keys = Keys::default();
            for _ in 0..random(30) {
                keys.insert(&[random(20) as u8], &[random(200) as u8]);
            }
            let copy: Vec<_> = keys.map.iter().map(|(k, v)| (k.to_vec(), v.to_vec())).collect();
            keys.begin_image();
            let mut seen = Vec::new();
            loop {
                for _ in 0..random(6) {
                    match random(12) {
                        0 => keys.clear(),
                        1..4 => drop(keys.remove(&[random(20) as u8])),
                        _ => drop(keys.insert(&[random(20) as u8], &[random(200) as u8])),
                    }
                }
                match keys.next_of_image(|key, value| (key.to_vec(), value.to_vec())) {
                    Some(entry) => seen.push(entry),
                    None => break,
                }
            }
            assert_eq!(seen, copy);
        }
    }

    /// Keys that were cleared are let go a few at a time, whoever needed them last.
    #[test]
    fn nothing_is_dropped_at_once() {
        let filled = |first: u8, count: u8| {
            let mut keys = Keys::default();
            (first..first + count).for_each(|key| drop(keys.insert(&[key], b"value")));
            keys
        };
        let mut keys = filled(0, 100);
        keys.begin_image();
        keys.insert(&[7], b"changed"); // Kept for the image as it was.
        keys.clear();
        assert_eq!((keys.len(), keys.discarded.len()), (0, 0), "the image needs them");
        keys.next_of_image(|_, _| ());
        keys.end_image();
        assert_eq!(keys.discarded.len(), 100 + 1);
        keys.replace(filled(0, 50));
        assert_eq!((keys.len(), keys.discarded.len()), (50, 101));
        keys.replace(filled(0, 20));
        assert_eq!((keys.len(), keys.discarded.len()), (20, 151));
        assert_eq!((keys.let_go(40), keys.discarded.len()), (Left::Something, 111));
        // New keys take the room of old ones, and are more than those in no case.
        (100..150).for_each(|key| drop(keys.insert(&[key], b"new")));
        assert!(keys.discarded.len() < 111 - 90, "{}", keys.discarded.len());
        assert_eq!((keys.let_go(100), keys.discarded.len()), (Left::Nothing, 0));
        assert_eq!(keys.len(), 70);
    }

    #[test]
    fn an_image_that_is_let_go_keeps_nothing() {
        let mut keys = Keys::default();
        keys.insert(b"a", b"1");
        keys.begin_image();
        keys.insert(b"a", b"2");
        keys.end_image();
        assert_eq!(rest(&mut keys), []);
        keys.begin_image();
        assert_eq!(rest(&mut keys), [(b"a".to_vec(), b"2".to_vec())]);
    }
}
