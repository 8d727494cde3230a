//! Whole scenarios in prose and virtual time, compared with what is written down in `*.trace`, in
//! the format of `adapter_sim::story`.
//!
//! When a change is meant, write them anew and read the difference:
//! `BLESS=1 cargo test -p raft-nostd --test scenarios`

#[path = "../common/mod.rs"]
mod common;
mod stage;

mod plays;

use stage::Stage;
use std::path::PathBuf;

/// Plays `play` and compares the trace.
#[track_caller]
fn compare(name: &str, nodes: u32, play: impl FnOnce(&mut Stage)) {
    let mut stage = Stage::new(nodes);
    play(&mut stage);
    let trace = stage.story().to_string();
    let path: PathBuf =
        [env!("CARGO_MANIFEST_DIR"), "tests", "scenarios", &format!("{name}.trace")]
            .iter()
            .collect();
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(&path, &trace).unwrap();
        return;
    }
    let written = std::fs::read_to_string(&path).unwrap_or_default().replace("\r\n", "\n");
    for (line, (want, got)) in written.lines().zip(trace.lines()).enumerate() {
        assert_eq!(got, want, "{name}.trace:{}", line + 1);
    }
    assert_eq!(trace.lines().count(), written.lines().count(), "{name}.trace ends elsewhere");
    assert_eq!(trace, written);
}

/// Every trace that is written down is played: none is left over from a play that is gone.
#[test]
fn every_trace_has_its_play() {
    let folder: PathBuf = [env!("CARGO_MANIFEST_DIR"), "tests", "scenarios"].iter().collect();
    let plays = include_str!("plays.rs");
    let mut traces = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "trace") {
            let name = path.file_stem().unwrap().to_string_lossy().into_owned();
            assert!(plays.contains(&format!("compare(\"{name}\"")), "no play for {name}");
            traces += 1;
        }
    }
    assert_eq!(traces, plays.matches("compare(\"").count());
}
