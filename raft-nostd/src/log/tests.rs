use super::*;
use crate::types::{ClusterId, NodeId};
use std::vec;
use std::vec::Vec;

fn log(entries: u32, spare: usize) -> Log<Vec<u8>> {
    let voters = [NodeId::new(1).unwrap()];
    let mut config = Config::new(ClusterId(1), voters[0], &voters);
    config.log_entries = entries;
    config.max_command = 70;
    let bytes = entries as usize * SLOT_LEN + 300 + spare;
    Log::new(vec![0; bytes], &config).unwrap()
}

fn payload(seed: u64) -> Vec<u8> {
    vec![seed as u8; (seed * 37 % 71) as usize]
}

#[test]
fn memory_out_of_bounds_is_refused() {
    let voters = [NodeId::new(1).unwrap()];
    let config = Config::new(ClusterId(1), voters[0], &voters);
    let error = Log::new([0_u8; 100], &config).unwrap_err();
    assert!(matches!(error, ConfigError::Memory { given: 100, .. }), "{error}");
}

/// What a log should hold, and behind what.
#[derive(Default)]
struct Model {
    base: Position,
    entries: Vec<(Position, Vec<u8>)>,
}

impl Model {
    fn last(&self) -> Position {
        self.entries.last().map_or(self.base, |(position, _)| *position)
    }

    fn bytes(&self) -> u32 {
        let lengths =
            self.entries.iter().map(|(at, bytes)| frame::encoded_len(*at, bytes.len()).unwrap());
        lengths.sum::<usize>() as u32
    }
}

/// Random appends, truncations and compactions against a plain vector, through many wraps.
#[test]
fn agrees_with_a_vector() {
    let mut state = 1_u64;
    let mut random = move |below: u64| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (state >> 33) % below
    };
    for spare in 0..60 {
        let mut log = log(16, spare);
        let mut model = Model::default();
        let mut term = 1;
        for step in 0..400 {
            let held = model.entries.len() as u64;
            match random(6) {
                0 => {
                    let keep = random(held + 2);
                    cut(&mut log, model.base.index.plus(keep));
                    model.entries.truncate(keep as usize);
                    term += 1;
                }
                1 => {
                    let gone = random(held + 1);
                    log.compact(model.base.index.plus(gone));
                    if let Some((base, _)) = model.entries.drain(..gone as usize).next_back() {
                        model.base = base;
                    }
                }
                _ => {
                    let bytes = payload(random(1_000) + step);
                    match log.create(Term(term), EntryKind::Command, &bytes) {
                        Ok(position) => model.entries.push((position, bytes)),
                        Err(error) => check_full(&log, &model, bytes.len(), error),
                    }
                }
            }
            compare(&log, &model);
        }
    }
}

/// Forgets what is behind `keep`, for which the room was promised.
fn cut(log: &mut Log<Vec<u8>>, keep: Index) {
    let room = log.room_after(keep);
    log.truncate(keep.next());
    assert_eq!(room.entries, log.room().entries);
    // Bytes skipped at the wrap count as room, too.
    assert!(room.bytes >= log.room().bytes);
}

fn check_full(log: &Log<Vec<u8>>, model: &Model, len: usize, error: NoRoom) {
    assert_eq!(error, NoRoom::Full);
    let next = Position { term: log.last().term, index: log.last().index.next() };
    let needed = model.bytes() as usize + frame::encoded_len(next, len).unwrap();
    let capacity = log.capacity();
    let held = model.entries.len();
    assert!(held == capacity.entries as usize || needed + 2 > capacity.bytes as usize);
}

fn compare(log: &Log<Vec<u8>>, model: &Model) {
    assert_eq!((log.base(), log.last()), (model.base, model.last()));
    assert_eq!(log.room().bytes, log.capacity().bytes - model.bytes());
    for (position, bytes) in &model.entries {
        let entry = log.entry(position.index).expect("held");
        assert_eq!((entry.position, entry.payload), (*position, &bytes[..]));
        assert!(frame::verify(entry.frame).is_ok());
    }
    let all = log.frames(log.first(), log.last().index);
    let seen: Vec<_> = all.iter().map(|entry| entry.position).collect();
    let want: Vec<_> = model.entries.iter().map(|(position, _)| *position).collect();
    assert_eq!(seen, want, "{:?}", log.ring);
}

#[test]
fn the_last_at_most_is_found() {
    let mut log = log(32, 2_000);
    for term in [1, 1, 1, 3, 3, 6, 6, 6, 9] {
        log.create(Term(term), EntryKind::Noop, b"").unwrap();
    }
    let find = |index, term| log.last_at_most(Index(index), Term(term));
    assert_eq!(find(9, 9), Position::new(9, 9));
    assert_eq!(find(100, 8), Position::new(6, 8));
    assert_eq!(find(7, 5), Position::new(3, 5));
    assert_eq!(find(2, 5), Position::new(1, 2));
    assert_eq!(find(9, 0), Position::ZERO);
}

/// The payload whose frame at `position` has `len` bytes.
fn payload_of_frame(position: Position, len: u32) -> Vec<u8> {
    let overhead = frame::encoded_len(position, 0).unwrap();
    vec![7; len as usize - overhead]
}

#[test]
fn the_longest_frame_is_taken_and_none_longer() {
    let mut log = log(16, 0);
    let mut payload = payload_of_frame(Position::new(1, 1), log.max_frame + 1);
    assert_eq!(log.create(Term(1), EntryKind::Command, &payload), Err(NoRoom::TooLong));
    payload.pop();
    assert_eq!(log.create(Term(1), EntryKind::Command, &payload), Ok(Position::new(1, 1)));
}

#[test]
fn it_holds_as_many_bytes_as_it_has_room_for() {
    let mut log = log(16, 0);
    while log.room().bytes > log.max_frame {
        log.create(Term(1), EntryKind::Command, &payload(1)).unwrap();
    }
    let rest = payload_of_frame(
        Position { term: Term(1), index: log.last().index.next() },
        log.room().bytes,
    );
    log.create(Term(1), EntryKind::Command, &rest).unwrap();
    assert_eq!(log.room().bytes, 0);
    assert_eq!(log.create(Term(1), EntryKind::Noop, b""), Err(NoRoom::Full));
}

/// What a journal replaces, and goes on with, counts; what does not follow the last entry is refused.
#[test]
fn as_a_sink_it_takes_what_follows_its_last_entry() {
    let mut log = log(16, 0);
    Sink::reset(&mut log, Position::new(2, 4));
    let frame = |index| {
        let mut out = vec![0; 60];
        let position = Position::new(2, index);
        let len = frame::encode(position, EntryKind::Noop, b"", &mut out).unwrap();
        out.truncate(len);
        out
    };
    assert!(Sink::append(&mut log, &frame(5)));
    for other in [4, 5, 7] {
        assert!(!Sink::append(&mut log, &frame(other)), "{other}");
    }
    Sink::truncate(&mut log, Index(5));
    assert_eq!(log.last(), Position::new(2, 4));
    assert!(Sink::append(&mut log, &frame(5)));
    assert_eq!(Sink::live(&log).count(), 1);
}
