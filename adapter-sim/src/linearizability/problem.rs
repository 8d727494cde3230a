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
//! 5. No open operation is tried that leads to a state of which one of the next answers
//!    [cannot come](Model::may_yet_answer).
//!
//! This loses no verdict. If an order explains all answers, there is one with the fewest open
//! operations that does. It keeps to 5, and to 1, 3 and 4, or could do with fewer. It can be made
//! to keep to 2 by letting identical operations swap places, since the one invoked earlier is
//! allowed wherever the other is.

use std::collections::HashMap;
use std::time::Duration;

use super::history::Operation;
use super::model::Model;
use super::visited::{Last, Set};

/// How many answers to look ahead to.
const FORESIGHT: usize = 32;

/// An operation on the key.
#[derive(Debug)]
pub struct Item<'a, M: Model> {
    /// The operation; its completion is ignored in favour of `answer`.
    pub operation: &'a Operation<M>,
    /// The answer to explain, and when it was received; `None` if there is none (so far).
    pub answer: Option<(&'a M::Reply, Duration)>,
}

/// How looking for an explanation ended.
#[derive(Debug)]
pub enum Verdict<'a, M: Model> {
    /// This order explains every answer.
    Explained(Explanation<'a, M>),
    /// No order does.
    Impossible,
    /// The allowed number of steps did not suffice to tell.
    OutOfSteps,
}

/// An order that explains every answer.
#[derive(Debug, Default)]
pub struct Explanation<'a, M: Model> {
    /// All certain operations and some open ones, in the order of taking effect.
    pub order: Vec<&'a Operation<M>>,
    /// The state they leave.
    pub state: M,
    /// Some beginnings of it, the longest first. Only a sweep finds any.
    pub beginnings: Vec<Beginning<'a, M>>,
}

/// The beginning of an order, as far as others must begin so too: whatever else can be explained,
/// it can by an order that starts with these operations, in one sequence or another, and comes to
/// this state.
#[derive(Debug)]
pub struct Beginning<'a, M: Model> {
    /// How long it is.
    pub length: usize,
    /// Its operations but for open ones that others may do without.
    pub operations: Vec<&'a Operation<M>>,
    /// The state it leaves.
    pub state: M,
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
pub struct Certain<'a, M: Model> {
    /// The operation.
    pub operation: &'a Operation<M>,
    /// When its answer was received.
    pub returned: Duration,
    reply: &'a M::Reply,
}

/// An operation that did not return.
#[derive(Debug)]
struct Open<'a, M: Model> {
    operation: &'a Operation<M>,
    /// The last earlier one with the same call.
    twin: Option<usize>,
}

/// The operations of one key, each kind numbered by time of invocation.
#[derive(Debug)]
pub struct Problem<'a, M: Model> {
    first: M,
    certain: Vec<Certain<'a, M>>,
    open: Vec<Open<'a, M>>,
}

impl<'a, M: Model> Problem<'a, M> {
    /// The problem of explaining `items`, which may be in any order.
    pub fn new(items: &[Item<'a, M>]) -> Self {
        Self::starting_from(M::default(), items)
    }

    /// The same where the key is in the state `first` at first.
    pub fn starting_from(first: M, items: &[Item<'a, M>]) -> Self {
        let (mut certain, mut open) = (Vec::new(), Vec::new());
        for item in items {
            let operation = item.operation;
            match item.answer {
                Some((reply, returned)) => {
                    certain.push(Certain { operation, returned, reply });
                }
                None => open.push(Open { operation, twin: None }),
            }
        }
        certain.sort_by_key(|item| item.operation.invoked);
        open.sort_by_key(|item| item.operation.invoked);
        let mut last_of: HashMap<&M::Call, usize> = HashMap::new();
        for (number, item) in open.iter_mut().enumerate() {
            item.twin = last_of.insert(&item.operation.call, number);
        }
        Self { first, certain, open }
    }

    /// The state at first.
    pub fn first(&self) -> &M {
        &self.first
    }

    /// The operations that returned.
    pub fn certain(&self) -> &[Certain<'a, M>] {
        &self.certain
    }

    /// How many operations did not return.
    pub fn open_count(&self) -> usize {
        self.open.len()
    }

    /// The operation meant by `candidate`.
    pub fn operation(&self, candidate: Candidate) -> &'a Operation<M> {
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

    /// Whether `candidate` is not to be tried by rule 5, as it leads to `state`, where the certain
    /// operations in `taken` have their places, and with them all below `first_untaken`.
    pub fn is_hopeless(
        &self,
        candidate: Candidate,
        state: &M,
        taken: &Set,
        first_untaken: usize,
    ) -> bool {
        if let Candidate::Certain(_) = candidate {
            return false;
        }
        let ahead = self.certain.iter().enumerate().skip(first_untaken);
        let mut untaken = ahead.filter(|(number, _)| !taken.contains(*number)).take(FORESIGHT);
        untaken.any(|(_, item)| !state.may_yet_answer(&item.operation.call, item.reply))
    }

    /// What follows when `candidate` takes effect in `state`, where `last` took effect before it:
    /// the new state, and `candidate` as the last. `None` if its answer would be another than the
    /// one received, or by rules 1 and 3.
    pub fn follow(&self, state: &M, last: &Last<M>, candidate: Candidate) -> Option<(M, Last<M>)> {
        let next_state = self.step(state, candidate)?;
        let next_last = match candidate {
            Candidate::Certain(_) => Last::Certain,
            Candidate::Open(_) if next_state == *state => return None,
            Candidate::Open(_) => Last::Open(state.clone()),
        };
        if let Last::Open(state_before_last) = last
            && self.step(state_before_last, candidate).as_ref() == Some(&next_state)
        {
            return None;
        }
        Some((next_state, next_last))
    }

    /// The state after `candidate`, unless it is answered something else than was received.
    fn step(&self, state: &M, candidate: Candidate) -> Option<M> {
        let mut next_state = state.clone();
        let is_explained = match candidate {
            Candidate::Certain(number) => {
                let Certain { operation, reply, .. } = &self.certain[number];
                next_state.explains(&operation.call, reply)
            }
            Candidate::Open(number) => {
                next_state.apply(&self.open[number].operation.call);
                true
            }
        };
        is_explained.then_some(next_state)
    }
}
