//! Histories made by hand.

use std::time::Duration;

use super::super::models::kv::{Call, Reply, Text};
use super::super::{CheckError, Limits, Summary, check, check_within};

type Operation = super::super::Operation<Text>;
type Completion = super::super::Completion<Reply>;
type Violation = super::super::Violation<Text>;

const GET: Call = Call::Get;
const INCR: Call = Call::Incr;
const DEL: Call = Call::Del;
const DONE: Reply = Reply::Done;
const ABSENT: Reply = Reply::Value(None);

fn set(value: &str) -> Call {
    Call::Set(value.to_owned())
}

fn value(value: &str) -> Reply {
    Reply::Value(Some(value.to_owned()))
}

fn operation(client: u64, invoked: u64, call: Call, completion: Completion) -> Operation {
    let invoked = Duration::from_millis(invoked);
    Operation { client, key: "k".to_owned(), call, invoked, completion }
}

/// Answered: invoked and returned at these milliseconds.
fn ok(client: u64, (invoked, at): (u64, u64), call: Call, reply: Reply) -> Operation {
    operation(client, invoked, call, Completion::Ok { reply, at: Duration::from_millis(at) })
}

fn unknown(client: u64, invoked: u64, call: Call) -> Operation {
    operation(client, invoked, call, Completion::Unknown)
}

fn failed(client: u64, invoked: u64, call: Call) -> Operation {
    operation(client, invoked, call, Completion::Failed)
}

fn on(key: &str, operation: Operation) -> Operation {
    Operation { key: key.to_owned(), ..operation }
}

#[track_caller]
fn passes(operations: &[Operation]) -> Summary {
    check(operations).unwrap_or_else(|error| panic!("{error}"))
}

#[track_caller]
fn fails(operations: &[Operation]) -> Violation {
    match check(operations) {
        Err(CheckError::NotLinearizable(violation)) => *violation,
        other => panic!("expected a violation: {other:?}"),
    }
}

#[test]
fn nothing_is_linearizable() {
    assert_eq!(passes(&[]), Summary::default());
}

#[test]
fn one_client_sees_its_own_writes() {
    passes(&[
        ok(1, (0, 1), GET, ABSENT),
        ok(1, (2, 3), set("5"), DONE),
        ok(1, (4, 5), GET, value("5")),
        ok(1, (6, 7), INCR, Reply::Number(6)),
        ok(1, (8, 9), DEL, Reply::Removed(1)),
        ok(1, (10, 11), DEL, Reply::Removed(0)),
        ok(1, (12, 13), INCR, Reply::Number(1)),
        ok(1, (14, 15), set("x"), DONE),
        ok(1, (16, 17), INCR, Reply::Refused),
        ok(1, (18, 19), GET, value("x")),
    ]);
}

#[test]
fn concurrent_reads_may_see_either_value_but_not_go_back() {
    let write = ok(1, (0, 10), set("a"), DONE);
    let read = |times, reply| ok(2, times, GET, reply);
    passes(&[write.clone(), read((1, 2), ABSENT), read((3, 4), value("a"))]);
    passes(&[write.clone(), read((1, 3), value("a")), read((2, 4), ABSENT)]);
    fails(&[write, read((1, 2), value("a")), read((3, 4), ABSENT)]);
}

#[test]
fn stale_read() {
    let first = ok(1, (0, 1), set("a"), DONE);
    let second = ok(1, (2, 3), set("b"), DONE);
    fails(&[first.clone(), second.clone(), ok(2, (4, 5), GET, value("a"))]);
    passes(&[first, second, ok(2, (3, 5), GET, value("a"))]);
}

#[test]
fn read_missing_an_acknowledged_write() {
    fails(&[ok(1, (0, 1), set("a"), DONE), ok(2, (2, 3), GET, ABSENT)]);
}

#[test]
fn lost_update() {
    fails(&[
        ok(1, (0, 5), INCR, Reply::Number(1)),
        ok(2, (0, 5), INCR, Reply::Number(2)),
        ok(3, (6, 7), GET, value("1")),
    ]);
    fails(&[ok(1, (0, 5), INCR, Reply::Number(1)), ok(2, (0, 5), INCR, Reply::Number(1))]);
}

#[test]
fn incr_applied_twice() {
    fails(&[ok(1, (0, 1), INCR, Reply::Number(1)), ok(1, (2, 3), INCR, Reply::Number(3))]);
    fails(&[ok(1, (0, 1), INCR, Reply::Number(2))]);
    fails(&[unknown(1, 0, INCR), ok(2, (1, 2), GET, value("2"))]);
    passes(&[unknown(1, 0, INCR), unknown(2, 0, INCR), ok(2, (1, 2), GET, value("2"))]);
}

