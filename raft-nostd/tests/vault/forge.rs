//! Records made from the tables of `WIRE.md` without the library, and what can be forged with them.

use crate::support::{Dice, Setup, node, owner, read};
use adapter_std::memory::MemoryMedium;
use raft_nostd::crc::checksum;
use raft_nostd::manifest::Manifest;
use raft_nostd::vault::{ChunkError, Origin, VaultError, Which};

pub const HEADER: usize = 28;

#[derive(Clone)]
pub struct Record {
    pub kind: u8,
    pub place: u32,
    pub generation: u64,
    pub body: Vec<u8>,
}

impl Record {
    pub fn bytes(&self) -> Vec<u8> {
        self.with_len(self.body.len() as u32)
    }

    /// With any length in the header.
    fn with_len(&self, len: u32) -> Vec<u8> {
        let mut bytes = vec![b'r', b's', 1, self.kind];
        bytes.extend(self.place.to_le_bytes());
        bytes.extend(len.to_le_bytes());
        bytes.extend(checksum(&self.body).to_le_bytes());
        bytes.extend(self.generation.to_le_bytes());
        bytes.extend(checksum(&bytes).to_le_bytes());
        bytes.extend(&self.body);
        bytes
    }
}

fn varint(mut number: u64, into: &mut Vec<u8>) {
    while number > 0x7f {
        into.push(number as u8 | 0x80);
        number >>= 7;
    }
    into.push(number as u8);
}

fn varints(numbers: &[u64]) -> Vec<u8> {
    let mut bytes = Vec::new();
    numbers.iter().for_each(|number| varint(*number, &mut bytes));
    bytes
}

pub fn head_body(chunk: u32, origin: u8, manifest: &Manifest) -> Vec<u8> {
    let owner = owner();
    let mut body = varints(&[owner.cluster.0, owner.node.get().into(), owner.incarnation]);
    varint(chunk.into(), &mut body);
    body.push(origin);
    let last = manifest.last;
    let mut voters = [0; 7];
    for (number, voter) in voters.iter_mut().zip([node(1), node(2), node(3)]) {
        *number = voter.get().into();
    }
    body.extend(varints(&[last.term.0, last.index.0, manifest.membership.index.0]));
    body.extend(varints(&voters));
    body.extend(varints(&[manifest.chunks.into(), manifest.bytes, manifest.crc.into()]));
    body
}

pub fn end_body(chunks: u32, bytes: u64, crc: u32) -> Vec<u8> {
    varints(&[chunks.into(), bytes, crc.into()])
}

const GENERATION: u64 = (7 << 32) | 3;

fn planted(setup: Setup, records: &[(u32, Vec<u8>)]) -> MemoryMedium {
    let mut medium = setup.medium();
    for (place, bytes) in records {
        let (segment, offset) = setup.at(0, *place);
        let room = (setup.geometry.segment_bytes - offset) as usize;
        medium.plant(segment, offset, &bytes[..bytes.len().min(room)]);
    }
    medium
}

/// Head, chunks and end of a snapshot, each as a record.
fn records(setup: Setup, origin: u8) -> Vec<Record> {
    let image = setup.image(10, 3);
    let record = |kind, place, body| Record { kind, place, generation: GENERATION, body };
    let mut records = vec![record(b'h', 0, head_body(setup.chunk, origin, &image.manifest))];
    for (place, chunk) in (1..).zip(&image.chunks) {
        records.push(record(b'c', place, chunk.clone()));
    }
    let Manifest { chunks, bytes, crc, .. } = image.manifest;
    records.push(record(b'e', chunks + 1, end_body(chunks, bytes, crc)));
    records
}

#[test]
fn what_the_tables_make_is_taken() {
    for setup in Setup::all() {
        for origin in [0, 1] {
            let records = records(setup, origin);
            let bytes: Vec<_> = records.iter().map(|one| (one.place, one.bytes())).collect();
            let mut medium = planted(setup, &bytes);
            setup.image(10, 3).assert_newest(&setup.open(&mut medium, 1).unwrap(), &mut medium);
        }
    }
}

/// A length that no record can have, under a correct checksum: damage, and never a read beyond the
/// segment.
#[test]
fn a_length_beyond_the_record() {
    for setup in Setup::all() {
        for origin in [0, 1] {
            for (number, record) in records(setup, origin).iter().enumerate() {
                for len in [setup.record() - 27, setup.geometry.segment_bytes, u32::MAX] {
                    let mut all = records(setup, origin);
                    // The head counts what the header says.
                    let body = u64::from(len) - record.body.len() as u64;
                    let image = setup.image(10, 3);
                    if record.kind == b'c' {
                        let total = image.manifest.bytes + body;
                        all[4].body = end_body(3, total, image.manifest.crc);
                    }
                    let mut bytes: Vec<_> =
                        all.iter().map(|one| (one.place, one.bytes())).collect();
                    bytes[number].1 = record.with_len(len);
                    let mut medium = planted(setup, &bytes);
                    let vault = setup.open(&mut medium, 1).unwrap();
                    if vault.newest().is_some() && record.kind == b'c' {
                        let damaged = read(&vault, &mut medium, Which::Newest, record.place - 1);
                        assert!(matches!(damaged, Err(ChunkError::Damaged { .. })), "{damaged:?}");
                    }
                }
            }
        }
    }
}

