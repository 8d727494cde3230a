//! The bytes of a block and of the head that begins each segment. `WIRE.md` has the tables.

use crate::crc::{Crc, checksum};
use crate::types::{ClusterId, HardState, Index, NodeId, Position, Term};

/// The version of the layout; any other is refused by name.
pub(super) const FORMAT: u8 = 1;
/// Bytes of a block before its body.
pub(super) const HEADER: usize = 60;
/// Bytes of a head's body.
pub(super) const HEAD_BODY: usize = 132;
/// Bytes of a head block.
pub(super) const HEAD: usize = HEADER + HEAD_BODY;
/// Bytes of a base block's body.
pub(super) const BASE_BODY: usize = 16;
const HEADER_CRC_AT: usize = HEADER - 4;

/// What a block is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BlockKind {
    /// The first block of a segment.
    Head,
    /// Term, vote and entries.
    Entries,
    /// A new base position; the log before it is in a snapshot.
    Base,
    /// A part of a rewritten log, not the last.
    Checkpoint,
    /// The last part of a rewritten log: from here on nothing before the rewrite counts.
    CheckpointEnd,
    /// A clean stop.
    Seal,
}

impl BlockKind {
    const fn byte(self) -> u8 {
        match self {
            Self::Head => b'h',
            Self::Entries => b'e',
            Self::Base => b'b',
            Self::Checkpoint => b'c',
            Self::CheckpointEnd => b'd',
            Self::Seal => b's',
        }
    }

    const fn from_byte(byte: u8) -> Option<Self> {
        Some(match byte {
            b'h' => Self::Head,
            b'e' => Self::Entries,
            b'b' => Self::Base,
            b'c' => Self::Checkpoint,
            b'd' => Self::CheckpointEnd,
            b's' => Self::Seal,
            _ => return None,
        })
    }
}

/// One use of one segment: a count that only grows, and a number drawn in each run, so that what a
/// torn run left behind is never taken for a later run's even where the count was lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Generation(u64);

impl Generation {
    pub(super) const NONE: Self = Self(0);

    pub(super) const fn new(count: u32, nonce: u32) -> Self {
        Self(((count as u64) << 32) | nonce as u64)
    }

    pub(super) const fn count(self) -> u32 {
        (self.0 >> 32) as u32
    }

    /// Whether `bytes` are how a header of this generation begins.
    pub(super) fn begins(self, bytes: &[u8; 16]) -> bool {
        bytes.starts_with(&[b'r', b'j', FORMAT]) && bytes.ends_with(&self.0.to_le_bytes())
    }
}

/// What every block begins with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) kind: BlockKind,
    pub(super) body_len: u32,
    pub(super) generation: Generation,
    pub(super) sequence: u64,
    /// Every block up to this sequence was durable when this one was written.
    pub(super) synced: u64,
    pub(super) hard_state: HardState,
    /// The block replaces every entry from here on.
    pub(super) first: Index,
    /// Binds the body to the header: frames of an earlier pass are valid frames too.
    pub(super) body_crc: u32,
}

impl Header {
    pub(super) fn encode(&self, salt: u64) -> [u8; HEADER] {
        let mut bytes = [0; HEADER];
        let mut out = Out(&mut bytes);
        out.put(&[b'r', b'j', FORMAT, self.kind.byte()]);
        out.put(&self.body_len.to_le_bytes());
        out.put(&self.generation.0.to_le_bytes());
        out.put(&self.sequence.to_le_bytes());
        out.put(&self.synced.to_le_bytes());
        out.put(&self.hard_state.term.0.to_le_bytes());
        out.put(&self.first.0.to_le_bytes());
        out.put(&self.hard_state.vote.map_or(0, NodeId::get).to_le_bytes());
        out.put(&self.body_crc.to_le_bytes());
        let crc = header_crc(&bytes, salt);
        if let Some(end) = bytes.last_chunk_mut::<4>() {
            *end = crc.to_le_bytes();
        }
        bytes
    }