#[test]
fn incr_going_backwards_in_time() {
    fails(&[ok(1, (0, 1), INCR, Reply::Number(2)), ok(2, (2, 3), INCR, Reply::Number(1))]);
    passes(&[ok(1, (0, 2), INCR, Reply::Number(2)), ok(2, (1, 3), INCR, Reply::Number(1))]);
}

#[test]
fn read_of_a_value_never_written() {
    fails(&[ok(1, (0, 9), set("a"), DONE), ok(2, (1, 2), GET, value("b"))]);
    fails(&[ok(1, (0, 9), GET, value(""))]);
    fails(&[ok(1, (0, 1), set("01"), DONE), ok(1, (2, 3), GET, value("1"))]);
}

#[test]
fn read_of_a_value_before_its_write_was_invoked() {
    fails(&[ok(2, (0, 1), GET, value("a")), ok(1, (2, 3), set("a"), DONE)]);
    fails(&[ok(2, (0, 1), GET, value("a")), unknown(1, 2, set("a"))]);
    fails(&[ok(2, (0, 1), INCR, Reply::Number(2)), unknown(1, 2, INCR)]);
}

#[test]
fn two_reads_see_two_writes_in_opposite_orders() {
    let writes = [ok(1, (0, 9), set("a"), DONE), ok(2, (0, 9), set("b"), DONE)];
    let reads = |client, start, first, second| {
        let first = ok(client, (start, start + 1), GET, value(first));
        [first, ok(client, (start + 2, start + 3), GET, value(second))]
    };
    fails(&[&writes[..], &reads(3, 10, "a", "b")].concat());
    fails(&[&writes[..], &reads(3, 1, "a", "b"), &reads(4, 1, "b", "a")].concat());
    passes(&[&writes[..], &reads(3, 1, "a", "b"), &reads(4, 1, "a", "b")].concat());
}

#[test]
fn unknown_write_observed_then_unobserved() {
    let history =
        [ok(1, (0, 1), set("a"), DONE), unknown(2, 2, set("b")), ok(3, (3, 4), GET, value("b"))];
    let then = |reply| [&history[..], &[ok(3, (5, 6), GET, reply)]].concat();
    passes(&then(value("b")));
    fails(&then(value("a")));
    fails(&then(ABSENT));
}

#[test]
fn unknown_write_takes_effect_late_once_or_never() {
    let write = unknown(1, 0, set("a"));
    let read = |start, reply| ok(2, (start, start + 1), GET, reply);
    passes(&[write.clone(), read(1, ABSENT), read(3, ABSENT)]);
    passes(&[write.clone(), read(1, ABSENT), read(3, ABSENT), read(1000, value("a"))]);
    let overwritten = [write, read(1, value("a")), ok(3, (3, 4), set("b"), DONE)];
    passes(&[&overwritten[..], &[read(5, value("b"))]].concat());
    fails(&[&overwritten[..], &[read(5, value("a"))]].concat());
}

#[test]
fn unknown_operations_can_be_needed_in_a_row() {
    let count = |n| ok(9, (10, 11), INCR, Reply::Number(n));
    passes(&[unknown(1, 0, set("5")), unknown(2, 0, INCR), unknown(3, 0, INCR), count(8)]);
    fails(&[unknown(1, 0, set("5")), unknown(2, 0, INCR), unknown(3, 0, INCR), count(9)]);
    let removed = ok(8, (8, 9), DEL, Reply::Removed(1));
    passes(&[unknown(1, 0, set("5")), removed.clone(), unknown(2, 0, INCR), count(2)]);
    fails(&[removed, unknown(2, 0, DEL), count(1)]);
    passes(&[ok(1, (0, 1), set("5"), DONE), unknown(2, 0, DEL), count(1)]);
}

#[test]
fn failed_operations_have_no_effect() {
    passes(&[failed(1, 0, set("a")), ok(2, (1, 2), GET, ABSENT)]);
    fails(&[failed(1, 0, set("a")), ok(2, (1, 2), GET, value("a"))]);
}

#[test]
fn removal_counts_are_checked() {
    let write = ok(1, (0, 1), set("a"), DONE);
    let del = |times, count| ok(2, times, DEL, Reply::Removed(count));
    fails(&[write.clone(), del((2, 3), 0)]);
    fails(&[write.clone(), del((2, 4), 1), del((3, 5), 1)]);
    fails(&[write.clone(), del((2, 3), 1), ok(3, (4, 5), GET, value("a"))]);
    passes(&[write, del((2, 4), 0), del((3, 5), 1)]);
}

#[test]
fn refused_incr_says_something_about_the_value() {
    fails(&[ok(1, (0, 1), INCR, Reply::Refused)]);
    fails(&[ok(1, (0, 1), set("x"), DONE), ok(1, (2, 3), INCR, Reply::Number(1))]);
    passes(&[unknown(1, 0, set("x")), ok(2, (1, 2), INCR, Reply::Refused)]);
}

