//! What nodes do, and what is done to them, in words.

use super::{Span, Words};
use raft_nostd::{Event, HardState, Index, NodeId, Position, Role, Status, Term};
use std::fmt;

/// Anything but what is said to others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Deed {
    // What the core tells.
    /// Role, term or leader changed. Of others than followers the leader is not told: `None`.
    Status(Status),
    /// Its proposals will have no effect.
    ProposalsLost(Span),
    /// What became of its proposals of a term, it will not tell.
    ProposalsUnknown(Term),
    /// The read of this number, and all before it, may be answered.
    ReadReady(u64),
    /// The reads through this number will not be answered.
    ReadsLost(u64),
    /// A leader could not append.
    LogFull(Words),
    /// What this leader sends is more than this node may take.
    CapacityDiffers(NodeId),
    /// This follower has not got any more what it had acknowledged.
    FollowerLost(NodeId),
    /// Its medium is full.
    StorageFull,
    /// Its medium has space again.
    StorageRecovered,
    /// Its log is more than half full.
    CompactionUrged,
    /// Its snapshot through this entry is durable.
    SnapshotTaken(Position),
    /// Its state machine was replaced by a snapshot through this entry.
    SnapshotInstalled(Position),
    /// A snapshot was not taken, or not taken over.
    SnapshotFailed(Words),
    /// It has stopped for good.
    Halted(Words),

    // What its driver does.
    /// It begins to write.
    Begins {
        /// Term and vote, when they are not what they were.
        hard: Option<HardState>,
        /// Entries of the log.
        entries: Option<Span>,
    },
    /// What it began to write is durable.
    Durable,
    /// It gives a committed command to its state machine.
    Applies {
        /// The command's place.
        at: Position,
        /// The command.
        command: Words,
    },
    /// All chunks of a snapshot through this entry are there: it begins to take it over.
    BeginsInstall(Position),
    /// It drops a datagram.
    Drops {
        /// Who sent it.
        from: NodeId,
        /// Why.
        why: Words,
    },

    // What its clients do.
    /// It takes a command.
    Asked {
        /// The command.
        command: Words,
        /// The command's place.
        at: Position,
    },
    /// It does not take a command.
    Refuses {
        /// The command.
        command: Words,
        /// Why.
        why: Words,
    },
    /// It takes a read of this number.
    AskedToRead(u64),
    /// It does not take a read.
    RefusesToRead(Words),

    // What befalls it.
    /// Its process is killed: what it wrote stays.
    Dies,
    /// It stops cleanly.
    Stops,
    /// Its power fails: what it wrote and did not sync may be gone or torn.
    LosesPower,
    /// It starts again.
    Restarts,
    /// It does not start.
    CannotStart(Words),
    /// It does nothing for a while.
    Pauses,
    /// The pause is over.
    GoesOn,
    /// Something about its disk, which is the subject of the sentence: `its disk ...`.
    Disk(Words),
    /// The same for its clock.
    Clock(Words),

    // What the author says about it.
    /// What its log looks like.
    HasLog {
        /// The entry before the first.
        base: Position,
        /// The term of each entry.
        terms: Vec<u64>,
        /// What it knows to be committed.
        commit: Index,
    },
    /// Something that has no words of its own.
    Notes(Words),
}

impl Deed {
    /// What an event tells.
    pub fn told(event: &Event) -> Self {
        match *event {
            Event::Status(status) => {
                let leader = status.leader.filter(|_| status.role == Role::Follower);
                Self::Status(Status { leader, ..status })
            }
            Event::ProposalsLost(lost) => Self::ProposalsLost(Span {
                first: Position { term: lost.term, index: lost.first },
                last: Position { term: lost.term, index: lost.last },
            }),
            Event::ProposalsUnknown(unknown) => Self::ProposalsUnknown(unknown.term),
            Event::ReadReady(read) => Self::ReadReady(read.get()),
            Event::ReadsLost(read) => Self::ReadsLost(read.get()),
            Event::LogFull(why) => Self::LogFull(Words::new(&format!("{why:?}"))),
            Event::CapacityDiffers { leader } => Self::CapacityDiffers(leader),
            Event::FollowerLost { peer } => Self::FollowerLost(peer),
            Event::StorageFull => Self::StorageFull,
            Event::StorageRecovered => Self::StorageRecovered,
            Event::CompactionUrged => Self::CompactionUrged,
            Event::SnapshotTaken(last) => Self::SnapshotTaken(last),
            Event::SnapshotInstalled(last) => Self::SnapshotInstalled(last),
            Event::SnapshotFailed(why) => Self::SnapshotFailed(Words::new(&why.to_string())),
            Event::Halted(why) => Self::Halted(Words::new(&why.to_string())),
            ref other => Self::Notes(Words::new(&format!("{other:?}"))),
        }
    }

