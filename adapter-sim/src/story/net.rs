//! Datagrams, what becomes of them, and the links between nodes.

use super::{Moment, Said, USUAL_WAY, Words};
use raft_nostd::NodeId;
use std::fmt;

/// A datagram.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Datagram {
    /// Who sends it.
    pub from: NodeId,
    /// To whom.
    pub to: NodeId,
    /// What it says.
    pub said: Said,
    /// Each time that it arrives, no earlier than it is sent: never when it is lost, more than once
    /// when the network doubles it.
    pub arrivals: Vec<Arrival>,
}

/// How a datagram arrives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Arrival {
    /// When.
    pub at: Moment,
    /// What the network made of it.
    pub damage: Damage,
}

/// What the network made of a datagram.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Damage {
    /// Nothing: it is as it was sent.
    None,
    /// Bits are flipped.
    Flipped,
    /// Its end is missing.
    CutShort,
}

impl Arrival {
    /// As it was sent.
    pub fn whole(at: impl Into<Moment>) -> Self {
        Self { at: at.into(), damage: Damage::None }
    }
}

impl fmt::Display for Arrival {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let damage = match self.damage {
            Damage::None => "",
            Damage::Flipped => " flipped",
            Damage::CutShort => " cut short",
        };
        write!(f, "{}{damage}", self.at)
    }
}

/// What stands behind a datagram that was sent at `sent`.
pub(super) fn fate(sent: Moment, arrivals: &[Arrival]) -> String {
    if let [only] = arrivals
        && *only == Arrival::whole(sent.plus(USUAL_WAY))
    {
        return String::new();
    }
    match arrivals {
        [] => "   (lost)".into(),
        [first, others @ ..] => {
            let others: String = others.iter().map(|other| format!(", again {other}")).collect();
            format!("   (arrives {first}{others})")
        }
    }
}

/// Something befalls the links between nodes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Net {
    /// Nothing gets from one side to another. There are sides, and none is empty.
    Splits(Vec<Vec<NodeId>>),
    /// Nothing gets from the first of each to the second. There is one at least.
    Cuts(Vec<(NodeId, NodeId)>),
    /// All links work again.
    Heals,
    /// Something that has no words of its own.
    Notes(Words),
}

impl fmt::Display for Net {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Splits(sides) => {
                let side = |side: &Vec<NodeId>| {
                    side.iter().map(|node| format!("{node:?}")).collect::<Vec<_>>().join(" ")
                };
                write!(f, "splits: {}", sides.iter().map(side).collect::<Vec<_>>().join(" | "))
            }
            Self::Cuts(links) => {
                let link = |(from, to): &(NodeId, NodeId)| format!("{from:?} to {to:?}");
                write!(f, "cuts {}", links.iter().map(link).collect::<Vec<_>>().join(", "))
            }
            Self::Heals => f.write_str("heals"),
            Self::Notes(words) => write!(f, "notes: {words}"),
        }
    }
}
