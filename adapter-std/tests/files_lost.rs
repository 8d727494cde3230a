//! Segment files that are lost under what was acknowledged.

mod testing;

use adapter_std::files::{FileError, FileMedium, Loss, Lost, Options, Space, segment_path};
use raft_nostd::frame::{EntryKind, Frames, encode};
use raft_nostd::journal::{
    Batch, Entropy, Identity, Limits, Medium, Opening, RecoverError, Recovered, Sink, Writer,
    recover,
};
use raft_nostd::types::{ClusterId, HardState, Index, NodeId, Position, Term};
use std::fs;
use testing::TempDir;

const OPTIONS: Options = Options::new(4_096, 10);

#[derive(Default)]
struct Log {
    base: Position,
    bytes: Vec<u8>,
    count: u64,
}

impl Sink for Log {
    fn reset(&mut self, base: Position) {
        *self = Self { base, ..Self::default() };
    }

    fn truncate(&mut self, _: Index) {
        unreachable!("nothing is replaced");
    }

    fn append(&mut self, frame: &[u8]) -> bool {
        self.bytes.extend(frame);
        self.count += 1;
        true
    }

    fn live(&self) -> Frames<'_> {
        Frames::new(self.base.index.next(), self.count, &self.bytes, &[])
    }
}

fn start(
    medium: &mut FileMedium,
    log: &mut Log,
) -> Result<(Writer, Recovered), RecoverError<FileError>> {
    let voters = [NodeId::new(1).unwrap()];
    let opening = Opening {
        identity: Identity { cluster: ClusterId(1), node: voters[0], voters: &voters },
        entropy: Entropy { incarnation: 3, salt: 4 },
        limits: Limits { max_frame: 512, ring_bytes: 6_000 },
    };
    recover(medium, &opening, log, &mut [0; 512])
}

/// A journal with so many acknowledged entries of some 200 bytes.
fn journal(dir: &TempDir, entries: u64) {
    let mut medium = FileMedium::open(dir.path(), OPTIONS).unwrap();
    let mut log = Log::default();
    let (mut writer, _) = start(&mut medium, &mut log).unwrap();
    for index in 1..=entries {
        let mut frame = [0; 512];
        let position = Position::new(1, index);
        let len = encode(position, EntryKind::Command, &[7; 200], &mut frame).unwrap();
        let from = log.bytes.len();
        assert!(log.append(&frame[..len]));
        let batch = Batch {
            hard_state: HardState { term: Term(1), vote: None },
            frames: Frames::new(Index(index), 1, &log.bytes[from..], &[]),
            live: log.live(),
            base: Position::ZERO,
        };
        writer.write(&mut medium, &batch).unwrap();
        writer.sync(&mut medium).unwrap();
    }
    writer.seal(&mut medium).unwrap();
}

/// The refusal of a node and of who only looks; both name the path.
fn refusal(dir: &TempDir, path: &std::path::Path) -> FileError {
    let error = FileMedium::open(dir.path(), OPTIONS).unwrap_err();
    let looking = FileMedium::open_read_only(dir.path()).unwrap_err();
    assert_eq!(error.to_string(), looking.to_string());
    assert!(error.to_string().starts_with(path.to_str().unwrap()), "{error}");
    assert!(
        error.to_string().contains("medium.toml says that it held acknowledged bytes"),
        "{error}"
    );
    error
}

/// The newest segment, or the only one: nothing else speaks of what was in it.
#[test]
fn a_segment_file_that_is_removed_is_missed() {
    for (entries, newest) in [(3, 0), (20, 1)] {
        let dir = TempDir::new("gone");
        journal(&dir, entries);
        let path = dir.path().join(format!("segment-{newest:03}.journal"));
        assert!(!dir.path().join(format!("segment-{:03}.journal", newest + 1)).exists());
        let aside = dir.path().join("aside");
        fs::rename(&path, &aside).unwrap();
        let error = refusal(&dir, &path);
        assert!(matches!(error, FileError::SegmentMissing { .. }), "{error}");
        fs::rename(&aside, &path).unwrap();
        let mut log = Log::default();
        start(&mut FileMedium::open(dir.path(), OPTIONS).unwrap(), &mut log).unwrap();
        assert_eq!(log.count, entries);
    }
}

#[test]
fn a_segment_file_that_turns_to_zeros_is_missed() {
    for (entries, newest) in [(3, 0), (20, 1)] {
        let dir = TempDir::new("zeros");
        journal(&dir, entries);
        let path = dir.path().join(format!("segment-{newest:03}.journal"));
        fs::write(&path, [0; 4_096]).unwrap();
        let error = refusal(&dir, &path);
        assert!(matches!(error, FileError::SegmentBlank { .. }), "{error}");
        // One byte is enough: what it is, is for the journal to say.
        let mut other = [0; 4_096];
        other[4_095] = 1;
        fs::write(&path, other).unwrap();
        FileMedium::open(dir.path(), OPTIONS).unwrap();
    }
}

