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

/// Draws at the start of a run that say what the cluster is like and what goes wrong.
const SWARM_DRAWS: usize = 128;

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
        let before = self.weight();
        self.leave_out_marked();
        self.quiet_each(SWARM_DRAWS);
        self.leave_out_blocks();
        self.quiet_blocks();
        if self.shrunk.tape.draws.len() <= 2_000 {
            self.lower_each();
        }
        let better = self.weight() < before && Instant::now() < self.until;
        if better { Progress::Some } else { Progress::None }
    }

    /// Shorter is better, then quieter.
    fn weight(&self) -> (usize, usize, u128) {
        let draws = &self.shrunk.tape.draws;
        let loud = draws.iter().filter(|draw| **draw > 0).count();
        (draws.len(), loud, draws.iter().map(|draw| u128::from(*draw)).sum())
    }

    /// Keeps the run without these draws, or with other ones, if it fails in the same way.
    fn try_draws(&mut self, draws: Vec<u64>) -> Progress {
        if Instant::now() >= self.until {
            return Progress::None;
        }
        self.shrunk.tries += 1;
        (self.progress)(self.shrunk.tries, self.shrunk.tape.draws.len());
        let tape = Tape { draws, marks: Vec::new() };
        let (outcome, tape) = self.simulator.replay(&tape);
        match outcome {
            Err(failure) if kind(&failure) == kind(&self.shrunk.failure) => {
                let same = tape.draws == self.shrunk.tape.draws;
                (self.shrunk.tape, self.shrunk.failure) = (tape, failure);
                if same { Progress::None } else { Progress::Some }
            }
            _ => Progress::None,
        }
    }

    fn try_without(&mut self, from: usize, to: usize) -> Progress {
        let draws = &self.shrunk.tape.draws;
        let kept = draws.iter().take(from).chain(draws.iter().skip(to)).copied().collect();
        self.try_draws(kept)
    }

    /// Leaves out whole stretches of time.
    fn leave_out_marked(&mut self) {
        let mut stretch = self.shrunk.tape.marks.len().div_ceil(2);
        while stretch > 0 {
            let mut at = 0;
            while let Some(from) = self.shrunk.tape.marks.get(at).copied() {
                let end = self.shrunk.tape.draws.len();
                let to = self.shrunk.tape.marks.get(at + stretch).copied().unwrap_or(end);
                let length = self.shrunk.tape.draws.len();
                let tried = self.try_without(from, to);
                if tried == Progress::None || self.shrunk.tape.draws.len() >= length {
                    at += stretch;
                }
            }
            stretch /= 2;
        }
    }

    fn leave_out_blocks(&mut self) {
        for size in [64, 16, 4, 2, 1] {
            let mut at = 0;
            while at + size <= self.shrunk.tape.draws.len() && Instant::now() < self.until {
                let length = self.shrunk.tape.draws.len();
                let tried = self.try_without(at, at + size);
                if tried == Progress::None || self.shrunk.tape.draws.len() >= length {
                    at += size;
                }
            }
        }
    }

    /// Replaces draws by the quietest ones, some at a time.
    fn quiet_blocks(&mut self) {
        for size in [256, 64, 16, 4, 1] {
            let mut at = 0;
            while at < self.shrunk.tape.draws.len() && Instant::now() < self.until {
                self.quiet(at, at + size);
                at += size;
            }
        }
    }

    fn quiet_each(&mut self, most: usize) {
        for at in 0..most {
            self.quiet(at, at + 1);
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

/// What was found, without the numbers, which differ from run to run.
fn kind(failure: &Failure) -> String {
    let line = failure.verdict.lines().next().unwrap_or_default();
    let words = line.split(|letter: char| !letter.is_alphabetic()).filter(|word| word.len() > 2);
    words.take(8).collect::<Vec<_>>().join(" ")
}
