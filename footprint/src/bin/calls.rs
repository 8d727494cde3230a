//! Each public call that does work as a function of its own, with 3 voters and with 7, so that
//! `stack.rs` can say how much stack it takes. Nothing else is measured of this image.
#![no_std]
#![no_main]

use core::cell::UnsafeCell;
use footprint::hardware::{fill, read, read_long, write, write_bytes};
use footprint::host::{Board, now, number, seed};
use raft_nostd::journal::PersistFailure;
use raft_nostd::{
    ClusterId, Config, Duration, HardState, Index, Life, Loading, Manifest, NodeId, Output,
    Received, SnapshotFailure, Start, Ticket,
};

footprint::image!(main);

type Bytes = &'static mut [u8];
type Raft<const VOTERS: usize> = raft_nostd::Raft<Bytes, VOTERS>;
type Driver<const VOTERS: usize> = raft_nostd::Driver<Board<Bytes>, VOTERS>;

struct Memory([UnsafeCell<[u8; 4_096]>; 4]);

// SAFETY: there is one thread, and `main` is called once.
unsafe impl Sync for Memory {}

static MEMORY: Memory = Memory([const { UnsafeCell::new([0; 4_096]) }; 4]);

fn main() {
    // SAFETY: as above; the four do not overlap.
    let [log, other_log, input, output] =
        unsafe { MEMORY.0.each_ref().map(|cell| &mut *cell.get()) };
    match read() {
        0 => three::raft(log, input, output),
        1 => three::driver(other_log, input, output),
        2 => seven::raft(log, input, output),
        _ => seven::driver(other_log, input, output),
    }
}

/// A configuration that nobody knows.
fn config<'a>(voters: &'a [NodeId]) -> Config<'a> {
    let mut config = Config::new(ClusterId(read_long()), voters[0], voters);
    config = config.with_max_datagram(read());
    config.log_entries = read();
    config.max_command = read();
    config.window = read();
    config.election_timeout = Duration::from_micros(read_long());
    config.heartbeat = Duration::from_micros(read_long());
    config
}

fn start() -> Start {
    Start {
        hard_state: HardState { term: raft_nostd::Term(read_long()), vote: NodeId::new(read()) },
        life: Life { incarnation: read_long(), boot: read(), nonce: read() },
        applied: Index(read_long()),
        seed: read_long(),
        now: now(),
    }
}

/// Some bytes that came from outside.
fn some(bytes: &mut [u8]) -> &[u8] {
    let some = bytes.get_mut(..read() as usize).unwrap_or_default();
    fill(some);
    some
}

/// Calls a block as a function of its own, under a name that `stack.rs` finds.
macro_rules! call {
    ($voters:literal $what:literal ($($name:ident: $type:ty),*) $(-> $result:ty)? $body:block) => {{
        #[inline(never)]
        #[unsafe(export_name = concat!("call ", $what, " ", $voters))]
        fn call($($name: $type),*) $(-> $result)? $body
        call($($name),*)
    }};
}

