//! A node before it starts: its log can be filled from a journal.

use super::Raft;
use crate::config::Config;
use crate::error::ConfigError;
use crate::frame::Frames;
use crate::journal::{Limits, Sink};
use crate::log::Log;
use crate::state::{Node, Start};
use crate::types::{Index, Position};

/// A checked configuration and a log, to be filled by [`journal::recover`](crate::journal::recover)
/// or left empty, and then [started](Self::start).
#[derive(Debug)]
pub struct Loading<'a, B> {
    config: Config<'a>,
    log: Log<B>,
}

impl<'a, B: AsRef<[u8]> + AsMut<[u8]>> Loading<'a, B> {
    /// An empty log in `memory` (see [`Config::log_bytes`]); its bytes need no initial value.
    ///
    /// # Errors
    /// What is wrong with the configuration or the memory.
    pub fn new<const VOTERS: usize>(config: &Config<'a>, memory: B) -> Result<Self, ConfigError> {
        config.check::<VOTERS>()?;
        Ok(Self { log: Log::new(memory, config)?, config: config.clone() })
    }

    /// The last entry so far.
    pub fn last(&self) -> Position {
        self.log.last()
    }

    /// What the journal of this log must be able to hold.
    pub fn limits(&self) -> Limits {
        Limits {
            max_frame: self.config.max_frame() as usize,
            ring_bytes: self.log.capacity().bytes as usize,
        }
    }

    /// Starts the node as a follower. Everything in its log counts as durable.
    ///
    /// # Errors
    /// When the state machine has applied more than the log holds: it belongs to another journal.
    pub fn start<const VOTERS: usize>(self, start: Start) -> Result<Raft<B, VOTERS>, StartError> {
        let last = self.log.last().index;
        if start.applied > last {
            return Err(StartError { applied: start.applied, last });
        }
        Ok(Raft { node: Node::new(&self.config, self.log, &start) })
    }
}

impl<B: AsRef<[u8]> + AsMut<[u8]>> Sink for Loading<'_, B> {
    fn reset(&mut self, base: Position) {
        self.log.reset(base);
    }

    fn truncate(&mut self, from: Index) {
        self.log.truncate(from);
    }

    fn append(&mut self, frame: &[u8]) -> bool {
        Sink::append(&mut self.log, frame)
    }

    fn live(&self) -> Frames<'_> {
        Sink::live(&self.log)
    }
}

/// The state machine says it has applied entries that the log does not hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StartError {
    /// As far as it says it has applied.
    pub applied: Index,
    /// The last entry of the log.
    pub last: Index,
}

impl core::fmt::Display for StartError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let Self { applied, last } = self;
        write!(f, "the state machine has applied {applied} entries, the journal has {last}")
    }
}

impl core::error::Error for StartError {}
