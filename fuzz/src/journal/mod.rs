//! A journal that was written by the library, by nobody, or by the library and then damaged or
//! forged, is opened.
//!
//! The first byte chooses the medium and the mode; then comes an image of the medium, or a script
//! that writes one and a list of mutations. Opening never panics; what it refuses it has not
//! touched; what it accepts is a log that a node runs on, and is there again the next time.

mod mutate;
mod script;

use crate::input::Input;
use crate::medium::{Fault, Flash};
use raft_nostd::frame::{self, EntryKind, Frames};
use raft_nostd::invariants::Witness;
use raft_nostd::journal::{
    BUFFER_MIN, Batch, Ending, Entropy, Found, Geometry, Identity, Inspection, Opening,
    RecoverError, Recovered, Sink, Visitor, Writer, inspect, recover,
};
use raft_nostd::types::{HardState, Life, NodeId, Position};
use raft_nostd::{ClusterId, Config, Index, Instant, Loading, Raft, Start};
use script::State;

const CLUSTER: ClusterId = ClusterId(77);
const SALT: u64 = 0x0102_0304_0506_0708;
const RING: u32 = 300;
const MAX_FRAME: u32 = 64;
const ENTRIES: u32 = 64;

/// The media, by number: two segments are the least, granularities from a byte to a cell of flash.
pub const GEOMETRIES: [Geometry; 8] = [
    geometry(2, 1_024, 1, 0),
    geometry(2, 1_024, 8, 0xff),
    geometry(3, 768, 64, 0xff),
    geometry(4, 512, 1, 0),
    geometry(5, 520, 4, 0xff),
    geometry(6, 512, 8, 0),
    geometry(2, 2_048, 16, 0xff),
    geometry(9, 512, 2, 0xff),
];

const fn geometry(segments: u32, segment_bytes: u32, granularity: u32, erased: u8) -> Geometry {
    Geometry { segments, segment_bytes, granularity, erased }
}

/// The first byte of an input: bit 0 writes by a script (else there is an image), bit 1 mends all
/// checksums at the end, the next three choose the medium.
///
/// # Panics
/// When a property does not hold.
pub fn recover_journal(data: &[u8]) {
    let mut input = Input(data);
    let Some(mode) = input.byte() else { return };
    let geometry = GEOMETRIES[usize::from(mode >> 2 & 7)];
    let mut medium = if mode & 1 == 0 {
        Flash::holding(geometry, input.rest())
    } else {
        let mut medium = script::run(geometry, &mut input);
        mutate::mutate(&mut medium.bytes, geometry, &mut input);
        Flash::holding(geometry, &medium.bytes)
    };
    if mode & 2 != 0 {
        mutate::mend(&mut medium.bytes, geometry);
        medium = Flash::holding(geometry, &medium.bytes);
    }
    check(medium);
}

/// What a script leaves on the medium of that number.
pub fn image(medium: usize, script: &[u8]) -> Vec<u8> {
    script::run(GEOMETRIES[medium], &mut Input(script)).bytes
}

/// Everything that must hold of opening whatever lies on `medium`.
fn check(mut medium: Flash) {
    let mut buf = [0; BUFFER_MIN];
    let inspected = inspect(&mut medium, &mut Blind, &mut buf);
    assert!(!medium.touched, "looking changes nothing");

    let opened = open(&mut medium, 1);
    let (writer, recovered, state) = match opened {
        Ok(opened) => opened,
        // A number at its end may show only when something is to be written.
        Err(RecoverError::Exhausted(_)) => return,
        Err(error) => {
            assert!(!medium.touched, "refused ({error}), and yet written to");
            return;
        }
    };
    compare(&inspected, &recovered);
    run(&recovered, &state);

    let (_, again, same) = open(&mut medium.clone(), 2).expect("it was just opened");
    assert_eq!(same, state, "opened twice, two logs");
    assert_eq!(again.boot, recovered.boot + 1);
    assert_eq!((again.hard_state, again.last), (recovered.hard_state, recovered.last));
    assert_eq!((again.base, again.incarnation), (recovered.base, recovered.incarnation));
    assert_eq!(again.found, Found::Open, "nothing is cut twice");
    go_on(medium, writer, &state);
}

