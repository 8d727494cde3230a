//! The replicated state: keys and values, and where clients reach each node.

use super::digest::{Digest, Kind};
use super::discarded::Left;
use super::encoding::{Bytes, Change, Command, Condition, Query, Step, decode};
use super::keys::Keys;
use super::snapshot::{Reading, Writing};
use raft_nostd::{Committed, Index, NodeId, SnapshotError, StateMachine};
use std::collections::BTreeMap;

/// The most bytes of values that one command answers.
pub const ANSWER_MAX: usize = 16 << 20;
/// The longest address a node may announce.
pub const ADDRESS_MAX: usize = 256;

type Blob = Box<[u8]>;

/// What a command or a query answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Response {
    /// Done.
    Done,
    /// Not done, since its condition does not hold.
    Unmet,
    /// A number.
    Integer(i64),
    /// A value, or that there is none.
    Value(Option<Blob>),
    /// Several of them.
    Values(Vec<Option<Blob>>),
    /// What the steps of a transaction answered.
    Each(Vec<Self>),
    /// Nothing was changed.
    Failed(Failure),
}

/// Why a command had no effect, the same on every node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    /// The value is not a decimal 64-bit integer.
    NotAnInteger,
    /// The sum does not fit into 64 bits.
    Overflow,
    /// The bytes are no command of this version.
    Undecodable,
    /// The answer would be longer than 16 MiB.
    AnswerTooLong,
}

/// The state.
#[derive(Debug, Default)]
pub struct Machine {
    content: Content,
    applied: Index,
    /// How often a key was changed in this run, as Redis counts.
    changes: u64,
    /// How often when the snapshot was begun that was written to its end last, or when one was taken
    /// over since.
    changes_written: u64,
    /// How often when the snapshot on its way out was begun.
    changes_of_image: u64,
    /// A snapshot on its way out.
    writing: Option<Writing>,
    /// A snapshot on its way in, which will replace the content.
    reading: Option<Reading>,
}

/// What a snapshot is of.
#[derive(Debug, Default)]
pub struct Content {
    pub(super) keys: Keys,
    pub(super) addresses: BTreeMap<u32, String>,
    pub(super) digest: Digest,
    bytes: usize,
}

impl Content {
    /// Puts `value` at `key`.
    pub(super) fn put(&mut self, key: &[u8], value: &[u8]) {
        self.digest.add(Kind::Value, key, value);
        self.bytes = self.bytes.saturating_add(value.len());
        match self.keys.insert(key, value) {
            Some(old) => {
                self.digest.remove(Kind::Value, key, &old);
                self.bytes = self.bytes.saturating_sub(old.len());
            }
            None => self.bytes = self.bytes.saturating_add(key.len()),
        }
    }

    /// Removes `key`, if it is there.
    fn remove(&mut self, key: &[u8]) -> Option<()> {
        let value = self.keys.remove(key)?;
        self.digest.remove(Kind::Value, key, &value);
        self.bytes = self.bytes.saturating_sub(key.len().saturating_add(value.len()));
        Some(())
    }

    /// Becomes `new`.
    fn replace(&mut self, new: Self) {
        let Self { keys, addresses, digest, bytes } = new;
        self.keys.replace(keys);
        (self.addresses, self.digest, self.bytes) = (addresses, digest, bytes);
    }

    /// Removes all keys.
    fn clear(&mut self) {
        self.keys.clear();
        self.bytes = 0;
        self.digest = Digest::default();
        for (node, address) in &self.addresses {
            self.digest.add(Kind::Address, &node.to_le_bytes(), address.as_bytes());
        }
    }
}

impl Machine {
    /// Where clients reach `node`, as it announced.
    pub fn address(&self, node: NodeId) -> Option<&str> {
        self.content.addresses.get(&node.get()).map(String::as_str)
    }

    /// The hash of the state.
    pub fn digest(&self) -> Digest {
        self.content.digest
    }

