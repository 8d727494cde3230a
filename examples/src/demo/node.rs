//! One node of the demo, or of a benchmark: this very program, executed again.

use super::resp::{Answer, Connection};
use std::collections::BTreeMap;
use std::fs::File;
use std::io;
use std::net::{SocketAddr, TcpListener, UdpSocket};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitCode, ExitStatus, Stdio};
use std::time::{Duration, Instant};

/// The first word of the command line of a process that is a node.
const NODE: &str = "node";

/// What is different from `kv` by itself, since a person waits here. Elections are twice as fast; a
/// leader may still be kept from running for ten heartbeats, on a machine with more to do than this,
/// before another takes its place. Files of the journal are small, as filling a new one with zeros
/// is what opening takes longest for. Logs are short, so that they are compacted in front of one's
/// eyes.
pub const PACE: [&str; 7] = [
    "--election-timeout=500ms",
    "--heartbeat=50ms",
    "--segment=2MiB",
    "--journal=64MiB",
    "--log-entries=1024",
    "--log-bytes=1MiB",
    "--snapshot-max=64MiB",
];

/// A node's place: its addresses and directory, and its process while it has one.
#[derive(Debug)]
pub struct Node {
    /// Its number, from 1.
    pub id: u32,
    /// Where clients reach it.
    pub client: SocketAddr,
    raft: SocketAddr,
    directory: PathBuf,
    flags: Vec<String>,
    process: Option<Child>,
    /// How often it was started.
    pub starts: u32,
}

/// What a node tells of itself.
#[derive(Clone, Debug)]
pub struct Report(BTreeMap<String, String>);

impl Report {
    /// Asks the node at `address`.
    pub fn of(address: SocketAddr) -> Option<Self> {
        let mut connection = Connection::open(address, Duration::from_millis(500)).ok()?;
        Self::from(&mut connection)
    }

    /// Asks over an open connection.
    pub fn from(connection: &mut Connection) -> Option<Self> {
        let Answer::Value(Some(text)) = connection.ask(&["INFO", "raft"]).ok()? else {
            return None;
        };
        let lines = text.lines().filter_map(|line| line.split_once(':'));
        Some(Self(lines.map(|(key, value)| (key.to_string(), value.to_string())).collect()))
    }

    /// A field as text; empty when it is missing.
    pub fn text(&self, field: &str) -> &str {
        self.0.get(field).map_or("", String::as_str)
    }

    /// A field as a number; zero when it is none.
    pub fn number(&self, field: &str) -> u64 {
        self.text(field).parse().unwrap_or(0)
    }

    /// Whether the node leads.
    pub fn leads(&self) -> bool {
        self.text("raft_role") == "leader"
    }
}

/// Runs a node, where this process was started to be one.
pub fn run_if_asked() -> Option<ExitCode> {
    let mut words = std::env::args_os();
    let program = words.next().unwrap_or_default();
    if words.next()? != NODE {
        return None;
    }
    stop_with_the_starter();
    Some(crate::kv::main(std::iter::once(program).chain(words)))
}

/// From now on this process is asked to stop when its standard input ends: whoever started it is
/// gone, or asks for it.
pub fn stop_with_the_starter() {
    std::thread::spawn(|| {
        let _ = std::io::copy(&mut std::io::stdin().lock(), &mut std::io::sink());
        let _ = signal_hook::low_level::raise(signal_hook::consts::SIGTERM);
    });
}

impl Node {
    /// Finds free ports for it. It is to be started with `flags`.
    ///
    /// # Errors
    /// When the machine has none.
    pub fn place(id: u32, root: &Path, flags: &[&str]) -> io::Result<Self> {
        let loopback = ("127.0.0.1", 0);
        Ok(Self {
            id,
            client: TcpListener::bind(loopback)?.local_addr()?,
            raft: UdpSocket::bind(loopback)?.local_addr()?,
            directory: root.join(format!("node-{id}")),
            flags: flags.iter().map(|flag| (*flag).to_owned()).collect(),
            process: None,
            starts: 0,
        })
    }

    /// The words by which another node knows this one.
    fn as_peer(&self) -> String {
        format!("{}={}", self.id, self.raft)
    }

    /// The words that start each of `nodes`.
    pub fn peers(nodes: &[Self]) -> Vec<(u32, String)> {
        nodes.iter().map(|node| (node.id, node.as_peer())).collect()
    }

    /// Starts its process.
    ///
    /// # Errors
    /// When this program cannot be executed.
    pub fn start(&mut self, peers: &[(u32, String)]) -> io::Result<()> {
        std::fs::create_dir_all(&self.directory)?;
        let log = File::options().create(true).append(true).open(self.log())?;
        let mut command = Command::new(std::env::current_exe()?);
        command.args([NODE, "--id", &self.id.to_string()]);
        command.args(["--raft", &self.raft.to_string(), "--client", &self.client.to_string()]);
        for (_, peer) in peers.iter().filter(|(id, _)| *id != self.id) {
            command.args(["--peer", peer]);
        }
        command.arg("--data").arg(self.data()).args(["--cluster", "demo"]);
        command.args(&self.flags);
        // A node whose demo is gone finds its standard input closed, and stops.
        command.stdin(Stdio::piped()).stdout(log.try_clone()?).stderr(log);
        self.process = Some(command.spawn()?);
        self.starts += 1;
        Ok(())
    }

    /// Where its journal is.
    pub fn data(&self) -> PathBuf {
        self.directory.join("journal")
    }

    /// Its directory.
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// What the process has written.
    pub fn log(&self) -> PathBuf {
        self.directory.join("output.log")
    }

    /// `kill -9`.
    pub fn kill(&mut self) {
        if let Some(mut process) = self.process.take() {
            let _ = process.kill();
            let _ = process.wait();
        }
    }

    /// Its process's number, while it has one.
    pub fn pid(&self) -> Option<u32> {
        self.process.as_ref().map(Child::id)
    }

    /// Asks the process to stop, and waits up to `patience` for it.
    pub fn stop(&mut self, patience: Duration) -> Option<ExitStatus> {
        let mut process = self.process.take()?;
        drop(process.stdin.take());
        let end = Instant::now() + patience;
        while Instant::now() < end {
            if let Ok(Some(status)) = process.try_wait() {
                return Some(status);
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        let _ = process.kill();
        let _ = process.wait();
        None
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        self.kill();
    }
}
