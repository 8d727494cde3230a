//! What the demo shows, act by act.

use super::cluster::Cluster;
use super::interrupt;
use super::ledger::Ledger;
use super::node::{PACE, Report};
use super::options::Options;
use super::root::Root;
use super::say::{Check, Voice};
use super::trouble::{Step, Trouble, wait_for, wait_while};
use super::verify;
use super::watch::Watch;
use super::writer::{self, Orders};
use std::io::{self, Write};
use std::path::Path;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Instant;

/// Clients that write at the same time.
const CLIENTS: u64 = 8;

/// The stage.
#[derive(Debug)]
pub struct Story {
    options: Options,
    voice: Voice,
    cluster: Cluster,
    ledger: Arc<Ledger>,
    orders: Arc<Orders>,
    writers: Vec<JoinHandle<()>>,
}

impl Story {
    /// Sets the stage.
    ///
    /// # Errors
    /// When the machine has no room for it.
    pub fn new(options: Options) -> Result<Self, Trouble> {
        let voice = Voice::new();
        let root = Root::make(options.keep)?;
        for left in root.sweep() {
            voice.say(&format!("removed what a killed demo had left: {}", left.display()))?;
        }
        Ok(Self {
            cluster: Cluster::place(options.nodes, root, &PACE)?,
            options,
            voice,
            ledger: Arc::default(),
            orders: Arc::default(),
            writers: Vec::new(),
        })
    }

    /// Plays all acts, and says how many checks failed.
    ///
    /// # Errors
    /// When something that must happen does not.
    pub fn play(&mut self) -> Result<usize, Trouble> {
        let result = self.acts();
        self.voice.end();
        self.orders.stop();
        let result = result.and_then(|checks| self.voice.table(&checks));
        if let Err(trouble) = &result {
            if trouble.is_of_the_nodes() {
                self.show_logs();
            }
            if self.options.keep {
                complain(&self.where_data_is());
            }
        }
        result
    }

    fn acts(&mut self) -> Result<Vec<Check>, Trouble> {
        self.election()?;
        let watch = Watch::start(self.cluster.addresses());
        self.leader_dies()?;
        let returned = self.one_misses_too_much()?;
        self.everybody_dies()?;
        self.voice.say("reading every write back through every node ...")?;
        let (mut checks, commit) = verify::all(&self.cluster, &self.ledger, watch)?;
        checks.push(returned);
        self.voice.say(&format!("highest commit index seen: {commit}"))?;
        checks.push(verify::stopped_cleanly(&mut self.cluster));
        interrupt::check()?;
        if self.options.keep {
            self.voice.say(&self.where_data_is())?;
        } else {
            checks.push(verify::nothing_left(&self.cluster));
        }
        Ok(checks)
    }

    /// For a person, with a command that works where they are.
    fn where_data_is(&self) -> String {
        let beside = std::env::current_exe().ok().map(|demo| demo.with_file_name("kv"));
        let kv = match beside.filter(|kv| kv.is_file()) {
            Some(kv) => kv.display().to_string(),
            None => "cargo run --release --bin kv --".to_owned(),
        };
        let root = self.cluster.root.path().display();
        let first = self.cluster.nodes.first().map_or(Path::new("."), |node| node.directory());
        format!("data is kept in {root}; look at it: {kv} inspect {}", first.display())
    }

    /// Act one: nodes that know nothing elect a leader.
    fn election(&mut self) -> Result<(), Trouble> {
        let count = self.options.nodes;
        self.voice.say(&format!("starting {count} nodes, each a process of its own"))?;
        self.cluster.start_all()?;
        for node in &self.cluster.nodes {
            let pid = node.pid().unwrap_or(0);
            self.voice
                .say(&format!("  node {}: pid {pid}, clients at {}", node.id, node.client))?;
        }
        let (leader, report) = self.cluster.leader(None)?;
        let secondaries = count - 1;
        self.voice.say(&format!(
            "node {leader} is elected in term {}: one leader, {secondaries} secondaries",
            report.number("term")
        ))
    }

    /// Act two: the leader is killed while clients write, and comes back.
    fn leader_dies(&mut self) -> Result<(), Trouble> {
        let writes = self.options.writes;
        self.voice.say(&format!(
            "{CLIENTS} clients write keys, one at a time each, {writes} in all or a few more"
        ))?;
        self.voice.begin(writes);
        let (seed, nodes) = (self.options.seed, self.cluster.addresses());
        self.writers = writer::start(CLIENTS, seed, &nodes, &self.ledger, &self.orders);
        self.wait_for_writes(writes / 4 + seed % (writes / 8 + 1))?;
        let (leader, _) = self.cluster.leader(None)?;
        if let Some(node) = self.cluster.node(leader) {
            node.kill();
        }
        let killed = Instant::now();
        self.ledger.died(killed);
        let at = self.ledger.acknowledged();
        self.voice
            .say(&format!("kill -9 node {leader}, the leader, after {at} acknowledged writes"))?;
        let (next, report) = self.cluster.leader(Some(leader))?;
        let elected = killed.elapsed();
        let first = self.first_write()?;
        self.voice.say(&format!(
            "node {next} leads term {}: {} ms without a leader, {} ms without a write",
            report.number("term"),
            elected.as_millis(),
            first.duration_since(killed).as_millis()
        ))?;
        self.wait_for_writes(writes / 2)?;
        let back = Instant::now();
        self.cluster.start(leader)?;
        let applied = self.cluster.caught_up(leader)?;
        self.voice.say(&format!(
            "node {leader} is back as a secondary, and has caught up to {applied} in {} ms",
            back.elapsed().as_millis()
        ))?;
        self.wait_for_writes(writes / 4 * 3)
    }

