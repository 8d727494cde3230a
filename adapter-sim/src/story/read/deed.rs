//! What nodes do.

use super::cursor::{Cursor, Expected};
use crate::story::{Deed, Words};
use raft_nostd::{HardState, NodeId, Position, Role, Status};

type Found<'a, T> = Result<T, Expected<'a>>;

const NODE: &str = "a node such as n1";

/// Deeds without anything to tell about them. None begins another.
const PLAIN: [Deed; 11] = [
    Deed::StorageFull,
    Deed::StorageRecovered,
    Deed::CompactionUrged,
    Deed::Durable,
    Deed::Dies,
    Deed::Stops,
    Deed::LosesPower,
    Deed::Restarts,
    Deed::Pauses,
    Deed::GoesOn,
    Deed::Begins { hard: None, entries: None },
];

pub fn deed(mut cursor: Cursor<'_>) -> Found<'_, Deed> {
    if let Some(plain) = PLAIN.iter().find(|deed| deed.to_string() == cursor.rest()) {
        return Ok(plain.clone());
    }
    if let Some(deed) = free(cursor) {
        return Ok(deed);
    }
    let deed = if cursor.eat("begins to write ") {
        begins(&mut cursor)
    } else if cursor.eat("is asked for ") {
        return asked(cursor);
    } else if cursor.eat("applies ") {
        let at = cursor.position()?;
        cursor.expect(": ")?;
        return Ok(Deed::Applies { at, command: cursor.words() });
    } else if cursor.eat("drops what ") {
        let from = cursor.node(NODE)?;
        cursor.expect(" said: ")?;
        return Ok(Deed::Drops { from, why: cursor.words() });
    } else if cursor.eat("has the log ") {
        has_log(&mut cursor)
    } else {
        told(&mut cursor)
    }?;
    cursor.end().map(|()| deed)
}

/// Deeds that end with free text.
fn free(mut cursor: Cursor<'_>) -> Option<Deed> {
    type Told = fn(Words) -> Deed;
    const FREE: [(&str, Told); 8] = [
        ("snapshot fails: ", Deed::SnapshotFailed),
        ("halts: ", Deed::Halted),
        ("is asked to read, and refuses: ", Deed::RefusesToRead),
        ("cannot start: ", Deed::CannotStart),
        ("its disk ", Deed::Disk),
        ("its clock ", Deed::Clock),
        ("notes: ", Deed::Notes),
        ("log is full (", Deed::LogFull),
    ];
    let (start, told) = FREE.into_iter().find(|(start, _)| cursor.eat(start))?;
    let rest = cursor.rest();
    let words = if start.ends_with('(') { rest.strip_suffix(')')? } else { rest };
    Some(told(Words::new(words)))
}

fn begins<'a>(cursor: &mut Cursor<'a>) -> Found<'a, Deed> {
    if !cursor.eat("term ") {
        return Ok(Deed::Begins { hard: None, entries: Some(cursor.span()?) });
    }
    let term = cursor.term()?;
    let vote = if cursor.eat(" and no vote") {
        None
    } else {
        cursor.expect(" and its vote for ")?;
        Some(cursor.node(NODE)?)
    };
    let entries = if cursor.eat(", ") { Some(cursor.span()?) } else { None };
    Ok(Deed::Begins { hard: Some(HardState { term, vote }), entries })
}

fn asked(mut cursor: Cursor<'_>) -> Found<'_, Deed> {
    if let Some(command) = cursor.until(", and refuses: ") {
        return Ok(Deed::Refuses { command: Words::new(command), why: cursor.words() });
    }
    let Some((command, at)) = cursor.rest().rsplit_once(": ") else {
        return cursor.expected("a command and where it goes, such as x=1: 2@1");
    };
    let mut place = Cursor::new(at);
    let at = place.position()?;
    place.end()?;
    Ok(Deed::Asked { command: Words::new(command), at })
}

fn has_log<'a>(cursor: &mut Cursor<'a>) -> Found<'a, Deed> {
    let mut base = Position::ZERO;
    if cursor.eat("after ") {
        base = cursor.position()?;
        cursor.expect(" ")?;
    }
    cursor.expect("[")?;
    let mut terms = Vec::new();
    if !cursor.eat("]") {
        terms.push(cursor.number()?);
        while cursor.eat(" ") {
            terms.push(cursor.number()?);
        }
        cursor.expect("]")?;
    }
    cursor.expect(", committed through ")?;
    Ok(Deed::HasLog { base, terms, commit: cursor.index()? })
}

/// The events of the core.
fn told<'a>(cursor: &mut Cursor<'a>) -> Found<'a, Deed> {
    if let Some(status) = status(cursor)? {
        return Ok(Deed::Status(status));
    }
    Ok(if cursor.eat("proposals of term ") {
        let term = cursor.term()?;
        cursor.expect(" have an unknown fate")?;
        Deed::ProposalsUnknown(term)
    } else if cursor.eat("proposals ") {
        let lost = cursor.span()?;
        cursor.expect(" are lost")?;
        Deed::ProposalsLost(lost)
    } else if cursor.eat("read ") {
        let read = cursor.number()?;
        cursor.expect(" may be answered")?;
        Deed::ReadReady(read)
    } else if cursor.eat("reads through ") {
        let read = cursor.number()?;
        cursor.expect(" will not be answered")?;
        Deed::ReadsLost(read)
    } else if cursor.eat("is asked to read: read ") {
        Deed::AskedToRead(cursor.number()?)
    } else {
        return rare(cursor);
    })
}

fn rare<'a>(cursor: &mut Cursor<'a>) -> Found<'a, Deed> {
    Ok(if cursor.eat("may not take what ") {
        let leader = cursor.node(NODE)?;
        cursor.expect(" sends: their bounds differ")?;
        Deed::CapacityDiffers(leader)
    } else if cursor.eat("misses what ") {
        let peer = cursor.node(NODE)?;
        cursor.expect(" had acknowledged")?;
        Deed::FollowerLost(peer)
    } else if cursor.eat("has a snapshot through ") {
        Deed::SnapshotTaken(cursor.position()?)
    } else if cursor.eat("has taken over the snapshot through ") {
        Deed::SnapshotInstalled(cursor.position()?)
    } else if cursor.eat("begins to take over the snapshot through ") {
        Deed::BeginsInstall(cursor.position()?)
    } else {
        return cursor.expected("what a node does, such as: begins to write 2@1");
    })
}

fn status<'a>(cursor: &mut Cursor<'a>) -> Found<'a, Option<Status>> {
    let mut leader: Option<NodeId> = None;
    let role = if cursor.eat("leads term ") {
        Role::Leader
    } else if cursor.eat("stands for election in term ") {
        Role::Candidate
    } else if cursor.eat("misses a leader in term ") {
        Role::PreCandidate
    } else if cursor.eat("follows nobody in term ") {
        Role::Follower
    } else if cursor.eat("follows ") {
        leader = Some(cursor.node("nobody, or a node such as n1")?);
        cursor.expect(" in term ")?;
        Role::Follower
    } else {
        return Ok(None);
    };
    Ok(Some(Status { role, term: cursor.term()?, leader }))
}