/// An end that does not agree with what stands before it ends nothing.
#[test]
fn an_end_of_something_else() {
    for setup in Setup::all() {
        let Manifest { chunks, bytes, crc, .. } = setup.image(10, 3).manifest;
        for (chunks, bytes) in [(chunks - 1, bytes), (chunks + 1, bytes), (chunks, bytes - 1)] {
            let mut all = records(setup, 0);
            all[4].body = end_body(chunks, bytes, crc);
            let all: Vec<_> = all.iter().map(|one| (one.place, one.bytes())).collect();
            let vault = setup.open(&mut planted(setup, &all), 1).unwrap();
            assert!(vault.newest().is_none() && vault.staged().is_none());
        }
    }
}

/// What comes to stand in a chunk's place under an open vault is damage, unless it is that chunk.
#[test]
fn a_chunk_is_of_its_kind_place_and_generation() {
    let setup = Setup::all()[0];
    let all = records(setup, 0);
    let bytes: Vec<_> = all.iter().map(|one| (one.place, one.bytes())).collect();
    let mut medium = planted(setup, &bytes);
    let vault = setup.open(&mut medium, 1).unwrap();
    let (segment, offset) = setup.at(0, 2);
    let damaged = Err(ChunkError::Damaged { chunk: 1, segment, offset });
    let chunk = all[2].clone();
    for other in [
        Record { kind: b'e', ..chunk.clone() },
        Record { kind: b'h', ..chunk.clone() },
        Record { place: 1, ..chunk.clone() },
        Record { generation: GENERATION + 1, ..chunk.clone() },
    ] {
        medium.plant(segment, offset, &other.bytes());
        assert_eq!(read(&vault, &mut medium, Which::Newest, 1), damaged);
    }
    medium.plant(segment, offset, &chunk.bytes());
    assert_eq!(read(&vault, &mut medium, Which::Newest, 1), Ok(chunk.body));
}

/// A field of a record or of a body becomes any number.
fn forge(dice: &mut Dice, records: &mut [Record], lens: &mut [Option<u32>]) {
    let chosen = dice.roll(records.len() as u64) as usize;
    let number = [0, 1, 2, dice.roll(300), u64::MAX - 1, u64::MAX][dice.roll(6) as usize];
    let record = &mut records[chosen];
    match dice.roll(6) {
        0 => record.kind = b"hce?"[dice.roll(4) as usize],
        1 => record.place = number as u32,
        2 => record.generation = number,
        3 => lens[chosen] = Some(number as u32),
        4 => record.body.extend([number as u8; 3]),
        _ => {
            let place = dice.roll(record.body.len() as u64) as usize;
            record.body[place] = number as u8;
        }
    }
}

/// Any fields at all under correct checksums: opening ends, with an answer; so does reading.
#[test]
fn forged_fields() {
    let mut answers = [0; 4];
    for setup in Setup::all() {
        let mut dice = Dice(3);
        for _ in 0..6_000 {
            let mut records = records(setup, dice.roll(2) as u8);
            let mut lens = vec![None; records.len()];
            for _ in 0..=dice.roll(2) {
                forge(&mut dice, &mut records, &mut lens);
            }
            let bytes = (0..).zip(&records).zip(&lens).map(|((place, record), len)| {
                (place, len.map_or_else(|| record.bytes(), |len| record.with_len(len)))
            });
            let mut medium = planted(setup, &bytes.collect::<Vec<_>>());
            match setup.open(&mut medium, 9) {
                Ok(mut vault) => {
                    let newest = vault.newest().copied();
                    answers[usize::from(newest.is_some())] += 1;
                    for number in 0..newest.map_or(0, |manifest| manifest.chunks.min(5)) {
                        let answer = read(&vault, &mut medium, Which::Newest, number);
                        assert!(!matches!(answer, Err(ChunkError::Medium(_))), "{answer:?}");
                    }
                    match setup.image(400, 2).write(&mut vault, &mut medium, Origin::Own) {
                        Ok(_) => {}
                        Err(VaultError::Exhausted) => answers[2] += 1,
                        Err(error) => panic!("{error:?}"),
                    }
                }
                Err(VaultError::OtherOwner { .. }) => answers[3] += 1,
                Err(error) => panic!("{error:?}"),
            }
        }
    }
    assert!(answers.iter().all(|count| *count > 100), "{answers:?}");
}
