//! A directory of files as a medium, from outside.

mod testing;

use adapter_std::files::{FileError, FileMedium, Options, SyncPolicy};
use raft_nostd::journal::{Geometry, Medium};
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use testing::TempDir;

const BYTES: u32 = 4_096;
const OPTIONS: Options = Options::new(BYTES, 3);

fn open(dir: &TempDir) -> FileMedium {
    FileMedium::open(dir.path(), OPTIONS).unwrap()
}

fn read(medium: &mut FileMedium, segment: u32, offset: u32, length: usize) -> Vec<u8> {
    let mut into = vec![0xaa; length];
    medium.read(segment, offset, &mut into).unwrap();
    into
}

/// Every file below `dir` and its bytes.
fn contents(dir: &Path) -> BTreeMap<String, Vec<u8>> {
    fs::read_dir(dir)
        .unwrap()
        .map(|entry| {
            let entry = entry.unwrap();
            (entry.file_name().into_string().unwrap(), fs::read(entry.path()).unwrap())
        })
        .collect()
}

#[test]
fn a_fresh_directory_is_small_and_reads_as_zeros() {
    let dir = TempDir::new("fresh");
    let mut medium = open(&dir);
    assert_eq!(
        medium.geometry(),
        Geometry { segments: 3, segment_bytes: BYTES, granularity: 1, erased: 0 }
    );
    assert_eq!(read(&mut medium, 2, 0, 4_096), vec![0; 4_096]);
    let names: Vec<_> = contents(dir.path()).into_keys().collect();
    assert_eq!(names, ["lock", "medium.toml"]);
    medium.erase(1).unwrap();
    assert_eq!(contents(dir.path())["segment-001.journal"], vec![0; 4_096]);
    medium.preallocate().unwrap();
    assert_eq!(contents(dir.path()).len(), 5);
    assert_eq!(medium.counters().bytes_preallocated, 3 * 4_096);
}

#[test]
fn what_was_synced_is_there_after_reopening_and_erasing() {
    let dir = TempDir::new("reopen");
    let mut medium = open(&dir);
    medium.erase(0).unwrap();
    medium.write(0, 100, b"old").unwrap();
    medium.sync().unwrap();
    drop(medium);
    let mut medium = open(&dir);
    medium.erase(0).unwrap();
    assert_eq!(read(&mut medium, 0, 99, 5), b"\0old\0");
    medium.write(0, 101, b"-new").unwrap();
    assert_eq!(read(&mut medium, 0, 99, 7), b"\0o-new\0");
}

#[test]
fn what_was_only_gathered_dies_with_the_medium() {
    let dir = TempDir::new("gathered");
    let mut medium = open(&dir);
    medium.erase(0).unwrap();
    medium.write(0, 0, b"gone").unwrap();
    assert_eq!(medium.counters().bytes_written, 0);
    drop(medium);
    assert_eq!(read(&mut open(&dir), 0, 0, 4), [0; 4]);
}

#[test]
fn a_batch_is_one_write_and_one_sync() {
    let dir = TempDir::new("counters");
    let mut medium = open(&dir);
    medium.preallocate().unwrap();
    medium.sync().unwrap();
    assert_eq!((medium.counters().syncs, medium.counters().file_syncs), (0, 0));
    for offset in 0..64 {
        medium.write(0, offset * 4, b"four").unwrap();
    }
    medium.sync().unwrap();
    medium.sync().unwrap();
    let counters = medium.counters();
    assert_eq!((counters.writes, counters.bytes_written), (1, 256));
    assert_eq!((counters.syncs, counters.file_syncs), (1, 1));
    assert!(!counters.last_sync.is_zero());
    // A batch that crosses into the next segment takes one of each per file.
    medium.write(0, 256, b"end").unwrap();
    medium.write(1, 0, b"begin").unwrap();
    medium.sync().unwrap();
    let counters = medium.counters();
    assert_eq!((counters.writes, counters.bytes_written), (3, 264));
    assert_eq!((counters.syncs, counters.file_syncs), (2, 3));
}

#[test]
fn a_run_longer_than_any_buffer_is_written_whole() {
    let dir = TempDir::new("long");
    let options = Options::new(4 << 20, 2).with_sync(SyncPolicy::Never);
    let mut medium = FileMedium::open(dir.path(), options).unwrap();
    medium.erase(0).unwrap();
    let long: Vec<u8> = (0..3 << 20).map(|at: u32| (at % 251) as u8).collect();
    medium.write(0, 0, b"head").unwrap();
    medium.write(0, 4, &long).unwrap();
    medium.write(0, 4 + long.len() as u32, b"tail").unwrap();
    let found = read(&mut medium, 0, 0, long.len() + 9);
    assert!(found == [b"head", long.as_slice(), b"tail\0"].concat());
}

/// A generator good enough to choose operations with (xorshift64*).
struct Random(u64);

impl Random {
    fn below(&mut self, bound: u32) -> u32 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) as u32 % bound
    }
}

#[test]
fn any_sequence_reads_as_a_model_of_vectors_does() {
    for seed in 1..=20 {
        let dir = TempDir::new("model");
        let options = OPTIONS.with_sync(SyncPolicy::Never);
        let mut medium = FileMedium::open(dir.path(), options).unwrap();
        let mut random = Random(seed);
        let mut model = [None::<Vec<u8>>, None, None];
        let mut next = (0, 0);
        for step in 0..2_000 {
            let segment = random.below(3);
            let slot = segment as usize;
            let offset = random.below(BYTES);
            let length = random.below((BYTES - offset).min(200) + 1) as usize;
            match random.below(100) {
                0..5 => {
                    medium.erase(segment).unwrap();
                    model[slot].get_or_insert_with(|| vec![0; BYTES as usize]);
                }
                5..60 => {
                    // Mostly where the last write ended, as the journal does.
                    let (segment, offset) =
                        if random.below(10) > 0 { next } else { (segment, offset) };
                    let bytes: Vec<u8> = (0..length).map(|_| random.below(256) as u8).collect();
                    let end = offset as usize + length;
                    let written = medium.write(segment, offset, &bytes);
                    match model[segment as usize].as_mut() {
                        Some(model) if end <= model.len() => {
                            written.unwrap();
                            model[offset as usize..end].copy_from_slice(&bytes);
                            next = (segment, end as u32);
                        }
                        Some(_) => {
                            assert!(matches!(written, Err(FileError::Outside { .. })));
                            next = (random.below(3), 0);
                        }
                        None => {
                            assert!(written.is_err());
                            next = (random.below(3), 0);
                        }
                    }
                }
                60..90 => {
                    let found = read(&mut medium, segment, offset, length);
                    let zeros = vec![0; BYTES as usize];
                    let expected = model[slot].as_ref().unwrap_or(&zeros);
                    let expected = &expected[offset as usize..offset as usize + length];
                    assert_eq!(found, expected, "seed {seed} step {step}");
                }
                90..99 => medium.sync().unwrap(),
                _ => {
                    medium.sync().unwrap();
                    drop(medium);
                    medium = FileMedium::open(dir.path(), options).unwrap();
                }
            }
        }
        for (segment, expected) in model.into_iter().enumerate() {
            let expected = expected.unwrap_or(vec![0; BYTES as usize]);
            assert_eq!(read(&mut medium, segment as u32, 0, BYTES as usize), expected);
        }
    }
}
