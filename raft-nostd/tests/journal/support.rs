//! A log in a `Vec`, a model of what is acknowledged, and scripts that drive a journal.

use adapter_std::memory::{Behaviour, Fate, MemoryError, MemoryMedium};
use raft_nostd::frame::{EntryKind, Frames, decode, encode};
use raft_nostd::journal::{
    Batch, Entropy, Geometry, Identity, Limits, Opening, RecoverError, Recovered, Sink, WriteError,
    Writer, recover,
};
use raft_nostd::types::{ClusterId, HardState, Index, NodeId, Position};

pub fn node(id: u32) -> NodeId {
    NodeId::new(id).unwrap()
}

/// What a journal should hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct State {
    pub hard_state: HardState,
    pub base: Position,
    pub frames: Vec<Vec<u8>>,
}

impl State {
    pub fn new() -> Self {
        Self { hard_state: HardState::default(), base: Position::ZERO, frames: Vec::new() }
    }

    pub fn last(&self) -> Index {
        self.base.index.plus(self.frames.len() as u64)
    }

    pub fn last_position(&self) -> Position {
        self.frames.last().map_or(self.base, |frame| decode(frame).unwrap().position)
    }
}

/// The log's memory: frames in one run of bytes, lent out in two slices.
pub struct Log {
    pub base: Position,
    pub frames: Vec<Vec<u8>>,
    bytes: Vec<u8>,
    pub capacity: usize,
}

impl Log {
    pub fn new(capacity: usize) -> Self {
        Self { base: Position::ZERO, frames: Vec::new(), bytes: Vec::new(), capacity }
    }

    pub fn of(state: &State) -> Self {
        let frames = state.frames.clone();
        Self { base: state.base, bytes: frames.concat(), frames, capacity: usize::MAX }
    }

    pub fn slice(&self, from: Index) -> Frames<'_> {
        let skip = from.since(self.base.index.next()) as usize;
        let start: usize = self.frames[..skip].iter().map(Vec::len).sum();
        let count = self.frames.len() - skip;
        let half: usize = self.frames[skip..skip + count / 2].iter().map(Vec::len).sum();
        let (before, after) = self.bytes[start..].split_at(half);
        Frames::new(from, count as u64, before, after)
    }
}

impl Sink for Log {
    fn reset(&mut self, base: Position) {
        self.base = base;
        self.frames.clear();
        self.bytes.clear();
    }

    fn truncate(&mut self, from: Index) {
        assert!(from > self.base.index);
        self.frames.truncate(from.since(self.base.index.next()) as usize);
        self.bytes = self.frames.concat();
    }

    fn append(&mut self, frame: &[u8]) -> bool {
        let next = self.base.index.plus(self.frames.len() as u64 + 1);
        assert_eq!(decode(frame).unwrap().position.index, next);
        if self.bytes.len() + frame.len() > self.capacity {
            return false;
        }
        self.bytes.extend_from_slice(frame);
        self.frames.push(frame.to_vec());
        true
    }

    fn live(&self) -> Frames<'_> {
        self.slice(self.base.index.next())
    }
}

/// One step of a script.
#[derive(Clone, Debug)]
pub enum Op {
    /// So many entries of so many payload bytes, in the current term.
    Append(usize, usize),
    /// A new term, a vote for this node or none.
    Term(Option<u32>),
    /// Replace the last so many entries by so many others in a new term.
    Replace(usize, usize),
    /// Move the base up, all but the last so many entries.
    Compact(usize),
    /// A snapshot so far beyond the end.
    Jump(u64),
    Sync,
    Seal,
    /// Kill and start again; the medium keeps its power.
    Reopen,
}

#[derive(Clone, Copy, Debug)]
pub struct Setup {
    pub geometry: Geometry,
    pub behaviour: Behaviour,
    pub sector: usize,
    pub limits: Limits,
}

pub const fn geometry(segments: u32, segment_bytes: u32, granularity: u32) -> Geometry {
    Geometry { segments, segment_bytes, granularity, erased: 0 }
}

pub const LIMITS: Limits = Limits { max_frame: 64, ring_bytes: 300 };

impl Setup {
    pub fn medium(&self) -> MemoryMedium {
        MemoryMedium::new(self.geometry, self.behaviour).with_sectors(self.sector)
    }

    /// Files and flash, each granularity, checkpoints in one segment and in several.
    pub fn all() -> Vec<Self> {
        let setup = |segments, bytes, granularity, behaviour, sector| {
            let mut geometry = geometry(segments, bytes, granularity);
            if behaviour == Behaviour::Nor {
                geometry.erased = 0xff;
            }
            Self { geometry, behaviour, sector, limits: LIMITS }
        };
        vec![
            setup(2, 1024, 1, Behaviour::File, 128),
            setup(2, 1024, 8, Behaviour::Nor, 64),
            setup(3, 768, 64, Behaviour::Nor, 256),
            setup(4, 512, 1, Behaviour::File, 64),
            setup(5, 520, 4, Behaviour::Blanking, 512),
            setup(6, 512, 8, Behaviour::File, 512),
        ]
    }
}

pub const VOTERS: &[u32] = &[1, 2, 3];

