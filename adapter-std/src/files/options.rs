//! What a caller chooses about a directory of files, and what it can count afterwards.

use super::error::FileError;
use super::record::Layout;
use raft_nostd::journal::Geometry;
use std::time::Duration;

/// When written bytes are forced out of the operating system's page cache.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SyncPolicy {
    /// At every sync of the medium, and whenever a file is created. What was acknowledged
    /// survives a loss of power.
    #[default]
    Always,
    /// Never. What was acknowledged survives the end of the process but **not** a loss of power
    /// or a crash of the operating system, after which the directory may even be unreadable. For
    /// tests and benchmarks.
    Never,
}

/// When a segment file takes its space on the disk.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Space {
    /// When it is created: it is filled with zeros, so that no write runs out of space and a sync
    /// has no size and no extents to write. For a journal.
    #[default]
    Preallocated,
    /// As it is written; it never shrinks. A write that finds no space is
    /// [`PersistFailure::Full`](raft_nostd::journal::PersistFailure::Full) and may be repeated. For
    /// snapshots, whose segments are as many as the largest might need: a directory may be opened
    /// with more than before.
    Grown,
}

/// What a medium takes after a write or a sync has failed: of what was written since the last sync,
/// nobody knows what is durable, and what the operating system has forgotten no later sync brings back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum AfterFailure {
    /// Nothing more before the next start. For a journal, which goes on from what it wrote.
    #[default]
    Halt,
    /// Whatever comes. For snapshots: a vault gives up the one that it was writing, and writes every
    /// byte of the next anew, in the same files.
    GoOn,
}

/// How to open a [`FileMedium`](super::FileMedium).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// Bytes in each segment file: from [`Options::SEGMENT_BYTES_MIN`] to
    /// [`Options::SEGMENT_BYTES_MAX`].
    pub segment_bytes: u32,
    /// How many segment files there may be: from [`Options::SEGMENTS_MIN`] to
    /// [`Options::SEGMENTS_MAX`]. Each takes a file descriptor once it exists.
    pub segments: u32,
    /// When bytes are forced to the disk.
    pub sync: SyncPolicy,
    /// When a file takes its space on it.
    pub space: Space,
    /// What is taken after a failure.
    pub failures: AfterFailure,
}

impl Options {
    /// The smallest segment in bytes: one disk sector.
    pub const SEGMENT_BYTES_MIN: u32 = 512;
    /// The largest segment in bytes: what a journal takes.
    pub const SEGMENT_BYTES_MAX: u32 = i32::MAX as u32;
    /// The fewest segments.
    pub const SEGMENTS_MIN: u32 = 2;
    /// The most segments.
    pub const SEGMENTS_MAX: u32 = 256;

    /// `segments` files of `segment_bytes` bytes, preallocated and synced always.
    #[must_use]
    pub const fn new(segment_bytes: u32, segments: u32) -> Self {
        Self {
            segment_bytes,
            segments,
            sync: SyncPolicy::Always,
            space: Space::Preallocated,
            failures: AfterFailure::Halt,
        }
    }

    /// The same files, synced as `sync` says.
    #[must_use]
    pub const fn with_sync(self, sync: SyncPolicy) -> Self {
        Self { sync, ..self }
    }

    /// The same files, with their space taken as `space` says.
    #[must_use]
    pub const fn with_space(self, space: Space) -> Self {
        Self { space, ..self }
    }

    /// The same files, which take after a failure what `failures` says.
    #[must_use]
    pub const fn with_failures(self, failures: AfterFailure) -> Self {
        Self { failures, ..self }
    }

    /// The layout these options ask for.
    ///
    /// # Errors
    /// [`FileError::Options`] when a number is out of its bounds.
    pub(super) fn layout(self) -> Result<Layout, FileError> {
        let geometry = geometry(self.segment_bytes, self.segments);
        match out_of_bounds(geometry) {
            Some(problem) => Err(FileError::Options { problem }),
            None => Ok(Layout { geometry, space: self.space }),
        }
    }
}

impl Default for Options {
    /// Four files of 16 MiB, synced always.
    fn default() -> Self {
        Self::new(16 << 20, 4)
    }
}

/// The geometry of files: written anywhere, zero where never written.
pub(super) const fn geometry(segment_bytes: u32, segments: u32) -> Geometry {
    Geometry { segments, segment_bytes, granularity: 1, erased: 0 }
}

/// Why no directory can have this geometry, if so.
pub(super) fn out_of_bounds(geometry: Geometry) -> Option<String> {
    let Geometry { segments, segment_bytes, .. } = geometry;
    let (fewest, most) = (Options::SEGMENTS_MIN, Options::SEGMENTS_MAX);
    if !(fewest..=most).contains(&segments) {
        return Some(format!("segments is {segments}, but must be from {fewest} to {most}"));
    }
    let (smallest, largest) = (Options::SEGMENT_BYTES_MIN, Options::SEGMENT_BYTES_MAX);
    let bound = match segment_bytes {
        few if few < smallest => format!("at least {smallest}"),
        many if many > largest => format!("at most {largest}"),
        _ => return None,
    };
    Some(format!("segment_bytes is {segment_bytes}, but must be {bound}"))
}

/// What a medium has done since it was opened. All counts saturate.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Bytes handed to the operating system for the journal (those still gathered are not
    /// counted, nor are the zeros of preallocation).
    pub bytes_written: u64,
    /// Calls that wrote them.
    pub writes: u64,
    /// Bytes of zeros written by preallocation.
    pub bytes_preallocated: u64,
    /// Syncs of the medium that had a segment file to make durable. Stays zero, as do the next
    /// two, under [`SyncPolicy::Never`].
    pub syncs: u64,
    /// Segment files synced by them: one per sync, more where a batch crossed into another file.
    pub file_syncs: u64,
    /// How long the last of these syncs took, writing what was gathered included.
    pub last_sync: Duration,
}
