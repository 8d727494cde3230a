//! What was written is read back, on every kind of medium.

use crate::support::{Image, Setup, open_as, owner, read};
use adapter_std::memory::{Behaviour, Fate, MemoryMedium};
use raft_nostd::vault::{ChunkError, Origin, Vault, VaultError, Which};

const BEHAVIOURS: [Behaviour; 3] = [Behaviour::File, Behaviour::Blanking, Behaviour::Nor];

/// Three snapshots one after another, so that both slots are used and one is used again.
fn three_in_a_row(setup: Setup) {
    let mut medium = setup.medium();
    let counts = [setup.most(), 0, 1.max(setup.most() / 2)];
    for (run, count) in (1..).zip(counts) {
        let image = setup.image(10 * u64::from(run), count);
        let mut vault = setup.open(&mut medium, run).unwrap();
        let origin = if run == 2 { Origin::Peer } else { Origin::Own };
        assert_eq!(image.write(&mut vault, &mut medium, origin), Ok(image.manifest));
        assert!(vault.staged().is_none());
        image.assert_newest(&vault, &mut medium);
        medium.crash(|_| Fate::Dropped);
        image.assert_newest(&setup.open(&mut medium, 99).unwrap(), &mut medium);
    }
}

#[test]
fn on_every_medium_with_every_granularity_and_size_of_segment() {
    for behaviour in BEHAVIOURS {
        for granularity in [1, 4, 8, 64] {
            for (segments, bytes) in [(2, 640), (5, 512), (6, 192), (12, 320), (4, 4_096)] {
                for chunk in [1, 64, 116, 164, 250, 1_000] {
                    let setup = Setup::new((segments, bytes, granularity), behaviour, 128, chunk);
                    if setup.per_segment() * (segments / 2) >= 3 {
                        three_in_a_row(setup);
                    }
                }
            }
        }
    }
}

#[test]
fn what_is_being_written_can_be_read_before_it_is_durable() {
    for setup in Setup::all() {
        let image = setup.image(10, 4);
        let mut medium = setup.medium();
        let mut vault = setup.open(&mut medium, 1).unwrap();
        vault.begin(&mut medium, Origin::Own, &image.manifest).unwrap();
        for (number, chunk) in (0..).zip(&image.chunks) {
            let absent = read(&vault, &mut medium, Which::Staged, number);
            assert_eq!(absent, Err(ChunkError::Absent));
            vault.put(&mut medium, chunk).unwrap();
            assert_eq!(read(&vault, &mut medium, Which::Staged, number).as_ref(), Ok(chunk));
        }
        assert!(vault.unsynced() >= image.manifest.bytes);
        vault.sync(&mut medium).unwrap();
        assert_eq!(vault.unsynced(), 0);
        assert_eq!(read(&vault, &mut medium, Which::Newest, 0), Err(ChunkError::Absent));
        vault.seal(&mut medium).unwrap();
        assert_eq!(read(&vault, &mut medium, Which::Staged, 0), Err(ChunkError::Absent));
        image.assert_newest(&vault, &mut medium);
    }
}

#[test]
fn how_much_an_own_snapshot_is_need_not_be_known() {
    let setup = Setup::all()[0];
    let image = setup.image(10, 3);
    let mut medium = setup.medium();
    let mut vault = setup.open(&mut medium, 1).unwrap();
    let mut guess = image.manifest;
    (guess.chunks, guess.bytes, guess.crc) = (u32::MAX, 5, 6);
    vault.begin(&mut medium, Origin::Own, &guess).unwrap();
    let (origin, staged, chunks) = vault.staged().unwrap();
    assert_eq!((origin, staged.last, chunks), (Origin::Own, image.manifest.last, 0));
    assert_eq!((staged.chunks, staged.bytes, staged.crc), (0, 0, 0));
    assert_eq!(image.go_on(&mut vault, &mut medium), Ok(image.manifest));
}

#[test]
fn a_buffer_too_short_for_the_chunk() {
    let setup = Setup::all()[0];
    let image = setup.image(10, 1);
    let mut medium = setup.holding(&[&image], Origin::Own);
    let vault = setup.open(&mut medium, 9).unwrap();
    let mut into = vec![0; setup.chunk as usize - 1];
    let short = vault.read(&mut medium, Which::Newest, 0, &mut into);
    assert_eq!(short, Err(ChunkError::Buffer));
    let absent = vault.read(&mut medium, Which::Newest, u32::MAX, &mut into);
    assert_eq!(absent, Err(ChunkError::Absent));
}

fn reopened(medium: &mut MemoryMedium, chunk: u32, nonce: u32) -> Vault {
    open_as(medium, owner(), chunk, nonce).unwrap()
}

/// The datagram bound, and with it the longest chunk, may be another in the next run.
#[test]
fn another_length_of_chunk_still_reads_the_old_snapshot() {
    for setup in Setup::all() {
        let image = setup.image(10, setup.most());
        let before = setup.holding(&[&image], Origin::Own);
        for chunk in [1, 64, setup.chunk - 1, setup.chunk + 1, 2 * setup.chunk, 800] {
            let mut medium = before.clone();
            let other = Setup { chunk, ..setup };
            let opened = open_as(&mut medium, owner(), chunk, 8);
            if other.per_segment() * (setup.geometry.segments / 2) < 3 {
                assert!(matches!(opened, Err(VaultError::Geometry { .. })));
                continue;
            }
            let mut vault = opened.unwrap();
            assert_eq!(vault.newest_chunk_max(), setup.chunk as usize);
            assert_eq!(vault.chunk_max(), chunk as usize);
            image.assert_newest(&vault, &mut medium);
            // And goes on with the new length beside it.
            let next: Image = other.image_of_any_length(20);
            next.write(&mut vault, &mut medium, Origin::Peer).unwrap();
            medium.crash(|_| Fate::Dropped);
            next.assert_newest(&reopened(&mut medium, chunk, 9), &mut medium);
            next.assert_newest(&reopened(&mut medium, setup.chunk, 9), &mut medium);
        }
    }
}

impl Setup {
    /// As many chunks as there is room for, each as long as may be.
    fn image_of_any_length(&self, index: u64) -> Image {
        Image::new(index, vec![vec![index as u8; self.chunk as usize]; self.most() as usize])
    }
}
