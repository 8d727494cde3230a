//! A failing run made short: draws are left out, or replaced by zero, the quietest choice, as long as the
//! judges still find the same fault.

use crate::random::Tape;
use crate::run::{Failure, Simulator};
use std::time::{Duration, Instant};

/// A failing run that was made shorter.
#[derive(Clone, Debug)]
pub struct Shrunk {
    /// What is drawn in it.
    pub tape: Tape,
    /// What is wrong in it.
    pub failure: Failure,
    /// How many shorter runs were tried.
    pub tries: u64,
    /// How many draws the run had before.
    pub before: usize,
}

impl Simulator {
    /// Makes a failing run shorter, for as long as there is `time`, and tells `progress` how many runs it has
    /// tried, and how many choices are left. `None` when it does not fail.
    pub fn shrink(
        &self,
        tape: &Tape,
        time: Duration,
        progress: impl FnMut(u64, usize),
    ) -> Option<Shrunk> {
        let (outcome, tape) = self.replay(tape);
        let failure = outcome.err()?;
        let before = tape.draws.len();
        let shrunk = Shrunk { tape, failure, tries: 0, before };
        let mut search = Search { simulator: self, until: Instant::now() + time, shrunk, progress };
        while search.pass() == Progress::Some {}
        Some(search.shrunk)
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Progress {
    Some,
    None,
}

struct Search<'a, P> {
    simulator: &'a Simulator,
    until: Instant,
    shrunk: Shrunk,
    progress: P,
}

impl<P: FnMut(u64, usize)> Search<'_, P> {
    /// Tries everything once.
    fn pass(&mut self) -> Progress {
        let before = weight(&self.shrunk.tape);
        self.keep_beginning();
        self.quiet_blocks();
        self.leave_out_marked();
        self.leave_out_blocks();
        if self.shrunk.tape.draws.len() <= 2_000 {
            self.lower_each();
        }
        let better = weight(&self.shrunk.tape) < before && Instant::now() < self.until;
        if better { Progress::Some } else { Progress::None }
    }

    /// Keeps the run without these draws, or with other ones, if it fails in the same way and is better.
    fn try_draws(&mut self, draws: Vec<u64>) -> Progress {
        if Instant::now() >= self.until {
            return Progress::None;
        }
        self.shrunk.tries += 1;
        (self.progress)(self.shrunk.tries, self.shrunk.tape.draws.len());
        let tape = Tape { draws, marks: Vec::new() };
        let most = self.shrunk.tape.draws.len();
        let (outcome, tape) = self.simulator.try_replay(&tape, most);
        match outcome {
            Err(failure)
                if kind(&failure) == kind(&self.shrunk.failure)
                    && weight(&tape) < weight(&self.shrunk.tape)
                    && self.fails_again(&tape) =>
            {
                (self.shrunk.tape, self.shrunk.failure) = (tape, failure);
                Progress::Some
            }
            _ => Progress::None,
        }
    }

    /// Whether it fails another time: where something outside of the run decides, each shorter run would fail
    /// less often, and the shortest hardly ever.
    fn fails_again(&self, tape: &Tape) -> bool {
        let (outcome, _) = self.simulator.replay(tape);
        outcome.is_err_and(|failure| kind(&failure) == kind(&self.shrunk.failure))
    }

    fn try_without(&mut self, from: usize, to: usize) -> Progress {
        let draws = &self.shrunk.tape.draws;
        let kept = draws.iter().take(from).chain(draws.iter().skip(to)).copied().collect();
        self.try_draws(kept)
    }

    /// Keeps a beginning, the shortest of some that does: behind it everything is quiet.
    fn keep_beginning(&mut self) {
        let all = self.shrunk.tape.draws.len();
        let mut length = 0;
        while length < all {
            let beginning = self.shrunk.tape.draws.iter().take(length).copied().collect();
            if self.try_draws(beginning) == Progress::Some {
                return;
            }
            length = (2 * length).max(16);
        }
    }

    /// Leaves out whole stretches of time.
    fn leave_out_marked(&mut self) {
        let mut stretch = self.shrunk.tape.marks.len().div_ceil(2);
        while stretch > 0 {
            let mut at = 0;
            while let Some(from) = self.shrunk.tape.marks.get(at).copied() {
                let end = self.shrunk.tape.draws.len();
                let to = self.shrunk.tape.marks.get(at + stretch).copied().unwrap_or(end);
                if self.try_without(from, to) == Progress::None {
                    at += stretch;
                }
            }
            stretch /= 2;
        }
    }

    /// Sizes of blocks, from half of all down to one.
    fn sizes(&self) -> impl Iterator<Item = usize> + use<P> {
        let half = self.shrunk.tape.draws.len() / 2;
        std::iter::successors(Some(half), |size| Some(size / 2)).take_while(|size| *size > 0)
    }

    fn leave_out_blocks(&mut self) {
        for size in self.sizes() {
            let mut at = 0;
            while at + size <= self.shrunk.tape.draws.len() && Instant::now() < self.until {
                if self.try_without(at, at + size) == Progress::None {
                    at += size;
                }
            }
        }
    }

    /// Replaces draws by the quietest ones, some at a time.
    fn quiet_blocks(&mut self) {
        for size in self.sizes() {
            let mut at = 0;
            while at < self.shrunk.tape.draws.len() && Instant::now() < self.until {
                self.quiet(at, at + size);
                at += size;
            }
        }
    }

    fn quiet(&mut self, from: usize, to: usize) {
        let mut draws = self.shrunk.tape.draws.clone();
        let to = to.min(draws.len());
        let Some(block) = draws.get_mut(from..to) else { return };
        if block.iter().any(|draw| *draw > 0) {
            block.fill(0);
            self.try_draws(draws);
        }
    }

    /// Halves each draw as often as possible.
    fn lower_each(&mut self) {
        let mut at = 0;
        while at < self.shrunk.tape.draws.len() {
            while let Some(draw) = self.shrunk.tape.draws.get(at).copied().filter(|draw| *draw > 1)
            {
                let mut draws = self.shrunk.tape.draws.clone();
                draws[at] = draw / 2;
                if self.try_draws(draws) == Progress::None {
                    break;
                }
            }
            at += 1;
        }
    }
}

/// Shorter is better, then quieter.
fn weight(tape: &Tape) -> (usize, usize, u128) {
    let loud = tape.draws.iter().filter(|draw| **draw > 0).count();
    (tape.draws.len(), loud, tape.draws.iter().map(|draw| u128::from(*draw)).sum())
}

/// What was found, without the numbers, which differ from run to run, and what was answered.
fn kind(failure: &Failure) -> String {
    let line = failure.verdict.lines().next().unwrap_or_default();
    let line = line.split(" with ").next().unwrap_or_default();
    let words = line.split(|letter: char| !letter.is_alphabetic()).filter(|word| word.len() > 2);
    words.take(8).collect::<Vec<_>>().join(" ")
}
