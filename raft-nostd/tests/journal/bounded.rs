//! A journal of fixed size never fills up.

use crate::support::{Bench, Op, Setup};
use adapter_std::memory::Fate;
use raft_nostd::journal::Limits;

#[test]
fn a_hundred_thousand_flapping_terms() {
    for setup in Setup::all() {
        let mut bench = Bench::new(setup);
        bench.run(&[Op::Append(4, 20)]).unwrap();
        for flap in 0..100_000 / 6 {
            bench.step(&Op::Term(Some(1 + flap % 3))).unwrap();
            bench.step(&Op::Sync).unwrap();
        }
        let before = bench.state.clone();
        bench.crash(|_| Fate::Dropped).unwrap();
        assert_eq!(bench.state, before);
        assert_eq!(bench.state.hard_state.term.0, 100_000 / 6);
    }
}

#[test]
fn a_hundred_thousand_terms_on_two_segments_of_flash() {
    let setup = Setup::all()[1];
    assert_eq!(setup.geometry.segments, 2);
    let mut bench = Bench::new(setup);
    bench.run(&[Op::Append(4, 20)]).unwrap();
    for _ in 0..100_000 {
        bench.step(&Op::Term(Some(1))).unwrap();
        bench.step(&Op::Sync).unwrap();
    }
    bench.crash(|_| Fate::Dropped).unwrap();
    assert_eq!(bench.state.hard_state.term.0, 100_000);
    assert_eq!(bench.state.frames.len(), 4);
}

#[test]
fn ten_thousand_openings() {
    for setup in Setup::all() {
        let mut bench = Bench::new(setup);
        bench.run(&[Op::Term(Some(2)), Op::Append(4, 30), Op::Sync]).unwrap();
        let before = bench.state.clone();
        for opening in 0..10_000_u32 / 3 {
            match opening % 3 {
                0 => bench.crash(|_| Fate::Kept).unwrap(),
                1 => bench.step(&Op::Reopen).unwrap(),
                _ => bench.step(&Op::Seal).unwrap(),
            }
        }
        assert_eq!(bench.state, before);
        assert!(bench.boot > 10_000 / 3);
    }
}

/// Opening itself is cut short, again and again, at every place.
#[test]
fn openings_that_crash_use_nothing_up() {
    for setup in Setup::all() {
        let mut bench = Bench::new(setup);
        bench.run(&[Op::Term(Some(2)), Op::Append(4, 30), Op::Sync]).unwrap();
        let before = bench.state.clone();
        for round in 0..1_000_u64 {
            bench.medium.cut_after(round * 37 % 700);
            let _ = bench.reopen();
            bench.medium.crash(|sector| {
                if (sector as u64 + round).is_multiple_of(3) { Fate::Dropped } else { Fate::Kept }
            });
        }
        bench.reopen().unwrap();
        assert_eq!(bench.state, before);
    }
}

/// Frames that fill a segment to the last byte.
#[test]
fn frames_as_long_as_a_segment() {
    let mut setup = Setup::all()[5];
    assert_eq!((setup.geometry.segments, setup.geometry.segment_bytes), (6, 512));
    setup.limits = Limits { max_frame: 196, ring_bytes: 392 };
    let mut bench = Bench::new(setup);
    for _ in 0..30 {
        bench.run(&[Op::Append(2, 187), Op::Sync]).unwrap();
        assert_eq!(bench.state.frames.concat().len(), 392);
        bench.run(&[Op::Replace(0, 0), Op::Compact(0), Op::Reopen]).unwrap();
    }
}

#[test]
fn the_log_is_rewritten_while_it_is_full() {
    for setup in Setup::all() {
        let mut bench = Bench::new(setup);
        bench.run(&[]).unwrap();
        for round in 0..500 {
            bench.step(&Op::Append(9, round % 50)).unwrap();
            bench.step(&Op::Replace(round % 7, 6)).unwrap();
            bench.step(&Op::Compact(round % 9)).unwrap();
            if round % 5 == 0 {
                bench.step(&Op::Sync).unwrap();
            }
        }
        bench.step(&Op::Sync).unwrap();
        let before = bench.state.clone();
        bench.crash(|_| Fate::Dropped).unwrap();
        assert_eq!(bench.state, before);
    }
}
