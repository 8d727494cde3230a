//! Folders of which something is gone, or of others: what a person is told, and that it helps.

use super::kv;
use super::snapshots::{copy, last_words, save};
use crate::cluster::{Client, Node, Scratch, wait_for};
use std::fs;
use std::path::{Path, PathBuf};

/// A node alone that has written so many times, and then so many, with a snapshot after each: the first
/// one is in the first slot. Of the log an eighth is kept.
fn saved(scratch: &Scratch, times: &[u32]) -> Node {
    let flags = "--log-entries 1024 --log-bytes 8MiB --journal 32MiB --segment 1MiB --sync never";
    let mut node = Node::alone(scratch, &flags.split(' ').collect::<Vec<_>>());
    node.start();
    let mut client = node.connect();
    for count in times {
        write(&mut client, *count);
        save(&mut client);
    }
    node
}

fn write(client: &mut Client, times: u32) {
    for _ in 0..times {
        wait_for("a write", || client.ask(&["INCR", "n"]).starts_with(':').then_some(()));
    }
}

/// What `kv inspect` says of a node: to the standard output and to the standard error.
fn inspected(node: &Node) -> (Option<i32>, String, String) {
    let output = kv(&["inspect", node.data.to_str().unwrap()]);
    let [told, last] = [output.stdout, output.stderr].map(|text| String::from_utf8(text).unwrap());
    (output.status.code(), told, last)
}

/// All that is in a directory, with its bytes.
fn contents(directory: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut found = Vec::new();
    for path in fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path()) {
        if path.is_dir() {
            found.extend(contents(&path));
        } else {
            found.push((path.clone(), fs::read(&path).unwrap()));
        }
    }
    found.sort();
    found
}

/// The file in which a node's older snapshot begins, and that of its newest.
fn older_and_newest(node: &Node) -> [PathBuf; 2] {
    let path = |segment: u32| node.data.join(format!("snapshots/segment-{segment:03}.journal"));
    // The second one was put where the first one is not.
    [path(0), path(1)]
}

#[test]
fn a_journal_that_is_gone_beside_its_snapshots_is_told_and_nothing_is_made() {
    let scratch = Scratch::new("no-journal");
    let mut node = saved(&scratch, &[10]);
    assert!(node.stop().success());
    let whole = scratch.path().join("whole");
    fs::create_dir(&whole).unwrap();
    let files = fs::read_dir(&node.data).unwrap().map(|entry| entry.unwrap().path());
    for file in files.filter(|path| path.is_file()) {
        fs::rename(&file, whole.join(file.file_name().unwrap())).unwrap();
    }
    let before = contents(&node.data);
    let words = last_words(&mut node);
    assert_eq!(contents(&node.data), before);
    let told = format!("there is no journal in {}, but ", node.data.display());
    let helps = "bring the files of the journal back as they were when the node ran last";
    for text in [&words, &inspected(&node).2] {
        assert!(text.contains(&told) && text.contains("snapshots of node 1 of cluster "), "{text}");
        assert!(text.contains("nothing was changed") && text.contains(helps), "{text}");
    }
    // Nor is one that nothing was ever written to taken for it.
    let record = "version = 1\nsegment_bytes = 1048576\nsegments = 32\nspace = \"preallocated\"\n";
    let record = format!("{record}synced = \"{}\"\n", "0".repeat(32));
    fs::write(node.data.join("medium.toml"), record).unwrap();
    let words = last_words(&mut node);
    assert!(words.contains(&told), "{words}");
    for (path, bytes) in contents(&whole) {
        fs::write(node.data.join(path.file_name().unwrap()), bytes).unwrap();
    }
    node.start();
    wait_for("the state", || (node.connect().ask(&["GET", "n"]) == "10").then_some(()));
}

