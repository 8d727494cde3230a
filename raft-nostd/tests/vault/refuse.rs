//! What is refused, and by which name.

use crate::support::{Image, OpenError, Setup, node, open_as, owner};
use adapter_std::memory::{Behaviour, MemoryError, MemoryMedium};
use raft_nostd::crc::checksum;
use raft_nostd::journal::{Geometry, PersistFailure};
use raft_nostd::types::ClusterId;
use raft_nostd::vault::{ChunkError, Origin, Owner, Vault, VaultError, Which};

fn others() -> [Owner; 3] {
    [
        Owner { cluster: ClusterId(78), ..owner() },
        Owner { node: node(2), ..owner() },
        Owner { incarnation: 5, ..owner() },
    ]
}

#[test]
fn another_owner_is_refused_by_name() {
    for setup in Setup::all() {
        for count in [1, 2] {
            let images = [setup.image(10, 1), setup.image(20, 1)];
            let images: Vec<&Image> = images.iter().take(count).collect();
            let mut medium = setup.holding(&images, Origin::Own);
            for other in others() {
                let refused = open_as(&mut medium, other, setup.chunk, 9);
                let found = owner();
                assert_eq!(refused.err(), Some(VaultError::OtherOwner { found }));
            }
        }
    }
    let found = Owner { incarnation: 0xab, ..owner() };
    assert_eq!(
        OpenError::OtherOwner { found }.to_string(),
        "the snapshots belong to node 1 of cluster 000000000000004d, journal 00000000000000ab"
    );
}

/// Also where nothing but a beginning is there: it is not ours to overwrite.
#[test]
fn another_owners_beginning_is_refused_as_well() {
    let setup = Setup::all()[0];
    let mut medium = setup.medium();
    let mut vault = setup.open(&mut medium, 1).unwrap();
    vault.begin(&mut medium, Origin::Own, &setup.image(10, 1).manifest).unwrap();
    let refused = open_as(&mut medium, others()[0], setup.chunk, 9);
    assert_eq!(refused.err(), Some(VaultError::OtherOwner { found: owner() }));
}

#[test]
fn another_format_is_refused_by_number() {
    for setup in Setup::all() {
        let images = [setup.image(10, 1), setup.image(20, 1)];
        let medium = setup.holding(&[&images[0], &images[1]], Origin::Own);
        for slot in 0..2 {
            let mut header = setup.bytes(&medium, slot, 0)[..28].to_vec();
            header[2] = 2;
            let crc = checksum(&header[..24]);
            header[24..].copy_from_slice(&crc.to_le_bytes());
            let mut medium = medium.clone();
            medium.plant(setup.at(slot, 0).0, 0, &header);
            let refused = setup.open(&mut medium, 9);
            assert_eq!(refused.err(), Some(VaultError::Format(2)));
        }
    }
    assert_eq!(OpenError::Format(2).to_string(), "snapshots of format 2 cannot be read");
}

#[test]
fn a_scratch_buffer_that_is_too_short() {
    let setup = Setup::all()[0];
    for (chunk, needed) in [(1, 256), (300, 300)] {
        for len in [0, needed - 1] {
            let mut buf = vec![0; len];
            let refused = Vault::open(&mut setup.medium(), owner(), chunk, 1, &mut buf);
            assert_eq!(refused.err(), Some(VaultError::Buffer { needed }));
        }
    }
}

fn begun(setup: Setup, image: &Image, origin: Origin) -> (MemoryMedium, Vault) {
    let mut medium = setup.medium();
    let mut vault = setup.open(&mut medium, 1).unwrap();
    vault.begin(&mut medium, origin, &image.manifest).unwrap();
    (medium, vault)
}

#[test]
fn a_chunk_has_one_byte_to_the_longest() {
    for setup in Setup::all() {
        let most = setup.chunk as usize;
        for given in [0, most + 1, 10 * most] {
            let (mut medium, mut vault) = begun(setup, &setup.image(10, 1), Origin::Own);
            let before = medium.calls();
            let refused = vault.put(&mut medium, &vec![1; given]);
            assert_eq!(refused, Err(VaultError::ChunkLength { given, most }));
            assert_eq!(medium.calls(), before);
            assert_eq!(vault.seal(&mut medium), Err(VaultError::NotBegun));
        }
        for given in [1, most] {
            let (mut medium, mut vault) = begun(setup, &setup.image(10, 1), Origin::Own);
            vault.put(&mut medium, &vec![1; given]).unwrap();
            vault.seal(&mut medium).unwrap();
        }
    }
}

#[test]
fn a_snapshot_too_large_for_a_slot() {
    for setup in Setup::all() {
        let most = setup.most();
        let too_large = VaultError::TooLarge { most };
        let larger = setup.image(10, most + 1);
        // One of a peer is refused before it begins.
        let old = setup.image(5, 1);
        let mut medium = setup.holding(&[&old], Origin::Own);
        let mut vault = setup.open(&mut medium, 3).unwrap();
        let before = medium.calls();
        let refused = vault.begin(&mut medium, Origin::Peer, &larger.manifest);
        assert_eq!(refused, Err(too_large));
        assert_eq!(medium.calls(), before);
        assert_eq!(too_large.failure::<MemoryMedium>(), PersistFailure::Full);
        // One's own, where it no longer fits.
        let refused = larger.write(&mut vault, &mut medium, Origin::Own);
        assert_eq!(refused, Err(too_large));
        assert!(vault.staged().is_none());
        old.assert_newest(&vault, &mut medium);
        old.assert_newest(&setup.open(&mut medium, 4).unwrap(), &mut medium);
    }
}

