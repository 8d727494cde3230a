//! A transfer that broke off goes on where its last whole segment ended.

use crate::support::{Dice, Image, Setup, assert_one_of, each_crash, open_as, owner, read};
use adapter_std::memory::{Fate, MemoryMedium};
use raft_nostd::vault::{Origin, Vault, VaultError, Which};

/// A transfer of `image` over the medium that broke off behind `put` chunks.
fn broken(
    setup: Setup,
    before: &MemoryMedium,
    (origin, image): (Origin, &Image),
    put: usize,
) -> MemoryMedium {
    let mut medium = before.clone();
    let mut vault = setup.open(&mut medium, 20).unwrap();
    vault.begin(&mut medium, origin, &image.manifest).unwrap();
    for chunk in &image.chunks[..put] {
        vault.put(&mut medium, chunk).unwrap();
    }
    medium
}

/// How many chunks stand before the segment of the last of `put`. `None`: not even the head.
fn before_last_segment(setup: Setup, put: u32) -> Option<u32> {
    (put / setup.per_segment() * setup.per_segment()).checked_sub(1)
}

/// What is staged is a beginning of `image`, up to where a segment begins.
#[track_caller]
fn assert_beginning(setup: Setup, vault: &Vault, medium: &mut MemoryMedium, image: &Image) -> u32 {
    let (origin, manifest, chunks) = vault.staged().unwrap();
    assert_eq!((origin, manifest), (Origin::Peer, &image.manifest));
    assert_eq!((chunks + 1) % setup.per_segment(), 0, "{chunks} chunks");
    for (number, chunk) in (0..chunks).zip(&image.chunks) {
        assert_eq!(read(vault, medium, Which::Staged, number).as_ref(), Ok(chunk));
    }
    let bytes: usize = image.chunks[..chunks as usize].iter().map(Vec::len).sum();
    assert_eq!(vault.unsynced(), bytes as u64);
    chunks
}

fn finish(setup: Setup, mut vault: Vault, mut medium: MemoryMedium, image: &Image) {
    assert_eq!(image.go_on(&mut vault, &mut medium), Ok(image.manifest));
    image.assert_newest(&vault, &mut medium);
    medium.crash(|_| Fate::Dropped);
    image.assert_newest(&setup.open(&mut medium, 30).unwrap(), &mut medium);
}

#[test]
fn it_goes_on_from_a_segment_after_a_crash_at_every_chunk() {
    for setup in Setup::all() {
        let old = setup.image(10, 2);
        let new = setup.image(20, setup.most());
        let before = setup.holding(&[&old], Origin::Own);
        for put in 0..=setup.most() {
            let mut medium = broken(setup, &before, (Origin::Peer, &new), put as usize);
            medium.crash(|_| Fate::Kept);
            let vault = setup.open(&mut medium, 21).unwrap();
            old.assert_newest(&vault, &mut medium);
            let expected = before_last_segment(setup, put).filter(|_| put > 0);
            assert_eq!(vault.staged().map(|(_, _, chunks)| chunks), expected, "{setup:?} {put}");
            if expected.is_some() {
                assert_beginning(setup, &vault, &mut medium, &new);
                finish(setup, vault, medium, &new);
            }
        }
    }
}

#[test]
fn it_goes_on_with_what_any_crash_left() {
    let mut resumed = 0;
    for setup in Setup::all() {
        let old = setup.image(10, setup.most());
        let new = setup.image(20, setup.most());
        let before = setup.holding(&[&old, &setup.image(15, 1)], Origin::Own);
        for put in 1..=setup.most() {
            let medium = broken(setup, &before, (Origin::Peer, &new), put as usize);
            let limit = before_last_segment(setup, put);
            each_crash(setup, &medium, |mut medium| {
                let vault = setup.open(&mut medium, 21).unwrap();
                if vault.staged().is_some() {
                    let chunks = assert_beginning(setup, &vault, &mut medium, &new);
                    assert!(Some(chunks) <= limit);
                    resumed += 1;
                    if resumed % 7 == 0 {
                        finish(setup, vault, medium, &new);
                    }
                }
            });
        }
    }
    assert!(resumed > 500, "{resumed}");
}

/// The resumed run loses power as well, after every byte of it, and the one after that goes on.
#[test]
fn it_may_break_off_again_and_again() {
    for setup in Setup::all() {
        let old = setup.image(10, 2);
        let new = setup.image(20, setup.most());
        let before = setup.holding(&[&old], Origin::Own);
        let mut medium = broken(setup, &before, (Origin::Peer, &new), setup.most() as usize);
        medium.crash(|_| Fate::Kept);
        let mut dice = Dice(5);
        for budget in 0.. {
            let mut again = medium.clone();
            let mut vault = setup.open(&mut again, 22).unwrap();
            again.cut_after(budget);
            let run = new.go_on_or_begin(&mut vault, &mut again, Origin::Peer);
            for _ in 0..4 {
                let mut copy = again.clone();
                copy.crash(|_| dice.fate(setup.sector));
                let mut vault = setup.open(&mut copy, 23).unwrap();
                let newest = assert_one_of(&vault, &mut copy, &[Some(&old), Some(&new)]);
                assert!(run.is_err() || newest == Some(&new));
                new.go_on_or_begin(&mut vault, &mut copy, Origin::Peer).unwrap();
                new.assert_newest(&setup.open(&mut copy, 24).unwrap(), &mut copy);
            }
            if run.is_ok() {
                break;
            }
        }
    }
}

