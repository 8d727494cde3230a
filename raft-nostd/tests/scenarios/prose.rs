//! What a node says and does, in words. Entries are written `index@term`.

use crate::common::Step;
use raft_nostd::wire::{
    Append, AppendReply, Install, InstallReply, Message, ReplyWish, Verdict, Vote,
};
use raft_nostd::{Event, HardState, Index, Position, Role, Status};

/// `2@1` or `2@1 to 4@1`.
fn entries(positions: &[Position]) -> String {
    match positions {
        [] => "nothing".to_string(),
        [one] => one.to_string(),
        [first, .., last] => format!("{first} to {last}"),
    }
}

fn end_of_log(last: Position) -> String {
    if last == Position::ZERO {
        "my log is empty".into()
    } else {
        format!("my log ends with {last}")
    }
}

pub fn message(message: &Message, sent: &[Position]) -> String {
    match message {
        Message::PreVoteRequest { proposed, last, .. } => {
            format!("would you vote for me in term {proposed}? {}", end_of_log(*last))
        }
        Message::PreVoteReply { term, proposed, vote: Vote::Granted } => {
            format!("I would, in term {proposed}; mine is {term}")
        }
        Message::PreVoteReply { term, proposed, vote: Vote::Refused } => {
            format!("I would not, in term {proposed}; mine is {term}")
        }
        Message::VoteRequest { term, last, .. } => {
            format!("vote for me in term {term}! {}", end_of_log(*last))
        }
        Message::VoteReply { term, vote: Vote::Granted } => {
            format!("my vote in term {term} is yours")
        }
        Message::VoteReply { term, vote: Vote::Refused } => format!("not my vote, in term {term}"),
        Message::Append(one) => append(one, sent),
        Message::AppendReply(reply) => append_reply(reply),
        Message::Install(install) => {
            let Install { term, manifest, chunk, .. } = install;
            format!("term {term}: chunk {chunk} of my snapshot through {}", manifest.last)
        }
        Message::InstallReply(reply) => {
            let InstallReply { term, last, chunks, .. } = reply;
            format!("term {term}: I have {chunks} chunks of the snapshot through {last}")
        }
    }
}

fn append(append: &Append, sent: &[Position]) -> String {
    let Append { term, prev, commit, round, reply, .. } = append;
    let place =
        if *prev == Position::ZERO { "from the start".into() } else { format!("after {prev}") };
    let said = match (sent, reply) {
        ([], ReplyWish::Unwanted) => return format!("term {term}: committed through {commit}"),
        ([], ReplyWish::Wanted) => format!("term {term}: nothing new {place}"),
        _ => format!("term {term}: append {} {place}", entries(sent)),
    };
    let round = if *round == 0 { String::new() } else { format!(", round {round}") };
    format!("{said}, committed through {commit}{round}")
}

fn append_reply(reply: &AppendReply) -> String {
    let AppendReply { term, round, verdict, .. } = reply;
    let said = match verdict {
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
    };
    let round = if *round == 0 { String::new() } else { format!(", round {round}") };
    format!("term {term}: {said}{round}")
}

fn status(status: Status) -> String {
    let Status { role, term, leader } = status;
    match (role, leader) {
        (Role::Leader, _) => format!("leads term {term}"),
        (Role::Candidate, _) => format!("stands for election in term {term}"),
        (Role::PreCandidate, _) => format!("misses a leader in term {term}"),
        (Role::Follower, Some(leader)) => format!("follows {leader:?} in term {term}"),
        (Role::Follower, None) => format!("follows nobody in term {term}"),
    }
}

fn event(event: &Event) -> String {
    match event {
        Event::Status(new) => status(*new),
        Event::ProposalsLost(p) => {
            format!("proposals {}@{} to {}@{} are lost", p.first, p.term, p.last, p.term)
        }
        Event::ProposalsUnknown(p) => format!("proposals of term {} have an unknown fate", p.term),
        Event::ReadReady(id) => format!("read {} may be answered", id.get()),
        Event::ReadsLost(id) => format!("reads through {} will not be answered", id.get()),
        Event::LogFull(why) => format!("log is full ({why:?})"),
        Event::StorageFull => "disk is full".into(),
        Event::StorageRecovered => "disk has space again".into(),
        Event::Halted(why) => format!("halts: {why}"),
        other => format!("{other:?}"),
    }
}

/// Anything but what is said to others. `before` is the term and vote it wrote last.
pub fn deed(step: &Step, before: HardState) -> String {
    match step {
        Step::Persist { hard, entries: written } => {
            let mut what = Vec::new();
            if *hard != before {
                let vote =
                    hard.vote.map_or("no vote".into(), |vote| format!("its vote for {vote:?}"));
                what.push(format!("term {} and {vote}", hard.term));
            }
            if !written.is_empty() {
                what.push(entries(written));
            }
            format!("begins to write {}", what.join(", "))
        }
        Step::Durable => "has it on disk".into(),
        Step::Tell(told) => event(told),
        Step::Apply(position, command) => {
            format!("applies {position}: {}", String::from_utf8_lossy(command))
        }
        Step::Say { .. } => unreachable!("said to somebody"),
    }
}

/// `1 to 4` as terms: what a log looks like.
pub fn log(terms: &[u64], commit: Index) -> String {
    let terms: Vec<_> = terms.iter().map(u64::to_string).collect();
    format!("[{}], committed through {commit}", terms.join(" "))
}
