//! Clients that write without pause, or at a steady pace, and count what was acknowledged.

use examples::demo::resp::{Answer, Connection};
use examples::demo::trouble::Trouble;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// How long a client waits for an answer.
const PATIENCE: Duration = Duration::from_secs(10);
/// Bytes in a value.
const VALUE: usize = 32;

/// The clients. They stop when they are dropped.
#[derive(Debug)]
pub struct Writers {
    shared: Arc<Shared>,
    threads: Vec<JoinHandle<()>>,
}

#[derive(Debug, Default)]
struct Shared {
    stop: AtomicBool,
    acknowledged: AtomicU64,
    refused: AtomicU64,
}

/// How much was acknowledged, and when that was looked at.
#[derive(Clone, Copy, Debug)]
pub struct Mark {
    at: Instant,
    acknowledged: u64,
}

impl Writers {
    /// So many `clients` on the node at `leader`, with `pace` writes a second together, or without a
    /// pause where that is zero.
    ///
    /// # Errors
    /// When one cannot connect.
    pub fn start(leader: SocketAddr, clients: u32, pace: u32) -> Result<Self, Trouble> {
        let shared = Arc::<Shared>::default();
        let interval = match pace {
            0 => Duration::ZERO,
            pace => Duration::from_secs(1) * clients / pace,
        };
        let mut threads = Vec::new();
        for client in 0..clients {
            let connection = Connection::open(leader, PATIENCE)?;
            let shared = shared.clone();
            let run = move || shared.write(connection, client, interval);
            threads.push(std::thread::spawn(run));
        }
        Ok(Self { shared, threads })
    }

    /// What was acknowledged up to now.
    pub fn mark(&self) -> Mark {
        Mark { at: Instant::now(), acknowledged: self.shared.acknowledged.load(Ordering::SeqCst) }
    }

    /// Writes that were not taken.
    pub fn refused(&self) -> u64 {
        self.shared.refused.load(Ordering::SeqCst)
    }
}

impl Mark {
    /// Where nobody writes.
    pub fn without() -> Self {
        Self { at: Instant::now(), acknowledged: 0 }
    }

    /// Writes acknowledged in a second between an earlier mark and this one.
    pub fn rate_since(&self, earlier: Self) -> f64 {
        let writes = self.acknowledged.saturating_sub(earlier.acknowledged);
        writes as f64 / self.since(earlier).as_secs_f64().max(1e-6)
    }

    /// The time between an earlier mark and this one.
    pub fn since(&self, earlier: Self) -> Duration {
        self.at.saturating_duration_since(earlier.at)
    }
}

impl Drop for Writers {
    fn drop(&mut self) {
        self.shared.stop.store(true, Ordering::SeqCst);
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
    }
}

impl Shared {
    fn write(&self, mut connection: Connection, client: u32, interval: Duration) {
        let (key, value) = (format!("writer {client}"), "w".repeat(VALUE));
        let mut next = Instant::now();
        while !self.stop.load(Ordering::SeqCst) {
            match connection.ask(&["SET", &key, &value]) {
                Ok(Answer::Status(_)) => {
                    self.acknowledged.fetch_add(1, Ordering::SeqCst);
                }
                Ok(_) => {
                    self.refused.fetch_add(1, Ordering::SeqCst);
                    std::thread::sleep(Duration::from_millis(10));
                }
                // The node is gone, and whoever looks at it will notice.
                Err(_) => return,
            }
            // Whoever was kept from it does not catch up.
            next = (next + interval).max(Instant::now());
            std::thread::sleep(next.saturating_duration_since(Instant::now()));
        }
    }
}
