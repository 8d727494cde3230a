//! A limit on the length of files, as `ulimit -f` sets it.

use super::*;
use raft_nostd::journal::PersistFailure;
use std::process::Command;

/// Where the child works.
const DIRECTORY: &str = "ADAPTER_STD_LIMIT_DIRECTORY";

/// Not a test by itself: what the other runs in a second process.
#[test]
fn child() {
    let Ok(directory) = std::env::var(DIRECTORY) else { return };
    let mut medium = FileMedium::open(&directory, OPTIONS).unwrap();
    for _ in 0..2 {
        let error = medium.erase(0).unwrap_err();
        assert!(matches!(error, FileError::NoSpace { .. }), "{error:?}");
        assert_eq!(FileMedium::failure(&error), PersistFailure::Full);
    }
    assert!(medium.is_new());
}

#[test]
fn a_file_that_may_not_be_so_long_is_no_catastrophe() {
    let dir = TempDir::new("limit");
    // The limit is in blocks of 512 or 1,024 bytes: less than a segment, more than the record.
    let script = "trap '' XFSZ && ulimit -f 16 && exec \"$0\" \"$@\"";
    let output = Command::new("sh")
        .args(["-c", script])
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", "files::tests::limit::child", "--test-threads=1"])
        .env(DIRECTORY, dir.path())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && said.contains("1 passed"), "{said}");
}
