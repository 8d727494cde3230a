//! The same words again, but short: labels in the picture.

use crate::story::{Body, Deed, Said, Span, What};
use raft_nostd::wire::{Receipt, Verdict, Vote};
use raft_nostd::{HardState, Position, Role, Status};

/// The colour of what is said.
pub const fn kind(said: &Said) -> &'static str {
    match said {
        Said::PreVoteRequest { .. }
        | Said::PreVoteReply { .. }
        | Said::VoteRequest { .. }
        | Said::VoteReply { .. } => "vote",
        Said::Append { entries: Some(_), .. } | Said::Notice { .. } => "append",
        Said::Append { entries: None, .. } => "heartbeat",
        Said::AppendReply { .. } => "reply",
        Said::Install { .. } | Said::InstallReply { .. } => "snapshot",
    }
}

pub fn said(said: &Said) -> String {
    match said {
        Said::PreVoteRequest { proposed, .. } => format!("would you? term {proposed}"),
        Said::PreVoteReply { vote: Vote::Granted, .. } => "I would".into(),
        Said::PreVoteReply { vote: Vote::Refused, .. } => "I would not".into(),
        Said::VoteRequest { term, .. } => format!("vote for me, term {term}"),
        Said::VoteReply { vote: Vote::Granted, term } => format!("my vote, term {term}"),
        Said::VoteReply { vote: Vote::Refused, .. } => "not my vote".into(),
        Said::Notice { commit, .. } => format!("committed: {commit}"),
        Said::Append { entries: Some(entries), .. } => format!("append {}", span(*entries)),
        Said::Append { entries: None, round: 0, .. } => String::new(),
        Said::Append { entries: None, round, .. } => format!("round {round}"),
        Said::AppendReply { verdict: Verdict::Matched { durable, .. }, .. } => {
            format!("has {durable}")
        }
        Said::AppendReply { verdict: Verdict::Conflict { prev, hint }, .. } => {
            if *hint == Position::ZERO {
                format!("no {prev}; from the start")
            } else {
                format!("no {prev}; try {hint}")
            }
        }
        Said::Install { chunk, body: Body::Chunk, .. } => format!("chunk {chunk}"),
        Said::Install { .. } => String::new(),
        Said::InstallReply { chunks, receipt: Receipt::Taken, .. } => {
            format!("has {chunks} chunks")
        }
        Said::InstallReply { receipt: Receipt::Gap, .. } => "a chunk is missing".into(),
        Said::InstallReply { receipt: Receipt::Declined, .. } => "no place for it".into(),
    }
}

fn span(span: Span) -> String {
    if span.first == span.last {
        span.first.to_string()
    } else {
        format!("{}–{}", span.first, span.last)
    }
}

/// The colour of a role, and of a lane while its node has it.
pub const fn role(role: Role) -> &'static str {
    match role {
        Role::Follower => "follower",
        Role::PreCandidate => "precandidate",
        Role::Candidate => "candidate",
        Role::Leader => "leader",
    }
}

/// What stands on a lane.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Glyph {
    None,
    /// It is elected.
    Star,
    /// It votes.
    Diamond,
    /// It goes down.
    Cross,
    /// It starts.
    Ring,
    /// It applies.
    Square,
    /// It commits.
    Commit,
    /// Somebody asks it for something.
    Client,
    /// Something else goes wrong.
    Bang,
}

/// A deed as it is drawn.
pub struct Mark {
    pub glyph: Glyph,
    pub colour: &'static str,
    pub label: String,
}

fn mark(glyph: Glyph, colour: &'static str, label: impl Into<String>) -> Mark {
    Mark { glyph, colour, label: label.into() }
}

