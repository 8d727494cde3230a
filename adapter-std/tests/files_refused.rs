//! Directories that are refused, by name and with a way out; and what is left alone.

mod testing;

use adapter_std::files::{FileError, FileMedium, Options};
use raft_nostd::journal::Medium;
use std::fs;
use std::process::{Command, Stdio};
use testing::TempDir;

const OPTIONS: Options = Options::new(4_096, 3);

fn refused(dir: &TempDir, options: Options) -> String {
    let message = FileMedium::open(dir.path(), options).unwrap_err().to_string();
    message.replace(dir.path().to_str().unwrap(), "DIR")
}

/// A directory with `text` in its segment 0.
fn made(name: &str, text: &[u8]) -> TempDir {
    let dir = TempDir::new(name);
    let mut medium = FileMedium::open(dir.path(), OPTIONS).unwrap();
    medium.erase(0).unwrap();
    medium.write(0, 0, text).unwrap();
    medium.sync().unwrap();
    dir
}

#[test]
fn another_geometry_is_refused_and_changes_nothing() {
    let dir = made("geometry", b"kept");
    for (options, asked) in
        [(Options::new(8_192, 3), "3 of 8192"), (Options::new(4_096, 2), "2 of 4096")]
    {
        let expected = format!(
            "DIR was made with 3 segments of 4096 bytes and cannot be read as {asked}; ask for \
             the former"
        );
        assert_eq!(refused(&dir, options), expected);
    }
    let mut found = [0; 4];
    FileMedium::open(dir.path(), OPTIONS).unwrap().read(0, 0, &mut found).unwrap();
    assert_eq!(&found, b"kept");
}

#[test]
fn options_out_of_bounds_are_refused_before_anything_is_made() {
    let dir = TempDir::new("bounds");
    for (options, problem) in [
        (Options::new(511, 2), "segment_bytes is 511, but must be at least 512"),
        (Options::new(1 << 31, 2), "segment_bytes is 2147483648, but must be at most 2147483647"),
        (Options::new(4_096, 1), "segments is 1, but must be from 2 to 256"),
        (Options::new(4_096, 257), "segments is 257, but must be from 2 to 256"),
    ] {
        assert_eq!(refused(&dir, options), format!("the journal's options are wrong: {problem}"));
    }
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
}

#[test]
fn a_segment_of_another_size_is_refused() {
    let dir = made("size", b"x");
    let path = dir.path().join("segment-000.journal");
    for found in [0, 4_095, 4_097] {
        fs::File::options().write(true).open(&path).unwrap().set_len(found).unwrap();
        let expected =
            format!("DIR/segment-000.journal has {found} bytes but was made with 4096: ");
        assert!(refused(&dir, OPTIONS).starts_with(&expected), "{}", refused(&dir, OPTIONS));
        let error = FileMedium::open_read_only(dir.path()).unwrap_err();
        assert!(matches!(error, FileError::SegmentSize { expected: 4_096, .. }), "{error}");
    }
}

#[test]
fn a_record_that_is_gone_or_garbled_is_refused() {
    let dir = made("record", b"x");
    let record = dir.path().join("medium.toml");
    for garbage in [&b"\xff\xfe"[..], b"", b"hello", &[0; 300]] {
        fs::write(&record, garbage).unwrap();
        let told = refused(&dir, OPTIONS);
        assert!(told.starts_with("DIR/medium.toml cannot be understood: "), "{told}");
        assert!(told.contains("; bring it back as it was; without it, "), "{told}");
    }
    fs::write(&record, b"version = 9").unwrap();
    let expected =
        "DIR/medium.toml is of version 9, this program reads 1: use the version that wrote it";
    assert_eq!(refused(&dir, OPTIONS), expected);
    fs::remove_file(&record).unwrap();
    let expected = "DIR/segment-000.journal exists but DIR/medium.toml is missing; bring it \
                    back as it was; without it, or with an empty directory under its old id, the \
                    node has forgotten what it acknowledged";
    assert_eq!(refused(&dir, OPTIONS), expected);
    let looking = FileMedium::open_read_only(dir.path()).unwrap_err().to_string();
    assert_eq!(looking.replace(dir.path().to_str().unwrap(), "DIR"), expected);
}

