//! Journals that are too small, too large for the disk, or for what a file may be.

use super::kv;
use crate::cluster::Scratch;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

/// The words for a node alone.
fn loopback_node(data: &Path) -> Vec<String> {
    let words =
        "--id 1 --raft 127.0.0.1:0 --client 127.0.0.1:0 --sync never --room at-start --data";
    let mut words: Vec<String> = words.split(' ').map(str::to_owned).collect();
    words.push(data.to_str().unwrap().to_owned());
    words
}

/// A node alone, with these flags; `limit` is of its files, in 512 bytes or 1,024.
fn start(data: &Path, limit: &str, flags: &[&str]) -> Child {
    Command::new("sh")
        .args(["-c", "ulimit -f \"$1\"; shift; exec \"$@\"", "sh", limit])
        .arg(env!("CARGO_BIN_EXE_kv"))
        .args(loopback_node(data))
        .args(flags)
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

/// Waits for a node to be open, or to end; what it said.
fn said(child: &mut Child) -> String {
    let mut text = String::new();
    for line in BufReader::new(child.stderr.take().unwrap()).lines() {
        text += &line.unwrap();
        text.push('\n');
        if text.contains("recovered term ") {
            break;
        }
    }
    text
}

fn segments(data: &Path) -> usize {
    let names = std::fs::read_dir(data).into_iter().flatten().flatten();
    names.filter(|entry| entry.file_name().to_string_lossy().starts_with("segment-")).count()
}

#[test]
fn a_journal_too_small_for_the_log_leaves_the_directory_as_it_was() {
    let scratch = Scratch::new("small");
    let data = scratch.path().join("n1");
    let mut arguments = loopback_node(&data);
    arguments.extend(["--journal", "32MiB", "--log-bytes", "64MiB"].map(str::to_owned));
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let output = kv(&words);
    let text = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{text}");
    assert!(!data.exists());
    let least = text.split("use --journal ").nth(1).and_then(|rest| rest.split(' ').next());
    let least = least.unwrap_or_else(|| panic!("{text}"));
    // What it asks for is enough, and all of it is taken at once.
    let mut child = start(&data, "unlimited", &["--journal", least, "--log-bytes", "64MiB"]);
    let text = said(&mut child);
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(text.contains("recovered term 0"), "{text}");
    assert_eq!(format!("{}MiB", segments(&data) * 16), least);
}

/// The signal of a file that may not grow ends no node.
#[test]
fn a_limit_on_files_is_told_at_the_first_start() {
    let scratch = Scratch::new("limit");
    let data = scratch.path().join("n1");
    let flags = ["--journal", "64MiB", "--log-bytes", "8MiB"];
    let mut child = start(&data, "4096", &flags);
    let text = said(&mut child);
    assert_eq!(child.wait().unwrap().code(), Some(1), "{text}");
    assert!(text.contains("no space for ") && text.contains("--journal"), "{text}");
    assert_eq!(segments(&data), 0);
    // A smaller journal may be asked for instead.
    let flags = ["--journal", "32MiB", "--segment", "1MiB", "--log-bytes", "8MiB"];
    let mut child = start(&data, "4096", &flags);
    let text = said(&mut child);
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(text.contains("recovered term 0"), "{text}");
    assert_eq!(segments(&data), 32);
}
