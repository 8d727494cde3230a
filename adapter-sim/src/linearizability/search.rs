//! The search for an explanation in depth (Wing and Gong, with Lowe's list and memory of visited
//! configurations). It is quick to find an explanation where there is one. Where there is none,
//! and operations are open, it may come to the same places many times with ever fewer open
//! operations used, and run out of steps; then the [`sweep`](super::sweep) must tell.
//!
//! What may take effect next is any certain operation whose call comes before the first return
//! left in the list of [`Events`], and then any open operation invoked before that return.

use super::events::{Event, Events, Place};
use super::model::Model;
use super::problem::{Candidate, Explanation, Problem, Verdict};
use super::visited::{Entry, Last, Set, Visited};

/// Looks for an explanation in at most `max_steps` steps. Returns the verdict and the number of
/// steps made; a step is one attempt to let one operation take effect next.
pub fn search<'a, M: Model>(problem: &Problem<'a, M>, max_steps: u64) -> (Verdict<'a, M>, u64) {
    let mut search = Search::new(problem, max_steps);
    let verdict = search.run();
    (verdict, search.steps)
}

/// Where to look for the next candidate.
#[derive(Debug, Clone, Copy)]
enum Cursor {
    Certain(Place),
    Open(usize),
}

enum Step {
    Taken,
    Rejected,
}

struct Undo<M> {
    taken: Candidate,
    state_before: M,
    last_before: Last<M>,
}

struct Search<'p, 'a, M: Model> {
    problem: &'p Problem<'a, M>,
    events: Events,
    certain_taken: Set,
    open_taken: Set,
    state: M,
    last: Last<M>,
    undo: Vec<Undo<M>>,
    visited: Visited<M>,
    steps: u64,
    max_steps: u64,
}

impl<'p, 'a, M: Model> Search<'p, 'a, M> {
    fn new(problem: &'p Problem<'a, M>, max_steps: u64) -> Self {
        let certain = problem.certain();
        let intervals: Vec<_> =
            certain.iter().map(|item| (item.operation.invoked, item.returned)).collect();
        Self {
            problem,
            events: Events::new(&intervals),
            certain_taken: Set::with_room(certain.len()),
            open_taken: Set::with_room(problem.open_count()),
            state: problem.first().clone(),
            last: Last::Certain,
            undo: Vec::new(),
            visited: Visited::default(),
            steps: 0,
            max_steps,
        }
    }

    fn run(&mut self) -> Verdict<'a, M> {
        let mut cursor = Cursor::Certain(self.events.first());
        // Open operations left over can be said never to take effect.
        while self.events.remaining() > 0 {
            let Some(candidate) = self.candidate(cursor) else {
                let Some(undone) = self.undo_last() else { return Verdict::Impossible };
                cursor = self.after(undone);
                continue;
            };
            if self.steps == self.max_steps {
                return Verdict::OutOfSteps;
            }
            self.steps += 1;
            cursor = match self.take(candidate) {
                Step::Taken => Cursor::Certain(self.events.first()),
                Step::Rejected => self.after(candidate),
            };
        }
        Verdict::Explained(self.explanation())
    }

    /// The first candidate at or after `cursor`.
    fn candidate(&self, cursor: Cursor) -> Option<Candidate> {
        let from = match cursor {
            Cursor::Open(from) => from,
            Cursor::Certain(place) => match self.events.event(place) {
                Event::Call(number) => return Some(Candidate::Certain(number)),
                Event::Return(_) | Event::End => 0,
            },
        };
        let deadline = self.events.first_return()?;
        self.problem.next_open(from, deadline, &self.open_taken).map(Candidate::Open)
    }

    /// Where to look for the next candidate if not `candidate`.
    fn after(&self, candidate: Candidate) -> Cursor {
        match candidate {
            Candidate::Certain(number) => Cursor::Certain(self.events.after_call(number)),
            Candidate::Open(number) => Cursor::Open(number + 1),
        }
    }

    /// Lets `candidate` take effect next, if that explains its answer and the rules allow it.
    fn take(&mut self, candidate: Candidate) -> Step {
        let Some((state, last)) = self.problem.follow(&self.state, &self.last, candidate) else {
            return Step::Rejected;
        };
        self.toggle(candidate);
        if self.is_futile(candidate, &state, &last) {
            self.toggle(candidate);
            return Step::Rejected;
        }
        if let Candidate::Certain(number) = candidate {
            self.events.lift(number);
        }
        let state_before = std::mem::replace(&mut self.state, state);
        let last_before = std::mem::replace(&mut self.last, last);
        self.undo.push(Undo { taken: candidate, state_before, last_before });
        Step::Taken
    }

    /// Whether nothing can come of `state`, reached by `candidate` with the operations now marked
    /// as taken.
    fn is_futile(&mut self, candidate: Candidate, state: &M, last: &Last<M>) -> bool {
        let (certain, open) = (&self.certain_taken, &self.open_taken);
        self.problem.is_hopeless(candidate, state, certain, self.events.first_call())
            || self.visited.enter(certain, open, state, last) == Entry::Futile
    }

    /// Takes back the operation taken last, and names it.
    fn undo_last(&mut self) -> Option<Candidate> {
        let Undo { taken, state_before, last_before } = self.undo.pop()?;
        (self.state, self.last) = (state_before, last_before);
        self.toggle(taken);
        if let Candidate::Certain(number) = taken {
            self.events.put_back(number);
        }
        Some(taken)
    }

    /// Marks `candidate` as taken if it is not, as not taken if it is.
    fn toggle(&mut self, candidate: Candidate) {
        match candidate {
            Candidate::Certain(number) => self.certain_taken.toggle(number),
            Candidate::Open(number) => self.open_taken.toggle(number),
        }
    }

    /// The order reached, which has all certain operations.
    fn explanation(&self) -> Explanation<'a, M> {
        let order = self.undo.iter().map(|undo| self.problem.operation(undo.taken)).collect();
        Explanation { order, state: self.state.clone(), beginnings: Vec::new() }
    }
}