    /// Act three: a secondary is away until nobody's log holds what it has missed. It comes back
    /// while clients write.
    fn one_misses_too_much(&mut self) -> Result<Check, Trouble> {
        let (leader, _) = self.cluster.leader(None)?;
        let away = if leader == 1 { 2 } else { 1 };
        let last = self.cluster.report(away)?.number("last_index");
        if let Some(node) = self.cluster.node(away) {
            node.kill();
        }
        self.voice.say(&format!(
            "kill -9 node {away}, a secondary, at entry {last}; the others compact their logs"
        ))?;
        let first = self.compacted_beyond(last)?;
        self.voice
            .say(&format!("their logs begin at entry {first} now: node {away} is started"))?;
        let (back, before) = (Instant::now(), self.ledger.acknowledged());
        self.cluster.start(away)?;
        let applied = self.cluster.caught_up(away)?;
        let (elapsed, written) = (back.elapsed(), self.ledger.acknowledged() - before);
        let report = self.cluster.report(away)?;
        let installed = report.number("snapshots_installed");
        let (index, bytes) = (report.number("snapshot_index"), report.number("snapshot_bytes"));
        self.voice.say(&format!(
            "node {away} is back by a snapshot, and at entry {applied} after {} ms and {written} writes",
            elapsed.as_millis()
        ))?;
        let none = (installed == 0).then(|| format!("node {away} installed none")).into_iter();
        let measured = format!("node {away}, through entry {index}, {bytes} bytes");
        Ok(Check::new(
            "who missed too much came back by a snapshot",
            &none.collect::<Vec<_>>(),
            measured,
        ))
    }

    /// Waits until the leader's log does not hold the entry after `last` any more. Returns the first
    /// one it holds.
    fn compacted_beyond(&mut self, last: u64) -> Result<u64, Trouble> {
        let (leader, _) = self.cluster.leader(None)?;
        let client = self.cluster.node(leader).map(|node| node.client);
        wait_for("a log to be compacted", || {
            self.voice.progress(self.ledger.acknowledged());
            let first = Report::of(client?)?.number("log_first_index");
            (first > last + 1).then_some(first)
        })
    }

    /// Act four: all nodes are killed at once in the middle of writes, and started again.
    fn everybody_dies(&mut self) -> Result<(), Trouble> {
        for node in &mut self.cluster.nodes {
            node.kill();
        }
        let killed = Instant::now();
        self.ledger.died(killed);
        let at = self.ledger.acknowledged();
        self.voice.say(&format!("kill -9 all nodes at once, after {at} acknowledged writes"))?;
        self.cluster.start_all()?;
        let (leader, report) = self.cluster.leader(None)?;
        self.voice.say(&format!(
            "all are back on their journals; node {leader} leads term {} after {} ms",
            report.number("term"),
            killed.elapsed().as_millis()
        ))?;
        self.first_write()?;
        self.wait_for_writes(self.options.writes)?;
        self.orders.stop();
        for writer in self.writers.drain(..) {
            let _ = writer.join();
        }
        self.voice.end();
        self.voice.say(&format!("{} writes are acknowledged", self.ledger.acknowledged()))
    }

    /// Waits for the first write that the cluster does after a death. The clients write until they
    /// are told to stop, so it comes however few writes were asked for.
    fn first_write(&self) -> Result<Instant, Trouble> {
        wait_for("a write after a death", || self.ledger.revived())
    }

    /// Waits until `count` writes are acknowledged.
    fn wait_for_writes(&self, count: u64) -> Result<(), Trouble> {
        let mut last = self.ledger.len();
        wait_while("any write to end", || {
            let acknowledged = self.ledger.acknowledged();
            self.voice.progress(acknowledged);
            if acknowledged >= count {
                return Step::Done(());
            }
            let before = std::mem::replace(&mut last, self.ledger.len());
            if before == last { Step::Same } else { Step::Moved }
        })
    }

    /// The last words of every node, when something went wrong.
    fn show_logs(&self) {
        for node in &self.cluster.nodes {
            let text = std::fs::read_to_string(node.log()).unwrap_or_default();
            let lines: Vec<_> = text.lines().rev().take(5).collect();
            for line in lines.iter().rev() {
                complain(&format!("  node {}: {line}", node.id));
            }
        }
    }
}

impl Drop for Story {
    fn drop(&mut self) {
        // The nodes are killed, and their data is removed, by being dropped.
        self.orders.stop();
    }
}

/// As `eprintln!`, which panics where nobody reads any more.
pub fn complain(line: &str) {
    let _ = writeln!(io::stderr().lock(), "{line}");
}
