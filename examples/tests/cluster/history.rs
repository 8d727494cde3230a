//! What the clients of the key-value store did and saw: the input of the
//! [linearizability](super::linearizability) checker.
//!
//! Times are measured from one common starting point on one monotonic clock. A client must take
//! the time of invocation *before* it sends its request, and the time of completion *after* it
//! has received the answer; [`History::begin`] and [`Pending`] do so.

use std::fmt;
use std::sync::Mutex;
use std::time::{Duration, Instant};

/// What a client asked for, on one key.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Call {
    /// Write this value.
    Set(String),
    /// Read the value.
    Get,
    /// Read the value as a decimal `i64` (an absent key counts as 0) and write it plus one.
    Incr,
    /// Remove the key.
    Del,
}

/// What the store answered.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Reply {
    /// To [`Call::Set`]: written.
    Done,
    /// To [`Call::Get`]: the value, or `None` if the key is absent.
    Value(Option<String>),
    /// To [`Call::Incr`]: the number written.
    Number(i64),
    /// To [`Call::Del`]: how many keys were removed, 0 or 1.
    Removed(u64),
    /// To [`Call::Incr`]: the value is not an `i64`, or is the greatest one. Nothing was
    /// written. Unlike [`Completion::Failed`] this says something about the value, and is
    /// checked.
    Refused,
}

/// How an operation ended, as far as its client knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Completion {
    /// The store answered.
    Ok {
        /// Its answer.
        reply: Reply,
        /// When the client had it.
        at: Duration,
    },
    /// No answer (a time-out, a lost connection): the operation may take effect at any time
    /// after its invocation, or never.
    Unknown,
    /// It certainly was not and will not be applied.
    Failed,
}

/// One operation of one client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Operation {
    /// Who asked. Only shown to the reader of a violation.
    pub client: u64,
    /// The key concerned.
    pub key: String,
    /// What was asked.
    pub call: Call,
    /// When it was asked.
    pub invoked: Duration,
    /// How it ended.
    pub completion: Completion,
}

/// A record of operations that many threads can write to.
#[derive(Debug)]
pub struct History {
    start: Instant,
    operations: Mutex<Vec<Operation>>,
}

impl History {
    /// An empty history, whose clock starts now.
    pub fn new() -> Self {
        Self { start: Instant::now(), operations: Mutex::new(Vec::new()) }
    }

    /// The time since the start of this history.
    pub fn now(&self) -> Duration {
        self.start.elapsed()
    }

    /// Adds a finished operation.
    pub fn record(&self, operation: Operation) {
        self.operations.lock().expect("no recorder panics").push(operation);
    }

    /// Notes that `client` is about to ask for `call`. Call it before sending the request.
    pub fn begin(&self, client: u64, key: &str, call: Call) -> Pending<'_> {
        let key = key.to_owned();
        let completion = Completion::Unknown;
        let invoked = self.now();
        let operation = Operation { client, key, call, invoked, completion };
        Pending { history: self, operation }
    }

    /// Everything recorded, in the order of recording.
    ///
    /// It consumes the history so that no [`Pending`] operation can be outstanding: one left out
    /// could make a correct store look wrong.
    pub fn into_operations(self) -> Vec<Operation> {
        self.operations.into_inner().expect("no recorder panics")
    }
}

/// An operation under way. It enters the history when it ends; if it is dropped (the client
/// panicked, returned early) it enters as [`Completion::Unknown`].
#[derive(Debug)]
#[must_use = "dropping it at once records an operation that never returned"]
pub struct Pending<'a> {
    history: &'a History,
    operation: Operation,
}

impl Pending<'_> {
    /// The store answered, just now.
    pub fn returned(mut self, reply: Reply) {
        self.operation.completion = Completion::Ok { reply, at: self.history.now() };
    }

    /// There was no answer: it may have taken effect, or may yet.
    pub fn unknown(self) {
        drop(self);
    }

    /// It certainly had and will have no effect.
    pub fn failed(mut self) {
        self.operation.completion = Completion::Failed;
    }
}

impl Drop for Pending<'_> {
    fn drop(&mut self) {
        self.history.record(self.operation.clone());
    }
}

impl fmt::Display for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Set(value) => write!(f, "set {value:?}"),
            Self::Get => write!(f, "get"),
            Self::Incr => write!(f, "incr"),
            Self::Del => write!(f, "del"),
        }
    }
}

impl fmt::Display for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Done => write!(f, "done"),
            Self::Value(Some(value)) => write!(f, "{value:?}"),
            Self::Value(None) => write!(f, "absent"),
            Self::Number(number) => write!(f, "{number}"),
            Self::Removed(count) => write!(f, "removed {count}"),
            Self::Refused => write!(f, "refused"),
        }
    }
}

/// `time` in milliseconds, to the microsecond.
pub fn millis(time: Duration) -> String {
    format!("{}.{:03}ms", time.as_millis(), time.subsec_micros() % 1000)
}

/// The columns client, invocation, return, and call with reply.
impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (returned, outcome) = match &self.completion {
            Completion::Ok { reply, at } => (millis(*at), reply.to_string()),
            Completion::Unknown => ("-".to_owned(), "unknown".to_owned()),
            Completion::Failed => ("-".to_owned(), "failed".to_owned()),
        };
        let client = format!("c{}", self.client);
        let invoked = millis(self.invoked);
        write!(f, "{client:<6} {invoked:<14} {returned:<14} {} -> {outcome}", self.call)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pending_operations_are_recorded_however_they_end() {
        let history = History::new();
        history.begin(1, "k", Call::Set("a".to_owned())).returned(Reply::Done);
        history.begin(1, "k", Call::Incr).unknown();
        history.begin(1, "k", Call::Del).failed();
        drop(history.begin(1, "k", Call::Get));

        let operations = history.into_operations();
        let Completion::Ok { reply: Reply::Done, at } = operations[0].completion else {
            panic!("not returned: {}", operations[0]);
        };
        assert!(operations[0].invoked <= at && at <= operations[1].invoked);
        let rest: Vec<_> = operations[1..].iter().map(|o| o.completion.clone()).collect();
        assert_eq!(rest, [Completion::Unknown, Completion::Failed, Completion::Unknown]);
    }

    #[test]
    fn threads_record_into_one_history() {
        let history = History::new();
        std::thread::scope(|scope| {
            for client in 0..4 {
                let history = &history;
                scope.spawn(move || {
                    for _ in 0..50 {
                        history.begin(client, "k", Call::Get).returned(Reply::Value(None));
                    }
                });
            }
        });
        assert_eq!(history.into_operations().len(), 200);
    }

    #[test]
    fn operations_are_readable() {
        let operation = Operation {
            client: 3,
            key: "k".to_owned(),
            call: Call::Set("a b".to_owned()),
            invoked: Duration::from_millis(5),
            completion: Completion::Ok { reply: Reply::Done, at: Duration::from_micros(7500) },
        };
        let words: Vec<_> = operation.to_string().split_whitespace().map(str::to_owned).collect();
        assert_eq!(words, ["c3", "5.000ms", "7.500ms", "set", "\"a", "b\"", "->", "done"]);
    }
}
