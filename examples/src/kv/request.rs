//! From words to what a client wants.

use super::encoding::{Bytes, Change, Condition, Query};
use super::machine::integer;
use super::reply::{Reply, error, not_an_integer};
use super::table::{Verb, find};

/// What a client wants.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Request<'a> {
    /// A change of the replicated state.
    Write(Change<'a>),
    /// A look at it.
    Read(Query<'a>),
    /// `MULTI`: the beginning of a transaction.
    Multi,
    /// `EXEC`: its end.
    Exec,
    /// `DISCARD`: its end without effect.
    Discard,
    /// Something that any node answers at once.
    Local(Verb, Vec<&'a [u8]>),
    /// To be gone.
    Quit,
}

/// Understands the words of one command.
///
/// # Errors
/// What to answer instead; the connection goes on.
pub fn parse<'a>(words: &[&'a [u8]]) -> Result<Request<'a>, Reply> {
    let Some((name, arguments)) = words.split_first() else {
        return Err(unknown_command(b"", &[]));
    };
    let row = find(name).ok_or_else(|| unknown_command(name, arguments))?;
    if !row.takes(words.len()) {
        return Err(wrong_arity(row.name));
    }
    Ok(match (row.verb, arguments) {
        (Verb::Get, [key]) => Request::Read(Query::Get(Bytes(key))),
        (Verb::MGet, keys) => Request::Read(Query::GetMany(bytes(keys))),
        (Verb::Exists, keys) => Request::Read(Query::Count(bytes(keys))),
        (Verb::DbSize, _) => Request::Read(Query::Size),
        (Verb::Set, [key, value, options @ ..]) => Request::Write(Change::Set {
            key: Bytes(key),
            value: Bytes(value),
            condition: condition(options)?,
        }),
        (Verb::MSet, pairs) => Request::Write(Change::SetMany(paired(pairs)?)),
        (Verb::Del, keys) => Request::Write(Change::Delete(bytes(keys))),
        (Verb::Incr, [key]) => Request::Write(Change::Add { key: Bytes(key), by: 1 }),
        (Verb::Decr, [key]) => Request::Write(Change::Add { key: Bytes(key), by: -1 }),
        (Verb::IncrBy, [key, by]) => {
            let by = integer(by).ok_or_else(not_an_integer)?;
            Request::Write(Change::Add { key: Bytes(key), by })
        }
        (Verb::DecrBy, [key, by]) => {
            let by = integer(by).ok_or_else(not_an_integer)?;
            let by = by.checked_neg().ok_or_else(|| error("ERR decrement would overflow"))?;
            Request::Write(Change::Add { key: Bytes(key), by })
        }
        (Verb::FlushAll, [] | [_]) => {
            let known = |mode: &&[u8]| is(mode, "async") || is(mode, "sync");
            if !arguments.iter().all(known) {
                return Err(syntax_error());
            }
            Request::Write(Change::Clear)
        }
        (Verb::Multi, _) => Request::Multi,
        (Verb::Exec, _) => Request::Exec,
        (Verb::Discard, _) => Request::Discard,
        (Verb::Quit, _) => Request::Quit,
        (Verb::FlushAll, _) => return Err(syntax_error()),
        (verb, arguments) => Request::Local(verb, arguments.to_vec()),
    })
}

fn bytes<'a>(keys: &[&'a [u8]]) -> Vec<Bytes<'a>> {
    keys.iter().map(|key| Bytes(key)).collect()
}

fn paired<'a>(words: &[&'a [u8]]) -> Result<Vec<(Bytes<'a>, Bytes<'a>)>, Reply> {
    let (pairs, rest) = words.as_chunks::<2>();
    if !rest.is_empty() {
        return Err(wrong_arity("mset"));
    }
    Ok(pairs.iter().map(|[key, value]| (Bytes(key), Bytes(value))).collect())
}

fn condition(options: &[&[u8]]) -> Result<Condition, Reply> {
    match options {
        [] => Ok(Condition::Always),
        [option] if is(option, "nx") => Ok(Condition::Absent),
        [option] if is(option, "xx") => Ok(Condition::Present),
        _ => Err(match options.iter().find_map(|option| unsupported(option)) {
            Some(name) => {
                error(format!("ERR SET with {name} is not supported: only NX and XX are"))
            }
            None => syntax_error(),
        }),
    }
}

/// The name of an option of Redis' `SET` that is none here.
fn unsupported(option: &[u8]) -> Option<&'static str> {
    const NAMES: [&str; 11] =
        ["EX", "PX", "EXAT", "PXAT", "KEEPTTL", "GET", "PERSIST", "IFEQ", "IFNE", "IFDEQ", "IFDNE"];
    NAMES.into_iter().find(|name| is(option, name))
}

