//! The medium in memory fails as it is told to, and in no other way.

use adapter_std::memory::{Behaviour, Failures, Fate, MemoryError, MemoryMedium};
use raft_nostd::journal::{Geometry, Medium, PersistFailure};

fn medium(behaviour: Behaviour, granularity: u32, erased: u8) -> MemoryMedium {
    let geometry = Geometry { segments: 2, segment_bytes: 64, granularity, erased };
    MemoryMedium::new(geometry, behaviour).with_sectors(16)
}

fn read(medium: &mut MemoryMedium, segment: u32, offset: u32) -> [u8; 4] {
    let mut bytes = [0; 4];
    medium.read(segment, offset, &mut bytes).unwrap();
    bytes
}

#[test]
fn a_misdirected_write_lands_further_on_and_is_not_noticed() {
    let mut medium = medium(Behaviour::File, 4, 0);
    medium.misdirect(5); // Rounded up to the granularity.
    medium.write(0, 0, b"away").unwrap();
    assert_eq!((read(&mut medium, 0, 0), read(&mut medium, 0, 8)), ([0; 4], *b"away"));
    medium.write(0, 0, b"home").unwrap();
    assert_eq!(read(&mut medium, 0, 0), *b"home", "only one write goes astray");
    medium.sync().unwrap();
    medium.crash(|_| Fate::Dropped);
    assert_eq!(read(&mut medium, 0, 8), *b"away", "it is as durable as any");
}

#[test]
fn a_write_that_goes_past_the_end_lands_at_the_beginning() {
    let mut medium = medium(Behaviour::File, 1, 0);
    medium.misdirect(6);
    medium.write(1, 60, b"away").unwrap();
    assert_eq!((read(&mut medium, 1, 60), read(&mut medium, 0, 2)), ([0; 4], *b"away"));
}

#[test]
fn a_misdirected_write_to_flash_only_clears_bits() {
    let mut medium = medium(Behaviour::Nor, 4, 0xFF);
    medium.write(0, 4, &[0b1010; 4]).unwrap();
    medium.misdirect(4);
    medium.write(0, 0, &[0b0110; 4]).unwrap();
    assert_eq!((read(&mut medium, 0, 0), read(&mut medium, 0, 4)), ([0xFF; 4], [0b0010; 4]));
    medium.write(0, 0, b"home").expect("where it belongs nothing was written");
}

#[test]
fn a_sync_that_loses_writes_shows_them_until_the_power_fails() {
    let mut medium = medium(Behaviour::File, 1, 0);
    medium.write(0, 0, b"gone").unwrap();
    medium.lose_writes();
    assert!(!medium.has_lost_writes(), "nothing was synced yet");
    assert_eq!(medium.sync(), Err(MemoryError::Sync));
    assert!(medium.has_lost_writes());
    assert_eq!(read(&mut medium, 0, 0), *b"gone", "the page cache still has it");
    medium.write(0, 32, b"kept").unwrap();
    medium.sync().expect("only one fails: this syncs what was written since");
    assert!(medium.has_lost_writes(), "and does not know of the rest");
    medium.crash(|_| Fate::Kept);
    assert_eq!((read(&mut medium, 0, 0), read(&mut medium, 0, 32)), ([0; 4], *b"kept"));
    assert!(!medium.has_lost_writes());
}

#[test]
fn a_losing_sync_of_nothing_loses_nothing() {
    let mut medium = medium(Behaviour::File, 1, 0);
    medium.lose_writes();
    assert_eq!(medium.sync(), Ok(()));
    assert!(!medium.has_lost_writes());
    medium.write(0, 0, b"gone").unwrap();
    assert_eq!(medium.sync(), Err(MemoryError::Sync), "it still waits");
}

#[test]
fn a_failing_sync_leaves_the_sectors_to_the_next() {
    let mut medium = medium(Behaviour::File, 1, 0);
    medium.write(0, 0, b"kept").unwrap();
    medium.fail_syncs();
    assert_eq!(medium.sync(), Err(MemoryError::Sync));
    assert!(!medium.has_lost_writes());
    medium.restart();
    medium.sync().unwrap();
    medium.crash(|_| Fate::Dropped);
    assert_eq!(read(&mut medium, 0, 0), *b"kept");
}

#[test]
fn each_unsynced_sector_has_its_own_fate() {
    let mut medium = medium(Behaviour::File, 1, 0);
    medium.write(0, 0, &[7; 48]).unwrap();
    assert_eq!(medium.dirty_sectors(), [0, 1, 2]);
    medium.crash(|sector| [Fate::Kept, Fate::Torn(3), Fate::Dropped][sector]);
    let bytes = medium.bytes(0);
    let left = bytes.iter().position(|byte| *byte == 0);
    assert_eq!((left, bytes.iter().filter(|byte| **byte == 7).count()), (Some(19), 19));
}

#[test]
fn a_medium_that_is_full_is_told_apart_from_one_that_fails() {
    let mut medium = medium(Behaviour::File, 1, 0);
    medium.fill_writes_after(2);
    assert_eq!(medium.write(0, 0, b"long"), Err(MemoryError::WriteFull));
    assert_eq!(read(&mut medium, 0, 0), *b"lo\0\0", "halfway");
    medium.fill_after(0);
    assert_eq!(medium.erase(0), Err(MemoryError::Full));
    medium.make_room();
    medium.cut_after(0);
    assert_eq!(medium.write(0, 0, b"long"), Err(MemoryError::PowerCut));
    let failures = [MemoryError::WriteFull, MemoryError::Full, MemoryError::PowerCut]
        .map(|error| MemoryMedium::failure(&error));
    assert_eq!(failures, [PersistFailure::Full, PersistFailure::Full, PersistFailure::Failed]);
}

#[test]
fn what_fails_is_counted_where_it_fails() {
    let mut medium = medium(Behaviour::File, 1, 0);
    medium.cut_after(0);
    medium.misdirect(1);
    medium.lose_writes();
    medium.fill_after(0);
    assert_eq!(medium.failures(), Failures::default(), "nothing was called");
    medium.write(0, 0, b"away").unwrap();
    let _ = (medium.erase(0), medium.sync(), medium.write(0, 0, b"cut"));
    medium.fail_syncs();
    let _ = medium.sync();
    let counted = Failures { full: 1, syncs: 2, losing_syncs: 1, astray: 1, power_cuts: 1 };
    assert_eq!(medium.failures(), counted);
    let _ = medium.write(0, 0, b"cut");
    assert_eq!(medium.failures(), counted, "the power is off already");
    medium.restart();
    medium.cut_after(1);
    let _ = medium.write(0, 0, b"cut");
    assert_eq!(medium.failures().power_cuts, 2);
}
