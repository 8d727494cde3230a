//! The state machine. Its state is short, and yet no two histories of commands end in the same one.
//! It writes itself in pieces of any length while commands go on being applied, and takes another
//! state's pieces in place of its own.

use crate::judge::hash;
use crate::random::Random;
use raft_nostd::{Committed, Index, Position, SnapshotError, StateMachine};
use std::collections::VecDeque;

/// How much of itself a machine keeps: the same on all nodes.
#[derive(Clone, Copy, Debug)]
pub struct Size {
    /// The digests of so many commands, the last ones.
    pub digests: usize,
    /// Bytes that say nothing, to be long.
    pub padding: usize,
}

/// What comes of a history of commands.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct State {
    pub commands: u64,
    /// Over all commands and their positions.
    pub digest: u64,
    pub last: Position,
    digests: VecDeque<u64>,
}

/// What a machine has done.
pub enum Step {
    Applied(Position, Vec<u8>),
    /// A snapshot replaced its state.
    Restored(State),
}

pub struct Machine {
    pub state: State,
    /// What it has durably, when it is durable by itself: perhaps an older state.
    kept: Option<State>,
    size: Size,
    /// The snapshot that is being written.
    image: Option<Vec<u8>>,
    /// The pieces of a snapshot so far.
    pieces: Vec<u8>,
    random: Random,
    steps: Vec<Step>,
}

impl Size {
    /// Bytes of the longest snapshot.
    pub fn bytes(&self) -> usize {
        32 + 8 * self.digests + self.padding
    }
}

impl State {
    pub fn apply(&mut self, size: &Size, position: Position, command: &[u8]) {
        let digest = hash(command);
        self.commands += 1;
        self.digest = self.digest.rotate_left(7) ^ digest ^ position.index.0 ^ position.term.0;
        self.last = position;
        self.digests.push_back(digest);
        if self.digests.len() > size.digests {
            self.digests.pop_front();
        }
    }

    fn to_bytes(&self, size: &Size) -> Vec<u8> {
        if self.commands == 0 {
            return Vec::new(); // So that there are empty snapshots.
        }
        let Position { term, index } = self.last;
        let fields = [self.commands, self.digest, term.0, index.0];
        let words = fields.iter().chain(&self.digests);
        let padding = (0..size.padding).map(|at| (self.digest >> (at % 57)) as u8);
        words.flat_map(|word| word.to_le_bytes()).chain(padding).collect()
    }

    fn from_bytes(size: &Size, bytes: &[u8]) -> Option<Self> {
        if bytes.is_empty() {
            return Some(Self::default());
        }
        let words = bytes.len().checked_sub(size.padding)?;
        let words: Vec<_> = bytes[..words]
            .chunks(8)
            .map(|word| Some(u64::from_le_bytes(word.try_into().ok()?)))
            .collect::<Option<_>>()?;
        let [commands, digest, term, index, digests @ ..] = &words[..] else { return None };
        let state = Self {
            commands: *commands,
            digest: *digest,
            last: Position::new(*term, *index),
            digests: digests.iter().copied().collect(),
        };
        (state.to_bytes(size) == bytes).then_some(state)
    }
}

impl Machine {
    /// `kept`: what a machine with durability of its own has.
    pub fn new(kept: Option<State>, size: Size, seed: u64) -> Self {
        Self {
            state: kept.clone().unwrap_or_default(),
            kept,
            size,
            image: None,
            pieces: Vec::new(),
            random: Random::new(seed),
            steps: Vec::new(),
        }
    }

    /// What it has durably.
    pub fn kept(&self) -> Option<State> {
        self.kept.clone()
    }

    pub fn take_steps(&mut self) -> Vec<Step> {
        std::mem::take(&mut self.steps)
    }

    /// Whether it keeps an image of its state for a snapshot.
    pub fn holds_image(&self) -> bool {
        self.image.is_some()
    }

    /// Makes the state durable, when it does such things at all, and feels like it.
    fn keep(&mut self) {
        if self.kept.is_some() && self.random.below(3) > 0 {
            self.kept = Some(self.state.clone());
        }
    }
}

impl StateMachine for Machine {
    type Response = ();

    fn apply(&mut self, committed: Committed<'_>) {
        let Committed { position, command } = committed;
        self.state.apply(&self.size, position, command);
        self.steps.push(Step::Applied(position, command.to_vec()));
        self.keep();
    }

    fn query(&self, _request: &[u8]) {}

    fn applied(&self) -> Index {
        self.state.last.index
    }

    fn snapshot(&mut self, offset: u64, piece: &mut [u8]) -> Result<usize, SnapshotError> {
        if piece.is_empty() {
            self.image = None;
            return Ok(0);
        }
        if offset == 0 {
            self.image = Some(self.state.to_bytes(&self.size));
        }
        let image = self.image.as_ref().expect("the image of what was begun");
        let rest = &image[usize::try_from(offset).unwrap()..];
        if rest.is_empty() {
            self.image = None;
            return Ok(0);
        }
        // The first piece may be short, the others are at least half as long as they might be: so
        // it is known how many there are at most.
        let least = if offset == 0 { 1 } else { piece.len().div_ceil(2) };
        let len = least + self.random.below((piece.len() - least) as u64 + 1) as usize;
        let len = len.min(rest.len());
        piece[..len].copy_from_slice(&rest[..len]);
        Ok(len)
    }

    fn restore(&mut self, offset: u64, piece: &[u8]) -> Result<(), SnapshotError> {
        if offset == 0 {
            self.pieces.clear();
        }
        assert_eq!(offset, self.pieces.len() as u64, "the pieces follow each other");
        if !piece.is_empty() {
            self.pieces.extend(piece);
            return Ok(());
        }
        let pieces = std::mem::take(&mut self.pieces);
        self.state = State::from_bytes(&self.size, &pieces).expect("a snapshot is one, and whole");
        self.steps.push(Step::Restored(self.state.clone()));
        self.keep();
        Ok(())
    }
}
