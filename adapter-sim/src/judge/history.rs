//! What every state machine must be: the one history of commands, and the state after each.

use crate::place::machine::{Size, State};
use raft_nostd::{Index, NodeId, Position};
use std::collections::BTreeMap;

pub struct History {
    size: Size,
    /// Everything any state machine was given, by index, and what comes of all of it so far.
    commands: BTreeMap<Index, Applied>,
    /// Of each node whose state came from a snapshot in this run of it, the snapshot's end.
    restored: BTreeMap<NodeId, Position>,
}

struct Applied {
    position: Position,
    command: Vec<u8>,
    /// What the subject that was first answered.
    answer: String,
    state: State,
}

impl History {
    pub fn new(size: Size) -> Self {
        Self { size, commands: BTreeMap::new(), restored: BTreeMap::new() }
    }

    pub fn commands(&self) -> impl Iterator<Item = (Position, &[u8])> {
        self.commands.values().map(|applied| (applied.position, &applied.command[..]))
    }

    /// Some machine was given a command, after all before it.
    pub fn applied(&mut self, id: NodeId, position: Position, command: &[u8], answer: &str) {
        if let Some(known) = self.commands.get(&position.index) {
            let same = (known.position, &known.command[..]) == (position, command);
            assert!(same, "State Machine Safety at {position}");
            let known = &known.answer;
            assert!(
                answer == known,
                "{id:?} answers {position} with {answer}, and others did with {known}{}",
                self.whence(id)
            );
            return;
        }
        let last = self.commands.last_key_value();
        let mut state = last.map(|(_, last)| last.state.clone()).unwrap_or_default();
        assert!(state.last.index < position.index, "{position} was left out");
        state.apply(&self.size, position, command);
        let (command, answer) = (command.to_vec(), answer.to_string());
        self.commands.insert(position.index, Applied { position, command, answer, state });
    }

    /// What may explain another answer.
    fn whence(&self, id: NodeId) -> String {
        let restored = self.restored.get(&id);
        restored.map_or(String::new(), |through| {
            format!("; the state of {id:?} was restored from a snapshot through {through}")
        })
    }

    /// A machine begins anew, with what is in a snapshot or with nothing.
    pub fn restored(&mut self, id: NodeId, state: &State) {
        if state.last == Position::default() {
            self.restored.remove(&id);
        } else {
            self.restored.insert(id, state.last);
        }
    }

    /// State Machine Safety across snapshots: a machine that knows all through `applied` is what
    /// the commands through there make of it.
    pub fn check(&self, id: NodeId, applied: Index, state: &State) {
        let before = self.commands.range(..=applied).next_back();
        let expected = before.map(|(_, before)| before.state.clone()).unwrap_or_default();
        assert_eq!(*state, expected, "{id}: the state through {applied}");
    }
}
