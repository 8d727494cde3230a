//! The simulator's own subject: a few numbers that clients read, write, add to and swap, so that what
//! they are answered can be judged for linearizability.

use crate::linearizability::Model;
use crate::random::Random;
use crate::subject::Subject;
use raft_nostd::{Committed, SnapshotError, StateMachine};
use std::fmt;

/// How many numbers there are.
pub(crate) const KEYS: u8 = 5;

/// What marks a command as a call; all others only have a length.
const CALL: u8 = 0xca;

/// What a client asks of one number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Call {
    Read,
    Write(u32),
    Add(u32),
    /// Writes the second if it is the first.
    Swap(u32, u32),
}

/// One number.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Register(pub(crate) u32);

impl Register {
    /// Does it, and answers what the number was before.
    pub(crate) fn perform(&mut self, call: Call) -> u32 {
        let before = self.0;
        self.0 = match call {
            Call::Read => before,
            Call::Write(value) => value,
            Call::Add(more) => before.wrapping_add(more),
            Call::Swap(expected, value) => {
                if before == expected {
                    value
                } else {
                    before
                }
            }
        };
        before
    }
}

impl Model for Register {
    type Call = Call;
    type Reply = u32;

    fn apply(&mut self, call: &Call) -> u32 {
        self.perform(*call)
    }

    fn is_read(call: &Call) -> bool {
        *call == Call::Read
    }
}

/// The number in what [`Registers`] answered, as text.
pub(crate) fn answered(text: &str) -> Option<u32> {
    text.strip_prefix("Some(")?.strip_suffix(')')?.parse().ok()
}

impl fmt::Display for Register {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Display for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Read => write!(f, "read"),
            Self::Write(value) => write!(f, "write {value}"),
            Self::Add(more) => write!(f, "add {more}"),
            Self::Swap(expected, value) => write!(f, "write {value} if it is {expected}"),
        }
    }
}

impl Call {
    fn draw(random: &mut Random) -> Self {
        // Written is what can be told apart, or something small, which swaps may expect.
        let small = random.below(4) as u32;
        let value = random.bits() as u32;
        // (Additions of unknown fate commute: of many of them it takes long to find out which were
        // made. The same is true of swaps that lead in a circle.)
        match random.below(20) {
            0..8 => Self::Write(value),
            8 => Self::Write(small),
            9 => Self::Add(value),
            _ => Self::Swap(small, value),
        }
    }

    /// A command that asks it of `key`; `tag` makes it one of its kind.
    pub(crate) fn command(self, key: u8, tag: u64) -> Vec<u8> {
        let (kind, one, other) = match self {
            Self::Read => (0, 0, 0),
            Self::Write(value) => (1, value, 0),
            Self::Add(more) => (2, more, 0),
            Self::Swap(expected, value) => (3, expected, value),
        };
        let mut bytes = vec![CALL, kind, key];
        bytes.extend(one.to_le_bytes());
        bytes.extend(other.to_le_bytes());
        bytes.extend(tag.to_le_bytes());
        bytes
    }

    /// What a command asks, and of which key.
    pub(crate) fn parse(command: &[u8]) -> Option<(u8, Self)> {
        let ([CALL, kind, key], rest) = command.split_first_chunk()? else { return None };
        let (one, rest) = rest.split_first_chunk()?;
        let (other, rest) = rest.split_first_chunk()?;
        let (one, other) = (u32::from_le_bytes(*one), u32::from_le_bytes(*other));
        let call = match kind {
            0 => Self::Read,
            1 => Self::Write(one),
            2 => Self::Add(one),
            3 => Self::Swap(one, other),
            _ => return None,
        };
        (rest.len() == 8 && *key < KEYS).then_some((*key, call))
    }
}

/// All the numbers.
#[derive(Clone, Debug, Default)]
pub(crate) struct Registers {
    now: [Register; KEYS as usize],
    image: [Register; KEYS as usize],
}

impl StateMachine for Registers {
    /// What the number was before.
    type Response = Option<u32>;

    fn apply(&mut self, committed: Committed<'_>) -> Option<u32> {
        let (key, call) = Call::parse(committed.command)?;
        Some(self.now.get_mut(usize::from(key))?.perform(call))
    }

    fn query(&self, request: &[u8]) -> Option<u32> {
        let key = request.first()?;
        Some(self.now.get(usize::from(*key))?.0)
    }

    fn snapshot(&mut self, offset: u64, piece: &mut [u8]) -> Result<usize, SnapshotError> {
        if offset == 0 {
            self.image = self.now;
        }
        // One number in each piece.
        let number = self.image.get(offset as usize / 4);
        let (Some(number), Some(bytes)) = (number, piece.first_chunk_mut::<4>()) else {
            return Ok(0);
        };
        *bytes = number.0.to_le_bytes();
        Ok(4)
    }

    fn restore(&mut self, offset: u64, piece: &[u8]) -> Result<(), SnapshotError> {
        let whole = 4 * u64::from(KEYS);
        match (self.image.get_mut(offset as usize / 4), <[u8; 4]>::try_from(piece)) {
            (Some(number), Ok(bytes)) => number.0 = u32::from_le_bytes(bytes),
            (None, _) if piece.is_empty() && offset == whole => self.now = self.image,
            _ => return Err(SnapshotError::Malformed),
        }
        Ok(())
    }
}

impl Subject for Registers {
    const SNAPSHOT_MAX: usize = 4 * KEYS as usize;

    fn command(random: &mut Random) -> Vec<u8> {
        // Mostly calls; else bytes of any length, from none to the longest.
        if random.below(4) < 3 {
            let key = random.below(u64::from(KEYS)) as u8;
            return Call::draw(random).command(key, random.bits());
        }
        let most = if random.one_in(8) { Self::COMMAND_MAX } else { 40 };
        let mut bytes = random.bits().to_le_bytes().to_vec();
        bytes.resize(random.below(u64::from(most) + 1) as usize, 1);
        bytes
    }

    fn question(random: &mut Random) -> Vec<u8> {
        vec![random.below(u64::from(KEYS)) as u8]
    }

    fn describe(command: &[u8]) -> String {
        match Call::parse(command) {
            Some((key, call)) => format!("{call} in r{key}"),
            None => format!("{} bytes", command.len()),
        }
    }

    fn copy(&self) -> Option<Self> {
        Some(self.clone())
    }
}
