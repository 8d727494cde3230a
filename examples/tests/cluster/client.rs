//! Clients: each asks one thing after another, and records what it was told.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use adapter_sim::linearizability::models::kv::{Call, Reply};

use super::history::History;
use super::resp::{Answer, Connection};
use super::rng::Rng;

/// How many keys are in use at a time.
const KEYS: u64 = 8;

/// How long they are: then others are taken, so that the history of none grows beyond what can
/// be checked. They are still read.
const EPOCH: Duration = Duration::from_secs(2);

/// The longest time to think between two operations, in microseconds.
const THINKING: u64 = 8_000;

/// How long clients wait for an answer: in turn those that give up before the node does (their
/// operation may still take effect), and those that hear what the node makes of it.
const PATIENCE: [Duration; 2] = [Duration::from_millis(400), Duration::from_secs(3)];

/// What all clients share.
#[derive(Debug)]
pub struct Desk<'a> {
    /// Where they record.
    pub history: &'a History,
    /// Where the nodes listen.
    pub nodes: &'a [SocketAddr],
    /// Once set they stop.
    pub stopping: &'a AtomicBool,
    /// How many answers each has had.
    pub answers: &'a [AtomicU64],
}

/// The keys of all epochs up to now.
pub fn keys(history: &History) -> Vec<String> {
    (0..=epoch(history)).flat_map(|epoch| (0..KEYS).map(move |n| name(epoch, n))).collect()
}

fn epoch(history: &History) -> u64 {
    history.now().as_secs() / EPOCH.as_secs()
}

fn name(epoch: u64, number: u64) -> String {
    format!("{epoch}.{number}")
}

/// What an answer means for the operation.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Verdict {
    /// It was done.
    Done(Reply),
    /// Certainly not done: that node leads, or is thought to.
    Moved(SocketAddr),
    /// Certainly not done.
    NotDone,
    /// Perhaps done, or yet to be.
    Unknown,
}

/// A client.
#[derive(Debug)]
pub struct Client<'a> {
    id: u64,
    desk: &'a Desk<'a>,
    rng: Rng,
    patience: Duration,
    /// The node it talks to.
    at: usize,
    connection: Option<Connection>,
    /// Operations so far.
    count: u64,
}

impl<'a> Client<'a> {
    /// Client number `index`.
    pub fn new(index: usize, desk: &'a Desk<'a>, seed: u64) -> Self {
        let id = u64::try_from(index).expect("an index fits");
        let rng = Rng::new(seed ^ Rng::new(id).next_u64());
        let (patience, at) = (PATIENCE[index % PATIENCE.len()], index % desk.nodes.len());
        Self { id, desk, rng, patience, at, connection: None, count: 0 }
    }

    /// Asks for this and that until told to stop.
    pub fn run(&mut self) {
        while !self.desk.stopping.load(Ordering::Relaxed) {
            let (key, call) = self.choose();
            // Now and then, see what another node has to say.
            if self.rng.below(15) == 0 {
                self.go_elsewhere();
            }
            self.ask(&key, call);
            thread::sleep(Duration::from_micros(self.rng.below(THINKING)));
        }
    }

    /// Reads `key` until it is told its value.
    ///
    /// # Errors
    ///
    /// If it is not told at so many attempts.
    pub fn read(&mut self, key: &str, attempts: u32) -> Result<(), String> {
        for _ in 0..attempts {
            if self.ask(key, Call::Get) == Progress::Answered {
                return Ok(());
            }
        }
        Err(format!("{key:?} cannot be read in {attempts} attempts"))
    }

    fn choose(&mut self) -> (String, Call) {
        self.count += 1;
        let (now, key) = (epoch(self.desk.history), self.rng.below(KEYS));
        if self.rng.below(12) == 0 {
            return (name(self.rng.below(now + 1), key), Call::Get);
        }
        // Every value is written once only. Incr makes others of those that are numbers.
        let call = match self.rng.below(100) {
            0..35 => Call::Get,
            35..60 => Call::Set(format!("{}{:05}000", self.id + 1, self.count)),
            60..66 => Call::Set(format!("c{}-{}", self.id, self.count)),
            66..90 => Call::Incr,
            _ => Call::Del,
        };
        (name(now, key), call)
    }

