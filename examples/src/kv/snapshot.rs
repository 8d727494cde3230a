//! The state as the bytes of a snapshot: one version byte, then records, each as postcard writes it.
//!
//! The last record says what the state must be, so that what is wrong is noticed before the new
//! state replaces the old one.

use super::digest::{Digest, Kind};
use super::encoding::Bytes;
use super::machine::{ADDRESS_MAX, Content};
use raft_nostd::{Index, SnapshotError};
use serde::{Deserialize, Serialize};

/// The first byte.
const VERSION: u8 = 1;
/// More bytes than a record can have.
const RECORD_MAX: usize = 1 << 20;

/// A part of a snapshot.
#[derive(Debug, Serialize, Deserialize)]
enum Record<'a> {
    /// Where clients reach a node.
    Address { node: u32, address: &'a str },
    /// A key and its value.
    Value {
        #[serde(borrow)]
        key: Bytes<'a>,
        value: Bytes<'a>,
    },
    /// What all that came before amounts to.
    End { keys: u64, digest: u64, applied: Index },
}

/// Writes a snapshot, a piece at a time.
#[derive(Debug)]
pub struct Writing {
    /// What is encoded and does not fit into a piece yet.
    encoded: Vec<u8>,
    taken: usize,
    /// The last record, as of the moment the image was taken.
    end: Option<(u64, Digest, Index)>,
}

impl Writing {
    /// Begins a snapshot of `content`, of which the last command applied is `applied`.
    pub fn begin(content: &mut Content, applied: Index) -> Self {
        content.keys.begin_image();
        let keys = content.keys.len() as u64;
        let mut writing =
            Self { encoded: vec![VERSION], taken: 0, end: Some((keys, content.digest, applied)) };
        for (node, address) in &content.addresses {
            writing.encode(&Record::Address { node: *node, address });
        }
        writing
    }

    fn encode(&mut self, record: &Record<'_>) {
        append(&mut self.encoded, record);
    }

    /// Fills `piece`, and returns how much of it; less than all, or nothing, at the end.
    pub fn fill(&mut self, content: &mut Content, piece: &mut [u8]) -> usize {
        let mut filled = 0;
        while filled < piece.len() {
            if self.taken == self.encoded.len() && !self.refill(content) {
                break;
            }
            let rest = self.encoded.get(self.taken..).unwrap_or_default();
            let into = piece.get_mut(filled..).unwrap_or_default();
            let len = rest.len().min(into.len());
            let (Some(from), Some(into)) = (rest.get(..len), into.get_mut(..len)) else { break };
            into.copy_from_slice(from);
            self.taken += len;
            filled += len;
        }
        filled
    }

    /// Encodes the next record; `false` when there is none.
    fn refill(&mut self, content: &mut Content) -> bool {
        self.encoded.clear();
        self.taken = 0;
        let encoded = &mut self.encoded;
        let next = content.keys.next_of_image(|key, value| {
            append(encoded, &Record::Value { key: Bytes(key), value: Bytes(value) });
        });
        if next.is_some() {
            return true;
        }
        let Some((keys, digest, applied)) = self.end.take() else { return false };
        self.encode(&Record::End { keys, digest: digest.to_bits(), applied });
        true
    }
}

fn append(encoded: &mut Vec<u8>, record: &Record<'_>) {
    // Into a `Vec` it cannot fail; an empty record would be noticed by who reads it.
    let bytes = postcard::to_extend(record, std::mem::take(encoded));
    *encoded = bytes.unwrap_or_default();
}

/// Reads a snapshot, a piece at a time.
#[derive(Debug, Default)]
pub struct Reading {
    content: Content,
    /// The beginning of a record whose end has not come yet.
    begun: Vec<u8>,
    stage: Stage,
    applied: Index,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Stage {
    /// The version byte is awaited.
    #[default]
    Start,
    Records,
    End,
}

impl Reading {
    /// Takes the next piece.
    ///
    /// # Errors
    /// When the bytes are no snapshot of this version, or not what its last record says.
    pub fn take(&mut self, piece: &[u8]) -> Result<(), SnapshotError> {
        self.begun.extend_from_slice(piece);
        let begun = std::mem::take(&mut self.begun);
        let mut rest = &begun[..];
        if self.stage == Stage::Start {
            let (version, after) = rest.split_first().ok_or(SnapshotError::Malformed)?;
            if *version != VERSION {
                return Err(SnapshotError::Malformed);
            }
            (self.stage, rest) = (Stage::Records, after);
        }
        while !rest.is_empty() {
            rest = match postcard::take_from_bytes::<Record<'_>>(rest) {
                Ok((record, after)) => {
                    self.record(&record)?;
                    after
                }
                Err(postcard::Error::DeserializeUnexpectedEnd) if rest.len() < RECORD_MAX => break,
                Err(_) => return Err(SnapshotError::Malformed),
            };
        }
        self.begun = rest.to_vec();
        Ok(())
    }

    fn record(&mut self, record: &Record<'_>) -> Result<(), SnapshotError> {
        if self.stage != Stage::Records {
            return Err(SnapshotError::Malformed);
        }
        match record {
            Record::Address { node, address } if address.len() <= ADDRESS_MAX => {
                self.content.digest.add(Kind::Address, &node.to_le_bytes(), address.as_bytes());
                self.content.addresses.insert(*node, (*address).to_owned());
            }
            Record::Value { key, value } => self.content.put(key.0, value.0),
            Record::End { keys, digest, applied } => {
                let content = &self.content;
                let same = content.keys.len() as u64 == *keys;
                if !same || content.digest.to_bits() != *digest {
                    return Err(SnapshotError::Malformed);
                }
                self.stage = Stage::End;
                self.applied = *applied;
            }
            Record::Address { .. } => return Err(SnapshotError::Malformed),
        }
        Ok(())
    }

    /// Whether the end has come.
    ///
    /// # Errors
    /// When it has not.
    pub fn check_end(&self) -> Result<(), SnapshotError> {
        let whole = self.stage == Stage::End && self.begun.is_empty();
        if whole { Ok(()) } else { Err(SnapshotError::Malformed) }
    }

    /// The last command applied to the state that was read, once the end has come.
    pub fn applied(&self) -> Index {
        self.applied
    }

    /// The state as far as it was read.
    pub fn into_content(self) -> Content {
        self.content
    }
}
