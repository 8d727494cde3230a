//! What is not opened, and the name it is refused by.

use crate::support::{Bench, LIMITS, Log, Op, Setup, State, VOTERS, geometry, node, open, open_as};
use adapter_std::memory::{Behaviour, Fate, MemoryMedium};
use raft_nostd::frame::Frames;
use raft_nostd::journal::{
    Batch, BatchError, Entropy, Found, Geometry, Identity, Limits, Opening, RecoverError, Sink,
    Visitor, Voters, WriteError, inspect, load,
};
use raft_nostd::types::{ClusterId, HardState, Index, NodeId, Position, Term};

fn used() -> (Setup, MemoryMedium) {
    let setup = Setup::all()[0];
    let mut bench = Bench::new(setup);
    bench.run(&[Op::Term(Some(1)), Op::Append(2, 5), Op::Sync]).unwrap();
    (setup, bench.medium)
}

/// How `used` is opened again.
fn with_opening(limits: Limits, act: impl FnOnce(&Opening<'_>)) {
    let voters: Vec<NodeId> = VOTERS.iter().map(|id| node(*id)).collect();
    let identity = Identity { cluster: ClusterId(77), node: node(1), voters: &voters };
    act(&Opening { identity, entropy: Entropy { incarnation: 8, salt: 8 }, limits });
}

struct Blind;

impl Visitor for Blind {}

/// A sink that has lost what it was given.
struct Forgetful(Log);

impl Sink for Forgetful {
    fn reset(&mut self, base: Position) {
        self.0.reset(base);
    }

    fn truncate(&mut self, from: Index) {
        self.0.truncate(from);
    }

    fn append(&mut self, frame: &[u8]) -> bool {
        self.0.append(frame)
    }

    fn live(&self) -> Frames<'_> {
        Frames::new(Index(1), self.0.live().count(), &[], &[])
    }
}

#[test]
fn another_cluster_node_or_membership() {
    let (_, medium) = used();
    let ids = |ids: &[u32]| ids.iter().map(|id| node(*id)).collect::<Vec<NodeId>>();
    let (voters, fewer, many) = (ids(&[1, 2, 3]), ids(&[1, 2]), ids(&[1, 2, 3, 4, 5, 6, 7, 8]));
    let refused = |cluster, id, voters: &[NodeId]| {
        let identity = Identity { cluster: ClusterId(cluster), node: node(id), voters };
        open_as(&mut medium.clone(), identity, LIMITS, 3).err()
    };
    assert_eq!(refused(77, 1, &voters), None);
    let (found, expected) = (ClusterId(77), ClusterId(78));
    assert_eq!(refused(78, 1, &voters), Some(RecoverError::Cluster { found, expected }));
    let (found, expected) = (node(1), node(2));
    assert_eq!(refused(77, 2, &voters), Some(RecoverError::Node { found, expected }));
    let (found, expected) = (Voters::new(&voters).unwrap(), Voters::new(&fewer).unwrap());
    assert_eq!(refused(77, 1, &fewer), Some(RecoverError::Voters { found, expected }));
    assert_eq!(refused(77, 1, &many), Some(RecoverError::TooManyVoters));
    assert_eq!(found.to_string(), "1, 2, 3");
}

#[test]
fn another_format() {
    let (setup, mut medium) = used();
    // The version is under the CRC, so a flipped bit is damage, not a version.
    let mut flipped = medium.clone();
    flipped.damage(0, 2, 3);
    assert!(matches!(
        open(&mut flipped, LIMITS, 3),
        Err(RecoverError::Corrupt(_) | RecoverError::NotAJournal { .. })
    ));
    let mut header = medium.bytes(0)[..60].to_vec();
    header[2] = 2;
    let salt = medium.bytes(0)[60..68].to_vec();
    let mut crc = raft_nostd::crc::Crc::new();
    crc.update(&salt);
    crc.update(&header[..56]);
    header[56..].copy_from_slice(&crc.finish().to_le_bytes());
    medium.plant(0, 0, &header);
    let refused = open(&mut medium, setup.limits, 3).err();
    assert_eq!(refused, Some(RecoverError::Format { found: 2, expected: 1 }));
}

