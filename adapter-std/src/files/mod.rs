//! A medium made of files: a directory of segments, for a journal or for snapshots.
//!
//! ```text
//! data/
//!   medium.toml           the layout, and which segments hold something
//!   lock                  held while a medium has the directory
//!   segment-000.journal   one segment, always of its full size (unless it grows)
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
//! - **A file that is lost is missed.** The first sync of something in a segment marks it in
//!   `medium.toml`, with one more `fdatasync` in the segment's life. A marked file that is gone or
//!   holds only zeros is refused by its name: without that, the loss of the newest segment, or of
//!   the only one, would look like a journal that ended there. What cannot be told: a segment that
//!   was replaced by an older copy of itself, and a directory that was emptied altogether, which
//!   is as good as a new one.
//!
//! # Snapshots
//!
//! A second medium in a directory of its own, `snapshots` inside the journal's for example, is the
//! place for them. Its segments must be large enough for the largest snapshot there might be, so it
//! is opened with [`Space::Grown`]: files take space as they are written, and keep it. A write, a
//! read or a sync that finds no space for what was gathered is then
//! [`PersistFailure::Full`] and poisons nothing: whoever
//! wrote a snapshot gives up what is not synced of it, and the newest whole one stays. (The medium
//! keeps what it had taken, and writes it before anything else once there is space.) A sync that
//! fails after the bytes were written still halts the medium, whatever the cause. As every sync has
//! a size to write, a journal is better off with preallocated files.
//!
//! A snapshot's file that is lost need not be the end: what was in it may be an older snapshot, or stand
//! in the journal. [`FileMedium::open_remains`] opens the rest, and a node that starts on it finds out:
//! where its journal goes on from a snapshot that is not there, it refuses
//! ([`SnapshotMissing`](raft_nostd::SnapshotMissing)).
//!
//! ```
//! # use adapter_std::files::{FileMedium, Options, Space};
//! # let dir = std::env::temp_dir().join(format!("adapter-std-doc2-{}", std::process::id()));
//! let journal = FileMedium::open(&dir, Options::new(64 << 10, 4))?;
//! let room = Options::new(1 << 30, 2).with_space(Space::Grown);
//! let snapshots = FileMedium::open(dir.join("snapshots"), room)?;
//! # drop((journal, snapshots));
//! # std::fs::remove_dir_all(&dir).unwrap();
//! # Ok::<(), adapter_std::files::FileError>(())
//! ```
//!
//! # A journal
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
mod lost;
mod medium;
mod options;
mod record;
mod segment;
#[cfg(test)]
mod tests;

pub use error::{FileError, Operation};
pub use lost::{Loss, Lost};
pub use options::{AfterFailure, Counters, Options, Space, SyncPolicy};

use directory::Lock;
use disk::Disk;
use gather::Gather;
use lost::Losses;
use raft_nostd::journal::{Geometry, PersistFailure};
use record::{Layout, Record};
use segment::Segment;
use std::fmt::{self, Debug, Formatter};
use std::fs::OpenOptions;
use std::path::{Path, PathBuf};

/// A [`Medium`](raft_nostd::journal::Medium) made of files in one directory, which it holds for
/// itself until it is dropped. Dropping does not sync.
pub struct FileMedium {
    directory: PathBuf,
    geometry: Geometry,
    record: Record,
    access: Access,
    disk: Disk,
    segments: Vec<Option<Segment>>,
    gather: Gather,
    names: Names,
    lost: Vec<Lost>,
    failures: AfterFailure,
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
    /// - [`FileError::GeometryChanged`], [`FileError::SpaceChanged`]: it was made with other options,
    ///   and there are segments by now;
    /// - [`FileError::Unrecorded`], [`FileError::Record`], [`FileError::SegmentMissing`],
    ///   [`FileError::SegmentBlank`], [`FileError::SegmentSize`], [`FileError::RecordVersion`]:
    ///   something else changed its files;
    /// - [`FileError::NotADirectory`]: it is a file, or one above it is;
    /// - [`FileError::Io`]: the operating system refused.
    pub fn open(directory: impl AsRef<Path>, options: Options) -> Result<Self, FileError> {
        let disk = Disk::new(options.sync);
        Self::open_on(disk, directory.as_ref(), options, Losses::Refused)
    }

