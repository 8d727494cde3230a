//! What the simulation has found, each as a small test.

use adapter_std::memory::{Behaviour, MemoryMedium};
use raft_nostd::frame::{self, EntryKind};
use raft_nostd::journal::{Geometry, Sink};
use raft_nostd::vault::{Origin, Owner, Vault, VaultError};
use raft_nostd::{
    ClusterId, Config, HardState, Index, Instant, Life, Loading, Manifest, Membership, NodeId,
    Output, Position, Raft, Start, Term,
};

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

/// A whole snapshot was found beside a log that has all of it already: a machine that had applied
/// more was set back.
#[test]
fn a_snapshot_that_the_log_has_overtaken_is_not_installed() {
    let voters = [NodeId::new(1).unwrap(), NodeId::new(2).unwrap()];
    let config = Config::new(ClusterId(1), voters[0], &voters);
    let memory = vec![0; config.log_bytes(10) as usize];
    let mut loading = Loading::new::<7>(&config, memory).unwrap();
    for index in 1..=5 {
        let mut frame = [0; 64];
        let position = Position::new(1, index);
        let len = frame::encode(position, EntryKind::Command, b"x", &mut frame).unwrap();
        assert!(loading.append(&frame[..len]));
    }
    let manifest = Manifest {
        last: Position::new(1, 3),
        membership: Membership::initial(&voters),
        chunks: 1,
        bytes: 1,
        crc: 1,
    };
    loading.attach(Term(1), None, Some((&manifest, 1))).unwrap();
    let hard_state = HardState { term: Term(1), vote: None };
    let (life, now) = (Life::default(), Instant::ORIGIN);
    let start = Start { hard_state, life, applied: Index(4), seed: 1, now };
    let mut raft: Raft<Vec<u8>, 7> = loading.start(start).unwrap();
    let mut buf = [0; 1_200];
    loop {
        match raft.poll_output(now, &mut buf) {
            Output::Idle { .. } => break,
            Output::Install(manifest) => panic!("{manifest:?} is to be installed over 1@5"),
            _ => {}
        }
    }
    assert_eq!(raft.incoming_snapshot(), None);
}
