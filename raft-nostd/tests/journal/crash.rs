//! Power that fails at any byte, and any sector that survives or not.

use crate::support::{Bench, Broken, Dice, Op, Setup, scripted};
use adapter_std::memory::{Fate, MemoryError};
use raft_nostd::journal::{RecoverError, WriteError};

fn is_power_cut(broken: &Broken) -> bool {
    matches!(
        broken,
        Broken::Open(RecoverError::Medium(MemoryError::PowerCut))
            | Broken::Write(WriteError::Failed(MemoryError::PowerCut))
    )
}

/// Runs the script until the budget is spent. `None`: it was never spent.
fn cut(setup: Setup, script: &[Op], budget: u64) -> Option<Bench> {
    let mut bench = Bench::new(setup);
    bench.medium.cut_after(budget);
    match bench.run(script) {
        Ok(()) => None,
        Err(broken) if is_power_cut(&broken) => Some(bench),
        Err(broken) => panic!("{setup:?} budget {budget}: {broken:?}"),
    }
}

/// What comes back after a crash also survives the next one, whatever was left of the first.
fn settle(bench: &mut Bench, mut fate: impl FnMut(usize) -> Fate) {
    bench.crash(&mut fate).unwrap();
    bench.crash(|_| Fate::Dropped).unwrap();
    for op in [Op::Append(1, 3), Op::Sync, Op::Append(1, 3)] {
        bench.step(&op).unwrap();
    }
    bench.crash(&mut fate).unwrap();
}

#[test]
fn power_fails_after_every_byte() {
    for setup in Setup::all() {
        let script = scripted();
        let mut budget = 0;
        while let Some(bench) = cut(setup, &script, budget) {
            let mut dice = Dice(budget * 7 + 1);
            let fates: [&mut dyn FnMut(usize) -> Fate; 4] = [
                &mut |_| Fate::Kept,
                &mut |_| Fate::Dropped,
                &mut |sector| if sector % 2 == 0 { Fate::Kept } else { Fate::Dropped },
                &mut |_| dice.fate(setup.sector),
            ];
            for fate in fates {
                let mut copy = bench.fork();
                settle(&mut copy, fate);
            }
            budget += 1;
        }
        assert!(budget > 2_000, "{setup:?}: the script wrote only {budget} bytes");
    }
}

#[test]
fn every_subset_of_unsynced_sectors() {
    let mut most = 0;
    for setup in Setup::all() {
        let mut bench = Bench::new(setup);
        let mut dice = Dice(99);
        bench.run(&[Op::Term(Some(1)), Op::Append(4, 20), Op::Sync]).unwrap();
        for round in 0..12 {
            // Unsynced work until there are some sectors, then every outcome.
            let mut steps = 0;
            while bench.medium.dirty_sectors().len() < 4 && steps < 8 {
                let op = match dice.roll(4) {
                    0 => Op::Replace(2, 3),
                    1 => Op::Compact(2),
                    _ => Op::Append(2, 25),
                };
                bench.step(&op).unwrap();
                steps += 1;
            }
            let dirty = bench.medium.dirty_sectors();
            most = most.max(dirty.len());
            if dirty.len() <= 6 {
                for outcome in 0..3_u32.pow(dirty.len() as u32) {
                    let mut copy = bench.fork();
                    let mut digits = outcome;
                    copy.crash(|_| {
                        let digit = digits % 3;
                        digits /= 3;
                        [Fate::Kept, Fate::Dropped, Fate::Torn(setup.sector / 2 + 4)]
                            [digit as usize]
                    })
                    .unwrap();
                }
            }
            bench.step(if round % 3 == 0 { &Op::Reopen } else { &Op::Sync }).unwrap();
        }
    }
    assert!(most >= 4, "never more than {most} unsynced sectors");
}

#[test]
fn random_histories_and_crashes() {
    for seed in 1..=60 {
        for setup in Setup::all() {
            let mut dice = Dice(seed);
            let mut bench = Bench::new(setup);
            bench.run(&[]).unwrap();
            for _ in 0..6 {
                let script = dice.script(12);
                bench.medium.cut_after(dice.roll(2_500));
                match bench.run(&script) {
                    Ok(()) => {}
                    Err(broken) if is_power_cut(&broken) => {}
                    Err(broken) => panic!("seed {seed} {setup:?}: {broken:?}"),
                }
                bench.crash(|_| dice.fate(setup.sector)).unwrap();
            }
        }
    }
}

#[test]
fn kill_restart_acknowledge_power_cut_loses_nothing() {
    for setup in Setup::all() {
        let mut bench = Bench::new(setup);
        bench.run(&[Op::Term(Some(1)), Op::Sync, Op::Append(3, 10)]).unwrap();
        // Killed before it could sync; the page cache still has it, so the new process sees it,
        // and may acknowledge it at once.
        bench.step(&Op::Reopen).unwrap();
        assert_eq!(bench.acknowledged.frames.len(), 3);
        bench.crash(|_| Fate::Dropped).unwrap();
        assert_eq!(bench.state.frames.len(), 3);
    }
}

#[test]
fn a_block_behind_a_cut_never_comes_back() {
    for setup in Setup::all() {
        let mut bench = Bench::new(setup);
        bench.run(&[Op::Term(Some(1)), Op::Append(1, 10), Op::Sync]).unwrap();
        let synced = bench.state.clone();
        // Two blocks; the first is lost, the second is intact behind it.
        bench.step(&Op::Append(1, 10)).unwrap();
        let mut torn = bench.medium.dirty_sectors();
        bench.step(&Op::Append(1, 10)).unwrap();
        torn.truncate(1);
        bench
            .crash(|sector| if torn.contains(&sector) { Fate::Dropped } else { Fate::Kept })
            .unwrap();
        if bench.state != synced {
            continue; // They shared the sector.
        }
        // A block of the same length and sequence, then a crash.
        bench.step(&Op::Append(1, 10)).unwrap();
        bench.sync().unwrap();
        let state = bench.state.clone();
        bench.crash(|_| Fate::Kept).unwrap();
        assert_eq!(bench.state, state);
    }
}