/// The journal goes on from the newest snapshot, or from before: so the older one is not needed.
#[test]
fn a_start_goes_on_without_the_file_of_the_spare_snapshot() {
    for how in ["missing", "empty", "zeros"] {
        let scratch = Scratch::new("spare");
        // So many that the journal goes on from the newest.
        let mut node = saved(&scratch, &[200, 200]);
        assert_ne!(node.info("log_first_index"), "1");
        assert!(node.stop().success());
        let [older, newest] = older_and_newest(&node);
        match how {
            "missing" => fs::remove_file(&older).unwrap(),
            "empty" => fs::write(&older, b"").unwrap(),
            _ => fs::write(&older, vec![0; fs::metadata(&older).unwrap().len() as usize]).unwrap(),
        }
        let (status, told, _) = inspected(&node);
        node.start();
        let told_once = format!("{} is ", older.display());
        node.says(&told_once);
        let log = node.log();
        let lines: Vec<&str> = log.lines().filter(|line| line.contains(&told_once)).collect();
        assert_eq!(lines.len(), 1, "{log}");
        assert!(lines[0].contains("nothing in it is needed"), "{log}");
        assert!(lines[0].contains("the snapshot through entry "), "{log}");
        assert_eq!(status, Some(0), "{told}");
        assert!(told.contains(&told_once) && told.contains("nothing in it is needed"), "{told}");
        wait_for("the state", || (node.connect().ask(&["GET", "n"]) == "400").then_some(()));
        // The next one takes its place.
        save(&mut node.connect());
        assert!(fs::metadata(&older).unwrap().len() > 100);
        assert!(node.stop().success());
        fs::remove_file(&newest).unwrap();
        node.start();
        wait_for("the state", || (node.connect().ask(&["GET", "n"]) == "400").then_some(()));
        assert!(!log.is_empty() && node.log().contains(&format!("{} is ", newest.display())));
    }
}

#[test]
fn a_start_without_the_file_of_the_newest_snapshot_is_refused_with_its_name() {
    let scratch = Scratch::new("newest");
    let mut node = saved(&scratch, &[200, 200]);
    assert!(node.stop().success());
    let kept = scratch.path().join("kept");
    copy(&node.data.join("snapshots"), &kept);
    let [_, newest] = older_and_newest(&node);
    for bytes in [None, Some(b"")] {
        match bytes {
            None => fs::remove_file(&newest).unwrap(),
            Some(bytes) => fs::write(&newest, bytes).unwrap(),
        }
        let before = contents(&node.data);
        let words = last_words(&mut node);
        assert_eq!(contents(&node.data), before);
        let (status, told, _) = inspected(&node);
        assert_eq!(status, Some(1));
        for text in [&words, &told] {
            assert!(text.contains("the journal goes on from a snapshot through "), "{text}");
            assert!(text.contains(&format!("{} is ", newest.display())), "{text}");
            assert!(text.contains("nothing was changed: bring all of "), "{text}");
            assert!(!text.contains("is needed"), "{text}");
        }
    }
    fs::remove_dir_all(node.data.join("snapshots")).unwrap();
    copy(&kept, &node.data.join("snapshots"));
    node.start();
    wait_for("the state", || (node.connect().ask(&["GET", "n"]) == "400").then_some(()));
}

#[test]
fn a_folder_of_another_node_is_told_in_the_same_words_by_start_and_inspection() {
    let scratches = [Scratch::new("one"), Scratch::new("other")];
    let [mut one, mut other] = [0, 1].map(|at| saved(&scratches[at], &[10]));
    assert!(one.stop().success() && other.stop().success());
    let (ours, theirs) = (one.data.join("snapshots"), other.data.join("snapshots"));
    fs::remove_dir_all(&ours).unwrap();
    copy(&theirs, &ours);
    let same = |node: &mut Node, parts: &[&str]| {
        let (words, (status, told, last)) = (last_words(node), inspected(node));
        assert_eq!(status, Some(1));
        for part in parts {
            assert!(words.contains(part), "{part}: {words}");
            assert!(told.contains(part) || last.contains(part), "{part}: {told} {last}");
        }
    };
    let place = ours.display();
    let foreign = format!("{place}: the snapshots belong to node 1 of cluster ");
    same(&mut one, &[&foreign, "nothing was changed: bring the folder of this node back"]);
    // Of a later version.
    let head = ours.join("segment-000.journal");
    let whole = fs::read(&head).unwrap();
    fs::write(&head, of_format(&whole, 2, 24)).unwrap();
    let later = format!("{place}: snapshots of format 2 cannot be read");
    let remedy = "nothing was changed: start the version of kv that wrote them";
    same(&mut one, &[&later, remedy]);
    // Without a journal beside them, too.
    let files = fs::read_dir(&one.data).unwrap().map(|entry| entry.unwrap().path());
    files.filter(|path| path.is_file()).for_each(|file| fs::remove_file(file).unwrap());
    let before = contents(&one.data);
    same(&mut one, &[&later, remedy]);
    assert_eq!(contents(&one.data), before);
}

