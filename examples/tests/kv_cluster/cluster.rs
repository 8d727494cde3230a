//! Three real `kv` processes on loopback, and clients that speak RESP to them.

use std::fmt::Write as _;
use std::fs::OpenOptions;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

/// How long anything may take before a test gives up.
const PATIENCE: Duration = Duration::from_secs(30);

/// A directory of this test's own, removed at the end.
pub struct Scratch(PathBuf);

impl Scratch {
    pub fn new(name: &str) -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let name = format!("kv-{name}-{}-{number}", std::process::id());
        let path = std::env::temp_dir().join(name);
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    pub fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// One node: how to start it, and its process while it runs.
pub struct Node {
    pub id: u32,
    pub client: SocketAddr,
    /// Its directory.
    pub data: PathBuf,
    arguments: Vec<String>,
    /// The limit on the length of its files, in the units of `ulimit -f`.
    pub limit: &'static str,
    child: Option<Child>,
}

impl Node {
    /// A node that is a cluster of its own; not started.
    pub fn alone(scratch: &Scratch, flags: &[&str]) -> Self {
        let listener = TcpListener::bind(loopback()).unwrap();
        let (client, data) = (listener.local_addr().unwrap(), scratch.path().join("n1"));
        let line = format!(
            "--id 1 --raft 127.0.0.1:0 --client {client} --data {} --election-timeout 200ms \
             --heartbeat 50ms",
            data.display()
        );
        let words = line.split_whitespace().chain(flags.iter().copied());
        let arguments = words.map(str::to_owned).collect();
        Self { id: 1, client, data, arguments, limit: "unlimited", child: None }
    }

    pub fn start(&mut self) {
        assert!(self.child.is_none(), "node {} runs already", self.id);
        let log = OpenOptions::new().create(true).append(true).open(self.log_path()).unwrap();
        let mut command = Command::new("sh");
        command.args(["-c", "ulimit -S -f \"$1\"; shift; exec \"$@\"", "sh", self.limit]);
        command.arg(env!("CARGO_BIN_EXE_kv")).args(&self.arguments);
        self.child = Some(command.stdin(Stdio::null()).stderr(log).spawn().unwrap());
    }

    fn log_path(&self) -> PathBuf {
        self.data.with_extension("log")
    }

    /// All that it has said so far.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.log_path()).unwrap()
    }

    /// Waits until it has said this.
    pub fn says(&self, part: &str) {
        wait_for(part, || self.log().contains(part).then_some(()));
    }

    /// Waits for it to end by itself, and how it ended.
    pub fn ended(&mut self) -> ExitStatus {
        let mut child = self.child.take().unwrap();
        wait_for("the end of a node", || child.try_wait().unwrap())
    }

    /// `kill -9`.
    pub fn kill(&mut self) {
        let mut child = self.child.take().unwrap();
        child.kill().unwrap();
        child.wait().unwrap();
    }

    pub fn pid(&self) -> u32 {
        self.child.as_ref().unwrap().id()
    }

    pub fn signal(&self, signal: &str) {
        let pid = self.pid().to_string();
        assert!(Command::new("kill").args([signal, &pid]).status().unwrap().success());
    }

    /// `SIGTERM`, and how it ended.
    pub fn stop(&mut self) -> ExitStatus {
        self.signal("-TERM");
        self.ended()
    }

    /// Stops, and starts with another value of a flag.
    pub fn restart_with(&mut self, flag: &str, value: &str) {
        assert!(self.stop().success());
        self.start_with(flag, value);
    }

    /// Starts with another value of a flag.
    pub fn start_with(&mut self, flag: &str, value: &str) {
        let place = self.arguments.iter().position(|one| one == flag).expect("it has the flag");
        self.arguments[place + 1] = value.to_owned();
        self.start();
    }

    pub fn connect(&self) -> Client {
        wait_for("a connection", || Client::connect(self.client))
    }

