//! The thread of the proxy: it takes datagrams off the links, decides what befalls them, queues
//! them by the time they are due, and sends those that are.

use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;
use std::io::{self, ErrorKind};
use std::net::{SocketAddr, UdpSocket};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use super::super::rng::Rng;
use super::faults::{self, Counters, Draw, Faults, REORDER_HOLD};
use super::{Control, MAX_DATAGRAM, NodeId, Phase};

/// How long to sleep after a round in which something arrived: also the chance of others to get
/// hold of the control.
const BUSY_SLEEP: Duration = Duration::from_micros(20);

/// The longest sleep while nothing happens; the first such is [`BUSY_SLEEP`], the next ones are
/// twice as long each.
const IDLE_SLEEP: Duration = Duration::from_millis(1);

/// The most datagrams to take off one link in a round.
const BURST: usize = 64;

/// The most bytes to have under way. What exceeds it is dropped and counted as undelivered.
const MAX_UNDER_WAY: usize = 64 << 20;

/// A directed link.
pub struct Link {
    ends: (NodeId, NodeId),
    socket: UdpSocket,
    target: SocketAddr,
    rng: Rng,
    /// The number of the next datagram.
    next_number: u64,
    /// The greatest number delivered.
    last_delivered: u64,
    /// When the last datagram that keeps the order is due.
    last_due: Option<Instant>,
}

impl Link {
    /// A link between these nodes that passes on to `target` what arrives at `socket`.
    pub fn new(ends: (NodeId, NodeId), socket: UdpSocket, target: SocketAddr, seed: u64) -> Self {
        // A stream for each link, so that the traffic of one does not change the luck of others.
        let mut rng = Rng::new(seed);
        for end in [ends.0, ends.1] {
            rng = Rng::new(rng.next_u64() ^ end);
        }
        Self { ends, socket, target, rng, next_number: 1, last_delivered: 0, last_due: None }
    }

    /// When a copy received at `now` is due, and whether that is later.
    fn due(&mut self, faults: &Faults, now: Instant) -> (Instant, Timing) {
        let delay = faults::draw_time(&mut self.rng, &faults.delay);
        let due = match faults::draw(&mut self.rng, faults.reorder) {
            Draw::Hit => now + delay + faults::draw_time(&mut self.rng, &REORDER_HOLD),
            Draw::Miss => {
                let in_turn = self.last_due.map_or(now + delay, |last| last.max(now + delay));
                self.last_due = Some(in_turn);
                in_turn
            }
        };
        (due, if due > now { Timing::Delayed } else { Timing::Prompt })
    }