#[test]
fn an_answer_of_the_wrong_kind_is_a_violation() {
    fails(&[ok(1, (0, 1), set("a"), Reply::Removed(1))]);
    fails(&[ok(1, (0, 1), GET, DONE)]);
}

#[test]
fn operations_that_touch_in_time_are_concurrent() {
    passes(&[ok(1, (0, 5), set("a"), DONE), ok(2, (5, 6), GET, ABSENT)]);
    fails(&[ok(1, (0, 5), set("a"), DONE), ok(2, (6, 6), GET, ABSENT)]);
}

#[test]
fn an_operation_that_returned_before_its_invocation_is_malformed() {
    let wrong = ok(1, (2, 1), GET, ABSENT);
    let error = check(&[ok(1, (0, 1), GET, ABSENT), wrong.clone()]).unwrap_err();
    assert!(error.to_string().contains("before it was invoked"), "{error}");
    assert_eq!(error, CheckError::Malformed(Box::new(wrong)));
}

#[test]
fn keys_are_independent_and_the_shortest_violation_is_reported() {
    let good = [ok(1, (0, 1), set("a"), DONE), ok(1, (2, 3), GET, value("a"))];
    let bad = [ok(1, (0, 1), set("a"), DONE), ok(1, (2, 3), GET, ABSENT)];
    let worse = [failed(2, 0, GET), ok(1, (4, 5), GET, value("a"))];
    let keyed =
        |key, history: &[Operation]| history.iter().map(|o| on(key, o.clone())).collect::<Vec<_>>();
    let summary = passes(&[keyed("p", &good), keyed("q", &good)].concat());
    assert_eq!((summary.keys, summary.answered), (2, 4));
    let history = [keyed("p", &good), keyed("q", &bad), keyed("r", &worse), keyed("s", &bad)];
    let violation = fails(&history.concat());
    assert_eq!((violation.key.as_str(), violation.operations.len(), violation.total), ("r", 1, 2));
}

#[test]
fn a_violation_is_readable_and_stops_at_the_first_bad_answer() {
    let violation = fails(&[
        ok(3, (9, 12), GET, value("b")),
        ok(1, (0, 1), set("a"), DONE),
        unknown(4, 2, GET),
        unknown(4, 3, set("z")),
        ok(2, (2, 8), set("b"), DONE),
        ok(1, (10, 11), GET, value("a")),
        ok(1, (13, 14), GET, value("b")),
    ]);
    let text = violation.to_string();
    println!("{text}");
    let lines: Vec<_> = text.lines().collect();
    assert!(lines[0].contains("\"k\" is not linearizable") && lines[0].ends_with("11.000ms"));
    assert!(lines[1].contains("4 of its 7"));
    assert!(lines[3].contains("set \"a\" -> done") && lines[3].trim_start().starts_with('1'));
    let order = ["set \"a\"", "set \"b\"", "set \"z\"", "get -> \"a\""];
    assert!(order.iter().zip(&lines[3..]).all(|(call, line)| line.contains(call)), "{text}");
    assert!(lines[6].ends_with("<- last answer") && lines[6].trim_start().starts_with('-'));
    assert_eq!(lines[7], "that order leaves it at \"b\"");
}

#[test]
fn giving_up_is_not_a_verdict() {
    let limits = |max_steps| Limits { max_steps };
    let history = [ok(1, (0, 1), set("a"), DONE), ok(1, (2, 3), GET, value("a"))];
    assert_eq!(check_within(&history, limits(2)).map(|summary| summary.steps), Ok(2));
    let error = check_within(&history, limits(1)).unwrap_err();
    assert!(error.to_string().starts_with("no verdict: gave up on the 2 operations"), "{error}");
    assert_eq!(error, CheckError::TooLarge { key: "k".to_owned(), operations: 2, max_steps: 1 });
    // A violation elsewhere is certain all the same.
    let violation = on("b", ok(1, (0, 1), GET, value("a")));
    let both = [&history[..], &[violation]].concat();
    assert!(matches!(check_within(&both, limits(1)), Err(CheckError::NotLinearizable(_))));
}

/// There are 2^40 sets of concurrent writes that can come before the read, none of which helps.
#[test]
fn a_hopeless_search_ends() {
    let mut history: Vec<_> =
        (0..40).map(|n| ok(n, (0, 100), set(&format!("v{n}")), DONE)).collect();
    history.push(ok(40, (0, 100), GET, value("never")));
    let limits = Limits { max_steps: 100_000 };
    let error = check_within(&history, limits).unwrap_err();
    assert!(matches!(error, CheckError::TooLarge { operations: 41, .. }), "{error}");
}