    /// That a batch of this hard state and these entries is written, after one of hard state
    /// `before`.
    pub fn begins(
        before: HardState,
        hard: HardState,
        entries: impl IntoIterator<Item = Position>,
    ) -> Self {
        Self::Begins { hard: (hard != before).then_some(hard), entries: Span::of(entries) }
    }

    /// Whether the node does not run any more after it.
    pub fn is_end(&self) -> bool {
        matches!(self, Self::Dies | Self::Stops | Self::LosesPower)
    }
}

impl fmt::Display for Deed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Status(status) => f.write_str(&role(*status)),
            Self::ProposalsLost(Span { first, last }) => {
                write!(f, "proposals {first} to {last} are lost")
            }
            Self::ProposalsUnknown(term) => {
                write!(f, "proposals of term {term} have an unknown fate")
            }
            Self::ReadReady(read) => write!(f, "read {read} may be answered"),
            Self::ReadsLost(read) => write!(f, "reads through {read} will not be answered"),
            Self::LogFull(why) => write!(f, "log is full ({why})"),
            Self::CapacityDiffers(leader) => {
                write!(f, "may not take what {leader:?} sends: their bounds differ")
            }
            Self::FollowerLost(peer) => write!(f, "misses what {peer:?} had acknowledged"),
            Self::StorageFull => f.write_str("disk is full"),
            Self::StorageRecovered => f.write_str("disk has space again"),
            Self::CompactionUrged => f.write_str("wants a snapshot taken"),
            Self::SnapshotTaken(last) => write!(f, "has a snapshot through {last}"),
            Self::SnapshotInstalled(last) => {
                write!(f, "has taken over the snapshot through {last}")
            }
            Self::SnapshotFailed(why) => write!(f, "snapshot fails: {why}"),
            Self::Halted(why) => write!(f, "halts: {why}"),
            Self::Begins { hard, entries } => begins(f, *hard, *entries),
            Self::Durable => f.write_str("has it on disk"),
            Self::Applies { at, command } => write!(f, "applies {at}: {command}"),
            Self::BeginsInstall(last) => {
                write!(f, "begins to take over the snapshot through {last}")
            }
            Self::Drops { from, why } => write!(f, "drops what {from:?} said: {why}"),
            Self::Asked { command, at } => write!(f, "is asked for {command}: {at}"),
            Self::Refuses { command, why } => {
                write!(f, "is asked for {command}, and refuses: {why}")
            }
            Self::AskedToRead(read) => write!(f, "is asked to read: read {read}"),
            Self::RefusesToRead(why) => write!(f, "is asked to read, and refuses: {why}"),
            Self::Dies => f.write_str("dies"),
            Self::Stops => f.write_str("stops"),
            Self::LosesPower => f.write_str("loses power"),
            Self::Restarts => f.write_str("starts again from its disk"),
            Self::CannotStart(why) => write!(f, "cannot start: {why}"),
            Self::Pauses => f.write_str("pauses"),
            Self::GoesOn => f.write_str("goes on"),
            Self::Disk(words) => write!(f, "its disk {words}"),
            Self::Clock(words) => write!(f, "its clock {words}"),
            Self::HasLog { base, terms, commit } => has_log(f, *base, terms, *commit),
            Self::Notes(words) => write!(f, "notes: {words}"),
        }
    }
}

fn role(status: Status) -> String {
    let Status { role, term, leader } = status;
    match (role, leader) {
        (Role::Leader, _) => format!("leads term {term}"),
        (Role::Candidate, _) => format!("stands for election in term {term}"),
        (Role::PreCandidate, _) => format!("misses a leader in term {term}"),
        (Role::Follower, Some(leader)) => format!("follows {leader:?} in term {term}"),
        (Role::Follower, None) => format!("follows nobody in term {term}"),
    }
}

fn begins(
    f: &mut fmt::Formatter<'_>,
    hard: Option<HardState>,
    entries: Option<Span>,
) -> fmt::Result {
    f.write_str("begins to write ")?;
    if let Some(HardState { term, vote }) = hard {
        match vote {
            Some(vote) => write!(f, "term {term} and its vote for {vote:?}")?,
            None => write!(f, "term {term} and no vote")?,
        }
    }
    match (hard, entries) {
        (Some(_), Some(entries)) => write!(f, ", {entries}"),
        (None, Some(entries)) => write!(f, "{entries}"),
        (Some(_), None) => Ok(()),
        (None, None) => f.write_str("where its log starts"),
    }
}

fn has_log(
    f: &mut fmt::Formatter<'_>,
    base: Position,
    terms: &[u64],
    commit: Index,
) -> fmt::Result {
    let terms: Vec<_> = terms.iter().map(u64::to_string).collect();
    f.write_str("has the log ")?;
    if base != Position::ZERO {
        write!(f, "after {base} ")?;
    }
    write!(f, "[{}], committed through {commit}", terms.join(" "))
}
