//! Every node as it may be, and every datagram, by number.
//!
//! What becomes of a node depends on the node and on what happens to it, not on the rest of the cluster.
//! So the core is asked once for each, and a state of the cluster is a few numbers.

use super::judge::Summary;
use super::permute::{Lanes, Renamings};
use super::place::{Input, Pace, Place};
use super::world::Happening;
use rustc_hash::FxHashMap;
use std::sync::{Mutex, PoisonError, RwLock};

/// One node as it may be.
pub(super) struct Spot<const N: usize, const F: usize> {
    pub(super) summary: Summary<N>,
    pub(super) lanes: Lanes<F>,
    place: Box<Place<N>>,
    moves: RwLock<FxHashMap<(Input, Pace), usize>>,
}

/// What becomes of a node.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Move {
    /// Nothing, and nothing is said.
    Nothing,
    /// It becomes that of this number, and says datagrams.
    To(u32, Box<[u32]>),
    /// What must not happen.
    Broken(String),
}

/// A datagram.
pub(super) struct Letter<const F: usize> {
    pub(super) bytes: Box<[u8]>,
    pub(super) lanes: Lanes<F>,
}

pub(super) struct Catalogue<const N: usize, const F: usize> {
    renamings: Renamings<N, F>,
    spots: boxcar::Vec<Spot<N, F>>,
    letters: boxcar::Vec<Letter<F>>,
    moves: boxcar::Vec<Move>,
    spot_numbers: Mutex<FxHashMap<u64, u32>>,
    letter_numbers: Mutex<FxHashMap<Box<[u8]>, u32>>,
    /// Nodes that count as another one: tests see whether they do the same.
    #[cfg(test)]
    pub(super) doubles: Mutex<Vec<(u32, Place<N>)>>,
}

impl<const N: usize, const F: usize> Catalogue<N, F> {
    pub(super) fn new() -> Self {
        Self {
            renamings: Renamings::all(),
            spots: boxcar::Vec::new(),
            letters: boxcar::Vec::new(),
            moves: boxcar::Vec::new(),
            spot_numbers: Mutex::default(),
            letter_numbers: Mutex::default(),
            #[cfg(test)]
            doubles: Mutex::default(),
        }
    }

    pub(super) fn renamings(&self) -> &Renamings<N, F> {
        &self.renamings
    }

    pub(super) fn spots(&self) -> usize {
        self.spots.count()
    }

    pub(super) fn letters(&self) -> usize {
        self.letters.count()
    }

    pub(super) fn spot(&self, number: u32) -> &Spot<N, F> {
        &self.spots[number as usize]
    }

    pub(super) fn letter(&self, number: u32) -> &Letter<F> {
        &self.letters[number as usize >> 3]
    }

    /// The number of a node as it is.
    pub(super) fn spot_number(&self, place: Place<N>) -> u32 {
        let lanes = self.renamings.of_place(&place);
        // The first renaming changes nothing.
        let digest = lanes.first().copied().unwrap_or_default();
        let mut numbers = self.spot_numbers.lock().unwrap_or_else(PoisonError::into_inner);
        #[cfg(test)]
        if let Some(number) = numbers.get(&digest) {
            self.doubles.lock().unwrap().push((*number, place));
            return *number;
        }
        *numbers.entry(digest).or_insert_with(|| {
            let (summary, place) = (place.summary(), Box::new(place));
            let spot = Spot { summary, lanes, place, moves: RwLock::default() };
            self.spots.push(spot) as u32
        })
    }

    fn letter_number(&self, bytes: Vec<u8>) -> u32 {
        let mut numbers = self.letter_numbers.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(number) = numbers.get(&bytes[..]) {
            return *number;
        }
        let bytes = bytes.into_boxed_slice();
        let (to, lanes) = (receiver(&bytes), self.renamings.of_datagram(&bytes));
        let place = self.letters.push(Letter { bytes: bytes.clone(), lanes }) as u32;
        let number = place << 3 | to;
        numbers.insert(bytes, number);
        number
    }