pub fn open(
    medium: &mut MemoryMedium,
    limits: Limits,
    draw: u64,
) -> Result<(Writer, Recovered, State), RecoverError<MemoryError>> {
    let voters: Vec<NodeId> = VOTERS.iter().map(|id| node(*id)).collect();
    let identity = Identity { cluster: ClusterId(77), node: node(1), voters: &voters };
    open_as(medium, identity, limits, draw)
}

pub fn open_as(
    medium: &mut MemoryMedium,
    identity: Identity<'_>,
    limits: Limits,
    draw: u64,
) -> Result<(Writer, Recovered, State), RecoverError<MemoryError>> {
    let entropy = Entropy { incarnation: draw.wrapping_mul(0x9e37_79b9_7f4a_7c15), salt: draw };
    let opening = Opening { identity, entropy, limits };
    let mut log = Log::new(limits.ring_bytes);
    let mut buf = vec![0; opening.buffer_len()];
    let (writer, recovered) = recover(medium, &opening, &mut log, &mut buf)?;
    let state =
        State { hard_state: recovered.hard_state, base: recovered.base, frames: log.frames };
    assert_eq!(log.base, recovered.base);
    assert_eq!(recovered.last, state.last_position());
    Ok((writer, recovered, state))
}

/// One write that was not acknowledged yet.
#[derive(Clone, Debug)]
struct Pending {
    after: State,
    first: Index,
}

/// A journal in use, and what must come back.
pub struct Bench {
    pub setup: Setup,
    pub medium: MemoryMedium,
    pub writer: Option<Writer>,
    pub state: State,
    pub acknowledged: State,
    pending: Vec<Pending>,
    /// From where on a full medium owes us entries, term and vote.
    owed: Option<Index>,
    pub boot: u32,
    pub draws: u64,
    payload: u8,
}

#[derive(Debug, PartialEq, Eq)]
pub enum Broken {
    Open(RecoverError<MemoryError>),
    Write(WriteError<MemoryError>),
}

impl Bench {
    pub fn new(setup: Setup) -> Self {
        Self {
            setup,
            medium: setup.medium(),
            writer: None,
            state: State::new(),
            acknowledged: State::new(),
            pending: Vec::new(),
            owed: None,
            boot: 0,
            draws: 1,
            payload: 0,
        }
    }

    /// A copy, without a writer.
    pub fn fork(&self) -> Self {
        Self {
            setup: self.setup,
            medium: self.medium.clone(),
            writer: None,
            state: self.state.clone(),
            acknowledged: self.acknowledged.clone(),
            pending: self.pending.clone(),
            owed: self.owed,
            boot: self.boot,
            draws: self.draws,
            payload: self.payload,
        }
    }

    pub fn run(&mut self, script: &[Op]) -> Result<(), Broken> {
        if self.writer.is_none() {
            self.reopen()?;
        }
        script.iter().try_for_each(|op| self.step(op))
    }

    pub fn step(&mut self, op: &Op) -> Result<(), Broken> {
        let mut next = self.state.clone();
        let mut first = next.last().next();
        match *op {
            Op::Append(count, size) => self.extend(&mut next, count, size),
            Op::Term(vote) => {
                next.hard_state.term = next.hard_state.term.next().unwrap();
                next.hard_state.vote = vote.map(node);
            }
            Op::Replace(back, count) => {
                next.hard_state =
                    HardState { term: next.hard_state.term.next().unwrap(), vote: None };
                next.frames.truncate(next.frames.len().saturating_sub(back));
                first = next.last().next();
                self.extend(&mut next, count, 5);
            }
            Op::Compact(keep) => {
                let gone = next.frames.len().saturating_sub(keep);
                if let Some(frame) = gone.checked_sub(1).map(|last| &next.frames[last]) {
                    next.base = decode(frame).unwrap().position;
                    next.frames.drain(..gone);
                }
            }
            Op::Jump(far) => {
                next.base = Position { term: next.hard_state.term, index: next.last().plus(far) };
                next.frames.clear();
                first = next.last().next();
            }
            Op::Sync => return self.sync(),
            Op::Seal => {
                let sealed = self.writer.as_mut().unwrap().seal(&mut self.medium);
                self.acknowledge(sealed)?;
                return self.reopen();
            }
            Op::Reopen => return self.reopen(),
        }
        self.write(next, first)
    }

    pub fn extend(&mut self, next: &mut State, count: usize, size: usize) {
        for _ in 0..count {
            self.payload = self.payload.wrapping_add(1);
            let payload = vec![self.payload; size];
            self.extend_with(next, &payload);
        }
    }

    /// Adds an entry, if there is room.
    pub fn extend_with(&self, next: &mut State, payload: &[u8]) {
        let position = Position { term: next.hard_state.term, index: next.last().next() };
        let mut frame = [0; 512];
        let len = encode(position, EntryKind::Command, payload, &mut frame).unwrap();
        let total: usize = next.frames.iter().map(Vec::len).sum();
        if total + len <= self.setup.limits.ring_bytes {
            next.frames.push(frame[..len].to_vec());
        }
    }

