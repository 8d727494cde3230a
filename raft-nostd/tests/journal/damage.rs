//! Bytes that rot under what was acknowledged: refused by name, never cut in silence.

use crate::support::{Bench, Dice, Op, Setup, State, open, scripted};
use adapter_std::memory::{Behaviour, Fate, MemoryMedium};
use raft_nostd::frame::Entry;
use raft_nostd::journal::{
    BlockKind, BlockView, Cut, Ending, Found, Inspection, Limits, NoRoom, RecoverError,
    SegmentView, Visitor, inspect,
};

#[derive(Default)]
struct Seen {
    blocks: Vec<BlockView>,
    segments: Vec<SegmentView>,
    entries: usize,
}

impl Visitor for Seen {
    fn segment(&mut self, segment: &SegmentView) {
        self.segments.push(*segment);
    }

    fn entry(&mut self, _: &Entry<'_>) -> Result<(), NoRoom> {
        self.entries += 1;
        Ok(())
    }

    fn block(&mut self, block: &BlockView) {
        self.blocks.push(*block);
    }
}

fn look(medium: &mut MemoryMedium) -> (Inspection, Seen) {
    let mut seen = Seen::default();
    let inspection = inspect(medium, &mut seen, &mut [0; 512]).unwrap();
    (inspection, seen)
}

/// Where the live blocks lie: segment, offset, bytes, sequence.
fn places(seen: &Seen) -> Vec<(u32, u32, u32, u64)> {
    let heads = seen.segments.iter().map(|segment| (segment.segment, 0, 192, segment.sequence));
    heads
        .chain(
            seen.blocks
                .iter()
                .map(|block| (block.segment, block.offset, block.bytes, block.sequence)),
        )
        .collect()
}

fn sealed(setup: Setup, script: &[Op]) -> (MemoryMedium, State) {
    let mut bench = Bench::new(setup);
    bench.run(script).unwrap();
    bench.writer.take().unwrap().seal(&mut bench.medium).unwrap();
    (bench.medium, bench.state)
}

/// Damages each byte in turn and opens.
fn rot_each_byte(setup: Setup, medium: &MemoryMedium, allowed: &[State]) {
    let (_, seen) = look(&mut medium.clone());
    let live = places(&seen);
    let blocks = seen.blocks.iter().map(|block| block.synced);
    let proven = blocks.chain(seen.segments.iter().map(|segment| segment.synced)).max().unwrap();
    for segment in 0..setup.geometry.segments {
        for offset in 0..setup.geometry.segment_bytes {
            for mask in [0xff, 1 << (offset % 8)] {
                let mut bad = medium.clone();
                bad.damage(segment, offset, mask);
                let at = live.iter().find(|(live, start, len, _)| {
                    *live == segment && (*start..*start + *len).contains(&offset)
                });
                match open(&mut bad, setup.limits, 4_444) {
                    Ok((_, _, state)) => {
                        assert!(
                            allowed.contains(&state),
                            "{setup:?} {segment} {offset}: {state:?}"
                        );
                        let harmless = at.is_none_or(|(.., sequence)| *sequence > proven);
                        assert!(harmless, "{setup:?} {segment} {offset}: live, and not missed");
                    }
                    Err(RecoverError::Corrupt(corruption)) => {
                        let (_, start, len, _) = at.unwrap();
                        assert_eq!((corruption.segment, corruption.offset), (segment, *start));
                        assert!((*start..start + len).contains(&corruption.byte));
                    }
                    Err(RecoverError::NotAJournal { .. }) if offset < 192 => {}
                    Err(error) => panic!("{setup:?} {segment} {offset}: {error:?}"),
                }
            }
        }
    }
}

#[test]
fn every_byte_under_a_seal() {
    for setup in Setup::all() {
        for length in [3, 8, 15, 17, scripted().len()] {
            let (medium, state) = sealed(setup, &scripted()[..length]);
            rot_each_byte(setup, &medium, &[state]);
        }
    }
}

/// An opening alone proves all it kept: nothing need follow its head, if it is not a rewrite.
#[test]
fn every_byte_under_an_opening() {
    for setup in Setup::all() {
        let mut bench = Bench::new(setup);
        bench.run(&[Op::Term(Some(1)), Op::Append(2, 10), Op::Reopen]).unwrap();
        if setup.geometry.segments == 6 {
            let (_, seen) = look(&mut bench.medium);
            assert_eq!(seen.segments.last().unwrap().synced, seen.blocks.last().unwrap().sequence);
        }
        rot_each_byte(setup, &bench.medium, &[bench.state]);
    }
}

/// Anything at all may lie on a medium: opening it ends, with an answer.
#[test]
fn any_bytes_at_all() {
    let mut answers = [0; 2];
    for setup in Setup::all() {
        let mut dice = Dice(setup.geometry.segments.into());
        let mut bench = Bench::new(setup);
        bench.run(&dice.script(40)).unwrap();
        for _ in 0..1_500 {
            let mut bad = bench.medium.clone();
            for _ in 0..=dice.roll(6) {
                let segment = dice.roll(setup.geometry.segments.into()) as u32;
                let offset = dice.roll(u64::from(setup.geometry.segment_bytes) - 80) as u32;
                let len = 1 + dice.roll(80) as usize;
                let from = bad.bytes(dice.roll(setup.geometry.segments.into()) as u32);
                let place = dice.roll(from.len() as u64 - 80) as usize / 8 * 8;
                match dice.roll(3) {
                    0 => bad.plant(segment, offset, &vec![dice.roll(256) as u8; len]),
                    1 => bad.plant(segment, offset / 8 * 8, &from[place..place + len]),
                    _ => bad.plant(segment, 0, &from[..setup.geometry.segment_bytes as usize]),
                }
            }
            let mut seen = Seen::default();
            let _ = inspect(&mut bad.clone(), &mut seen, &mut [0; 256]);
            answers[usize::from(open(&mut bad, setup.limits, 9).is_ok())] += 1;
        }
    }
    assert!(answers.iter().all(|count| *count > 100), "{answers:?}");
}

