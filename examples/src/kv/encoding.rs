//! Commands and queries as bytes: one version byte, then postcard. Decoding is total.
//!
//! Commands lie in the log of every node, so the order of variants and of fields is the format:
//! new ones go to the end.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The first byte of everything that is encoded here.
const VERSION: u8 = 1;

/// Bytes that serde passes on as bytes, borrowed when decoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bytes<'a>(pub &'a [u8]);

impl Serialize for Bytes<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(self.0)
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Bytes<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        <&[u8]>::deserialize(deserializer).map(Self)
    }
}

/// When a `SET` takes effect.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Condition {
    /// Whatever is there.
    #[default]
    Always,
    /// Only where there is no value yet (`NX`).
    Absent,
    /// Only where there is a value (`XX`).
    Present,
}

/// What changes keys and values.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Change<'a> {
    /// `SET`.
    Set {
        /// Where.
        #[serde(borrow)]
        key: Bytes<'a>,
        /// What.
        value: Bytes<'a>,
        /// When.
        condition: Condition,
    },
    /// `MSET`: all of them at once.
    SetMany(#[serde(borrow)] Vec<(Bytes<'a>, Bytes<'a>)>),
    /// `DEL`.
    Delete(#[serde(borrow)] Vec<Bytes<'a>>),
    /// `INCR`, `INCRBY`, `DECR`, `DECRBY`.
    Add {
        /// Where.
        #[serde(borrow)]
        key: Bytes<'a>,
        /// How much.
        by: i64,
    },
    /// `FLUSHALL`.
    Clear,
}

/// One of the commands between `MULTI` and `EXEC`. No transaction: nothing nests, so decoding
/// needs little stack.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Step<'a> {
    /// A change.
    Change(#[serde(borrow)] Change<'a>),
    /// A look at what the changes before it left.
    Query(#[serde(borrow)] Query<'a>),
}

/// What the log holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Command<'a> {
    /// A node says where clients reach it.
    Announce {
        /// The node.
        node: u32,
        /// `HOST:PORT`.
        address: &'a str,
    },
    /// A change.
    Change(#[serde(borrow)] Change<'a>),
    /// `EXEC`: several steps, with nothing between them.
    Transaction(#[serde(borrow)] Vec<Step<'a>>),
}

/// What a read asks of the state machine.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Query<'a> {
    /// `GET`.
    Get(#[serde(borrow)] Bytes<'a>),
    /// `MGET`.
    GetMany(#[serde(borrow)] Vec<Bytes<'a>>),
    /// `EXISTS`: how many of them do.
    Count(#[serde(borrow)] Vec<Bytes<'a>>),
    /// `DBSIZE`.
    Size,
}

/// Encodes a [`Command`] or a [`Query`].
pub fn encode<T: Serialize>(what: &T) -> Vec<u8> {
    // Only types that cannot be serialized fail, and there are none here; the state machine
    // answers empty bytes with an error.
    postcard::to_allocvec(&(VERSION, what)).unwrap_or_default()
}

/// Decodes a [`Command`] or a [`Query`]; `None` for bytes of another version, for malformed ones,
/// and when any are left over. O(bytes).
pub fn decode<'a, T: Deserialize<'a>>(bytes: &'a [u8]) -> Option<T> {
    match postcard::take_from_bytes::<(u8, T)>(bytes) {
        Ok(((VERSION, what), [])) => Some(what),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn golden_bytes() {
        let set =
            Change::Set { key: Bytes(b"k"), value: Bytes(b"val"), condition: Condition::Absent };
        let set = Command::Change(set);
        assert_eq!(encode(&set), b"\x01\x01\0\x01k\x03val\x01");
        let add = Change::Add { key: Bytes(b"n"), by: -2 };
        assert_eq!(encode(&Command::Change(add.clone())), b"\x01\x01\x03\x01n\x03");
        let steps = vec![Step::Change(add), Step::Query(Query::Size)];
        let bytes = b"\x01\x02\x02\0\x03\x01n\x03\x01\x03";
        assert_eq!(encode(&Command::Transaction(steps)), bytes);
        assert_eq!(encode(&Command::Announce { node: 3, address: "h:1" }), b"\x01\0\x03\x03h:1");
        assert_eq!(encode(&Query::Get(Bytes(b"k"))), b"\x01\0\x01k");
    }

    #[test]
    fn what_is_encoded_decodes_and_nothing_else_does() {
        let pairs = vec![(Bytes(b"a"), Bytes(b"1")), (Bytes(b""), Bytes(b"\0\xff"))];
        let bytes = encode(&Command::Change(Change::SetMany(pairs.clone())));
        assert_eq!(decode(&bytes), Some(Command::Change(Change::SetMany(pairs))));
        for cut in 0..bytes.len() {
            assert_eq!(decode::<Command<'_>>(&bytes[..cut]), None, "cut at {cut}");
        }
        let longer = [&bytes[..], b"x"].concat();
        assert_eq!(decode::<Command<'_>>(&longer), None);
        let newer = [b"\x02", &bytes[1..]].concat();
        assert_eq!(decode::<Command<'_>>(&newer), None);
    }

    #[test]
    fn hostile_bytes_are_refused_without_large_allocations() {
        // A list that claims 2^63 members.
        let huge = b"\x01\x01\x02\xff\xff\xff\xff\xff\xff\xff\xff\x7f";
        assert_eq!(decode::<Command<'_>>(huge), None);
        let mut state = 1_u64;
        for _ in 0..20_000 {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(99);
            let bytes = [&[1][..], &state.to_le_bytes(), &state.to_be_bytes()].concat();
            let _ = decode::<Command<'_>>(&bytes);
            let _ = decode::<Query<'_>>(&bytes);
        }
    }
}
