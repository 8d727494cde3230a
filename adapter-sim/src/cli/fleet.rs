//! Many seeds, on all processors.

use super::options::Run;
use super::{Failed, complain, interrupt, say};
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
    /// Over what every run did: equal wherever the same seeds run.
    fingerprint: u64,
    first: Option<(u64, Failure)>,
}

/// Runs all seeds that were asked for, or as many as there is time for.
pub fn run_all(what: &Run) -> Result<(), Failed> {
    interrupt::listen().map_err(|error| complain(&format!("cannot wait for signals: {error}")))?;
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
    let next = shared.next.load(Ordering::Relaxed);
    let sum = shared.sum.into_inner().expect("no thread panics while it counts");
    if what.seed.is_none() || sum.first.is_none() {
        report(&sum, began.elapsed(), processor.elapsed());
    }
    if sum.first.is_none() && next < seeds.end {
        let why = if interrupt::came() { "it was interrupted" } else { "the time is up" };
        say(&format!("{why}: seeds {next}..{} were not run\n", seeds.end));
    }
    let missing: Vec<_> = sum.tally.missing().collect();
    match sum.first {
        None if interrupt::came() => Err(Failed::Interrupted),
        None if what.every_fault && !missing.is_empty() => {
            _ = complain(&format!("never happened: {}", missing.join(", ").replace('_', " ")));
            Err(Failed::Found)
        }
        None => Ok(()),
        Some((seed, failure)) => {
            say(&format!("seed {seed} failed: {failure}\n"));
            say(&format!("see it: adapter-sim{} --seed {seed} --shrink\n", what.again()));
            Err(Failed::Found)
        }
    }
}

fn processors() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

fn bar(seeds: &Range<u64>) -> ProgressBar {
    let bar = ProgressBar::new(seeds.end - seeds.start);
    let style = "{bar:32} {pos}/{len} seeds, {per_sec}, {eta} left\n{msg}";
    bar.with_style(ProgressStyle::with_template(style).expect("the template is right"))
}

fn work(shared: &Shared, simulator: &Simulator) {
    let goes_on = || !shared.stop.load(Ordering::Relaxed) && !interrupt::came();
    while goes_on() && Instant::now() < shared.until {
        let (relaxed, last) = (Ordering::Relaxed, shared.last);
        let next = |next| (next < last).then_some(next + 1);
        let Ok(seed) = shared.next.fetch_update(relaxed, relaxed, next) else { return };
        let outcome = simulator.run(seed);
        let mut sum = shared.sum.lock().expect("no thread panics while it counts");
        sum.seeds += 1;
        match outcome {
            Ok(report) => {
                sum.tally.add(&report.tally);
                let mixed = report.trace.rotate_left(seed as u32 % 64);
                sum.fingerprint = sum.fingerprint.wrapping_add(mixed);
                shared.bar.set_message(told(&sum.tally));
            }
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

/// What went wrong so far, and how many of the things that may happen have happened.
fn told(tally: &Tally) -> String {
    let (all, seen) =
        (tally.counters().count(), tally.counters().filter(|(_, times)| *times > 0).count());
    let faults = tally.lost + tally.crashes + tally.partitions + tally.pauses + tally.torn;
    format!(
        "{faults} losses, crashes, partitions, pauses, torn sectors; {seen} of {all} kinds of things seen"
    )
}

fn report(sum: &Sum, took: Duration, processor: Duration) {
    let seconds = sum.tally.virtual_millis as f64 / 1_000.0;
    say(&format!(
        "{} seed{}, {seconds:.0} cluster-seconds in {:.1} s: {:.0} in each second of a processor\n",
        sum.seeds,
        if sum.seeds == 1 { "" } else { "s" },
        took.as_secs_f64(),
        seconds / processor.as_secs_f64().max(1e-6)
    ));
    say(&format!("fingerprint {:016x}\n", sum.fingerprint));
    for ((counter, times), meaning) in sum.tally.counters().zip(Tally::meanings()) {
        say(&format!("{times:>14} {:<24} {meaning}\n", counter.replace('_', " ")));
    }
}
