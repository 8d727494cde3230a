//! What is on the disk before what. A loss of power is not simulated; the order is what counts.

use super::*;

/// The calls made since the last look, as lines of operation and file name.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<String>>>);

impl Log {
    fn hook(&self) -> Hook {
        let log = self.clone();
        Box::new(move |operation, path| {
            let name = path.file_name().map_or("/", |name| name.to_str().unwrap());
            let name = if name.starts_with("adapter-std") { "." } else { name };
            log.0.lock().unwrap().push(format!("{operation} {name}"));
            Ok(())
        })
    }

    /// Without opens and reads, which change nothing.
    fn take(&self) -> Vec<String> {
        let mut lines = std::mem::take(&mut *self.0.lock().unwrap());
        lines.retain(|line| !line.starts_with("open") && !line.starts_with("read"));
        lines
    }
}

#[test]
fn everything_is_durable_before_what_rests_on_it() {
    let (dir, log) = (TempDir::new("order"), Log::default());
    let mut medium = open(&dir, log.hook()).unwrap();
    let names_above = names_above();
    let made = [
        "create medium.toml.new",
        "write medium.toml.new",
        "sync medium.toml.new",
        "rename medium.toml",
        "sync directory .",
        "remove medium.toml.new",
        "remove segment-000.journal.new",
        "remove segment-001.journal.new",
        "remove segment-002.journal.new",
    ];
    let lines = log.take();
    assert_eq!(lines[..2], ["create lock", "list directory ."]);
    assert_eq!(lines[2..2 + names_above.len()], names_above);
    assert_eq!(lines[2 + names_above.len()..], made);
    medium.sync().unwrap();
    assert_eq!(log.take(), ["sync directory ."], "names a predecessor may have left");
    medium.erase(1).unwrap();
    medium.write(1, 0, b"a").unwrap();
    medium.write(1, 1, b"b").unwrap();
    medium.sync().unwrap();
    assert_eq!(
        log.take(),
        [
            "create segment-001.journal.new",
            "preallocate segment-001.journal.new",
            "preallocate segment-001.journal.new",
            "sync segment-001.journal.new",
            "rename segment-001.journal",
            "write segment-001.journal",
            "sync segment-001.journal",
            "sync directory .",
            "write medium.toml",
            "sync medium.toml",
        ]
    );
    medium.erase(1).unwrap();
    medium.write(1, 0, b"c").unwrap();
    medium.sync().unwrap();
    medium.sync().unwrap();
    assert_eq!(log.take(), ["write segment-001.journal", "sync segment-001.journal"]);
}

/// The syncs of all directories above a test's own.
fn names_above() -> Vec<String> {
    let above = std::env::temp_dir();
    let name = |path: &Path| path.file_name().map_or("/", |name| name.to_str().unwrap()).to_owned();
    above.ancestors().map(|path| format!("sync directory {}", name(path))).collect()
}

/// Killed between the making of a directory and the syncing of its name.
#[test]
fn names_that_a_killed_predecessor_made_are_synced() {
    let (dir, plan, log) = (TempDir::new("above"), Plan::default(), Log::default());
    let deep = dir.path().join("a/b/c");
    plan.fail(Operation::CreateDirectory, "/c", io::ErrorKind::Interrupted);
    let disk = Disk::hooked(SyncPolicy::Always, plan.hook());
    FileMedium::open_on(disk, &deep, OPTIONS, Losses::Refused).unwrap_err();
    assert!(plan.is_done() && dir.path().join("a/b").is_dir() && !deep.exists());
    let disk = Disk::hooked(SyncPolicy::Always, log.hook());
    FileMedium::open_on(disk, &deep, OPTIONS, Losses::Refused).unwrap();
    let lines = log.take();
    let record = lines.iter().position(|line| line == "create medium.toml.new").unwrap();
    for name in ["sync directory b", "sync directory a", "sync directory ."] {
        assert!(lines[..record].iter().any(|line| line == name), "{lines:?}");
    }
    // Once is enough.
    let disk = Disk::hooked(SyncPolicy::Always, log.hook());
    FileMedium::open_on(disk, &deep, OPTIONS, Losses::Refused).unwrap();
    assert!(!log.take().iter().any(|line| line.starts_with("sync")));
}

/// A directory above that may not be read is none that this process made a name in.
#[test]
fn names_above_that_belong_to_others_are_left_to_them() {
    let (dir, plan) = (TempDir::new("others"), Plan::default());
    let above = std::env::temp_dir();
    let kind = io::ErrorKind::PermissionDenied;
    plan.fail(Operation::SyncDirectory, above.to_str().unwrap().trim_end_matches('/'), kind);
    let disk = Disk::hooked(SyncPolicy::Always, plan.hook());
    FileMedium::open_on(disk, &dir.path().join("a"), OPTIONS, Losses::Refused).unwrap();
    assert!(plan.is_done());
}

#[test]
fn directories_are_made_one_below_the_other() {
    let (dir, log) = (TempDir::new("nested"), Log::default());
    let deep = dir.path().join("a/b");
    let disk = Disk::hooked(SyncPolicy::Always, log.hook());
    let medium = FileMedium::open_on(disk, &deep, OPTIONS, Losses::Refused).unwrap();
    assert_eq!(medium.directory(), deep);
    let lines = log.take();
    assert_eq!(lines[..2], ["create directory a", "create directory b"]);
    assert_eq!(lines[4..6], ["sync directory a", "sync directory ."]);
    assert_eq!(lines[6..6 + names_above().len()], names_above());
}

#[test]
fn a_sync_covers_what_a_predecessor_left() {
    let (dir, log) = (TempDir::new("predecessor"), Log::default());
    let mut medium = open(&dir, log.hook()).unwrap();
    medium.preallocate().unwrap();
    medium.write(1, 0, b"seen").unwrap();
    medium.sync().unwrap();
    medium.write(2, 0, b"killed before its sync").unwrap();
    assert_eq!(read(&mut medium, 2, 0, 6), b"killed");
    drop(medium);
    let mut medium = open(&dir, log.hook()).unwrap();
    log.take();
    medium.sync().unwrap();
    assert_eq!(
        log.take(),
        [
            "sync segment-000.journal",
            "sync segment-001.journal",
            "sync segment-002.journal",
            "sync directory .",
            "write medium.toml",
            "sync medium.toml",
        ]
    );
    assert!(medium.record.is_marked(1) && medium.record.is_marked(2));
    medium.sync().unwrap();
    assert!(log.take().is_empty());
    assert_eq!((medium.counters().syncs, medium.counters().file_syncs), (1, 3));
}

#[test]
fn with_the_policy_never_nothing_is_synced() {
    let (dir, log) = (TempDir::new("never"), Log::default());
    let disk = Disk::hooked(SyncPolicy::Never, log.hook());
    let mut medium = FileMedium::open_on(disk, dir.path(), OPTIONS, Losses::Refused).unwrap();
    medium.erase(0).unwrap();
    medium.write(0, 0, b"a").unwrap();
    medium.sync().unwrap();
    let lines = log.take();
    assert!(!lines.iter().any(|line| line.starts_with("sync")), "{lines:?}");
    assert_eq!(lines[lines.len() - 2..], ["write segment-000.journal", "write medium.toml"]);
    assert_eq!((medium.counters().syncs, medium.counters().file_syncs), (0, 0));
}