    /// [Opens](Self::open) what remains of a directory: files that are lost read as blank, and
    /// [`lost`](Self::lost) tells of them. They are missed at every start until something is in their
    /// place.
    ///
    /// For media of which another may have what was lost, such as snapshots: it is for the caller to
    /// find out whether all that is needed is there before anything is written.
    ///
    /// # Errors
    /// As [`FileMedium::open`], but for lost files.
    pub fn open_remains(directory: impl AsRef<Path>, options: Options) -> Result<Self, FileError> {
        let disk = Disk::new(options.sync);
        Self::open_on(disk, directory.as_ref(), options, Losses::Told)
    }

    /// Opens `directory` to look at what it holds. The geometry is the recorded one; nothing in
    /// the directory is changed, every write and erase is refused, and a sync does nothing.
    ///
    /// # Errors
    /// - [`FileError::NotAMedium`]: there is none, or no such directory;
    /// - [`FileError::InUse`]: a node is running on it;
    /// - those of [`FileMedium::open`] that tell of changed files or the operating system.
    pub fn open_read_only(directory: impl AsRef<Path>) -> Result<Self, FileError> {
        Self::look(directory.as_ref(), Losses::Refused)
    }

    /// [Opens](Self::open_read_only) to look at what [remains](Self::open_remains).
    ///
    /// # Errors
    /// As [`FileMedium::open_read_only`], but for lost files.
    pub fn open_remains_read_only(directory: impl AsRef<Path>) -> Result<Self, FileError> {
        Self::look(directory.as_ref(), Losses::Told)
    }

    fn look(directory: &Path, losses: Losses) -> Result<Self, FileError> {
        let mut disk = Disk::new(SyncPolicy::Never);
        directory::check(directory)?;
        let lock = directory::lock_shared(&mut disk, directory)?;
        let Some(record) = Record::load(&mut disk, directory, Access::ReadOnly)? else {
            let segment = directory::any_segment(&mut disk, directory)?;
            return Err(match segment {
                Some(segment) => FileError::Unrecorded { record: record::path(directory), segment },
                None => FileError::NotAMedium { directory: directory.to_path_buf() },
            });
        };
        Self::attach(disk, directory, record, (Access::ReadOnly, losses), lock)
    }

    fn open_on(
        mut disk: Disk,
        directory: &Path,
        options: Options,
        losses: Losses,
    ) -> Result<Self, FileError> {
        let asked = options.layout()?;
        directory::check(directory)?;
        directory::make(&mut disk, directory)?;
        let lock = directory::lock(&mut disk, directory)?;
        let record = claim(&mut disk, directory, asked)?;
        directory::sweep(&mut disk, directory, asked.geometry.segments)?;
        let how = (Access::Write, losses);
        let mut medium = Self::attach(disk, directory, record, how, Some(lock))?;
        medium.renew()?;
        medium.failures = options.failures;
        Ok(medium)
    }