    /// What becomes of a node when `input` happens to it.
    pub(super) fn outcome(&self, from: u32, input: Input, pace: Pace) -> &Move {
        let spot = self.spot(from);
        let known = {
            let moves = spot.moves.read().unwrap_or_else(PoisonError::into_inner);
            moves.get(&(input, pace)).copied()
        };
        let number = known.unwrap_or_else(|| {
            let found = self.ask_core(from, input, pace);
            let mut moves = spot.moves.write().unwrap_or_else(PoisonError::into_inner);
            *moves.entry((input, pace)).or_insert_with(|| self.moves.push(found))
        });
        &self.moves[number]
    }

    fn ask_core(&self, from: u32, input: Input, pace: Pace) -> Move {
        let spot = self.spot(from);
        if !spot.place.admits(input) {
            return Move::Nothing;
        }
        let datagram = match input {
            Input::Datagram(number) => &self.letter(number).bytes[..],
            _ => &[],
        };
        let (next, said) = spot.place.after(input, pace, datagram);
        match said {
            Err(broken) => Move::Broken(broken),
            Ok(said) => {
                let mut said: Vec<u32> =
                    said.into_iter().map(|one| self.letter_number(one)).collect();
                said.sort_unstable();
                said.dedup();
                let to = self.spot_number(next);
                if to == from && said.is_empty() {
                    Move::Nothing
                } else {
                    Move::To(to, said.into())
                }
            }
        }
    }
}

/// What a node becomes, by its hashes, and what it says.
#[cfg(test)]
type Become<const F: usize> = Result<(Lanes<F>, Vec<Vec<u8>>), String>;

#[cfg(test)]
impl<const N: usize, const F: usize> Catalogue<N, F> {
    pub(super) fn all_letters(&self) -> Vec<u32> {
        self.letter_numbers.lock().unwrap().values().copied().collect()
    }

    /// What becomes of a node of this number, and of its double, where that can happen to them.
    pub(super) fn compare(
        &self,
        number: u32,
        double: &Place<N>,
        input: Input,
        pace: Pace,
    ) -> [Option<Become<F>>; 2] {
        [&*self.spot(number).place, double].map(|place| {
            let addressed = match input {
                Input::Datagram(letter) => receiver_of(letter) == place.number(),
                _ => place.admits(input),
            };
            addressed.then(|| {
                let datagram = match input {
                    Input::Datagram(letter) => &self.letter(letter).bytes[..],
                    _ => &[],
                };
                let (next, said) = place.after(input, pace, datagram);
                // (Some datagrams cannot come to it in one cluster.)
                let mut said = said?;
                said.sort_unstable();
                Ok((self.renamings.of_place(&next), said))
            })
        })
    }
}

fn receiver(bytes: &[u8]) -> u32 {
    let datagram = raft_nostd::wire::decode(bytes).expect("the core has encoded it");
    datagram.envelope.receiver.get() - 1
}

/// Who gets the datagram of this number: its last three bits.
pub(super) fn receiver_of(number: u32) -> usize {
    number as usize & 7
}

/// What one thread remembers of the catalogue, without locks.
pub(super) struct Memory<'a, const N: usize, const F: usize> {
    catalogue: &'a Catalogue<N, F>,
    moves: FxHashMap<u64, &'a Move>,
}

impl<'a, const N: usize, const F: usize> Memory<'a, N, F> {
    pub(super) fn of(catalogue: &'a Catalogue<N, F>) -> Self {
        Self { catalogue, moves: FxHashMap::default() }
    }

    /// As [`Catalogue::outcome`].
    pub(super) fn outcome(&mut self, from: u32, input: Input, pace: Pace) -> &'a Move {
        let happening = Happening { node: 0, input, pace }.to_number();
        let known = self.moves.entry(u64::from(from) << 32 | u64::from(happening));
        known.or_insert_with(|| self.catalogue.outcome(from, input, pace))
    }
}
