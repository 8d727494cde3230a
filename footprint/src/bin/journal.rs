//! The journal alone: opened, written, synced and sealed, with the log that it fills.
#![no_std]
#![no_main]

use core::cell::UnsafeCell;
use footprint::hardware::{read, read_long, write};
use footprint::host::{DATAGRAM, Flash, LOG, NODES, VOTERS, config};
use raft_nostd::frame::Frames;
use raft_nostd::journal::{Batch, Entropy, Identity, Opening, Sink, recover};
use raft_nostd::{HardState, Index, Loading, Position, Term};

footprint::image!(main);

/// The log's memory and a buffer.
struct Memory(UnsafeCell<([u8; LOG], [u8; DATAGRAM])>);

// SAFETY: there is one thread.
unsafe impl Sync for Memory {}

static MEMORY: Memory = Memory(UnsafeCell::new(([0; LOG], [0; DATAGRAM])));

fn main() {
    // SAFETY: this is called once.
    let (log, buf) = unsafe { &mut *MEMORY.0.get() };
    let config = config(&NODES);
    let Ok(mut loading) = Loading::new::<VOTERS>(&config, &mut log[..]) else { return };
    let identity = Identity { cluster: config.cluster, node: config.node, voters: config.voters };
    let entropy = Entropy { incarnation: read_long(), salt: read_long() };
    let opening = Opening { identity, entropy, limits: loading.limits() };
    let Ok((mut writer, recovered)) = recover(&mut Flash, &opening, &mut loading, buf) else {
        return;
    };
    write(recovered.boot);
    while read() != 0 {
        let live = loading.live();
        let first = Index(read_long());
        let batch = Batch {
            hard_state: HardState { term: Term(read_long()), vote: None },
            frames: Frames::new(first, read_long(), live.slices()[0], live.slices()[1]),
            live,
            base: Position::new(read_long(), read_long()),
        };
        write(writer.write(&mut Flash, &batch).is_ok().into());
        write(writer.sync(&mut Flash).is_ok().into());
    }
    write(writer.seal(&mut Flash).is_ok().into());
}
