//! Three real processes of `kv`, killed, paused and cut off from each other behind a network that
//! loses, doubles, delays, reorders and corrupts their datagrams. What their clients see must be
//! linearizable, the nodes must come to the same state, and must do so once they are left alone.
//!
//! A run can be longer, and be repeated as far as timing allows:
//!
//! ```text
//! CLUSTER_SEED=7 CLUSTER_SECONDS=120 cargo test -p examples --test cluster -- --nocapture mischief
//! ```
//!
//! `CLUSTER_KEEP=1` leaves the directories of the nodes behind, with their logs.

mod client;
mod cluster;
mod falsify;
mod history;
mod nemesis;
mod node;
mod place;
mod proxy;
mod resp;
mod rng;

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use adapter_sim::linearizability::{CheckError, Summary, check};
use client::{Client, Desk};
use cluster::Cluster;
use history::{Completion, History, Operation};
use nemesis::Nemesis;
use proxy::Counters;
use rng::Rng;

/// How many clients there are at a time.
const CLIENTS: usize = 6;

/// How long there is mischief, unless `CLUSTER_SECONDS` says so.
const SECONDS: u64 = 13;

/// How many answers each client has to get once all is well again.
const ANSWERS_AFTER: u64 = 20;

/// How often to ask for the value of a key in the end.
const ATTEMPTS: u32 = 400;

/// What came of a run.
struct Outcome {
    operations: Vec<Operation>,
    /// When the mischief ended.
    healed: Duration,
    counters: Counters,
}

/// The number in an environment variable.
fn setting(name: &str) -> Option<u64> {
    let text = std::env::var(name).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{name} must be a number: {text:?}")))
}

/// One cluster at a time: there may be only two processors.
fn turn() -> MutexGuard<'static, ()> {
    static TURN: Mutex<()> = Mutex::new(());
    TURN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Tells clients to stop, in any case.
struct Stop<'a>(&'a AtomicBool);

impl Drop for Stop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Starts a cluster and clients, lets `mischief` go on, and has the clients look at the end of it.
fn run(seed: u64, mischief: impl FnOnce(&mut Cluster, &History)) -> Outcome {
    let _turn = turn();
    let time = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    println!("CLUSTER_SEED={seed}, at {}.{:03}", time.as_secs(), time.subsec_millis());
    let mut rng = Rng::new(seed);
    let mut cluster = Cluster::start(rng.next_u64());
    let history = History::new();
    let (nodes, stopping) = (cluster.clients(), AtomicBool::new(false));
    let answers: Vec<AtomicU64> = (0..=CLIENTS).map(|_| AtomicU64::new(0)).collect();
    let desk = Desk { history: &history, nodes: &nodes, stopping: &stopping, answers: &answers };
    let seed = rng.next_u64();
    let healed = thread::scope(|scope| {
        let _stop = Stop(&stopping);
        for index in 0..CLIENTS {
            let desk = &desk;
            scope.spawn(move || Client::new(index, desk, seed).run());
        }
        mischief(&mut cluster, &history);
        let healed = history.now();
        let count = || answers[..CLIENTS].iter().map(|answer| answer.load(Ordering::Relaxed));
        let before: Vec<u64> = count().collect();
        cluster.wait_for("answers to all clients", |_| {
            count().zip(&before).all(|(now, before)| now >= before + ANSWERS_AFTER)
        });
        healed
    });
    let mut last = Client::new(CLIENTS, &desk, seed);
    for key in client::keys(&history) {
        last.read(&key, ATTEMPTS).unwrap_or_else(|error| panic!("{error}"));
    }
    cluster.wait_for_agreement();
    let counters = cluster.proxy.counters();
    cluster.stop();
    Outcome { operations: history.into_operations(), healed, counters }
}

/// What the checker says of a history that should pass.
fn assert_linearizable(operations: &[Operation]) -> Summary {
    check(operations).unwrap_or_else(|error| panic!("{error}"))
}

#[test]
fn three_processes_under_mischief_stay_linearizable() {
    let seed = setting("CLUSTER_SEED").unwrap_or(1);
    let duration = Duration::from_secs(setting("CLUSTER_SECONDS").unwrap_or(SECONDS));
    let outcome = run(seed, |cluster, history| {
        Nemesis::new(cluster, seed, history).run(duration);
    });
    let Outcome { operations, healed, counters } = outcome;

    let summary = assert_linearizable(&operations);
    let answered = |o: &&Operation| matches!(o.completion, Completion::Ok { .. });
    let during = operations.iter().filter(answered).filter(|o| o.invoked < healed).count();
    println!("{summary:?}, {during} answered before {healed:?}\n{counters:?}");
    assert!(during > 300, "too little was answered for this to mean anything");
    assert!(summary.unknown > 0, "nothing was ever left open");
    let Counters { lost, duplicated, delayed, reordered, flipped, blocked, errors, .. } = counters;
    for count in [lost, duplicated, delayed, reordered, flipped, blocked] {
        assert!(count > 0, "{counters:?}");
    }
    assert_eq!(errors, 0, "{counters:?}");
}

/// The same from end to end, but with what the clients saw corrupted: this test can fail.
#[test]
fn a_corrupted_history_is_found_out() {
    let pause = Duration::from_millis(2_500);
    let Outcome { operations, .. } = run(2, |_, _| thread::sleep(pause));
    let summary = assert_linearizable(&operations);
    println!("{summary:?}");
    for (what, falsified) in falsify::falsified(&operations) {
        match check(&falsified) {
            Err(CheckError::NotLinearizable(violation)) => println!("{what}: {violation}\n"),
            other => panic!("{what} is not found out: {other:?}"),
        }
    }
}
