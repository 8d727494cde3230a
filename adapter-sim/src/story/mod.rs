//! What happened in a cluster, as prose in virtual time: one format, written and read.
//!
//! The project's golden scenarios are such stories, and so is a failing run of the simulator, shrunk.
//! Both use the words of this module. [`Story`]'s `Display` writes the text, its `FromStr` reads it
//! back, and [`picture`](crate::picture) draws it.
//!
//! # The text
//!
//! ```text
//! # A scene: a sentence of the story, after an empty line unless it is the first.
//!    1348.0  n1        is asked for x=1: 2@1
//!    1348.0  n1 to n3  term 1: append 2@1 after 1@1, committed through 1
//!    1348.0  n1 to n2  term 1: append 2@1 after 1@1, committed through 1   (lost)
//!    1348.0  n1        begins to write 2@1
//!    1350.0  network   splits: n1 n2 | n3
//!    1350.2  n1        dies
//!    1351.0  FAILED    Leader Completeness: n2 leads term 2 without 2@1
//! ```
//!
//! - First the time in milliseconds with a tenth, which never goes back; then who; then what.
//! - An entry is written `index@term`.
//! - A datagram takes [`USUAL_WAY`] unless it says otherwise, behind three blanks: `(lost)`;
//!   `(arrives 1360.5)`; `(arrives 1353.0, again 1399.2 flipped)`; `(arrives 1353.0 cut short)`.
//! - What a node does are [`Deed`]s, what it says is [`Said`], what befalls the links between nodes
//!   is [`Net`]. `FAILED` has the words of the judge who ended the run.
//!
//! ```
//! use adapter_sim::story::{Deed, Story};
//!
//! let story: Story = "    12.5  n1        dies\n".parse()?;
//! assert_eq!(story.deeds().map(|(_, _, deed)| deed).collect::<Vec<_>>(), [&Deed::Dies]);
//!
//! let wrong = "    12.5  n1        dyes\n".parse::<Story>().unwrap_err();
//! assert_eq!(wrong.line, 1);
//! # Ok::<(), adapter_sim::story::ParseError>(())
//! ```

mod deed;
mod net;
mod read;
mod said;
mod span;
mod time;
mod words;

pub use deed::Deed;
pub use net::{Arrival, Damage, Datagram, Net};
pub use read::ParseError;
pub use said::{Body, Said};
pub use span::Span;
pub use time::{Moment, USUAL_WAY};
pub use words::Words;

use raft_nostd::NodeId;
use std::fmt;

/// What happened, in order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Story {
    /// Scenes and what happens in them. Times never go back.
    pub entries: Vec<Entry>,
}

/// A heading or a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Entry {
    /// A sentence about what follows.
    Scene(Words),
    /// Something that happened.
    Line {
        /// When.
        at: Moment,
        /// Who, and what.
        what: What,
    },
}

/// Something that happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum What {
    /// A node said something to another.
    Says(Datagram),
    /// A node did something, or something was done to it.
    Does(NodeId, Deed),
    /// Something befell the links between nodes.
    Network(Net),
    /// A judge ended the run with these words.
    Failed(Words),
}

impl Story {
    /// Begins a scene.
    pub fn scene(&mut self, sentence: &str) {
        self.entries.push(Entry::Scene(Words::new(sentence)));
    }

    /// Adds a line. `at` is no earlier than that of the line before.
    pub fn line(&mut self, at: impl Into<Moment>, what: What) {
        self.entries.push(Entry::Line { at: at.into(), what });
    }

    /// The lines, without the scenes.
    pub fn lines(&self) -> impl Iterator<Item = (Moment, &What)> {
        self.entries.iter().filter_map(|entry| match entry {
            Entry::Line { at, what } => Some((*at, what)),
            Entry::Scene(_) => None,
        })
    }

    /// What nodes did.
    pub fn deeds(&self) -> impl Iterator<Item = (Moment, NodeId, &Deed)> {
        self.lines().filter_map(|(at, what)| match what {
            What::Does(node, deed) => Some((at, *node, deed)),
            _ => None,
        })
    }

    /// What nodes said.
    pub fn datagrams(&self) -> impl Iterator<Item = (Moment, &Datagram)> {
        self.lines().filter_map(|(at, what)| match what {
            What::Says(datagram) => Some((at, datagram)),
            _ => None,
        })
    }
}

impl fmt::Display for Story {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, entry) in self.entries.iter().enumerate() {
            match entry {
                Entry::Scene(sentence) if place == 0 => writeln!(f, "# {sentence}")?,
                Entry::Scene(sentence) => writeln!(f, "\n# {sentence}")?,
                Entry::Line { at, what } => line(f, *at, what)?,
            }
        }
        Ok(())
    }
}

fn line(f: &mut fmt::Formatter<'_>, at: Moment, what: &What) -> fmt::Result {
    write!(f, "{at:>9}  ")?;
    match what {
        What::Says(datagram) => {
            let Datagram { from, to, said, .. } = datagram;
            let fate = net::fate(at, &datagram.arrivals);
            writeln!(f, "{:<9} {said}{fate}", format!("{from:?} to {to:?}"))
        }
        What::Does(node, deed) => writeln!(f, "{:<9} {deed}", format!("{node:?}")),
        What::Network(net) => writeln!(f, "{:<9} {net}", "network"),
        What::Failed(words) => writeln!(f, "{:<9} {words}", "FAILED"),
    }
}