/// Without a seal only the last batch, which nothing followed, may go unnoticed.
#[test]
fn every_byte_but_the_last_batch() {
    for setup in Setup::all() {
        let mut bench = Bench::new(setup);
        bench.run(&scripted()).unwrap();
        bench.step(&Op::Sync).unwrap();
        let before = bench.state.clone();
        bench.step(&Op::Append(1, 5)).unwrap();
        bench.step(&Op::Sync).unwrap();
        rot_each_byte(setup, &bench.medium, &[before, bench.state]);
    }
}

#[test]
fn the_damaged_frame_is_named() {
    let setup = Setup::all()[0];
    let (mut medium, _) = sealed(setup, &[Op::Append(4, 10), Op::Sync]);
    let (_, seen) = look(&mut medium);
    let block = seen.blocks[0];
    assert_eq!((block.kind, block.entries), (BlockKind::Entries, 4));
    let frame = (block.bytes - 60) / 4;
    let third = block.offset + 60 + 2 * frame;
    medium.damage(block.segment, third + 7, 0x10);
    let error = open(&mut medium, setup.limits, 5).err().unwrap();
    let RecoverError::Corrupt(corruption) = error else { panic!("{error:?}") };
    assert_eq!((corruption.offset, corruption.byte), (block.offset, third));
    assert_eq!(
        error.to_string(),
        "block 2 in segment 0 at byte 192 is corrupt at byte 288: \
         the body does not match its checksum"
    );
    let (inspection, seen) = look(&mut medium);
    assert_eq!(inspection.ending, Ending::Corrupt(corruption));
    assert_eq!((seen.segments.len(), seen.blocks.len()), (1, 0));
}

#[test]
fn inspection_shows_what_recovery_finds() {
    for setup in Setup::all() {
        let mut bench = Bench::new(setup);
        bench.run(&scripted()).unwrap();
        let (inspection, seen) = look(&mut bench.medium);
        assert_eq!(inspection.hard_state, bench.state.hard_state);
        assert_eq!((inspection.base, inspection.last), (bench.state.base, bench.state.last()));
        assert_eq!(inspection.boot, bench.boot);
        assert_eq!(inspection.ending, Ending::Found(Found::Open));
        assert_eq!(seen.segments.last().unwrap().boot, bench.boot);
        assert_eq!(seen.entries as u64, seen.blocks.iter().map(|block| block.entries).sum::<u64>());
        bench.writer.take().unwrap().seal(&mut bench.medium).unwrap();
        let (inspection, seen) = look(&mut bench.medium);
        assert_eq!(inspection.ending, Ending::Found(Found::Sealed));
        assert_eq!(seen.blocks.last().unwrap().kind, BlockKind::Seal);
    }
}

/// A header that was begun where the chain ends is a tail; what an earlier use of the segment left there
/// is none.
#[test]
fn a_torn_header_is_told() {
    let setup = Setup::all()[0];
    let mut bench = Bench::new(setup);
    bench.run(&[Op::Append(2, 10), Op::Sync]).unwrap();
    let (_, seen) = look(&mut bench.medium);
    let BlockView { segment, offset: from, bytes, sequence, .. } = *seen.blocks.last().unwrap();
    let begun = bench.medium.bytes(segment)[from as usize..][..16].to_vec();
    let offset = (from + bytes).next_multiple_of(8);
    let found_behind = |beginning: &[u8]| {
        let mut medium = bench.medium.clone();
        medium.plant(segment, offset, beginning);
        open(&mut medium, setup.limits, 9).unwrap().1.found
    };
    let cut = Cut { segment, offset, sequence: sequence + 1 };
    assert_eq!(found_behind(&begun), Found::Torn(cut));
    for byte in [0, 1, 2, 8, 12, 15] {
        let mut other = begun.clone();
        other[byte] ^= 1;
        assert_eq!(found_behind(&other), Found::Open, "byte {byte}");
    }
}

/// Payloads that hold copies of real blocks, at every alignment, are payloads.
#[test]
fn payloads_that_look_like_blocks() {
    let mut setup = Setup::all()[0];
    setup.geometry.segment_bytes = 8_192;
    setup.limits = Limits { max_frame: 500, ring_bytes: 6_000 };
    assert_eq!(setup.behaviour, Behaviour::File);
    let mut bench = Bench::new(setup);
    bench.run(&[Op::Term(Some(1)), Op::Append(2, 100), Op::Sync, Op::Term(None)]).unwrap();
    for shift in 0..16 {
        let (_, seen) = look(&mut bench.medium);
        let block = *seen.blocks.last().unwrap();
        let bytes = bench.medium.bytes(block.segment);
        let copy = &bytes[block.offset as usize..][..block.bytes.min(200) as usize];
        let head = &bytes[..192];
        for copied in [copy, head] {
            let mut next = bench.state.clone();
            let first = next.last().next();
            let payload = [&vec![7; shift][..], copied].concat();
            bench.extend_with(&mut next, &payload);
            bench.write(next, first).unwrap();
        }
        bench.sync().unwrap();
        let state = bench.state.clone();
        let mut copy = bench.fork();
        copy.crash(|_| Fate::Dropped).unwrap();
        assert_eq!(copy.state, state);
        if shift % 5 == 4 {
            bench.step(&Op::Compact(1)).unwrap();
            bench.step(&Op::Seal).unwrap();
        }
    }
}
