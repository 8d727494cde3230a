//! What nodes say to each other: the RPCs of the paper as datagrams.

use crate::manifest::Manifest;
use crate::types::{Index, Position, Term};
use serde::{Deserialize, Serialize};

/// The longest header: an append, or a conflict, whose every field is at its longest varint.
pub(super) const HEADER_MAX: usize = 1 + 10 + 20 + 10 + 10 + 1 + 5 + 5;

/// The longest header of a message that a chunk of a snapshot follows.
pub(super) const INSTALL_MAX: usize = 1 + 10 + 10 + 5 + Manifest::LEN_MAX;

/// One message. Its term is the sender's, and durable before it is said.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Message {
    /// Would you vote for me? (dissertation §9.6)
    PreVoteRequest {
        /// The sender's term.
        term: Term,
        /// The term it would campaign in. No claim: nobody adopts it.
        proposed: Term,
        /// The last durable entry of its log.
        last: Position,
    },
    /// The answer to a pre-vote.
    PreVoteReply {
        /// The answering node's term, by which an asker that is behind catches up.
        term: Term,
        /// The term that was proposed.
        proposed: Term,
        /// The answer.
        vote: Vote,
    },
    /// RequestVote (dissertation §3.4).
    VoteRequest {
        /// The candidate's term.
        term: Term,
        /// The last durable entry of its log.
        last: Position,
        /// What made it campaign.
        campaign: Campaign,
    },
    /// The answer to RequestVote.
    VoteReply {
        /// The answering node's term.
        term: Term,
        /// The answer.
        vote: Vote,
    },
    /// AppendEntries: replication, heartbeat and commit notice (dissertation §3.5). Frames follow.
    Append(Append),
    /// The answer to AppendEntries.
    AppendReply(AppendReply),
    /// InstallSnapshot (dissertation §5.3), one chunk of it, which follows; or a heartbeat to who is
    /// being sent one.
    Install(Install),
    /// The answer to InstallSnapshot.
    InstallReply(InstallReply),
}

/// AppendEntries without its entries, which follow as frames.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Append {
    /// The leader's term.
    pub term: Term,
    /// The entry before the first one sent.
    pub prev: Position,
    /// The leader's commit index.
    pub commit: Index,
    /// The leader's newest quorum round, for reads and for leadership itself (§6.2, §6.4).
    pub round: u64,
    /// Whether the leader waits for an answer.
    pub reply: ReplyWish,
    /// How many frames follow.
    pub count: u32,
    /// How many bytes they have together.
    pub bytes: u32,
}

/// The answer to an [`Append`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AppendReply {
    /// The answering node's term.
    pub term: Term,
    /// The newest round it has heard of in this term.
    pub round: u64,
    /// How the logs compare.
    pub verdict: Verdict,
    /// What its log has room for behind what it has received.
    pub room: Room,
}

/// How a follower's log compares with an append.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Verdict {
    /// The logs agree.
    Matched {
        /// As far as this they agree, and the follower has it durably.
        durable: Index,
        /// As far as this they agree, in the follower's memory.
        received: Index,
    },
    /// The follower has no such entry as the append's `prev`.
    Conflict {
        /// The index of that `prev`.
        prev: Index,
        /// The follower's last entry that is neither beyond `prev` nor of a later term: where the
        /// logs may still agree (§3.5: skips a term at a time).
        hint: Position,
    },
}

/// InstallSnapshot without its chunk, which follows. Without one it is a heartbeat.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Install {
    /// The leader's term.
    pub term: Term,
    /// The leader's newest quorum round, as in an append.
    pub round: u64,
    /// The snapshot.
    pub manifest: Manifest,
    /// Which of its chunks follows, from zero; without one, the next to be sent.
    pub chunk: u32,
}

/// The answer to an [`Install`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct InstallReply {
    /// The answering node's term.
    pub term: Term,
    /// The newest round it has heard of in this term.
    pub round: u64,
    /// Of which snapshot it speaks: its last entry ...
    pub last: Position,
    /// ... and its CRC.
    pub crc: u32,
    /// How many of its chunks it has, without a gap.
    pub chunks: u32,
    /// What became of the chunk.
    pub receipt: Receipt,
}

/// What became of a chunk.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Receipt {
    /// It was taken, or is there already.
    Taken,
    /// One before it is missing.
    Gap,
    /// The node has no place for it: begin again, later.
    Declined,
}

/// Space in a log.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Room {
    /// Entries.
    pub entries: u32,
    /// Bytes of frames.
    pub bytes: u32,
}

/// An answer to a vote request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Vote {
    /// Yes.
    Granted,
    /// No.
    Refused,
}

/// What made a candidate campaign.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Campaign {
    /// It heard from no leader for an election timeout.
    Timeout,
    /// The leader asked it to take over (§3.10), so that leader stickiness does not apply.
    Transfer,
}

/// Whether the sender of an append waits for an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ReplyWish {
    /// It does.
    Wanted,
    /// It does not: a commit notice, repeated by the next heartbeat anyway.
    Unwanted,
}

impl Message {
    /// The sender's term.
    pub const fn term(&self) -> Term {
        match self {
            Self::PreVoteRequest { term, .. }
            | Self::PreVoteReply { term, .. }
            | Self::VoteRequest { term, .. }
            | Self::VoteReply { term, .. } => *term,
            Self::Append(append) => append.term,
            Self::AppendReply(reply) => reply.term,
            Self::Install(install) => install.term,
            Self::InstallReply(reply) => reply.term,
        }
    }

    /// Whether a correct node can say it at all. A position it names is that of an entry in its
    /// log, so never of a later term than its own; a candidate's term is newer than its log.
    pub(crate) fn is_possible(&self) -> bool {
        match self {
            Self::PreVoteRequest { term, proposed, last } => {
                proposed.0 > term.0 && last.is_real() && last.term.0 <= term.0
            }
            Self::VoteRequest { term, last, .. } => last.is_real() && last.term.0 < term.0,
            Self::Append(append) => append.prev.is_real() && append.term.0 > 0,
            Self::AppendReply(reply) => match reply.verdict {
                Verdict::Conflict { hint, .. } => hint.is_real() && hint.term.0 <= reply.term.0,
                Verdict::Matched { .. } => true,
            },
            Self::Install(install) => {
                let manifest = &install.manifest;
                manifest.is_possible()
                    && manifest.last.term <= install.term
                    && install.chunk <= manifest.chunks
            }
            Self::InstallReply(reply) => reply.last.is_real() && reply.last.term <= reply.term,
            Self::PreVoteReply { .. } | Self::VoteReply { .. } => true,
        }
    }

    /// How many frames, and how many bytes of them, follow the header.
    pub(super) const fn frames(&self) -> (u32, u32) {
        match self {
            Self::Append(append) => (append.count, append.bytes),
            _ => (0, 0),
        }
    }
}
