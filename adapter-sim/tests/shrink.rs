//! A failing run is made short, and told.

use adapter_sim::story::{Story, What};
use adapter_sim::{Options, Random, Simulator, Subject, keep_judges_quiet};
use raft_nostd::{Committed, StateMachine};
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

/// Answers by an address in its own process: never the same twice.
struct Addressed(Box<u8>);

impl StateMachine for Addressed {
    type Response = usize;

    fn apply(&mut self, _committed: Committed<'_>) -> usize {
        &raw const *self.0 as usize
    }

    fn query(&self, _request: &[u8]) -> usize {
        0
    }
}

impl Subject for Addressed {
    fn command(random: &mut Random) -> Vec<u8> {
        vec![random.below(4) as u8]
    }
}

#[test]
fn a_failing_run_becomes_a_short_story() {
    keep_judges_quiet();
    let simulator = Simulator::with_subject(|| Addressed(Box::new(0)), Options::default());
    let seed = (0..100).find(|seed| simulator.run(*seed).is_err()).expect("it is noticed at once");
    let (outcome, tape) = simulator.record(seed);
    assert!(outcome.unwrap_err().verdict.contains("answers"));
    let mut told = 0;
    let short = simulator.shrink(&tape, Duration::from_secs(5), |tries, _| told = tries).unwrap();
    assert_eq!(told, short.tries);
    assert!(
        short.tape.choices() * 4 < short.before,
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
