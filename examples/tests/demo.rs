//! The demo, ended before its end: nothing of it stays, and nothing panics.
#![cfg(unix)]

use std::fs::{self, File};
use std::io::{BufRead, BufReader, Read};
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

/// A directory in the place of `/tmp`, removed at the end.
struct Scratch(PathBuf);

impl Scratch {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("demo-{name}-{}", std::process::id()));
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn holds(&self) -> Vec<PathBuf> {
        fs::read_dir(&self.0).unwrap().map(|entry| entry.unwrap().path()).collect()
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn demo(scratch: &Scratch, out: Stdio) -> Child {
    let mut command = Command::new(env!("CARGO_BIN_EXE_demo"));
    command.env("TMPDIR", &scratch.0).args(["--writes", "100"]);
    command.stdin(Stdio::null()).stdout(out).stderr(Stdio::piped()).spawn().unwrap()
}

/// How it ended, and what it said on its standard error.
fn end(mut demo: Child) -> (ExitStatus, String) {
    let mut said = String::new();
    demo.stderr.take().unwrap().read_to_string(&mut said).unwrap();
    (demo.wait().unwrap(), said)
}

/// Waits for the line with `part` in it, and returns all of its nodes.
fn hear(out: &mut impl BufRead, part: &str) -> Vec<u32> {
    let mut nodes = Vec::new();
    for line in out.lines().map(Result::unwrap) {
        let pid = line.split_once("pid ").and_then(|(_, rest)| rest.split(',').next());
        nodes.extend(pid.map(|pid| pid.parse::<u32>().unwrap()));
        if line.contains(part) {
            return nodes;
        }
    }
    panic!("it never said {part:?}");
}

#[test]
fn a_signal_takes_nodes_and_data_with_it() {
    let scratch = Scratch::new("signal");
    for (signal, number) in [("-INT", 2), ("-TERM", 15), ("-HUP", 1)] {
        let mut demo = demo(&scratch, Stdio::piped());
        let mut out = BufReader::new(demo.stdout.take().unwrap());
        let nodes = hear(&mut out, "clients write");
        assert_eq!(nodes.len(), 4);
        assert!(
            Command::new("kill").args([signal, &demo.id().to_string()]).status().unwrap().success()
        );
        let (status, said) = end(demo);
        assert_eq!(status.signal(), Some(number), "{said}");
        assert_eq!(scratch.holds(), Vec::<PathBuf>::new());
        let runs = |pid: &u32| Path::new("/proc").join(pid.to_string()).exists();
        assert!(!nodes.iter().any(runs), "{nodes:?}");
    }
}

#[test]
fn who_stops_listening_ends_it_without_a_panic() {
    let scratch = Scratch::new("closed");
    let mut closed = demo(&scratch, Stdio::piped());
    drop(closed.stdout.take());
    let (status, said) = end(closed);
    assert_eq!((status.code(), said.as_str()), (Some(1), ""));
    if let Ok(full) = File::options().write(true).open("/dev/full") {
        let (status, said) = end(demo(&scratch, full.into()));
        assert_eq!(status.code(), Some(1));
        assert!(said.starts_with("demo: cannot write to the standard output: "), "{said}");
        assert_eq!(said.lines().count(), 1, "{said}");
    }
    assert_eq!(scratch.holds(), Vec::<PathBuf>::new());
}

#[test]
fn what_a_killed_demo_left_goes_with_the_next() {
    let scratch = Scratch::new("killed");
    let mut killed = demo(&scratch, Stdio::piped());
    let mut out = BufReader::new(killed.stdout.take().unwrap());
    hear(&mut out, "clients write");
    killed.kill().unwrap();
    killed.wait().unwrap();
    let [left] = scratch.holds().try_into().unwrap();
    for node in 1..=4 {
        // Its nodes hear of its end, and stop.
        let log = left.join(format!("node-{node}/output.log"));
        let start = Instant::now();
        loop {
            let said = fs::read_to_string(&log).unwrap();
            if said.ends_with(" stopped\n") {
                break;
            }
            assert!(start.elapsed() < Duration::from_secs(30), "node {node} goes on: {said}");
            std::thread::sleep(Duration::from_millis(10));
        }
    }
    let next = demo(&scratch, Stdio::piped()).wait_with_output().unwrap();
    let said = String::from_utf8(next.stdout).unwrap();
    assert!(said.contains("removed what a killed demo had left"), "{said}");
    assert!(next.status.success(), "{said}");
    assert_eq!(scratch.holds(), Vec::<PathBuf>::new());
}
