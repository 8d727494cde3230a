//! One run: everything goes wrong for a while, then everything heals.

use crate::random::{Random, Tape};
use crate::story::{Story, What, Words};
use crate::subject::{Kind, Subject};
use crate::swarm::Swarm;
use crate::world::World;
use crate::world::tally::Tally;
use raft_nostd::Duration;
use std::cell::{Cell, RefCell};
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::sync::Arc;

thread_local! {
    static RUNNING: Cell<bool> = const { Cell::new(false) };
}

/// Whether this thread is inside a run, where judges speak by panicking.
pub(crate) fn is_running() -> bool {
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

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.verdict)
    }
}

impl std::error::Error for Failure {}

/// Runs clusters of nodes with one kind of state machine.
#[derive(Clone)]
pub struct Simulator {
    kind: Arc<dyn Fn() -> Kind + Send + Sync>,
    options: Options,
}

impl Simulator {
    /// With a few registers that clients read and write, so that what they are answered can be judged for
    /// linearizability.
    #[must_use]
    pub fn new(options: Options) -> Self {
        Self { kind: Arc::new(Kind::registers), options }
    }

    /// With somebody else's state machine; `make` gives one in its first state.
    #[must_use]
    pub fn with_subject<M: Subject>(
        make: impl Fn() -> M + Send + Sync + 'static,
        options: Options,
    ) -> Self {
        let make = Arc::new(make);
        let kind = move || {
            let make = Arc::clone(&make);
            Kind::of(move || make())
        };
        Self { kind: Arc::new(kind), options }
    }

    /// Runs one seed.
    ///
    /// # Errors
    /// What the judges found.
    pub fn run(&self, seed: u64) -> Result<Report, Failure> {
        self.judged(Random::new(seed), None)
    }

    /// Runs one seed; returns all that was drawn, too.
    pub fn record(&self, seed: u64) -> (Result<Report, Failure>, Tape) {
        self.recorded(Random::new(seed))
    }

    /// Runs what was drawn before, or some of it; returns what was drawn of it.
    pub fn replay(&self, tape: &Tape) -> (Result<Report, Failure>, Tape) {
        self.recorded(Random::replay(tape))
    }

    /// Runs what was drawn before, or some of it, for no more choices than that.
    pub(crate) fn try_replay(
        &self,
        tape: &Tape,
        choices: usize,
    ) -> (Result<Report, Failure>, Tape) {
        self.recorded(Random::replay(tape).at_most(choices))
    }

    /// Runs what was drawn before, and tells what happens.
    pub fn tell(&self, tape: &Tape) -> (Result<Report, Failure>, Story) {
        let story = Rc::new(RefCell::new(Story::default()));
        let outcome = self.judged(Random::replay(tape), Some(Rc::clone(&story)));
        let mut story = story.take();
        if let Err(failure) = &outcome {
            let end = story.lines().last().map(|(at, _)| at).unwrap_or_default();
            story.line(end, What::Failed(Words::new(&failure.verdict)));
        }
        (outcome, story)
    }

    fn recorded(&self, random: Random) -> (Result<Report, Failure>, Tape) {
        let tape = Rc::new(RefCell::new(Tape::default()));
        let outcome = self.judged(random.recorded(&tape), None);
        (outcome, tape.take())
    }

    fn judged(
        &self,
        mut random: Random,
        story: Option<Rc<RefCell<Story>>>,
    ) -> Result<Report, Failure> {
        let run = || {
            let kind = Rc::new((self.kind)());
            let swarm = Swarm::draw(&mut random, &self.options, &kind);
            let mut world = World::new(random, swarm, &kind, story);
            world.run_with_faults();
            world.heal_and_converge();
            Report { tally: world.tally, trace: world.trace }
        };
        RUNNING.set(true);
        let outcome = catch_unwind(AssertUnwindSafe(run));
        RUNNING.set(false);
        outcome.map_err(|panic| Failure { verdict: words(&*panic) })
    }
}

/// What a panic says.
pub(crate) fn words(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().cloned();
    let literal = || panic.downcast_ref::<&str>().map(|text| (*text).to_string());
    text.or_else(literal).unwrap_or_else(|| "a panic without words".into())
}