    fn attach(
        mut disk: Disk,
        directory: &Path,
        mut record: Record,
        (access, losses): (Access, Losses),
        lock: Option<Lock>,
    ) -> Result<Self, FileError> {
        let mut told = Vec::new();
        let geometry = record.layout().geometry;
        let mut options = OpenOptions::new();
        options.read(true).write(access == Access::Write);
        let segments = (0..geometry.segments)
            .map(|number| {
                let path = segment::path(directory, number);
                let segment = Segment::open(&mut disk, path, record.layout(), &options)?;
                let lost =
                    lost::compare(&mut disk, directory, &mut record, number, segment.as_ref())?;
                lost.map_or(Ok(()), |lost| losses.take(directory, lost, &mut told))?;
                Ok(segment)
            })
            .collect::<Result<_, _>>()?;
        Ok(Self {
            directory: directory.to_path_buf(),
            geometry,
            record,
            access,
            disk,
            segments,
            gather: Gather::default(),
            names: Names::Dirty,
            lost: told,
            failures: AfterFailure::Halt,
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
            segment.rewrite(&mut self.disk)?;
            segment.sync(&mut self.disk)?;
        }
        self.record.rewrite(&mut self.disk)?;
        directory::clear_suspect(&mut self.disk, &self.directory)
    }

    /// Creates every segment that does not exist yet, so that no later erase takes long or finds
    /// the disk full. Of those that grow, only the names.
    ///
    /// # Errors
    /// As [`Medium::erase`](raft_nostd::journal::Medium::erase). Where the disk is full, what this
    /// call had created is given back: a new directory may still be used with fewer segments.
    pub fn preallocate(&mut self) -> Result<(), FileError> {
        self.check_writable()?;
        let exists = |segment: &u32| matches!(self.segments.get(*segment as usize), Some(Some(_)));
        let missing = (0..self.geometry.segments).filter(|segment| !exists(segment));
        let missing: Vec<u32> = missing.collect();
        for (created, segment) in missing.iter().enumerate() {
            if let Err(error) = self.ensure(*segment) {
                if error.failure() == PersistFailure::Full {
                    missing.iter().take(created).for_each(|segment| self.give_back(*segment));
                }
                return Err(error);
            }
        }
        Ok(())
    }

    /// Removes a segment that nothing was written to.
    fn give_back(&mut self, segment: u32) {
        if let Some(place) = self.segments.get_mut(segment as usize) {
            *place = None;
        }
        // A file that stays is a blank segment, which the next start takes as one.
        let _ = self.disk.remove(&segment::path(&self.directory, segment));
    }

    /// Whether there is no segment yet, so that another layout may still be asked for.
    #[must_use]
    pub fn is_new(&self) -> bool {
        self.segments.iter().all(Option::is_none)
    }

    /// Whether nothing was ever synced in it. (Or, with [`SyncPolicy::Never`], handed over as synced.)
    #[must_use]
    pub fn is_blank(&self) -> bool {
        self.record.is_blank()
    }

    /// The files that were lost when it was opened: none, unless what
    /// [remains](Self::open_remains) was asked for.
    #[must_use]
    pub fn lost(&self) -> &[Lost] {
        &self.lost
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

/// The file of segment number `segment` of the medium in `directory`, whether it exists or not: to
/// name it to a person.
#[must_use]
pub fn segment_path(directory: &Path, segment: u32) -> PathBuf {
    segment::path(directory, segment)
}

/// Sees to it that `directory` records the layout `asked` for, and no other.
fn claim(disk: &mut Disk, directory: &Path, asked: Layout) -> Result<Record, FileError> {
    if let Some(record) = Record::load(disk, directory, Access::Write)? {
        let recorded = record.layout();
        if recorded == asked {
            return Ok(record);
        }
        if grows(recorded, asked) {
            record::store(disk, directory, asked, Some(&record))?;
            return reload(disk, directory);
        }
        // Nothing was ever put here in another layout: it was a mistake that can be mended.
        if !record.is_blank() || directory::any_segment(disk, directory)?.is_some() {
            return Err(changed(directory, recorded, asked));
        }
    } else if let Some(segment) = directory::any_segment(disk, directory)? {
        // No crash leaves this: the record is durable before the first segment is begun.
        return Err(FileError::Unrecorded { record: record::path(directory), segment });
    } else {
        directory::sync_names(disk, directory)?;
    }
    record::store(disk, directory, asked, None)?;
    reload(disk, directory)
}

fn reload(disk: &mut Disk, directory: &Path) -> Result<Record, FileError> {
    let stored = Record::load(disk, directory, Access::Write)?;
    stored.ok_or_else(|| FileError::NotAMedium { directory: directory.to_path_buf() })
}

/// Whether all that changes is that there may be more segments, each as long as before. Who grows
/// them as they are written does not count on their number.
fn grows(recorded: Layout, asked: Layout) -> bool {
    let Geometry { segments, .. } = asked.geometry;
    recorded.space == Space::Grown
        && segments > recorded.geometry.segments
        && asked == Layout { geometry: Geometry { segments, ..recorded.geometry }, ..recorded }
}

fn changed(directory: &Path, recorded: Layout, asked: Layout) -> FileError {
    let directory = directory.to_path_buf();
    if recorded.geometry == asked.geometry {
        let (recorded, asked) = (recorded.space, asked.space);
        return FileError::SpaceChanged { directory, recorded, asked };
    }
    let (recorded, asked) = (recorded.geometry, asked.geometry);
    FileError::GeometryChanged { directory, recorded, asked }
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
