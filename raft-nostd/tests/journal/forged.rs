//! Blocks that nobody wrote, under checksums that are right: by one who knows the salt, or by chance.

use crate::support::{Bench, LIMITS, Op, Setup, geometry, open};
use adapter_std::memory::{Behaviour, Fate, MemoryMedium};
use raft_nostd::crc::{Crc, checksum};
use raft_nostd::frame::{EntryKind, Frames, encode};
use raft_nostd::journal::{Batch, BatchError, Limits, WriteError};
use raft_nostd::types::{Index, Position};
use std::sync::mpsc;
use std::time::Duration;

/// What a block says of itself.
struct Block {
    kind: u8,
    generation: u64,
    sequence: u64,
    synced: u64,
    first: u64,
    body: Vec<u8>,
}

impl Block {
    fn bytes(&self, salt: u64) -> Vec<u8> {
        let mut bytes = vec![b'r', b'j', 1, self.kind];
        bytes.extend((self.body.len() as u32).to_le_bytes());
        for field in [self.generation, self.sequence, self.synced, 0, self.first] {
            bytes.extend(field.to_le_bytes());
        }
        bytes.extend(0_u32.to_le_bytes());
        bytes.extend(checksum(&self.body).to_le_bytes());
        let mut crc = Crc::new();
        crc.update(&salt.to_le_bytes());
        crc.update(&bytes);
        bytes.extend(crc.finish().to_le_bytes());
        bytes.extend(&self.body);
        bytes
    }
}

/// A head for a medium of two segments of 1,024 bytes, in a journal of salt 5 that starts in it.
fn head(generation: u64, sequence: u64, previous: u64) -> Block {
    let mut body = Vec::new();
    for field in [5_u64, 77, 9] {
        body.extend(field.to_le_bytes());
    }
    for field in [1_u32, 1] {
        body.extend(field.to_le_bytes());
    }
    for field in [previous, generation, sequence] {
        body.extend(field.to_le_bytes());
    }
    body.extend([0; 32]); // Slot 0, no checkpoint, base zero.
    for field in [2_u32, 1_024, 1, 3, 1, 2, 3, 0, 0, 0, 0] {
        body.extend(field.to_le_bytes());
    }
    Block { kind: b'h', generation, sequence, synced: 0, first: 1, body }
}

/// Two heads that name each other as the one before, at the end of all sequences: a walk that
/// follows them comes back to where it was.
#[test]
fn a_ring_of_heads_ends() {
    let mut medium = MemoryMedium::new(geometry(2, 1024, 1), Behaviour::File);
    let generation = 1 << 32;
    for slot in 0..2 {
        medium.plant(slot, 0, &head(generation, u64::MAX, generation).bytes(5));
    }
    let (done, waits) = mpsc::channel();
    std::thread::spawn(move || done.send(open(&mut medium, LIMITS, 3).map(|_| ())));
    let opened = waits.recv_timeout(Duration::from_secs(10)).expect("opening never ends");
    opened.unwrap_err();
}

/// What an intact block holds is payload, even where it is a block with the right salt that says
/// everything was synced: it must not make a tail into damage.
#[test]
fn a_block_inside_a_payload_claims_nothing() {
    let mut setup = Setup::all()[0];
    setup.geometry.segment_bytes = 8_192;
    setup.limits = Limits { max_frame: 500, ring_bytes: 6_000 };
    for shift in 0..8 {
        let mut bench = Bench::new(setup);
        bench.run(&[Op::Term(Some(1)), Op::Sync]).unwrap();
        let salt = bench.draws; // What `support::open` formats with.
        let claim = Block {
            kind: b'e',
            generation: 1 << 32,
            sequence: 1,
            synced: 900,
            first: 1,
            body: vec![],
        };
        let mut next = bench.state.clone();
        let payload = [&vec![7; shift], claim.bytes(salt).as_slice(), &[7; 9]].concat();
        bench.extend_with(&mut next, &payload);
        bench.write(next, Index(1)).unwrap();
        bench.sync().unwrap();
        bench.crash(|_| Fate::Dropped).unwrap();
        assert_eq!(bench.state.frames.len(), 1);
    }
}

/// Recovery calls corrupt what these would leave, so the writer takes neither.
#[test]
fn a_base_or_an_entry_of_a_later_term_is_not_taken() {
    let mut bench = Bench::new(Setup::all()[0]);
    bench.run(&[Op::Term(Some(2)), Op::Sync]).unwrap();
    let hard_state = bench.state.hard_state;
    let nothing = Frames::none(Index(10));
    let base = Position::new(7, 9);
    let batch = Batch { hard_state, frames: nothing, live: nothing, base };
    let mut write =
        |batch: &Batch<'_>| bench.writer.as_mut().unwrap().write(&mut bench.medium, batch);
    assert_eq!(write(&batch), Err(WriteError::Batch(BatchError::Base)));
    let mut bytes = [0; 64];
    let mut len = 0;
    for (term, index) in [(1, 1), (7, 2)] {
        let position = Position::new(term, index);
        len += encode(position, EntryKind::Command, b"x", &mut bytes[len..]).unwrap();
    }
    let frames = Frames::new(Index(1), 2, &bytes[..len], &[]);
    let batch = Batch { hard_state, frames, live: frames, base: Position::ZERO };
    assert_eq!(write(&batch), Err(WriteError::Batch(BatchError::HardState)));
    bench.crash(|_| Fate::Dropped).unwrap();
}
