//! The state machine's snapshots.

use super::encoding::{Bytes, Change, Command, Condition, encode};
use super::machine::Machine;
use raft_nostd::{Committed, NodeId, Position, SnapshotError, StateMachine};

fn run(machine: &mut Machine, command: &Command<'_>) {
    let index = machine.last_applied().next();
    let command = &encode(command);
    machine.apply(Committed { position: Position::new(1, index.0), command });
}

fn set(machine: &mut Machine, key: &[u8], value: &[u8]) {
    let condition = Condition::Always;
    run(machine, &Command::Change(Change::Set { key: Bytes(key), value: Bytes(value), condition }));
}

/// All of a snapshot, in pieces of `piece` bytes; `meanwhile` happens between them.
fn snapshot(
    machine: &mut Machine,
    piece: usize,
    mut meanwhile: impl FnMut(&mut Machine),
) -> Vec<Vec<u8>> {
    let (mut pieces, mut offset) = (Vec::new(), 0);
    loop {
        let mut bytes = vec![0; piece];
        let len = machine.snapshot(offset, &mut bytes).unwrap();
        if len == 0 {
            return pieces;
        }
        bytes.truncate(len);
        offset += len as u64;
        pieces.push(bytes);
        meanwhile(machine);
    }
}

fn restore(machine: &mut Machine, pieces: &[Vec<u8>]) -> Result<(), SnapshotError> {
    let mut offset = 0;
    for piece in pieces {
        machine.restore(offset, piece)?;
        offset += piece.len() as u64;
    }
    machine.restore(offset, &[])
}

fn filled() -> Machine {
    let mut machine = Machine::default();
    run(&mut machine, &Command::Announce { node: 3, address: "there:1" });
    for number in 0..50_u8 {
        let (key, value) = ([number, 9], vec![number; usize::from(number) * 7]);
        set(&mut machine, &key, &value);
    }
    machine
}

#[test]
fn a_snapshot_is_of_the_moment_it_was_begun_at() {
    for piece in [1, 7, 100, 5_000] {
        let mut machine = filled();
        let (digest, at) = (machine.digest(), machine.last_applied());
        let mut turn = 0_u8;
        let pieces = snapshot(&mut machine, piece, |machine| {
            turn = turn.wrapping_add(3);
            set(machine, &[turn % 60, 9], b"changed meanwhile");
            if turn == 33 {
                run(machine, &Command::Change(Change::Clear));
            }
        });
        let mut other = Machine::default();
        set(&mut other, b"old", b"state");
        restore(&mut other, &pieces).unwrap();
        assert_eq!((other.digest(), other.last_applied(), other.keys()), (digest, at, 50));
        assert_eq!(other.address(NodeId::new(3).unwrap()), Some("there:1"));
        assert_eq!(other.bytes(), filled().bytes());
    }
}

#[test]
fn a_snapshot_that_is_not_whole_leaves_the_old_state() {
    let pieces = snapshot(&mut filled(), 64, |_| ());
    let mut machine = Machine::default();
    set(&mut machine, b"old", b"state");
    let before = machine.digest();
    assert!(restore(&mut machine, &pieces[..pieces.len() - 1]).is_err());
    for at in 0..pieces.len() {
        let mut damaged = pieces.clone();
        damaged[at][0] ^= 0x40;
        assert!(restore(&mut machine, &damaged).is_err(), "piece {at}");
        let mut missing = pieces.clone();
        missing.remove(at);
        assert!(restore(&mut machine, &missing).is_err(), "without piece {at}");
    }
    assert_eq!(machine.digest(), before);
    restore(&mut machine, &pieces).unwrap();
    assert_eq!(machine.digest(), filled().digest());
}

#[test]
fn a_snapshot_that_is_given_up_lets_its_image_go() {
    let mut machine = filled();
    assert_eq!(machine.snapshot(0, &mut [0; 10]), Ok(10));
    assert_eq!(machine.snapshot(10, &mut []), Ok(0));
    assert_eq!(machine.snapshot(10, &mut [0; 10]), Err(SnapshotError::Malformed));
}

/// As Redis counts: each key that is changed.
#[test]
fn changes_since_the_last_snapshot_are_counted() {
    let mut machine = Machine::default();
    let since = |machine: &Machine| machine.changes() - machine.changes_written();
    set(&mut machine, b"a", b"1");
    set(&mut machine, b"b", b"1");
    run(&mut machine, &Command::Announce { node: 3, address: "there:1" });
    let absent = Condition::Absent;
    let unmet = Change::Set { key: Bytes(b"a"), value: Bytes(b"2"), condition: absent };
    run(&mut machine, &Command::Change(unmet));
    run(&mut machine, &Command::Change(Change::Delete(vec![Bytes(b"a"), Bytes(b"none")])));
    assert_eq!(since(&machine), 3);
    let pieces = snapshot(&mut machine, 64, |machine| set(machine, b"meanwhile", b"1"));
    assert_eq!(since(&machine), pieces.len() as u64, "what came meanwhile is not in it");
    let keys = [b"c", b"d", b"e"].map(|key| (Bytes(key), Bytes(b"1")));
    run(&mut machine, &Command::Change(Change::SetMany(keys.to_vec())));
    run(&mut machine, &Command::Change(Change::Add { key: Bytes(b"a"), by: 1 }));
    run(&mut machine, &Command::Change(Change::Clear)); // a, b, c, d, e, meanwhile
    assert_eq!(since(&machine), pieces.len() as u64 + 3 + 1 + 6);
    restore(&mut machine, &pieces).unwrap();
    assert_eq!(since(&machine), 0);
}
