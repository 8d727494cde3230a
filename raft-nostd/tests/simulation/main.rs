//! The real core, wire, journal and driver on a simulated network, disks and clocks, all from one
//! seed: loss, duplicates, reordering, flips, partitions of all shapes, pauses, clocks that drift,
//! storage that works in the background, kills, power cuts in the middle of a write or of a recovery
//! with torn and reordered sectors. Logs are compacted, and who is too far behind gets a snapshot,
//! which is interrupted, superseded and sent again. The five safety properties of the paper (Figure 3.2), and that
//! nothing is said before it is durable, are checked after every event; then everything heals, and
//! the cluster must elect, commit, answer a read and converge.
//!
//! `SIMULATION_SEEDS=first..last` runs other seeds; a failure names the seed that replays it.

mod client;
mod clock;
mod deferred;
mod disk;
mod errands;
mod faults;
mod history;
mod host;
mod judge;
mod ledger;
mod machine;
mod network;
mod place;
mod random;
mod shelf;
mod swarm;
mod tally;
mod world;

use std::panic::{AssertUnwindSafe, catch_unwind};
use tally::Tally;
use world::World;

fn seeds() -> std::ops::Range<u64> {
    let Ok(text) = std::env::var("SIMULATION_SEEDS") else { return 0..200 };
    let (first, last) = text.split_once("..").expect("SIMULATION_SEEDS is first..last");
    first.parse().expect("a number")..last.parse().expect("a number")
}

/// Runs one seed; what happened, in numbers.
fn run(seed: u64) -> Tally {
    let mut world = World::new(seed);
    world.run_with_faults();
    world.heal_and_converge();
    world.tally
}

#[test]
fn safety_under_faults_and_liveness_after() {
    let mut total = Tally::default();
    for seed in seeds() {
        match catch_unwind(AssertUnwindSafe(|| run(seed))) {
            Ok(tally) => total.add(&tally),
            Err(_) => panic!(
                "seed {seed} failed; replay it with \
                 SIMULATION_SEEDS={seed}..{} cargo test -p raft-nostd --test simulation",
                seed + 1
            ),
        }
    }
    println!("{total:?}");
    if std::env::var("SIMULATION_SEEDS").is_err() {
        total.assert_all_took_effect();
    }
}

#[test]
fn the_same_seed_gives_the_same_trace() {
    let trace = |seed| {
        let mut world = World::new(seed);
        world.run_with_faults();
        world.trace
    };
    for seed in 0..5 {
        assert_eq!(trace(seed), trace(seed));
    }
    assert_ne!(trace(1), trace(2));
}
