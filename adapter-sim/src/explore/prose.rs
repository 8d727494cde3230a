//! A happening in plain English.

use super::catalogue::{Catalogue, Move};
use super::judge::Summary;
use super::place::{Fate, Input};
use super::world::{Happening, World};
use raft_nostd::Role;
use raft_nostd::wire::{Datagram, Message, Verdict, Vote, decode};

/// Who does what, and what comes of it.
pub(super) fn tell<const N: usize, const F: usize>(
    catalogue: &Catalogue<N, F>,
    world: &World<N>,
    happening: Happening,
) -> String {
    let (node, from) = (happening.node + 1, world.places[happening.node]);
    let before = catalogue.spot(from).summary;
    let what = match happening.input {
        Input::Datagram(number) => {
            let bytes = &catalogue.letter(number).bytes;
            let said = decode(bytes).map_or_else(|error| error.to_string(), |one| letter(&one));
            format!("{node} gets {said}")
        }
        Input::Silence if before.role == Role::Leader => {
            format!("{node} hears from no majority for an election timeout")
        }
        Input::Silence => format!("{node} hears from no leader for an election timeout"),
        Input::Beat => format!("a heartbeat passes at {node}"),
        Input::Persisted => format!("{node}'s batch is durable"),
        Input::Proposal => format!("a client proposes a command to {node}"),
        Input::Crash(Fate::Lost) => format!("{node} crashes and starts again, any batch lost"),
        Input::Crash(Fate::Wiped) => format!("{node} crashes and starts again with an empty disk"),
        Input::Crash(Fate::Kept) => {
            format!("{node} crashes and starts again, its batch on the disk")
        }
    };
    match catalogue.outcome(from, happening.input, happening.pace) {
        Move::Nothing => format!("{what}: nothing comes of it"),
        Move::Broken(_) => what,
        Move::To(to, said) => {
            let after = change(&before, &catalogue.spot(*to).summary);
            let said =
                said.iter().filter_map(|number| decode(&catalogue.letter(*number).bytes).ok());
            let said: Vec<_> = said.map(|one| format!("\n      says {}", letter(&one))).collect();
            format!("{what}{after}{}", said.concat())
        }
    }
}

fn change<const N: usize>(before: &Summary<N>, after: &Summary<N>) -> String {
    let mut text = String::new();
    if (before.role, before.term) != (after.role, after.term) {
        text += &format!("; is {} in term {}", after.role, after.term);
    }
    if before.log != after.log {
        text += &format!("; log {}", after.log);
    }
    if before.disk != after.disk {
        text += &format!("; disk {}", after.disk);
    }
    if (before.disk_term, before.disk_vote) != (after.disk_term, after.disk_vote) {
        let vote = after.disk_vote.map_or("nobody".to_string(), |node| (node + 1).to_string());
        text += &format!("; durable vote in term {}: {vote}", after.disk_term);
    }
    if after.writes {
        text += "; a batch is under way to the disk";
    }
    if before.commit != after.commit {
        text += &format!("; commits through {}", after.commit);
    }
    text
}

fn letter(datagram: &Datagram<'_>) -> String {
    let (from, to) = (datagram.envelope.sender, datagram.envelope.receiver);
    let vote = |vote| if vote == Vote::Granted { "yes" } else { "no" };
    let what = match datagram.message {
        Message::PreVoteRequest { proposed, last, .. } => {
            format!("would you elect me in term {proposed}? my log ends at {last}")
        }
        Message::PreVoteReply { term, proposed, vote: answer } => {
            format!("{} to term {proposed}; I am in term {term}", vote(answer))
        }
        Message::VoteRequest { term, last, .. } => {
            format!("elect me in term {term}! my log ends at {last}")
        }
        Message::VoteReply { term, vote: answer } => format!("{} in term {term}", vote(answer)),
        Message::Append(append) => {
            let entries: Vec<_> =
                datagram.frames.iter().map(|entry| entry.position.to_string()).collect();
            let (term, prev, commit) = (append.term, append.prev, append.commit);
            let entries = entries.join(" ");
            format!("append in term {term} behind {prev}: [{entries}], commit {commit}")
        }
        Message::AppendReply(reply) => match reply.verdict {
            Verdict::Matched { durable, received } => {
                format!("durable {durable}, received {received} in term {}", reply.term)
            }
            Verdict::Conflict { prev, hint } => {
                format!("no such entry at {prev}, try {hint} in term {}", reply.term)
            }
        },
        Message::Install(_) | Message::InstallReply(_) => "something of snapshots".into(),
    };
    format!("\"{what}\" ({from} to {to})")
}