    /// How many keys there are.
    pub fn keys(&self) -> usize {
        self.content.keys.len()
    }

    /// Bytes in all keys and values.
    pub fn bytes(&self) -> usize {
        self.content.bytes
    }

    /// The last command that was applied in this run.
    pub fn last_applied(&self) -> Index {
        self.applied
    }

    /// How often a key was changed in this run, as Redis counts: cleared ones each for itself.
    pub fn changes(&self) -> u64 {
        self.changes
    }

    /// How many of the [changes](Self::changes) are in the last snapshot that was written to its end,
    /// or restored.
    pub fn changes_written(&self) -> u64 {
        self.changes_written
    }

    fn count(&mut self, changes: usize) {
        self.changes = self.changes.saturating_add(changes as u64);
    }

    /// Lets some of what nobody needs any more go, `most` keys at most: to be called again while
    /// something is left, whenever nobody waits. O(`most`).
    pub fn tidy(&self, most: usize) -> Left {
        self.content.keys.let_go(most)
    }

    /// Gives up what was read of a snapshot.
    fn give_up_reading(&mut self) {
        if let Some(reading) = self.reading.take() {
            self.content.keys.discard(reading.into_content().keys);
        }
    }

    /// Lets the image of a snapshot go.
    fn let_go(&mut self) {
        self.writing = None;
        self.content.keys.end_image();
    }

    fn execute(&mut self, command: &Command<'_>) -> Response {
        match command {
            Command::Announce { node, address } => self.announce(*node, address),
            Command::Change(change) => self.change(change),
            Command::Transaction(steps) => {
                let mut budget = ANSWER_MAX;
                let each = steps.iter().map(|step| match step {
                    Step::Change(change) => self.change(change),
                    Step::Query(query) => self.answer(query, &mut budget),
                });
                Response::Each(each.collect())
            }
        }
    }

    fn change(&mut self, change: &Change<'_>) -> Response {
        match change {
            Change::Set { key, value, condition } => self.set(key.0, value.0, *condition),
            Change::SetMany(pairs) => {
                for (key, value) in pairs {
                    self.content.put(key.0, value.0);
                }
                self.count(pairs.len());
                Response::Done
            }
            Change::Delete(keys) => self.delete(keys),
            Change::Add { key, by } => self.add(key.0, *by),
            Change::Clear => self.clear(),
        }
    }

    fn announce(&mut self, node: u32, address: &str) -> Response {
        if address.len() > ADDRESS_MAX {
            return Response::Failed(Failure::Undecodable);
        }
        let key = node.to_le_bytes();
        self.content.digest.add(Kind::Address, &key, address.as_bytes());
        if let Some(old) = self.content.addresses.insert(node, address.to_owned()) {
            self.content.digest.remove(Kind::Address, &key, old.as_bytes());
        }
        Response::Done
    }

    fn set(&mut self, key: &[u8], value: &[u8], condition: Condition) -> Response {
        let met = match condition {
            Condition::Always => true,
            Condition::Absent => self.content.keys.get(key).is_none(),
            Condition::Present => self.content.keys.get(key).is_some(),
        };
        if !met {
            return Response::Unmet;
        }
        self.content.put(key, value);
        self.count(1);
        Response::Done
    }

