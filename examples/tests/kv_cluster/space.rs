//! Journals that are too small, too large for the disk, or for what a file may be.

use super::kv;
use crate::cluster::{Client, Node, Scratch, wait_for};
use std::fs;
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
    let names = fs::read_dir(data).into_iter().flatten().flatten();
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

/// Bytes in all files in a directory and its folders.
pub fn bytes_in(directory: &Path) -> u64 {
    let bytes = |entry: fs::DirEntry| match entry.metadata() {
        Ok(found) if found.is_dir() => bytes_in(&entry.path()),
        Ok(found) => found.len(),
        Err(_) => 0, // It is gone meanwhile.
    };
    fs::read_dir(directory).unwrap().map(|entry| bytes(entry.unwrap())).sum()
}

/// Sets each of these keys to a value of 8,000 bytes that begins with its number; `false` when the
/// log is full for good.
fn set(client: &mut Client, number: usize) -> bool {
    let (key, value) = (format!("key {number}"), format!("{number:08000}"));
    wait_for("an answer that lasts", || match client.ask(&["SET", &key, &value]).as_str() {
        "+OK" => Some(true),
        reply if reply.starts_with("-OOM") => Some(false),
        // No leader yet, or a snapshot makes room.
        _ => None,
    })
}

#[test]
fn the_directory_stays_within_what_is_told() {
    let scratch = Scratch::new("bound");
    let flags = "--sync never --journal 32MiB --segment 1MiB --log-bytes 8MiB --snapshot-max 1MiB";
    let mut node = Node::alone(&scratch, &flags.split(' ').collect::<Vec<_>>());
    node.start();
    let (mut client, mut most) = (node.connect(), 0);
    for number in 0..6_000 {
        assert!(set(&mut client, number % 110));
        if number % 50 == 0 {
            most = most.max(bytes_in(&node.data));
        }
    }
    let snapshots = bytes_in(&node.data.join("snapshots"));
    assert!(snapshots > 17 << 16, "both are there, and not empty: {snapshots}");
    assert!(most > 20 << 20, "the journal was used: {most}");
    let told = (32 << 20) + (26 << 20) / 10 + (3 << 20);
    assert!(most <= told, "{most} of {told}");
}

/// Whether that many are there.
fn all_there(node: &Node, taken: usize) {
    let mut client = node.connect();
    for number in 0..taken {
        let (key, value) = (format!("key {number}"), format!("{number:08000}"));
        let read = wait_for("a read", || {
            Some(client.ask(&["GET", &key])).filter(|reply| !reply.starts_with('-'))
        });
        assert_eq!(read, value);
    }
}

/// `ulimit -f` is a full disk to the node: it costs the snapshot, not the node, and no write.
#[test]
fn a_limit_on_files_costs_a_running_node_its_snapshot_alone() {
    let scratch = Scratch::new("running");
    // A file of a snapshot may get longer than the limit, which is of 2 MiB or 4; the journal's are
    // shorter.
    let flags = "--journal 32MiB --segment 1MiB --log-bytes 8MiB --snapshot-max 64MiB --sync never";
    let mut node = Node::alone(&scratch, &flags.split(' ').collect::<Vec<_>>());
    node.limit = "4096";
    node.start();
    let mut client = node.connect();
    let taken = (0..3_000).take_while(|number| set(&mut client, *number)).count();
    assert!((500..2_900).contains(&taken), "{taken} were taken before the log was full");
    node.says("no snapshot (no space): no space for ");
    assert_eq!(node.info("rdb_last_bgsave_status"), "err");
    // What is told is what helps, to everybody who may ask.
    let more = client.ask(&["SET", "more", &"x".repeat(8_000)]);
    let texts = [more, node.info("snapshot_failure"), node.log()];
    for text in texts {
        assert!(text.contains("the disk of this node is full; make space on it"), "{text}");
        assert!(!text.contains("--snapshot-max") && !text.contains("--log-bytes"), "{text}");
    }
    all_there(&node, taken);
    node.kill();
    node.start();
    all_there(&node, taken);
    assert!(node.stop().success());
    node.limit = "unlimited";
    node.start();
    all_there(&node, taken);
    assert!(set(&mut node.connect(), taken), "there is room again");
}

/// A limit that strikes in the middle of a file of the journal, whose space was promised, is a failed
/// write: the node halts and says why. It is not ended by the signal.
#[test]
#[cfg(target_os = "linux")]
fn a_limit_within_the_journal_halts_a_node_and_loses_nothing() {
    let scratch = Scratch::new("within");
    let flags = ["--journal", "64MiB", "--segment", "4MiB", "--log-bytes", "16MiB"];
    let mut node = Node::alone(&scratch, &flags);
    node.start();
    let mut client = node.connect();
    assert!((0..50).all(|number| set(&mut client, number)));
    let limit = ["--pid", &node.pid().to_string(), "--fsize=1048576:unlimited"];
    assert!(Command::new("prlimit").args(limit).status().unwrap().success());
    let more = (50..500).take_while(|number| {
        let (key, value) = (format!("key {number}"), format!("{number:08000}"));
        client.ask(&["SET", &key, &value]) == "+OK"
    });
    let taken = 50 + more.count();
    assert!((60..200).contains(&taken), "{taken}");
    assert_eq!(node.ended().code(), Some(1));
    assert!(node.log().contains("the node has halted: the storage failed: "), "{}", node.log());
    node.start();
    all_there(&node, taken);
}
