//! One node of the peer.

use bytes::Bytes;
use protobuf::Message as _;
use raft::prelude::{Config, Entry, EntryType, Message, MessageType};
use raft::{NO_LIMIT, RawNode, StateRole};
use slog::{Discard, Logger, o};

use super::log::Log;
use crate::{Command, Machine};

/// The id of the node a message is for, and the message, encoded.
pub type Letter = (u64, Bytes);

/// A node, its state machine, and the messages it has not read yet.
pub struct Node {
    raft: RawNode<Log>,
    machine: Machine,
    inbox: Vec<Bytes>,
}

impl Node {
    /// A follower with an empty log.
    pub fn new(id: u64, voters: &[u64]) -> Self {
        let config = Config {
            id,
            pre_vote: true,
            check_quorum: true,
            // No limit also spares the peer adding up the sizes of the entries.
            max_size_per_msg: NO_LIMIT,
            max_inflight_msgs: 256,
            // What is proposed before the next turn travels in one message.
            batch_append: true,
            ..Config::default()
        };
        let logger = Logger::root(Discard, o!());
        let raft = RawNode::new(&config, Log::new(voters), &logger).expect("a valid configuration");
        Self { raft, machine: Machine::default(), inbox: Vec::new() }
    }

    /// The state machine.
    pub fn machine(&self) -> &Machine {
        &self.machine
    }

    /// Whether this node leads.
    pub fn leads(&self) -> bool {
        self.raft.raft.state == StateRole::Leader
    }

    /// Whether this node has applied the first entry of the first leader.
    pub fn has_applied_no_op(&self) -> bool {
        self.raft.raft.raft_log.applied() > 0
    }

    /// Starts an election, as if this node's timeout had passed.
    pub fn campaign(&mut self) {
        self.raft.campaign().expect("a voter may campaign");
    }

    /// Proposes a command.
    pub fn propose(&mut self, command: &Command) {
        let proposed = self.raft.propose(vec![], command.to_vec());
        proposed.expect("a leader may propose");
    }

    /// Proposes commands, each as an entry of its own, in one step. They share one buffer.
    pub fn propose_together(&mut self, commands: &[Command]) {
        let buffer = Bytes::copy_from_slice(commands.as_flattened());
        let entry = |number: usize| Entry {
            data: buffer.slice(number * size_of::<Command>()..(number + 1) * size_of::<Command>()),
            ..Entry::default()
        };
        let entries: Vec<Entry> = (0..commands.len()).map(entry).collect();
        let message = Message {
            msg_type: MessageType::MsgPropose,
            from: self.raft.raft.id,
            entries: entries.into(),
            ..Message::default()
        };
        self.raft.step(message).expect("a leader may propose");
    }

    /// Takes in a message, to be read on this node's next turn.
    pub fn receive(&mut self, bytes: Bytes) {
        self.inbox.push(bytes);
    }

    /// Reads all messages, then does all the work they led to.
    pub fn turn(&mut self, wire: &mut Vec<Letter>) {
        for bytes in self.inbox.drain(..) {
            // The payloads of the decoded message are slices of `bytes`, not copies.
            let message = Message::parse_from_carllerche_bytes(&bytes).expect("a whole message");
            self.raft.step(message).expect("a message from a peer");
        }
        if self.raft.has_ready() {
            self.handle_ready(wire);
        }
    }

    /// Does what the library asks for, in the order it asks for.
    fn handle_ready(&mut self, wire: &mut Vec<Letter>) {
        let mut ready = self.raft.ready();
        assert!(ready.snapshot().is_empty(), "no node falls behind");
        send(ready.messages(), wire);
        apply(&mut self.machine, ready.committed_entries());

        let entries = ready.take_entries();
        let log = self.raft.mut_store();
        log.append(entries);
        if let Some(state) = ready.hs() {
            log.set_hard_state(state);
        }
        send(ready.persisted_messages(), wire);

        // Memory persists at once. What that leads to, if anything, is the next turn's.
        let number = ready.number();
        self.raft.advance_append_async(ready);
        self.raft.on_persist_ready(number);
        self.raft.advance_apply();

        let applied = self.raft.raft.raft_log.applied();
        self.raft.mut_store().compact(applied);
    }
}

/// Encodes messages.
fn send(messages: &[Message], wire: &mut Vec<Letter>) {
    for message in messages {
        let bytes = message.write_to_bytes().expect("an encodable message");
        wire.push((message.to, bytes.into()));
    }
}

/// Applies committed entries.
fn apply(machine: &mut Machine, entries: &[Entry]) {
    for entry in entries {
        assert_eq!(entry.get_entry_type(), EntryType::EntryNormal);
        // A new leader's first entry is empty.
        if !entry.data.is_empty() {
            machine.apply(&entry.data);
        }
    }
}