#[test]
fn another_shape() {
    let (_, medium) = used();
    let mut wider = MemoryMedium::new(geometry(3, 1024, 1), Behaviour::File);
    for segment in 0..2 {
        wider.plant(segment, 0, &medium.bytes(segment));
    }
    assert!(matches!(open(&mut wider, LIMITS, 3), Err(RecoverError::Shape { .. })));
}

#[test]
fn no_journal_yet_not_blank() {
    for setup in Setup::all() {
        for (segment, offset) in [(0, 192), (0, 500), (1, 0), (1, 511)] {
            let mut medium = setup.medium();
            medium.plant(segment, offset, &[0x5a]);
            let refused = open(&mut medium, LIMITS, 1).err();
            assert_eq!(refused, Some(RecoverError::NotAJournal { segment, offset }));
        }
        let mut torn = setup.medium();
        torn.plant(0, 0, b"rj\x01h torn");
        assert_eq!(open(&mut torn, LIMITS, 1).unwrap().1.found, Found::Fresh);
    }
}

#[test]
fn a_journal_is_fresh_only_once() {
    for setup in Setup::all() {
        let mut medium = setup.medium();
        let (_, first, _) = open(&mut medium, LIMITS, 1).unwrap();
        medium.crash(|_| Fate::Dropped);
        let (_, second, _) = open(&mut medium, LIMITS, 2).unwrap();
        assert_eq!((first.found, second.found), (Found::Fresh, Found::Open));
        assert_eq!((first.boot, second.boot), (1, 2));
        assert_eq!(first.incarnation, second.incarnation);
    }
}

#[test]
fn too_small() {
    let refused = |geometry: Geometry, limits| {
        open(&mut MemoryMedium::new(geometry, Behaviour::File), limits, 1).err()
    };
    let capacity = |needed, actual| Some(RecoverError::Capacity { needed, actual });
    assert_eq!(refused(geometry(3, 512, 1), LIMITS), capacity(4, 3));
    assert_eq!(refused(geometry(4, 512, 1), LIMITS), None);
    assert_eq!(refused(geometry(9, 512, 1), Limits { max_frame: 197, ..LIMITS }), capacity(0, 9));
    assert_eq!(LIMITS.segments(&geometry(0, 512, 1)), Some(4));
    assert_eq!(Limits { max_frame: 197, ..LIMITS }.segments(&geometry(9, 512, 1)), None);
    assert_eq!(LIMITS.segments(&geometry(9, 4100, 8)), None);
    // A segment of 1,024 bytes takes 708 of frames, besides head, header, and room for a seal; 645
    // where one of 64 does not fit any more.
    for (ring_bytes, needed) in [(708, 2), (709, 4), (708 + 645, 4), (708 + 646, 6)] {
        let limits = Limits { ring_bytes, ..LIMITS };
        assert_eq!(limits.segments(&geometry(0, 1024, 1)), Some(needed));
    }
    assert_eq!(refused(geometry(1, 4096, 1), LIMITS), Some(RecoverError::Geometry));
    assert_eq!(refused(geometry(2, 256, 1), LIMITS), Some(RecoverError::Geometry));
    assert_eq!(refused(geometry(2, 4096, 128), LIMITS), Some(RecoverError::Geometry));
    assert_eq!(refused(geometry(2, 4100, 8), LIMITS), Some(RecoverError::Geometry));
}

/// Of the longest frame, and of a head.
#[test]
fn a_buffer_that_is_too_short() {
    let (_, mut medium) = used();
    for (max_frame, needed) in [(64, 256), (400, 400)] {
        let (limits, mut log) = (Limits { max_frame, ..LIMITS }, Log::new(300));
        with_opening(limits, |opening| {
            assert_eq!(opening.buffer_len(), needed);
            let mut short = vec![0; needed - 1];
            let refused = load(&mut medium, opening, &mut log, &mut short).err();
            assert_eq!(refused, Some(RecoverError::Buffer { needed }));
        });
    }
    let refused = inspect(&mut medium, &mut Blind, &mut [0; 255]).err();
    assert_eq!(refused, Some(RecoverError::Buffer { needed: 256 }));
    inspect(&mut medium, &mut Blind, &mut [0; 256]).unwrap();
}