#[test]
fn a_peers_snapshot_must_be_what_was_announced() {
    for setup in Setup::all() {
        let whole = setup.image(10, 3);
        let announced = |change: fn(&mut Image)| {
            let mut other = whole.clone();
            change(&mut other);
            other
        };
        let others = [
            announced(|image| image.chunks[1][0] ^= 1),
            announced(|image| image.chunks.truncate(2)),
            announced(|image| image.chunks.push(vec![1])),
            announced(|image| image.chunks.swap(0, 1)),
            announced(|image| image.chunks.clear()),
            announced(|image| image.manifest.crc ^= 1),
            announced(|image| image.manifest.bytes += 1),
            announced(|image| image.manifest.chunks -= 1),
        ];
        for other in others {
            let (mut medium, mut vault) = begun(setup, &other, Origin::Peer);
            let sealed = other.go_on(&mut vault, &mut medium);
            assert_eq!(sealed, Err(VaultError::NotAsAnnounced));
            assert!(vault.newest().is_none() && vault.staged().is_none());
            assert!(setup.open(&mut medium, 2).unwrap().newest().is_none());
        }
    }
}

#[test]
fn nothing_is_written_that_was_not_begun() {
    let setup = Setup::all()[0];
    let mut medium = setup.medium();
    let mut vault = setup.open(&mut medium, 1).unwrap();
    assert_eq!(vault.put(&mut medium, b"a"), Err(VaultError::NotBegun));
    assert_eq!(vault.sync(&mut medium), Err(VaultError::NotBegun));
    assert_eq!(vault.seal(&mut medium), Err(VaultError::NotBegun));
    vault.begin(&mut medium, Origin::Own, &setup.image(10, 1).manifest).unwrap();
    vault.abandon();
    assert_eq!(vault.seal(&mut medium), Err(VaultError::NotBegun));
}

fn has_no_place<M: raft_nostd::journal::Medium>(medium: &mut M, chunk: u32)
where
    M::Error: PartialEq,
{
    let mut vault = Vault::open(medium, owner(), chunk, 1, &mut []).unwrap();
    assert!(!vault.has_place() && vault.newest().is_none() && vault.staged().is_none());
    assert_eq!((vault.chunk_max(), vault.newest_chunk_max(), vault.unsynced()), (0, 0, 0));
    let manifest = Setup::all()[0].image(10, 0).manifest;
    assert_eq!(vault.begin(medium, Origin::Own, &manifest), Err(VaultError::NoPlace));
    assert_eq!(vault.put(medium, b"a"), Err(VaultError::NoPlace));
    assert_eq!(vault.seal(medium), Err(VaultError::NoPlace));
    let read = vault.read(medium, Which::Newest, 0, &mut [0; 8]);
    assert_eq!(read, Err(ChunkError::Absent));
}

#[test]
fn a_medium_without_segments_has_no_place() {
    has_no_place(&mut None::<MemoryMedium>, 100);
    has_no_place(&mut None::<MemoryMedium>, 0);
}

/// A node that would run into a full log, since nobody said that its medium is of no use.
#[test]
fn a_medium_without_room_for_three_records_in_each_half_is_refused() {
    let open = |segments, segment_bytes, granularity, chunk| {
        let geometry = Geometry { segments, segment_bytes, granularity, erased: 0xff };
        let mut medium = MemoryMedium::new(geometry, Behaviour::File);
        let before = medium.calls();
        let opened = Vault::open(&mut medium, owner(), chunk, 1, &mut [0; 512]).map(drop);
        assert_eq!(medium.calls(), before, "it is only looked at");
        opened
    };
    let refused = |record| Err(VaultError::Geometry { record });
    assert_eq!(open(2, 3 * 228 - 1, 1, 200), refused(228));
    assert_eq!(open(2, 3 * 228, 1, 200), Ok(()));
    assert_eq!(open(4, 2 * 228 - 1, 1, 200), refused(228), "none straddles two segments");
    assert_eq!(open(4, 2 * 228, 1, 200), Ok(()));
    assert_eq!(open(1, 1 << 16, 1, 200), refused(228), "half of one is none");
    assert_eq!(open(2, 3 * 144 - 1, 1, 0), refused(144), "a head needs its room");
    assert_eq!(open(2, 3 * 232, 8, 200), Ok(()));
    assert_eq!(open(2, 3 * 232 + 1, 8, 200), refused(232), "no multiple of the granularity");
    assert_eq!(open(2, 1 << 16, 1, u32::MAX), refused(u32::MAX));
    let error = VaultError::<MemoryError>::Geometry { record: 232 }.to_string();
    assert!(error.contains("three records of 232 bytes"), "{error}");
}
