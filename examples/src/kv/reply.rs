//! What a client is answered, in the words of Redis.

use super::machine::{ANSWER_MAX, Failure, Response};
use super::trouble::SPACE;
use raft_nostd::{LogFull, ProposeError, SnapshotFailure};
use std::io::Write;

/// How replies are written. What clients send looks the same in both.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Protocol {
    /// RESP2, until a client says `HELLO 3`.
    #[default]
    Resp2,
    /// As much of RESP3 as there is to say: its null and its maps.
    Resp3,
}

/// One reply.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reply {
    /// A word without line ends.
    Simple(&'static str),
    /// A code in capitals, then words, without line ends: see [`error`].
    Error(String),
    /// A number.
    Integer(i64),
    /// Any bytes.
    Bulk(Vec<u8>),
    /// Nothing.
    Null,
    /// Several replies.
    Array(Vec<Self>),
    /// Pairs of replies; in RESP2 an array of twice as many.
    Map(Vec<(Self, Self)>),
}

impl Reply {
    /// About how many bytes of memory it takes.
    pub fn cost(&self) -> usize {
        let inner = match self {
            Self::Simple(_) | Self::Integer(_) | Self::Null => 0,
            Self::Error(text) => text.len(),
            Self::Bulk(bytes) => bytes.len(),
            Self::Array(items) => items.iter().map(Self::cost).sum(),
            Self::Map(pairs) => pairs.iter().map(|(key, value)| key.cost() + value.cost()).sum(),
        };
        size_of::<Self>().saturating_add(inner)
    }

    /// Writes it to the end of `out`.
    pub fn append(&self, protocol: Protocol, out: &mut Vec<u8>) {
        match self {
            Self::Simple(text) => line(out, b'+', text),
            Self::Error(text) => line(out, b'-', text),
            Self::Integer(number) => line(out, b':', number),
            Self::Bulk(bytes) => {
                line(out, b'$', bytes.len());
                out.extend_from_slice(bytes);
                out.extend_from_slice(b"\r\n");
            }
            Self::Null if protocol == Protocol::Resp3 => line(out, b'_', ""),
            Self::Null => line(out, b'$', -1),
            Self::Array(items) => {
                line(out, b'*', items.len());
                items.iter().for_each(|item| item.append(protocol, out));
            }
            Self::Map(pairs) => {
                match protocol {
                    Protocol::Resp2 => line(out, b'*', pairs.len().saturating_mul(2)),
                    Protocol::Resp3 => line(out, b'%', pairs.len()),
                }
                for (key, value) in pairs {
                    key.append(protocol, out);
                    value.append(protocol, out);
                }
            }
        }
    }
}

fn line(out: &mut Vec<u8>, kind: u8, text: impl std::fmt::Display) {
    out.push(kind);
    // Writing to a vector does not fail.
    let _ = write!(out, "{text}\r\n");
}

/// `+OK`.
pub const fn ok() -> Reply {
    simple("OK")
}

/// A simple string; it has no line ends.
pub const fn simple(text: &'static str) -> Reply {
    Reply::Simple(text)
}

/// A bulk string.
pub fn bulk(bytes: impl Into<Vec<u8>>) -> Reply {
    Reply::Bulk(bytes.into())
}

/// An error: a code in capitals, then words. Line ends in it become spaces.
pub fn error(text: impl Into<String>) -> Reply {
    let text: String = text.into();
    if text.contains(['\r', '\n']) {
        return Reply::Error(text.replace(['\r', '\n'], " "));
    }
    Reply::Error(text)
}

/// What the state machine answered.
pub fn from_response(response: Response) -> Reply {
    match response {
        Response::Done => ok(),
        Response::Unmet | Response::Value(None) => Reply::Null,
        Response::Integer(number) => Reply::Integer(number),
        Response::Value(Some(value)) => bulk(value),
        Response::Values(values) => {
            let each = values.into_iter().map(|value| value.map_or(Reply::Null, bulk));
            Reply::Array(each.collect())
        }
        Response::Each(each) => Reply::Array(each.into_iter().map(from_response).collect()),
        Response::Failed(failure) => from_failure(failure),
    }
}

fn from_failure(failure: Failure) -> Reply {
    match failure {
        Failure::NotAnInteger => not_an_integer(),
        Failure::Overflow => error("ERR increment or decrement would overflow"),
        Failure::Undecodable => error("ERR the command is of another version of kv"),
        Failure::AnswerTooLong => {
            error(format!("ERR the values are longer than {ANSWER_MAX} bytes: ask for fewer"))
        }
    }
}

/// A value or an argument is no integer.
pub fn not_an_integer() -> Reply {
    error("ERR value is not an integer or out of range")
}

/// Why a command was not proposed; `None` when another node leads. Nothing was changed.
/// `failing` is what the last snapshot failed of, if it did.
pub fn from_refusal(refusal: ProposeError, failing: Option<SnapshotFailure>) -> Option<Reply> {
    Some(match refusal {
        ProposeError::NotLeader { .. } => return None,
        ProposeError::TooLarge { given, most } => too_large(given as u64, u64::from(most)),
        ProposeError::LogFull(LogFull::Uncommitted) => {
            error("TRYAGAIN too many writes wait for a majority; this one was not applied")
        }
        ProposeError::LogFull(LogFull::Capacity) => log_full(failing),
        ProposeError::StorageFull => {
            error("MISCONF the disk is full; nothing was written. Try again when there is space")
        }
        ProposeError::Halted => halted(),
    })
}

