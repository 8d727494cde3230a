//! A cluster whose logs hold eight entries takes a million writes, within the disk space that is told.
//! See `cargo bench -p examples --bench small_logs -- --help`.
#![forbid(unsafe_code)]

mod clients;

use clap::Parser;
use clients::{Clients, Count};
use examples::demo::cluster::Cluster;
use examples::demo::root::Root;
use examples::demo::say::Voice;
use examples::demo::trouble::{Step, Trouble, wait_while};
use examples::demo::{interrupt, node};
use std::fs;
use std::io;
use std::path::Path;
use std::process::ExitCode;
use std::time::Instant;

/// Of each node: the least that `kv` takes.
const FLAGS: [&str; 6] = [
    "--log-entries=8",
    "--log-bytes=64KiB",
    "--journal=32MiB",
    "--segment=1MiB",
    "--snapshot-max=1MiB",
    "--election-timeout=2s",
];
/// What `kv --help` says of that: `--journal`, 2.6 times `--snapshot-max`, and 3 MiB.
const BOUND: u64 = (32 << 20) + (26 << 20) / 10 + (3 << 20);

/// Lets three `kv` nodes whose logs hold 8 entries take many writes.
///
/// A log that is more than half full is compacted, so every few writes end in a snapshot. Told in the end:
/// snapshots taken, the most disk space that a node ever used, and its bound. The exit status is 1 when a
/// write was lost or done twice, when nodes disagree, or when a node used more space.
#[derive(Clone, Debug, Parser)]
#[command(name = "small_logs", version)]
struct Options {
    /// Writes that must be acknowledged.
    #[arg(long, default_value_t = 1_000_000, value_parser = clap::value_parser!(u64).range(1..))]
    writes: u64,

    /// Clients that write at the same time, one write after the other.
    #[arg(long, default_value_t = 4, value_parser = clap::value_parser!(u32).range(1..=64))]
    clients: u32,

    /// What `cargo bench` adds.
    #[arg(long, hide = true)]
    bench: bool,
}

fn main() -> ExitCode {
    if let Some(ended) = node::run_if_asked() {
        return ended;
    }
    let options = Options::parse();
    if let Err(error) = interrupt::listen() {
        eprintln!("small_logs: cannot wait for signals: {error}");
        return ExitCode::FAILURE;
    }
    // Whatever comes of it, all processes and files are gone when this returns.
    let outcome = run(&options);
    if let Some(signal) = interrupt::signal() {
        return interrupt::end(signal);
    }
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(trouble) => {
            eprintln!("small_logs: {trouble}");
            ExitCode::FAILURE
        }
    }
}

fn run(options: &Options) -> Result<(), Trouble> {
    let mut voice = Voice::new();
    let root = Root::make(false)?;
    root.sweep();
    let mut cluster = Cluster::place(3, root, &FLAGS)?;
    cluster.start_all()?;
    let (leader, report) = cluster.leader(None)?;
    voice.say(&format!("three nodes; node {leader} leads term {}", report.number("term")))?;
    let begun = Instant::now();
    let clients = Clients::start(&cluster.addresses(), options.clients, options.writes);
    let most = watch(&clients, &cluster, options, &mut voice)?;
    let seconds = begun.elapsed().as_secs_f64();
    let counts = clients.end();
    let rate = options.writes as f64 / seconds;
    voice.say(&format!("{} writes in {seconds:.1} s, {rate:.0} a second", options.writes))?;
    let reports = cluster.at_rest()?;
    for report in &reports {
        voice.say(&format!(
            "node {}: {} snapshots taken, {} taken over; log of {} entries",
            report.text("node_id"),
            report.text("snapshots_taken"),
            report.text("snapshots_installed"),
            report.text("log_capacity_entries")
        ))?;
    }
    let told = format!("{most} of {BOUND} bytes");
    voice.say(&format!("the most disk space that a node used: {told}"))?;
    if most > BOUND {
        return Err(io::Error::other(format!("a node used {told}")).into());
    }
    let hash = |report: &examples::demo::node::Report| report.text("state_hash").to_owned();
    if reports.iter().any(|report| hash(report) != hash(&reports[0])) {
        return Err(io::Error::other("the nodes do not agree").into());
    }
    check(&counts, &cluster, &voice)
}

/// Waits for all writes; the most that a node's directory took meanwhile.
fn watch(
    clients: &Clients,
    cluster: &Cluster,
    options: &Options,
    voice: &mut Voice,
) -> Result<u64, Trouble> {
    let (mut most, mut before) = (0, 0);
    voice.begin(options.writes);
    let watched = wait_while("a write to be acknowledged", || {
        let done = clients.acknowledged();
        voice.progress(done);
        most = cluster.nodes.iter().map(|node| bytes_in(&node.data())).fold(most, u64::max);
        // (To look at all files is some work, too.)
        std::thread::sleep(std::time::Duration::from_millis(95));
        match done {
            done if done >= options.writes => Step::Done(()),
            done if done > std::mem::replace(&mut before, done) => Step::Moved,
            _ => Step::Same,
        }
    });
    voice.end();
    watched.map(|()| most)
}

/// Whether each client's number is what it was told last; a write of unknown fate may have happened.
fn check(counts: &[Count], cluster: &Cluster, voice: &Voice) -> Result<(), Trouble> {
    let mut unknown = 0;
    for count in counts {
        let found = clients::read(&cluster.addresses(), &count.key)?;
        unknown += count.unknown;
        if !(count.acknowledged..=count.acknowledged + count.unknown).contains(&found) {
            let told = format!("{}: {found} is there, {count:?}", count.key);
            return Err(io::Error::other(told).into());
        }
    }
    voice.say(&format!("every write is there, and none twice ({unknown} of unknown fate)"))
}

/// Bytes in all files in a directory and its folders.
fn bytes_in(directory: &Path) -> u64 {
    let entries = fs::read_dir(directory).into_iter().flatten().flatten();
    let bytes = |entry: fs::DirEntry| match entry.metadata() {
        Ok(found) if found.is_dir() => bytes_in(&entry.path()),
        Ok(found) => found.len(),
        Err(_) => 0, // It is gone meanwhile.
    };
    entries.map(bytes).sum()
}
