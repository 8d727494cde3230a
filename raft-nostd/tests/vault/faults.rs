//! A medium that is full, and one that fails: only what was being written is lost.

use crate::support::{Image, OpenError, Setup, assert_one_of};
use adapter_std::memory::{Fate, MemoryError, MemoryMedium};
use raft_nostd::journal::PersistFailure;
use raft_nostd::vault::{Origin, Vault, VaultError};

/// An old snapshot, and one to be written over an even older one.
fn start(setup: Setup) -> (MemoryMedium, Vault, Image, Image) {
    let (old, new) = (setup.image(20, 2), setup.image(30, setup.most()));
    let mut medium = setup.holding(&[&setup.image(10, setup.most()), &old], Origin::Own);
    let vault = setup.open(&mut medium, 9).unwrap();
    (medium, vault, old, new)
}

/// The old one is still there, here and after a crash; with the fault gone, the new one goes in.
fn only_the_staged_is_lost(
    setup: Setup,
    (mut medium, mut vault): (MemoryMedium, Vault),
    (old, new): (&Image, &Image),
) {
    old.assert_newest(&vault, &mut medium);
    assert!(vault.staged().is_none());
    assert_eq!(vault.put(&mut medium, b"more"), Err(VaultError::NotBegun));
    assert_eq!(vault.sync(&mut medium), Err(VaultError::NotBegun));
    assert_eq!(vault.seal(&mut medium), Err(VaultError::NotBegun));
    let mut crashed = medium.clone();
    crashed.crash(|sector| if sector % 2 == 0 { Fate::Kept } else { Fate::Dropped });
    assert_one_of(&setup.open(&mut crashed, 10).unwrap(), &mut crashed, &[Some(old), Some(new)]);
    medium.restart();
    new.write(&mut vault, &mut medium, Origin::Own).unwrap();
    new.assert_newest(&vault, &mut medium);
    medium.crash(|_| Fate::Dropped);
    new.assert_newest(&setup.open(&mut medium, 11).unwrap(), &mut medium);
}

/// Runs into whatever `fault` made of the medium, at each of its values.
fn each(fault: fn(&mut MemoryMedium, u64), expected: MemoryError) {
    for setup in Setup::all() {
        for value in 0.. {
            let (mut medium, mut vault, old, new) = start(setup);
            fault(&mut medium, value);
            match new.write(&mut vault, &mut medium, Origin::Own) {
                Ok(_) => {
                    assert!(value > 0);
                    break;
                }
                Err(error) => {
                    assert_eq!(error, VaultError::Medium(expected));
                    assert_eq!(error.failure::<MemoryMedium>(), PersistFailure::Full);
                }
            }
            only_the_staged_is_lost(setup, (medium, vault), (&old, &new));
        }
    }
}

#[test]
fn no_room_for_an_erase() {
    each(MemoryMedium::fill_after, MemoryError::Full);
}

#[test]
fn no_room_after_every_byte() {
    each(MemoryMedium::fill_writes_after, MemoryError::WriteFull);
}

const SYNC: OpenError = VaultError::Medium(MemoryError::Sync);

#[test]
fn a_failed_sync_of_chunks() {
    for setup in Setup::all() {
        let (mut medium, mut vault, old, new) = start(setup);
        vault.begin(&mut medium, Origin::Own, &new.manifest).unwrap();
        vault.put(&mut medium, &new.chunks[0]).unwrap();
        medium.fail_syncs();
        assert_eq!(vault.sync(&mut medium), Err(SYNC));
        assert_eq!(SYNC.failure::<MemoryMedium>(), PersistFailure::Failed);
        only_the_staged_is_lost(setup, (medium, vault), (&old, &new));
    }
}

#[test]
fn a_failed_sync_before_the_end() {
    for setup in Setup::all() {
        let (mut medium, mut vault, old, new) = start(setup);
        vault.begin(&mut medium, Origin::Own, &new.manifest).unwrap();
        for chunk in &new.chunks {
            vault.put(&mut medium, chunk).unwrap();
        }
        medium.fail_syncs();
        let written = medium.calls().bytes;
        assert_eq!(vault.seal(&mut medium), Err(SYNC));
        assert_eq!(medium.calls().bytes, written, "an end before its chunks are durable");
        only_the_staged_is_lost(setup, (medium, vault), (&old, &new));
    }
}

/// The end is written but perhaps not durable: this run has the old one, the next run either.
#[test]
fn a_failed_sync_after_the_end() {
    for setup in Setup::all() {
        let (mut medium, mut vault, old, new) = start(setup);
        vault.begin(&mut medium, Origin::Own, &new.manifest).unwrap();
        for chunk in &new.chunks {
            vault.put(&mut medium, chunk).unwrap();
        }
        let (mut second, syncs) = (SecondSyncFails { medium, syncs: 0 }, 2);
        assert!(vault.seal(&mut second).is_err());
        assert_eq!(second.syncs, syncs);
        only_the_staged_is_lost(setup, (second.medium, vault), (&old, &new));
    }
}

struct SecondSyncFails {
    medium: MemoryMedium,
    syncs: u32,
}

impl raft_nostd::journal::Medium for SecondSyncFails {
    type Error = MemoryError;

    fn geometry(&self) -> raft_nostd::journal::Geometry {
        self.medium.geometry()
    }

    fn read(&mut self, segment: u32, offset: u32, into: &mut [u8]) -> Result<(), MemoryError> {
        self.medium.read(segment, offset, into)
    }

    fn write(&mut self, segment: u32, offset: u32, bytes: &[u8]) -> Result<(), MemoryError> {
        self.medium.write(segment, offset, bytes)
    }

    fn erase(&mut self, segment: u32) -> Result<(), MemoryError> {
        self.medium.erase(segment)
    }

    fn sync(&mut self) -> Result<(), MemoryError> {
        self.syncs += 1;
        if self.syncs == 2 {
            self.medium.fail_syncs();
        }
        self.medium.sync()
    }

    fn failure(error: &MemoryError) -> PersistFailure {
        MemoryMedium::failure(error)
    }
}
