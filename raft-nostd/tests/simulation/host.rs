//! What one run of a node has around it.

use crate::disk::SharedMedium;
use adapter_std::memory::MemoryError;
use raft_nostd::journal::WriteError;
use raft_nostd::{Committed, Event, Host, Index, NodeId, Position, StateMachine, Transport};

/// What a node has done since it was last looked at.
#[derive(Default)]
pub struct Deeds {
    /// The commands its machine was given, in order.
    pub applied: Vec<(Position, Vec<u8>)>,
    /// What it told, each with how far the machine was.
    pub events: Vec<(Event, Index)>,
    pub datagrams: Vec<(NodeId, Vec<u8>)>,
}

/// Disk, network and machine of one run, and what came out of it.
pub struct Surroundings {
    medium: SharedMedium,
    snapshots: Option<SharedMedium>,
    deeds: Deeds,
    /// The last command the machine knows of.
    machine_at: Index,
}

impl Surroundings {
    /// `applied`: how far the machine has applied the log, durably.
    pub fn new(medium: SharedMedium, applied: Index) -> Self {
        Self { medium, snapshots: None, deeds: Deeds::default(), machine_at: applied }
    }

    pub fn take_deeds(&mut self) -> Deeds {
        std::mem::take(&mut self.deeds)
    }
}

impl StateMachine for Surroundings {
    type Response = ();

    fn apply(&mut self, committed: Committed<'_>) {
        self.machine_at = committed.position.index;
        self.deeds.applied.push((committed.position, committed.command.to_vec()));
    }

    fn query(&self, _request: &[u8]) {}

    fn applied(&self) -> Index {
        self.machine_at
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
    type Machine = Self;

    fn medium(&mut self) -> &mut SharedMedium {
        &mut self.medium
    }

    fn snapshots(&mut self) -> &mut Option<SharedMedium> {
        &mut self.snapshots
    }

    fn transport(&mut self) -> &mut Self {
        self
    }

    fn machine(&mut self) -> &mut Self {
        self
    }

    fn applied(&mut self, _position: Position, (): ()) {}

    fn event(&mut self, event: Event) {
        self.deeds.events.push((event, self.machine_at));
    }

    fn storage_error(&mut self, error: WriteError<MemoryError>) {
        assert_medium_is_to_blame(&error);
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
