//! Where nodes keep their snapshots: the shape of the second medium.

use crate::place::machine::{Size, Style};
use crate::random::Random;
use crate::subject::Kind;
use adapter_std::memory::{Behaviour, MemoryMedium};
use raft_nostd::journal::Geometry;

/// What is drawn for each seed.
#[derive(Debug)]
pub struct Shelves {
    pub size: Size,
    datagram: u32,
    behaviour: Behaviour,
    segment_bytes: u32,
    granularity: u32,
    sector: usize,
    /// Of a thousand nodes, so many have no room for snapshots, or too little.
    lacking: u64,
    /// What is written before it is synced.
    pub bytes_per_sync: u64,
    /// The chunks of a subject's snapshot, at most.
    subject_chunks: u32,
}

/// What is drawn for each node.
pub struct Shelf {
    medium: Option<MemoryMedium>,
    roomy: bool,
}

impl Shelves {
    pub fn draw(random: &mut Random, log_entries: u32, datagram: u32, kind: &Kind) -> Self {
        let behaviour = random.among(&[Behaviour::File, Behaviour::Blanking, Behaviour::Nor]);
        let nor = behaviour == Behaviour::Nor;
        let long = datagram == 1_200 && log_entries >= 128 && random.one_in(2);
        Self {
            size: Size {
                digests: random.among(&[0, 40, 200, 400]),
                padding: if long { 70_000 } else { 0 },
                style: random.among(&[Style::Pieces, Style::Pieces, Style::Packed]),
            },
            datagram,
            behaviour,
            segment_bytes: longest_record(datagram) * random.among(&[1, 1, 2, 4]),
            granularity: if nor { random.among(&[1, 8, 32]) } else { 1 },
            sector: random.among(&[64, 512]),
            // (A subject that writes no snapshots needs no place for them.)
            lacking: if kind.compacts { random.among(&[0, 0, 0, 300]) } else { 1_000 },
            bytes_per_sync: random.among(&[1 << 20, 1 << 20, 1, 4 * u64::from(datagram)]),
            // A subject's pieces may be short, but are not many.
            subject_chunks: (3 * kind.snapshot_max).div_ceil(datagram as usize - 160) as u32 + 8,
        }
    }

    pub fn draw_one(&self, random: &mut Random) -> Shelf {
        let lacks = random.in_a_thousand(self.lacking);
        if lacks && random.one_in(2) {
            return Shelf { medium: None, roomy: false };
        }
        // A head, an end, and of the chunks all but the first and the last are at least half as long
        // as they might be.
        let chunk = self.datagram as usize - 160;
        let chunks = 2 * self.size.bytes().div_ceil(chunk) as u32 + 3 + self.subject_chunks;
        let per_segment = self.segment_bytes / longest_record(self.datagram);
        let least = 3_u32.div_ceil(per_segment);
        let segments = if lacks { least } else { (chunks + 2).div_ceil(per_segment) };
        let geometry = Geometry {
            segments: 2 * segments,
            segment_bytes: self.segment_bytes,
            granularity: self.granularity,
            erased: if self.behaviour == Behaviour::Nor { 0xff } else { 0 },
        };
        let medium = MemoryMedium::new(geometry, self.behaviour).with_sectors(self.sector);
        Shelf { medium: Some(medium), roomy: !lacks }
    }
}

/// A record has a chunk or a head, and no more than 28 + 31 bytes besides: less than a datagram and
/// this, whatever the granularity.
fn longest_record(datagram: u32) -> u32 {
    (datagram + 64).next_multiple_of(32)
}

impl Shelf {
    pub fn is_roomy(&self) -> bool {
        self.roomy
    }

    pub fn medium(self) -> Option<MemoryMedium> {
        self.medium
    }
}