    pub fn write(&mut self, next: State, first: Index) -> Result<(), Broken> {
        // What a full medium refused is still in memory, and goes with the next batch.
        let first = self.owed.map_or(first, |owed| owed.min(first)).max(next.base.index.next());
        let log = Log::of(&next);
        let batch = Batch {
            hard_state: next.hard_state,
            frames: log.slice(first),
            live: log.live(),
            base: next.base,
        };
        self.pending.push(Pending { after: next.clone(), first });
        let written = self.writer.as_mut().unwrap().write(&mut self.medium, &batch);
        self.owed = match &written {
            Err(WriteError::Full(_)) => Some(first),
            _ => None,
        };
        if matches!(&written, Ok(()) | Err(WriteError::Full(_))) {
            self.state = next;
        }
        written.map_err(Broken::Write)
    }

    pub fn sync(&mut self) -> Result<(), Broken> {
        if let Some(owed) = self.owed {
            self.write(self.state.clone(), owed)?;
        }
        let synced = self.writer.as_mut().unwrap().sync(&mut self.medium);
        self.acknowledge(synced)
    }

    fn acknowledge(&mut self, synced: Result<(), WriteError<MemoryError>>) -> Result<(), Broken> {
        synced.map_err(Broken::Write)?;
        self.acknowledged = self.state.clone();
        self.pending.clear();
        Ok(())
    }

    /// Opens without a power failure in between: everything written must be there.
    pub fn reopen(&mut self) -> Result<(), Broken> {
        self.draws += 1;
        let (writer, recovered, state) =
            open(&mut self.medium, self.setup.limits, self.draws).map_err(Broken::Open)?;
        assert_eq!(state, self.state);
        self.opened(writer, recovered, state);
        Ok(())
    }

    fn opened(&mut self, writer: Writer, recovered: Recovered, state: State) {
        assert!(recovered.boot > self.boot, "boot {} again", recovered.boot);
        self.boot = recovered.boot;
        self.writer = Some(writer);
        self.state = state.clone();
        self.acknowledged = state;
        self.pending.clear();
        self.owed = None;
    }

    /// The power fails; what comes back must be what was acknowledged, or what was written after it
    /// up to some frame.
    pub fn crash(&mut self, fate: impl FnMut(usize) -> Fate) -> Result<(), Broken> {
        self.medium.crash(fate);
        self.draws += 1;
        let (writer, recovered, state) =
            open(&mut self.medium, self.setup.limits, self.draws).map_err(Broken::Open)?;
        assert!(
            self.allows(&state),
            "{state:?}\nnot between {:?}\nand {:?}",
            self.acknowledged,
            self.state
        );
        self.opened(writer, recovered, state);
        Ok(())
    }

    fn allows(&self, state: &State) -> bool {
        *state == self.acknowledged
            || self.pending.iter().any(|pending| partly(pending).contains(state))
    }
}

/// The states between a write's beginning and its end.
fn partly(pending: &Pending) -> Vec<State> {
    let after = &pending.after;
    let kept = pending.first.since(after.base.index.next()) as usize;
    (kept..=after.frames.len())
        .map(|end| State { frames: after.frames[..end].to_vec(), ..after.clone() })
        .collect()
}

/// xorshift, for choices that look random and never change.
pub struct Dice(pub u64);

impl Dice {
    pub fn roll(&mut self, sides: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) % sides
    }

    pub fn fate(&mut self, sector: usize) -> Fate {
        match self.roll(3) {
            0 => Fate::Kept,
            1 => Fate::Dropped,
            _ => Fate::Torn(self.roll(sector as u64) as usize),
        }
    }

    pub fn script(&mut self, length: usize) -> Vec<Op> {
        (0..length)
            .map(|_| match self.roll(16) {
                0..=5 => Op::Append(1 + self.roll(4) as usize, self.roll(40) as usize),
                6 => Op::Term(Some(2)),
                7 => Op::Term(None),
                8 | 9 => Op::Replace(self.roll(4) as usize, 1 + self.roll(3) as usize),
                10 | 11 => Op::Compact(self.roll(5) as usize),
                12 if self.roll(3) == 0 => Op::Jump(1 + self.roll(3)),
                13 => Op::Reopen,
                14 if self.roll(3) == 0 => Op::Seal,
                _ => Op::Sync,
            })
            .collect()
    }
}

/// A history with everything in it, some 3,000 bytes long.
pub fn scripted() -> Vec<Op> {
    vec![
        Op::Term(Some(1)),
        Op::Sync,
        Op::Append(3, 10),
        Op::Sync,
        Op::Append(2, 20),
        Op::Replace(3, 2),
        Op::Sync,
        Op::Term(Some(3)),
        Op::Append(4, 7),
        Op::Reopen,
        Op::Append(1, 30),
        Op::Sync,
        Op::Compact(2),
        Op::Append(3, 15),
        Op::Sync,
        Op::Replace(2, 4),
        Op::Seal,
        Op::Append(1, 0),
        Op::Term(None),
        Op::Sync,
        Op::Jump(3),
        Op::Append(2, 12),
        Op::Sync,
        Op::Replace(1, 1),
        Op::Append(1, 9),
    ]
}
