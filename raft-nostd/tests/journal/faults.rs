//! A medium that is full for a while, and one that fails.

use crate::support::{Bench, Broken, Dice, Op, Setup};
use adapter_std::memory::{Fate, MemoryError};
use raft_nostd::journal::{Limits, PersistFailure, WriteError};

fn is_full(broken: &Broken) -> bool {
    matches!(broken, Broken::Write(error) if error.failure() == PersistFailure::Full)
}

/// Whatever happens while the medium is full, what is written afterwards is all there.
#[test]
fn full_then_retried_loses_nothing() {
    let mut seen = 0;
    for seed in 1..200 {
        for setup in Setup::all() {
            let mut dice = Dice(seed);
            let mut bench = Bench::new(setup);
            bench.run(&[]).unwrap();
            for _ in 0..30 {
                match dice.roll(4) {
                    0 => bench.medium.fill_after(dice.roll(3)),
                    1 => bench.medium.fill_writes_after(dice.roll(400)),
                    _ => {}
                }
                let op = match dice.roll(6) {
                    0 => Op::Term(Some(1)),
                    1 => Op::Compact(2),
                    2 => Op::Replace(2, 2),
                    _ => Op::Append(3, 20),
                };
                match bench.step(&op) {
                    Ok(()) => {}
                    Err(broken) if is_full(&broken) => {
                        seen += 1;
                        if dice.roll(3) == 0 {
                            bench.crash(|_| dice.fate(setup.sector)).unwrap();
                        } else if dice.roll(2) == 0 {
                            bench.medium.make_room();
                            bench.step(&Op::Sync).unwrap();
                        }
                    }
                    Err(broken) => panic!("seed {seed} {setup:?}: {broken:?}"),
                }
                bench.medium.make_room();
                if dice.roll(3) == 0 {
                    bench.step(&Op::Sync).unwrap();
                }
            }
            bench.step(&Op::Sync).unwrap();
            let before = bench.state.clone();
            bench.crash(|_| Fate::Dropped).unwrap();
            assert_eq!(bench.state, before);
        }
    }
    assert!(seen > 1_000, "full only {seen} times");
}

#[test]
fn full_at_an_erase_keeps_the_rest_of_the_segment() {
    let setup = Setup::all()[0];
    let mut bench = Bench::new(setup);
    bench.run(&[]).unwrap();
    bench.medium.fill_after(0);
    let mut written = 0;
    while bench.step(&Op::Append(1, 50)).is_ok() {
        bench.step(&Op::Sync).unwrap();
        match bench.step(&Op::Compact(0)) {
            Ok(()) => written += 1,
            Err(broken) => assert!(is_full(&broken)),
        }
    }
    assert!(written >= 2);
    // A vote is smaller than the entry that did not fit, but nothing may overtake.
    let _ = bench.step(&Op::Term(Some(2)));
    bench.medium.make_room();
    bench.step(&Op::Append(1, 50)).unwrap();
    bench.step(&Op::Sync).unwrap();
    let before = bench.state.clone();
    bench.crash(|_| Fate::Dropped).unwrap();
    assert_eq!(bench.state, before);
}

/// A rewrite that ran out of space in its second segment leaves blocks behind; what the old chain
/// takes meanwhile must not have the same sequences.
#[test]
fn full_in_the_middle_of_a_rewrite() {
    let mut setup = Setup::all()[3];
    setup.geometry.segment_bytes = 1024;
    setup.limits = Limits { max_frame: 500, ring_bytes: 900 };
    let mut reached = 0;
    for terms in 0..40 {
        let mut bench = Bench::new(setup);
        bench.run(&[Op::Append(1, 380), Op::Sync]).unwrap();
        for _ in 0..terms {
            bench.step(&Op::Term(Some(1))).unwrap();
            bench.step(&Op::Sync).unwrap();
        }
        let before = bench.medium.calls().erases;
        bench.medium.fill_after(1);
        if bench.step(&Op::Append(1, 480)).is_err() {
            assert_eq!(bench.medium.calls().erases, before + 1);
            reached += 1;
            bench.medium.fill_after(0);
            // Small enough for what is left of the old segment.
            for op in [Op::Jump(1), Op::Term(None), Op::Term(None), Op::Term(None), Op::Term(None)]
            {
                for op in [op, Op::Sync] {
                    bench
                        .step(&op)
                        .or_else(|broken| is_full(&broken).then_some(()).ok_or(broken))
                        .unwrap();
                }
            }
        }
        bench.crash(|_| Fate::Kept).unwrap();
    }
    assert!(reached > 1, "{reached}");
}

#[test]
fn a_failed_sync_halts_for_good() {
    for setup in Setup::all() {
        let mut bench = Bench::new(setup);
        bench.run(&[Op::Append(1, 10), Op::Sync, Op::Append(1, 10)]).unwrap();
        bench.medium.fail_syncs();
        let failed = Broken::Write(WriteError::Failed(MemoryError::Sync));
        assert_eq!(bench.step(&Op::Sync), Err(failed));
        bench.medium.restart();
        let poisoned = || Err(Broken::Write(WriteError::Poisoned));
        assert_eq!(bench.step(&Op::Sync), poisoned());
        assert_eq!(bench.step(&Op::Append(1, 1)), poisoned());
        assert_eq!(bench.step(&Op::Seal), poisoned());
        bench.crash(|_| Fate::Dropped).unwrap();
        assert_eq!(bench.state.frames.len(), 1);
    }
}

#[test]
fn a_failed_write_halts_for_good() {
    for setup in Setup::all() {
        let mut bench = Bench::new(setup);
        bench.run(&[Op::Append(1, 10), Op::Sync]).unwrap();
        bench.medium.cut_after(30);
        let failed = Broken::Write(WriteError::Failed(MemoryError::PowerCut));
        assert_eq!(bench.step(&Op::Append(1, 10)), Err(failed));
        bench.medium.restart();
        assert_eq!(bench.step(&Op::Sync), Err(Broken::Write(WriteError::Poisoned)));
    }
}
