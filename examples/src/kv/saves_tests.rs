//! What is said of snapshots.

use super::*;

fn sending(last: u64, bytes: u64) -> Way {
    let what = What::Sending(NodeId::new(2).unwrap());
    Way { what, last: Some(Position::new(1, last)), bytes, of: Some(40_000) }
}

fn at(seconds: u64) -> Instant {
    Instant::from_micros(seconds * 1_000_000)
}

#[test]
fn a_transfer_that_begins_again_has_a_rate_of_its_own() {
    let mut course = Course::begin(at(0), sending(1, 0));
    course = course.follow(at(1), sending(1, 5_000));
    assert_eq!(
        course.line(at(1)).unwrap(),
        "sending node 2 a snapshot: 5000 B of 39 KiB, 5000 B/s"
    );
    course = course.follow(at(10), sending(1, 5_000));
    assert_eq!(course.line(at(10)), None, "it got no further");
    // Ten seconds are over; the rate is that of the two since.
    course = course.follow(at(10), sending(1, 0));
    course = course.follow(at(12), sending(1, 4_000));
    let line = "sending node 2 a snapshot: 4000 B of 39 KiB, 2000 B/s (begun again once)";
    assert_eq!(course.line(at(12)).unwrap(), line);
    // A newer snapshot is another one.
    course = course.follow(at(20), sending(2, 6_000));
    course = course.follow(at(24), sending(2, 8_000));
    assert!(
        course.line(at(24)).unwrap().ends_with("8000 B of 39 KiB, 500 B/s (begun again 2 times)")
    );
}

#[test]
fn who_begins_again_and_again_is_told_of_less_and_less() {
    let mut course = Course::begin(at(0), sending(1, 0));
    let mut lines = 0;
    for second in 1..3_600 {
        course = course.follow(at(second), sending(1, 0));
        let later = at(second).plus(RATE_LEAST);
        course = course.follow(later, sending(1, 1_000 + second));
        lines += u32::from(course.line(later).is_some());
    }
    assert!((30..70).contains(&lines), "{lines}");
    let other = Way { what: What::Receiving, ..sending(1, 0) };
    assert_eq!(course.follow(at(3_600), other).due(), at(3_601));
}

#[test]
fn what_a_leader_sends_in_vain_is_told_once() {
    let bounds = Bounds { most: 1, room: 1 };
    let mut saves = Saves::new(bounds, Duration::from_millis(1));
    let mut failed = |seconds, bytes, failure| {
        let manifest = Manifest { bytes, ..Manifest::default() };
        let news = News { changes: 0, bytes: 0, why: None, declined: Some((manifest, failure)) };
        saves.failed(Voice::Quiet, at(seconds), failure, news)
    };
    assert_eq!(failed(0, 5, SnapshotFailure::TooLarge), Told::Said);
    assert_eq!(failed(20, 5, SnapshotFailure::TooLarge), Told::LeftOut);
    assert_eq!(failed(40, 6, SnapshotFailure::TooLarge), Told::Said, "another snapshot");
    assert_eq!(failed(41, 7, SnapshotFailure::TooLarge), Told::LeftOut, "not every second");
    assert_eq!(failed(51, 7, SnapshotFailure::TooLarge), Told::Said);
    // A disk may have room again.
    assert_eq!(failed(61, 7, SnapshotFailure::Full), Told::Said);
    assert_eq!(failed(71, 7, SnapshotFailure::Full), Told::Said);
    assert!(saves.trouble().unwrap().to_string().contains("disk of this node is full"));
}

#[test]
fn sizes_and_shares() {
    assert_eq!(Size(10_239).to_string(), "10239 B");
    assert_eq!(Size(10_240).to_string(), "10 KiB");
    assert_eq!(Size(256 << 20).to_string(), "256 MiB");
    assert_eq!(share(1_000, 1, 4), 250);
    assert_eq!(share(0, 0, 0), 0);
    assert_eq!(share(u64::MAX, u32::MAX, u32::MAX), u64::MAX);
}
