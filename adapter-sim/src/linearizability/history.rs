//! What clients did and saw.
//!
//! Times are measured from one common starting point on one monotonic clock. A client must take
//! the time of invocation *before* it sends its request, and the time of completion *after* it
//! has received the answer.

use std::fmt;
use std::time::Duration;

use super::models::kv::{Call, Reply};

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
