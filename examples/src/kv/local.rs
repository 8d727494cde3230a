//! Commands that need neither the state nor the node: answered at once, by any node.

use super::machine::integer;
use super::reply::{self, Protocol, Reply, bulk, error, ok, simple};
use super::request::{is, syntax_error, unknown_subcommand, wrong_arity};
use super::table::{TABLE, Verb, find};

/// The longest name a client may give itself.
const NAME_MAX: usize = 256;

/// Who is asking.
#[derive(Debug)]
pub struct Who {
    id: u64,
    name: Vec<u8>,
    protocol: Protocol,
}

impl Who {
    /// Client `id`, without a name.
    pub const fn new(id: u64) -> Self {
        Self { id, name: Vec::new(), protocol: Protocol::Resp2 }
    }
}

impl Who {
    fn rename(&mut self, name: &[u8]) -> Result<(), Reply> {
        if name.len() > NAME_MAX || !name.iter().all(u8::is_ascii_graphic) {
            return Err(error(
                "ERR Client names cannot contain spaces, newlines or special characters.",
            ));
        }
        self.name = name.to_vec();
        Ok(())
    }
}

/// What `CONFIG GET` tells. Clients ask for the first two before they measure anything.
const CONFIG: [(&str, &str); 6] = [
    ("save", ""),
    ("appendonly", "yes"),
    ("appendfsync", "always"),
    ("databases", "1"),
    ("maxmemory", "0"),
    ("timeout", "0"),
];

/// Answers `verb` with `words` after it.
pub fn answer(verb: Verb, words: &[&[u8]], who: &mut Who) -> Reply {
    match (verb, words) {
        (Verb::Ping, []) => simple("PONG"),
        (Verb::Ping | Verb::Echo, [message]) => bulk(*message),
        (Verb::Ping, _) => wrong_arity("ping"),
        (Verb::Select, [database]) => match integer(database) {
            Some(0) => ok(),
            Some(_) => error("ERR DB index is out of range"),
            None => reply::not_an_integer(),
        },
        (Verb::Client, [subcommand, rest @ ..]) => client(subcommand, rest, who),
        (Verb::Command, words) => command(words),
        (Verb::Config, [subcommand, patterns @ ..]) => config(subcommand, patterns),
        // Nothing else comes here: the others have answers of their own, and arities are checked.
        _ => syntax_error(),
    }
}

fn client(subcommand: &[u8], rest: &[&[u8]], who: &mut Who) -> Reply {
    match rest {
        [] if is(subcommand, "id") => Reply::Integer(i64::try_from(who.id).unwrap_or(i64::MAX)),
        [] if is(subcommand, "getname") && who.name.is_empty() => Reply::Null,
        [] if is(subcommand, "getname") => bulk(who.name.clone()),
        [name] if is(subcommand, "setname") => match who.rename(name) {
            Ok(()) => ok(),
            Err(reply) => reply,
        },
        [attribute, _] if is(subcommand, "setinfo") => {
            if is(attribute, "lib-name") || is(attribute, "lib-ver") {
                return ok();
            }
            error(format!("ERR Unrecognized option '{}'", String::from_utf8_lossy(attribute)))
        }
        _ if is(subcommand, "id") => wrong_arity("client|id"),
        _ if is(subcommand, "getname") => wrong_arity("client|getname"),
        _ if is(subcommand, "setname") => wrong_arity("client|setname"),
        _ if is(subcommand, "setinfo") => wrong_arity("client|setinfo"),
        _ => unknown_subcommand("CLIENT", subcommand),
    }
}

fn command(words: &[&[u8]]) -> Reply {
    let all = || Reply::Array(TABLE.iter().map(|row| row.describe()).collect());
    match words {
        [] => all(),
        [subcommand] if is(subcommand, "count") => Reply::Integer(TABLE.len() as i64),
        [subcommand] if is(subcommand, "info") => all(),
        [subcommand, names @ ..] if is(subcommand, "info") => {
            let each =
                names.iter().map(|name| find(name).map_or(Reply::Null, |row| row.describe()));
            Reply::Array(each.collect())
        }
        [subcommand, ..] if is(subcommand, "docs") => Reply::Map(Vec::new()),
        [subcommand, ..] => unknown_subcommand("COMMAND", subcommand),
    }
}

fn config(subcommand: &[u8], patterns: &[&[u8]]) -> Reply {
    if !is(subcommand, "get") {
        return unknown_subcommand("CONFIG", subcommand);
    }
    if patterns.is_empty() {
        return wrong_arity("config|get");
    }
    let asked = |name: &str| patterns.iter().any(|pattern| *pattern == b"*" || is(pattern, name));
    let found = CONFIG.iter().filter(|(name, _)| asked(name));
    Reply::Map(found.map(|(name, value)| (bulk(*name), bulk(*value))).collect())
}

