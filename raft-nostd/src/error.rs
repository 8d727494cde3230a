//! Everything that can go wrong, by whose fault it is: a peer's ([`Refused`]), the caller's
//! ([`ConfigError`], [`ProposeError`], [`ReadError`], [`TicketError`]), or our own ([`Halt`]).

use crate::types::{Index, NodeId, Position};
use core::fmt;

/// Why a datagram was dropped: the sender's fault or the network's, counted and harmless.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    /// Shorter than any datagram, or longer than this node's bound.
    Length,
    /// Not one of ours: the first bytes are wrong.
    Magic,
    /// Of a version of the format that this node does not speak.
    Version,
    /// The CRC does not match.
    Checksum,
    /// Of another cluster.
    Cluster,
    /// Meant for another node.
    Receiver,
    /// Not from a voter of this cluster.
    Sender,
    /// Does not decode, or has bytes too many.
    Malformed,
    /// Claims a term more than 2^32 above this node's.
    TermTooFar,
    /// Cannot be true of a correct peer: a second leader in one term, say.
    Contradiction,
    /// This node has halted.
    Halted,
}

impl Refused {
    /// How many reasons there are.
    pub const COUNT: usize = 11;

    /// All reasons, in the order of [`Refused::slot`].
    pub const ALL: [Self; Self::COUNT] = [
        Self::Length,
        Self::Magic,
        Self::Version,
        Self::Checksum,
        Self::Cluster,
        Self::Receiver,
        Self::Sender,
        Self::Malformed,
        Self::TermTooFar,
        Self::Contradiction,
        Self::Halted,
    ];

    /// Where this reason is counted.
    pub const fn slot(self) -> usize {
        self as usize
    }

    /// A word for it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Length => "length",
            Self::Magic => "magic",
            Self::Version => "version",
            Self::Checksum => "checksum",
            Self::Cluster => "cluster",
            Self::Receiver => "receiver",
            Self::Sender => "sender",
            Self::Malformed => "malformed",
            Self::TermTooFar => "term-too-far",
            Self::Contradiction => "contradiction",
            Self::Halted => "halted",
        }
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "datagram refused: {}", self.name())
    }
}

/// Why a configuration cannot be run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConfigError {
    /// There must be one voter at least, and no more than the type and the protocol allow.
    Voters {
        /// How many were given.
        given: usize,
        /// How many are allowed.
        most: usize,
    },
    /// The voters are not in strictly ascending order.
    VotersUnordered,
    /// The node is not among the voters.
    NotAVoter(NodeId),
    /// The log's capacity is not a power of two of at least 8.
    LogEntries(u32),
    /// The datagram bound is out of range.
    Datagram(u32),
    /// The longest command does not fit into a datagram.
    Command {
        /// The given bound in bytes.
        given: u32,
        /// The most that fits.
        most: u32,
    },
    /// The election timeout must be at least two heartbeats, and neither may be zero.
    Timeouts,
    /// The log's memory is too small, or larger than 2 GiB.
    Memory {
        /// Bytes given.
        given: usize,
        /// The least that works with this configuration.
        least: usize,
    },
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Voters { given, most } => {
                write!(f, "{given} voters were given; there may be 1 to {most}")
            }
            Self::VotersUnordered => f.write_str("voters must be distinct and in ascending order"),
            Self::NotAVoter(node) => write!(f, "{node} is not among the voters"),
            Self::LogEntries(given) => {
                write!(f, "a log of {given} entries: must be a power of two, 8 at least")
            }
            Self::Datagram(given) => {
                write!(f, "a datagram bound of {given} bytes: must be 256 to 65507")
            }
            Self::Command { given, most } => {
                write!(f, "commands of {given} bytes: the datagram bound allows {most}")
            }
            Self::Timeouts => f.write_str("the election timeout must be at least two heartbeats"),
            Self::Memory { given, least } => {
                write!(f, "{given} bytes of memory for the log: must be {least} to 2 GiB")
            }
        }
    }
}

