//! A whole node: elections, replication, reads, journal, codec and CRC, with all that a firmware
//! calls.
#![no_std]
#![no_main]

use core::cell::UnsafeCell;
use footprint::hardware::{fill, read, write};
use footprint::host::{Board, COMMAND, DATAGRAM, LOG, NODES, VOTERS, config, now, seed};
use raft_nostd::Driver;

footprint::image!(main);

/// The log's memory and the two datagram buffers.
struct Memory(UnsafeCell<([u8; LOG], [u8; DATAGRAM], [u8; DATAGRAM])>);

// SAFETY: there is one thread.
unsafe impl Sync for Memory {}

static MEMORY: Memory = Memory(UnsafeCell::new(([0; LOG], [0; DATAGRAM], [0; DATAGRAM])));

fn main() {
    // SAFETY: this is called once.
    let (log, input, output) = unsafe { &mut *MEMORY.0.get() };
    let board: Board<&'static mut [u8]> = Board::new();
    let opened =
        Driver::<_, VOTERS>::open(&config(&NODES), &mut log[..], board, seed(), now(), output);
    let Ok(mut driver) = opened else { return };
    loop {
        match read() {
            0 => {
                let len = (read() as usize).min(DATAGRAM);
                let datagram = input.get_mut(..len).unwrap_or_default();
                fill(datagram);
                write(driver.datagram(now(), datagram).is_ok().into());
            }
            1 => driver.timeout(now()),
            2 => {
                let command = input.get_mut(..COMMAND as usize).unwrap_or_default();
                fill(command);
                write(driver.propose(now(), command).map_or(0, |at| at.index.0 as u32));
            }
            3 => write(driver.read(now()).map_or(0, |read| read.get() as u32)),
            4 => break,
            _ => {}
        }
        let wake_at = driver.drain(now(), output);
        write(wake_at.as_micros() as u32);
    }
    write(driver.stop().is_ok().into());
}
