//! Journals, snapshots and machines that do not belong together; and what is refused stays as it is.

use crate::support::{CLUSTER, Solo, World, blank, changes, config, me};
use adapter_std::memory::{MemoryError, SharedMedium};
use raft_nostd::crc::checksum;
use raft_nostd::vault::{Origin, Owner, Vault, VaultError};
use raft_nostd::{
    HardState, Index, Instant, Life, Loading, Manifest, Membership, NodeId, OpenError, Output,
    Position, Raft, SnapshotFailure, Start, StartError, Term,
};

/// Opens where it must fail, and sees that nothing was changed by it.
fn refusal(world: World) -> OpenError<MemoryError, MemoryError> {
    let media = [world.journal.clone(), world.snapshots.clone()];
    let before = media.each_ref().map(changes);
    let Err(error) = Solo::open(world, 9) else { panic!("it opens") };
    assert_eq!(media.each_ref().map(changes), before, "{error}");
    error
}

/// A node that ran: its journal before its last commands, and its world after them and a snapshot.
fn compacted() -> (SharedMedium, World) {
    let mut solo = Solo::open(World::new(), 5).unwrap();
    solo.run(4);
    let early = solo.world().journal.copy();
    solo.run(5);
    solo.driver.compact();
    solo.run(0);
    let world = solo.world();
    assert!(solo.driver.raft().snapshot().is_some());
    (early, World::on(world.journal.copy(), world.snapshots.copy()))
}

/// A vault of the node `solo` with a whole snapshot from a peer.
fn from_peer(solo: &Solo, last: Position) -> SharedMedium {
    let mut medium = blank();
    let incarnation = solo.driver.raft().life().incarnation;
    let owner = Owner { cluster: CLUSTER, node: me(), incarnation };
    let chunk = config(&[me()]).max_chunk();
    let mut vault = Vault::open(&mut medium, owner, chunk, 1, &mut [0; 2_000]).unwrap();
    let bytes = 99_u64.to_le_bytes();
    let membership = Membership::initial(&[me()]);
    let crc = checksum(&[&8_u32.to_le_bytes()[..], &bytes].concat());
    let manifest = Manifest { last, membership, chunks: 1, bytes: 8, crc };
    vault.begin(&mut medium, Origin::Peer, &manifest).unwrap();
    vault.put(&mut medium, &bytes).unwrap();
    vault.seal(&mut medium).unwrap();
    medium
}

#[test]
fn a_journal_that_lost_what_its_own_snapshot_is_of() {
    let (early, world) = compacted();
    let error = refusal(World { journal: early, ..world });
    let OpenError::SnapshotAhead(ahead) = &error else { panic!("{error}") };
    assert_eq!((ahead.newest.index, ahead.journal.index), (Index(10), Index(5)));
    assert!(error.to_string().contains("it has lost entries"), "{error}");
}

#[test]
fn a_snapshot_of_a_later_term_than_the_journals() {
    let mut solo = Solo::open(World::new(), 5).unwrap();
    solo.run(2);
    let snapshots = from_peer(&solo, Position::new(9, 50));
    let error = refusal(World::on(solo.world().journal.copy(), snapshots));
    assert!(matches!(error, OpenError::SnapshotAhead(_)), "{error}");
}

/// The window of a power cut between the seal of a peer's snapshot and the journal's new base.
#[test]
fn a_peers_snapshot_that_the_journal_has_not_followed_yet() {
    let mut solo = Solo::open(World::new(), 5).unwrap();
    solo.run(2);
    let snapshots = from_peer(&solo, Position::new(1, 50));
    let solo = Solo::open(World::on(solo.world().journal.copy(), snapshots), 6).unwrap();
    assert_eq!((solo.driver.raft().applied(), solo.world().sum), (Index(50), 99));
}

/// A node whose journal knows of term 2 and whose vault has all one chunk of a snapshot through `last`,
/// not sealed.
fn with_a_transfer<const VOTERS: usize>(
    voters: &[NodeId],
    last: Position,
) -> Raft<Vec<u8>, VOTERS> {
    let membership = Membership::initial(voters);
    let manifest = Manifest { last, membership, chunks: 1, bytes: 8, crc: 7 };
    let mut loading = Loading::new::<VOTERS>(&config(voters), vec![0_u8; 1 << 16]).unwrap();
    loading.attach(Term(2), None, Some((&manifest, 1))).unwrap();
    let start = Start {
        hard_state: HardState { term: Term(2), vote: None },
        life: Life { incarnation: 1, boot: 1, nonce: 1 },
        applied: Index::ZERO,
        seed: 1,
        now: Instant::from_micros(0),
    };
    loading.start(start).unwrap()
}

/// Chunks are stored before the term they came in is durable. If all of them are there after a power
/// cut and the term is not, the snapshot must not be sealed: the next start would refuse it.
#[test]
fn a_transfer_of_a_later_term_than_the_journals_is_forgotten() {
    for (term, installs) in [(2, true), (3, false)] {
        let mut raft = with_a_transfer::<1>(&[me()], Position::new(term, 50));
        let mut buf = [0; 1_200];
        let installed = (0..10).any(|_| {
            matches!(raft.poll_output(Instant::from_micros(0), &mut buf), Output::Install(_))
        });
        assert_eq!(installed, installs);
    }
}

