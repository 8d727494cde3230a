//! Many seeds, on all processors.

use super::options::Run;
use super::{Failed, say};
use adapter_sim::{Failure, Simulator, Tally};
use cpu_time::ProcessTime;
use indicatif::{ProgressBar, ProgressStyle};
use std::ops::Range;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// What the threads share.
struct Shared {
    next: AtomicU64,
    last: u64,
    until: Instant,
    stop: AtomicBool,
    sum: Mutex<Sum>,
    bar: ProgressBar,
}

#[derive(Default)]
struct Sum {
    tally: Tally,
    seeds: u64,
    first: Option<(u64, Failure)>,
}

/// Runs all seeds that were asked for, or as many as there is time for.
pub fn run_all(what: &Run) -> Result<(), Failed> {
    let (began, processor) = (Instant::now(), ProcessTime::now());
    let seeds = what.range();
    let shared = Shared {
        next: AtomicU64::new(seeds.start),
        last: seeds.end,
        until: began + Duration::from_secs(60 * what.minutes),
        stop: AtomicBool::new(false),
        sum: Mutex::new(Sum::default()),
        bar: bar(&seeds),
    };
    let simulator = Simulator::new(what.options());
    let threads = what.threads.unwrap_or_else(processors);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| work(&shared, &simulator));
        }
    });
    shared.bar.finish_and_clear();
    let sum = shared.sum.into_inner().expect("no thread panics while it counts");
    report(&sum, began.elapsed(), processor.elapsed());
    match sum.first {
        None => Ok(()),
        Some((seed, failure)) => {
            say(&format!("seed {seed} failed: {}\n", failure.verdict));
            say(&format!("see it: adapter-sim{} --seed {seed} --shrink\n", what.again()));
            Err(Failed)
        }
    }
}

fn processors() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

fn bar(seeds: &Range<u64>) -> ProgressBar {
    let bar = ProgressBar::new(seeds.end - seeds.start);
    let style = "{bar:32} {pos}/{len} seeds, {per_sec}, {eta} left  {msg}";
    bar.with_style(ProgressStyle::with_template(style).expect("the template is right"))
}

fn work(shared: &Shared, simulator: &Simulator) {
    while !shared.stop.load(Ordering::Relaxed) && Instant::now() < shared.until {
        let seed = shared.next.fetch_add(1, Ordering::Relaxed);
        if seed >= shared.last {
            return;
        }
        let outcome = simulator.run(seed);
        let mut sum = shared.sum.lock().expect("no thread panics while it counts");
        sum.seeds += 1;
        match outcome {
            Ok(report) => sum.tally.add(&report.tally),
            Err(failure) => {
                shared.stop.store(true, Ordering::Relaxed);
                if sum.first.as_ref().is_none_or(|first| seed < first.0) {
                    sum.first = Some((seed, failure));
                }
            }
        }
        shared.bar.inc(1);
    }
}

fn report(sum: &Sum, took: Duration, processor: Duration) {
    let seconds = sum.tally.virtual_millis as f64 / 1_000.0;
    say(&format!(
        "{} seeds, {seconds:.0} cluster-seconds in {:.1} s: {:.0} in each second of a processor\n",
        sum.seeds,
        took.as_secs_f64(),
        seconds / processor.as_secs_f64()
    ));
    for (counter, times) in sum.tally.counters() {
        say(&format!("{times:>14} {}\n", counter.replace('_', " ")));
    }
}