/// What is begun is what was read: as many entries, from the same place on.
#[test]
fn another_log_than_the_journals() {
    let (setup, medium) = used();
    with_opening(setup.limits, |opening| {
        let begin = |first, count, bytes: usize| {
            let (mut medium, mut log) = (medium.clone(), Log::new(300));
            let mut buf = vec![0; opening.buffer_len()];
            let loaded = load(&mut medium, opening, &mut log, &mut buf).unwrap();
            let held = log.frames.concat();
            let live = Frames::new(Index(first), count, &held[..bytes.min(held.len())], &[]);
            loaded.begin(&mut medium, live).map(drop)
        };
        assert_eq!(begin(1, 2, usize::MAX), Ok(()));
        assert_eq!(begin(1, 0, 0), Err(RecoverError::Sink));
        assert_eq!(begin(1, 3, usize::MAX), Err(RecoverError::Sink));
        assert_eq!(begin(2, 2, usize::MAX), Err(RecoverError::Sink));
        let (mut sink, mut buf) = (Forgetful(Log::new(300)), vec![0; opening.buffer_len()]);
        let loaded = load(&mut medium.clone(), opening, &mut sink, &mut buf);
        assert_eq!(loaded.err(), Some(RecoverError::Sink));
    });
}

#[test]
fn a_log_smaller_than_the_journal() {
    let (_, mut medium) = used();
    let limits = Limits { ring_bytes: 20, ..LIMITS };
    let refused = open(&mut medium, limits, 3).err();
    assert_eq!(refused, Some(RecoverError::LogFull { index: Index(2) }));
}

/// A bound that was lowered is no damage, whether or not the frame still fits into the buffer.
#[test]
fn a_frame_longer_than_the_bound() {
    let wide = Limits { max_frame: 500, ring_bytes: 600 };
    for (payload, max_frame) in [(400, 64), (100, 64), (400, 300)] {
        let mut setup = Setup::all()[0];
        setup.limits = wide;
        let mut bench = Bench::new(setup);
        bench.run(&[Op::Append(1, 3), Op::Append(1, payload), Op::Sync]).unwrap();
        let len = bench.state.frames[1].len() as u32;
        let before = bench.medium.calls();
        let error = open(&mut bench.medium, Limits { max_frame, ..wide }, 9).unwrap_err();
        let most = max_frame as u32;
        assert_eq!(error, RecoverError::FrameTooLong { index: Index(2), len, most });
        assert_eq!(
            error.to_string(),
            format!("entry 2 takes {len} bytes, and the bound is {most} now")
        );
        assert_eq!(bench.medium.calls(), before);
        assert_eq!(open(&mut bench.medium, wide, 9).unwrap().2, bench.state);
    }
}

#[test]
fn batches_that_contradict_the_journal() {
    let mut bench = Bench::new(Setup::all()[0]);
    bench.run(&[Op::Term(Some(2)), Op::Append(3, 5), Op::Sync]).unwrap();
    let state = bench.state.clone();
    let log = Log::of(&state);
    let good = Batch {
        hard_state: state.hard_state,
        frames: Frames::none(Index(4)),
        live: log.slice(Index(1)),
        base: Position::ZERO,
    };
    let mut refused = |batch| bench.writer.as_mut().unwrap().write(&mut bench.medium, &batch);
    let because = |error| Err(WriteError::Batch(error));
    assert_eq!(refused(good), Ok(()));
    let back = HardState { term: Term(0), vote: None };
    assert_eq!(refused(Batch { hard_state: back, ..good }), because(BatchError::HardState));
    let other = HardState { vote: Some(node(3)), ..state.hard_state };
    assert_eq!(refused(Batch { hard_state: other, ..good }), because(BatchError::HardState));
    for first in [0, 1, 3, 5] {
        let frames = Frames::none(Index(first));
        assert_eq!(refused(Batch { frames, ..good }), because(BatchError::Entries), "{first}");
    }
    let base = Position::new(1, 1);
    assert_eq!(refused(Batch { base, ..good }), because(BatchError::Entries));
    let long = [0; 400];
    let live = Frames::new(Index(1), 3, &long, &[]);
    assert_eq!(refused(Batch { live, ..good }), because(BatchError::TooLarge));
    bench.crash(|_| Fate::Dropped).unwrap();
    assert_eq!(bench.state, State { ..state });
}
