//! Snapshots that cannot be read, and what a person is told of them.

use super::kv;
use crate::cluster::{Client, Cluster, Node, Scratch, wait_for};
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// A key that is in every snapshot, to be found in its file.
const MARK: &str = "a key to be found on the disk";

/// Three nodes of which one is away, while the others compact their logs past what it knows; the
/// places of the leader and of the one that is away.
fn one_away(name: &str) -> (Cluster, usize, usize) {
    let mut cluster = Cluster::start(name, &["--log-entries", "128"]);
    let leader = cluster.leader();
    let away = (leader + 1) % cluster.nodes.len();
    cluster.nodes[away].kill();
    let mut client = cluster.nodes[leader].connect();
    assert_eq!(client.ask(&["SET", MARK, "1"]), "+OK");
    for number in 0..500 {
        let reply = format!(":{}", number + 1);
        wait_for("a write", || (client.ask(&["INCR", "n"]) == reply).then_some(()));
    }
    save(&mut client);
    (cluster, leader, away)
}

/// `BGSAVE`, and waits until it is done.
pub fn save(client: &mut Client) {
    let taken = |client: &mut Client| {
        let info = client.ask(&["INFO", "raft"]);
        let line = info.lines().find_map(|line| line.strip_prefix("snapshots_taken:")).unwrap();
        line.parse::<u64>().unwrap()
    };
    let before = taken(client);
    wait_for("a place for the next snapshot", || {
        (client.ask(&["BGSAVE"]) == "+Background saving started").then_some(())
    });
    wait_for("the snapshot", || (taken(client) > before).then_some(()));
}

/// Flips a bit of the state in each of a node's snapshots; the files.
fn spoil(node: &Node) -> Vec<PathBuf> {
    let files = fs::read_dir(node.data.join("snapshots")).unwrap();
    let mut spoilt = Vec::new();
    for file in files.map(|file| file.unwrap().path()) {
        let mut bytes = fs::read(&file).unwrap();
        let place = bytes.windows(MARK.len()).position(|window| window == MARK.as_bytes());
        if let Some(place) = place {
            bytes[place] ^= 1;
            fs::write(&file, bytes).unwrap();
            spoilt.push(file);
        }
    }
    assert!(!spoilt.is_empty());
    spoilt
}

/// The fields that the first column of `INFO.md` names.
fn explained() -> BTreeSet<String> {
    let table = include_str!("../../INFO.md").lines().filter(|line| line.starts_with("| `"));
    let names = table.filter_map(|line| line.split('|').nth(1));
    names.flat_map(|names| names.split(',')).map(|name| name.trim().replace('`', "")).collect()
}

/// A field as `INFO.md` names it: nodes are `N`, and reasons `REASON`.
fn in_general(field: &str) -> String {
    let of_a_node = ["peer_", "snapshot_to_"].into_iter().find(|name| field.starts_with(name));
    match of_a_node {
        Some(name) => format!("{name}N"),
        None if field.starts_with("refused_") => "refused_REASON".to_owned(),
        None => field.to_owned(),
    }
}

#[test]
fn every_field_of_info_raft_is_explained_and_no_other() {
    let (cluster, leader, _) = one_away("fields");
    let info = cluster.nodes[leader].connect().ask(&["INFO", "raft"]);
    let fields = info.lines().filter_map(|line| Some(line.split_once(':')?.0));
    let mut told: BTreeSet<String> = fields.map(in_general).collect();
    // Only of a node that is sent one, which takes no time worth waiting for.
    told.insert("snapshot_incoming".to_owned());
    assert_eq!(told, explained());
}

