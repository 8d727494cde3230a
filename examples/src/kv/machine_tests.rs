//! The state machine, command by command.

use super::encoding::{Bytes, Change, Command, Condition, Query, Step, encode};
use super::machine::*;
use raft_nostd::{Committed, Index, NodeId, Position, StateMachine};

fn apply(machine: &mut Machine, command: &[u8]) -> Response {
    let index = machine.last_applied().next();
    machine.apply(Committed { position: Position::new(1, index.0), command })
}

fn run(machine: &mut Machine, command: &Command<'_>) -> Response {
    apply(machine, &encode(command))
}

fn change(machine: &mut Machine, change: Change<'_>) -> Response {
    run(machine, &Command::Change(change))
}

fn set(machine: &mut Machine, key: &str, value: &str) {
    let (key, value) = (Bytes(key.as_bytes()), Bytes(value.as_bytes()));
    let condition = Condition::Always;
    assert_eq!(change(machine, Change::Set { key, value, condition }), Response::Done);
}

fn get(machine: &Machine, key: &str) -> Option<String> {
    match machine.query(&encode(&Query::Get(Bytes(key.as_bytes())))) {
        Response::Value(value) => value.map(|value| String::from_utf8_lossy(&value).into()),
        other => panic!("{other:?}"),
    }
}

#[test]
fn conditions() {
    let mut machine = Machine::default();
    let mut set = |value: &'static [u8], condition| {
        change(&mut machine, Change::Set { key: Bytes(b"k"), value: Bytes(value), condition })
    };
    assert_eq!(set(b"1", Condition::Present), Response::Unmet);
    assert_eq!(set(b"2", Condition::Absent), Response::Done);
    assert_eq!(set(b"3", Condition::Absent), Response::Unmet);
    assert_eq!(set(b"4", Condition::Present), Response::Done);
    assert_eq!(get(&machine, "k").as_deref(), Some("4"));
}

#[test]
fn integers() {
    let mut machine = Machine::default();
    let mut add = |by| change(&mut machine, Change::Add { key: Bytes(b"n"), by });
    assert_eq!(add(5), Response::Integer(5));
    assert_eq!(add(-7), Response::Integer(-2));
    assert_eq!(add(i64::MAX), Response::Integer(i64::MAX - 2));
    assert_eq!(add(3), Response::Failed(Failure::Overflow));
    assert_eq!(get(&machine, "n"), Some((i64::MAX - 2).to_string()));
    for text in ["", "-", "+1", "01", "-0", " 1", "1 ", "1.0", "9223372036854775808"] {
        assert_eq!(integer(text.as_bytes()), None, "{text:?}");
        set(&mut machine, "x", text);
        let failed = change(&mut machine, Change::Add { key: Bytes(b"x"), by: 1 });
        assert_eq!(failed, Response::Failed(Failure::NotAnInteger));
    }
    for number in [0, 1, -1, 10, i64::MIN, i64::MAX] {
        assert_eq!(integer(number.to_string().as_bytes()), Some(number));
    }
}

#[test]
fn many_at_once() {
    let mut machine = Machine::default();
    let pairs = vec![(Bytes(b"a"), Bytes(b"1")), (Bytes(b"a"), Bytes(b"2"))];
    assert_eq!(change(&mut machine, Change::SetMany(pairs)), Response::Done);
    let keys = || vec![Bytes(b"a"), Bytes(b"a"), Bytes(b"none")];
    assert_eq!(machine.query(&encode(&Query::Count(keys()))), Response::Integer(2));
    let value = Some(Box::<[u8]>::from(&b"2"[..]));
    let values = Response::Values(vec![value.clone(), value, None]);
    assert_eq!(machine.query(&encode(&Query::GetMany(keys()))), values);
    assert_eq!(change(&mut machine, Change::Delete(keys())), Response::Integer(1));
    assert_eq!(machine.query(&encode(&Query::Size)), Response::Integer(0));
    assert_eq!(machine.bytes(), 0);
}

#[test]
fn transactions() {
    let mut machine = Machine::default();
    let get = || Step::Query(Query::Get(Bytes(b"n")));
    let add = |by| Step::Change(Change::Add { key: Bytes(b"n"), by });
    let steps = vec![get(), add(7), get(), add(i64::MAX), add(1)];
    let seven = Some(Box::<[u8]>::from(&b"7"[..]));
    let each = vec![
        Response::Value(None),
        Response::Integer(7),
        Response::Value(seven),
        Response::Failed(Failure::Overflow),
        Response::Integer(8),
    ];
    assert_eq!(run(&mut machine, &Command::Transaction(steps)), Response::Each(each));
}

#[test]
fn an_answer_is_bounded() {
    let mut machine = Machine::default();
    set(&mut machine, "k", &"v".repeat(1 << 20));
    let ask = |times| machine.query(&encode(&Query::GetMany(vec![Bytes(b"k"); times])));
    assert!(matches!(ask(16), Response::Values(_)));
    assert_eq!(ask(17), Response::Failed(Failure::AnswerTooLong));
    let get = || Step::Query(Query::Get(Bytes(b"k")));
    let steps = (0..18).map(|_| get()).collect();
    let Response::Each(each) = run(&mut machine, &Command::Transaction(steps)) else {
        panic!("a transaction answers for each step");
    };
    let long = |one: &&Response| matches!(one, Response::Failed(Failure::AnswerTooLong));
    assert_eq!(each.iter().filter(long).count(), 2);
}

#[test]
fn the_digest_tells_the_state_not_the_way_there() {
    let (mut one, mut other) = (Machine::default(), Machine::default());
    run(&mut one, &Command::Announce { node: 2, address: "old:1" });
    for machine in [&mut one, &mut other] {
        run(machine, &Command::Announce { node: 2, address: "new:1" });
    }
    set(&mut one, "a", "0");
    set(&mut one, "a", "1");
    set(&mut one, "b", "2");
    set(&mut other, "b", "2");
    assert_ne!(one.digest(), other.digest());
    set(&mut other, "c", "3");
    set(&mut other, "a", "1");
    change(&mut other, Change::Delete(vec![Bytes(b"c")]));
    assert_eq!((one.digest(), one.bytes()), (other.digest(), other.bytes()));
    let announced = {
        let mut machine = Machine::default();
        run(&mut machine, &Command::Announce { node: 2, address: "new:1" });
        machine.digest()
    };
    change(&mut one, Change::Clear);
    assert_eq!(one.digest(), announced);
    assert_eq!(one.address(NodeId::new(2).unwrap()), Some("new:1"));
}

#[test]
fn bytes_that_are_no_command_change_nothing() {
    let mut machine = Machine::default();
    let before = machine.digest();
    for bytes in [&b""[..], b"\0", b"\x01\xff", b"\x02\x05", b"\x01\x05tail"] {
        assert_eq!(apply(&mut machine, bytes), Response::Failed(Failure::Undecodable));
        assert_eq!(machine.query(bytes), Response::Failed(Failure::Undecodable));
    }
    let long = "x".repeat(ADDRESS_MAX + 1);
    let failed = run(&mut machine, &Command::Announce { node: 1, address: &long });
    assert_eq!(failed, Response::Failed(Failure::Undecodable));
    assert_eq!(machine.digest(), before);
    assert_eq!(machine.last_applied(), Index(6));
}
