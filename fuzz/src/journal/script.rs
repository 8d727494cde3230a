//! Journals that the library wrote: terms, entries, truncations, compactions, stops and kills.

use super::{RING, open};
use crate::input::Input;
use crate::medium::Flash;
use raft_nostd::Index;
use raft_nostd::frame::{self, EntryKind, Frames};
use raft_nostd::journal::{Batch, Geometry, Writer};
use raft_nostd::types::{HardState, NodeId, Position};

/// Operations that a script may hold.
const OPERATIONS: usize = 64;

/// What a journal holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct State {
    pub hard_state: HardState,
    pub base: Position,
    pub frames: Vec<Vec<u8>>,
}

impl State {
    pub fn last(&self) -> Position {
        let last = self.frames.last().map(|frame| frame::decode(frame).expect("a frame").position);
        last.unwrap_or(self.base)
    }

    /// Adds an entry if there is room.
    fn append(&mut self, payload: u8) {
        let term = self.hard_state.term.max(raft_nostd::Term(1));
        self.hard_state.term = term;
        let position = Position { term, index: self.last().index.next() };
        let payload = vec![payload; usize::from(payload) % 34];
        let mut frame = vec![0; payload.len() + frame::OVERHEAD_MAX];
        let kind = EntryKind::Command;
        let len = frame::encode(position, kind, &payload, &mut frame).expect("it fits");
        frame.truncate(len);
        if self.frames.concat().len() + len <= RING as usize {
            self.frames.push(frame);
        }
    }

    fn new_term(&mut self, vote: u8) {
        let term = self.hard_state.term.next().expect("terms do not end here");
        self.hard_state = HardState { term, vote: NodeId::new(u32::from(vote & 3)) };
    }
}

/// Runs a script; it ends with its zero byte, or the input.
pub fn run(geometry: Geometry, input: &mut Input<'_>) -> Flash {
    let mut medium = Flash::new(geometry);
    let (mut writer, _, mut state) = open(&mut medium, 1).expect("it is blank");
    let mut draw = 1;
    for _ in 0..OPERATIONS {
        let (Some(op @ 1..), Some(argument)) = (input.byte(), input.byte()) else { break };
        let mut next = state.clone();
        let mut first = next.last().index.next();
        match op & 7 {
            0 | 1 => next.append(argument),
            2 => (0..4).for_each(|more| next.append(argument.wrapping_add(more))),
            3 => next.new_term(argument),
            4 => {
                next.new_term(argument >> 2);
                let kept = next.frames.len().saturating_sub(usize::from(argument & 3));
                next.frames.truncate(kept);
                first = next.last().index.next();
                next.append(argument);
            }
            5 => {
                let gone = next.frames.len().saturating_sub(usize::from(argument & 7));
                if let Some(frame) = gone.checked_sub(1).map(|last| &next.frames[last]) {
                    next.base = frame::decode(frame).expect("a frame").position;
                    next.frames.drain(..gone);
                }
            }
            6 if argument & 7 == 0 => {
                next.new_term(0);
                let index = next.last().index.plus(u64::from(argument >> 3) + 1);
                next.base = Position { term: next.hard_state.term, index };
                next.frames.clear();
                first = index.next();
            }
            6 => writer.sync(&mut medium).expect("syncs do not fail"),
            _ => {
                draw += 1;
                (writer, state) = reopen(&mut medium, writer, state, draw, argument);
                continue;
            }
        }
        write(&mut medium, &mut writer, &next, first);
        state = next;
    }
    medium
}

/// A clean stop, a kill, or a power cut; then a start.
fn reopen(
    medium: &mut Flash,
    mut writer: Writer,
    state: State,
    draw: u64,
    how: u8,
) -> (Writer, State) {
    match how & 3 {
        0 => writer.seal(medium).expect("syncs do not fail"),
        1 => medium.revert(),
        _ => {}
    }
    let (writer, _, found) = open(medium, draw).expect("a journal of the library's own");
    assert!(how & 3 == 1 || found == state, "what was written is not found: {found:?}");
    (writer, found)
}

fn write(medium: &mut Flash, writer: &mut Writer, next: &State, first: Index) {
    let start = next.base.index.next();
    let first = first.max(start);
    let skip = first.since(start) as usize;
    let bytes = next.frames.concat();
    let length = |frames: &[Vec<u8>]| frames.iter().map(Vec::len).sum::<usize>();
    // As a ring would lend them: in two pieces.
    let half = length(&next.frames[..next.frames.len() / 2]);
    let (before, after) = bytes.split_at(half);
    let live = Frames::new(start, next.frames.len() as u64, before, after);
    let from = length(&next.frames[..skip]);
    let count = (next.frames.len() - skip) as u64;
    let frames = if from < half {
        Frames::new(first, count, &before[from..], after)
    } else {
        Frames::new(first, count, &after[from - half..], &[])
    };
    let batch = Batch { hard_state: next.hard_state, frames, live, base: next.base };
    writer.write(medium, &batch).expect("a right batch");
}
