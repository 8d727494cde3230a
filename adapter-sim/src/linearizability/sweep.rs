//! The search for an explanation in breadth: all configurations with one certain operation taken,
//! then all with two, and so on. At each level those with fewer open operations used come first,
//! so that the ones rule 4 turns away are never continued from. It takes about as long whether
//! there is an explanation or not, and remembers the configurations of one level only.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use super::model::Model;
use super::problem::{Beginning, Candidate, Explanation, Problem, Verdict};
use super::visited::{Entry, Last, Set, Visited};

/// How many answers are left to the end at least: what leads up to a violation helps to see it.
const END: usize = 10;

/// How many beginnings to tell.
const BEGINNINGS: usize = 8;

/// Looks for an explanation in at most `max_steps` steps, as
/// [`search`](super::search::search) does.
pub fn sweep<'a, M: Model>(problem: &Problem<'a, M>, max_steps: u64) -> (Verdict<'a, M>, u64) {
    let mut sweep =
        Sweep { problem, trail: Vec::new(), agreed: VecDeque::new(), steps: 0, max_steps };
    let verdict = sweep.run();
    (verdict, sweep.steps)
}

/// What was taken, and what is left of it.
struct Configuration<M> {
    certain_taken: Set,
    /// All certain operations below this number are taken.
    first_untaken: usize,
    open_taken: Set,
    state: M,
    last: Last<M>,
    /// How it was reached; `None` at the start.
    trail: Option<usize>,
}

/// How a configuration was reached: from that of another trail, by one more operation.
struct Trail {
    from: Option<usize>,
    by: Candidate,
}

/// What all orders that explain so many answers have in common.
struct Agreed<M> {
    certain: usize,
    /// The open operations that all have used up.
    open: Set,
    state: M,
}

/// Configurations to visit, by the number of open operations they used.
type Level<M> = BTreeMap<usize, Vec<Configuration<M>>>;

enum Visit {
    Done,
    OutOfSteps,
}

struct Sweep<'p, 'a, M: Model> {
    problem: &'p Problem<'a, M>,
    trail: Vec<Trail>,
    /// The last of what was agreed on, the latest first.
    agreed: VecDeque<Agreed<M>>,
    steps: u64,
    max_steps: u64,
}

impl<'a, M: Model> Sweep<'_, 'a, M> {
    fn run(&mut self) -> Verdict<'a, M> {
        let certain_count = self.problem.certain().len();
        let start = Configuration {
            certain_taken: Set::with_room(certain_count),
            first_untaken: 0,
            open_taken: Set::with_room(self.problem.open_count()),
            state: self.problem.first().clone(),
            last: Last::Certain,
            trail: None,
        };
        let mut level = Level::from([(0, vec![start])]);
        for taken in 0..certain_count {
            if taken > 0 && taken + END <= certain_count {
                if let Some(agreed) = agreed(taken, &level) {
                    self.agreed.push_front(agreed);
                }
                self.agreed.truncate(BEGINNINGS);
            }
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
                return Verdict::Impossible;
            }
            level = next_level;
        }
        let end = level.into_values().flatten().next().expect("a level without any is the last");
        let order = self.order(end.trail);
        let beginnings = self.agreed.iter().map(|agreed| self.beginning(&order, agreed)).collect();
        let order = order.into_iter().map(|taken| self.problem.operation(taken)).collect();
        Verdict::Explained(Explanation { order, state: end.state, beginnings })
    }

    /// Queues what can follow `from`, which used so many open operations: by one of those at the
    /// same level, by a certain operation at the next.
    fn visit(
        &mut self,
        from: &Configuration<M>,
        used: usize,
        level: &mut Level<M>,
        next_level: &mut Level<M>,
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
    fn certain_candidates(&self, from: &Configuration<M>) -> (Vec<usize>, Duration) {
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

    fn follow(
        &mut self,
        from: &Configuration<M>,
        candidate: Candidate,
    ) -> Option<Configuration<M>> {
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
        if self.problem.is_hopeless(candidate, &state, &certain_taken, first_untaken) {
            return None;
        }
        self.trail.push(Trail { from: from.trail, by: candidate });
        let trail = Some(self.trail.len() - 1);
        Some(Configuration { certain_taken, first_untaken, open_taken, state, last, trail })
    }

    /// What was taken on the way to `trail`.
    fn order(&self, mut trail: Option<usize>) -> Vec<Candidate> {
        let mut order = Vec::new();
        while let Some(Trail { from, by }) = trail.map(|index| &self.trail[index]) {
            order.push(*by);
            trail = *from;
        }
        order.reverse();
        order
    }

    /// The beginning of `order` at the level of `agreed`.
    fn beginning(&self, order: &[Candidate], agreed: &Agreed<M>) -> Beginning<'a, M> {
        let mut operations = Vec::new();
        let (mut length, mut certain) = (0, 0);
        while certain < agreed.certain {
            let taken = order[length];
            let is_agreed = match taken {
                Candidate::Certain(_) => true,
                Candidate::Open(number) => agreed.open.contains(number),
            };
            operations.extend(is_agreed.then(|| self.problem.operation(taken)));
            certain += usize::from(matches!(taken, Candidate::Certain(_)));
            length += 1;
        }
        Beginning { length, operations, state: agreed.state.clone() }
    }
}

/// What all configurations of a level that so many certain operations lead to agree on, if they
/// agree on which these are and on the state.
fn agreed<M: Model>(certain: usize, level: &Level<M>) -> Option<Agreed<M>> {
    let mut configurations = level.values().flatten();
    let first = configurations.next()?;
    let mut open = first.open_taken.clone();
    for other in configurations {
        if (&other.certain_taken, &other.state) != (&first.certain_taken, &first.state) {
            return None;
        }
        open.keep(&other.open_taken);
    }
    Some(Agreed { certain, open, state: first.state.clone() })
}
