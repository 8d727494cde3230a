//! Calls that fail: what is lost by it, what is remembered, what the next start does.

use super::*;
use crate::files::AfterFailure;
use raft_nostd::journal::PersistFailure;
use std::error::Error;
use std::io::ErrorKind;

#[test]
fn a_full_disk_costs_nothing_and_the_erase_may_be_repeated() {
    let steps = [
        (Operation::Create, "segment-001.journal.new"),
        (Operation::Preallocate, "segment-001.journal.new"),
        (Operation::Sync, "segment-001.journal.new"),
        (Operation::Rename, "segment-001.journal"),
    ];
    for (operation, path) in steps {
        for kind in [ErrorKind::StorageFull, ErrorKind::QuotaExceeded] {
            let (dir, plan) = (TempDir::new("full"), Plan::default());
            let mut medium = open(&dir, plan.hook()).unwrap();
            medium.erase(0).unwrap();
            medium.write(0, 0, b"kept").unwrap();
            plan.fail(operation, path, kind);
            let error = medium.erase(1).unwrap_err();
            assert!(plan.is_done());
            assert_eq!(FileMedium::failure(&error), PersistFailure::Full, "{error}");
            assert!(error.to_string().starts_with("no space for"), "{error}");
            assert!(error.to_string().contains("segment-001.journal: "), "{error}");
            assert!(error.source().is_some());
            assert!(!dir.path().join("segment-001.journal.new").exists());
            medium.write(0, 4, b" all").unwrap();
            medium.erase(1).unwrap();
            medium.write(1, 0, b"more").unwrap();
            medium.sync().unwrap();
            assert_eq!(read(&mut medium, 0, 0, 8), b"kept all");
            assert_eq!(read(&mut medium, 1, 0, 5), b"more\0");
        }
    }
}

#[test]
fn a_half_made_file_that_cannot_be_removed_is_overwritten_later() {
    let (dir, plan) = (TempDir::new("stuck"), Plan::default());
    let mut medium = open(&dir, plan.hook()).unwrap();
    let new = "segment-000.journal.new";
    plan.fail(Operation::Sync, new, ErrorKind::StorageFull);
    plan.fail(Operation::Remove, new, ErrorKind::PermissionDenied);
    medium.erase(0).unwrap_err();
    assert!(plan.is_done() && dir.path().join(new).exists());
    medium.erase(0).unwrap();
    assert!(!dir.path().join(new).exists());
    assert_eq!(std::fs::metadata(dir.path().join("segment-000.journal")).unwrap().len(), 100_000);
}

#[test]
fn a_full_disk_while_writing_is_no_mere_full() {
    // A file system that copies on write can run out even there: bytes may be lost.
    let (dir, plan) = (TempDir::new("cow"), Plan::default());
    let mut medium = open(&dir, plan.hook()).unwrap();
    medium.erase(0).unwrap();
    medium.write(0, 0, b"lost").unwrap();
    plan.fail(Operation::Write, "segment-000.journal", ErrorKind::StorageFull);
    let error = medium.sync().unwrap_err();
    assert_eq!(FileMedium::failure(&error), PersistFailure::Failed);
    assert!(matches!(medium.sync(), Err(FileError::Halted { .. })));
}

#[test]
fn after_a_failure_nothing_is_taken_and_the_first_cause_is_named() {
    let cases = [
        (Operation::Write, "segment-000.journal", "cannot write "),
        (Operation::Sync, "segment-000.journal", "cannot sync "),
        (Operation::SyncDirectory, "", "cannot sync directory "),
    ];
    for (operation, path, message) in cases {
        let (dir, plan) = (TempDir::new("halt"), Plan::default());
        let mut medium = open(&dir, plan.hook()).unwrap();
        medium.erase(0).unwrap();
        medium.write(0, 0, b"a").unwrap();
        plan.fail(operation, path, ErrorKind::Other);
        let first = medium.sync().unwrap_err();
        assert!(plan.is_done());
        assert_eq!(FileMedium::failure(&first), PersistFailure::Failed);
        assert!(first.to_string().starts_with(message), "{first}");
        assert!(first.to_string().contains(dir.path().to_str().unwrap()), "{first}");
        let later = [
            medium.write(0, 1, b"b").unwrap_err(),
            medium.sync().unwrap_err(),
            medium.erase(1).unwrap_err(),
            medium.preallocate().unwrap_err(),
            medium.read(0, 0, &mut [0]).unwrap_err(),
            medium.sync().unwrap_err(),
        ];
        for error in later {
            let expected =
                format!("nothing more is taken before the next start, after a failure: {first}");
            assert_eq!(error.to_string(), expected);
            assert_eq!(FileMedium::failure(&error), PersistFailure::Failed);
        }
        assert!(format!("{medium:?}").contains(message));
    }
}

