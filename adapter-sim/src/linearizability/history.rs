//! What clients did and saw.

use std::fmt;
use std::time::Duration;

use super::check::{self, CheckError, Summary};
use super::model::Model;

/// How an operation ended, as far as its client knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Completion<R> {
    /// There was an answer.
    Ok {
        /// The answer.
        reply: R,
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
pub struct Operation<M: Model> {
    /// Who asked. Only shown to the reader of a violation.
    pub client: u64,
    /// The key concerned.
    pub key: String,
    /// What was asked.
    pub call: M::Call,
    /// When it was asked.
    pub invoked: Duration,
    /// How it ended.
    pub completion: Completion<M::Reply>,
}

impl<M: Model> Operation<M> {
    /// When its answer was received, if it was.
    #[must_use]
    pub fn returned(&self) -> Option<Duration> {
        match self.completion {
            Completion::Ok { at, .. } => Some(at),
            Completion::Unknown | Completion::Failed => None,
        }
    }
}

/// Names an operation in the [`History`] that gave it out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OperationId(pub(super) usize);

/// A record of operations, in the order in which they were invoked.
///
/// All times are measured from one starting point on one monotonic clock. An operation is invoked
/// *before* its request is sent, and answered *after* the reply was received: a record that makes
/// it look shorter than it was accuses the innocent. One that makes it look longer only
/// overlooks something.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct History<M: Model> {
    operations: Vec<Operation<M>>,
}

impl<M: Model> History<M> {
    /// An empty history.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Notes that `client` asks for `call` on `key`. Until told otherwise the outcome is
    /// [unknown](Completion::Unknown).
    pub fn invoke(
        &mut self,
        client: u64,
        key: impl Into<String>,
        call: M::Call,
        at: Duration,
    ) -> OperationId {
        let (key, completion) = (key.into(), Completion::Unknown);
        self.operations.push(Operation { client, key, call, invoked: at, completion });
        OperationId(self.operations.len() - 1)
    }

    /// Notes that the client has received `reply`.
    ///
    /// # Panics
    ///
    /// If the operation has ended before, or is none of this history.
    pub fn respond(&mut self, id: OperationId, reply: M::Reply, at: Duration) {
        self.end(id, Completion::Ok { reply, at });
    }

    /// Notes that the operation certainly was not and will not be applied: the request was never
    /// sent, or whoever received it says that it refused. A time-out proves no such thing.
    ///
    /// # Panics
    ///
    /// If the operation has ended before, or is none of this history.
    pub fn fail(&mut self, id: OperationId) {
        self.end(id, Completion::Failed);
    }

    fn end(&mut self, id: OperationId, completion: Completion<M::Reply>) {
        let operation = &mut self.operations[id.0];
        let is_open = operation.completion == Completion::Unknown;
        assert!(is_open, "it has ended before, {completion:?} now: {operation}");
        operation.completion = completion;
    }

    /// All operations so far, by [`OperationId`].
    #[must_use]
    pub fn operations(&self) -> &[Operation<M>] {
        &self.operations
    }

    /// All operations, by [`OperationId`].
    #[must_use]
    pub fn into_operations(self) -> Vec<Operation<M>> {
        self.operations
    }

    /// Checks that the history so far is linearizable, within the default
    /// [`Limits`](super::Limits).
    ///
    /// # Errors
    ///
    /// As for [`check`](super::check()).
    pub fn check(&self) -> Result<Summary, CheckError<M>> {
        check::check(&self.operations)
    }
}

/// `time` in milliseconds, to the microsecond.
#[must_use]
pub fn millis(time: Duration) -> String {
    format!("{}.{:03}ms", time.as_millis(), time.subsec_micros() % 1000)
}

/// The columns client, invocation, return, and call with reply.
impl<M: Model> fmt::Display for Operation<M> {
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
    use super::super::models::kv::{Call, Reply, Text};
    use super::*;

    const fn ms(millis: u64) -> Duration {
        Duration::from_millis(millis)
    }

    #[test]
    fn operations_are_recorded_however_they_end() {
        let mut history = History::<Text>::new();
        let set = history.invoke(1, "k", Call::Set("a".to_owned()), ms(1));
        let incr = history.invoke(2, "k", Call::Incr, ms(2));
        history.invoke(3, "k", Call::Get, ms(3));
        history.fail(incr);
        history.respond(set, Reply::Done, ms(4));

        let completions: Vec<_> = history.operations().iter().map(|o| &o.completion).collect();
        let done = Completion::Ok { reply: Reply::Done, at: ms(4) };
        assert_eq!(completions, [&done, &Completion::Failed, &Completion::Unknown]);
        let summary = history.check().unwrap();
        assert_eq!((summary.answered, summary.failed, summary.unknown), (1, 1, 1));
    }

    #[test]
    fn a_recorded_violation_is_found() {
        let mut history = History::<Text>::new();
        let set = history.invoke(1, "k", Call::Set("a".to_owned()), ms(1));
        history.respond(set, Reply::Done, ms(2));
        let get = history.invoke(2, "k", Call::Get, ms(3));
        assert!(history.check().is_ok());
        history.respond(get, Reply::Value(None), ms(4));
        assert!(history.check().is_err());
    }

    #[test]
    #[should_panic(expected = "it has ended before")]
    fn nothing_is_answered_twice() {
        let mut history = History::<Text>::new();
        let get = history.invoke(1, "k", Call::Get, ms(1));
        history.respond(get, Reply::Value(None), ms(2));
        history.respond(get, Reply::Value(None), ms(3));
    }

    #[test]
    fn operations_are_readable() {
        let operation = Operation::<Text> {
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
