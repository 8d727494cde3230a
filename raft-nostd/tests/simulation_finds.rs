//! What the simulation has found, each as a small test.

use adapter_std::memory::{Behaviour, MemoryMedium};
use raft_nostd::journal::Geometry;
use raft_nostd::vault::{Origin, Owner, Vault, VaultError};
use raft_nostd::{ClusterId, Manifest, Membership, NodeId, Position};

fn vault(number: u32) -> (MemoryMedium, Vault) {
    let geometry = Geometry { segments: 4, segment_bytes: 1_024, granularity: 1, erased: 0 };
    let mut medium = MemoryMedium::new(geometry, Behaviour::File);
    let node = NodeId::new(number).unwrap();
    let owner = Owner { cluster: ClusterId(1), node, incarnation: 1 };
    let vault = Vault::open(&mut medium, owner, 100, number, &mut [0; 256]).unwrap();
    (medium, vault)
}

fn take(number: u32, pieces: &[&[u8]]) -> Manifest {
    let (mut medium, mut vault) = vault(number);
    let membership = Membership::initial(&[NodeId::new(1).unwrap(), NodeId::new(2).unwrap()]);
    let manifest = Manifest { last: Position::new(1, 9), membership, ..Manifest::default() };
    vault.begin(&mut medium, Origin::Own, &manifest).unwrap();
    for piece in pieces {
        vault.put(&mut medium, piece).unwrap();
    }
    vault.seal(&mut medium).unwrap()
}

/// Two nodes cut equal bytes differently, and the second went on with what the first had begun.
#[test]
fn equal_bytes_in_other_chunks_are_another_snapshot() {
    let (one, other) = (take(1, &[b"ab", b"cd"]), take(2, &[b"abc", b"d"]));
    assert_eq!((one.bytes, one.chunks), (other.bytes, other.chunks));
    assert_ne!(one, other);
    assert_eq!(one, take(2, &[b"ab", b"cd"]));

    let (mut medium, mut vault) = vault(3);
    vault.begin(&mut medium, Origin::Peer, &one).unwrap();
    vault.put(&mut medium, b"abc").unwrap();
    vault.put(&mut medium, b"d").unwrap();
    assert_eq!(vault.seal(&mut medium), Err(VaultError::NotAsAnnounced));
}
