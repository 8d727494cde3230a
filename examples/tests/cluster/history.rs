//! Records what the clients of the key-value store did and saw, in a history for the
//! [linearizability](adapter_sim::linearizability) checker.
//!
//! A client must take the time of invocation *before* it sends its request, and the time of
//! completion *after* it has received the answer; [`History::begin`] and [`Pending`] do so.

use std::sync::Mutex;
use std::time::{Duration, Instant};

use adapter_sim::linearizability::models::kv::{Call, Reply, Text};
use adapter_sim::linearizability::{self, OperationId};

/// What a client of the key-value store did and saw.
pub type Operation = linearizability::Operation<Text>;

/// How that ended.
pub type Completion = linearizability::Completion<Reply>;

/// A history that many threads can write to.
#[derive(Debug)]
pub struct History {
    start: Instant,
    record: Mutex<linearizability::History<Text>>,
}

impl History {
    /// An empty history, whose clock starts now.
    pub fn new() -> Self {
        Self { start: Instant::now(), record: Mutex::default() }
    }

    /// The time since the start of this history.
    pub fn now(&self) -> Duration {
        self.start.elapsed()
    }

    /// Notes that `client` is about to ask for `call`. Call it before sending the request.
    pub fn begin(&self, client: u64, key: &str, call: Call) -> Pending<'_> {
        let at = self.now();
        let id = self.with_record(|record| record.invoke(client, key, call, at));
        Pending { history: self, id }
    }

    /// Everything recorded.
    ///
    /// It consumes the history so that no [`Pending`] operation can be outstanding: an answer left
    /// out could make a faulty store look right.
    pub fn into_operations(self) -> Vec<Operation> {
        self.record.into_inner().expect("no recorder panics").into_operations()
    }

    fn with_record<T>(&self, write: impl FnOnce(&mut linearizability::History<Text>) -> T) -> T {
        write(&mut self.record.lock().expect("no recorder panics"))
    }
}

/// An operation under way. If it is dropped (there was no answer, the client panicked) it may have
/// taken effect, or may yet.
#[derive(Debug)]
#[must_use = "dropping it says that there was no answer"]
pub struct Pending<'a> {
    history: &'a History,
    id: OperationId,
}

impl Pending<'_> {
    /// The store answered, just now.
    pub fn returned(self, reply: Reply) {
        let at = self.history.now();
        self.history.with_record(|record| record.respond(self.id, reply, at));
    }

    /// There was no answer: it may have taken effect, or may yet.
    pub fn unknown(self) {
        drop(self);
    }

    /// It certainly had and will have no effect.
    pub fn failed(self) {
        self.history.with_record(|record| record.fail(self.id));
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
}
