//! The simulator as a test of somebody else's state machine.

use crate::quiet::keep_judges_quiet;
use crate::run::{Failure, Options, Simulator};
use crate::subject::Subject;
use std::ops::Range;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

/// How long a failing run is made shorter.
const PATIENCE: Duration = Duration::from_secs(10);

/// Replicates a state machine on simulated clusters, one for each of `seeds`, on all processors: its
/// nodes crash, restart from their journals and snapshots, fall behind and are sent snapshots, and are asked
/// everything that [`Subject`] says. `make` gives a machine in its first state.
///
/// # Panics
/// When replicas answer the same command or question differently, when a snapshot does not restore, when the
/// machine panics, and when anything else goes wrong that the simulator judges. The message names the seed:
/// `check(make, seed..seed + 1)` fails in the same way again.
pub fn check<M: Subject>(make: impl Fn() -> M + Send + Sync + 'static, seeds: Range<u64>) {
    keep_judges_quiet();
    let simulator = Simulator::with_subject(make, Options::default());
    let Some((seed, failure)) = first_failure(&simulator, seeds) else { return };
    let (_, tape) = simulator.record(seed);
    let shortened = simulator.shrink(&tape, PATIENCE);
    let (now, before) = shortened.map_or((tape.draws.len(), tape.draws.len()), |shrunk| {
        (shrunk.tape.draws.len(), shrunk.before)
    });
    panic!("seed {seed} failed: {}\n(shortened from {before} choices to {now})", failure.verdict);
}

fn first_failure(simulator: &Simulator, seeds: Range<u64>) -> Option<(u64, Failure)> {
    let (next, found) = (AtomicU64::new(seeds.start), AtomicBool::new(false));
    let first: Mutex<Option<(u64, Failure)>> = Mutex::new(None);
    let work = || {
        while !found.load(Ordering::Relaxed) {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed >= seeds.end {
                return;
            }
            if let Err(failure) = simulator.run(seed) {
                found.store(true, Ordering::Relaxed);
                let mut first = first.lock().expect("nobody panics with it");
                if first.as_ref().is_none_or(|(other, _)| seed < *other) {
                    *first = Some((seed, failure));
                }
            }
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(work);
        }
    });
    first.into_inner().expect("nobody panics with it")
}
