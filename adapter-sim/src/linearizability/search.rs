//! The search for an explanation in depth (Wing and Gong, with Lowe's list and memory of visited
//! configurations). It is quick to find an explanation where there is one. Where there is none,
//! and operations are open, it may come to the same places many times with ever fewer open
//! operations used, and run out of steps; then the [`sweep`](super::sweep) must tell.
//!
//! What may take effect next is any certain operation whose call comes before the first return
//! left in the list of [`Events`], and then any open operation invoked before that return.

use super::events::{Event, Events, Place};
use super::models::kv::State;
use super::problem::{Candidate, Partial, Problem, Verdict};
use super::visited::{Entry, Last, Set, Visited};

/// Looks for an explanation in at most `max_steps` steps. Returns the verdict and the number of
/// steps made; a step is one attempt to let one operation take effect next.
pub fn search<'a>(problem: &Problem<'a>, max_steps: u64) -> (Verdict<'a>, u64) {
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

struct Undo {
    taken: Candidate,
    state_before: State,
    last_before: Last,
}

struct Search<'p, 'a> {
    problem: &'p Problem<'a>,
    events: Events,
    certain_taken: Set,
    open_taken: Set,
    state: State,
    last: Last,
    undo: Vec<Undo>,
    visited: Visited,
    longest: Partial<'a>,
    fewest_remaining: usize,
    steps: u64,
    max_steps: u64,
}

impl<'p, 'a> Search<'p, 'a> {
    fn new(problem: &'p Problem<'a>, max_steps: u64) -> Self {
        let certain = problem.certain();
        let intervals: Vec<_> =
            certain.iter().map(|item| (item.operation.invoked, item.returned)).collect();
        Self {
            problem,
            events: Events::new(&intervals),
            certain_taken: Set::with_room(certain.len()),
            open_taken: Set::with_room(problem.open_count()),
            state: None,
            last: Last::Certain,
            undo: Vec::new(),
            visited: Visited::default(),
            longest: Partial::default(),
            fewest_remaining: certain.len(),
            steps: 0,
            max_steps,
        }
    }

    fn run(&mut self) -> Verdict<'a> {
        let mut cursor = Cursor::Certain(self.events.first());
        // Open operations left over can be said never to take effect.
        while self.events.remaining() > 0 {
            let Some(candidate) = self.candidate(cursor) else {
                self.note_dead_end();
                let Some(undone) = self.undo_last() else {
                    return Verdict::Impossible(std::mem::take(&mut self.longest));
                };
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
        Verdict::Explained
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
        match self.visited.enter(&self.certain_taken, &self.open_taken, &state, &last) {
            Entry::New => {}
            Entry::Futile => {
                self.toggle(candidate);
                return Step::Rejected;
            }
        }
        if let Candidate::Certain(number) = candidate {
            self.events.lift(number);
        }
        let state_before = std::mem::replace(&mut self.state, state);
        let last_before = std::mem::replace(&mut self.last, last);
        self.undo.push(Undo { taken: candidate, state_before, last_before });
        Step::Taken
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

    /// Keeps the order reached, up to its last answer, if it explains more answers than any
    /// before it.
    fn note_dead_end(&mut self) {
        if self.events.remaining() >= self.fewest_remaining {
            return;
        }
        self.fewest_remaining = self.events.remaining();
        let is_certain = |undo: &Undo| matches!(undo.taken, Candidate::Certain(_));
        let count = self.undo.iter().rposition(is_certain).map_or(0, |last| last + 1);
        let taken = self.undo[..count].iter();
        let order = taken.map(|undo| self.problem.operation(undo.taken)).collect();
        let state = self.undo.get(count).map_or(&self.state, |undo| &undo.state_before).clone();
        self.longest = Partial { order, state };
    }
}
