//! Clients that count, each a key of its own, until all writes together are enough.

use examples::demo::resp::{Answer, Connection};
use examples::demo::trouble::{Trouble, wait_for};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

/// How long a client waits for an answer.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long it waits before it tries again.
const PAUSE: Duration = Duration::from_millis(2);

/// The clients. They end by themselves, and when they are dropped.
pub struct Clients {
    shared: Arc<Shared>,
    threads: Vec<JoinHandle<Count>>,
}

struct Shared {
    nodes: Vec<SocketAddr>,
    goal: AtomicU64,
    acknowledged: AtomicU64,
}

/// What one was told.
#[derive(Clone, Debug, Default)]
pub struct Count {
    pub key: String,
    /// Writes that were acknowledged.
    pub acknowledged: u64,
    /// Writes that may or may not have happened.
    pub unknown: u64,
}

impl Clients {
    /// So many clients, until `goal` writes are acknowledged.
    pub fn start(nodes: &[SocketAddr], clients: u32, goal: u64) -> Self {
        let (nodes, goal) = (nodes.to_vec(), AtomicU64::new(goal));
        let shared = Arc::new(Shared { nodes, goal, acknowledged: AtomicU64::new(0) });
        let start = |client| {
            let shared = shared.clone();
            std::thread::spawn(move || shared.count(format!("count {client}")))
        };
        let threads = (0..clients).map(start).collect();
        Self { shared, threads }
    }

    /// Writes acknowledged so far.
    pub fn acknowledged(&self) -> u64 {
        self.shared.acknowledged.load(Ordering::SeqCst)
    }

    /// What they were told, once they are done.
    pub fn end(mut self) -> Vec<Count> {
        let threads = self.threads.drain(..);
        threads.map(|thread| thread.join().unwrap_or_default()).collect()
    }
}

impl Drop for Clients {
    fn drop(&mut self) {
        self.shared.goal.store(0, Ordering::SeqCst);
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
    }
}

impl Shared {
    fn goes_on(&self) -> bool {
        self.acknowledged.load(Ordering::SeqCst) < self.goal.load(Ordering::SeqCst)
    }

    fn count(&self, key: String) -> Count {
        let mut count = Count { key, ..Count::default() };
        let mut turn = 0;
        while self.goes_on() {
            let address = self.nodes[turn % self.nodes.len()];
            if let Ok(mut connection) = Connection::open(address, PATIENCE) {
                self.count_on(&mut connection, &mut count);
            }
            turn += 1;
            std::thread::sleep(PAUSE);
        }
        count
    }

    /// Counts until this node does not lead, or does not answer.
    fn count_on(&self, connection: &mut Connection, count: &mut Count) {
        while self.goes_on() {
            match connection.ask(&["INCR", &count.key]) {
                Ok(Answer::Number(_)) => {
                    count.acknowledged += 1;
                    self.acknowledged.fetch_add(1, Ordering::SeqCst);
                }
                // The log is full until a snapshot makes room.
                Ok(Answer::Error(error))
                    if error.starts_with("OOM") || error.starts_with("TRYAGAIN") =>
                {
                    std::thread::sleep(PAUSE);
                }
                Ok(answer) if answer.is_refusal() => return,
                Ok(_) | Err(_) => {
                    count.unknown += 1;
                    return;
                }
            }
        }
    }
}

/// Reads a number from whoever leads.
///
/// # Errors
/// When nobody answers for a long time.
pub fn read(nodes: &[SocketAddr], key: &str) -> Result<u64, Trouble> {
    wait_for(&format!("the value of {key}"), || {
        nodes.iter().find_map(|node| {
            match Connection::open(*node, PATIENCE).ok()?.ask(&["GET", key]).ok()? {
                Answer::Value(value) => Some(value.and_then(|text| text.parse().ok()).unwrap_or(0)),
                _ => None,
            }
        })
    })
}
