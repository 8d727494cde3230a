//! One stream of randomness for a whole run, which can be written down and played again.
//!
//! All that is drawn goes through [`Random::below`], and zero is always the quietest choice: no
//! fault, no delay, the smallest size. So a run can be made shorter by making its tape shorter
//! (`shrink`).

use raft_nostd::Duration;
use rand_xoshiro::SplitMix64;
use rand_xoshiro::rand_core::{Rng, SeedableRng};
use std::cell::RefCell;
use std::rc::Rc;

/// All that was drawn in a run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tape {
    pub(crate) draws: Vec<u64>,
    /// Where something new begins, as places in `draws`: what may be left out whole.
    pub(crate) marks: Vec<usize>,
}

impl Tape {
    /// How many choices were made.
    #[must_use]
    pub fn choices(&self) -> usize {
        self.draws.len()
    }
}

/// Where choices come from.
pub struct Random {
    source: Source,
    /// What was drawn, when it is to be kept.
    kept: Option<Rc<RefCell<Tape>>>,
}

enum Source {
    Seed(SplitMix64),
    /// The choices of an earlier run; zeros behind its end.
    Tape(std::vec::IntoIter<u64>),
}

impl Random {
    /// The stream of a seed.
    pub(crate) fn new(seed: u64) -> Self {
        Self { source: Source::Seed(SplitMix64::seed_from_u64(seed)), kept: None }
    }

    /// The choices of an earlier run.
    pub(crate) fn replay(tape: &Tape) -> Self {
        Self { source: Source::Tape(tape.draws.clone().into_iter()), kept: None }
    }

    /// The same stream, with all that is drawn written down to `tape`.
    pub(crate) fn recorded(self, tape: &Rc<RefCell<Tape>>) -> Self {
        Self { kept: Some(Rc::clone(tape)), ..self }
    }

    /// Something new begins.
    pub(crate) fn mark(&mut self) {
        if let Some(tape) = &self.kept {
            let mut tape = tape.borrow_mut();
            let here = tape.draws.len();
            tape.marks.push(here);
        }
    }

    /// Any number.
    pub fn bits(&mut self) -> u64 {
        let drawn = match &mut self.source {
            Source::Seed(random) => random.next_u64(),
            Source::Tape(tape) => tape.next().unwrap_or(0),
        };
        self.keep(drawn)
    }

    /// A number below `bound`, or zero.
    pub fn below(&mut self, bound: u64) -> u64 {
        if bound <= 1 {
            return 0;
        }
        let drawn = match &mut self.source {
            Source::Seed(random) => {
                ((u128::from(random.next_u64()) * u128::from(bound)) >> 64) as u64
            }
            Source::Tape(tape) => tape.next().unwrap_or(0).min(bound - 1),
        };
        self.keep(drawn)
    }

    fn keep(&mut self, drawn: u64) -> u64 {
        if let Some(tape) = &self.kept {
            tape.borrow_mut().draws.push(drawn);
        }
        drawn
    }

    /// Yes, in `chance` of a thousand cases.
    pub fn in_a_thousand(&mut self, chance: u64) -> bool {
        chance > 0 && self.below(1_000) >= 1_000_u64.saturating_sub(chance)
    }

    /// Yes, in one of `cases`.
    pub fn one_in(&mut self, cases: u64) -> bool {
        self.below(cases) + 1 == cases
    }

    /// One of them; the first is the quietest.
    pub fn among<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[self.below(choices.len() as u64) as usize]
    }

    /// Up to `tenths` tenths of `whole`.
    pub fn tenths(&mut self, whole: Duration, tenths: u64) -> Duration {
        Duration::from_micros(self.below(whole.as_micros() * tenths / 10 + 1))
    }
}