/// The log is full: what makes room again depends on what keeps snapshots from doing so.
fn log_full(failing: Option<SnapshotFailure>) -> Reply {
    const FULL: &str = "OOM the log is full, nothing was written:";
    match failing {
        None => error(format!(
            "{FULL} wait until a snapshot makes room. If that does not help, the log is too small for \
             the load: start every node with larger --log-bytes and --log-entries"
        )),
        Some(SnapshotFailure::Full) => error(format!(
            "{FULL} no snapshot makes room, for the disk of this node is full; {SPACE}"
        )),
        Some(SnapshotFailure::TooLarge) => error(format!(
            "{FULL} no snapshot makes room, for the state is too large for --snapshot-max; start every \
             node with a larger one"
        )),
        Some(SnapshotFailure::Storage | SnapshotFailure::Machine) => error(format!(
            "{FULL} no snapshot makes room, for none can be taken; see snapshot_failure in INFO raft"
        )),
    }
}

/// The command is longer than what the log takes.
pub fn too_large(given: u64, most: u64) -> Reply {
    error(format!("ERR value too large: {given} bytes, at most {most} (keys included)"))
}

/// Go to another node.
pub fn moved(address: &str) -> Reply {
    // Clients split at the last colon, and want IPv6 addresses without brackets.
    error(format!("MOVED 0 {}", address.replace(['[', ']'], "")))
}

/// There is no leader to go to.
pub fn no_leader() -> Reply {
    error("CLUSTERDOWN no leader is known; try again")
}

/// There is one, but nobody knows how clients reach it.
pub fn leader_without_address() -> Reply {
    error("CLUSTERDOWN the leader has not announced its address yet; try again")
}

/// This node has stopped for good.
pub fn halted() -> Reply {
    error("CLUSTERDOWN this node has halted and must be restarted; nothing was written")
}

/// A write of which another leader's entries took the place.
pub fn lost() -> Reply {
    error("TRYAGAIN another leader took over; the write was not applied")
}

/// A write of which nobody knows what becomes of it.
pub fn unknown(why: &str) -> Reply {
    error(format!("UNKNOWN the write may or may not be applied: {why}"))
}

/// A read that took too long.
pub fn read_too_late() -> Reply {
    error("TRYAGAIN the read was not confirmed by a majority in time")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(reply: &Reply) -> String {
        let mut out = b"|".to_vec();
        reply.append(Protocol::Resp2, &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn bytes_on_the_wire() {
        assert_eq!(text(&ok()), "|+OK\r\n");
        assert_eq!(text(&Reply::Null), "|$-1\r\n");
        for number in [0, 9, 10, -1, i64::MIN, i64::MAX] {
            assert_eq!(text(&Reply::Integer(number)), format!("|:{number}\r\n"));
        }
        for length in [0, 1, 9, 10, 99, 100, 9_999, 10_000] {
            let value = "v".repeat(length);
            assert_eq!(text(&bulk(value.as_bytes())), format!("|${length}\r\n{value}\r\n"));
        }
        let nested = Reply::Array(vec![bulk("a"), Reply::Null, Reply::Array(Vec::new())]);
        assert_eq!(text(&nested), "|*3\r\n$1\r\na\r\n$-1\r\n*0\r\n");
        assert_eq!(text(&error("ERR a\r\nb")), "|-ERR a  b\r\n");
        assert_eq!(text(&moved("[::1]:6381")), "|-MOVED 0 ::1:6381\r\n");
    }

    #[test]
    fn what_is_different_in_resp3() {
        let map = Reply::Map(vec![(bulk("a"), Reply::Integer(1)), (bulk("b"), Reply::Null)]);
        assert_eq!(text(&map), "|*4\r\n$1\r\na\r\n:1\r\n$1\r\nb\r\n$-1\r\n");
        let mut out = Vec::new();
        Reply::Array(vec![map, ok()]).append(Protocol::Resp3, &mut out);
        assert_eq!(out, b"*2\r\n%2\r\n$1\r\na\r\n:1\r\n$1\r\nb\r\n_\r\n+OK\r\n");
    }

    /// What does not help is not advised.
    #[test]
    fn a_full_log_names_what_helps() {
        let full = |failing| {
            let refusal = ProposeError::LogFull(LogFull::Capacity);
            text(&from_refusal(refusal, failing).unwrap())
        };
        let flags =
            ["--log-bytes", "--snapshot-max", "disk of this node is full", "snapshot_failure"];
        for (failing, helps) in [
            (None, flags[0]),
            (Some(SnapshotFailure::TooLarge), flags[1]),
            (Some(SnapshotFailure::Full), flags[2]),
            (Some(SnapshotFailure::Storage), flags[3]),
            (Some(SnapshotFailure::Machine), flags[3]),
        ] {
            let told = full(failing);
            assert!(told.starts_with("|-OOM the log is full, nothing was written: "), "{told}");
            let named: Vec<_> = flags.into_iter().filter(|flag| told.contains(flag)).collect();
            assert_eq!(named, [helps], "{told}");
        }
    }

    #[test]
    fn values() {
        let values = Response::Values(vec![Some(b"a"[..].into()), None]);
        assert_eq!(text(&from_response(values)), "|*2\r\n$1\r\na\r\n$-1\r\n");
        assert_eq!(text(&from_response(Response::Unmet)), "|$-1\r\n");
    }
}