/// While its state is replaced a node could not lead.
#[test]
fn whose_state_is_replaced_does_not_stand_for_election() {
    let voters = [1, 2, 3].map(|number| NodeId::new(number).unwrap());
    let mut raft = with_a_transfer::<3>(&voters, Position::new(2, 50));
    let mut buf = [0; 1_200];
    let mut installs = false;
    for millis in 1..60_000 {
        let now = Instant::from_micros(millis * 1_000);
        raft.handle_timeout(now);
        loop {
            match raft.poll_output(now, &mut buf) {
                Output::Install(_) => installs = true,
                Output::Transmit(_) => panic!("it says something after {millis} ms"),
                Output::Idle { .. } => break,
                _ => {}
            }
        }
    }
    assert!(installs);
    raft.handle_install_failed(Instant::from_micros(60_000_000), SnapshotFailure::Machine).unwrap();
    let now = Instant::from_micros(70_000_000);
    raft.handle_timeout(now);
    assert!((0..9).any(|_| matches!(raft.poll_output(now, &mut buf), Output::Transmit(_))));
}

/// Its snapshots belong to the journal that was there before.
#[test]
fn a_blank_journal_beside_old_snapshots_stays_blank() {
    let (_, world) = compacted();
    let error = refusal(World { journal: blank(), ..world });
    let other = matches!(error, OpenError::Snapshots(VaultError::OtherOwner { .. }));
    assert!(other, "{error}");
}

#[test]
fn snapshots_that_are_gone() {
    let mut world = compacted().1;
    // Once more, so that the journal begins after the snapshot.
    let mut solo = Solo::open(world, 8).unwrap();
    solo.run(9);
    solo.driver.compact();
    solo.run(9);
    world = World::on(solo.world().journal.copy(), blank());
    let error = refusal(world);
    assert!(matches!(error, OpenError::SnapshotMissing(_)), "{error}");
}

/// Where the journal needs the newest snapshot, its damage is told by the place, be it in a chunk's body or
/// in its header.
#[test]
fn a_damaged_chunk() {
    let mut solo = Solo::open(compacted().1, 8).unwrap();
    solo.run(9);
    solo.driver.compact();
    solo.run(9);
    let record = 28 + config(&[me()]).max_chunk();
    for in_record in [3, 28] {
        let world = World::on(solo.world().journal.copy(), solo.world().snapshots.copy());
        world.snapshots.borrow_mut().damage(0, record + in_record, 1);
        let error = refusal(world);
        let expected = format!(
            "the newest snapshot cannot be read: chunk 0 is damaged: segment 0, byte {record}"
        );
        assert_eq!(error.to_string(), expected);
    }
}

/// Sealed, damaged, and not followed by the journal: the older one and the journal hold everything.
#[test]
fn a_damaged_snapshot_that_the_journal_has_not_followed() {
    let mut solo = Solo::open(compacted().1, 8).unwrap();
    solo.run(3);
    let (applied, sum) = (solo.driver.raft().applied(), solo.world().sum);
    let journal = solo.world().journal.copy();
    solo.driver.compact();
    solo.run(0);
    let snapshots = &solo.world().snapshots;
    assert_eq!(solo.driver.raft().snapshot().map(|newest| newest.last.index), Some(applied));
    let record = 28 + config(&[me()]).max_chunk();
    for (slot, in_record) in [(0, 3), (0, 28), (1, 3), (1, 28)] {
        let world = World::on(journal.copy(), snapshots.copy());
        world.snapshots.borrow_mut().damage(slot, record + in_record, 1);
        let mut again = Solo::open(world, 9).unwrap();
        again.run(1);
        assert_eq!(again.world().sum, sum + u64::from(b'a'));
        again.driver.compact();
        again.run(0);
        let world = World::on(again.world().journal.copy(), again.world().snapshots.copy());
        assert_eq!(Solo::open(world, 10).unwrap().world().sum, sum + u64::from(b'a'));
    }
}

/// Nobody reads a snapshot that its machine does not need: that is found, and mended, later.
#[test]
fn a_damaged_chunk_that_a_durable_machine_does_not_need() {
    let mut solo = Solo::open(compacted().1, 8).unwrap();
    solo.run(9);
    solo.driver.compact();
    solo.run(9); // As in `a_damaged_chunk`, so that the older one would not do.
    let (journal, snapshots) = (solo.world().journal.copy(), solo.world().snapshots.copy());
    let newest = solo.driver.raft().snapshot().unwrap().last.index;
    let record = 28 + config(&[me()]).max_chunk();
    let applied = solo.driver.raft().applied();
    for slot in [0, 1] {
        let (journal, snapshots) = (journal.copy(), snapshots.copy());
        snapshots.borrow_mut().damage(slot, record + 28, 1);
        let world = World { applied, sum: 7, ..World::on(journal, snapshots) };
        let again = Solo::open(world, 9).unwrap();
        let found = again.driver.raft().snapshot().map(|one| one.last.index);
        assert_eq!((found, again.world().sum), (Some(newest), 7));
    }
}

#[test]
fn a_machine_that_has_applied_what_nobody_has() {
    let error = refusal(World { applied: Index(9), ..World::new() });
    let expected = StartError { applied: Index(9), last: Index::ZERO };
    assert!(matches!(&error, OpenError::Start(start) if *start == expected), "{error}");
}