/// As a vault needs it: what it writes after a failure is all that counts, and is durable after a sync.
#[test]
fn who_writes_everything_anew_may_go_on_after_a_failure() {
    let cases = [
        (Operation::Write, "segment-000.journal"),
        (Operation::Sync, "segment-000.journal"),
        (Operation::Sync, "medium.toml"),
        (Operation::SyncDirectory, ""),
    ];
    for (operation, path) in cases {
        let (dir, plan) = (TempDir::new("go-on"), Plan::default());
        let options = Options::new(BYTES, 3).with_failures(AfterFailure::GoOn);
        let disk = Disk::hooked(options.sync, plan.hook());
        let mut medium = FileMedium::open_on(disk, dir.path(), options, Losses::Refused).unwrap();
        medium.erase(0).unwrap();
        medium.write(0, 0, b"given up").unwrap();
        plan.fail(operation, path, ErrorKind::StorageFull);
        let error = medium.sync().unwrap_err();
        assert_eq!(FileMedium::failure(&error), PersistFailure::Failed, "{error}");
        assert!(plan.is_done());
        medium.erase(0).unwrap();
        medium.write(0, 0, b"anew").unwrap();
        let syncs = medium.counters().file_syncs;
        medium.sync().unwrap();
        assert!(medium.counters().file_syncs > syncs, "{path}: it was not synced again");
        drop(medium);
        let mut medium = FileMedium::open(dir.path(), options).unwrap();
        assert_eq!(read(&mut medium, 0, 0, 4), b"anew");
    }
}

/// A sync that failed may have forgotten the mark: it is written again, and not just synced.
#[test]
fn a_mark_that_may_not_be_durable_is_written_again() {
    let (dir, plan) = (TempDir::new("mark"), Plan::default());
    let options = Options::new(BYTES, 3).with_failures(AfterFailure::GoOn);
    let disk = Disk::hooked(options.sync, plan.hook());
    let mut medium = FileMedium::open_on(disk, dir.path(), options, Losses::Refused).unwrap();
    medium.erase(0).unwrap();
    medium.write(0, 0, b"a").unwrap();
    plan.fail(Operation::Sync, "medium.toml", ErrorKind::Other);
    medium.sync().unwrap_err();
    plan.fail(Operation::Write, "medium.toml", ErrorKind::Other);
    medium.sync().unwrap_err();
    assert!(plan.is_done());
    medium.sync().unwrap();
}

/// A full disk at the first start fixes nothing: fewer segments may be asked for afterwards.
#[test]
fn a_preallocation_that_finds_no_space_gives_everything_back() {
    let (dir, plan) = (TempDir::new("give-back"), Plan::default());
    let mut medium = open(&dir, plan.hook()).unwrap();
    plan.fail(Operation::Preallocate, "segment-002.journal.new", ErrorKind::StorageFull);
    let full = medium.preallocate().unwrap_err();
    assert_eq!(FileMedium::failure(&full), PersistFailure::Full);
    assert!(medium.is_new() && plan.is_done());
    assert!(!dir.path().join("segment-000.journal").exists());
    drop(medium);
    let mut medium = FileMedium::open(dir.path(), Options::new(BYTES, 2)).unwrap();
    medium.preallocate().unwrap();
    medium.write(0, 0, b"a").unwrap();
    assert!(!medium.is_new());
}

/// Segments that existed before hold something.
#[test]
fn a_preallocation_that_finds_no_space_keeps_what_was_there() {
    let (dir, plan) = (TempDir::new("keep"), Plan::default());
    let mut medium = open(&dir, plan.hook()).unwrap();
    medium.erase(0).unwrap();
    medium.write(0, 0, b"kept").unwrap();
    plan.fail(Operation::Preallocate, "segment-002.journal.new", ErrorKind::StorageFull);
    medium.preallocate().unwrap_err();
    assert_eq!(read(&mut medium, 0, 0, 4), b"kept");
    assert!(!dir.path().join("segment-001.journal").exists());
    medium.preallocate().unwrap();
    medium.sync().unwrap();
}

