//! What becomes of datagrams, and of the links between nodes.

use super::cursor::{Cursor, Expected};
use crate::story::{Arrival, Damage, Moment, Net, USUAL_WAY};

const NODE: &str = "a node such as n1";

/// What stands behind what is said.
pub fn arrivals(sent: Moment, mut cursor: Cursor<'_>) -> Result<Vec<Arrival>, Expected<'_>> {
    if cursor.rest().is_empty() {
        return Ok(vec![Arrival::whole(sent.plus(USUAL_WAY))]);
    }
    if cursor.blanks().is_err() {
        return cursor
            .expected("the end of what is said, or (lost) or (arrives ...) behind blanks");
    }
    if cursor.eat("(lost)") {
        return cursor.end().map(|()| Vec::new());
    }
    if !cursor.eat("(arrives ") {
        return cursor.expected("(lost) or (arrives ...)");
    }
    let mut arrivals = vec![arrival(sent, &mut cursor)?];
    while cursor.eat(", again ") {
        arrivals.push(arrival(sent, &mut cursor)?);
    }
    if !cursor.eat(")") {
        return cursor.expected("flipped, cut short, another arrival after \", again \", or )");
    }
    cursor.end().map(|()| arrivals)
}

fn arrival<'a>(sent: Moment, cursor: &mut Cursor<'a>) -> Result<Arrival, Expected<'a>> {
    const WHAT: &str = "a time no earlier than when it was sent";
    let before = *cursor;
    let at = cursor.moment(WHAT)?;
    if at < sent {
        return before.expected(WHAT);
    }
    let damage = if cursor.eat(" flipped") {
        Damage::Flipped
    } else if cursor.eat(" cut short") {
        Damage::CutShort
    } else {
        Damage::None
    };
    Ok(Arrival { at, damage })
}

pub fn net(mut cursor: Cursor<'_>) -> Result<Net, Expected<'_>> {
    let net = if cursor.eat("splits: ") {
        let mut sides = vec![side(&mut cursor)?];
        while cursor.eat(" | ") {
            sides.push(side(&mut cursor)?);
        }
        Net::Splits(sides)
    } else if cursor.eat("cuts ") {
        let mut links = vec![link(&mut cursor)?];
        while cursor.eat(", ") {
            links.push(link(&mut cursor)?);
        }
        Net::Cuts(links)
    } else if cursor.eat("heals") {
        Net::Heals
    } else if cursor.eat("notes: ") {
        return Ok(Net::Notes(cursor.words()));
    } else {
        return cursor.expected("splits: n1 | n2, cuts n1 to n2, heals, or notes: ...");
    };
    cursor.end().map(|()| net)
}

fn side<'a>(cursor: &mut Cursor<'a>) -> Result<Vec<raft_nostd::NodeId>, Expected<'a>> {
    let mut nodes = vec![cursor.node(NODE)?];
    while !cursor.rest().starts_with(" |") && cursor.eat(" ") {
        nodes.push(cursor.node(NODE)?);
    }
    Ok(nodes)
}

fn link<'a>(
    cursor: &mut Cursor<'a>,
) -> Result<(raft_nostd::NodeId, raft_nostd::NodeId), Expected<'a>> {
    let from = cursor.node(NODE)?;
    cursor.expect(" to ")?;
    Ok((from, cursor.node(NODE)?))
}