    /// The header in `bytes`, if it is one of this journal: its CRC is salted, so no payload and no
    /// other journal holds one but by chance.
    pub(super) fn decode(bytes: &[u8; HEADER], salt: u64) -> Option<Self> {
        let [b'r', b'j', FORMAT, kind, ..] = bytes else { return None };
        let mut input = In(bytes.get(4..)?);
        let header = Self {
            kind: BlockKind::from_byte(*kind)?,
            body_len: input.u32()?,
            generation: Generation(input.u64()?),
            sequence: input.u64()?,
            synced: input.u64()?,
            hard_state: HardState { term: Term(input.u64()?), vote: None },
            first: Index(input.u64()?),
            body_crc: 0,
        };
        let vote = NodeId::new(input.u32()?);
        let body_crc = input.u32()?;
        if input.u32()? != header_crc(bytes, salt) {
            return None;
        }
        let hard_state = HardState { term: header.hard_state.term, vote };
        Some(Self { hard_state, body_crc, ..header })
    }
}

fn header_crc(bytes: &[u8; HEADER], salt: u64) -> u32 {
    let mut crc = Crc::new();
    crc.update(&salt.to_le_bytes());
    crc.update(bytes.first_chunk::<HEADER_CRC_AT>().map_or(&[][..], |content| content));
    crc.finish()
}

/// The voters of the initial configuration, by value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Voters([Option<NodeId>; Voters::MAX]);

impl Voters {
    /// The most voters a journal can name.
    pub const MAX: usize = 7;

    /// A copy of `voters`, or `None` when there are more than [`Voters::MAX`].
    pub fn new(voters: &[NodeId]) -> Option<Self> {
        let mut ids = [None; Self::MAX];
        if voters.len() > ids.len() {
            return None;
        }
        for (id, voter) in ids.iter_mut().zip(voters) {
            *id = Some(*voter);
        }
        Some(Self(ids))
    }

    /// The voters, in the order they were given.
    pub fn iter(&self) -> impl Iterator<Item = NodeId> + '_ {
        self.0.iter().copied().flatten()
    }
}

impl core::fmt::Display for Voters {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        for (place, id) in self.iter().enumerate() {
            f.write_str(if place == 0 { "" } else { ", " })?;
            id.fmt(f)?;
        }
        Ok(())
    }
}

/// What all heads written in one run have in common.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Owner {
    pub(super) salt: u64,
    pub(super) cluster: ClusterId,
    pub(super) incarnation: u64,
    pub(super) node: NodeId,
    pub(super) boot: u32,
    pub(super) voters: Voters,
    pub(super) segments: u32,
    pub(super) segment_bytes: u32,
    pub(super) granularity: u32,
}

/// Where a chain or a checkpoint begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Start {
    pub(super) slot: u32,
    pub(super) generation: Generation,
    pub(super) sequence: u64,
}

/// What a segment was begun for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    /// To go on with the chain.
    Log,
    /// To hold a part of the checkpoint that began in that slot and generation.
    Checkpoint { slot: u32, generation: Generation },
}

/// The first block of a segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Head {
    pub(super) owner: Owner,
    pub(super) generation: Generation,
    /// Also where the chain before it ends: blocks there with this sequence or more do not count.
    pub(super) sequence: u64,
    pub(super) synced: u64,
    pub(super) hard_state: HardState,
    pub(super) first: Index,
    /// The generation of the segment before it.
    pub(super) previous: Generation,
    /// The chain that was in force when this head was written.
    pub(super) start: Start,
    pub(super) role: Role,
    pub(super) base: Position,
}

/// Why bytes are no head.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum HeadFault {
    /// They are something else, or damaged.
    NoHead,
    /// They are an intact head of another version.
    Format(u8),
}

impl Head {
    pub(super) fn body(&self) -> [u8; HEAD_BODY] {
        let mut bytes = [0; HEAD_BODY];
        let mut out = Out(&mut bytes);
        let (slot, checkpoint) = match self.role {
            Role::Log => (0, Generation::NONE),
            Role::Checkpoint { slot, generation } => (slot, generation),
        };
        out.put(&self.owner.salt.to_le_bytes());
        out.put(&self.owner.cluster.0.to_le_bytes());
        out.put(&self.owner.incarnation.to_le_bytes());
        out.put(&self.owner.node.get().to_le_bytes());
        out.put(&self.owner.boot.to_le_bytes());
        out.put(&self.previous.0.to_le_bytes());
        out.put(&self.start.generation.0.to_le_bytes());
        out.put(&self.start.sequence.to_le_bytes());
        out.put(&self.start.slot.to_le_bytes());
        out.put(&slot.to_le_bytes());
        out.put(&checkpoint.0.to_le_bytes());
        out.put(&base_body(self.base));
        out.put(&self.owner.segments.to_le_bytes());
        out.put(&self.owner.segment_bytes.to_le_bytes());
        out.put(&self.owner.granularity.to_le_bytes());
        out.put(&(self.owner.voters.iter().count() as u32).to_le_bytes());
        for voter in self.owner.voters.iter() {
            out.put(&voter.get().to_le_bytes());
        }
        bytes
    }

