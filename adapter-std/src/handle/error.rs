//! How a request can end otherwise than by a response.

use raft_nostd::{LogFull, NodeId, ProposeError, ReadError};
use std::error::Error;
use std::fmt::{self, Display, Formatter};

/// Why there is no response.
///
/// [`HandleError::effect`] sorts them in two: those after which a client may simply ask again, and
/// the unknown ones, after which only a client that can tell its requests apart may.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum HandleError {
    /// This node does not lead, or ceased to before a read was confirmed. No effect.
    NotLeader {
        /// Who does, as far as it knows.
        hint: Option<NodeId>,
    },
    /// The node did not take the proposal, for another reason than not leading. No effect.
    ProposeRefused(ProposeError),
    /// The node did not take the read, for another reason than not leading. No effect.
    ReadRefused(ReadError),
    /// Another entry was committed in the proposal's place. No effect, now or ever.
    Lost,
    /// What becomes of the proposal is open: it may be applied, later too, or never. The node does
    /// not try again. A read has no effect in any case.
    Unknown(Unknown),
    /// Too many requests wait already. No effect.
    Busy,
    /// The node had stopped before it looked at the request. No effect.
    Stopped,
}

/// Why the fate of a request is open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Unknown {
    /// There was no answer in time.
    Deadline,
    /// The node was stopped while the request waited.
    Stopped,
    /// The node has halted; see [`Event::Halted`](raft_nostd::Event::Halted).
    Halted,
    /// The node cannot find out any more; see
    /// [`Event::ProposalsUnknown`](raft_nostd::Event::ProposalsUnknown).
    Forgotten,
}

/// What a request without a response may have done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Nothing, and it never will: it may be asked again, here or elsewhere.
    None,
    /// A command may have been applied, or be applied later.
    Unknown,
}

impl HandleError {
    /// What the request may have done.
    #[must_use]
    pub const fn effect(&self) -> Effect {
        match self {
            Self::Unknown(_) => Effect::Unknown,
            _ => Effect::None,
        }
    }

    /// Whether the very same request may succeed here a little later, with nothing else done.
    #[must_use]
    pub const fn is_transient(&self) -> bool {
        matches!(
            self,
            Self::Busy
                | Self::ProposeRefused(
                    ProposeError::LogFull(LogFull::Uncommitted) | ProposeError::StorageFull
                )
        )
    }
}

impl From<ProposeError> for HandleError {
    fn from(error: ProposeError) -> Self {
        match error {
            ProposeError::NotLeader { hint } => Self::NotLeader { hint },
            other => Self::ProposeRefused(other),
        }
    }
}

impl From<ReadError> for HandleError {
    fn from(error: ReadError) -> Self {
        match error {
            ReadError::NotLeader { hint } => Self::NotLeader { hint },
            other => Self::ReadRefused(other),
        }
    }
}

impl Display for Unknown {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Deadline => "no answer came in time",
            Self::Stopped => "the node was stopped",
            Self::Halted => "the node has halted",
            Self::Forgotten => "the node cannot find out",
        })
    }
}

impl Display for HandleError {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotLeader { hint } => ProposeError::NotLeader { hint: *hint }.fmt(f),
            Self::ProposeRefused(error) => error.fmt(f),
            Self::ReadRefused(error) => error.fmt(f),
            Self::Lost => f.write_str("another entry was committed in its place"),
            Self::Unknown(why) => write!(f, "what became of it is unknown: {why}"),
            Self::Busy => f.write_str("too many requests wait already"),
            Self::Stopped => f.write_str("the node has stopped"),
        }
    }
}

impl Error for HandleError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::ProposeRefused(error) => Some(error),
            Self::ReadRefused(error) => Some(error),
            _ => None,
        }
    }
}