/// The mark of a deed and those that share its row; `None` for what is drawn otherwise.
pub fn deed(deed: &Deed, run: &[&What]) -> Option<Mark> {
    Some(match deed {
        Deed::Status(status) => of_status(*status),
        Deed::Applies { at, command } => match run.last() {
            Some(What::Does(_, Deed::Applies { at: last, .. })) if last != at => {
                mark(Glyph::Square, "leader", format!("applies {at}–{last}"))
            }
            _ => mark(Glyph::Square, "leader", format!("applies {at}: {command}")),
        },
        Deed::Begins { hard, entries } => mark(Glyph::None, "muted", written(*hard, *entries)),
        Deed::BeginsInstall(last) => mark(Glyph::None, "snapshot", format!("installs {last}")),
        Deed::SnapshotTaken(last) => mark(Glyph::Square, "snapshot", format!("snapshot {last}")),
        Deed::SnapshotInstalled(last) => {
            mark(Glyph::Square, "snapshot", format!("installed {last}"))
        }
        Deed::Asked { command, at } => {
            mark(Glyph::Client, "ink", format!("asked for {command}: {at}"))
        }
        Deed::AskedToRead(read) => mark(Glyph::Client, "ink", format!("asked for read {read}")),
        Deed::ReadReady(read) => mark(Glyph::Client, "leader", format!("read {read} answered")),
        Deed::Restarts => mark(Glyph::Ring, "follower", "starts again"),
        Deed::GoesOn => mark(Glyph::Ring, "follower", "goes on"),
        Deed::Pauses => mark(Glyph::Bang, "candidate", "pauses"),
        Deed::Notes(words) => mark(Glyph::None, "muted", words.as_str()),
        Deed::StorageRecovered => mark(Glyph::None, "leader", "disk has space"),
        Deed::CompactionUrged => mark(Glyph::None, "muted", "wants a snapshot"),
        Deed::Durable | Deed::HasLog { .. } => return None,
        trouble => of_trouble(trouble),
    })
}

fn of_trouble(deed: &Deed) -> Mark {
    let (glyph, label) = match deed {
        Deed::Dies => (Glyph::Cross, "dies".into()),
        Deed::Stops => (Glyph::Cross, "stops".into()),
        Deed::LosesPower => (Glyph::Cross, "loses power".into()),
        Deed::Halted(_) => (Glyph::Cross, "halts".into()),
        Deed::CannotStart(_) => (Glyph::Cross, "cannot start".into()),
        Deed::ProposalsLost(lost) => (Glyph::Bang, format!("lost: {}", span(*lost))),
        Deed::ProposalsUnknown(term) => (Glyph::Bang, format!("fate unknown, term {term}")),
        Deed::ReadsLost(read) => (Glyph::Bang, format!("read {read} lost")),
        Deed::LogFull(_) => (Glyph::Bang, "log is full".into()),
        Deed::CapacityDiffers(_) => (Glyph::Bang, "bounds differ".into()),
        Deed::FollowerLost(peer) => (Glyph::Bang, format!("{peer:?} lost its disk")),
        Deed::StorageFull => (Glyph::Bang, "disk is full".into()),
        Deed::SnapshotFailed(_) => (Glyph::Bang, "snapshot fails".into()),
        Deed::Refuses { command, .. } => (Glyph::Bang, format!("refuses {command}")),
        Deed::RefusesToRead(_) => (Glyph::Bang, "refuses to read".into()),
        Deed::Drops { from, .. } => (Glyph::Bang, format!("drops {from:?}'s")),
        other => (Glyph::Bang, other.to_string()),
    };
    mark(glyph, "trouble", label)
}

fn of_status(status: Status) -> Mark {
    let Status { role: now, term, leader } = status;
    let (glyph, label) = match (now, leader) {
        (Role::Leader, _) => (Glyph::Star, format!("leads term {term}")),
        (Role::Candidate, _) => (Glyph::None, format!("candidate, term {term}")),
        (Role::PreCandidate, _) => (Glyph::None, "misses a leader".into()),
        (Role::Follower, Some(leader)) => (Glyph::None, format!("follows {leader:?}, term {term}")),
        (Role::Follower, None) => (Glyph::None, format!("in term {term}")),
    };
    mark(glyph, role(now), label)
}

fn written(hard: Option<HardState>, entries: Option<Span>) -> String {
    let hard = hard.map(|HardState { term, vote }| match vote {
        Some(_) => format!("term {term} + vote"),
        None => format!("term {term}"),
    });
    let parts: Vec<_> = hard.into_iter().chain(entries.map(span)).collect();
    if parts.is_empty() { "writes".into() } else { format!("writes {}", parts.join(", ")) }
}