    pub(super) fn header(&self, body: &[u8; HEAD_BODY]) -> Header {
        Header {
            kind: BlockKind::Head,
            body_len: HEAD_BODY as u32,
            generation: self.generation,
            sequence: self.sequence,
            synced: self.synced,
            hard_state: self.hard_state,
            first: self.first,
            body_crc: checksum(body),
        }
    }

    pub(super) fn decode(bytes: &[u8; HEAD]) -> Result<Self, HeadFault> {
        let (header, body) = bytes.split_first_chunk::<HEADER>().ok_or(HeadFault::NoHead)?;
        let [b'r', b'j', format, b'h', ..] = header else { return Err(HeadFault::NoHead) };
        let salt = In(body).u64().ok_or(HeadFault::NoHead)?;
        let crc = header.last_chunk::<4>().map(|crc| u32::from_le_bytes(*crc));
        if crc != Some(header_crc(header, salt)) {
            return Err(HeadFault::NoHead);
        }
        if *format != FORMAT {
            return Err(HeadFault::Format(*format));
        }
        let header = Header::decode(header, salt).ok_or(HeadFault::NoHead)?;
        if header.body_len != HEAD_BODY as u32 || header.body_crc != checksum(body) {
            return Err(HeadFault::NoHead);
        }
        Self::from_parts(&header, In(body)).ok_or(HeadFault::NoHead)
    }

    fn from_parts(header: &Header, mut body: In<'_>) -> Option<Self> {
        let (salt, cluster, incarnation) = (body.u64()?, ClusterId(body.u64()?), body.u64()?);
        let (node, boot) = (NodeId::new(body.u32()?)?, body.u32()?);
        let previous = Generation(body.u64()?);
        let (generation, sequence) = (Generation(body.u64()?), body.u64()?);
        let start = Start { slot: body.u32()?, generation, sequence };
        let (slot, checkpoint) = (body.u32()?, Generation(body.u64()?));
        let base = Position::new(body.u64()?, body.u64()?);
        let (segments, segment_bytes, granularity) = (body.u32()?, body.u32()?, body.u32()?);
        let voters = voters(body)?;
        let role = if checkpoint == Generation::NONE {
            Role::Log
        } else {
            Role::Checkpoint { slot, generation: checkpoint }
        };
        let owner = Owner {
            salt,
            cluster,
            incarnation,
            node,
            boot,
            voters,
            segments,
            segment_bytes,
            granularity,
        };
        Some(Self {
            owner,
            generation: header.generation,
            sequence: header.sequence,
            synced: header.synced,
            hard_state: header.hard_state,
            first: header.first,
            previous,
            start,
            role,
            base,
        })
    }
}

fn voters(mut body: In<'_>) -> Option<Voters> {
    let count = usize::try_from(body.u32()?).ok()?;
    let mut ids = [None; Voters::MAX];
    for id in ids.get_mut(..count)? {
        *id = Some(NodeId::new(body.u32()?)?);
    }
    Some(Voters(ids))
}

/// The body of a base block.
pub(super) fn base_body(base: Position) -> [u8; BASE_BODY] {
    let mut bytes = [0; BASE_BODY];
    let mut out = Out(&mut bytes);
    out.put(&base.term.0.to_le_bytes());
    out.put(&base.index.0.to_le_bytes());
    bytes
}

/// The base in the body of a base block.
pub(super) fn base_from(body: &[u8; BASE_BODY]) -> Option<Position> {
    let mut input = In(body);
    Some(Position::new(input.u64()?, input.u64()?))
}

struct Out<'a>(&'a mut [u8]);

impl Out<'_> {
    /// Appends `bytes`; all callers' fields add up to the array behind it.
    fn put(&mut self, bytes: &[u8]) {
        if let Some((into, rest)) = core::mem::take(&mut self.0).split_at_mut_checked(bytes.len()) {
            into.copy_from_slice(bytes);
            self.0 = rest;
        }
    }
}

struct In<'a>(&'a [u8]);

impl In<'_> {
    fn u32(&mut self) -> Option<u32> {
        let (bytes, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(u32::from_le_bytes(*bytes))
    }

    fn u64(&mut self) -> Option<u64> {
        let (bytes, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(u64::from_le_bytes(*bytes))
    }
}
