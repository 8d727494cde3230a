//! A journal medium made of files: a directory of preallocated segments.
//!
//! ```text
//! data/
//!   medium.toml           the geometry, written once; another is refused
//!   lock                  held while a medium has the directory
//!   segment-000.journal   one segment, always of its full size
//!   segment-001.journal   ... created when the journal first erases it
//!   sync-failed           only between a failed write or sync and the next successful start
//! ```
//!
//! Names that end in `.new` are files of these that a crash left half-made; the next start removes
//! them. Files of other names are left alone.
//!
//! What it promises to the journal:
//!
//! - **A sync costs one `fdatasync` per file written since the last**, and writes no metadata: the
//!   space was taken by writing zeros when the segment was created. Writes are gathered into one
//!   contiguous run of up to 1 MiB, which one `pwrite` hands over.
//! - **What can be read can be made durable.** Every file that exists at the start counts as
//!   written, so the first sync covers what a killed predecessor left in the page cache.
//! - **Nothing is taken after a failure.** The first failed write or sync is remembered, and every
//!   later call fails with its cause. As the kernel takes pages for clean after a failed sync, the
//!   next process to open the directory writes and syncs all segments once more before it
//!   begins: bytes that it could read but the disk does not have would be lost to a power cut.
//! - **No space is no catastrophe.** It can only run out while a segment is created, which then
//!   gives back what it took and may be tried again.
//!   [`FileMedium::preallocate`] does so ahead of time, where a pause of the length of a segment's
//!   writing would hurt later.
//!
//! ```
//! use adapter_std::files::{FileMedium, Options};
//! use raft_nostd::journal::Medium;
//!
//! # let dir = std::env::temp_dir().join(format!("adapter-std-doc-{}", std::process::id()));
//! let mut medium = FileMedium::open(&dir, Options::new(64 << 10, 4))?;
//! medium.erase(0)?;
//! medium.write(0, 0, b"header, ")?;
//! medium.write(0, 8, b"frames")?;
//! medium.sync()?;
//! assert_eq!((medium.counters().writes, medium.counters().file_syncs), (1, 1));
//! # drop(medium);
//! # std::fs::remove_dir_all(&dir).unwrap();
//! # Ok::<(), adapter_std::files::FileError>(())
//! ```

mod at;
mod directory;
mod disk;
mod error;
mod gather;
mod medium;
mod options;
mod record;
mod segment;
#[cfg(test)]
mod tests;

pub use error::{FileError, Operation};
pub use options::{Counters, Options, SyncPolicy};

use directory::Lock;
use disk::Disk;
use gather::Gather;
use raft_nostd::journal::Geometry;
use segment::Segment;
use std::fmt::{self, Debug, Formatter};
use std::fs::OpenOptions;
use std::path::{Path, PathBuf};

/// A [`Medium`](raft_nostd::journal::Medium) made of files in one directory, which it holds for
/// itself until it is dropped. Dropping does not sync.
pub struct FileMedium {
    directory: PathBuf,
    geometry: Geometry,
    access: Access,
    disk: Disk,
    segments: Vec<Option<Segment>>,
    gather: Gather,
    names: Names,
    /// The first failure, after which nothing is taken.
    halted: Option<String>,
    counters: Counters,
    /// Held, never used. The last field, so that it is given back when the files are closed.
    _lock: Option<Lock>,
}

/// What a medium was opened for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Access {
    Write,
    ReadOnly,
}

/// Whether the names in the directory are on the disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Names {
    Synced,
    Dirty,
}

impl FileMedium {
    /// Opens `directory` for a node; makes it, and the directories above, if need be.
    ///
    /// An empty directory stays small: a segment takes its space when it is first erased.
    ///
    /// # Errors
    /// - [`FileError::Options`]: the options are out of their bounds;
    /// - [`FileError::InUse`]: another medium, here or in another process, has the directory;
    /// - [`FileError::GeometryChanged`]: it was made with other options;
    /// - [`FileError::Unrecorded`], [`FileError::Record`], [`FileError::SegmentSize`]: something
    ///   else changed its files;
    /// - [`FileError::Io`]: the operating system refused.
    pub fn open(directory: impl AsRef<Path>, options: Options) -> Result<Self, FileError> {
        Self::open_on(Disk::new(options.sync), directory.as_ref(), options)
    }

