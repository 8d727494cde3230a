//! What every state machine must be: the one history of commands, and the state after each.

use crate::place::machine::{Size, State};
use raft_nostd::{Index, NodeId, Position};
use std::collections::BTreeMap;

pub struct History {
    size: Size,
    /// Everything any state machine was given, by index, and what comes of all of it so far.
    commands: BTreeMap<Index, (Position, Vec<u8>, State)>,
}

impl History {
    pub fn new(size: Size) -> Self {
        Self { size, commands: BTreeMap::new() }
    }

    pub fn commands(&self) -> impl Iterator<Item = (Position, &[u8])> {
        self.commands.values().map(|(position, command, _)| (*position, &command[..]))
    }

    /// Some machine was given a command, after all before it.
    pub fn applied(&mut self, position: Position, command: &[u8]) {
        if let Some((at, known, _)) = self.commands.get(&position.index) {
            assert_eq!((at, &known[..]), (&position, command), "State Machine Safety");
            return;
        }
        let last = self.commands.last_key_value();
        let mut state = last.map(|(_, (_, _, state))| state.clone()).unwrap_or_default();
        assert!(state.last.index < position.index, "{position} was left out");
        state.apply(&self.size, position, command);
        self.commands.insert(position.index, (position, command.to_vec(), state));
    }

    /// State Machine Safety across snapshots: a machine that knows all through `applied` is what
    /// the commands through there make of it.
    pub fn check(&self, id: NodeId, applied: Index, state: &State) {
        let before = self.commands.range(..=applied).next_back();
        let expected = before.map(|(_, (_, _, state))| state.clone()).unwrap_or_default();
        assert_eq!(*state, expected, "{id}: the state through {applied}");
    }
}