    /// A field of `INFO`.
    pub fn info(&self, field: &str) -> String {
        let text = self.connect().ask(&["INFO"]);
        let line = text.lines().find_map(|line| line.strip_prefix(field)?.strip_prefix(':'));
        line.unwrap_or_else(|| panic!("no {field} in {text}")).to_owned()
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        if let Some(child) = &mut self.child {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// Three nodes.
pub struct Cluster {
    pub nodes: Vec<Node>,
    pub scratch: Scratch,
}

impl Cluster {
    /// Starts three nodes with these flags, and a leader that lasts on a busy machine.
    pub fn start(name: &str, flags: &[&str]) -> Self {
        Self::start_with(name, "2s", flags)
    }

    /// Starts three nodes with these flags.
    pub fn start_with(name: &str, election_timeout: &str, flags: &[&str]) -> Self {
        let sizes = ["--journal", "128MiB", "--log-bytes", "16MiB"];
        Self::start_with_sizes(name, election_timeout, &[&sizes, flags].concat())
    }

    /// The same with no sizes but those among the flags.
    pub fn start_with_sizes(name: &str, election_timeout: &str, flags: &[&str]) -> Self {
        let scratch = Scratch::new(name);
        // Held until all are known, so that no two are the same.
        let udp: Vec<UdpSocket> = (0..3).map(|_| UdpSocket::bind(loopback()).unwrap()).collect();
        let tcp: Vec<TcpListener> =
            (0..3).map(|_| TcpListener::bind(loopback()).unwrap()).collect();
        let raft: Vec<SocketAddr> = udp.iter().map(|socket| socket.local_addr().unwrap()).collect();
        let clients: Vec<SocketAddr> = tcp.iter().map(|one| one.local_addr().unwrap()).collect();
        drop((udp, tcp));
        let node = |place: usize| {
            let id = place as u32 + 1;
            let data = scratch.path().join(format!("n{id}"));
            let mut line = format!(
                "--id {id} --raft {} --client {} --data {} --heartbeat 100ms \
                 --election-timeout {election_timeout}",
                raft[place],
                clients[place],
                data.display()
            );
            for (peer, address) in raft.iter().enumerate().filter(|(peer, _)| *peer != place) {
                write!(line, " --peer {}={address}", peer + 1).unwrap();
            }
            let mut arguments: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
            arguments.extend(flags.iter().map(|flag| (*flag).to_owned()));
            Node { id, client: clients[place], data, arguments, limit: "unlimited", child: None }
        };
        let mut nodes: Vec<Node> = (0..3).map(node).collect();
        nodes.iter_mut().for_each(Node::start);
        Self { nodes, scratch }
    }

    /// The place of the running node that answers reads: the leader.
    pub fn leader(&self) -> usize {
        wait_for("a leader", || {
            self.nodes.iter().position(|node| {
                node.child.is_some()
                    && Client::connect(node.client)
                        .is_some_and(|mut client| client.ask(&["DBSIZE"]).starts_with(':'))
            })
        })
    }

    /// Places of the running nodes that follow.
    pub fn followers(&self, leader: usize) -> Vec<usize> {
        let running = |place: &usize| self.nodes[*place].child.is_some();
        (0..3).filter(|place| *place != leader).filter(running).collect()
    }

    /// Waits until all running nodes have applied the same, and says what they agree on.
    pub fn agreed(&self) -> String {
        wait_for("equal states", || {
            let running = self.nodes.iter().filter(|node| node.child.is_some());
            let states: Vec<(String, String)> =
                running.map(|node| (node.info("applied_index"), node.info("state_hash"))).collect();
            let (first, rest) = states.split_first()?;
            let level = rest.iter().all(|other| other.0 == first.0);
            if level {
                assert!(rest.iter().all(|other| other == first), "states differ: {states:?}");
            }
            level.then(|| first.1.clone())
        })
    }
}

fn loopback() -> SocketAddr {
    (Ipv4Addr::LOCALHOST, 0).into()
}

/// A connection. Replies are shown as they are on the wire, with `|` for line ends; bulk strings
/// without their lengths.
pub struct Client {
    stream: BufReader<TcpStream>,
}

impl Client {
    pub fn connect(address: SocketAddr) -> Option<Self> {
        let stream = TcpStream::connect(address).ok()?;
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.set_nodelay(true).unwrap();
        Some(Self { stream: BufReader::new(stream) })
    }

    pub fn send(&mut self, words: &[&str]) {
        let mut bytes = format!("*{}\r\n", words.len());
        for word in words {
            write!(bytes, "${}\r\n{word}\r\n", word.len()).unwrap();
        }
        self.send_bytes(bytes.as_bytes());
    }

    pub fn send_bytes(&mut self, bytes: &[u8]) {
        self.stream.get_mut().write_all(bytes).unwrap();
    }

    pub fn shutdown(&self) {
        self.stream.get_ref().shutdown(std::net::Shutdown::Write).unwrap();
    }

    /// The next reply; `None` when the connection has ended.
    pub fn hear(&mut self) -> Option<String> {
        let mut line = String::new();
        if self.stream.read_line(&mut line).ok()? == 0 {
            return None;
        }
        let line = line.trim_end().to_owned();
        let (kind, rest) = line.split_at(1);
        match (kind, rest.parse::<i64>()) {
            ("$", Ok(length @ 0..)) => {
                let mut bytes = vec![0; length as usize + 2];
                self.stream.read_exact(&mut bytes).ok()?;
                bytes.truncate(length as usize);
                Some(String::from_utf8(bytes).unwrap())
            }
            ("*", Ok(count)) => {
                let items: Option<Vec<String>> = (0..count).map(|_| self.hear()).collect();
                Some(format!("[{}]", items?.join(" ")))
            }
            _ => Some(line),
        }
    }

    pub fn ask(&mut self, words: &[&str]) -> String {
        self.send(words);
        self.hear().unwrap_or_else(|| "gone".to_owned())
    }
}

/// Tries until something comes of it.
pub fn wait_for<T>(what: &str, mut attempt: impl FnMut() -> Option<T>) -> T {
    let start = Instant::now();
    loop {
        if let Some(found) = attempt() {
            return found;
        }
        assert!(start.elapsed() < PATIENCE, "waited for {what} in vain");
        std::thread::sleep(Duration::from_millis(20));
    }
}
