//! A failing run is made short, and told.

use adapter_sim::story::{Story, What};
use adapter_sim::{Options, Random, Simulator, Subject, keep_judges_quiet};
use raft_nostd::{Committed, StateMachine};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Counts: nothing is wrong with it.
#[derive(Default)]
struct Counter {
    commands: u64,
}

impl StateMachine for Counter {
    type Response = u64;

    fn apply(&mut self, _committed: Committed<'_>) -> u64 {
        self.commands += 1;
        self.commands
    }

    fn query(&self, _request: &[u8]) -> u64 {
        self.commands
    }
}

impl Subject for Counter {
    fn command(random: &mut Random) -> Vec<u8> {
        vec![random.below(4) as u8]
    }
}

/// From its fourth command on it answers which of all replicas it is.
struct Vain {
    number: u64,
    commands: u64,
}

impl Vain {
    fn new() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        Self { number: NEXT.fetch_add(1, Ordering::Relaxed), commands: 0 }
    }
}

impl StateMachine for Vain {
    type Response = u64;

    fn apply(&mut self, _committed: Committed<'_>) -> u64 {
        self.commands += 1;
        if self.commands < 4 { 0 } else { self.number }
    }

    fn query(&self, _request: &[u8]) -> u64 {
        0
    }
}

impl Subject for Vain {
    fn command(random: &mut Random) -> Vec<u8> {
        vec![random.below(4) as u8]
    }
}

#[test]
fn a_failing_run_becomes_a_short_story() {
    keep_judges_quiet();
    let simulator = Simulator::with_subject(Vain::new, Options::default());
    let long = |seed| match simulator.record(seed) {
        (Err(failure), tape) => (tape.choices() > 2_000).then_some((failure, tape)),
        (Ok(_), _) => None,
    };
    let (failure, tape) = (0..100).find_map(long).expect("some run is long, and all fail");
    assert!(failure.verdict.contains("answers"), "{}", failure.verdict);
    let mut told = 0;
    let short = simulator.shrink(&tape, Duration::from_secs(5), |tries, _| told = tries).unwrap();
    assert_eq!(told, short.tries);
    assert!(
        short.tape.choices() * 2 < short.before,
        "{} of {}",
        short.tape.choices(),
        short.before
    );
    let (outcome, story) = simulator.tell(&short.tape);
    assert!(outcome.is_err());
    let (_, last) = story.lines().last().unwrap();
    assert!(matches!(last, What::Failed(_)));
    assert!(story.lines().count() < 200, "{} lines", story.lines().count());
    assert_eq!(story.to_string().parse::<Story>().unwrap(), story);
}

#[test]
fn what_does_not_fail_is_not_shortened() {
    let simulator = Simulator::with_subject(Counter::default, Options::default());
    let (outcome, tape) = simulator.record(1);
    outcome.unwrap();
    assert!(simulator.shrink(&tape, Duration::from_secs(5), |_, _| {}).is_none());
}
