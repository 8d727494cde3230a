//! Power that fails at any byte, and any sector that survives or not.

use crate::support::{Dice, Image, OpenError, Setup, assert_one_of, each_crash};
use adapter_std::memory::{Fate, MemoryError, MemoryMedium};
use raft_nostd::vault::{Origin, VaultError};

const POWER_CUT: OpenError = VaultError::Medium(MemoryError::PowerCut);

/// How far a run came.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Run {
    /// The seal returned.
    Sealed,
    /// The power failed before that.
    Broke,
}

/// Writes `image` in a new run with so many bytes of power.
fn cut(
    setup: Setup,
    before: &MemoryMedium,
    image: &Image,
    origin: Origin,
    budget: u64,
) -> (MemoryMedium, Run) {
    let mut medium = before.clone();
    let mut vault = setup.open(&mut medium, 50).unwrap();
    medium.cut_after(budget);
    match image.go_on_or_begin(&mut vault, &mut medium, origin) {
        Ok(_) => (medium, Run::Sealed),
        Err(POWER_CUT) => (medium, Run::Broke),
        Err(error) => panic!("{setup:?} budget {budget}: {error:?}"),
    }
}

/// What came back after a crash goes on: the snapshot is written again, or its transfer goes on.
fn settle(setup: Setup, mut medium: MemoryMedium, image: &Image, origin: Origin) {
    let mut vault = setup.open(&mut medium, 60).unwrap();
    image.go_on_or_begin(&mut vault, &mut medium, origin).unwrap();
    medium.crash(|_| Fate::Dropped);
    image.assert_newest(&setup.open(&mut medium, 61).unwrap(), &mut medium);
}

/// Every byte of writing `new` over `before`, whose newest is `old`, and every crash there.
/// Returns how many bytes and how many crashes there were.
fn cut_everywhere(
    setup: Setup,
    before: &MemoryMedium,
    (old, new): (Option<&Image>, &Image),
    origin: Origin,
) -> (u64, u64) {
    let mut crashes = 0;
    for budget in 0.. {
        let (medium, run) = cut(setup, before, new, origin, budget);
        let allowed: &[_] = match run {
            Run::Sealed => &[Some(new)],
            Run::Broke => &[old, Some(new)],
        };
        let mut last = None;
        each_crash(setup, &medium, |mut copy| {
            assert_one_of(&setup.open(&mut copy, 51).unwrap(), &mut copy, allowed);
            crashes += 1;
            if crashes % 11 == 0 {
                last = Some(copy);
            }
        });
        if let Some(copy) = last {
            settle(setup, copy, new, origin);
        }
        // Killed, but the power stays.
        let mut killed = medium;
        killed.restart();
        assert_one_of(&setup.open(&mut killed, 52).unwrap(), &mut killed, allowed);
        settle(setup, killed, new, origin);
        if run == Run::Sealed {
            return (budget, crashes);
        }
    }
    unreachable!("no run needs that much power")
}

#[test]
fn power_fails_after_every_byte_over_an_older_snapshot() {
    for origin in [Origin::Own, Origin::Peer] {
        for setup in Setup::all() {
            let (older, old) = (setup.image(10, setup.most()), setup.image(20, 2));
            let new = setup.image(30, setup.most().min(5));
            // The spare slot is full of what was once the newest.
            let before = setup.holding(&[&older, &old], origin);
            let (bytes, crashes) = cut_everywhere(setup, &before, (Some(&old), &new), origin);
            assert!(bytes > 300 && crashes > 4 * bytes, "{setup:?}: {bytes}, {crashes}");
        }
    }
}

#[test]
fn power_fails_after_every_byte_of_the_first_snapshot() {
    for setup in Setup::all() {
        let new = setup.image(30, 3);
        cut_everywhere(setup, &setup.medium(), (None, &new), Origin::Own);
    }
}

/// All of the records of a snapshot are unsynced at once.
#[test]
fn every_subset_of_unsynced_sectors() {
    let mut most = 0;
    for setup in Setup::all() {
        let (older, old) = (setup.image(10, setup.most()), setup.image(20, 2));
        let new = setup.image(30, setup.most());
        for origin in [Origin::Own, Origin::Peer] {
            let mut medium = setup.holding(&[&older, &old], origin);
            let mut vault = setup.open(&mut medium, 50).unwrap();
            vault.begin(&mut medium, origin, &new.manifest).unwrap();
            for chunk in &new.chunks {
                vault.put(&mut medium, chunk).unwrap();
                let dirty = medium.dirty_sectors().len();
                if dirty > 6 {
                    break;
                }
                most = most.max(dirty);
                each_crash(setup, &medium, |mut copy| {
                    let vault = setup.open(&mut copy, 51).unwrap();
                    assert_one_of(&vault, &mut copy, &[Some(&old)]);
                });
            }
        }
    }
    assert_eq!(most, 6);
}

/// One crash after another, in the middle of whatever went on after the one before.
#[test]
fn random_histories_and_crashes() {
    for seed in 1..=150 {
        for setup in Setup::all() {
            let mut dice = Dice(seed);
            let mut medium = setup.medium();
            let mut newest: Option<Image> = None;
            let mut nonce = 0;
            for round in 1..12 {
                nonce += 1;
                let mut vault = setup.open(&mut medium, nonce).unwrap();
                let image = setup
                    .image(10 * (round / 2 + 1), dice.roll(u64::from(setup.most()) + 1) as u32);
                let origin = [Origin::Own, Origin::Peer][dice.roll(2) as usize];
                medium.cut_after(dice.roll(2 * u64::from(setup.geometry.segment_bytes)));
                let run = image.go_on_or_begin(&mut vault, &mut medium, origin);
                medium.crash(|_| dice.fate(setup.sector));
                let vault = setup.open(&mut medium, nonce + 1_000).unwrap();
                let allowed: &[_] = match run {
                    Ok(_) => &[Some(&image)],
                    Err(POWER_CUT) => &[newest.as_ref(), Some(&image)],
                    Err(error) => panic!("seed {seed} {setup:?}: {error:?}"),
                };
                newest = assert_one_of(&vault, &mut medium, allowed).cloned();
            }
        }
    }
}
