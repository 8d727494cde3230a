//! What is to be explained of the history of one key, and the rules common to the two ways of
//! looking for an explanation, [`search`](super::search) and [`sweep`](super::sweep).
//!
//! Operations that returned (*certain*) must all take effect. Those that never returned (*open*)
//! may take effect at any time after their call, or not at all. Tried naively they make any
//! search exponential. So only orders with as few open operations as possible are looked for:
//!
//! 1. An open operation is tried only if it changes the state,
//! 2. and only if no identical open operation invoked earlier is still untaken.
//! 3. After an open operation nothing is tried that would do and answer the same without it.
//! 4. No configuration is entered that differs from one visited in having used up more open
//!    operations: see [`Visited`](super::visited::Visited).
//!
//! This loses no verdict. If an order explains all answers, there is one with the fewest open
//! operations that does. It keeps to 1, 3 and 4, or could do with fewer. It can be made to keep
//! to 2 by letting identical operations swap places, since the one invoked earlier is allowed
//! wherever the other is.

use std::collections::HashMap;
use std::time::Duration;

use super::history::Operation;
use super::models::kv::{self, Call, Reply, State};
use super::visited::{Last, Set};

/// What an operation answered, as far as the search may know.
#[derive(Debug, Clone, Copy)]
pub enum Answer<'a> {
    /// This, at this time.
    Known(&'a Reply, Duration),
    /// Nothing (so far).
    Open,
}

/// An operation on the key.
#[derive(Debug, Clone, Copy)]
pub struct Item<'a> {
    /// The operation; its completion is ignored in favour of `answer`.
    pub operation: &'a Operation,
    /// What to explain.
    pub answer: Answer<'a>,
}

/// How looking for an explanation ended.
#[derive(Debug)]
pub enum Verdict<'a> {
    /// There is an order that explains every answer.
    Explained,
    /// There is none. The longest beginning of one that was found:
    Impossible(Partial<'a>),
    /// The allowed number of steps did not suffice to tell.
    OutOfSteps,
}

/// A beginning of an order.
#[derive(Debug, Default)]
pub struct Partial<'a> {
    /// The operations, in the order of taking effect.
    pub order: Vec<&'a Operation>,
    /// The value they leave.
    pub state: State,
}

/// An operation that may take effect next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Candidate {
    /// The certain operation with this number.
    Certain(usize),
    /// The open operation with this number.
    Open(usize),
}

/// An operation that returned.
#[derive(Debug)]
pub struct Certain<'a> {
    /// The operation.
    pub operation: &'a Operation,
    /// When its answer was received.
    pub returned: Duration,
    reply: &'a Reply,
}

/// An operation that did not return.
#[derive(Debug)]
struct Open<'a> {
    operation: &'a Operation,
    /// The last earlier one with the same call.
    twin: Option<usize>,
}

/// The operations of one key, each kind numbered by time of invocation.
#[derive(Debug)]
pub struct Problem<'a> {
    certain: Vec<Certain<'a>>,
    open: Vec<Open<'a>>,
}

impl<'a> Problem<'a> {
    /// The problem of explaining `items`, which may be in any order.
    pub fn new(items: &[Item<'a>]) -> Self {
        let (mut certain, mut open) = (Vec::new(), Vec::new());
        for &Item { operation, answer } in items {
            match answer {
                Answer::Known(reply, returned) => {
                    certain.push(Certain { operation, returned, reply });
                }
                Answer::Open => open.push(Open { operation, twin: None }),
            }
        }
        certain.sort_by_key(|item| item.operation.invoked);
        open.sort_by_key(|item| item.operation.invoked);
        let mut last_of: HashMap<&Call, usize> = HashMap::new();
        for (number, item) in open.iter_mut().enumerate() {
            item.twin = last_of.insert(&item.operation.call, number);
        }
        Self { certain, open }
    }

    /// The operations that returned.
    pub fn certain(&self) -> &[Certain<'a>] {
        &self.certain
    }

    /// How many operations did not return.
    pub fn open_count(&self) -> usize {
        self.open.len()
    }

    /// The operation meant by `candidate`.
    pub fn operation(&self, candidate: Candidate) -> &'a Operation {
        match candidate {
            Candidate::Certain(number) => self.certain[number].operation,
            Candidate::Open(number) => self.open[number].operation,
        }
    }

    /// The first open operation numbered `from` or more that was invoked by `deadline` and, with
    /// those in `taken` used up, may be tried by rule 2.
    pub fn next_open(&self, from: usize, deadline: Duration, taken: &Set) -> Option<usize> {
        let is_invoked = |&number: &usize| self.open[number].operation.invoked <= deadline;
        let has_no_untaken_twin =
            |number: usize| self.open[number].twin.is_none_or(|twin| taken.contains(twin));
        let mut invoked = (from..self.open.len()).take_while(is_invoked);
        invoked.find(|&number| !taken.contains(number) && has_no_untaken_twin(number))
    }

    /// What follows when `candidate` takes effect in `state`, where `last` took effect before it:
    /// the new state, and `candidate` as the last. `None` if its answer would be another than the
    /// one received, or by rules 1 and 3.
    pub fn follow(
        &self,
        state: &State,
        last: &Last,
        candidate: Candidate,
    ) -> Option<(State, Last)> {
        let call = &self.operation(candidate).call;
        let (next_state, reply) = kv::apply(state, call);
        let next_last = match candidate {
            Candidate::Certain(number) if *self.certain[number].reply != reply => return None,
            Candidate::Certain(_) => Last::Certain,
            Candidate::Open(_) if next_state == *state => return None,
            Candidate::Open(_) => Last::Open(state.clone()),
        };
        if let Last::Open(state_before_last) = last {
            let (state_without, reply_without) = kv::apply(state_before_last, call);
            let same_answer = matches!(candidate, Candidate::Open(_)) || reply_without == reply;
            if same_answer && state_without == next_state {
                return None;
            }
        }
        Some((next_state, next_last))
    }
}
