//! One run: everything goes wrong for a while, then everything heals.

use crate::random::Random;
use crate::registers::Registers;
use crate::subject::Kind;
use crate::swarm::Swarm;
use crate::world::World;
use crate::world::tally::Tally;
use raft_nostd::Duration;
use std::cell::{Cell, RefCell};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;

thread_local! {
    static RUNNING: Cell<bool> = const { Cell::new(false) };
}

/// Whether this thread is inside a run, where judges speak by panicking: a panic hook may want to
/// keep quiet about that.
#[must_use]
pub fn is_running() -> bool {
    RUNNING.get()
}

/// What is asked of a run, beside its seed.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// How many nodes there are, at least and at most; up to 7. By default mostly 3 and 5.
    pub nodes: Option<(u32, u32)>,
    /// For how long everything goes wrong, in simulated time. By default 1 to 72 seconds.
    pub span: Option<Duration>,
}

/// What came of a run that nothing is wrong with.
#[derive(Clone, Debug)]
pub struct Report {
    /// How often each thing took effect.
    pub tally: Tally,
    /// A hash over everything that was delivered.
    pub trace: u64,
}

/// What is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// The judge's words.
    pub verdict: String,
}

/// Runs one seed.
///
/// # Errors
/// What the judges found.
pub fn run(seed: u64, options: &Options) -> Result<Report, Failure> {
    judged(Random::new(seed), options)
}

/// Runs one seed, and returns all that was drawn, too.
///
/// # Errors
/// What the judges found stands beside what was drawn until then.
pub fn record(seed: u64, options: &Options) -> (Result<Report, Failure>, Vec<u64>) {
    recorded(Random::new(seed), options)
}

/// Runs what was drawn before, or some of it.
///
/// # Errors
/// What the judges found stands beside what was drawn of it until then.
pub fn replay(tape: Vec<u64>, options: &Options) -> (Result<Report, Failure>, Vec<u64>) {
    recorded(Random::replay(tape), options)
}

fn recorded(random: Random, options: &Options) -> (Result<Report, Failure>, Vec<u64>) {
    let tape = Rc::new(RefCell::new(Vec::new()));
    let outcome = judged(random.recorded(&tape), options);
    (outcome, tape.take())
}

fn judged(mut random: Random, options: &Options) -> Result<Report, Failure> {
    let run = || {
        let kind = Rc::new(Kind::of(Registers::default));
        let swarm = Swarm::draw(&mut random, options, &kind);
        let mut world = World::new(random, swarm, &kind);
        world.run_with_faults();
        world.heal_and_converge();
        Report { tally: world.tally, trace: world.trace }
    };
    RUNNING.set(true);
    let outcome = catch_unwind(AssertUnwindSafe(run));
    RUNNING.set(false);
    outcome.map_err(|panic| Failure { verdict: words(&*panic) })
}

fn words(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().cloned();
    let literal = || panic.downcast_ref::<&str>().map(|text| (*text).to_string());
    text.or_else(literal).unwrap_or_else(|| "a panic without words".into())
}