/// Whether `word` is `name`, in capitals or not.
pub fn is(word: &[u8], name: &str) -> bool {
    word.eq_ignore_ascii_case(name.as_bytes())
}

/// As Redis words it.
pub fn syntax_error() -> Reply {
    error("ERR syntax error")
}

/// As Redis words it.
pub fn wrong_arity(name: &str) -> Reply {
    error(format!("ERR wrong number of arguments for '{name}' command"))
}

/// As Redis words it: with the first 128 bytes of the name and of the arguments.
fn unknown_command(name: &[u8], arguments: &[&[u8]]) -> Reply {
    let mut shown = String::new();
    for argument in arguments {
        if shown.len() >= 128 {
            break;
        }
        shown.push_str(&format!("'{}' ", excerpt(argument, 128_usize.saturating_sub(shown.len()))));
    }
    let name = excerpt(name, 128);
    error(format!("ERR unknown command '{name}', with args beginning with: {shown}"))
}

/// As Redis words it.
pub fn unknown_subcommand(command: &str, subcommand: &[u8]) -> Reply {
    let shown = excerpt(subcommand, 128);
    error(format!("ERR unknown subcommand '{shown}'. Try {command} HELP."))
}

fn excerpt(word: &[u8], most: usize) -> String {
    String::from_utf8_lossy(word.get(..most).unwrap_or(word)).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(line: &str) -> Result<Request<'_>, String> {
        let words: Vec<&[u8]> = line.split(' ').map(str::as_bytes).collect();
        parse(&words).map_err(|reply| match reply {
            Reply::Error(text) => text,
            other => panic!("{other:?}"),
        })
    }

    #[test]
    fn writes_and_reads() {
        let set = |condition| {
            Ok(Request::Write(Change::Set { key: Bytes(b"k"), value: Bytes(b"v"), condition }))
        };
        assert_eq!(parsed("SET k v"), set(Condition::Always));
        assert_eq!(parsed("set k v nx"), set(Condition::Absent));
        assert_eq!(parsed("SeT k v XX"), set(Condition::Present));
        let add = |by| Ok(Request::Write(Change::Add { key: Bytes(b"n"), by }));
        assert_eq!(parsed("INCR n"), add(1));
        assert_eq!(parsed("DECR n"), add(-1));
        assert_eq!(parsed("INCRBY n -5"), add(-5));
        assert_eq!(parsed("DECRBY n 5"), add(-5));
        assert_eq!(parsed("GET k"), Ok(Request::Read(Query::Get(Bytes(b"k")))));
        assert_eq!(parsed("DBSIZE"), Ok(Request::Read(Query::Size)));
        assert_eq!(parsed("FLUSHALL ASYNC"), Ok(Request::Write(Change::Clear)));
        let pairs = vec![(Bytes(b"a"), Bytes(b"1")), (Bytes(b"b"), Bytes(b"2"))];
        assert_eq!(parsed("MSET a 1 b 2"), Ok(Request::Write(Change::SetMany(pairs))));
        assert_eq!(parsed("quit"), Ok(Request::Quit));
        assert_eq!(parsed("ping hi"), Ok(Request::Local(Verb::Ping, vec![b"hi"])));
    }

    #[test]
    fn errors_in_the_words_of_redis() {
        let cases = [
            ("GET", "ERR wrong number of arguments for 'get' command"),
            ("get a b", "ERR wrong number of arguments for 'get' command"),
            ("MSET a 1 b", "ERR wrong number of arguments for 'mset' command"),
            ("SET k v EX 10", "ERR SET with EX is not supported: only NX and XX are"),
            ("SET k v nx get", "ERR SET with GET is not supported: only NX and XX are"),
            ("SET k v keepttl", "ERR SET with KEEPTTL is not supported: only NX and XX are"),
            ("SET k v SOON", "ERR syntax error"),
            ("SET k v NX XX", "ERR syntax error"),
            ("FLUSHALL NOW", "ERR syntax error"),
            ("FLUSHALL SYNC SYNC", "ERR syntax error"),
            ("INCRBY n 1.5", "ERR value is not an integer or out of range"),
            ("INCRBY n 9223372036854775808", "ERR value is not an integer or out of range"),
            ("DECRBY n -9223372036854775808", "ERR decrement would overflow"),
            ("FOO a b", "ERR unknown command 'FOO', with args beginning with: 'a' 'b' "),
        ];
        for (line, error) in cases {
            assert_eq!(parsed(line), Err(error.to_owned()), "{line}");
        }
    }

    #[test]
    fn an_unknown_command_is_quoted_in_part() {
        let long = "x".repeat(1_000);
        let Err(text) = parsed(&format!("{long} {long} {long}")) else { panic!("it is known") };
        assert!(text.len() < 400, "{text}");
    }
}
