//! One slot after the other, and the bytes that an earlier pass left in it.

use crate::support::{Image, Setup, assert_one_of, open_as, owner};
use adapter_std::memory::{Behaviour, Fate, MemoryMedium};
use raft_nostd::vault::{Origin, Which};

/// The bytes of a slot's segments.
fn slot(setup: Setup, medium: &MemoryMedium, slot: u32) -> Vec<Vec<u8>> {
    let half = setup.geometry.segments / 2;
    (0..half).map(|segment| medium.bytes(2 * segment + slot)).collect()
}

#[test]
fn snapshots_alternate_between_the_slots() {
    for setup in Setup::all() {
        let mut medium = setup.medium();
        for run in 0..6 {
            // Within one run, and in a run of its own.
            let mut vault = setup.open(&mut medium, run).unwrap();
            for (used, step) in [(0, 1), (1, 2)] {
                let image = setup.image(u64::from(20 * run + step), 2);
                let before = [0, 1].map(|number| slot(setup, &medium, number));
                image.write(&mut vault, &mut medium, Origin::Own).unwrap();
                let after = [0, 1].map(|number| slot(setup, &medium, number));
                let spared = 1 - used;
                assert_ne!(before[used], after[used]);
                assert_eq!(before[spared], after[spared]);
            }
        }
    }
}

/// What was sealed last is the newest, here and in the next run, whatever its index.
#[test]
fn the_last_sealed_is_the_newest() {
    for setup in Setup::all() {
        for index in [5, 10, 15] {
            let (one, next) = (setup.image(10, 3), setup.image(index, 2));
            let mut medium = setup.holding(&[&one], Origin::Own);
            let mut vault = setup.open(&mut medium, 7).unwrap();
            next.write(&mut vault, &mut medium, Origin::Peer).unwrap();
            next.assert_newest(&vault, &mut medium);
            next.assert_newest(&setup.open(&mut medium, 8).unwrap(), &mut medium);
        }
    }
}

/// Records of the pass before last follow those of this one, place by place.
#[test]
fn stale_records_never_complete_a_shorter_snapshot() {
    for setup in Setup::all() {
        let (older, old) = (setup.image(10, setup.most()), setup.image(20, 1));
        let next = setup.image(30, setup.most());
        for origin in [Origin::Own, Origin::Peer] {
            for put in 0..setup.most() as usize {
                let mut medium = setup.holding(&[&older, &old], origin);
                let mut vault = setup.open(&mut medium, 3).unwrap();
                vault.begin(&mut medium, origin, &next.manifest).unwrap();
                for chunk in &next.chunks[..put] {
                    vault.put(&mut medium, chunk).unwrap();
                }
                medium.crash(|_| Fate::Kept);
                let vault = setup.open(&mut medium, 4).unwrap();
                assert_one_of(&vault, &mut medium, &[Some(&old)]);
                let there = vault.staged().map_or(0, |(_, _, chunks)| chunks);
                assert!(there <= put as u32);
            }
        }
    }
}

/// A run that wrote and lost its head leaves chunks; the next run counts from the same number.
#[test]
fn a_lost_head_does_not_lend_its_chunks_to_the_next_run() {
    for setup in Setup::all() {
        let old = setup.image(10, 1);
        let (lost, next) = (setup.image(20, setup.most()), setup.image(30, setup.most()));
        let mut medium = setup.holding(&[&old], Origin::Own);
        let mut vault = setup.open(&mut medium, 5).unwrap();
        lost.write(&mut vault, &mut medium, Origin::Peer).unwrap();
        let (segment, offset) = setup.at(1, 0);
        medium.damage(segment, offset, 1);
        let mut vault = setup.open(&mut medium, 6).unwrap();
        old.assert_newest(&vault, &mut medium);
        vault.begin(&mut medium, Origin::Peer, &next.manifest).unwrap();
        medium.crash(|_| Fate::Kept);
        let vault = setup.open(&mut medium, 7).unwrap();
        old.assert_newest(&vault, &mut medium);
        assert!(vault.staged().is_none_or(|(_, _, chunks)| chunks == 0));
    }
}