macro_rules! calls {
    ($name:ident, $voters:literal) => {
        mod $name {
            use super::*;

            type Node = Raft<$voters>;
            type Whole = Driver<$voters>;
            type Maybe = Option<Ticket>;

            const IDS: [NodeId; $voters] = {
                let mut ids = [NodeId::new(1).unwrap(); $voters];
                let mut at = 0;
                while at < $voters {
                    ids[at] = NodeId::new(at as u32 + 1).unwrap();
                    at += 1;
                }
                ids
            };

            pub(super) fn raft(log: Bytes, input: Bytes, output: Bytes) {
                let mut raft: Option<Node> = None;
                {
                    let raft = &mut raft;
                    call!($voters "Loading::start" (raft: &mut Option<Node>, log: Bytes) {
                        let loading = Loading::new::<$voters>(&config(&IDS), log).ok();
                        *raft = loading.and_then(|loading| loading.start(start()).ok());
                    });
                }
                let Some(raft) = &mut raft else { return };
                let mut ticket: Maybe = None;
                loop {
                    let kind = read();
                    match kind {
                        0 => {
                            let bytes = some(input);
                            call!($voters "Raft::handle_datagram" (raft: &mut Node, bytes: &[u8]) {
                                match raft.handle_datagram(now(), bytes) {
                                    Ok(Received::Chunk(chunk)) => chunk_of(raft, chunk),
                                    heard => write(heard.is_ok().into()),
                                }
                            });
                        }
                        1 => call!($voters "Raft::handle_timeout" (raft: &mut Node) {
                            raft.handle_timeout(now());
                        }),
                        2 => {
                            let bytes = some(input);
                            call!($voters "Raft::propose" (raft: &mut Node, bytes: &[u8]) {
                                write(raft.propose(now(), bytes).is_ok().into());
                            });
                        }
                        3 => call!($voters "Raft::read" (raft: &mut Node) {
                            write(raft.read(now()).is_ok().into());
                        }),
                        4 => {
                            let Some(ticket) = ticket.take() else { continue };
                            call!($voters "Raft::handle_persisted" (raft: &mut Node, ticket: Ticket) {
                                write(raft.handle_persisted(now(), ticket).is_ok().into());
                            });
                        }
                        5 => {
                            let Some(ticket) = ticket.take() else { continue };
                            call!($voters "Raft::handle_persist_failed" (raft: &mut Node, ticket: Ticket) {
                                let full = PersistFailure::Full;
                                write(raft.handle_persist_failed(now(), ticket, full).is_ok().into());
                            });
                        }
                        6 => call!($voters "Raft::handle_snapshot_taken" (raft: &mut Node) {
                            let due = raft.snapshot_due().unwrap_or_default();
                            let manifest = Manifest { chunks: read(), crc: read(), ..due };
                            write(raft.handle_snapshot_taken(now(), &manifest).is_ok().into());
                        }),
                        7 => call!($voters "Raft::handle_installed" (raft: &mut Node) {
                            write(raft.handle_installed(now()).is_ok().into());
                        }),
                        _ => {
                            let next = &mut ticket;
                            let buf = &mut *output;
                            call!($voters "Raft::poll_output" (raft: &mut Node, buf: &mut [u8], next: &mut Maybe) {
                                poll(raft, buf, next);
                            });
                        }
                    }
                }
            }

            fn chunk_of(raft: &mut Node, chunk: raft_nostd::Chunk<'_>) {
                write_bytes(chunk.bytes);
                let taken = match read() {
                    0 => raft.handle_chunk_stored(now(), chunk.ticket),
                    _ => raft.handle_chunk_failed(now(), chunk.ticket, SnapshotFailure::Full),
                };
                write(taken.is_ok().into());
            }

            fn poll(raft: &mut Node, buf: &mut [u8], next: &mut Maybe) {
                match raft.poll_output(now(), buf) {
                    Output::Transmit(transmit) => write_bytes(transmit.datagram),
                    Output::Persist(persist) => {
                        for slice in persist.batch.frames.slices() {
                            write_bytes(slice);
                        }
                        *next = Some(persist.ticket);
                    }
                    Output::TransmitChunk(mut transmit) => {
                        fill(transmit.body());
                        if let Some(transmit) = transmit.seal(read() as usize) {
                            write_bytes(transmit.datagram);
                        }
                    }
                    Output::Install(manifest) => write(manifest.chunks),
                    Output::Event(event) => write(number(event)),
                    Output::Apply(committed) => write_bytes(committed.command),
                    Output::Idle { wake_at } => write(wake_at.as_micros() as u32),
                }
            }

            pub(super) fn driver(log: Bytes, input: Bytes, output: Bytes) {
                let mut driver: Option<Whole> = None;
                {
                    let (driver, buf) = (&mut driver, &mut *output);
                    call!($voters "Driver::open" (driver: &mut Option<Whole>, log: Bytes, buf: &mut [u8]) {
                        let board = Board::new();
                        *driver = Driver::open(&config(&IDS), log, board, seed(), now(), buf).ok();
                    });
                }
                while let Some(driver) = &mut driver {
                    match read() {
                        0 => {
                            let bytes = some(input);
                            call!($voters "Driver::datagram" (driver: &mut Whole, bytes: &[u8]) {
                                write(driver.datagram(now(), bytes).is_ok().into());
                            });
                        }
                        1 => call!($voters "Driver::timeout" (driver: &mut Whole) {
                            driver.timeout(now());
                        }),
                        2 => {
                            let bytes = some(input);
                            call!($voters "Driver::propose" (driver: &mut Whole, bytes: &[u8]) {
                                write(driver.propose(now(), bytes).is_ok().into());
                            });
                        }
                        3 => call!($voters "Driver::read" (driver: &mut Whole) {
                            write(driver.read(now()).is_ok().into());
                        }),
                        4 => call!($voters "Driver::compact" (driver: &mut Whole) {
                            driver.compact();
                        }),
                        5 => break,
                        _ => {
                            let buf = &mut *output;
                            call!($voters "Driver::drain" (driver: &mut Whole, buf: &mut [u8]) {
                                write(driver.drain(now(), buf).as_micros() as u32);
                            });
                        }
                    }
                }
                let driver = &mut driver;
                call!($voters "Driver::stop" (driver: &mut Option<Whole>) {
                    let stopped = driver.take().map(|driver| driver.stop().is_ok());
                    write(stopped.unwrap_or(true).into());
                });
            }
        }
    };
}

calls!(three, 3);
calls!(seven, 7);
