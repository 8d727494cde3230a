//! The bytes that `WIRE.md` promises, made here without the library, and what can be forged with
//! them.

use crate::support::{LIMITS, geometry, open};
use adapter_std::memory::{Behaviour, MemoryMedium};
use raft_nostd::crc::{Crc, checksum};
use raft_nostd::journal::{Corruption, Counter, Damage, Found, RecoverError, WriteError};
use raft_nostd::types::{HardState, Term};

/// A block from its fields, padded to eight bytes.
struct Forged {
    kind: u8,
    generation: u64,
    sequence: u64,
    synced: u64,
    term: u64,
    first: u64,
    vote: u32,
    body: Vec<u8>,
}

impl Forged {
    fn bytes(&self, salt: u64) -> Vec<u8> {
        let mut bytes = vec![b'r', b'j', 1, self.kind];
        bytes.extend((self.body.len() as u32).to_le_bytes());
        for field in [self.generation, self.sequence, self.synced, self.term, self.first] {
            bytes.extend(field.to_le_bytes());
        }
        bytes.extend(self.vote.to_le_bytes());
        bytes.extend(checksum(&self.body).to_le_bytes());
        seal(&mut bytes, salt);
        bytes.extend(&self.body);
        bytes.resize(bytes.len().next_multiple_of(8), 0);
        bytes
    }
}

/// Appends the salted CRC.
fn seal(header: &mut Vec<u8>, salt: u64) {
    let mut crc = Crc::new();
    crc.update(&salt.to_le_bytes());
    crc.update(&header[..56]);
    header.truncate(56);
    header.extend(crc.finish().to_le_bytes());
}

const SALT: u64 = 5;
const INCARNATION: u64 = 5_u64.wrapping_mul(0x9e37_79b9_7f4a_7c15);
const GENERATION: u64 = (1 << 32) | (INCARNATION & 0xffff_ffff);

fn head(generation: u64, sequence: u64, boot: u32) -> Forged {
    let mut body = Vec::new();
    for field in [SALT, 77, INCARNATION] {
        body.extend(field.to_le_bytes());
    }
    body.extend(1_u32.to_le_bytes()); // the node
    body.extend(boot.to_le_bytes());
    body.extend(0_u64.to_le_bytes()); // the generation before
    body.extend(generation.to_le_bytes()); // the chain's start: generation, sequence, slot
    body.extend(sequence.to_le_bytes());
    body.extend(0_u32.to_le_bytes());
    body.extend([0; 12]); // the checkpoint: slot, generation
    body.extend([0; 16]); // the base
    for field in [2_u32, 1024, 1, 3, 1, 2, 3, 0, 0, 0, 0] {
        body.extend(field.to_le_bytes());
    }
    let synced = sequence - 1;
    Forged { kind: b'h', generation, sequence, synced, term: 0, first: 1, vote: 0, body }
}

fn entries(sequence: u64, term: u64, first: u64, body: &[u8]) -> Forged {
    Forged {
        kind: b'e',
        generation: GENERATION,
        sequence,
        synced: sequence - 1,
        term,
        first,
        vote: 2,
        body: body.to_vec(),
    }
}

fn medium() -> MemoryMedium {
    MemoryMedium::new(geometry(2, 1024, 1), Behaviour::File)
}

fn planted(blocks: &[Forged]) -> MemoryMedium {
    let mut medium = medium();
    let mut at = 0;
    for block in blocks {
        let bytes = block.bytes(SALT);
        medium.plant(0, at, &bytes);
        at += bytes.len() as u32;
    }
    medium
}

fn damage(blocks: &[Forged]) -> (Damage, u64) {
    match open(&mut planted(blocks), LIMITS, 9) {
        Err(RecoverError::Corrupt(corruption)) => (corruption.damage, corruption.sequence),
        other => panic!("{:?}", other.map(|(_, recovered, _)| recovered)),
    }
}

/// The frame of `abc` at index 1 in term 3, as in `frame`'s golden test but for the index.
fn frame(term: u64, index: u64) -> Vec<u8> {
    let mut out = [0; 64];
    let position = raft_nostd::types::Position::new(term, index);
    let kind = raft_nostd::frame::EntryKind::Command;
    let len = raft_nostd::frame::encode(position, kind, b"abc", &mut out).unwrap();
    out[..len].to_vec()
}

