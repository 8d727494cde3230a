//! Clients that write without pause, find the leader by themselves, and note what they were told.

use super::ledger::{Fate, Ledger};
use super::resp::{Answer, Connection};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// How long a client waits for an answer before it gives up on it.
const PATIENCE: Duration = Duration::from_secs(3);
/// How long it waits before it asks again who leads.
const PAUSE: Duration = Duration::from_millis(20);

/// What the writers are told: numbers for their keys, and when to stop.
#[derive(Debug, Default)]
pub struct Orders {
    begun: AtomicU64,
    stop: AtomicBool,
}

impl Orders {
    /// No write is begun any more, and none is repeated.
    pub fn stop(&self) {
        self.stop.store(true, Ordering::SeqCst);
    }

    fn go_on(&self) -> bool {
        !self.stop.load(Ordering::SeqCst)
    }

    fn number(&self) -> u64 {
        self.begun.fetch_add(1, Ordering::SeqCst)
    }
}

struct Writer {
    nodes: Vec<SocketAddr>,
    turn: usize,
    target: Option<SocketAddr>,
    connection: Option<Connection>,
    ledger: Arc<Ledger>,
    orders: Arc<Orders>,
    prefix: String,
}

/// Starts `clients` writers on `nodes`. They end when they are told to stop.
pub fn start(
    clients: u64,
    seed: u64,
    nodes: &[SocketAddr],
    ledger: &Arc<Ledger>,
    orders: &Arc<Orders>,
) -> Vec<JoinHandle<()>> {
    let writers = (0..clients).map(|client| Writer {
        nodes: nodes.to_vec(),
        turn: client as usize,
        target: None,
        connection: None,
        ledger: ledger.clone(),
        orders: orders.clone(),
        prefix: format!("{seed:x}-{client}"),
    });
    writers.map(|mut writer| std::thread::spawn(move || writer.run())).collect()
}

impl Writer {
    fn run(&mut self) {
        while self.orders.go_on() {
            let key = format!("{}-{}", self.prefix, self.orders.number());
            if let Some((asked, fate)) = self.write(&key) {
                self.ledger.enter(key, asked, fate);
            }
        }
    }

    /// Writes `key`, once: it tries again only while it is told that nothing has happened. None when
    /// it was told to stop before anything had.
    fn write(&mut self, key: &str) -> Option<(Instant, Fate)> {
        while self.orders.go_on() {
            let Some(connection) = self.connect() else {
                std::thread::sleep(PAUSE);
                continue;
            };
            let asked = Instant::now();
            match connection.ask(&["INCR", key]) {
                Ok(Answer::Number(1)) => return Some((asked, Fate::Acknowledged)),
                Ok(answer) if answer.is_refusal() => self.look_elsewhere(answer.moved_to()),
                Ok(Answer::Error(error)) if error.starts_with("UNKNOWN") => {
                    self.look_elsewhere(None);
                    return Some((asked, Fate::Unknown));
                }
                Ok(answer) => {
                    self.ledger.wrong(format!("INCR {key} answered {answer:?}"));
                    return Some((asked, Fate::Unknown));
                }
                Err(_) => {
                    self.look_elsewhere(None);
                    return Some((asked, Fate::Unknown));
                }
            }
        }
        None
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
