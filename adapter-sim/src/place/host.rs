//! What one run of a node has around it.

use crate::place::machine::{Machine, Step};
use adapter_std::memory::{MemoryError, SharedMedium};
use raft_nostd::journal::WriteError;
use raft_nostd::{Event, Host, Index, NodeId, Position, Transport};

/// What a node has done since it was last looked at.
#[derive(Default)]
pub struct Deeds {
    /// What its machine has done, in order.
    pub steps: Vec<Step>,
    /// What it told.
    pub events: Vec<Told>,
    pub datagrams: Vec<(NodeId, Vec<u8>)>,
}

/// What a node told, and how things were then.
pub struct Told {
    pub event: Event,
    /// How far the machine was.
    pub applied: Index,
    /// What the subject answered, when reads may be answered.
    pub answers: Vec<String>,
}

/// Disks, network and machine of one run, and what came out of it.
pub struct Surroundings {
    medium: SharedMedium,
    snapshots: Option<SharedMedium>,
    pub machine: Machine,
    deeds: Deeds,
}

impl Surroundings {
    pub fn new(medium: SharedMedium, snapshots: Option<SharedMedium>, machine: Machine) -> Self {
        Self { medium, snapshots, machine, deeds: Deeds::default() }
    }

    pub fn take_deeds(&mut self) -> Deeds {
        let steps = self.machine.take_steps();
        Deeds { steps, ..std::mem::take(&mut self.deeds) }
    }
}

impl Transport for Surroundings {
    fn send(&mut self, to: NodeId, datagram: &[u8]) {
        self.deeds.datagrams.push((to, datagram.to_vec()));
    }
}

impl Host for Surroundings {
    type Memory = Vec<u8>;
    type Medium = SharedMedium;
    type Snapshots = Option<SharedMedium>;
    type Transport = Self;
    type Machine = Machine;

    fn medium(&mut self) -> &mut SharedMedium {
        &mut self.medium
    }

    fn snapshots(&mut self) -> &mut Option<SharedMedium> {
        &mut self.snapshots
    }

    fn transport(&mut self) -> &mut Self {
        self
    }

    fn machine(&mut self) -> &mut Machine {
        &mut self.machine
    }

    fn applied(&mut self, _position: Position, (): ()) {}

    fn event(&mut self, event: Event) {
        let applied = self.machine.state.last.index;
        let answers = match event {
            Event::ReadReady(_) => self.machine.answers(),
            _ => Vec::new(),
        };
        self.deeds.events.push(Told { event, applied, answers });
    }

    fn storage_error(&mut self, error: WriteError<MemoryError>) {
        assert_medium_is_to_blame(&error);
    }

    fn snapshot_error(&mut self, error: &dyn core::fmt::Display) {
        let error = error.to_string();
        let ours = ["rule of the medium", "not what was announced", "bytes; it must have"];
        let blame = ours.iter().find(|ours| error.contains(**ours));
        assert_eq!(blame, None, "a snapshot failed by our own fault: {error}");
    }
}

/// The journal blames the medium, not the core.
pub fn assert_medium_is_to_blame(error: &WriteError<MemoryError>) {
    let medium = match error {
        WriteError::Full(_) => true,
        WriteError::Failed(error) => !matches!(error, MemoryError::Violation(_)),
        _ => false,
    };
    assert!(medium, "a write failed by our own fault: {error:?}");
}
