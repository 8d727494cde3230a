//! A process that dies before any one of its calls: the next start finds all it acknowledged.

use super::*;
use std::io::Write;
use std::process::{Command, Stdio};

/// Where the child works, and before which call it dies.
const DIRECTORY: &str = "ADAPTER_STD_KILL_DIRECTORY";
const CALL: &str = "ADAPTER_STD_KILL_CALL";
/// How a death looks from outside.
const DIED: i32 = 86;
/// What the child says after each sync.
const ACKNOWLEDGED: u8 = 0x06;

/// Not a test by itself: what the other runs in a second process.
#[test]
fn child() {
    let (Ok(directory), Ok(call)) = (std::env::var(DIRECTORY), std::env::var(CALL)) else {
        return;
    };
    let mut left: u32 = call.parse().unwrap();
    let hook: Hook = Box::new(move |_, _| {
        if left == 0 {
            std::process::exit(DIED);
        }
        left -= 1;
        Ok(())
    });
    let disk = Disk::hooked(SyncPolicy::Always, hook);
    let mut medium =
        FileMedium::open_on(disk, Path::new(&directory), OPTIONS, Losses::Refused).unwrap();
    for segment in 0..2 {
        medium.erase(segment).unwrap();
        for offset in 0..2 {
            medium.write(segment, offset, &[byte(segment, offset)]).unwrap();
            medium.sync().unwrap();
            std::io::stderr().write_all(&[ACKNOWLEDGED]).unwrap();
        }
    }
}

fn byte(segment: u32, offset: u32) -> u8 {
    (1 + 2 * segment + offset) as u8
}

/// Runs the child in `dir` until `call`; how many bytes it acknowledged, and how it ended.
fn run(dir: &Path, call: u32) -> (usize, Option<i32>) {
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "files::tests::kill::child", "--nocapture", "--test-threads=1"])
        .env(DIRECTORY, dir)
        .env(CALL, call.to_string())
        .stdout(Stdio::null())
        .output()
        .unwrap();
    let acknowledged = output.stderr.iter().filter(|&&byte| byte == ACKNOWLEDGED).count();
    (acknowledged, output.status.code())
}

#[test]
fn a_death_before_any_call_loses_nothing_acknowledged() {
    let mut deaths = 0;
    loop {
        let dir = TempDir::new("kill");
        let data = dir.path().join("a/data");
        let (acknowledged, ended) = run(&data, deaths);
        let mut medium = FileMedium::open(&data, OPTIONS).unwrap();
        let expected = [byte(0, 0), byte(0, 1), byte(1, 0), byte(1, 1)];
        let mut found = read(&mut medium, 0, 0, 2);
        found.extend(read(&mut medium, 1, 0, 2));
        assert_eq!(found[..acknowledged], expected[..acknowledged], "death {deaths}");
        for segment in 0..3 {
            medium.erase(segment).unwrap();
            medium.write(segment, BYTES - 1, b"z").unwrap();
        }
        medium.sync().unwrap();
        let names = std::fs::read_dir(&data).unwrap().map(|entry| entry.unwrap().file_name());
        assert_eq!(names.count(), 5, "lock, medium.toml and three segments");
        if ended == Some(0) {
            assert_eq!(acknowledged, 4);
            break;
        }
        assert_eq!(ended, Some(DIED), "death {deaths}");
        deaths += 1;
    }
    assert!(deaths > 30, "{deaths}");
}
