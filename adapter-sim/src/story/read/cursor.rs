//! A place in a line.

use crate::story::{Moment, Span};
use raft_nostd::{Index, NodeId, Position, Term};

/// What should be there, and what is.
#[derive(Debug)]
pub struct Expected<'a> {
    pub what: &'static str,
    pub found: &'a str,
}

#[derive(Clone, Copy)]
pub struct Cursor<'a> {
    rest: &'a str,
}

impl<'a> Cursor<'a> {
    pub const fn new(rest: &'a str) -> Self {
        Self { rest }
    }

    pub const fn rest(&self) -> &'a str {
        self.rest
    }

    pub fn expected<T>(&self, what: &'static str) -> Result<T, Expected<'a>> {
        Err(Expected { what, found: self.rest })
    }

    /// Goes on behind `text`, if it is there.
    pub fn eat(&mut self, text: &str) -> bool {
        match self.rest.strip_prefix(text) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    pub fn expect(&mut self, text: &'static str) -> Result<(), Expected<'a>> {
        if self.eat(text) { Ok(()) } else { self.expected(text) }
    }

    pub fn blanks(&mut self) -> Result<(), Expected<'a>> {
        let rest = self.rest.trim_start();
        if rest.len() == self.rest.len() {
            return self.expected("a blank");
        }
        self.rest = rest;
        Ok(())
    }

    pub fn end(&self) -> Result<(), Expected<'a>> {
        if self.rest.is_empty() { Ok(()) } else { self.expected("the end of the line") }
    }

    /// What is before `separator`; goes on behind it.
    pub fn until(&mut self, separator: &str) -> Option<&'a str> {
        let (before, rest) = self.rest.split_once(separator)?;
        self.rest = rest;
        Some(before)
    }

    pub fn number(&mut self) -> Result<u64, Expected<'a>> {
        self.number_or("a number")
    }

    fn number_or(&mut self, what: &'static str) -> Result<u64, Expected<'a>> {
        let end = self.rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(self.rest.len());
        let (digits, rest) = self.rest.split_at(end);
        let Ok(number) = digits.parse() else { return self.expected(what) };
        self.rest = rest;
        Ok(number)
    }

    pub fn small(&mut self) -> Result<u32, Expected<'a>> {
        let before = *self;
        u32::try_from(self.number()?).or_else(|_| before.expected("a number below 2^32"))
    }

    pub fn term(&mut self) -> Result<Term, Expected<'a>> {
        self.number_or("a term").map(Term)
    }

    pub fn index(&mut self) -> Result<Index, Expected<'a>> {
        self.number_or("an index").map(Index)
    }

    pub fn node(&mut self, what: &'static str) -> Result<NodeId, Expected<'a>> {
        let before = *self;
        if !self.eat("n") {
            return before.expected(what);
        }
        let number = self.number().ok().and_then(|number| u32::try_from(number).ok());
        number.and_then(NodeId::new).map_or_else(|| before.expected(what), Ok)
    }

    /// `2@1`
    pub fn position(&mut self) -> Result<Position, Expected<'a>> {
        const WHAT: &str = "an entry such as 2@1";
        let before = *self;
        let index = self.number_or(WHAT)?;
        if !self.eat("@") {
            return before.expected(WHAT);
        }
        let Ok(term) = self.number() else { return before.expected(WHAT) };
        Ok(Position::new(term, index))
    }

    /// `2@1` or `2@1 to 4@1`
    pub fn span(&mut self) -> Result<Span, Expected<'a>> {
        let first = self.position()?;
        let last = if self.eat(" to ") { self.position()? } else { first };
        Ok(Span { first, last })
    }

    /// `1348.0`
    pub fn moment(&mut self, what: &'static str) -> Result<Moment, Expected<'a>> {
        let before = *self;
        let millis = self.number_or(what)?;
        let dot = self.eat(".");
        let before_tenth = self.rest.len();
        let tenth = self.number_or(what).ok().filter(|_| before_tenth == self.rest.len() + 1);
        let tenths = millis.checked_mul(10).zip(tenth).and_then(|(all, one)| all.checked_add(one));
        match tenths {
            Some(tenths) if dot => Ok(Moment(tenths)),
            _ => before.expected(what),
        }
    }
}