#[test]
fn an_older_journal_beside_newer_snapshots_is_told_in_the_same_words_by_start_and_inspection() {
    let scratch = Scratch::new("older-journal");
    let mut node = saved(&scratch, &[10]);
    node.kill();
    let files = fs::read_dir(&node.data).unwrap().map(|entry| entry.unwrap().path());
    let older: Vec<_> = files
        .filter(|path| path.is_file())
        .map(|path| (path.clone(), fs::read(path).unwrap()))
        .collect();
    node.start();
    let mut client = node.connect();
    write(&mut client, 500);
    save(&mut client);
    assert!(node.stop().success());
    let files = fs::read_dir(&node.data).unwrap().map(|entry| entry.unwrap().path());
    files.filter(|path| path.is_file()).for_each(|file| fs::remove_file(file).unwrap());
    for (path, bytes) in older {
        fs::write(path, bytes).unwrap();
    }
    let (words, (status, told, _)) = (last_words(&mut node), inspected(&node));
    assert_eq!(status, Some(1), "{told}");
    let (_, problem) = told.split_once("DAMAGED   ").expect("it says so");
    let problem = problem.lines().next().unwrap();
    assert!(
        problem.contains("it has lost entries") && words.contains(problem),
        "{problem}: {words}"
    );
}

/// The bytes as a version with this format would begin them: its number in the third byte, and a CRC
/// over as many as `covered`.
fn of_format(bytes: &[u8], format: u8, covered: usize) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    bytes[2] = format;
    let crc = raft_nostd::crc::checksum(&bytes[..covered]).to_le_bytes();
    bytes[covered..covered + 4].copy_from_slice(&crc);
    bytes
}

#[test]
fn what_is_no_folder_or_no_file_is_named_with_what_helps() {
    let scratch = Scratch::new("kinds");
    let mut node = saved(&scratch, &[10]);
    assert!(node.stop().success());
    let (snapshots, record) = (node.data.join("snapshots"), node.data.join("medium.toml"));
    let aside = scratch.path().join("aside");
    let both = |node: &mut Node, path: &Path, part: &str| {
        let (words, (_, _, last)) = (last_words(node), inspected(node));
        for text in [&words, &last] {
            assert!(text.contains(path.to_str().unwrap()) && text.contains(part), "{text}");
        }
    };
    fs::rename(&snapshots, &aside).unwrap();
    fs::write(&snapshots, b"").unwrap();
    both(&mut node, &snapshots, "is a file, but must be a directory");
    fs::remove_file(&snapshots).unwrap();
    fs::rename(&aside, &snapshots).unwrap();
    let segment = snapshots.join("segment-000.journal");
    for file in [&record, &snapshots.join("medium.toml"), &segment] {
        fs::rename(file, &aside).unwrap();
        fs::create_dir(file).unwrap();
        both(&mut node, file, "is no regular file, as it must be: bring it back as it was");
        fs::remove_dir(file).unwrap();
        fs::rename(&aside, file).unwrap();
    }
    let whole = fs::read(&record).unwrap();
    fs::write(&record, b"garbage").unwrap();
    both(&mut node, &record, "cannot be understood: no '=' in 'garbage'; bring it back as it was");
    fs::write(&record, whole).unwrap();
    node.start();
    node.connect();
    assert!(node.stop().success());
    fs::rename(&node.data, &aside).unwrap();
    fs::write(&node.data, b"").unwrap();
    let data = node.data.clone();
    both(&mut node, &data, "is a file, but must be a directory: name the right one");
}
