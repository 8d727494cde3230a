//! Which batches the writer takes, and what it makes of them.

use crate::support::{Bench, Log, Op, Setup, State, open};
use adapter_std::memory::{Fate, MemoryError};
use raft_nostd::frame::Frames;
use raft_nostd::journal::{Batch, BatchError, Found, Sink, WriteError};
use raft_nostd::types::{HardState, Index, Position, Term};

type Written = Result<(), WriteError<MemoryError>>;

fn because(error: BatchError) -> Written {
    Err(WriteError::Batch(error))
}

fn after(script: &[Op]) -> Bench {
    let mut bench = Bench::new(Setup::all()[0]);
    bench.run(script).unwrap();
    bench
}

fn write(bench: &mut Bench, batch: &Batch<'_>) -> Written {
    bench.writer.as_mut().unwrap().write(&mut bench.medium, batch)
}

/// What was written by hand is what comes back.
fn comes_back(mut bench: Bench, state: State) {
    bench.sync().unwrap();
    bench.state = state;
    bench.reopen().unwrap();
}

#[test]
fn a_base_never_goes_back() {
    let mut bench = after(&[Op::Term(None), Op::Term(None), Op::Append(4, 5), Op::Compact(2)]);
    assert_eq!(bench.state.base, Position::new(2, 2));
    let hard_state = HardState { term: Term(3), vote: None };
    for (term, index) in [(2, 1), (1, 2), (3, 2), (1, 3), (0, 0)] {
        let live = Frames::none(Index(index + 1));
        let batch = Batch { hard_state, frames: live, live, base: Position::new(term, index) };
        let written = write(&mut bench, &batch);
        assert_eq!(written, because(BatchError::Base), "{}", batch.base);
    }
}

/// Neither behind a gap, nor from before the base.
#[test]
fn entries_follow_what_is_there() {
    let mut bench = after(&[Op::Append(3, 5)]);
    let bytes = bench.state.frames.concat();
    let State { hard_state, base, .. } = bench.state;
    let gap = Frames::none(Index(5));
    let live = Frames::new(Index(1), 4, &bytes, &[]);
    let batch = Batch { hard_state, frames: gap, live, base };
    assert_eq!(write(&mut bench, &batch), because(BatchError::Entries));
    let frames = Frames::new(Index(0), 4, &bytes, &[]);
    let live = Frames::new(Index(1), 3, &bytes, &[]);
    let batch = Batch { hard_state, frames, live, base };
    assert_eq!(write(&mut bench, &batch), because(BatchError::Entries));
}

#[test]
fn what_is_nothing_new_is_not_written() {
    let mut bench = after(&[Op::Term(Some(1)), Op::Append(3, 5), Op::Compact(1), Op::Sync]);
    let before = bench.medium.calls();
    let log = Log::of(&bench.state);
    let State { hard_state, base, .. } = bench.state;
    let nothing = Frames::none(bench.state.last().next());
    let batch = Batch { hard_state, frames: nothing, live: log.live(), base };
    write(&mut bench, &batch).unwrap();
    assert_eq!(bench.medium.calls(), before);
}

/// What lies in one piece is written in one: a header, and the two slices.
#[test]
fn a_batch_takes_three_writes() {
    let mut bench = after(&[Op::Term(Some(1)), Op::Sync]);
    let before = bench.medium.calls().writes;
    bench.step(&Op::Append(2, 30)).unwrap();
    assert_eq!(bench.medium.calls().writes, before + 3);
}

/// A new base alone takes a block of its own, and nothing else.
#[test]
fn a_base_takes_seventy_six_bytes() {
    let mut bench = after(&[Op::Append(3, 5), Op::Sync]);
    let before = bench.medium.calls().bytes;
    bench.step(&Op::Compact(1)).unwrap();
    assert_eq!(bench.medium.calls().bytes, before + 76);
    assert_eq!(bench.writer.as_ref().unwrap().base(), bench.state.base);
}

/// Whatever was written last, so that a clean stop is known to be one.
#[test]
fn there_is_always_room_for_a_seal() {
    for terms in 0..14 {
        let mut bench = after(&vec![Op::Term(None); terms]);
        bench.step(&Op::Jump(1)).unwrap();
        bench.writer.as_mut().unwrap().seal(&mut bench.medium).unwrap();
        let (_, recovered, _) = open(&mut bench.medium, bench.setup.limits, 99).unwrap();
        assert_eq!(recovered.found, Found::Sealed, "after {terms}");
    }
}

/// It is refused, and the journal goes on without it.
#[test]
fn a_frame_longer_than_a_segment_does_no_harm() {
    let setup = Setup::all()[5];
    assert_eq!(setup.geometry.segment_bytes, 512);
    let mut bench = Bench::new(setup);
    bench.run(&[Op::Append(1, 5)]).unwrap();
    let mut state = bench.state.clone();
    bench.extend(&mut state, 1, 200);
    let log = Log::of(&state);
    let State { hard_state, base, .. } = state;
    let batch = Batch { hard_state, frames: log.slice(Index(2)), live: log.live(), base };
    assert_eq!(write(&mut bench, &batch), because(BatchError::TooLarge));
    bench.run(&[Op::Append(1, 5), Op::Reopen]).unwrap();
}

/// Entries may go without others in their place, in the same term.
#[test]
fn a_cut_alone_is_written() {
    let mut bench = after(&[Op::Term(Some(1)), Op::Append(3, 5)]);
    let mut state = bench.state.clone();
    state.frames.truncate(1);
    let log = Log::of(&state);
    let State { hard_state, base, .. } = state;
    let batch =
        Batch { hard_state, frames: Frames::none(Index(2)), live: log.slice(Index(1)), base };
    write(&mut bench, &batch).unwrap();
    comes_back(bench, state);
}

/// All frames may lie in the second slice, and be more than a segment takes.
#[test]
fn the_first_slice_may_be_empty() {
    let mut setup = Setup::all()[5];
    assert_eq!(setup.geometry.segment_bytes, 512);
    setup.limits.ring_bytes = 290;
    let mut bench = Bench::new(setup);
    bench.run(&[]).unwrap();
    let mut state = bench.state.clone();
    bench.extend(&mut state, 20, 20);
    let bytes = state.frames.concat();
    assert!(bytes.len() > 512 - 192 - 64 - 60);
    let frames = Frames::new(Index(1), state.frames.len() as u64, &[], &bytes);
    let hard_state = HardState::default();
    let batch = Batch { hard_state, frames, live: frames, base: Position::ZERO };
    write(&mut bench, &batch).unwrap();
    comes_back(bench, state);
}

/// A log that must be rewritten and cannot leaves the rest of the segment to what fits there.
#[test]
fn full_at_the_erase_of_a_rewrite_keeps_the_rest_of_the_segment() {
    let mut bench = Bench::new(Setup::all()[0]);
    bench.run(&vec![Op::Term(None); 11]).unwrap();
    bench.medium.fill_after(0);
    bench.step(&Op::Append(1, 10)).unwrap_err();
    let bytes = bench.medium.calls().bytes;
    bench.step(&Op::Replace(1, 0)).unwrap();
    assert_eq!(bench.medium.calls().bytes, bytes + 60);
    bench.sync().unwrap();
    let before = bench.state.clone();
    bench.crash(|_| Fate::Dropped).unwrap();
    assert_eq!(bench.state, before);
}
