//! A host: NOR flash, a transport and a state machine that nobody can look through.

use crate::hardware::{flash_read, flash_write, read, read_long, write, write_bytes};
use raft_nostd::journal::{Geometry, Medium, PersistFailure};
use raft_nostd::{
    ClusterId, Committed, Config, Event, Host, Instant, NodeId, Position, Seed, SnapshotError,
    StateMachine, Transport,
};

/// The most voters.
pub const VOTERS: usize = 3;
/// The longest command.
pub const COMMAND: u32 = 64;
/// Bytes of the log.
pub const LOG: usize = Config::TINY_LOG;
/// The longest datagram.
pub const DATAGRAM: usize = 512;

/// The configuration of a node that knows at compile time what it is.
pub const fn config(voters: &[NodeId; VOTERS]) -> Config<'_> {
    Config::tiny(ClusterId(7), voters[0], voters)
}

/// Three voters.
pub const NODES: [NodeId; VOTERS] =
    [NodeId::new(1).unwrap(), NodeId::new(2).unwrap(), NodeId::new(3).unwrap()];

/// Entropy.
pub fn seed() -> Seed {
    Seed { public: read_long(), secret: read_long() }
}

/// The clock.
pub fn now() -> Instant {
    Instant::from_micros(read_long())
}

/// What the flash controller says.
#[derive(Clone, Copy, Debug)]
pub struct FlashError(u32);

impl core::fmt::Display for FlashError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("flash")
    }
}

/// Eight segments of 4 KiB, written by the eight bytes.
#[derive(Debug)]
pub struct Flash;

const SEGMENT: u32 = 4_096;

fn status() -> Result<(), FlashError> {
    match read() {
        0 => Ok(()),
        error => Err(FlashError(error)),
    }
}

impl Medium for Flash {
    type Error = FlashError;

    fn geometry(&self) -> Geometry {
        Geometry { segments: 8, segment_bytes: SEGMENT, granularity: 8, erased: 0xff }
    }

    fn read(&mut self, segment: u32, offset: u32, into: &mut [u8]) -> Result<(), FlashError> {
        flash_read(segment.wrapping_mul(SEGMENT).wrapping_add(offset), into);
        status()
    }

    fn write(&mut self, segment: u32, offset: u32, bytes: &[u8]) -> Result<(), FlashError> {
        flash_write(segment.wrapping_mul(SEGMENT).wrapping_add(offset), bytes);
        status()
    }

    fn erase(&mut self, segment: u32) -> Result<(), FlashError> {
        write(segment);
        status()
    }

    fn sync(&mut self) -> Result<(), FlashError> {
        status()
    }

    fn failure(error: &FlashError) -> PersistFailure {
        if error.0 == 1 { PersistFailure::Full } else { PersistFailure::Failed }
    }
}

/// Sends to a register.
#[derive(Debug)]
pub struct Radio;

impl Transport for Radio {
    fn send(&mut self, to: NodeId, datagram: &[u8]) {
        write(to.get());
        write_bytes(datagram);
    }
}

/// A machine that remembers the last byte.
#[derive(Debug)]
pub struct Lamp(pub u8);

impl StateMachine for Lamp {
    type Response = u8;

    fn apply(&mut self, committed: Committed<'_>) -> u8 {
        write_bytes(committed.command);
        let last = committed.command.last().copied().unwrap_or(0);
        core::mem::replace(&mut self.0, last)
    }

    fn query(&self, _: &[u8]) -> u8 {
        self.0
    }

    fn snapshot(&mut self, offset: u64, piece: &mut [u8]) -> Result<usize, SnapshotError> {
        match piece.first_mut() {
            Some(byte) if offset == 0 => {
                *byte = self.0;
                Ok(1)
            }
            _ => Ok(0),
        }
    }

    fn restore(&mut self, offset: u64, piece: &[u8]) -> Result<(), SnapshotError> {
        match (offset, piece) {
            (0, [lamp]) => self.0 = *lamp,
            (1, []) => {}
            _ => return Err(SnapshotError::Malformed),
        }
        Ok(())
    }
}

/// The three of them. `B` is the log's memory.
#[derive(Debug)]
pub struct Board<B> {
    medium: Flash,
    snapshots: Option<Flash>,
    transport: Radio,
    machine: Lamp,
    memory: core::marker::PhantomData<B>,
}

impl<B> Board<B> {
    /// The one there is.
    pub const fn new() -> Self {
        let memory = core::marker::PhantomData;
        Self { medium: Flash, snapshots: Some(Flash), transport: Radio, machine: Lamp(0), memory }
    }
}

impl<B> Default for Board<B> {
    fn default() -> Self {
        Self::new()
    }
}

impl<B: AsRef<[u8]> + AsMut<[u8]>> Host for Board<B> {
    type Memory = B;
    type Medium = Flash;
    type Snapshots = Option<Flash>;
    type Transport = Radio;
    type Machine = Lamp;

    fn medium(&mut self) -> &mut Flash {
        &mut self.medium
    }

    fn snapshots(&mut self) -> &mut Option<Flash> {
        &mut self.snapshots
    }

    fn transport(&mut self) -> &mut Radio {
        &mut self.transport
    }

    fn machine(&mut self) -> &mut Lamp {
        &mut self.machine
    }

    fn applied(&mut self, position: Position, response: u8) {
        write(position.index.0 as u32 ^ u32::from(response));
    }

    fn event(&mut self, event: Event) {
        write(number(event));
    }
}

/// An event, as something one can see.
pub fn number(event: Event) -> u32 {
    match event {
        Event::Status(status) => status.term.0 as u32 ^ status.role as u32,
        Event::ProposalsLost(range) | Event::ProposalsUnknown(range) => range.last.0 as u32,
        Event::ReadReady(read) | Event::ReadsLost(read) => read.get() as u32,
        Event::LogFull(_) => 3,
        Event::CapacityDiffers { leader } => leader.get(),
        Event::StorageFull => 5,
        Event::StorageRecovered => 6,
        Event::Halted(_) => 7,
        _ => 8,
    }
}
