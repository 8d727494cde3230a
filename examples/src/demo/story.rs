//! What the demo shows, act by act.

use super::cluster::{Cluster, Trouble, wait_for};
use super::ledger::Ledger;
use super::options::Options;
use super::say::{Check, Voice};
use super::verify;
use super::watch::Watch;
use super::writer::{self, Budget};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// Clients that write at the same time.
const CLIENTS: u64 = 8;

/// The stage.
#[derive(Debug)]
pub struct Story {
    options: Options,
    voice: Voice,
    cluster: Cluster,
    ledger: Arc<Ledger>,
    budget: Arc<Budget>,
    writers: Vec<JoinHandle<()>>,
}

impl Story {
    /// Sets the stage.
    ///
    /// # Errors
    /// When the machine has no room for it.
    pub fn new(options: Options) -> Result<Self, Trouble> {
        let cluster = Cluster::place(options.nodes)?;
        Ok(Self {
            options,
            voice: Voice::new(),
            cluster,
            ledger: Arc::default(),
            budget: Arc::default(),
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
        self.budget.stop();
        let checks = match result {
            Ok(checks) => checks,
            Err(trouble) => {
                self.show_logs();
                return Err(trouble);
            }
        };
        Ok(self.voice.table(&checks))
    }

    fn acts(&mut self) -> Result<Vec<Check>, Trouble> {
        self.election()?;
        let watch = Watch::start(self.cluster.addresses());
        self.leader_dies()?;
        self.everybody_dies()?;
        self.voice.say("reading every write back through every node ...");
        let mut checks = verify::all(&self.cluster, &self.ledger, &watch.seen())?;
        let seen = watch.seen();
        drop(watch);
        self.voice.say(&format!("highest commit index seen: {}", seen.commit));
        checks.push(verify::stopped_cleanly(&mut self.cluster));
        if self.options.keep {
            self.voice.say(&format!("data is kept in {}", self.cluster.root().display()));
        } else {
            checks.push(verify::nothing_left(&self.cluster));
        }
        Ok(checks)
    }

    /// Act one: nodes that know nothing elect a leader.
    fn election(&mut self) -> Result<(), Trouble> {
        let count = self.options.nodes;
        self.voice.say(&format!("starting {count} nodes, each a process of its own"));
        self.cluster.start_all()?;
        for node in &self.cluster.nodes {
            let pid = node.pid().unwrap_or(0);
            self.voice.say(&format!("  node {}: pid {pid}, clients at {}", node.id, node.client));
        }
        let (leader, report) = self.cluster.leader(None)?;
        let secondaries = count - 1;
        self.voice.say(&format!(
            "node {leader} is elected in term {}: one leader, {secondaries} secondaries",
            report.number("term")
        ));
        Ok(())
    }

    /// Act two: the leader is killed while clients write, and comes back.
    fn leader_dies(&mut self) -> Result<(), Trouble> {
        let writes = self.options.writes;
        self.voice.say(&format!("{CLIENTS} clients write {writes} keys, one at a time each"));
        self.voice.begin(writes);
        self.write(writes);
        let quarter = writes / 4 + self.options.seed % (writes / 8 + 1);
        self.wait_for_writes(quarter)?;
        let (leader, _) = self.cluster.leader(None)?;
        let killed = Instant::now();
        if let Some(node) = self.cluster.node(leader) {
            node.kill();
        }
        let at = self.ledger.acknowledged();
        self.voice
            .say(&format!("kill -9 node {leader}, the leader, after {at} acknowledged writes"));
        let (next, report) = self.cluster.leader(Some(leader))?;
        let elected = killed.elapsed();
        let ledger = self.ledger.clone();
        let first = wait_for("a write after the leader died", || {
            ledger.last_acknowledged().filter(|at| *at > killed + elected / 2)
        })?;
        self.voice.say(&format!(
            "node {next} leads term {}: {} ms without a leader, {} ms without a write",
            report.number("term"),
            elected.as_millis(),
            first.duration_since(killed).as_millis()
        ));
        self.wait_for_writes(writes / 2)?;
        let back = Instant::now();
        self.cluster.start(leader)?;
        let applied = self.cluster.caught_up(leader)?;
        self.voice.say(&format!(
            "node {leader} is back as a secondary, and has caught up to {applied} in {} ms",
            back.elapsed().as_millis()
        ));
        self.wait_for_writes(writes)
    }

    /// Act three: all nodes are killed at once in the middle of writes, and started again.
    fn everybody_dies(&mut self) -> Result<(), Trouble> {
        let more = self.options.writes;
        let before = self.ledger.acknowledged();
        self.write(more);
        self.wait_for_writes(before + more / 4)?;
        for node in &mut self.cluster.nodes {
            node.kill();
        }
        let killed = Instant::now();
        let at = self.ledger.acknowledged();
        self.voice.say(&format!("kill -9 all nodes at once, after {at} acknowledged writes"));
        self.cluster.start_all()?;
        let (leader, report) = self.cluster.leader(None)?;
        self.voice.say(&format!(
            "all are back on their journals; node {leader} leads term {} after {} ms",
            report.number("term"),
            killed.elapsed().as_millis()
        ));
        self.wait_for_writes(at + more / 4)?;
        self.budget.stop();
        for writer in self.writers.drain(..) {
            let _ = writer.join();
        }
        self.voice.end();
        self.voice.say(&format!("{} writes are acknowledged", self.ledger.acknowledged()));
        Ok(())
    }

    /// Lets clients begin `more` writes.
    fn write(&mut self, more: u64) {
        self.budget.allow(more);
        let nodes = self.cluster.addresses();
        self.writers.retain(|writer| !writer.is_finished());
        let seed = self.options.seed.wrapping_mul(31).wrapping_add(self.ledger.len());
        let missing = CLIENTS - self.writers.len() as u64;
        self.writers.extend(writer::start(missing, seed, &nodes, &self.ledger, &self.budget));
    }

    /// Waits until `count` writes have ended, whatever their fate.
    fn wait_for_writes(&self, count: u64) -> Result<(), Trouble> {
        let end = |writers: &[JoinHandle<()>]| writers.iter().all(JoinHandle::is_finished);
        let (mut last, mut moved) = (self.ledger.len(), Instant::now());
        while self.ledger.acknowledged() < count && !end(&self.writers) {
            self.voice.progress(self.ledger.acknowledged());
            if self.ledger.len() != last {
                (last, moved) = (self.ledger.len(), Instant::now());
            }
            if moved.elapsed() > Duration::from_secs(20) {
                return Err(Trouble::Patience("any write to end".to_string()));
            }
            std::thread::sleep(Duration::from_millis(2));
        }
        Ok(())
    }

    /// The last words of every node, when something went wrong.
    fn show_logs(&self) {
        for node in &self.cluster.nodes {
            let text = std::fs::read_to_string(node.log()).unwrap_or_default();
            let lines: Vec<_> = text.lines().rev().take(5).collect();
            for line in lines.iter().rev() {
                eprintln!("  node {}: {line}", node.id);
            }
        }
    }
}

impl Drop for Story {
    fn drop(&mut self) {
        self.budget.stop();
        for node in &mut self.cluster.nodes {
            node.kill();
        }
        if !self.options.keep {
            let _ = std::fs::remove_dir_all(self.cluster.root());
        }
    }
}
