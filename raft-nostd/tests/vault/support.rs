//! Snapshots as a test makes them, and where `WIRE.md` says that their records lie.

use adapter_std::memory::{Behaviour, Fate, MemoryError, MemoryMedium};
use raft_nostd::crc::checksum;
use raft_nostd::journal::Geometry;
use raft_nostd::manifest::{Manifest, Membership};
use raft_nostd::types::{ClusterId, NodeId, Position};
use raft_nostd::vault::{ChunkError, Origin, Owner, Vault, VaultError, Which};

pub type OpenError = VaultError<MemoryError>;

pub fn node(id: u32) -> NodeId {
    NodeId::new(id).unwrap()
}

pub fn owner() -> Owner {
    Owner { cluster: ClusterId(77), node: node(1), incarnation: 0x1112_1314_1516_1718 }
}

#[derive(Clone, Copy, Debug)]
pub struct Setup {
    pub geometry: Geometry,
    pub behaviour: Behaviour,
    pub sector: usize,
    pub chunk: u32,
}

impl Setup {
    pub fn new(
        (segments, segment_bytes, granularity): (u32, u32, u32),
        behaviour: Behaviour,
        sector: usize,
        chunk: u32,
    ) -> Self {
        let erased = if behaviour == Behaviour::File { 0 } else { 0xff };
        let geometry = Geometry { segments, segment_bytes, granularity, erased };
        Self { geometry, behaviour, sector, chunk }
    }

    /// Files and flash, each granularity; slots of one segment and of several, segments of one
    /// record and of several, an odd segment that no slot has, sectors that two slots share.
    pub fn all() -> Vec<Self> {
        vec![
            Self::new((2, 1_100, 1), Behaviour::File, 128, 90),
            Self::new((8, 320, 8), Behaviour::Nor, 64, 100),
            Self::new((14, 192, 64), Behaviour::Nor, 192, 60),
            Self::new((9, 520, 4), Behaviour::Blanking, 512, 150),
            Self::new((6, 450, 1), Behaviour::File, 256, 116),
            Self::new((3, 1_152, 64), Behaviour::File, 128, 70),
            Self::new((6, 456, 8), Behaviour::Blanking, 100, 124),
        ]
    }

    pub fn medium(&self) -> MemoryMedium {
        MemoryMedium::new(self.geometry, self.behaviour).with_sectors(self.sector)
    }

    /// Bytes a record takes: 28 and the longest body, which is a head's or a chunk's.
    pub fn record(&self) -> u32 {
        (28 + self.chunk.max(116)).next_multiple_of(self.geometry.granularity)
    }

    pub fn per_segment(&self) -> u32 {
        self.geometry.segment_bytes / self.record()
    }

    /// The most chunks.
    pub fn most(&self) -> u32 {
        self.per_segment() * (self.geometry.segments / 2) - 2
    }

    /// Segment and offset of a place in slot 0 or 1.
    pub fn at(&self, slot: u32, place: u32) -> (u32, u32) {
        let segment = 2 * (place / self.per_segment()) + slot;
        (segment, place % self.per_segment() * self.record())
    }

    /// The bytes of the record at a place.
    pub fn bytes(&self, medium: &MemoryMedium, slot: u32, place: u32) -> Vec<u8> {
        let (segment, offset) = self.at(slot, place);
        medium.bytes(segment)[offset as usize..][..self.record() as usize].to_vec()
    }

    /// The bytes of a record without its padding.
    pub fn len(&self, medium: &MemoryMedium, slot: u32, place: u32) -> u32 {
        let bytes = self.bytes(medium, slot, place);
        28 + u32::from_le_bytes(*bytes[8..].first_chunk().unwrap())
    }

    pub fn open(&self, medium: &mut MemoryMedium, nonce: u32) -> Result<Vault, OpenError> {
        open_as(medium, owner(), self.chunk, nonce)
    }

    /// A vault on a medium that holds `images`, each sealed after the one before it, by runs with
    /// the nonces 1, 2, ...
    pub fn holding(&self, images: &[&Image], origin: Origin) -> MemoryMedium {
        let mut medium = self.medium();
        for (nonce, image) in (1..).zip(images) {
            let mut vault = self.open(&mut medium, nonce).unwrap();
            image.write(&mut vault, &mut medium, origin).unwrap();
        }
        medium
    }

    /// An image of `count` chunks, some of them as long as may be.
    pub fn image(&self, index: u64, count: u32) -> Image {
        let longest = self.chunk as usize;
        let lengths = [longest, 1, longest - 1, longest / 2, 7].map(|len| len.clamp(1, longest));
        let chunks = (0..count as usize).map(|number| {
            let start = (index as usize * 31 + number * 101) as u8;
            (0..lengths[number % 5]).map(|at| start.wrapping_add((at * 7) as u8)).collect()
        });
        Image::new(index, chunks.collect())
    }
}

pub fn open_as(
    medium: &mut MemoryMedium,
    owner: Owner,
    chunk: u32,
    nonce: u32,
) -> Result<Vault, OpenError> {
    Vault::open(medium, owner, chunk, nonce, &mut vec![0; chunk.max(256) as usize])
}