/// Whoever has what was in them elsewhere may go on without: they are used again as if they were new.
#[test]
fn what_remains_beside_lost_files_can_be_used() {
    let options = Options::new(512, 4).with_space(Space::Grown);
    for how in [Loss::Missing, Loss::Blank] {
        let dir = TempDir::new("remains");
        let path = |segment| segment_path(dir.path(), segment);
        let mut medium = FileMedium::open(dir.path(), options).unwrap();
        for segment in [0, 1, 3] {
            medium.erase(segment).unwrap();
            medium.write(segment, 0, b"kept").unwrap();
        }
        medium.sync().unwrap();
        assert!(medium.lost().is_empty());
        drop(medium);
        match how {
            Loss::Missing => fs::remove_file(path(1)).unwrap(),
            Loss::Blank => fs::write(path(1), b"").unwrap(),
        }
        FileMedium::open(dir.path(), options).unwrap_err();
        FileMedium::open_read_only(dir.path()).unwrap_err();
        let lost = [Lost { path: path(1), how }];
        let mut bytes = [1; 4];
        let mut medium = FileMedium::open_remains_read_only(dir.path()).unwrap();
        medium.read(1, 0, &mut bytes).unwrap();
        assert_eq!((medium.lost(), bytes), (&lost[..], [0; 4]));
        drop(medium);
        // Nobody has forgotten them before something is in their place.
        for _ in 0..2 {
            let mut medium = FileMedium::open_remains(dir.path(), options).unwrap();
            medium.read(3, 0, &mut bytes).unwrap();
            assert_eq!((medium.lost(), &bytes), (&lost[..], b"kept"));
            medium.sync().unwrap();
        }
        let mut medium = FileMedium::open_remains(dir.path(), options).unwrap();
        medium.erase(1).unwrap();
        medium.write(1, 0, b"new!").unwrap();
        medium.sync().unwrap();
        drop(medium);
        let mut medium = FileMedium::open(dir.path(), options).unwrap();
        medium.read(1, 0, &mut bytes).unwrap();
        assert_eq!(&bytes, b"new!");
        drop(medium);
        // It is missed again.
        fs::remove_file(path(1)).unwrap();
        FileMedium::open(dir.path(), options).unwrap_err();
    }
}

/// Whether there is something to lose is known before anything is made.
#[test]
fn a_directory_is_blank_until_something_was_synced_in_it() {
    let dir = TempDir::new("blank");
    let is_blank = || FileMedium::open_read_only(dir.path()).unwrap().is_blank();
    let mut medium = FileMedium::open(dir.path(), OPTIONS).unwrap();
    medium.preallocate().unwrap();
    assert!(medium.is_blank() && !medium.is_new());
    drop(medium);
    assert!(is_blank());
    journal(&dir, 1);
    assert!(!is_blank());
}

/// Nothing was acknowledged in them: they may come and go.
#[test]
fn a_segment_that_was_never_used_is_not_missed() {
    let dir = TempDir::new("unused");
    let mut medium = FileMedium::open(dir.path(), OPTIONS).unwrap();
    medium.preallocate().unwrap();
    medium.write(0, 0, b"never synced").unwrap();
    drop(medium);
    for segment in 0..10 {
        fs::remove_file(dir.path().join(format!("segment-{segment:03}.journal"))).unwrap();
    }
    let mut medium = FileMedium::open(dir.path(), OPTIONS).unwrap();
    medium.erase(0).unwrap();
    medium.sync().unwrap();
}

#[test]
fn segments_that_grow_may_become_more() {
    let dir = TempDir::new("more");
    let options = |segments| Options::new(512, segments).with_space(Space::Grown);
    let mut medium = FileMedium::open(dir.path(), options(2)).unwrap();
    medium.erase(1).unwrap();
    medium.write(1, 0, b"kept").unwrap();
    medium.sync().unwrap();
    drop(medium);
    let mut medium = FileMedium::open(dir.path(), options(6)).unwrap();
    let mut bytes = [0; 4];
    medium.read(1, 0, &mut bytes).unwrap();
    assert_eq!((medium.geometry().segments, &bytes), (6, b"kept"));
    medium.erase(5).unwrap();
    drop(medium);
    let error = FileMedium::open(dir.path(), options(4)).unwrap_err();
    assert!(matches!(error, FileError::GeometryChanged { .. }), "{error}");
    // What was marked still is.
    fs::remove_file(dir.path().join("segment-001.journal")).unwrap();
    let error = FileMedium::open(dir.path(), options(8)).unwrap_err();
    assert!(matches!(error, FileError::SegmentMissing { .. }), "{error}");
}

/// A layout that nothing was ever kept in is a mistake that can be mended.
#[test]
fn a_directory_without_segments_takes_another_layout() {
    let dir = TempDir::new("layout");
    for options in [
        Options::new(512, 2),
        Options::new(i32::MAX as u32, 2),
        Options::new(512, 2).with_space(Space::Grown),
        OPTIONS,
    ] {
        let medium = FileMedium::open(dir.path(), options).unwrap();
        assert_eq!(medium.geometry().segment_bytes, options.segment_bytes);
    }
    journal(&dir, 2);
    let error = FileMedium::open(dir.path(), Options::new(512, 2)).unwrap_err();
    assert!(matches!(error, FileError::GeometryChanged { .. }), "{error}");
    // Even where the segments are gone: the record knows that there were some.
    fs::remove_file(dir.path().join("segment-000.journal")).unwrap();
    let error = FileMedium::open(dir.path(), Options::new(512, 2)).unwrap_err();
    assert!(matches!(error, FileError::GeometryChanged { .. }), "{error}");
}