/// `HELLO [version [AUTH name password] [SETNAME name]]`: the reply, and the protocol from it on.
///
/// # Errors
/// What to answer instead; the protocol stays.
pub fn hello(words: &[&[u8]], who: &mut Who) -> Result<(Reply, Protocol), Reply> {
    let (protocol, options) = match words {
        [] => (who.protocol, words),
        [version, options @ ..] => (protocol(version)?, options),
    };
    match options {
        [] => {}
        [option, name] if is(option, "setname") => who.rename(name)?,
        [option, ..] if is(option, "auth") => {
            return Err(error("ERR AUTH called, but there are no passwords here"));
        }
        _ => return Err(syntax_error()),
    }
    who.protocol = protocol;
    let version = match protocol {
        Protocol::Resp2 => 2,
        Protocol::Resp3 => 3,
    };
    let fields = vec![
        (bulk("server"), bulk("redis")),
        (bulk("version"), bulk(super::info::REDIS_VERSION)),
        (bulk("proto"), Reply::Integer(version)),
        (bulk("id"), Reply::Integer(i64::try_from(who.id).unwrap_or(i64::MAX))),
        (bulk("mode"), bulk("standalone")),
        (bulk("role"), bulk("master")),
        (bulk("modules"), Reply::Array(Vec::new())),
    ];
    Ok((Reply::Map(fields), protocol))
}

fn protocol(version: &[u8]) -> Result<Protocol, Reply> {
    match integer(version) {
        Some(2) => Ok(Protocol::Resp2),
        Some(3) => Ok(Protocol::Resp3),
        Some(_) => Err(error("NOPROTO unsupported protocol version")),
        None => Err(error("ERR Protocol version is not an integer or out of range")),
    }
}

/// Whether a command is the beginning of an HTTP request, which a web browser may be made to send
/// by a hostile page.
pub fn is_http(name: &[u8]) -> bool {
    is(name, "post") || is(name, "host:")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(line: &str, who: &mut Who) -> String {
        let words: Vec<&[u8]> = line.split(' ').map(str::as_bytes).collect();
        let row = find(words[0]).unwrap();
        let mut out = Vec::new();
        let reply = match row.verb {
            Verb::Hello => hello(&words[1..], who).map_or_else(|reply| reply, |(reply, _)| reply),
            verb => answer(verb, &words[1..], who),
        };
        reply.append(who.protocol, &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn what_clients_ask_when_they_connect() {
        let mut who = Who::new(7);
        let mut ask = |line| ask(line, &mut who);
        assert_eq!(ask("CLIENT SETINFO LIB-NAME redis-py"), "+OK\r\n");
        assert_eq!(ask("client setinfo lib-ver 8.1.0"), "+OK\r\n");
        assert_eq!(ask("CLIENT GETNAME"), "$-1\r\n");
        assert_eq!(ask("CLIENT SETNAME me"), "+OK\r\n");
        assert_eq!(ask("CLIENT GETNAME"), "$2\r\nme\r\n");
        assert_eq!(ask("CLIENT ID"), ":7\r\n");
        assert!(ask("CLIENT TRACKING on").starts_with("-ERR unknown subcommand 'TRACKING'"));
        assert_eq!(ask("HELLO 4"), "-NOPROTO unsupported protocol version\r\n");
        assert!(ask("HELLO x").starts_with("-ERR Protocol version is not an integer"));
        assert!(ask("HELLO 3 AUTH a b").starts_with("-ERR AUTH"));
        assert!(ask("HELLO 3 NOPE").starts_with("-ERR syntax error"));
        assert!(ask("HELLO 3 SETNAME you").starts_with("%7\r\n"));
        assert_eq!(ask("CONFIG GET save"), "%1\r\n$4\r\nsave\r\n$0\r\n\r\n");
        assert_eq!(ask("CLIENT GETNAME"), "$3\r\nyou\r\n");
        assert!(ask("HELLO").starts_with("%7\r\n"));
        assert!(ask("HELLO 2").starts_with("*14\r\n"));
        assert_eq!(ask("CONFIG GET save"), "*2\r\n$4\r\nsave\r\n$0\r\n\r\n");
        assert_eq!(ask("CONFIG GET appendonly"), "*2\r\n$10\r\nappendonly\r\n$3\r\nyes\r\n");
        assert_eq!(ask("CONFIG GET nothing"), "*0\r\n");
        assert_eq!(ask("COMMAND DOCS"), "*0\r\n");
        assert_eq!(ask("COMMAND COUNT"), ":28\r\n");
        let get = "*6\r\n$3\r\nget\r\n:2\r\n*2\r\n+readonly\r\n+fast\r\n:1\r\n:1\r\n:1\r\n";
        assert_eq!(ask("COMMAND INFO get none"), format!("*2\r\n{get}$-1\r\n"));
        assert_eq!(ask("SELECT 0"), "+OK\r\n");
        assert_eq!(ask("SELECT 1"), "-ERR DB index is out of range\r\n");
        assert_eq!(ask("PING"), "+PONG\r\n");
        assert_eq!(ask("PING hi"), "$2\r\nhi\r\n");
    }
}
