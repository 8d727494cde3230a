//! What is on the disk before what. A loss of power is not simulated; the order is what counts.

use super::*;

/// The calls made since the last look, as lines of operation and file name.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<String>>>);

impl Log {
    fn hook(&self) -> Hook {
        let log = self.clone();
        Box::new(move |operation, path| {
            let name = path.file_name().unwrap().to_str().unwrap();
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
    let above = std::env::temp_dir();
    let above = above.file_name().unwrap().to_str().unwrap();
    assert_eq!(
        log.take(),
        [
            "create lock",
            "list directory .",
            &format!("sync directory {above}"),
            "create medium.toml.new",
            "write medium.toml.new",
            "sync medium.toml.new",
            "rename medium.toml",
            "sync directory .",
            "remove medium.toml.new",
            "remove segment-000.journal.new",
            "remove segment-001.journal.new",
            "remove segment-002.journal.new",
        ]
    );
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
        ]
    );
    medium.erase(1).unwrap();
    medium.write(1, 0, b"c").unwrap();
    medium.sync().unwrap();
    medium.sync().unwrap();
    assert_eq!(log.take(), ["write segment-001.journal", "sync segment-001.journal"]);
}

#[test]
fn directories_are_made_one_below_the_other() {
    let (dir, log) = (TempDir::new("nested"), Log::default());
    let deep = dir.path().join("a/b");
    let disk = Disk::hooked(SyncPolicy::Always, log.hook());
    let medium = FileMedium::open_on(disk, &deep, OPTIONS).unwrap();
    assert_eq!(medium.directory(), deep);
    let lines = log.take();
    let expected =
        ["create directory a", "sync directory .", "create directory b", "sync directory a"];
    assert_eq!(lines[..4], expected);
}

#[test]
fn a_sync_covers_what_a_predecessor_left() {
    let (dir, log) = (TempDir::new("predecessor"), Log::default());
    let mut medium = open(&dir, log.hook()).unwrap();
    medium.preallocate().unwrap();
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
        ]
    );
    medium.sync().unwrap();
    assert!(log.take().is_empty());
    assert_eq!((medium.counters().syncs, medium.counters().file_syncs), (1, 3));
}

#[test]
fn with_the_policy_never_nothing_is_synced() {
    let (dir, log) = (TempDir::new("never"), Log::default());
    let disk = Disk::hooked(SyncPolicy::Never, log.hook());
    let mut medium = FileMedium::open_on(disk, dir.path(), OPTIONS).unwrap();
    medium.erase(0).unwrap();
    medium.write(0, 0, b"a").unwrap();
    medium.sync().unwrap();
    let lines = log.take();
    assert!(!lines.iter().any(|line| line.starts_with("sync")), "{lines:?}");
    assert_eq!(lines.last().unwrap(), "write segment-000.journal");
    assert_eq!((medium.counters().syncs, medium.counters().file_syncs), (0, 0));
}