#[test]
fn a_snapshot_that_cannot_be_sent_is_told_and_replaced() {
    let (mut cluster, leader, away) = one_away("unreadable");
    wait_for("the leader to offer it", || {
        let info = cluster.nodes[leader].connect().ask(&["INFO", "raft"]);
        info.contains("does not answer").then_some(())
    });
    let spoilt = spoil(&cluster.nodes[leader]);
    cluster.nodes[away].start();
    cluster.nodes[leader].says("the newest snapshot cannot be sent: chunk 0 is damaged");
    let log = cluster.nodes[leader].log();
    let lines: Vec<&str> = log.lines().filter(|line| line.contains("cannot be sent")).collect();
    assert_eq!(lines.len(), 1, "{log}");
    assert!(lines[0].ends_with("; a new one is taken in its place"), "{log}");
    let named = |file: &PathBuf| lines[0].contains(file.to_str().unwrap());
    assert!(spoilt.iter().any(named), "{log}");
    cluster.agreed();
    wait_for("the end of it", || {
        (cluster.nodes[leader].info("snapshot_work") == "idle").then_some(())
    });
    cluster.nodes[leader].says(&format!("node {} has it, ", away + 1));
    assert_ne!(cluster.nodes[leader].info("snapshots_sent"), "0");
    assert_ne!(cluster.nodes[away].info("snapshots_received"), "0");
    assert_eq!(cluster.nodes[away].info("master_sync_in_progress"), "0");
    assert_ne!(cluster.nodes[leader].info("snapshot_unreadable"), "0");
    assert_eq!(cluster.nodes[leader].info("snapshot_damage"), "", "the new one can be read");
    assert_eq!(cluster.nodes[leader].info("rdb_last_bgsave_status"), "ok");
}

#[test]
fn a_save_writes_anew_even_where_nothing_has_changed() {
    let (mut cluster, leader, away) = one_away("anew");
    let mut client = cluster.nodes[leader].connect();
    assert_eq!(client.ask(&["MSET", "a", "1", "b", "2"]), "+OK");
    assert_eq!(cluster.nodes[leader].info("rdb_changes_since_last_save"), "2");
    save(&mut client);
    assert_eq!(cluster.nodes[leader].info("rdb_changes_since_last_save"), "0");
    spoil(&cluster.nodes[leader]);
    save(&mut client);
    // Whoever needs it gets it as if nothing had happened.
    cluster.nodes[away].start();
    cluster.agreed();
    assert_eq!(cluster.nodes[leader].info("snapshot_unreadable"), "0");
}

#[test]
fn what_happens_often_is_told_now_and_then() {
    let (cluster, leader, _) = one_away("often");
    let leader = &cluster.nodes[leader];
    let taken: usize = leader.info("snapshots_taken").parse().unwrap();
    let log = leader.log();
    let told = log.lines().filter(|line| line.contains(" took a snapshot ")).count();
    assert!(told > 0 && told < taken, "{told} of {taken}: {log}");
}

/// All that is advised is followed, too.
#[test]
fn who_has_no_place_for_a_leaders_snapshot_says_so_and_names_the_flag() {
    let flags = ["--log-entries", "128", "--snapshot-max", "64MiB"];
    let mut cluster = Cluster::start("no-place", &flags);
    let leader = cluster.leader();
    let away = (leader + 1) % cluster.nodes.len();
    cluster.nodes[away].kill();
    let mut client = cluster.nodes[leader].connect();
    for number in 0..300 {
        let (key, value) = (format!("key {number}"), format!("{number:08000}"));
        wait_for("a write", || (client.ask(&["SET", &key, &value]) == "+OK").then_some(()));
    }
    save(&mut client);
    let node = &mut cluster.nodes[away];
    // Made for as much as today's flag says.
    fs::remove_dir_all(node.data.join("snapshots")).unwrap();
    node.start_with("--snapshot-max", "1MiB");
    let bytes = cluster.nodes[leader].info("snapshot_bytes");
    let node = &mut cluster.nodes[away];
    let told = format!(
        "--snapshot-max 1MiB of this node cannot hold the leader's snapshot of {bytes} bytes; start \
         this node with --snapshot-max 3MiB or more"
    );
    node.says(&told);
    for field in ["snapshot_incoming", "snapshot_failure"] {
        assert!(node.info(field).ends_with(&told), "{}", node.info(field));
    }
    node.restart_with("--snapshot-max", "3MiB");
    cluster.agreed();
    assert_eq!(cluster.nodes[away].info("snapshot_failure"), "");
}

/// Starts a node that refuses to; its last words.
pub fn last_words(node: &mut Node) -> String {
    node.start();
    assert_eq!(node.ended().code(), Some(1));
    let log = node.log();
    log.lines().last().unwrap().to_owned()
}

pub fn copy(from: &Path, to: &Path) {
    fs::create_dir(to).unwrap();
    for file in fs::read_dir(from).unwrap().map(|file| file.unwrap().path()) {
        fs::copy(&file, to.join(file.file_name().unwrap())).unwrap();
    }
}

