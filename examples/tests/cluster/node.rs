//! One node: a real process, what can be done to it, and what it says of itself.

use std::collections::BTreeMap;
use std::fmt;
use std::fs::{self, File};
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use super::proxy::NodeId;
use super::resp::{Answer, Connection};

/// How long to wait for a process that was told to end.
const END: Duration = Duration::from_secs(30);

/// Lines of a node's log to show when a test fails.
const LINES_SHOWN: usize = 60;

/// A node. Its process, if it has one, is killed when it is dropped.
#[derive(Debug)]
pub struct Node {
    id: NodeId,
    client: SocketAddr,
    words: Vec<String>,
    data: PathBuf,
    log: PathBuf,
    child: Option<Child>,
}

impl Node {
    /// A node that is not running yet: it keeps everything below `directory`, and is given
    /// these words besides those about itself.
    pub fn new(
        id: NodeId,
        (raft, client): (SocketAddr, SocketAddr),
        directory: &Path,
        words: &[String],
    ) -> Self {
        let data = directory.join(format!("data-{id}"));
        let log = directory.join(format!("node-{id}.log"));
        let mut all = vec![format!("--id={id}"), format!("--raft={raft}")];
        all.extend([format!("--client={client}"), format!("--data={}", data.display())]);
        all.extend_from_slice(words);
        Self { id, client, words: all, data, log, child: None }
    }

    /// Its id.
    pub fn id(&self) -> NodeId {
        self.id
    }

    /// Where it listens for clients.
    pub fn client(&self) -> SocketAddr {
        self.client
    }

    /// Starts the process, unless it runs. It may take a moment until it listens.
    pub fn start(&mut self) {
        if self.child.is_some() {
            return;
        }
        let log = File::options().create(true).append(true).open(&self.log).expect("a log");
        let output = log.try_clone().expect("a log");
        let mut command = Command::new(env!("CARGO_BIN_EXE_kv"));
        command.args(&self.words).stdin(Stdio::null()).stdout(output).stderr(log);
        self.child = Some(command.spawn().expect("the program starts"));
    }

    /// Ends the process with SIGKILL, if it runs, even if it is paused.
    pub fn kill(&mut self) {
        self.check();
        if let Some(mut child) = self.child.take() {
            child.kill().expect("it is our child");
            child.wait().expect("it is our child");
        }
    }

    /// Stops the process in its tracks.
    pub fn pause(&mut self) {
        self.signal("STOP");
    }

    /// Lets it go on.
    pub fn resume(&mut self) {
        self.signal("CONT");
    }

    /// Asks the process to end, and waits until it has.
    pub fn stop(&mut self) -> ExitStatus {
        self.signal("TERM");
        let mut child = self.child.take().expect("it was just sent a signal");
        let start = Instant::now();
        loop {
            if let Some(status) = child.try_wait().expect("it is our child") {
                return status;
            }
            if start.elapsed() > END {
                self.child = Some(child);
                panic!("node {} does not stop", self.id);
            }
            thread::sleep(Duration::from_millis(5));
        }
    }

    fn signal(&mut self, signal: &str) {
        self.check();
        let Some(child) = &self.child else { return };
        // Not waited for, so the number is still that of our child. Every shell knows `kill`.
        let line = format!("kill -{signal} {}", child.id());
        let status = Command::new("sh").arg("-c").arg(&line).status().expect("there is a shell");
        assert!(status.success(), "{line}: {status}");
    }

    /// # Panics
    ///
    /// If the process has ended, and nobody told it to.
    pub fn check(&mut self) {
        let status = self.child.as_mut().and_then(|child| child.try_wait().expect("our child"));
        if let Some(status) = status {
            self.child = None;
            panic!("node {} has ended by itself: {status}", self.id);
        }
    }

    /// What the node says of itself.
    pub fn info(&self, patience: Duration) -> io::Result<Info> {
        match Connection::open(self.client, patience)?.call(&["INFO", "raft"])? {
            Answer::Bulk(Some(text)) => Ok(Info::parse(&text)),
            other => panic!("node {} to INFO: {other:?}", self.id),
        }
    }

    /// What `kv inspect` says of its journal. It must not be running.
    pub fn inspect(&self) -> std::process::Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_kv"));
        command.arg("inspect").arg(&self.data).output().expect("the program starts")
    }

    /// The end of what it had to say.
    pub fn last_words(&self) -> String {
        let text = fs::read(&self.log).unwrap_or_default();
        let text = String::from_utf8_lossy(&text);
        let lines: Vec<&str> = text.lines().collect();
        let shown = &lines[lines.len().saturating_sub(LINES_SHOWN)..];
        format!(
            "--- node {}, {} of {} lines\n{}",
            self.id,
            shown.len(),
            lines.len(),
            shown.join("\n")
        )
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            // It may have ended; in any case it is not to be left behind.
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// The answer to `INFO`.
#[derive(Debug, Clone, Default)]
pub struct Info(BTreeMap<String, String>);

impl Info {
    fn parse(text: &str) -> Self {
        let pairs = text.lines().filter_map(|line| line.split_once(':'));
        Self(pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect())
    }

    /// The value with this name.
    pub fn text(&self, name: &str) -> &str {
        self.0.get(name).unwrap_or_else(|| panic!("INFO has no {name}"))
    }

    /// The number with this name.
    pub fn number(&self, name: &str) -> u64 {
        let text = self.text(name);
        text.parse().unwrap_or_else(|_| panic!("INFO has no number as {name}: {text:?}"))
    }
}

impl fmt::Display for Info {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown =
            ["raft_role", "term", "leader_id", "last_index", "durable_index", "commit_index"];
        let rest = ["applied_index", "state_hash", "boot", "halted", "datagrams_refused"];
        for name in shown.iter().chain(&rest) {
            write!(f, "{name}:{} ", self.text(name))?;
        }
        Ok(())
    }
}
