//! The search for an explanation in breadth: all configurations with one certain operation taken,
//! then all with two, and so on. At each level those with fewer open operations used come first,
//! so that the ones rule 4 turns away are never continued from. It takes about as long whether
//! there is an explanation or not, and remembers the configurations of one level only.

use std::collections::BTreeMap;
use std::time::Duration;

use super::models::kv::State;
use super::problem::{Candidate, Partial, Problem, Verdict};
use super::visited::{Entry, Last, Set, Visited};

/// Looks for an explanation in at most `max_steps` steps, as
/// [`search`](super::search::search) does.
pub fn sweep<'a>(problem: &Problem<'a>, max_steps: u64) -> (Verdict<'a>, u64) {
    let mut sweep = Sweep { problem, trail: Vec::new(), steps: 0, max_steps };
    let verdict = sweep.run();
    (verdict, sweep.steps)
}

/// What was taken, and what is left of it.
struct Configuration {
    certain_taken: Set,
    /// All certain operations below this number are taken.
    first_untaken: usize,
    open_taken: Set,
    state: State,
    last: Last,
    /// How it was reached; `None` at the start.
    trail: Option<usize>,
}

/// How a configuration was reached: from that of another trail, by one more operation.
struct Trail {
    from: Option<usize>,
    by: Candidate,
}

/// Configurations to visit, by the number of open operations they used.
type Level = BTreeMap<usize, Vec<Configuration>>;

enum Visit {
    Done,
    OutOfSteps,
}

struct Sweep<'p, 'a> {
    problem: &'p Problem<'a>,
    trail: Vec<Trail>,
    steps: u64,
    max_steps: u64,
}

impl<'a> Sweep<'_, 'a> {
    fn run(&mut self) -> Verdict<'a> {
        let certain_count = self.problem.certain().len();
        let start = Configuration {
            certain_taken: Set::with_room(certain_count),
            first_untaken: 0,
            open_taken: Set::with_room(self.problem.open_count()),
            state: None,
            last: Last::Certain,
            trail: None,
        };
        let mut level = Level::from([(0, vec![start])]);
        for _ in 0..certain_count {
            // Every level but the first was reached by a certain operation, so its first
            // configuration is the end of an order without superfluous open operations.
            let first = level.values().flatten().next();
            let end = first.map(|first| (first.trail, first.state.clone()));

            let (mut visited, mut next_level) = (Visited::default(), Level::new());
            while let Some((used, configurations)) = level.pop_first() {
                for from in configurations {
                    let Configuration { certain_taken, open_taken, state, last, .. } = &from;
                    if visited.enter(certain_taken, open_taken, state, last) == Entry::Futile {
                        continue;
                    }
                    match self.visit(&from, used, &mut level, &mut next_level) {
                        Visit::Done => {}
                        Visit::OutOfSteps => return Verdict::OutOfSteps,
                    }
                }
            }
            if next_level.is_empty() {
                let (trail, state) = end.unwrap_or_default();
                return Verdict::Impossible(Partial { order: self.order(trail), state });
            }
            level = next_level;
        }
        Verdict::Explained
    }

    /// Queues what can follow `from`, which used so many open operations: by one of those at the
    /// same level, by a certain operation at the next.
    fn visit(
        &mut self,
        from: &Configuration,
        used: usize,
        level: &mut Level,
        next_level: &mut Level,
    ) -> Visit {
        let (certain, deadline) = self.certain_candidates(from);
        let mut open = Vec::new();
        while let Some(number) =
            self.problem.next_open(open.last().map_or(0, |n| n + 1), deadline, &from.open_taken)
        {
            open.push(number);
        }
        let certain = certain.into_iter().map(Candidate::Certain);
        for candidate in certain.chain(open.into_iter().map(Candidate::Open)) {
            if self.steps == self.max_steps {
                return Visit::OutOfSteps;
            }
            self.steps += 1;
            if let Some(next) = self.follow(from, candidate) {
                let queue = match candidate {
                    Candidate::Certain(_) => next_level.entry(used),
                    Candidate::Open(_) => level.entry(used + 1),
                };
                queue.or_default().push(next);
            }
        }
        Visit::Done
    }

    /// The certain operations that may follow `from`, and the time of the first return left.
    fn certain_candidates(&self, from: &Configuration) -> (Vec<usize>, Duration) {
        let mut deadline = Duration::MAX;
        let mut candidates = Vec::new();
        for (number, item) in self.problem.certain().iter().enumerate().skip(from.first_untaken) {
            if from.certain_taken.contains(number) {
                continue;
            }
            if item.operation.invoked > deadline {
                break;
            }
            deadline = deadline.min(item.returned);
            candidates.push(number);
        }
        (candidates, deadline)
    }

    fn follow(&mut self, from: &Configuration, candidate: Candidate) -> Option<Configuration> {
        let (state, last) = self.problem.follow(&from.state, &from.last, candidate)?;
        let (mut certain_taken, mut open_taken) =
            (from.certain_taken.clone(), from.open_taken.clone());
        let mut first_untaken = from.first_untaken;
        match candidate {
            Candidate::Certain(number) => {
                certain_taken.toggle(number);
                let count = self.problem.certain().len();
                while first_untaken < count && certain_taken.contains(first_untaken) {
                    first_untaken += 1;
                }
            }
            Candidate::Open(number) => open_taken.toggle(number),
        }
        self.trail.push(Trail { from: from.trail, by: candidate });
        let trail = Some(self.trail.len() - 1);
        Some(Configuration { certain_taken, first_untaken, open_taken, state, last, trail })
    }

    /// The operations on the way to `trail`.
    fn order(&self, mut trail: Option<usize>) -> Vec<&'a super::history::Operation> {
        let mut order = Vec::new();
        while let Some(Trail { from, by }) = trail.map(|index| &self.trail[index]) {
            order.push(self.problem.operation(*by));
            trail = *from;
        }
        order.reverse();
        order
    }
}