    fn delete(&mut self, keys: &[Bytes<'_>]) -> Response {
        let mut removed = 0;
        for Bytes(key) in keys {
            if self.content.remove(key).is_some() {
                removed += 1;
            }
        }
        self.count(removed);
        Response::Integer(count(removed))
    }

    fn add(&mut self, key: &[u8], by: i64) -> Response {
        let Some(old) = self.content.keys.get(key).map_or(Some(0), integer) else {
            return Response::Failed(Failure::NotAnInteger);
        };
        let Some(new) = old.checked_add(by) else {
            return Response::Failed(Failure::Overflow);
        };
        self.content.put(key, new.to_string().as_bytes());
        self.count(1);
        Response::Integer(new)
    }

    fn clear(&mut self) -> Response {
        self.count(self.content.keys.len());
        self.content.clear();
        Response::Done
    }

    /// Answers with no more than `budget` bytes of values, and takes them from it.
    fn answer(&self, query: &Query<'_>, budget: &mut usize) -> Response {
        match query {
            Query::Get(key) => match self.get_many(&[*key], budget) {
                Some(mut values) => Response::Value(values.pop().flatten()),
                None => Response::Failed(Failure::AnswerTooLong),
            },
            Query::GetMany(keys) => match self.get_many(keys, budget) {
                Some(values) => Response::Values(values),
                None => Response::Failed(Failure::AnswerTooLong),
            },
            Query::Count(keys) => {
                let found =
                    keys.iter().filter(|key| self.content.keys.get(key.0).is_some()).count();
                Response::Integer(count(found))
            }
            Query::Size => Response::Integer(count(self.content.keys.len())),
        }
    }

    fn get_many(&self, keys: &[Bytes<'_>], budget: &mut usize) -> Option<Vec<Option<Blob>>> {
        let found = || keys.iter().map(|key| self.content.keys.get(key.0));
        let length: usize = found().flatten().map(|value| value.len()).sum();
        *budget = budget.checked_sub(length)?;
        Some(found().map(|value| value.map(Blob::from)).collect())
    }
}

/// A number of things in memory: never more than fit into an `i64`.
fn count(things: usize) -> i64 {
    i64::try_from(things).unwrap_or(i64::MAX)
}

/// The integer that `text` is the one canonical decimal form of, as Redis has it: no sign but a
/// minus, no leading zeros, no spaces.
pub fn integer(text: &[u8]) -> Option<i64> {
    let digits = text.strip_prefix(b"-").unwrap_or(text);
    let canonical = match digits {
        [b'0'] => digits.len() == text.len(),
        [b'1'..=b'9', rest @ ..] => rest.iter().all(u8::is_ascii_digit),
        _ => false,
    };
    if canonical { std::str::from_utf8(text).ok()?.parse().ok() } else { None }
}

impl StateMachine for Machine {
    type Response = Response;

    fn apply(&mut self, committed: Committed<'_>) -> Response {
        self.applied = committed.position.index;
        match decode(committed.command) {
            Some(command) => self.execute(&command),
            None => Response::Failed(Failure::Undecodable),
        }
    }

    fn query(&self, request: &[u8]) -> Response {
        let mut budget = ANSWER_MAX;
        match decode(request) {
            Some(query) => self.answer(&query, &mut budget),
            None => Response::Failed(Failure::Undecodable),
        }
    }

    fn snapshot(&mut self, offset: u64, piece: &mut [u8]) -> Result<usize, SnapshotError> {
        if piece.is_empty() {
            self.let_go();
            return Ok(0);
        }
        if offset == 0 {
            self.writing = Some(Writing::begin(&mut self.content, self.applied));
            self.changes_of_image = self.changes;
        }
        let writing = self.writing.as_mut().ok_or(SnapshotError::Malformed)?;
        let filled = writing.fill(&mut self.content, piece);
        if filled == 0 {
            self.changes_written = self.changes_of_image;
            self.let_go();
        }
        Ok(filled)
    }

    fn restore(&mut self, offset: u64, piece: &[u8]) -> Result<(), SnapshotError> {
        if offset == 0 {
            self.give_up_reading();
            self.reading = Some(Reading::default());
        }
        let reading = self.reading.as_mut().ok_or(SnapshotError::Malformed)?;
        let taken = if piece.is_empty() { reading.check_end() } else { reading.take(piece) };
        if taken.is_err() {
            self.give_up_reading();
            return taken;
        }
        if piece.is_empty()
            && let Some(reading) = self.reading.take()
        {
            self.let_go();
            self.applied = reading.applied();
            self.content.replace(reading.into_content());
            self.changes_written = self.changes;
        }
        Ok(())
    }
}
