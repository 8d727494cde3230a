//! The simulator as a test of somebody else's state machine.

use crate::picture::draw;
use crate::quiet::keep_judges_quiet;
use crate::run::{Failure, Options, Simulator};
use crate::story::Story;
use crate::subject::Subject;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// How long a failing run is made shorter.
const PATIENCE: Duration = Duration::from_secs(10);
/// So often a short run that has failed is run again to be told: perhaps it does not fail each time.
const TRIES: usize = 200;
/// How often the whole run is, where no short one fails again.
const TRIES_OF_ALL: usize = 8;
/// How long traces and pictures are kept.
const KEPT: Duration = Duration::from_secs(24 * 60 * 60);
/// A run of more lines is not called short.
const SHORT: usize = 1_000;
/// So many letters of a type's name are in a folder's.
const NAME_MAX: usize = 100;
/// Why a run that has failed does not fail again.
const OUTSIDE: &str =
    "something outside of the seed decides (a clock, a random number, a hash map's order)";

/// Replicates a state machine on simulated clusters, one for each of `seeds`, on all processors: its
/// nodes crash, restart from their journals and snapshots, fall behind and are sent snapshots, and are asked
/// everything that [`Subject`] says. `make` gives a machine in its first state.
///
/// # Panics
/// When there is no seed in `seeds`. When replicas answer the same command or question differently, when a snapshot
/// does not restore, when the machine panics, when a command or a snapshot is longer than [`Subject`] says, and
/// when anything else goes wrong that the simulator judges. The message names the seed: `check(make, seed..seed + 1)` fails in the same way
/// again, unless something outside of the seed decides; then the message says that.
pub fn check<M: Subject>(make: impl Fn() -> M + Send + Sync + 'static, seeds: Range<u64>) {
    assert!(!seeds.is_empty(), "there is no seed in {seeds:?}");
    keep_judges_quiet();
    let simulator = Simulator::with_subject(make, Options::default());
    let Some((seed, failure)) = first_failure(&simulator, seeds) else { return };
    let (again, tape) = simulator.record(seed);
    let short = simulator.shrink(&tape, PATIENCE, |_, _| {}).map(|short| short.tape);
    let tapes = short.iter().map(|short| (short, TRIES)).chain([(&tape, TRIES_OF_ALL)]);
    let mut tapes = tapes.flat_map(|(tape, tries)| std::iter::repeat_n(tape, tries));
    let told = tapes.find_map(|tape| {
        let (outcome, story) = simulator.tell(tape);
        outcome.is_err().then_some(story)
    });
    let way = match (&told, again) {
        (Some(_), Err(again)) if again == failure => {
            format!("check(make, {seed}..{}) fails in the same way", seed + 1)
        }
        (Some(_), _) => format!("it does not fail each time in the same way: {OUTSIDE}"),
        (None, _) => format!("it did not fail again: {OUTSIDE}"),
    };
    let kept = told.map(|story| kept(&folder::<M>(), seed, &story)).unwrap_or_default();
    panic!("seed {seed} failed: {failure}\n{way}{kept}");
}

/// Where the stories of one kind of machine are kept, and of one process: tests run at the same time.
fn folder<M>() -> PathBuf {
    let name = std::any::type_name::<M>().replace(|letter: char| !letter.is_alphanumeric(), " ");
    let name: Vec<_> = name.split_whitespace().collect();
    let name: String = name.join("-").chars().take(NAME_MAX).collect();
    std::env::temp_dir().join("adapter-sim").join(format!("{name}-{}", std::process::id()))
}

/// Where the story of a short run that fails in the same way is kept.
fn kept(folder: &Path, seed: u64, story: &Story) -> String {
    let trace = folder.join(format!("seed-{seed}.trace"));
    let picture = trace.with_extension("svg");
    sweep(folder);
    let written = std::fs::create_dir_all(folder)
        .and_then(|()| std::fs::write(&trace, story.to_string()))
        .and_then(|()| std::fs::write(&picture, draw(story, &format!("seed {seed}, shortened"))));
    match written {
        Ok(()) => {
            let lines = story.lines().count();
            let (trace, picture) = (trace.display(), picture.display());
            let what = if lines > SHORT {
                "a run that fails so, as short as it was made in ten seconds"
            } else {
                "a short run that fails so"
            };
            let plural = if lines == 1 { "" } else { "s" };
            format!("\n{what}, in {lines} line{plural}: {trace}\nand as a picture: {picture}")
        }
        Err(_) => format!("\n{story}"),
    }
}

/// Removes what was kept a day ago and before, of any machine.
fn sweep(folder: &Path) {
    let all = folder.parent().and_then(|all| std::fs::read_dir(all).ok());
    for old in all.into_iter().flatten().flatten() {
        let made = old.metadata().and_then(|about| about.modified()).ok();
        if made.and_then(|made| made.elapsed().ok()).is_some_and(|age| age > KEPT) {
            let _ = std::fs::remove_dir_all(old.path());
        }
    }
}

fn first_failure(simulator: &Simulator, seeds: Range<u64>) -> Option<(u64, Failure)> {
    let (seeds, found) = (Mutex::new(seeds), AtomicBool::new(false));
    let first: Mutex<Option<(u64, Failure)>> = Mutex::new(None);
    let work = || {
        while !found.load(Ordering::Relaxed) {
            let next = seeds.lock().expect("nobody panics with it").next();
            let Some(seed) = next else { return };
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
