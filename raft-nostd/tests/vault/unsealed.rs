//! An end record that was written although its seal failed: on the medium that snapshot is the newest,
//! for the run that wrote it it is not, and its slot is the spare one. So the next is begun over it.

use crate::support::{Image, Setup, assert_one_of, each_crash};
use adapter_std::memory::MemoryMedium;
use raft_nostd::Index;
use raft_nostd::vault::{Origin, Vault};

/// A run whose seal of `new` failed after the end was written. The power stays.
fn failed_seal(setup: Setup, medium: &mut MemoryMedium, new: &Image, origin: Origin) -> Vault {
    let mut vault = setup.open(medium, 50).unwrap();
    medium.cut_after(power_for(setup, medium, new, origin));
    assert!(new.write(&mut vault, medium, origin).is_err());
    medium.restart();
    vault
}

/// What it takes to write `image`, but for the last sync.
fn power_for(setup: Setup, medium: &MemoryMedium, image: &Image, origin: Origin) -> u64 {
    let mut copy = medium.clone();
    let mut vault = setup.open(&mut copy, 50).unwrap();
    image.write(&mut vault, &mut copy, origin).unwrap();
    let spent = |medium: &MemoryMedium| medium.calls().bytes + medium.calls().erases;
    spent(&copy) - spent(medium)
}

/// Every byte of the next begin, and every crash there: what is read through afterwards is whole.
/// Returns how often the newest could not be read.
fn begin_again(setup: Setup, before: &MemoryMedium, old: Option<&Image>, origin: Origin) -> u64 {
    let (new, next) = (setup.image(30, setup.most().min(4)), setup.image(40, 2));
    let mut passed_over = 0;
    for budget in 0..u64::from(setup.record()) {
        let mut medium = before.clone();
        let mut vault = failed_seal(setup, &mut medium, &new, origin);
        assert_eq!(vault.newest(), old.map(|old| &old.manifest));
        medium.cut_after(budget);
        let begun = vault.begin(&mut medium, origin, &next.manifest);
        each_crash(setup, &medium, |mut copy| {
            let mut vault = setup.open(&mut copy, 51).unwrap();
            let found = vault.newest().copied();
            vault.pass_over_damage(&mut copy, Index::ZERO, &mut [0; 256]).unwrap();
            let newest = assert_one_of(&vault, &mut copy, &[old, Some(&new)]);
            let lost = found.is_some() && newest.map(|image| image.manifest) != found;
            assert!(
                vault.rot::<()>().is_some() || !lost,
                "what it has passed over, it does not say"
            );
            passed_over += u64::from(lost);
            // It is written over, and not the old one.
            let last = setup.image(50, 1);
            vault.begin(&mut copy, origin, &last.manifest).unwrap();
            assert_one_of(&vault, &mut copy, &[old, Some(&new)]);
            last.go_on(&mut vault, &mut copy).unwrap();
            last.assert_newest(&setup.open(&mut copy, 52).unwrap(), &mut copy);
        });
        if begun.is_ok() {
            break;
        }
    }
    passed_over
}

#[test]
fn the_next_begin_and_a_power_cut_leave_the_old_one() {
    for origin in [Origin::Own, Origin::Peer] {
        let mut passed_over = 0;
        for setup in Setup::all() {
            let (older, old) = (setup.image(10, 1), setup.image(20, 2));
            let before = setup.holding(&[&older, &old], origin);
            passed_over += begin_again(setup, &before, Some(&old), origin);
            passed_over += begin_again(setup, &setup.medium(), None, origin);
        }
        assert!(passed_over > 10, "{passed_over}");
    }
}
