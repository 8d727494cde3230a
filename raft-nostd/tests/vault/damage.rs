//! Bytes that rot under what was sealed: read as they were, or refused by their place.

use crate::support::{Dice, Image, Setup, read};
use adapter_std::memory::{MemoryError, MemoryMedium};
use raft_nostd::vault::{ChunkError, Origin, Vault, Which};

/// How often each thing was seen.
#[derive(Default)]
struct Seen {
    intact: u32,
    damaged: u32,
    old: u32,
    none: u32,
}

/// The chunks of `image`, which lies in `slot`: each is intact, or damaged where it lies.
fn check_chunks(
    (setup, slot): (Setup, u32),
    vault: &Vault,
    medium: &mut MemoryMedium,
    image: &Image,
    seen: &mut Seen,
) {
    for (number, chunk) in (0..).zip(&image.chunks) {
        match read(vault, medium, Which::Newest, number) {
            Ok(bytes) => {
                assert_eq!(bytes, *chunk);
                seen.intact += 1;
            }
            Err(error) => {
                let (segment, offset) = setup.at(slot, number + 1);
                assert_eq!(error, ChunkError::Damaged { chunk: number, segment, offset });
                seen.damaged += 1;
            }
        }
    }
}

fn flip_each_bit(setup: Setup, medium: &MemoryMedium, images: &[&Image; 2], seen: &mut Seen) {
    for segment in 0..setup.geometry.segments {
        for offset in 0..setup.geometry.segment_bytes {
            for bit in 0..8 {
                let mut medium = medium.clone();
                medium.damage(segment, offset, 1 << bit);
                let vault = setup.open(&mut medium, 9).unwrap();
                let manifest = vault.newest();
                let Some(slot) = images.iter().position(|one| manifest == Some(&one.manifest))
                else {
                    assert_eq!(manifest, None);
                    seen.none += 1;
                    continue;
                };
                seen.old += u32::from(slot + 1 < images.len());
                let image = images[slot];
                check_chunks((setup, slot as u32), &vault, &mut medium, image, seen);
            }
        }
    }
}

#[test]
fn every_flipped_bit_after_a_clean_seal() {
    for origin in [Origin::Own, Origin::Peer] {
        for setup in Setup::all() {
            let (old, new) = (setup.image(10, setup.most()), setup.image(20, 3));
            let medium = setup.holding(&[&old, &new], origin);
            let mut seen = Seen::default();
            flip_each_bit(setup, &medium, &[&old, &new], &mut seen);
            // Each bit of a chunk's body is noticed in that chunk; each of what leads to the newest
            // leads to the old one. Padding, and the old one, are not looked at.
            let records = (0..=4).map(|place| u64::from(setup.len(&medium, 1, place)));
            assert_eq!(u64::from(seen.damaged), 8 * new.manifest.bytes);
            let others = records.sum::<u64>() - new.manifest.bytes;
            assert_eq!((u64::from(seen.old), seen.none), (8 * others, 0));
            assert!(seen.intact > 10 * seen.damaged);
        }
    }
}

#[test]
fn every_flipped_bit_of_the_only_snapshot() {
    let setup = Setup::all()[0];
    let image = setup.image(10, 2);
    let medium = setup.holding(&[&image], Origin::Own);
    let mut seen = Seen::default();
    let nothing = setup.image(5, 0);
    flip_each_bit(setup, &medium, &[&image, &nothing], &mut seen);
    let records = (0..=3).map(|place| u64::from(setup.len(&medium, 0, place)));
    assert_eq!(u64::from(seen.none), 8 * (records.sum::<u64>() - image.manifest.bytes));
}

#[test]
fn a_damaged_chunk_is_named() {
    let setup = Setup::all()[4];
    let image = setup.image(10, 7);
    let mut medium = setup.holding(&[&image], Origin::Own);
    let vault = setup.open(&mut medium, 9).unwrap();
    medium.damage(2, 288 + 28, 0x10);
    let error = read(&vault, &mut medium, Which::Newest, 4).unwrap_err();
    assert_eq!(error.to_string(), "chunk 4 is damaged: segment 2, byte 288");
    // A header that rots under an open vault is noticed as well.
    medium.damage(4, 3, 0x10);
    let error = read(&vault, &mut medium, Which::Newest, 5).unwrap_err();
    assert_eq!(error, ChunkError::<MemoryError>::Damaged { chunk: 5, segment: 4, offset: 0 });
}

/// Overwrites some bytes with rubbish, or with a piece of the medium from elsewhere.
fn spoil(setup: Setup, medium: &mut MemoryMedium, dice: &mut Dice) {
    let segment = dice.roll(setup.geometry.segments.into()) as u32;
    let offset = dice.roll(u64::from(setup.geometry.segment_bytes) - 160) as u32;
    let from = medium.bytes(dice.roll(setup.geometry.segments.into()) as u32);
    let place = dice.roll(from.len() as u64 - 160) as usize;
    let len = 1 + dice.roll(160) as usize;
    let record = setup.record();
    match dice.roll(3) {
        0 => medium.plant(segment, offset, &vec![dice.roll(256) as u8; len]),
        1 => medium.plant(segment, offset, &from[place..place + len]),
        _ => {
            let place = place / record as usize * record as usize;
            let aligned = offset / record * record;
            medium.plant(segment, aligned, &from[place..place + record as usize]);
        }
    }
}

/// Rubbish anywhere, and pieces of the medium copied to other places of it.
#[test]
fn rubbish_and_copies() {
    let mut seen = Seen::default();
    for setup in Setup::all() {
        let (old, new) = (setup.image(10, setup.most()), setup.image(20, 3));
        let medium = setup.holding(&[&old, &new], Origin::Peer);
        let mut dice = Dice(8);
        for _ in 0..2_000 {
            let mut bad = medium.clone();
            for _ in 0..=dice.roll(3) {
                spoil(setup, &mut bad, &mut dice);
            }
            let vault = setup.open(&mut bad, 9).unwrap();
            let manifest = vault.newest();
            match [&old, &new].iter().position(|one| manifest == Some(&one.manifest)) {
                Some(0) => check_chunks((setup, 0), &vault, &mut bad, &old, &mut seen),
                Some(_) => check_chunks((setup, 1), &vault, &mut bad, &new, &mut seen),
                None => {
                    assert_eq!(manifest, None);
                    seen.none += 1;
                }
            }
            // It can be used all the same.
            let (mut vault, next) = (vault, setup.image(30, 2));
            next.write(&mut vault, &mut bad, Origin::Own).unwrap();
            next.assert_newest(&setup.open(&mut bad, 10).unwrap(), &mut bad);
        }
    }
    let Seen { intact, damaged, none, .. } = seen;
    assert!(intact > 5_000 && damaged > 200 && none > 100, "{intact} {damaged} {none}");
}