#[test]
fn a_misuse_is_refused_without_harm() {
    let dir = TempDir::new("misuse");
    let mut medium = open(&dir, Plan::default().hook()).unwrap();
    let missing = medium.write(0, 0, b"a").unwrap_err();
    assert!(missing.to_string().ends_with("was never erased"), "{missing}");
    medium.erase(0).unwrap();
    let outside = [
        medium.write(0, BYTES, b"a").unwrap_err(),
        medium.write(0, u32::MAX, b"a").unwrap_err(),
        medium.write(3, 0, b"a").unwrap_err(),
        medium.read(0, BYTES - 1, &mut [0; 2]).unwrap_err(),
        medium.read(u32::MAX, 0, &mut []).unwrap_err(),
        medium.erase(3).unwrap_err(),
    ];
    assert!(outside.iter().all(|error| matches!(error, FileError::Outside { .. })));
    assert_eq!(
        outside[3].to_string(),
        "2 bytes at 99999 of segment 0 are outside of 3 segments of 100000 bytes"
    );
    medium.write(0, BYTES - 1, b"a").unwrap();
    medium.sync().unwrap();
    assert_eq!(read(&mut medium, 0, BYTES - 2, 2), b"\0a");
}

#[test]
fn a_start_after_a_failed_sync_brings_everything_to_the_disk_first() {
    let (dir, plan) = (TempDir::new("suspect"), Plan::default());
    let mark = dir.path().join("sync-failed");
    let mut medium = open(&dir, plan.hook()).unwrap();
    medium.preallocate().unwrap();
    medium.write(2, 7, b"seen").unwrap();
    plan.fail(Operation::Sync, "segment-002.journal", ErrorKind::Other);
    let first = medium.sync().unwrap_err();
    drop(medium);
    assert_eq!(std::fs::read_to_string(&mark).unwrap(), first.to_string());

    // The disk still fails: the node does not start, and the mark stays.
    plan.fail(Operation::Sync, "segment-001.journal", ErrorKind::Other);
    let again = open(&dir, plan.hook()).unwrap_err();
    assert!(matches!(again, FileError::Io { operation: Operation::Sync, .. }), "{again}");
    assert!(mark.exists());

    let (calls, counted) = (Arc::new(Mutex::new([0, 0])), Plan::default());
    let hook: Hook = Box::new({
        let calls = Arc::clone(&calls);
        move |operation, path| {
            let mut calls = calls.lock().unwrap();
            match operation {
                Operation::Write => calls[0] += 1,
                Operation::Sync => calls[1] += 1,
                _ => {}
            }
            counted.decide(operation, path)
        }
    });
    let mut medium = open(&dir, hook).unwrap();
    let expected = [7, 4]; // Two chunks of each of three, and the marks; then a sync of each.
    assert_eq!(*calls.lock().unwrap(), expected);
    assert!(!mark.exists());
    assert_eq!(read(&mut medium, 2, 6, 6), b"\0seen\0");
}

#[test]
fn a_lock_that_cannot_be_taken_is_an_error_of_its_path() {
    let (dir, plan) = (TempDir::new("lock"), Plan::default());
    plan.fail(Operation::Create, "lock", ErrorKind::PermissionDenied);
    let error = open(&dir, plan.hook()).unwrap_err();
    let path = dir.path().join("lock");
    assert_eq!(error.to_string(), format!("cannot create {}: permission denied", path.display()));
}

#[test]
fn a_copy_of_the_lock_in_a_process_being_spawned_does_not_hold_it() {
    let dir = TempDir::new("copy");
    let medium = open(&dir, Plan::default().hook()).unwrap();
    // What a fork does: two descriptors of one open file.
    let copy = medium._lock.as_ref().unwrap().0.try_clone().unwrap();
    assert!(matches!(open(&dir, Plan::default().hook()), Err(FileError::InUse { .. })));
    drop(medium);
    open(&dir, Plan::default().hook()).unwrap();
    drop(copy);
}
