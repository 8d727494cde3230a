//! From the text back to the story.

mod cursor;
mod deed;
mod net;
mod said;

use super::{Datagram, Entry, Moment, Story, What, Words};
use cursor::{Cursor, Expected};
use std::fmt;
use std::str::FromStr;

/// A line that is none of a story.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParseError {
    /// Its number, counted from one.
    pub line: usize,
    /// What should be there.
    pub expected: &'static str,
    /// What is there instead: the rest of the line.
    pub found: String,
}

impl fmt::Display for ParseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { line, expected, found } = self;
        if found.is_empty() {
            write!(f, "line {line}: expected {expected}, and the line ends")
        } else {
            write!(f, "line {line}: expected {expected}, found {found:?}")
        }
    }
}

impl std::error::Error for ParseError {}

/// Reads what `Display` writes, and is lenient about white space and empty lines.
impl FromStr for Story {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        let mut story = Self::default();
        let mut now = Moment::default();
        for (place, line) in text.lines().enumerate() {
            let entry = entry(line, now).map_err(|Expected { what, found }| ParseError {
                line: place + 1,
                expected: what,
                found: found.to_string(),
            })?;
            if let Some(Entry::Line { at, .. }) = entry {
                now = at;
            }
            story.entries.extend(entry);
        }
        Ok(story)
    }
}

fn entry(line: &str, earlier: Moment) -> Result<Option<Entry>, Expected<'_>> {
    let line = line.trim();
    if line.is_empty() {
        return Ok(None);
    }
    let mut cursor = Cursor::new(line);
    if cursor.eat("#") {
        return Ok(Some(Entry::Scene(cursor.words())));
    }
    let at = cursor.moment("a time such as 1348.0, or a scene after #")?;
    if at < earlier {
        return Err(Expected { what: "a time no earlier than the one before", found: line });
    }
    cursor.blanks()?;
    what(at, cursor).map(|what| Some(Entry::Line { at, what }))
}

fn what<'a>(at: Moment, mut cursor: Cursor<'a>) -> Result<What, Expected<'a>> {
    if cursor.eat("FAILED") {
        cursor.blanks()?;
        return Ok(What::Failed(cursor.words()));
    }
    if cursor.eat("network") {
        cursor.blanks()?;
        return Ok(What::Network(net::net(cursor)?));
    }
    let from = cursor.node("n1, n1 to n2, network or FAILED")?;
    if !cursor.eat(" to ") {
        cursor.blanks()?;
        return Ok(What::Does(from, deed::deed(cursor)?));
    }
    let to = cursor.node("to which node, such as n2")?;
    cursor.blanks()?;
    let said = said::said(&mut cursor)?;
    let arrivals = net::arrivals(at, cursor)?;
    Ok(What::Says(Datagram { from, to, said, arrivals }))
}

impl Cursor<'_> {
    /// The rest of the line.
    fn words(self) -> Words {
        Words::new(self.rest())
    }
}