/// All that is advised is followed, too.
#[test]
fn a_start_without_its_snapshot_names_the_file_and_what_helps() {
    let (mut cluster, leader, away) = one_away("lost");
    cluster.nodes[away].start();
    let node = &mut cluster.nodes[leader];
    let snapshots = node.data.join("snapshots");
    let [old, copied] = ["old", "copied"].map(|name| snapshots.with_extension(name));
    copy(&snapshots, &old);
    let mut client = node.connect();
    for number in 500..1_000 {
        let reply = format!(":{}", number + 1);
        wait_for("a write", || (client.ask(&["INCR", "n"]) == reply).then_some(()));
    }
    save(&mut client);
    assert!(node.stop().success());
    copy(&snapshots, &copied);
    let remedy = format!("bring all of {} back from a copy", snapshots.display());
    let inspect = |node: &Node| {
        let output = kv(&["inspect", node.data.to_str().unwrap()]);
        assert_eq!(output.status.code(), Some(1));
        String::from_utf8(output.stdout).unwrap()
    };

    let spoilt = spoil(node);
    let (words, told) = (last_words(node), inspect(node));
    for text in [&words, &told] {
        assert!(text.contains("chunk 0 is damaged: segment "), "{text}");
        assert!(spoilt.iter().any(|file| text.contains(file.to_str().unwrap())), "{text}");
        assert!(text.contains(&remedy), "{text}");
    }
    // Where both of them begin.
    for head in ["segment-000.journal", "segment-001.journal"] {
        let mut bytes = fs::read(snapshots.join(head)).unwrap();
        bytes[0] ^= 1;
        fs::write(snapshots.join(head), bytes).unwrap();
    }
    let (words, told) = (last_words(node), inspect(node));
    assert!(
        words.contains("segment-000.journal or in ") && words.contains("001.journal"),
        "{words}"
    );
    assert!(words.contains(&remedy) && told.contains(&remedy), "{words} {told}");
    fs::remove_dir_all(&snapshots).unwrap();
    let words = last_words(node);
    assert!(words.contains("there is none in ") && words.contains(&remedy), "{words}");
    assert!(!snapshots.exists(), "nothing was changed");

    copy(&old, &snapshots);
    let words = last_words(node);
    assert!(words.contains("the newest ends at ") && words.contains(&remedy), "{words}");
    fs::remove_dir_all(&snapshots).unwrap();
    copy(&copied, &snapshots);
    node.start();
    cluster.agreed();
}

/// Whatever the start finds wrong with a snapshot that is needed, the inspection finds too.
#[test]
fn an_inspection_names_the_damage_as_the_start_does() {
    let scratch = Scratch::new("inspected");
    let mut node = Node::alone(&scratch, &["--log-entries", "128"]);
    node.start();
    let mut client = node.connect();
    for number in 0..100 {
        let reply = format!(":{}", number + 1);
        wait_for("a write", || (client.ask(&["INCR", "n"]) == reply).then_some(()));
    }
    wait_for("a compacted log", || (node.info("log_first_index") != "1").then_some(()));
    assert!(node.stop().success());
    let file = node.data.join("snapshots").join("segment-000.journal");
    let whole = fs::read(&file).unwrap();
    let flipped = |place: usize| {
        let mut bytes = whole.clone();
        bytes[place] ^= 1;
        bytes
    };
    // The head has one place, of the longest chunk and its header; the first chunk has the next one.
    let chunk = whole.windows(4).position(|window| window == b"rs\x01c").unwrap();
    let cut = whole[..chunk / 2].to_vec();
    let at_chunk = format!("chunk 0 is damaged: segment 0, byte {chunk}, in {}", file.display());
    let at_head = format!("it began in {}", file.display());
    let other = node.data.join("snapshots").join("segment-001.journal");
    let _ = fs::remove_file(other);
    for (bytes, named) in [(flipped(chunk), &at_chunk), (flipped(20), &at_head), (cut, &at_head)] {
        fs::write(&file, bytes).unwrap();
        let words = last_words(&mut node);
        let output = kv(&["inspect", node.data.to_str().unwrap()]);
        let told = String::from_utf8(output.stdout).unwrap();
        let last = String::from_utf8(output.stderr).unwrap();
        assert!(words.contains(named) && told.contains(named), "{words}\n{told}\n{last}");
        let snapshots = node.data.join("snapshots");
        assert_eq!(last, format!("kv: the snapshot in {} is damaged\n", snapshots.display()));
        assert!(!told.contains("snapshot  none\n"), "{told}");
    }
}
