//! A state of the cluster, and what may happen in it.

use super::Bounds;
use super::catalogue::receiver_of;
use super::judge::History;
use super::place::{Fate, Input, Pace};

/// All that a state is, by numbers of the catalogue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct World<const N: usize> {
    pub(super) places: [u32; N],
    pub(super) left: Left,
    pub(super) history: History,
    /// Datagrams that may still be delivered, in ascending order.
    pub(super) network: Vec<u32>,
}

/// How often what is bounded may still happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Left {
    pub(super) commands: u8,
    pub(super) crashes: u8,
    pub(super) beats: u8,
    pub(super) timeouts: u8,
    pub(super) slow: u8,
    pub(super) wipes: u8,
}

/// Something that happens at one node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Happening {
    pub(super) node: usize,
    pub(super) input: Input,
    pub(super) pace: Pace,
}

const INPUTS: [Input; 7] = [
    Input::Persisted,
    Input::Proposal,
    Input::Silence,
    Input::Beat,
    Input::Crash(Fate::Lost),
    Input::Crash(Fate::Kept),
    Input::Crash(Fate::Wiped),
];

impl Happening {
    /// In one number: three bits for what, three for where, two for its pace, the rest for the datagram.
    pub(super) fn to_number(self) -> u32 {
        let (kind, datagram) = match self.input {
            Input::Datagram(number) => (INPUTS.len(), number),
            other => (INPUTS.iter().position(|one| *one == other).unwrap_or_default(), 0),
        };
        let pace = u32::from(self.pace == Pace::Slow);
        kind as u32 | (self.node as u32) << 3 | pace << 6 | datagram << 8
    }

    pub(super) fn from_number(number: u32) -> Self {
        let input = INPUTS.get(number as usize & 7).copied();
        Self {
            node: number as usize >> 3 & 7,
            input: input.unwrap_or(Input::Datagram(number >> 8)),
            pace: if number >> 6 & 1 == 1 { Pace::Slow } else { Pace::Prompt },
        }
    }
}

impl Left {
    pub(super) fn of(bounds: &Bounds) -> Self {
        Self {
            commands: bounds.commands,
            crashes: bounds.crashes,
            beats: bounds.beats,
            timeouts: bounds.timeouts,
            slow: bounds.slow,
            wipes: bounds.wipes,
        }
    }

    /// What is left after that; `None` when it may not happen any more.
    pub(super) fn after(mut self, happening: Happening) -> Option<Self> {
        let counter = match happening.input {
            Input::Proposal => &mut self.commands,
            Input::Crash(Fate::Wiped) => &mut self.wipes,
            Input::Crash(_) => &mut self.crashes,
            Input::Beat => &mut self.beats,
            Input::Silence => &mut self.timeouts,
            _ => return Some(self),
        };
        *counter = counter.checked_sub(1)?;
        Some(self)
    }

    pub(super) fn to_bytes(self) -> [u8; 6] {
        let Self { commands, crashes, beats, timeouts, slow, wipes } = self;
        [commands, crashes, beats, timeouts, slow, wipes]
    }

    fn to_words(self) -> [u32; 2] {
        let Self { commands, crashes, beats, timeouts, slow, wipes } = self;
        [
            u32::from_le_bytes([commands, crashes, beats, timeouts]),
            u32::from(slow) | u32::from(wipes) << 8,
        ]
    }

    fn from_words([rare, rest]: [u32; 2]) -> Self {
        let [commands, crashes, beats, timeouts] = rare.to_le_bytes();
        let [slow, wipes, ..] = rest.to_le_bytes();
        Self { commands, crashes, beats, timeouts, slow, wipes }
    }
}

impl<const N: usize> World<N> {
    /// Words in front of the datagrams.
    const HEAD: usize = N + 6;

    /// All nodes blank, and nothing said.
    pub(super) fn first(places: [u32; N], bounds: &Bounds) -> Self {
        let left = Left::of(bounds);
        Self { places, left, history: History::default(), network: Vec::new() }
    }

    /// Appends it to `words`.
    pub(super) fn write(&self, words: &mut Vec<u32>) {
        words.extend(self.places);
        words.extend(self.left.to_words());
        words.extend(self.history.to_words());
        words.push(self.network.len() as u32);
        words.extend(&self.network);
    }

    /// Takes the first one off `words`.
    pub(super) fn read(words: &mut &[u32]) -> Option<Self> {
        let head = words.get(..Self::HEAD)?;
        let (places, rest) = head.split_first_chunk::<N>()?;
        let [left, more, a, b, c, len] = *rest.first_chunk()?;
        let end = Self::HEAD + len as usize;
        let network = words.get(Self::HEAD..end)?.to_vec();
        *words = &words[end..];
        let (left, history) = (Left::from_words([left, more]), History::from_words([a, b, c]));
        Some(Self { places: *places, left, history, network })
    }

    /// All that may happen next.
    pub(super) fn happenings(&self, mut try_one: impl FnMut(Happening, Left)) {
        let mut offer = |happening: Happening| {
            if let Some(left) = self.left.after(happening) {
                try_one(happening, left);
            }
        };
        for node in 0..N {
            for input in INPUTS {
                offer(Happening { node, input, pace: Pace::Prompt });
            }
        }
        for &number in &self.network {
            let (node, input) = (receiver_of(number), Input::Datagram(number));
            offer(Happening { node, input, pace: Pace::Prompt });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_state_survives_its_words() {
        let bounds = Bounds::default();
        let mut world = World::<3>::first([7, 8, 9], &bounds);
        world.network = vec![3, 5, 8];
        let mut words = Vec::new();
        world.write(&mut words);
        world.write(&mut words);
        let mut rest = &words[..];
        assert_eq!(World::read(&mut rest).as_ref(), Some(&world));
        assert_eq!(World::read(&mut rest).as_ref(), Some(&world));
        assert_eq!(World::<3>::read(&mut rest), None);
    }

    #[test]
    fn a_happening_survives_its_number() {
        for input in INPUTS.into_iter().chain([Input::Datagram(0xab_cdef)]) {
            for pace in [Pace::Prompt, Pace::Slow] {
                let happening = Happening { node: 4, input, pace };
                assert_eq!(Happening::from_number(happening.to_number()), happening);
            }
        }
    }

    #[test]
    fn what_is_bounded_ends() {
        let crash = Happening { node: 0, input: Input::Crash(Fate::Lost), pace: Pace::Prompt };
        let left = Left { commands: 0, crashes: 1, beats: 0, timeouts: 0, slow: 0, wipes: 0 };
        assert_eq!(left.after(crash).and_then(|left| left.after(crash)), None);
    }
}