/// A snapshot as it must be read back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Image {
    pub manifest: Manifest,
    pub chunks: Vec<Vec<u8>>,
}

impl Image {
    pub fn new(index: u64, chunks: Vec<Vec<u8>>) -> Self {
        let bytes = chunks.iter().map(|chunk| chunk.len() as u64).sum();
        let measured = |chunk: &Vec<u8>| [&(chunk.len() as u32).to_le_bytes(), &chunk[..]].concat();
        let measured: Vec<u8> = chunks.iter().flat_map(measured).collect();
        let manifest = Manifest {
            last: Position::new(index / 10 + 1, index),
            membership: Membership::initial(&[node(1), node(2), node(3)]),
            chunks: chunks.len() as u32,
            bytes,
            crc: checksum(&measured),
        };
        Self { manifest, chunks }
    }

    /// From begin to seal, with a sync after every second chunk.
    pub fn write(
        &self,
        vault: &mut Vault,
        medium: &mut MemoryMedium,
        origin: Origin,
    ) -> Result<Manifest, OpenError> {
        vault.begin(medium, origin, &self.manifest)?;
        self.go_on(vault, medium)
    }

    /// The chunks that are not there yet, and the seal.
    pub fn go_on(
        &self,
        vault: &mut Vault,
        medium: &mut MemoryMedium,
    ) -> Result<Manifest, OpenError> {
        let (_, _, there) = vault.staged().unwrap();
        for (number, chunk) in self.chunks.iter().enumerate().skip(there as usize) {
            vault.put(medium, chunk)?;
            if number % 2 == 1 {
                vault.sync(medium)?;
            }
        }
        vault.seal(medium)
    }

    /// As a host does it: a transfer that broke off goes on if it was of this snapshot.
    pub fn go_on_or_begin(
        &self,
        vault: &mut Vault,
        medium: &mut MemoryMedium,
        origin: Origin,
    ) -> Result<Manifest, OpenError> {
        match vault.staged() {
            Some((Origin::Peer, manifest, _))
                if origin == Origin::Peer && *manifest == self.manifest =>
            {
                self.go_on(vault, medium)
            }
            _ => self.write(vault, medium, origin),
        }
    }

    /// All of it, intact, is the newest.
    #[track_caller]
    pub fn assert_newest(&self, vault: &Vault, medium: &mut MemoryMedium) {
        assert_eq!(vault.newest(), Some(&self.manifest));
        for (number, chunk) in (0..).zip(&self.chunks) {
            assert_eq!(read(vault, medium, Which::Newest, number).as_ref(), Ok(chunk));
        }
        let beyond = read(vault, medium, Which::Newest, self.manifest.chunks);
        assert_eq!(beyond, Err(ChunkError::Absent));
    }
}

pub fn read(
    vault: &Vault,
    medium: &mut MemoryMedium,
    which: Which,
    number: u32,
) -> Result<Vec<u8>, ChunkError<MemoryError>> {
    let mut into = vec![0; vault.chunk_max().max(vault.newest_chunk_max())];
    let len = vault.read(medium, which, number, &mut into)?;
    into.truncate(len);
    Ok(into)
}

/// Whether `vault` has exactly one of `images` as its newest, or none where none is among them;
/// says which.
#[track_caller]
pub fn assert_one_of<'a>(
    vault: &Vault,
    medium: &mut MemoryMedium,
    images: &[Option<&'a Image>],
) -> Option<&'a Image> {
    let manifest = vault.newest();
    let found = images.iter().find(|image| image.map(|image| &image.manifest) == manifest);
    let image = found.unwrap_or_else(|| panic!("{manifest:?} is none of those allowed"));
    if let Some(image) = image {
        image.assert_newest(vault, medium);
    }
    *image
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

    pub fn torn(&mut self, sector: usize) -> Fate {
        Fate::Torn(1 + self.roll(sector as u64 - 1) as usize)
    }

    pub fn fate(&mut self, sector: usize) -> Fate {
        match self.roll(3) {
            0 => Fate::Kept,
            1 => Fate::Dropped,
            _ => self.torn(sector),
        }
    }
}

/// Every way in which the power can fail: each unsynced sector kept, dropped or torn. Where there
/// are more than six, some of the ways.
pub fn each_crash(setup: Setup, medium: &MemoryMedium, mut then: impl FnMut(MemoryMedium)) {
    let dirty = medium.dirty_sectors().len() as u32;
    let mut dice = Dice(u64::from(dirty) + medium.calls().bytes * 977 + 1);
    if dirty > 6 {
        for _ in 0..200 {
            let mut copy = medium.clone();
            copy.crash(|_| dice.fate(setup.sector));
            then(copy);
        }
        return;
    }
    for outcome in 0..3_u32.pow(dirty) {
        let mut copy = medium.clone();
        let mut digits = outcome;
        copy.crash(|_| {
            let digit = digits % 3;
            digits /= 3;
            match digit {
                0 => Fate::Kept,
                1 => Fate::Dropped,
                _ => dice.torn(setup.sector),
            }
        });
        then(copy);
    }
}