    /// Opens `directory` to look at what it holds. The geometry is the recorded one; nothing in
    /// the directory is changed, every write and erase is refused, and a sync does nothing.
    ///
    /// # Errors
    /// - [`FileError::NotAMedium`]: there is none, or no such directory;
    /// - [`FileError::InUse`]: a node is running on it;
    /// - those of [`FileMedium::open`] that tell of changed files or the operating system.
    pub fn open_read_only(directory: impl AsRef<Path>) -> Result<Self, FileError> {
        let directory = directory.as_ref();
        let mut disk = Disk::new(SyncPolicy::Never);
        let lock = directory::lock_shared(&mut disk, directory)?;
        let Some(geometry) = record::load(&mut disk, directory)? else {
            return Err(FileError::NotAMedium { directory: directory.to_path_buf() });
        };
        Self::attach(disk, directory, geometry, Access::ReadOnly, lock)
    }

    fn open_on(mut disk: Disk, directory: &Path, options: Options) -> Result<Self, FileError> {
        let asked = options.geometry()?;
        directory::make(&mut disk, directory)?;
        let lock = directory::lock(&mut disk, directory)?;
        claim(&mut disk, directory, asked)?;
        directory::sweep(&mut disk, directory, asked.segments)?;
        let mut medium = Self::attach(disk, directory, asked, Access::Write, Some(lock))?;
        medium.renew()?;
        Ok(medium)
    }

    fn attach(
        mut disk: Disk,
        directory: &Path,
        geometry: Geometry,
        access: Access,
        lock: Option<Lock>,
    ) -> Result<Self, FileError> {
        let mut options = OpenOptions::new();
        options.read(true).write(access == Access::Write);
        let segments = (0..geometry.segments)
            .map(|segment| {
                let path = segment::path(directory, segment);
                Segment::open(&mut disk, path, geometry.segment_bytes, &options)
            })
            .collect::<Result<_, _>>()?;
        Ok(Self {
            directory: directory.to_path_buf(),
            geometry,
            access,
            disk,
            segments,
            gather: Gather::default(),
            names: Names::Dirty,
            halted: None,
            counters: Counters::default(),
            _lock: lock,
        })
    }

    /// After an earlier process saw a sync fail: brings what can be read to the disk.
    fn renew(&mut self) -> Result<(), FileError> {
        if !directory::is_suspect(&self.disk, &self.directory)? {
            return Ok(());
        }
        for segment in self.segments.iter_mut().flatten() {
            segment.rewrite(&mut self.disk, self.geometry.segment_bytes)?;
            segment.sync(&mut self.disk)?;
        }
        directory::clear_suspect(&mut self.disk, &self.directory)
    }

    /// Creates every segment that does not exist yet, so that no later erase takes long or finds
    /// the disk full.
    ///
    /// # Errors
    /// As [`Medium::erase`](raft_nostd::journal::Medium::erase).
    pub fn preallocate(&mut self) -> Result<(), FileError> {
        self.check_writable()?;
        (0..self.geometry.segments).try_for_each(|segment| self.ensure(segment))
    }

    /// The directory.
    #[must_use]
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// What it has done since it was opened.
    #[must_use]
    pub const fn counters(&self) -> Counters {
        self.counters
    }
}

/// Sees to it that `directory` records the geometry `asked` for, and no other.
fn claim(disk: &mut Disk, directory: &Path, asked: Geometry) -> Result<(), FileError> {
    if let Some(recorded) = record::load(disk, directory)? {
        let directory = directory.to_path_buf();
        return if recorded == asked {
            Ok(())
        } else {
            Err(FileError::GeometryChanged { directory, recorded, asked })
        };
    }
    // No crash leaves this: the record is durable before the first segment is begun.
    if let Some(segment) = directory::any_segment(disk, directory)? {
        return Err(FileError::Unrecorded { record: record::path(directory), segment });
    }
    directory::sync_names(disk, directory)?;
    record::store(disk, directory, asked)
}

impl Debug for FileMedium {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.debug_struct("FileMedium")
            .field("directory", &self.directory)
            .field("geometry", &self.geometry)
            .field("access", &self.access)
            .field("sync", &self.disk.policy())
            .field("halted", &self.halted)
            .field("counters", &self.counters)
            .finish_non_exhaustive()
    }
}