    /// Asks once, and decides where to ask next.
    fn ask(&mut self, key: &str, call: Call) -> Progress {
        let Some(mut connection) = self.connect() else {
            self.go_elsewhere();
            return self.rest();
        };
        let words = match &call {
            Call::Set(value) => vec!["SET", key, value],
            Call::Get => vec!["GET", key],
            Call::Incr => vec!["INCR", key],
            Call::Del => vec!["DEL", key],
        };
        let pending = self.desk.history.begin(self.id, key, call.clone());
        let Ok(answer) = connection.call(&words) else {
            pending.unknown();
            // Half of them insist on their node.
            if self.rng.below(2) == 0 {
                self.go_elsewhere();
            }
            return self.rest();
        };
        match judge(&call, answer) {
            Verdict::Done(reply) => {
                pending.returned(reply);
                self.connection = Some(connection);
                let index = usize::try_from(self.id).expect("it was one");
                self.desk.answers[index].fetch_add(1, Ordering::Relaxed);
                return Progress::Answered;
            }
            Verdict::Moved(address) => {
                pending.failed();
                let known = self.desk.nodes.iter().position(|node| *node == address);
                self.at = known.unwrap_or_else(|| panic!("nobody is at {address}"));
            }
            Verdict::NotDone => {
                pending.failed();
                self.go_elsewhere();
            }
            Verdict::Unknown => pending.unknown(),
        }
        self.rest()
    }

    /// The connection it has, or a new one.
    fn connect(&mut self) -> Option<Connection> {
        let open = || Connection::open(self.desk.nodes[self.at], self.patience).ok();
        self.connection.take().or_else(open)
    }

    fn go_elsewhere(&mut self) {
        let count = u64::try_from(self.desk.nodes.len()).expect("a few");
        self.at = usize::try_from(self.rng.below(count)).expect("a few");
        self.connection = None;
    }

    /// Waits a moment, as nothing came of it.
    fn rest(&mut self) -> Progress {
        thread::sleep(Duration::from_millis(1 + self.rng.below(20)));
        Progress::None
    }
}

/// Whether an attempt led to an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Progress {
    Answered,
    None,
}

/// What `answer` to `call` means.
///
/// # Panics
///
/// If it is none that kv may give.
fn judge(call: &Call, answer: Answer) -> Verdict {
    let text = match (call, answer) {
        (Call::Set(_), Answer::Status(text)) if text == "OK" => return Verdict::Done(Reply::Done),
        (Call::Get, Answer::Bulk(value)) => return Verdict::Done(Reply::Value(value)),
        (Call::Incr, Answer::Number(number)) => return Verdict::Done(Reply::Number(number)),
        (Call::Del, Answer::Number(count @ 0..=1)) => {
            return Verdict::Done(Reply::Removed(count.unsigned_abs()));
        }
        (_, Answer::Error(text)) => text,
        (call, answer) => panic!("{answer:?} is no answer to {call}"),
    };
    let (code, rest) = text.split_once(' ').unwrap_or((&text, ""));
    match (code, call) {
        ("MOVED", _) => {
            let address = rest.strip_prefix("0 ").and_then(|address| address.parse().ok());
            Verdict::Moved(address.unwrap_or_else(|| panic!("-{text} names no address")))
        }
        ("CLUSTERDOWN" | "TRYAGAIN", _) => Verdict::NotDone,
        ("UNKNOWN", _) => Verdict::Unknown,
        ("ERR", Call::Incr) if rest.starts_with("value is not an integer") => {
            Verdict::Done(Reply::Refused)
        }
        _ => panic!("-{text} is no answer to {call}"),
    }
}

#[test]
fn answers_are_judged() {
    let error = |text: &str| Answer::Error(text.to_owned());
    let moved = Verdict::Moved(SocketAddr::from(([127, 0, 0, 1], 77)));
    let not_a_number = error("ERR value is not an integer or out of range");
    let unknown = error("UNKNOWN the write may or may not be applied: x");
    for (call, answer, verdict) in [
        (Call::Get, Answer::Bulk(None), Verdict::Done(Reply::Value(None))),
        (Call::Del, Answer::Number(1), Verdict::Done(Reply::Removed(1))),
        (Call::Incr, Answer::Number(-1), Verdict::Done(Reply::Number(-1))),
        (Call::Incr, not_a_number, Verdict::Done(Reply::Refused)),
        (Call::Incr, error("MOVED 0 127.0.0.1:77"), moved),
        (Call::Del, error("CLUSTERDOWN no leader"), Verdict::NotDone),
        (Call::Get, error("TRYAGAIN later"), Verdict::NotDone),
        (Call::Incr, unknown, Verdict::Unknown),
    ] {
        assert_eq!(judge(&call, answer), verdict, "{call}");
    }
}