#[test]
fn a_new_journal_is_these_bytes() {
    let mut medium = medium();
    let (mut writer, ..) = open(&mut medium, LIMITS, 5).unwrap();
    let body = frame(3, 1);
    let frames = raft_nostd::frame::Frames::new(raft_nostd::types::Index(1), 1, &body, &[]);
    let batch = raft_nostd::journal::Batch {
        hard_state: HardState { term: Term(3), vote: Some(crate::support::node(2)) },
        frames,
        live: frames,
        base: raft_nostd::types::Position::ZERO,
    };
    writer.write(&mut medium, &batch).unwrap();
    let expected = [head(GENERATION, 1, 1), entries(2, 3, 1, &body)];
    let expected: Vec<u8> = expected.iter().flat_map(|block| block.bytes(SALT)).collect();
    assert_eq!(medium.bytes(0)[..expected.len()], expected);
    assert!(medium.bytes(0)[expected.len()..].iter().all(|byte| *byte == 0));
    assert_eq!(printed(), [hex(&expected[..192]), hex(&expected[192..])]);
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The bytes that `WIRE.md` prints of the journal: the head, then the entries.
fn printed() -> Vec<String> {
    let document = include_str!("../../../WIRE.md");
    let (_, golden) = document.split_once("### Golden bytes").unwrap();
    let blocks = golden.split("```text").skip(1).map(|rest| rest.split("```").next().unwrap());
    blocks.map(|block| block.split_whitespace().collect()).collect()
}

#[test]
fn intact_contents_that_contradict_each_other() {
    let first = |term| entries(2, term, 1, &frame(term, 1));
    let start = || head(GENERATION, 1, 1);
    assert_eq!(damage(&[start(), entries(2, 1, 2, &frame(1, 2))]), (Damage::Gap, 2));
    assert_eq!(damage(&[start(), entries(2, 1, 1, &frame(1, 2))]), (Damage::Gap, 2));
    assert_eq!(
        damage(&[start(), first(2), entries(3, 1, 2, &frame(1, 2))]),
        (Damage::Backwards, 3)
    );
    assert_eq!(damage(&[start(), entries(2, 1, 1, &frame(2, 1))]), (Damage::Backwards, 2));
    assert_eq!(damage(&[start(), entries(2, 1, 1, b"no frame")]), (Damage::Frame, 2));
    assert_eq!(damage(&[start(), entries(2, 1, 0, &[])]), (Damage::Gap, 2));
    assert_eq!(damage(&[start(), Forged { kind: b'b', ..first(1) }]), (Damage::Kind, 2));
    assert_eq!(damage(&[start(), Forged { kind: b'd', ..first(1) }]), (Damage::Kind, 2));
    assert_eq!(damage(&[start(), Forged { kind: b'h', ..first(1) }]), (Damage::Kind, 2));
    // A base that takes entries away, and one that leaves a gap.
    for (base, replaces) in [(1_u64, 1), (3, 5)] {
        let body = [1_u64.to_le_bytes(), base.to_le_bytes()].concat();
        let block = Forged { kind: b'b', ..entries(3, 1, replaces, &body) };
        assert_eq!(damage(&[start(), first(1), block]), (Damage::Gap, 3), "{base}");
    }
    // Frames that announce more than there is, and as much as there is.
    assert_eq!(
        damage(&[start(), entries(2, 1, 1, b"\x01\x01\x01\xac\x02abc")]),
        (Damage::Frame, 2)
    );
    let mut long = [0; 100];
    let position = raft_nostd::types::Position::new(1, 1);
    let kind = raft_nostd::frame::EntryKind::Command;
    let len = raft_nostd::frame::encode(position, kind, &[0; 80], &mut long).unwrap();
    long[len - 1] ^= 1;
    assert_eq!(damage(&[start(), entries(2, 1, 1, &long[..len])]), (Damage::Frame, 2));
    let other_vote = Forged { vote: 3, ..entries(3, 1, 2, &[]) };
    assert_eq!(damage(&[start(), first(1), other_vote]), (Damage::Backwards, 3));
}

#[test]
fn a_block_out_of_its_place() {
    let skipped = entries(5, 1, 1, &frame(1, 1));
    assert_eq!(damage(&[head(GENERATION, 1, 1), skipped]), (Damage::Header, 2));
    // A segment that was begun after another one than the chain's last.
    let mut medium = MemoryMedium::new(geometry(4, 1024, 1), Behaviour::File);
    let (mut start, mut stranger) = (head(GENERATION, 1, 1), head(2 << 32, 3, 1));
    for head in [&mut start, &mut stranger] {
        head.body[88] = 4; // segments
    }
    medium.plant(0, 0, &start.bytes(SALT));
    medium.plant(0, 192, &entries(2, 1, 1, &frame(1, 1)).bytes(SALT));
    (stranger.term, stranger.vote, stranger.first) = (1, 2, 2);
    stranger.body[40..48].copy_from_slice(&GENERATION.to_le_bytes());
    stranger.body[48..56].copy_from_slice(&1_u64.to_le_bytes());
    stranger.body[32..40].copy_from_slice(&(GENERATION + 1).to_le_bytes());
    medium.plant(1, 0, &stranger.bytes(SALT));
    let (_, recovered, state) = open(&mut medium.clone(), LIMITS, 9).unwrap();
    assert!(matches!(recovered.found, Found::Torn(cut) if cut.sequence == 3));
    assert_eq!(state.frames.len(), 1);
    stranger.body[32..40].copy_from_slice(&GENERATION.to_le_bytes());
    medium.plant(1, 0, &stranger.bytes(SALT));
    let (_, recovered, _) = open(&mut medium.clone(), LIMITS, 9).unwrap();
    assert_eq!(recovered.found, Found::Open);
    (stranger.term, stranger.vote) = (0, 0);
    medium.plant(1, 0, &stranger.bytes(SALT));
    let refused = open(&mut medium, LIMITS, 9).err();
    let damage = Damage::Backwards;
    let named = Corruption { segment: 1, offset: 0, byte: 0, sequence: 3, damage };
    assert_eq!(refused, Some(RecoverError::Corrupt(named)));
}

/// Any fields at all under correct checksums: opening ends, with an answer.
#[test]
fn forged_fields() {
    let mut dice = crate::support::Dice(3);
    let mut answers = [0; 2];
    for _ in 0..20_000 {
        let mut blocks = [
            head(GENERATION, 1, 1),
            entries(2, 1, 1, &frame(1, 1)),
            entries(3, 2, 2, &frame(2, 2)),
            Forged { kind: b'b', ..entries(4, 2, 3, &[0; 16]) },
            Forged { kind: b's', ..entries(5, 2, 3, &[]) },
        ];
        for _ in 0..=dice.roll(2) {
            let block = &mut blocks[dice.roll(5) as usize];
            let number =
                [0, 1, 2, 3, dice.roll(300), u64::MAX - 1, u64::MAX][dice.roll(7) as usize];
            match dice.roll(8) {
                0 => block.kind = b"hebcds?"[dice.roll(7) as usize],
                1 => block.generation = number,
                2 => block.sequence = number.max(1),
                3 => block.synced = number,
                4 => block.term = number,
                5 => block.first = number,
                6 => block.vote = number as u32,
                _ if !block.body.is_empty() => {
                    let place = dice.roll(block.body.len() as u64) as usize;
                    block.body[place] = number as u8;
                }
                _ => {}
            }
        }
        answers[usize::from(open(&mut planted(&blocks), LIMITS, 9).is_ok())] += 1;
    }
    assert!(answers.iter().all(|count| *count > 1_000), "{answers:?}");
}

/// Padding is the erased byte.
#[test]
fn padding_is_blank() {
    let shape = raft_nostd::journal::Geometry { erased: 0xff, ..geometry(2, 1024, 64) };
    let mut medium = MemoryMedium::new(shape, Behaviour::Nor);
    let (writer, ..) = open(&mut medium, LIMITS, 5).unwrap();
    let mut writer = writer;
    let body = frame(1, 1);
    let frames = raft_nostd::frame::Frames::new(raft_nostd::types::Index(1), 1, &body, &[]);
    let batch = raft_nostd::journal::Batch {
        hard_state: HardState { term: Term(1), vote: None },
        frames,
        live: frames,
        base: raft_nostd::types::Position::ZERO,
    };
    writer.write(&mut medium, &batch).unwrap();
    writer.seal(&mut medium).unwrap();
    let bytes = medium.bytes(0);
    assert!(bytes[192 + 60 + body.len()..320].iter().all(|byte| *byte == 0xff));
    assert_eq!(bytes[320..324], *b"rj\x01s");
    assert!(bytes[380..].iter().all(|byte| *byte == 0xff));
}

#[test]
fn numbers_at_their_end_are_refused() {
    let open = |block: Forged| open(&mut planted(&[block]), LIMITS, 9).map(|_| ());
    let exhausted = |counter| Err(RecoverError::Exhausted(counter));
    assert_eq!(open(head(GENERATION, 1, u32::MAX)), exhausted(Counter::Boot));
    assert_eq!(open(head(u64::MAX, 1, 1)), exhausted(Counter::Generation));
    assert_eq!(open(head(GENERATION, u64::MAX - 1, 1)), exhausted(Counter::Sequence));
}

#[test]
fn the_last_sequence_is_never_written() {
    let mut medium = planted(&[head(GENERATION, u64::MAX - 6, 1)]);
    let (mut writer, _, state) = open(&mut medium, LIMITS, 9).unwrap();
    let log = crate::support::Log::of(&state);
    let mut results = Vec::new();
    for term in 1..9 {
        let none = raft_nostd::frame::Frames::none(raft_nostd::types::Index(1));
        let batch = raft_nostd::journal::Batch {
            hard_state: HardState { term: Term(term), vote: None },
            frames: none,
            live: none,
            base: log.base,
        };
        results.push(writer.write(&mut medium, &batch));
    }
    let exhausted =
        results.iter().position(|result| *result == Err(WriteError::Exhausted(Counter::Sequence)));
    assert!(exhausted.is_some_and(|place| results[place + 1] == Err(WriteError::Poisoned)));
}

/// Found by fuzzing: each block is right by itself, and the log they make is not.
#[test]
fn terms_that_go_back_from_one_block_to_the_next_are_corruption() {
    let (one, other) = (frame(3, 1), frame(2, 2));
    let blocks = [head(GENERATION, 1, 1), entries(2, 3, 1, &one), entries(3, 3, 2, &other)];
    assert_eq!(damage(&blocks), (Damage::Backwards, 1));
}

/// An entry has a term and an index, and none is of a later term than its journal.
#[test]
fn a_base_that_no_log_can_have_is_corruption() {
    let blank_after = |term: u64, index: u64| {
        let mut head = head(GENERATION, 1, 1);
        (head.term, head.first) = (3, index + 1);
        head.body[72..80].copy_from_slice(&term.to_le_bytes());
        head.body[80..88].copy_from_slice(&index.to_le_bytes());
        head
    };
    for (term, index) in [(1, 0), (4, 9)] {
        assert_eq!(damage(&[blank_after(term, index)]), (Damage::Backwards, 1), "{term}@{index}");
    }
    let (_, recovered, _) = open(&mut planted(&[blank_after(3, 9)]), LIMITS, 9).unwrap();
    assert_eq!(recovered.last, raft_nostd::types::Position::new(3, 9));
}

/// Blocks are looked for in one that was overwritten halfway, too: one there may prove what rotted.
#[test]
fn a_block_inside_a_damaged_one_counts_as_proof() {
    let (start, kept) = (head(GENERATION, 1, 1), entries(2, 1, 1, &frame(1, 1)));
    let behind = entries(4, 1, 2, &frame(1, 2)); // It says that block 2 was synced.
    let proof = Forged { synced: 2, ..behind }.bytes(SALT);
    let remains = Forged { generation: 1, ..entries(1, 1, 1, &[7; 300]) };
    let mut medium = planted(&[start, kept, remains]);
    let kept_at = 192;
    let remains_at = (192 + 60 + frame(1, 1).len() as u32).next_multiple_of(8);
    medium.plant(0, remains_at + 64 + 80, &proof);
    let (_, recovered, state) = open(&mut medium.clone(), LIMITS, 9).unwrap();
    assert!(matches!(recovered.found, Found::Torn(cut) if cut.sequence == 3));
    assert_eq!(state.frames.len(), 1);
    medium.damage(0, kept_at + 9, 1);
    let refused = open(&mut medium, LIMITS, 9).err();
    assert!(matches!(refused, Some(RecoverError::Corrupt(_))), "{refused:?}");
}

#[test]
fn a_head_that_contradicts_its_chain_is_named() {
    let skips = Forged { first: 2, ..head(GENERATION, 1, 1) };
    let refused = open(&mut planted(&[skips]), LIMITS, 9).err();
    let damage = Damage::Gap;
    let named = Corruption { segment: 0, offset: 0, byte: 0, sequence: 1, damage };
    assert_eq!(refused, Some(RecoverError::Corrupt(named)));
}

/// Down to the frame, where there is one to blame, or else the block.
#[test]
fn the_place_of_damage_is_named() {
    let bytes = frame(1, 1).len() as u32;
    let skipping = [frame(1, 1), frame(1, 3)].concat();
    let blocks = [head(GENERATION, 1, 1), entries(2, 1, 1, &skipping)];
    let named = |byte, damage| {
        let corruption = Corruption { segment: 0, offset: 192, byte, sequence: 2, damage };
        Some(RecoverError::Corrupt(corruption))
    };
    let refused = open(&mut planted(&blocks), LIMITS, 9).err();
    assert_eq!(refused, named(192 + 60 + bytes, Damage::Gap));
    // Another intact frame than was written there.
    let blocks =
        [head(GENERATION, 1, 1), entries(2, 1, 1, &frame(1, 1)), entries(3, 1, 2, &frame(1, 2))];
    let mut medium = planted(&blocks);
    medium.plant(0, 192 + 60, &frame(1, 3));
    assert_eq!(open(&mut medium, LIMITS, 9).err(), named(192, Damage::Body));
}