/// A transfer that was overtaken by a later snapshot does not go on.
#[test]
fn a_part_of_an_earlier_pass_does_not_go_on() {
    let setup = Setup::all()[1];
    let (one, two, late) = (setup.image(10, 1), setup.image(50, 6), setup.image(20, 1));
    let mut medium = setup.holding(&[&one], Origin::Own);
    let mut vault = setup.open(&mut medium, 5).unwrap();
    vault.begin(&mut medium, Origin::Peer, &two.manifest).unwrap();
    for chunk in &two.chunks {
        vault.put(&mut medium, chunk).unwrap();
    }
    vault.sync(&mut medium).unwrap();
    // The newest rots, and the next one takes its slot.
    medium.damage(0, 0, 1);
    let mut vault = setup.open(&mut medium, 6).unwrap();
    assert!(vault.newest().is_none() && vault.staged().is_some());
    late.write(&mut vault, &mut medium, Origin::Own).unwrap();
    let vault = setup.open(&mut medium, 7).unwrap();
    late.assert_newest(&vault, &mut medium);
    assert!(vault.staged().is_none());
}

/// Chunks that hold copies of real records at every alignment, read under another chunk length, so
/// that records are looked for in the middle of them.
#[test]
fn chunks_that_hold_records_are_chunks() {
    let setup = Setup::new((4, 1_600, 1), Behaviour::File, 128, 500);
    let small = Setup { chunk: 40, ..setup };
    let (one, two) = (small.image(10, 5), small.image(20, 5));
    let mut medium = small.holding(&[&one, &two], Origin::Peer);
    let mut records: Vec<Vec<u8>> = Vec::new();
    for (slot, place) in [(0, 0), (0, 1), (0, 2), (0, 6), (1, 0), (1, 2), (1, 3), (1, 6)] {
        records.push(small.bytes(&medium, slot, place)[..70].to_vec());
    }
    for (run, shift) in (0..144).enumerate() {
        let index = 100 + 10 * run as u64;
        let filled = records.concat()[..500 - shift % 28].to_vec();
        let chunk = [vec![7; shift % 28], filled].concat();
        let big = Image::new(index, vec![chunk; 3]);
        let mut vault = setup.open(&mut medium, 1_000 + run as u32).unwrap();
        big.write(&mut vault, &mut medium, Origin::Peer).unwrap();
        // Over those, the beginning of a small one; what follows its records is anything.
        let put = shift % 4;
        let part = small.image(index + 5, 8);
        let mut vault = open_as(&mut medium, owner(), small.chunk, 5_000 + run as u32).unwrap();
        vault.begin(&mut medium, Origin::Peer, &part.manifest).unwrap();
        for chunk in &part.chunks[..put] {
            vault.put(&mut medium, chunk).unwrap();
        }
        medium.crash(|_| Fate::Kept);
        let vault = open_as(&mut medium, owner(), small.chunk, 9_000).unwrap();
        big.assert_newest(&vault, &mut medium);
        assert!(vault.staged().is_none_or(|(_, _, chunks)| chunks <= put as u32));
        records.push(setup.bytes(&medium, 0, 0)[..70].to_vec());
        records.rotate_right(1);
    }
}

/// Chunks of equal length, each with other bytes, so that only its place tells one from the next.
fn even(index: u64, count: u32) -> Image {
    let chunk = |number: u32| vec![index as u8 + number as u8; 20];
    Image::new(index, (0..count).map(chunk).collect())
}

/// Each record copied to each other place: taken nowhere but where it was written.
#[test]
fn a_record_at_another_place_is_not_taken() {
    for setup in Setup::all() {
        let (older, old, new) = (even(10, setup.most()), even(20, 3), even(30, 3));
        for origin in [Origin::Own, Origin::Peer] {
            let medium = setup.holding(&[&older, &old, &new], origin);
            let places = || (0..2).flat_map(|slot| (0..5).map(move |place| (slot, place)));
            for (from, to) in places().flat_map(|from| places().map(move |to| (from, to))) {
                let mut copy = medium.clone();
                let (segment, offset) = setup.at(to.0, to.1);
                copy.plant(segment, offset, &setup.bytes(&medium, from.0, from.1));
                check_planted(setup, &mut copy, &[&older, &old, &new]);
            }
        }
    }
}

/// Whatever is the newest, what is read of it is what was written, or named as damaged.
fn check_planted(setup: Setup, medium: &mut MemoryMedium, images: &[&Image]) {
    let vault = setup.open(medium, 9).unwrap();
    let Some(manifest) = vault.newest() else { return };
    let image = images.iter().find(|image| image.manifest == *manifest).unwrap();
    for (number, chunk) in (0..).zip(&image.chunks) {
        if let Ok(read) = crate::support::read(&vault, medium, Which::Newest, number) {
            assert_eq!(read, *chunk);
        }
    }
}
