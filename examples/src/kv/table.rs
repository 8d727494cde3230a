//! The commands: names, arities and what `COMMAND` tells about them.

use super::reply::{Reply, bulk, simple};

/// A command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verb {
    /// `GET key`
    Get,
    /// `SET key value [NX | XX]`
    Set,
    /// `MGET key [key ...]`
    MGet,
    /// `MSET key value [key value ...]`
    MSet,
    /// `INCR key`
    Incr,
    /// `INCRBY key increment`
    IncrBy,
    /// `DECR key`
    Decr,
    /// `DECRBY key decrement`
    DecrBy,
    /// `DEL key [key ...]`
    Del,
    /// `EXISTS key [key ...]`
    Exists,
    /// `DBSIZE`
    DbSize,
    /// `FLUSHALL [ASYNC | SYNC]`
    FlushAll,
    /// `MULTI`
    Multi,
    /// `EXEC`
    Exec,
    /// `DISCARD`
    Discard,
    /// `PING [message]`
    Ping,
    /// `ECHO message`
    Echo,
    /// `INFO [section ...]`
    Info,
    /// `ROLE`
    Role,
    /// `BGSAVE [SCHEDULE]`
    BgSave,
    /// `LASTSAVE`
    LastSave,
    /// `CLIENT subcommand ...`
    Client,
    /// `COMMAND [subcommand ...]`
    Command,
    /// `CONFIG GET pattern [pattern ...]`
    Config,
    /// `SELECT 0`
    Select,
    /// `HELLO [version ...]`
    Hello,
    /// `QUIT`
    Quit,
}

/// A command as the table has it.
#[derive(Clone, Copy, Debug)]
pub struct Row {
    /// Its name, in small letters.
    pub name: &'static str,
    /// Which it is.
    pub verb: Verb,
    /// How many words it has, its name included; at least so many when negative.
    pub arity: i8,
    flags: &'static [&'static str],
    /// Where its keys are: first, last and step.
    keys: [i8; 3],
}

const READ: &[&str] = &["readonly", "fast"];
const WRITE: &[&str] = &["write", "denyoom", "fast"];
const LOCAL: &[&str] = &["loading", "stale", "fast"];
const ONE: [i8; 3] = [1, 1, 1];
const ALL: [i8; 3] = [1, -1, 1];
const NONE: [i8; 3] = [0, 0, 0];

const fn row(
    name: &'static str,
    verb: Verb,
    arity: i8,
    flags: &'static [&'static str],
    keys: [i8; 3],
) -> Row {
    Row { name, verb, arity, flags, keys }
}

/// All commands, the frequent ones first.
pub const TABLE: [Row; 28] = [
    row("get", Verb::Get, 2, READ, ONE),
    row("set", Verb::Set, -3, WRITE, ONE),
    row("mget", Verb::MGet, -2, READ, ALL),
    row("mset", Verb::MSet, -3, WRITE, [1, -1, 2]),
    row("incr", Verb::Incr, 2, WRITE, ONE),
    row("incrby", Verb::IncrBy, 3, WRITE, ONE),
    row("decr", Verb::Decr, 2, WRITE, ONE),
    row("decrby", Verb::DecrBy, 3, WRITE, ONE),
    row("del", Verb::Del, -2, WRITE, ALL),
    row("exists", Verb::Exists, -2, READ, ALL),
    row("dbsize", Verb::DbSize, 1, READ, NONE),
    row("flushall", Verb::FlushAll, -1, WRITE, NONE),
    row("flushdb", Verb::FlushAll, -1, WRITE, NONE),
    row("multi", Verb::Multi, 1, LOCAL, NONE),
    row("exec", Verb::Exec, 1, LOCAL, NONE),
    row("discard", Verb::Discard, 1, LOCAL, NONE),
    row("ping", Verb::Ping, -1, LOCAL, NONE),
    row("echo", Verb::Echo, 2, LOCAL, NONE),
    row("info", Verb::Info, -1, LOCAL, NONE),
    row("role", Verb::Role, 1, LOCAL, NONE),
    row("bgsave", Verb::BgSave, -1, LOCAL, NONE),
    row("lastsave", Verb::LastSave, 1, LOCAL, NONE),
    row("client", Verb::Client, -2, LOCAL, NONE),
    row("command", Verb::Command, -1, LOCAL, NONE),
    row("config", Verb::Config, -2, LOCAL, NONE),
    row("select", Verb::Select, 2, LOCAL, NONE),
    row("hello", Verb::Hello, -1, LOCAL, NONE),
    row("quit", Verb::Quit, -1, LOCAL, NONE),
];

/// The command of this name, in capitals or not.
pub fn find(name: &[u8]) -> Option<&'static Row> {
    TABLE.iter().find(|row| row.name.as_bytes().eq_ignore_ascii_case(name))
}

impl Row {
    /// Whether `words`, the name included, are as many as there must be.
    pub fn takes(&self, words: usize) -> bool {
        let least = usize::from(self.arity.unsigned_abs());
        if self.arity < 0 { words >= least } else { words == least }
    }

    /// As `COMMAND` shows it.
    pub fn describe(&self) -> Reply {
        let flags = self.flags.iter().map(|flag| simple(flag)).collect();
        let mut items = vec![bulk(self.name), Reply::Integer(self.arity.into())];
        items.push(Reply::Array(flags));
        items.extend(self.keys.map(|key| Reply::Integer(key.into())));
        Reply::Array(items)
    }
}
