//! What nodes say.

use super::cursor::{Cursor, Expected};
use crate::story::{Body, Said};
use raft_nostd::wire::{Receipt, Verdict, Vote};
use raft_nostd::{Position, Term};

type Found<'a, T> = Result<T, Expected<'a>>;

pub fn said<'a>(cursor: &mut Cursor<'a>) -> Found<'a, Said> {
    if cursor.eat("would you vote for me in term ") {
        let proposed = cursor.term()?;
        cursor.expect("? ")?;
        return Ok(Said::PreVoteRequest { proposed, last: end_of_log(cursor)? });
    }
    if cursor.eat("vote for me in term ") {
        let term = cursor.term()?;
        cursor.expect("! ")?;
        return Ok(Said::VoteRequest { term, last: end_of_log(cursor)? });
    }
    if cursor.eat("I would, in term ") {
        return pre_vote_reply(cursor, Vote::Granted);
    }
    if cursor.eat("I would not, in term ") {
        return pre_vote_reply(cursor, Vote::Refused);
    }
    if cursor.eat("my vote in term ") {
        let term = cursor.term()?;
        cursor.expect(" is yours")?;
        return Ok(Said::VoteReply { term, vote: Vote::Granted });
    }
    if cursor.eat("not my vote, in term ") {
        return Ok(Said::VoteReply { term: cursor.term()?, vote: Vote::Refused });
    }
    if cursor.eat("term ") {
        let term = cursor.term()?;
        cursor.expect(": ")?;
        return of_term(term, cursor);
    }
    cursor.expected("what a node says, such as: vote for me in term 2! my log is empty")
}

fn pre_vote_reply<'a>(cursor: &mut Cursor<'a>, vote: Vote) -> Found<'a, Said> {
    let proposed = cursor.term()?;
    cursor.expect("; mine is ")?;
    Ok(Said::PreVoteReply { term: cursor.term()?, proposed, vote })
}

fn end_of_log<'a>(cursor: &mut Cursor<'a>) -> Found<'a, Position> {
    if cursor.eat("my log is empty") {
        return Ok(Position::ZERO);
    }
    if !cursor.eat("my log ends with ") {
        return cursor.expected("my log is empty, or my log ends with 2@1");
    }
    cursor.position()
}

fn of_term<'a>(term: Term, cursor: &mut Cursor<'a>) -> Found<'a, Said> {
    if cursor.eat("committed through ") {
        return Ok(Said::Notice { term, commit: cursor.index()? });
    }
    if cursor.eat("nothing new ") {
        return append(term, None, cursor);
    }
    if cursor.eat("append ") {
        let entries = cursor.span()?;
        cursor.expect(" ")?;
        return append(term, Some(entries), cursor);
    }
    if cursor.eat("I have all through ") {
        let received = cursor.index()?;
        let durable = if cursor.eat(", on disk through ") { cursor.index()? } else { received };
        let verdict = Verdict::Matched { durable, received };
        return Ok(Said::AppendReply { term, verdict, round: round(cursor)? });
    }
    if cursor.eat("I do not have that ") {
        let prev = cursor.index()?;
        cursor.expect("; try ")?;
        let from_start = cursor.eat("from the start");
        let hint = if from_start { Position::ZERO } else { cursor.position()? };
        let verdict = Verdict::Conflict { prev, hint };
        return Ok(Said::AppendReply { term, verdict, round: round(cursor)? });
    }
    snapshots(term, cursor)
}

fn append<'a>(
    term: Term,
    entries: Option<crate::story::Span>,
    cursor: &mut Cursor<'a>,
) -> Found<'a, Said> {
    let prev = if cursor.eat("from the start") {
        Position::ZERO
    } else if cursor.eat("after ") {
        cursor.position()?
    } else {
        return cursor.expected("from the start, or after 2@1");
    };
    cursor.expect(", committed through ")?;
    let commit = cursor.index()?;
    Ok(Said::Append { term, prev, entries, commit, round: round(cursor)? })
}

fn round<'a>(cursor: &mut Cursor<'a>) -> Found<'a, u64> {
    if cursor.eat(", round ") { cursor.number() } else { Ok(0) }
}

fn snapshots<'a>(term: Term, cursor: &mut Cursor<'a>) -> Found<'a, Said> {
    if cursor.eat("chunk ") {
        let chunk = cursor.small()?;
        cursor.expect(" of my snapshot through ")?;
        return Ok(Said::Install { term, last: cursor.position()?, chunk, body: Body::Chunk });
    }
    if cursor.eat("my snapshot through ") {
        let last = cursor.position()?;
        cursor.expect(", chunk ")?;
        let chunk = cursor.small()?;
        cursor.expect(" is next")?;
        return Ok(Said::Install { term, last, chunk, body: Body::Empty });
    }
    if cursor.eat("I have ") {
        let chunks = cursor.small()?;
        cursor.expect(" chunks of the snapshot through ")?;
        let last = cursor.position()?;
        let receipt = if cursor.eat(", and one before that is missing") {
            Receipt::Gap
        } else if cursor.eat(", and no place for it") {
            Receipt::Declined
        } else {
            Receipt::Taken
        };
        return Ok(Said::InstallReply { term, last, chunks, receipt });
    }
    cursor.expected("what is said in a term, such as: append 2@1 after 1@1, committed through 1")
}
