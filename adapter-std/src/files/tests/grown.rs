//! Segments that take their space as they are written.

use super::*;
use raft_nostd::journal::PersistFailure;
use std::io::ErrorKind;

const GROWN: Options = OPTIONS.with_space(Space::Grown);

fn open_grown(dir: &TempDir, plan: &Plan) -> FileMedium {
    FileMedium::open_on(
        Disk::hooked(SyncPolicy::Always, plan.hook()),
        dir.path(),
        GROWN,
        Losses::Refused,
    )
    .unwrap()
}

fn len(dir: &TempDir, segment: u32) -> u64 {
    let path = dir.path().join(format!("segment-{segment:03}.journal"));
    std::fs::metadata(path).unwrap().len()
}

#[test]
fn a_file_is_as_long_as_what_was_written_and_reads_as_zeros_behind_it() {
    let (dir, plan) = (TempDir::new("grown"), Plan::default());
    let mut medium = open_grown(&dir, &plan);
    medium.preallocate().unwrap();
    assert_eq!((len(&dir, 0), medium.counters().bytes_preallocated), (0, 0));
    medium.write(1, 10, b"text").unwrap();
    assert_eq!(read(&mut medium, 1, 8, 8), b"\0\0text\0\0");
    medium.sync().unwrap();
    assert_eq!((len(&dir, 1), len(&dir, 2)), (14, 0));
    assert_eq!(read(&mut medium, 2, BYTES - 3, 3), [0; 3]);
    // It never shrinks, nor grows beyond its bound.
    medium.erase(1).unwrap();
    assert_eq!(len(&dir, 1), 14);
    assert!(matches!(medium.write(1, BYTES - 1, b"xy"), Err(FileError::Outside { .. })));
    drop(medium);
    let mut medium = open_grown(&dir, &plan);
    assert_eq!(read(&mut medium, 1, 8, 8), b"\0\0text\0\0");
    drop(medium);
    let mut medium = FileMedium::open_read_only(dir.path()).unwrap();
    assert_eq!(read(&mut medium, 1, 8, 8), b"\0\0text\0\0");
}

#[test]
fn no_space_at_a_write_poisons_nothing_and_loses_nothing() {
    let (dir, plan) = (TempDir::new("no-space"), Plan::default());
    let mut medium = open_grown(&dir, &plan);
    medium.erase(0).unwrap();
    medium.erase(1).unwrap();
    medium.write(0, 0, b"gathered").unwrap();
    let is_full = |result: Result<(), FileError>| {
        let error = result.unwrap_err();
        assert!(error.to_string().starts_with("no space for "), "{error}");
        assert_eq!(FileMedium::failure(&error), PersistFailure::Full);
        assert!(plan.is_done());
    };
    let full = || plan.fail(Operation::Write, "segment-000.journal", ErrorKind::StorageFull);
    full();
    is_full(medium.sync());
    full();
    is_full(medium.write(1, 0, b"other"));
    full();
    is_full(medium.read(0, 0, &mut [0; 8]));
    // What another segment holds can be read all the same.
    assert_eq!(read(&mut medium, 1, 0, 5), [0; 5]);
    assert!(!dir.path().join("sync-failed").exists());
    medium.write(1, 0, b"other").unwrap();
    medium.sync().unwrap();
    drop(medium);
    let mut medium = open_grown(&dir, &plan);
    assert_eq!(read(&mut medium, 0, 0, 8), b"gathered");
    assert_eq!(read(&mut medium, 1, 0, 5), b"other");
}

/// The space was promised when the bytes were written: whatever is wrong now, they may be lost.
#[test]
fn a_failed_sync_poisons_all_the_same() {
    for kind in [ErrorKind::StorageFull, ErrorKind::Other] {
        let (dir, plan) = (TempDir::new("grown-sync"), Plan::default());
        let mut medium = open_grown(&dir, &plan);
        medium.erase(0).unwrap();
        medium.write(0, 0, b"lost").unwrap();
        plan.fail(Operation::Sync, "segment-000.journal", kind);
        assert_eq!(FileMedium::failure(&medium.sync().unwrap_err()), PersistFailure::Failed);
        assert!(matches!(medium.sync(), Err(FileError::Halted { .. })));
        drop(medium);
        let mut medium = open_grown(&dir, &plan);
        assert_eq!((read(&mut medium, 0, 0, 5), len(&dir, 0)), (b"lost\0".to_vec(), 4));
    }
}

#[test]
fn the_way_to_take_space_is_for_ever_once_there_are_segments() {
    let (dir, plan) = (TempDir::new("space"), Plan::default());
    drop(open(&dir, plan.hook()).unwrap());
    let mut medium = open_grown(&dir, &plan);
    medium.erase(0).unwrap();
    drop(medium);
    let error = open(&dir, plan.hook()).unwrap_err().to_string();
    assert!(error.ends_with("its space Grown and cannot be used as Preallocated"), "{error}");
}
