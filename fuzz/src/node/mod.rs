//! A live node that hears anything: datagrams from nobody and from liars, lost, doubled and late,
//! between timeouts, full media, proposals, reads and restarts.
//!
//! The input is a program: two bytes choose the node, then each byte is an operation that reads its
//! own arguments. Single-node properties only: peers that lie can break the cluster, but not make a
//! node panic, contradict itself, lose what it has durably, or busy-loop.

mod disk;
mod forge;
mod pair;
mod promises;
mod snapshots;

use crate::input::Input;
use crate::medium::Space;
use pair::{Failing, Pair, Setup};
use raft_nostd::{Duration, Instant};

/// Operations that one input may hold.
const OPERATIONS: usize = 300;
/// Clocks run on for a while after this.
const LATEST: Instant = Instant::from_micros(1 << 63);
const ELECTION: Duration = Duration::from_millis(100);
const HEARTBEAT: Duration = Duration::from_millis(20);

/// Runs the program in `data`.
///
/// # Panics
/// When a property does not hold.
pub fn handle_datagram(data: &[u8]) {
    let mut input = Input(data);
    let (Some(shape), Some(more)) = (input.byte(), input.byte()) else { return };
    let mut pair = Pair::start(Setup::choose(shape, more));
    for _ in 0..OPERATIONS {
        if operate(&mut pair, &mut input).is_none() {
            break;
        }
    }
    pair.settle();
}

/// The operations by number, modulo 32; from [`op::FORGE`] on they are all that one.
pub mod op {
    pub const POLL: u8 = 0;
    pub const POLL_SHORT: u8 = 1;
    pub const DRAIN: u8 = 2;
    pub const TIMEOUT: u8 = 4;
    pub const STRANGE_TIME: u8 = 5;
    pub const ADVANCE: u8 = 6;
    pub const WAKE: u8 = 7;
    pub const PERSISTED: u8 = 9;
    pub const PERSIST_FULL: u8 = 11;
    pub const STRANGE_TICKET: u8 = 12;
    pub const FILL: u8 = 13;
    pub const MAKE_ROOM: u8 = 14;
    pub const PROPOSE: u8 = 15;
    pub const READ: u8 = 17;
    pub const RAW: u8 = 18;
    pub const SEALED: u8 = 19;
    pub const AGAIN: u8 = 20;
    pub const ANSWER: u8 = 21;
    pub const COMPACT: u8 = 23;
    pub const INSTALLED: u8 = 24;
    pub const RESTART: u8 = 25;
    pub const FORGE: u8 = 26;
}

/// One operation; `None` at the end of the input.
fn operate(pair: &mut Pair, input: &mut Input<'_>) -> Option<()> {
    match input.byte()? & 31 {
        op::POLL => pair.poll(usize::MAX),
        op::POLL_SHORT => pair.poll(usize::from(input.byte()?)),
        op::DRAIN..op::TIMEOUT => pair.drain(),
        op::TIMEOUT => pair.timeout(pair.now),
        op::STRANGE_TIME if input.byte()? & 1 == 0 => pair.timeout(Instant::NEVER),
        op::STRANGE_TIME => pair.timeout(Instant::from_micros(pair.now.as_micros() >> 1)),
        op::ADVANCE => pair.now = pair.now.plus(span(input.byte()?)).min(LATEST),
        op::WAKE..op::PERSISTED => pair.wake(),
        op::PERSISTED..op::PERSIST_FULL => pair.persisted(),
        op::PERSIST_FULL => pair.persist_fails(Failing::Full),
        op::STRANGE_TICKET if input.byte()? == 0 => pair.persist_fails(Failing::ForGood),
        op::STRANGE_TICKET => pair.strange_ticket(),
        op::FILL => pair.disk.medium.space = Space::None,
        op::MAKE_ROOM => pair.disk.medium.space = Space::Plenty,
        op::PROPOSE..op::READ => pair.propose(input.byte()?),
        op::READ => pair.read(),
        op::RAW => {
            let bytes = input.bytes()?.to_vec();
            pair.hear(&bytes);
        }
        op::SEALED => {
            let (sender, body) = (input.byte()?, input.bytes()?);
            let bytes = forge::sealed(&pair.node, sender, body);
            pair.hear(&bytes);
        }
        op::AGAIN => pair.hear_again(input.byte()?),
        op::ANSWER..op::COMPACT => pair.answer(input.byte()?, input.byte()?),
        op::COMPACT => pair.compact(),
        op::INSTALLED => pair.install(input.byte()?),
        op::RESTART => pair.restart(input.byte()?),
        op::FORGE.. => {
            let bytes = forge::forged(&pair.node, input)?;
            pair.hear(&bytes);
        }
    }
    Some(())
}

/// From nothing at all to the end of time.
fn span(byte: u8) -> Duration {
    match byte {
        0..=99 => Duration::from_micros(u64::from(byte)),
        100..=149 => Duration::from_millis(u64::from(byte) - 100),
        150..=199 => HEARTBEAT.times(u64::from(byte) - 149),
        200..=249 => ELECTION.times(u64::from(byte) - 199),
        _ => Duration::from_micros(1 << (64 - (256 - u32::from(byte)))),
    }
}