    /// Inverts one bit of `bytes`, perhaps.
    fn flip(&mut self, faults: &Faults, bytes: &mut [u8]) -> Content {
        let bits = 8 * u64::try_from(bytes.len()).expect("a length fits");
        match faults::draw(&mut self.rng, faults.flip) {
            Draw::Hit if bits > 0 => {
                let bit = usize::try_from(self.rng.below(bits)).expect("it is below a length");
                bytes[bit / 8] ^= 1 << (bit % 8);
                Content::Flipped
            }
            Draw::Hit | Draw::Miss => Content::Intact,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Issue {
    Original,
    Duplicate,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Content {
    Intact,
    Flipped,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Timing {
    Prompt,
    Delayed,
}

/// A copy of a datagram under way.
struct Copied {
    due: Instant,
    /// Breaks ties between copies due at the same time: in the order of queueing.
    turn: u64,
    link: usize,
    number: u64,
    bytes: Vec<u8>,
    issue: Issue,
    content: Content,
    timing: Timing,
}

impl Ord for Copied {
    fn cmp(&self, other: &Self) -> Ordering {
        (self.due, self.turn).cmp(&(other.due, other.turn))
    }
}

impl PartialOrd for Copied {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Copied {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Copied {}

/// What a round did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Activity {
    Busy,
    Idle,
}

/// The relay of all links.
pub struct Relay {
    control: Arc<Mutex<Control>>,
    links: Vec<Link>,
    under_way: BinaryHeap<Reverse<Copied>>,
    bytes_under_way: usize,
    turns: u64,
    /// Room for one datagram.
    buffer: Vec<u8>,
}

impl Relay {
    /// A relay of these links.
    pub fn new(control: Arc<Mutex<Control>>, links: Vec<Link>) -> Self {
        let (under_way, buffer) = (BinaryHeap::new(), vec![0; MAX_DATAGRAM]);
        Self { control, links, under_way, bytes_under_way: 0, turns: 0, buffer }
    }

    /// Relays until told to stop.
    pub fn run(&mut self) {
        let control = Arc::clone(&self.control);
        let mut sleep = BUSY_SLEEP;
        loop {
            let activity = {
                let mut control = control.lock().expect("no user of the control panics");
                match control.phase {
                    Phase::Running => self.round(&mut control),
                    Phase::Stopping => return,
                }
            };
            sleep = match activity {
                Activity::Busy => BUSY_SLEEP,
                Activity::Idle => IDLE_SLEEP.min(sleep * 2),
            };
            let until_due = match self.under_way.peek() {
                Some(Reverse(next)) => next.due.saturating_duration_since(Instant::now()),
                None => IDLE_SLEEP,
            };
            thread::sleep(sleep.min(until_due).max(BUSY_SLEEP));
        }
    }

    fn round(&mut self, control: &mut Control) -> Activity {
        let mut activity = Activity::Idle;
        for index in 0..self.links.len() {
            for _ in 0..BURST {
                match self.links[index].socket.recv_from(&mut self.buffer) {
                    Ok((length, _)) => {
                        activity = Activity::Busy;
                        self.accept(index, length, control);
                    }
                    Err(error) => {
                        note_error(&error, &mut control.counters);
                        break;
                    }
                }
            }
        }
        let now = Instant::now();
        while let Some(Reverse(next)) = self.under_way.peek() {
            if next.due > now {
                break;
            }
            let Some(Reverse(copy)) = self.under_way.pop() else { break };
            self.deliver(&copy, control);
        }
        control.under_way = self.under_way.len();
        activity
    }

    /// Decides what befalls the datagram of this length that is in the buffer.
    fn accept(&mut self, index: usize, length: usize, control: &mut Control) {
        let Control { faults, cut, counters, .. } = control;
        let link = &mut self.links[index];
        counters.received += 1;
        if cut.contains(&link.ends) {
            counters.blocked += 1;
            return;
        }
        if faults::draw(&mut link.rng, faults.loss) == Draw::Hit {
            counters.lost += 1;
            return;
        }
        let number = link.next_number;
        link.next_number += 1;
        let issues: &[Issue] = match faults::draw(&mut link.rng, faults.duplicate) {
            Draw::Hit => &[Issue::Original, Issue::Duplicate],
            Draw::Miss => &[Issue::Original],
        };
        let now = Instant::now();
        for &issue in issues {
            let mut bytes = self.buffer[..length].to_vec();
            let content = link.flip(faults, &mut bytes);
            let (due, timing) = link.due(faults, now);
            if self.bytes_under_way + length > MAX_UNDER_WAY {
                counters.undelivered += 1;
                continue;
            }
            self.bytes_under_way += length;
            self.turns += 1;
            let turn = self.turns;
            let copy = Copied { due, turn, link: index, number, bytes, issue, content, timing };
            self.under_way.push(Reverse(copy));
        }
    }

    /// Sends a copy that is due, and counts what was done to it.
    fn deliver(&mut self, copy: &Copied, control: &mut Control) {
        let Control { cut, counters, .. } = control;
        self.bytes_under_way -= copy.bytes.len();
        let link = &mut self.links[copy.link];
        if cut.contains(&link.ends) {
            counters.blocked += 1;
            return;
        }
        if link.socket.send_to(&copy.bytes, link.target).is_err() {
            counters.undelivered += 1;
            return;
        }
        counters.forwarded += 1;
        counters.duplicated += u64::from(copy.issue == Issue::Duplicate);
        counters.flipped += u64::from(copy.content == Content::Flipped);
        counters.delayed += u64::from(copy.timing == Timing::Delayed);
        counters.reordered += u64::from(copy.number < link.last_delivered);
        link.last_delivered = link.last_delivered.max(copy.number);
    }
}

/// Counts an error of receiving, unless it says that there is nothing to receive, or that
/// something sent before found no receiver (a node may be down).
fn note_error(error: &io::Error, counters: &mut Counters) {
    match error.kind() {
        ErrorKind::WouldBlock
        | ErrorKind::Interrupted
        | ErrorKind::ConnectionRefused
        | ErrorKind::ConnectionReset => {}
        _ => counters.errors += 1,
    }
}