#[test]
fn what_a_crash_left_half_made_is_removed_and_other_files_are_left_alone() {
    let dir = TempDir::new("leftovers");
    let file = |name: &str| dir.path().join(name);
    let half = ["medium.toml.new", "segment-000.journal.new", "segment-002.journal.new"];
    let foreign = ["notes.txt", "segment-7.bak", "segment-009.journal.new"];
    for name in half.iter().chain(&foreign) {
        fs::write(file(name), b"half").unwrap();
    }
    let mut medium = FileMedium::open(dir.path(), OPTIONS).unwrap();
    assert!(half.iter().all(|name| !file(name).exists()));
    medium.preallocate().unwrap();
    assert!(foreign.iter().all(|name| fs::read(file(name)).unwrap() == b"half"));
}

#[test]
fn a_path_that_is_no_directory_is_named() {
    let dir = TempDir::new("nodir");
    let path = dir.path().join("file");
    fs::write(&path, b"").unwrap();
    let expected = format!(
        "{} is a file, but must be a directory: name the right one; if it was one, bring that back",
        path.display()
    );
    for place in [path.clone(), path.join("below"), path.join("below/it")] {
        assert_eq!(FileMedium::open(&place, OPTIONS).unwrap_err().to_string(), expected);
        assert_eq!(FileMedium::open_read_only(&place).unwrap_err().to_string(), expected);
    }
}

#[test]
fn read_only_sees_everything_and_changes_nothing() {
    let dir = made("readonly", b"text");
    let before: Vec<_> = names(&dir);
    let mut medium = FileMedium::open_read_only(dir.path()).unwrap();
    assert_eq!((medium.geometry().segments, medium.geometry().segment_bytes), (3, 4_096));
    let mut found = [0xaa; 5];
    medium.read(0, 0, &mut found).unwrap();
    assert_eq!(&found, b"text\0");
    medium.read(2, 4_000, &mut found).unwrap();
    assert_eq!(found, [0; 5]);
    medium.sync().unwrap();
    for refused in [medium.write(0, 0, b"x"), medium.erase(1), medium.preallocate()] {
        let expected = format!("{} was opened read-only", dir.path().display());
        assert_eq!(refused.unwrap_err().to_string(), expected);
    }
    // Two may look at once, but not beside a node.
    let other = FileMedium::open_read_only(dir.path()).unwrap();
    assert!(refused(&dir, OPTIONS).ends_with("DIR is in use by another process"));
    drop((medium, other));
    let node = FileMedium::open(dir.path(), OPTIONS).unwrap();
    let error = FileMedium::open_read_only(dir.path()).unwrap_err();
    assert!(matches!(error, FileError::InUse { .. }), "{error}");
    drop(node);
    assert_eq!(names(&dir), before);
    // A copy of the files needs no lock file, and gets none.
    fs::remove_file(dir.path().join("lock")).unwrap();
    FileMedium::open_read_only(dir.path()).unwrap();
    assert!(!dir.path().join("lock").exists());
}

fn names(dir: &TempDir) -> Vec<String> {
    let entries = fs::read_dir(dir.path()).unwrap();
    let mut names: Vec<_> =
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn there_is_nothing_to_read_where_nothing_was_made() {
    let dir = TempDir::new("nothing");
    for path in [dir.path().to_path_buf(), dir.path().join("missing")] {
        let error = FileMedium::open_read_only(&path).unwrap_err();
        assert_eq!(error.to_string(), format!("{} holds no journal", path.display()));
        assert_eq!(names(&dir), [""; 0]);
    }
}

/// Where the second process tries to open what the first has.
const DIRECTORY: &str = "ADAPTER_STD_LOCK_DIRECTORY";

/// Not a test by itself: what [`two_processes_cannot_have_one_directory`] runs in a second process.
#[test]
fn child() {
    if let Ok(directory) = std::env::var(DIRECTORY) {
        match FileMedium::open(directory, OPTIONS) {
            Ok(_) => std::process::exit(0),
            Err(error) => {
                eprintln!("refused: {error}.");
                std::process::exit(3);
            }
        }
    }
}

#[test]
fn two_processes_cannot_have_one_directory() {
    let dir = TempDir::new("lock");
    let run = || {
        Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "child", "--nocapture"])
            .env(DIRECTORY, dir.path())
            .stdout(Stdio::null())
            .output()
            .unwrap()
    };
    let medium = FileMedium::open(dir.path(), OPTIONS).unwrap();
    assert!(refused(&dir, OPTIONS).ends_with("DIR is in use by another process"));
    let output = run();
    assert_eq!(output.status.code(), Some(3));
    let said = String::from_utf8(output.stderr).unwrap();
    let expected = format!("refused: {} is in use by another process.", dir.path().display());
    assert!(said.contains(&expected), "{said}");
    drop(medium);
    assert_eq!(run().status.code(), Some(0));
    FileMedium::open(dir.path(), OPTIONS).unwrap();
}
