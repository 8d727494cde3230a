//! Every input that is checked in runs through its target, on stable.

use raft_nostd_fuzz::{decode_datagram, handle_datagram, recover_journal, seeds};
use std::fs;

fn corpus(target: &str) -> Vec<(String, Vec<u8>)> {
    let folder = format!("{}/corpus/{target}", env!("CARGO_MANIFEST_DIR"));
    let files = fs::read_dir(&folder).unwrap_or_else(|error| panic!("{folder}: {error}"));
    files
        .map(|file| file.unwrap().path())
        .filter(|path| path.is_file())
        .map(|path| (path.display().to_string(), fs::read(path).unwrap()))
        .collect()
}

fn replay(target: &str, run: fn(&[u8])) {
    let inputs = corpus(target);
    assert!(!inputs.is_empty(), "{target} has no corpus");
    for (path, bytes) in inputs {
        println!("{path}");
        run(&bytes);
    }
}

#[test]
fn datagrams() {
    replay("decode_datagram", decode_datagram);
}

#[test]
fn nodes() {
    replay("handle_datagram", handle_datagram);
}

#[test]
fn journals() {
    replay("recover_journal", recover_journal);
}

#[test]
fn the_seeds_are_what_the_generator_makes() {
    for seed in seeds() {
        let path = format!("{}/corpus/{}/{}", env!("CARGO_MANIFEST_DIR"), seed.target, seed.name);
        let found = fs::read(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
        // Images are what the journal wrote once, and stay good seeds when it writes otherwise.
        let same = found == seed.bytes || seed.name.contains("image");
        assert!(same, "{path}: run `cargo run --example seeds`");
    }
}

#[test]
fn the_seeds_are_few_and_small() {
    for target in ["decode_datagram", "handle_datagram", "recover_journal"] {
        let seeds: Vec<_> = seeds().into_iter().filter(|seed| seed.target == target).collect();
        let bytes: usize = seeds.iter().map(|seed| seed.bytes.len()).sum();
        assert!(seeds.len() < 50 && bytes < 200 * 1_024, "{target}: {}, {bytes}", seeds.len());
    }
}
