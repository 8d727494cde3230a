//! The simulator as a test of somebody else's state machine.

use crate::picture::draw;
use crate::quiet::keep_judges_quiet;
use crate::run::{Failure, Options, Simulator};
use crate::story::Story;
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
    let short = simulator.shrink(&tape, PATIENCE, |_, _| {});
    let (_, story) = simulator.tell(&short.map_or(tape, |short| short.tape));
    panic!("seed {seed} failed: {failure}{}", kept(seed, &story));
}

/// Where the story of a short run that fails in the same way is kept.
fn kept(seed: u64, story: &Story) -> String {
    let folder = std::env::temp_dir().join("adapter-sim");
    let trace = folder.join(format!("seed-{seed}.trace"));
    let picture = trace.with_extension("svg");
    let written = std::fs::create_dir_all(&folder)
        .and_then(|()| std::fs::write(&trace, story.to_string()))
        .and_then(|()| std::fs::write(&picture, draw(story, &format!("seed {seed}, shortened"))));
    match written {
        Ok(()) => {
            let lines = story.lines().count();
            let (trace, picture) = (trace.display(), picture.display());
            format!(
                "\na short run that fails so, in {lines} lines: {trace}\nand as a picture: {picture}"
            )
        }
        Err(_) => format!("\n{story}"),
    }
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

#[cfg(test)]
mod tests;