#[test]
fn an_own_snapshot_never_goes_on() {
    for setup in Setup::all() {
        let new = setup.image(20, setup.most());
        for put in 0..=setup.most() {
            let mut medium = broken(setup, &setup.medium(), (Origin::Own, &new), put as usize);
            medium.restart();
            let vault = setup.open(&mut medium, 21).unwrap();
            assert!(vault.staged().is_none() && vault.newest().is_none());
        }
    }
}

#[test]
fn one_that_is_no_newer_than_what_is_there_does_not_go_on() {
    for setup in Setup::all() {
        for (index, goes_on) in [(9, None), (10, None), (11, Some(()))] {
            let new = setup.image(index, setup.most());
            let before = setup.holding(&[&setup.image(10, 1)], Origin::Own);
            let put = setup.most() as usize;
            let mut medium = broken(setup, &before, (Origin::Peer, &new), put);
            let vault = setup.open(&mut medium, 21).unwrap();
            let expected = goes_on.and(before_last_segment(setup, setup.most()));
            assert_eq!(vault.staged().map(|(_, _, chunks)| chunks), expected);
        }
    }
}

#[test]
fn one_in_chunks_of_another_length_does_not_go_on() {
    for setup in Setup::all() {
        let new = setup.image(20, setup.most());
        let before = setup.medium();
        let medium = broken(setup, &before, (Origin::Peer, &new), setup.most() as usize);
        for chunk in [setup.chunk - 1, setup.chunk + 1] {
            let vault = open_as(&mut medium.clone(), owner(), chunk, 21).unwrap();
            assert!(vault.staged().is_none() && vault.newest().is_none());
        }
    }
}

/// Rot in what was received: the transfer goes on before it.
#[test]
fn a_flipped_bit_costs_what_follows_it() {
    for setup in Setup::all() {
        let new = setup.image(20, setup.most());
        let put = setup.most();
        let medium = broken(setup, &setup.medium(), (Origin::Peer, &new), put as usize);
        for place in 0..=put {
            let (segment, offset) = setup.at(0, place);
            for byte in 0..setup.len(&medium, 0, place) {
                let mut medium = medium.clone();
                medium.damage(segment, offset + byte, 1 << (byte % 8));
                let vault = setup.open(&mut medium, 21).unwrap();
                let there = vault.staged().map(|(_, _, chunks)| chunks);
                assert!(there.is_none_or(|chunks| chunks < place), "{there:?} {place}");
                if there.is_some() {
                    assert_beginning(setup, &vault, &mut medium, &new);
                    finish(setup, vault, medium, &new);
                }
            }
        }
    }
}

/// The seal of a rotten snapshot still stands behind it, under the same generation: were the
/// transfer to go on in front of it, a power cut could leave it sealed and torn.
#[test]
fn a_sealed_snapshot_that_rots_is_never_half_repaired() {
    for setup in Setup::all() {
        let old = setup.image(10, 2);
        let new = setup.image(20, setup.most());
        let sealed = setup.holding(&[&old, &new], Origin::Peer);
        for place in 0..=setup.most() + 1 {
            let mut rotten = sealed.clone();
            let (segment, offset) = setup.at(1, place);
            // In the generation, so that what another one writes there cannot mend it.
            rotten.damage(segment, offset + 20, 4);
            let vault = setup.open(&mut rotten.clone(), 21).unwrap();
            assert_one_of(&vault, &mut rotten.clone(), &[Some(&old)]);
            for budget in (0..).step_by(13) {
                let mut medium = rotten.clone();
                let mut vault = setup.open(&mut medium, 22).unwrap();
                medium.cut_after(budget);
                let run = new.go_on_or_begin(&mut vault, &mut medium, Origin::Peer);
                each_crash(setup, &medium, |mut copy| {
                    let vault = setup.open(&mut copy, 23).unwrap();
                    assert_one_of(&vault, &mut copy, &[Some(&old), Some(&new)]);
                });
                if run.is_ok() {
                    break;
                }
            }
        }
    }
}

/// Chunks that add up to something else than was announced are found out at the seal.
#[test]
fn a_sender_that_goes_on_with_other_bytes() {
    let setup = Setup::all()[1];
    let new = setup.image(20, setup.most());
    let put = setup.most() as usize;
    let mut medium = broken(setup, &setup.medium(), (Origin::Peer, &new), put);
    medium.crash(|_| Fate::Kept);
    let mut vault = setup.open(&mut medium, 21).unwrap();
    let mut other = new.clone();
    other.chunks.last_mut().unwrap()[0] ^= 1;
    let sealed = other.go_on(&mut vault, &mut medium);
    assert_eq!(sealed, Err(VaultError::NotAsAnnounced));
    assert!(vault.staged().is_none() && vault.newest().is_none());
    new.write(&mut vault, &mut medium, Origin::Peer).unwrap();
    new.assert_newest(&setup.open(&mut medium, 22).unwrap(), &mut medium);
}
