//! Records what the clients of the key-value store did and saw, in a history for the
//! [linearizability](adapter_sim::linearizability) checker.
//!
//! A client must take the time of invocation *before* it sends its request, and the time of
//! completion *after* it has received the answer; [`History::begin`] and [`Pending`] do so.

use std::sync::Mutex;
use std::time::{Duration, Instant};

use adapter_sim::linearizability::models::kv::{Call, Reply};
use adapter_sim::linearizability::{Completion, Operation};

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
