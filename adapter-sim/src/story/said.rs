//! What nodes say to each other, in words.

use super::Span;
use raft_nostd::wire::{self, Append, Message, Receipt, ReplyWish, Verdict, Vote};
use raft_nostd::{Index, Position, Term};
use std::fmt;

/// A message, as far as its words tell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Said {
    /// Would you vote for me?
    PreVoteRequest {
        /// The term it would campaign in.
        proposed: Term,
        /// The last entry of its log.
        last: Position,
    },
    /// The answer to it.
    PreVoteReply {
        /// The answering node's term.
        term: Term,
        /// The term that was proposed.
        proposed: Term,
        /// The answer.
        vote: Vote,
    },
    /// Vote for me!
    VoteRequest {
        /// The candidate's term.
        term: Term,
        /// The last entry of its log.
        last: Position,
    },
    /// The answer to it.
    VoteReply {
        /// The answering node's term.
        term: Term,
        /// The answer.
        vote: Vote,
    },
    /// A commit notice, which wants no answer.
    Notice {
        /// The leader's term.
        term: Term,
        /// What is committed.
        commit: Index,
    },
    /// Entries, or a heartbeat.
    Append {
        /// The leader's term.
        term: Term,
        /// The entry before.
        prev: Position,
        /// The entries; `None` in a heartbeat.
        entries: Option<Span>,
        /// What is committed.
        commit: Index,
        /// The round for reads; zero before the first.
        round: u64,
    },
    /// The answer to either.
    AppendReply {
        /// The answering node's term.
        term: Term,
        /// How the logs compare.
        verdict: Verdict,
        /// The round for reads; zero before the first.
        round: u64,
    },
    /// A chunk of a snapshot, or the heartbeat of who sends one.
    Install {
        /// The leader's term.
        term: Term,
        /// The last entry in the snapshot.
        last: Position,
        /// Which chunk follows, from zero; in a heartbeat, which is next.
        chunk: u32,
        /// Whether the chunk is there.
        body: Body,
    },
    /// The answer to it.
    InstallReply {
        /// The answering node's term.
        term: Term,
        /// The last entry in the snapshot.
        last: Position,
        /// How many chunks it has.
        chunks: u32,
        /// What became of the last one.
        receipt: Receipt,
    },
}

/// Whether an [`Install`](Said::Install) brings a chunk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Body {
    /// It does.
    Chunk,
    /// It is a heartbeat.
    Empty,
}

impl Said {
    /// What a datagram says.
    pub fn of(datagram: &wire::Datagram<'_>) -> Self {
        match datagram.message {
            Message::PreVoteRequest { proposed, last, .. } => {
                Self::PreVoteRequest { proposed, last }
            }
            Message::PreVoteReply { term, proposed, vote } => {
                Self::PreVoteReply { term, proposed, vote }
            }
            Message::VoteRequest { term, last, .. } => Self::VoteRequest { term, last },
            Message::VoteReply { term, vote } => Self::VoteReply { term, vote },
            Message::Append(append) => {
                let Append { term, prev, commit, round, reply, .. } = append;
                let entries = Span::of(datagram.frames.iter().map(|entry| entry.position));
                match (entries, reply) {
                    (None, ReplyWish::Unwanted) => Self::Notice { term, commit },
                    _ => Self::Append { term, prev, entries, commit, round },
                }
            }
            Message::AppendReply(reply) => {
                Self::AppendReply { term: reply.term, verdict: reply.verdict, round: reply.round }
            }
            Message::Install(install) => Self::Install {
                term: install.term,
                last: install.manifest.last,
                chunk: install.chunk,
                body: if datagram.chunk.is_empty() { Body::Empty } else { Body::Chunk },
            },
            Message::InstallReply(reply) => Self::InstallReply {
                term: reply.term,
                last: reply.last,
                chunks: reply.chunks,
                receipt: reply.receipt,
            },
        }
    }
}

impl fmt::Display for Said {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::PreVoteRequest { proposed, last } => {
                write!(f, "would you vote for me in term {proposed}? {}", end_of_log(*last))
            }
            Self::PreVoteReply { term, proposed, vote: Vote::Granted } => {
                write!(f, "I would, in term {proposed}; mine is {term}")
            }
            Self::PreVoteReply { term, proposed, vote: Vote::Refused } => {
                write!(f, "I would not, in term {proposed}; mine is {term}")
            }
            Self::VoteRequest { term, last } => {
                write!(f, "vote for me in term {term}! {}", end_of_log(*last))
            }
            Self::VoteReply { term, vote: Vote::Granted } => {
                write!(f, "my vote in term {term} is yours")
            }
            Self::VoteReply { term, vote: Vote::Refused } => {
                write!(f, "not my vote, in term {term}")
            }
            Self::Notice { term, commit } => write!(f, "term {term}: committed through {commit}"),
            Self::Append { term, prev, entries, commit, round } => {
                let place = from_where(*prev);
                match entries {
                    None => write!(f, "term {term}: nothing new {place}")?,
                    Some(entries) => write!(f, "term {term}: append {entries} {place}")?,
                }
                write!(f, ", committed through {commit}{}", of_round(*round))
            }
            Self::AppendReply { term, verdict, round } => {
                write!(f, "term {term}: {}{}", comparison(verdict), of_round(*round))
            }
            Self::Install { term, last, chunk, body: Body::Chunk } => {
                write!(f, "term {term}: chunk {chunk} of my snapshot through {last}")
            }
            Self::Install { term, last, chunk, body: Body::Empty } => {
                write!(f, "term {term}: my snapshot through {last}, chunk {chunk} is next")
            }
            Self::InstallReply { term, last, chunks, receipt } => {
                write!(f, "term {term}: I have {chunks} chunks of the snapshot through {last}")?;
                f.write_str(match receipt {
                    Receipt::Taken => "",
                    Receipt::Gap => ", and one before that is missing",
                    Receipt::Declined => ", and no place for it",
                })
            }
        }
    }
}

fn end_of_log(last: Position) -> String {
    if last == Position::ZERO {
        "my log is empty".into()
    } else {
        format!("my log ends with {last}")
    }
}

fn from_where(prev: Position) -> String {
    if prev == Position::ZERO { "from the start".into() } else { format!("after {prev}") }
}

fn of_round(round: u64) -> String {
    if round == 0 { String::new() } else { format!(", round {round}") }
}

fn comparison(verdict: &Verdict) -> String {
    match verdict {
        Verdict::Matched { durable, received } if durable == received => {
            format!("I have all through {durable}")
        }
        Verdict::Matched { durable, received } => {
            format!("I have all through {received}, on disk through {durable}")
        }
        Verdict::Conflict { prev, hint } if *hint == Position::ZERO => {
            format!("I do not have that {prev}; try from the start")
        }
        Verdict::Conflict { prev, hint } => format!("I do not have that {prev}; try {hint}"),
    }
}
