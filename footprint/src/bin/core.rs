//! The consensus core with its codec, without a journal: durability is somebody else's.
#![no_std]
#![no_main]

use core::cell::UnsafeCell;
use footprint::hardware::{fill, read, read_long, write, write_bytes};
use footprint::host::{COMMAND, DATAGRAM, LOG, NODES, VOTERS, config, now, number};
use raft_nostd::journal::PersistFailure;
use raft_nostd::{HardState, Index, Life, Loading, Output, Raft, Start, Ticket};

footprint::image!(main);

/// The log's memory and the two datagram buffers.
struct Memory(UnsafeCell<([u8; LOG], [u8; DATAGRAM], [u8; DATAGRAM])>);

// SAFETY: there is one thread.
unsafe impl Sync for Memory {}

static MEMORY: Memory = Memory(UnsafeCell::new(([0; LOG], [0; DATAGRAM], [0; DATAGRAM])));

fn main() {
    // SAFETY: this is called once.
    let (log, input, output) = unsafe { &mut *MEMORY.0.get() };
    let Ok(loading) = Loading::new::<VOTERS>(&config(&NODES), &mut log[..]) else { return };
    let start = Start {
        hard_state: HardState::default(),
        life: Life { incarnation: read_long(), boot: read(), nonce: read() },
        applied: Index::ZERO,
        seed: read_long(),
        now: now(),
    };
    let Ok(mut raft) = loading.start::<VOTERS>(start) else { return };
    let mut ticket = None;
    loop {
        match read() {
            0 => {
                let len = (read() as usize).min(DATAGRAM);
                let datagram = input.get_mut(..len).unwrap_or_default();
                fill(datagram);
                write(raft.handle_datagram(now(), datagram).is_ok().into());
            }
            1 => raft.handle_timeout(now()),
            2 => {
                let command = input.get_mut(..COMMAND as usize).unwrap_or_default();
                fill(command);
                write(raft.propose(now(), command).map_or(0, |at| at.index.0 as u32));
            }
            3 => write(raft.read(now()).map_or(0, |read| read.get() as u32)),
            4 => {
                if let Some(ticket) = ticket.take() {
                    write(raft.handle_persisted(now(), ticket).is_ok().into());
                }
            }
            5 => {
                let failure =
                    if read() == 0 { PersistFailure::Full } else { PersistFailure::Failed };
                if let Some(ticket) = ticket.take() {
                    write(raft.handle_persist_failed(now(), ticket, failure).is_ok().into());
                }
            }
            _ => ticket = drain(&mut raft, output).or(ticket),
        }
    }
}

fn drain(raft: &mut Raft<&mut [u8], VOTERS>, buf: &mut [u8]) -> Option<Ticket> {
    let mut ticket = None;
    loop {
        match raft.poll_output(now(), buf) {
            Output::Transmit(transmit) => {
                write(transmit.to.get());
                write_bytes(transmit.datagram);
            }
            Output::Persist(persist) => {
                write(persist.batch.hard_state.term.0 as u32);
                for slice in persist.batch.frames.slices() {
                    write_bytes(slice);
                }
                ticket = Some(persist.ticket);
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
            Output::Idle { wake_at } => {
                write(wake_at.as_micros() as u32);
                return ticket;
            }
        }
    }
}
