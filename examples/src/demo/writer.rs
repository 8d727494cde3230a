//! Clients that write without pause, find the leader by themselves, and note what they were told.

use super::ledger::{Fate, Ledger};
use super::resp::{Answer, Connection};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

/// How long a client waits for an answer before it gives up on it.
const PATIENCE: Duration = Duration::from_secs(3);
/// How long it waits before it asks again who leads.
const PAUSE: Duration = Duration::from_millis(20);

/// How many writes have been begun, and how many may be.
#[derive(Debug, Default)]
pub struct Budget {
    begun: AtomicU64,
    most: AtomicU64,
}

impl Budget {
    /// Allows `more` writes.
    pub fn allow(&self, more: u64) {
        self.most.fetch_add(more, Ordering::SeqCst);
    }

    /// Allows no more.
    pub fn stop(&self) {
        self.most.store(0, Ordering::SeqCst);
    }

    fn take(&self) -> Option<u64> {
        let most = self.most.load(Ordering::SeqCst);
        let next = |begun| (begun < most).then_some(begun + 1);
        self.begun.fetch_update(Ordering::SeqCst, Ordering::SeqCst, next).ok()
    }
}

struct Writer {
    nodes: Vec<SocketAddr>,
    turn: usize,
    target: Option<SocketAddr>,
    connection: Option<Connection>,
    ledger: Arc<Ledger>,
    budget: Arc<Budget>,
    prefix: String,
}

/// Starts `clients` writers on `nodes`. They end when the budget is spent.
pub fn start(
    clients: u64,
    seed: u64,
    nodes: &[SocketAddr],
    ledger: &Arc<Ledger>,
    budget: &Arc<Budget>,
) -> Vec<JoinHandle<()>> {
    let writers = (0..clients).map(|client| Writer {
        nodes: nodes.to_vec(),
        turn: client as usize,
        target: None,
        connection: None,
        ledger: ledger.clone(),
        budget: budget.clone(),
        prefix: format!("{seed:x}-{client}"),
    });
    writers.map(|mut writer| std::thread::spawn(move || writer.run())).collect()
}

impl Writer {
    fn run(&mut self) {
        while let Some(number) = self.budget.take() {
            let key = format!("{}-{number}", self.prefix);
            let fate = self.write(&key);
            self.ledger.enter(key, fate);
        }
    }

    /// Writes `key`, once: it tries again only while it is told that nothing has happened.
    fn write(&mut self, key: &str) -> Fate {
        loop {
            let Some(connection) = self.connect() else {
                std::thread::sleep(PAUSE);
                continue;
            };
            match connection.ask(&["INCR", key]) {
                Ok(Answer::Number(1)) => return Fate::Acknowledged,
                Ok(answer) if answer.is_refusal() => self.look_elsewhere(answer.moved_to()),
                Ok(Answer::Error(error)) if error.starts_with("UNKNOWN") => {
                    self.look_elsewhere(None);
                    return Fate::Unknown;
                }
                Ok(answer) => {
                    self.ledger.wrong(format!("INCR {key} answered {answer:?}"));
                    return Fate::Unknown;
                }
                Err(_) => {
                    self.look_elsewhere(None);
                    return Fate::Unknown;
                }
            }
        }
    }

    fn connect(&mut self) -> Option<&mut Connection> {
        if self.connection.is_none() {
            let next = self.nodes.get(self.turn % self.nodes.len()).copied();
            let address = self.target.take().or(next)?;
            self.connection = Connection::open(address, PATIENCE).ok();
            if self.connection.is_none() {
                self.turn += 1;
            }
        }
        self.connection.as_mut()
    }

    /// Leaves this node for the one it pointed to, or for the next.
    fn look_elsewhere(&mut self, target: Option<SocketAddr>) {
        self.connection = None;
        self.target = target;
        if target.is_none() {
            self.turn += 1;
            std::thread::sleep(PAUSE);
        }
    }
}