/// Opens the journal: what was found, and the log that came of it.
fn open(medium: &mut Flash, draw: u64) -> Result<(Writer, Recovered, State), RecoverError<Fault>> {
    let voters = voters();
    let config = config(&voters);
    let mut loading = loading(&config);
    let entropy = Entropy { incarnation: draw.wrapping_mul(0x9e37_79b9_7f4a_7c15), salt: SALT };
    let identity = Identity { cluster: CLUSTER, node: config.node, voters: &voters };
    let opening = Opening { identity, entropy, limits: loading.limits() };
    let mut buf = vec![0; opening.buffer_len()];
    let (writer, recovered) = recover(medium, &opening, &mut loading, &mut buf)?;
    let frames: Vec<_> = loading.live().iter().map(|entry| entry.frame.to_vec()).collect();
    assert_eq!(frames.len() as u64, recovered.last.index.since(recovered.base.index));
    assert_eq!(loading.last(), recovered.last);
    let state = State { hard_state: recovered.hard_state, base: recovered.base, frames };
    Ok((writer, recovered, state))
}

fn voters() -> [NodeId; 3] {
    [1, 2, 3].map(|id| NodeId::new(id).expect("it is not zero"))
}

fn config(voters: &[NodeId]) -> Config<'_> {
    let mut config = Config::new(CLUSTER, voters[0], voters).with_max_datagram(256);
    config.log_entries = ENTRIES;
    config.max_command = MAX_FRAME - frame::OVERHEAD_MAX as u32;
    config
}

fn loading<'a>(config: &Config<'a>) -> Loading<'a, Vec<u8>> {
    let memory = vec![0xa5; (ENTRIES * 16 + RING + MAX_FRAME) as usize];
    Loading::new::<3>(config, memory).expect("the configuration is right")
}

/// What looking says is what opening does.
fn compare(inspected: &Result<Inspection, RecoverError<Fault>>, recovered: &Recovered) {
    match inspected {
        Err(error) => {
            assert_eq!((error, recovered.found), (&RecoverError::Blank, Found::Fresh));
        }
        Ok(inspection) => {
            assert_eq!(inspection.ending, Ending::Found(recovered.found));
            assert_eq!(inspection.hard_state, recovered.hard_state);
            assert_eq!(inspection.base, recovered.base);
            assert_eq!(inspection.last, recovered.last.index);
            assert_eq!(inspection.incarnation, recovered.incarnation);
            assert_eq!(inspection.boot + 1, recovered.boot);
        }
    }
}

/// A node starts on it, and its invariants hold.
fn run(recovered: &Recovered, state: &State) {
    let voters = voters();
    let config = config(&voters);
    let mut loading = loading(&config);
    loading.reset(state.base);
    for frame in &state.frames {
        assert!(loading.append(frame), "a second log of one size");
    }
    let start = Start {
        hard_state: recovered.hard_state,
        life: Life { incarnation: recovered.incarnation, boot: recovered.boot, nonce: 1 },
        applied: Index::ZERO,
        seed: 1,
        now: Instant::ORIGIN,
    };
    let node: Raft<_, 3> = loading.start(start).expect("nothing was applied");
    if let Err(broken) = Witness::default().observe(&node) {
        panic!("a node on this journal: {broken}");
    }
}

/// The journal takes a batch, and has it the next time.
fn go_on(mut medium: Flash, mut writer: Writer, state: &State) {
    let mut next = state.clone();
    let first = next.last().index.next();
    let Some(term) = next.hard_state.term.next() else { return };
    next.hard_state = HardState { term, vote: None };
    let mut frame = [0; frame::OVERHEAD_MAX];
    let position = Position { term, index: first };
    let len = frame::encode(position, EntryKind::Noop, &[], &mut frame).expect("it fits");
    let full = state.frames.len() == ENTRIES as usize
        || state.frames.concat().len() + len > RING as usize
        || first > Index::LIMIT;
    if !full {
        next.frames.push(frame[..len].to_vec());
    }
    let live = next.frames.concat();
    let count = next.frames.len() as u64;
    let live = Frames::new(next.base.index.next(), count, &live, &[]);
    let frames = if full { Frames::none(first) } else { Frames::new(first, 1, &frame[..len], &[]) };
    let batch = Batch { hard_state: next.hard_state, frames, live, base: next.base };
    writer.write(&mut medium, &batch).expect("it was just opened");
    writer.sync(&mut medium).expect("syncs do not fail");
    let (_, _, found) = open(&mut medium, 3).expect("it was just written");
    assert_eq!(found, next, "what was written after opening");
}

/// Looks at nothing.
struct Blind;

impl Visitor for Blind {}