/// Why a proposal was not taken. Nothing of it is in any log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProposeError {
    /// This node does not lead.
    NotLeader {
        /// Who does, as far as it knows.
        hint: Option<NodeId>,
    },
    /// The command is longer than the configuration allows.
    TooLarge {
        /// Bytes in the command.
        given: usize,
        /// The most it may have.
        most: u32,
    },
    /// The log has no room; see [`LogFull`] for which kind and what helps.
    LogFull(LogFull),
    /// The medium is full; the node has stepped down and tries again by itself.
    StorageFull,
    /// The node has halted and must be restarted.
    Halted,
}

/// Which bound of the log was reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFull {
    /// Too much is not committed yet, or a majority has not said yet that it has room. Passes as soon
    /// as a majority answers: try again.
    Uncommitted,
    /// The log holds all it can, here or at so many others that no majority is left. Passes when a snapshot makes room. Where none can be taken, because
    /// there is no place for it or the state machine writes none, only a larger log helps, or a
    /// larger place for snapshots. Reads go on.
    Capacity,
}

impl fmt::Display for ProposeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotLeader { hint: Some(leader) } => write!(f, "not the leader; {leader} is"),
            Self::NotLeader { hint: None } => f.write_str("not the leader; nobody is known to be"),
            Self::TooLarge { given, most } => {
                write!(f, "a command of {given} bytes; at most {most} are allowed")
            }
            Self::LogFull(LogFull::Uncommitted) => {
                f.write_str("too many entries wait for a majority; try again")
            }
            Self::LogFull(LogFull::Capacity) => {
                f.write_str("the log is full until a snapshot makes room")
            }
            Self::StorageFull => f.write_str("the storage is full; nothing is lost"),
            Self::Halted => f.write_str("the node has halted"),
        }
    }
}

/// Why a read was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReadError {
    /// This node does not lead.
    NotLeader {
        /// Who does, as far as it knows.
        hint: Option<NodeId>,
    },
    /// The node has halted and must be restarted.
    Halted,
}

impl fmt::Display for ReadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotLeader { hint } => ProposeError::NotLeader { hint: *hint }.fmt(f),
            Self::Halted => ProposeError::Halted.fmt(f),
        }
    }
}

/// The ticket brought back is not the one that is out: of another node, another run, or spent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TicketError;

impl fmt::Display for TicketError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the ticket is not the one this node has out")
    }
}

/// Why a node stopped for good. It says and acknowledges nothing any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Halt {
    /// The medium failed. Restart the node: recovery reads what is really there.
    StorageFailed,
    /// A leader contradicts an entry that is committed here: data was lost somewhere, or a peer
    /// lies. Nothing was overwritten.
    CommittedConflict {
        /// What this node holds as committed.
        ours: Position,
        /// What the leader says stands there.
        theirs: Position,
    },
    /// Terms have reached the end of `u64`.
    TermsExhausted,
    /// The log's memory does not hold what was put there: the caller's memory was changed.
    MemoryDamaged(Index),
}

impl fmt::Display for Halt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::StorageFailed => f.write_str("the storage failed"),
            Self::CommittedConflict { ours, theirs } => {
                write!(f, "entry {ours} is committed here, but a leader sent {theirs}")
            }
            Self::TermsExhausted => f.write_str("terms have reached their end"),
            Self::MemoryDamaged(index) => write!(f, "the log's memory is damaged at {index}"),
        }
    }
}

/// The snapshot is not the one that was asked for, or older than one the node has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SnapshotRefused;

impl fmt::Display for SnapshotRefused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the snapshot is not the one that this node waits for")
    }
}

impl core::error::Error for SnapshotRefused {}
impl core::error::Error for Refused {}
impl core::error::Error for ConfigError {}
impl core::error::Error for ProposeError {}
impl core::error::Error for ReadError {}
impl core::error::Error for TicketError {}
impl core::error::Error for Halt {}
