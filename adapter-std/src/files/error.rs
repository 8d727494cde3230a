//! What can go wrong with a directory of files: what was tried, on which path, and how to mend it.

use super::lost::Loss;
use super::options::Space;
use raft_nostd::journal::{Geometry, PersistFailure};
use std::fmt::{self, Display, Formatter};
use std::io;
use std::path::{Path, PathBuf};

/// What the medium was doing when the operating system refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Operation {
    /// Creating a directory.
    CreateDirectory,
    /// Listing a directory.
    List,
    /// Locking a directory against other processes.
    Lock,
    /// Creating a file.
    Create,
    /// Opening a file.
    Open,
    /// Filling a new segment with zeros.
    Preallocate,
    /// Giving a complete file its final name.
    Rename,
    /// Removing a file that is no longer needed.
    Remove,
    /// Reading.
    Read,
    /// Writing.
    Write,
    /// Forcing a file to the disk.
    Sync,
    /// Forcing the names in a directory to the disk.
    SyncDirectory,
}

impl Display for Operation {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::CreateDirectory => "create directory",
            Self::List => "list directory",
            Self::Lock => "lock",
            Self::Create => "create",
            Self::Open => "open",
            Self::Preallocate => "preallocate",
            Self::Rename => "rename",
            Self::Remove => "remove",
            Self::Read => "read",
            Self::Write => "write",
            Self::Sync => "sync",
            Self::SyncDirectory => "sync directory",
        })
    }
}

/// Why a [`FileMedium`](super::FileMedium) cannot do what it was asked.
#[derive(Debug)]
#[non_exhaustive]
pub enum FileError {
    /// The options cannot be met by any directory. The caller's fault.
    Options {
        /// Which number, and its bounds.
        problem: String,
    },
    /// Another process (or another medium of this one) has the directory.
    InUse {
        /// The directory.
        directory: PathBuf,
    },
    /// The directory was made with another geometry; its contents would not be understood.
    GeometryChanged {
        /// The directory.
        directory: PathBuf,
        /// What it was made with.
        recorded: Geometry,
        /// What the options say.
        asked: Geometry,
    },
    /// The directory's files take their space in another way.
    SpaceChanged {
        /// The directory.
        directory: PathBuf,
        /// What it was made with.
        recorded: Space,
        /// What the options say.
        asked: Space,
    },
    /// No medium was ever made here, so there is nothing to open read-only.
    NotAMedium {
        /// The directory.
        directory: PathBuf,
    },
    /// There is a file where a directory should be.
    NotADirectory {
        /// The file.
        path: PathBuf,
    },
    /// There are segments, but not the file that says how to read them.
    Unrecorded {
        /// The file that is missing.
        record: PathBuf,
        /// A segment that was found.
        segment: PathBuf,
    },
    /// The file that records the geometry cannot be understood.
    Record {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
    /// The file that records the geometry is of another version of this program.
    RecordVersion {
        /// The file.
        path: PathBuf,
        /// Its version.
        found: u32,
        /// What this program reads.
        expected: u32,
    },
    /// A segment file is gone, and the record says that acknowledged bytes were in it.
    SegmentMissing {
        /// The file.
        path: PathBuf,
        /// The record.
        record: PathBuf,
    },
    /// A segment file holds nothing but zeros, and the record says that acknowledged bytes were in
    /// it.
    SegmentBlank {
        /// The file.
        path: PathBuf,
        /// The record.
        record: PathBuf,
    },
    /// A segment file is not as long as it was made.
    SegmentSize {
        /// The file.
        path: PathBuf,
        /// Its recorded size in bytes.
        expected: u64,
        /// Its size now, in bytes.
        found: u64,
    },
    /// The medium was opened read-only. The caller's fault.
    ReadOnly {
        /// The directory.
        directory: PathBuf,
    },
    /// The bytes asked for are not inside the geometry. The caller's fault.
    Outside {
        /// The segment.
        segment: u32,
        /// The first byte.
        offset: u32,
        /// How many bytes.
        length: usize,
        /// What they are outside of.
        geometry: Geometry,
    },
    /// A segment was written that was never erased. The caller's fault.
    NeverErased {
        /// The file that does not exist.
        path: PathBuf,
    },
    /// A new segment, or one that [grows](super::Space::Grown), found no room. Nothing is lost; the
    /// same call may be tried again later.
    NoSpace {
        /// The segment's file.
        path: PathBuf,
        /// How the operating system put it.
        source: io::Error,
    },
    /// The operating system refused.
    Io {
        /// What was tried.
        operation: Operation,
        /// On which file or directory.
        path: PathBuf,
        /// How the operating system put it.
        source: io::Error,
    },
    /// An earlier write or sync failed, so nothing this medium says can be trusted until the
    /// directory is opened again.
    Halted {
        /// The first failure.
        cause: String,
    },
}

impl FileError {
    /// For `map_err`: `operation` on `path` failed.
    pub(super) fn io(operation: Operation, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_path_buf();
        move |source| Self::Io { operation, path, source }
    }

    /// What this means to a node: [`PersistFailure::Full`] only where nothing was lost by it.
    #[must_use]
    pub const fn failure(&self) -> PersistFailure {
        match self {
            Self::NoSpace { .. } => PersistFailure::Full,
            _ => PersistFailure::Failed,
        }
    }

    /// The same error again where it says that space is short.
    pub(super) fn or_no_space(self, segment: &Path) -> Self {
        match self {
            Self::Io { source, .. } if is_no_space(&source) => {
                Self::NoSpace { path: segment.to_path_buf(), source }
            }
            other => other,
        }
    }
}

/// A limit on the length of files (`ulimit -f`) is as good as a full disk. Its signal, SIGXFSZ, ends
/// a process that does not catch it before it could see the error.
fn is_no_space(error: &io::Error) -> bool {
    use io::ErrorKind::{FileTooLarge, QuotaExceeded, StorageFull};
    matches!(error.kind(), StorageFull | QuotaExceeded | FileTooLarge)
}

/// The way out for who has lost a file: there is no other.
const RESTORE: &str = "bring it back as it was; without it, or with an empty directory under its \
                       old id, the node has forgotten what it acknowledged";

fn lost(f: &mut Formatter<'_>, path: &Path, how: Loss, record: &Path) -> fmt::Result {
    let (path, record) = (path.display(), record.display());
    write!(f, "{path} {how}, but {record} says that it held acknowledged bytes; {RESTORE}")
}

fn changed(
    f: &mut Formatter<'_>,
    directory: &Path,
    recorded: &Geometry,
    asked: &Geometry,
) -> fmt::Result {
    write!(
        f,
        "{} was made with {} segments of {} bytes and cannot be read as {} of {}; ask for the former",
        directory.display(),
        recorded.segments,
        recorded.segment_bytes,
        asked.segments,
        asked.segment_bytes
    )
}

impl Display for FileError {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Options { problem } => write!(f, "the journal's options are wrong: {problem}"),
            Self::InUse { directory } => {
                write!(f, "{} is in use by another process", directory.display())
            }
            Self::GeometryChanged { directory, recorded, asked } => {
                changed(f, directory, recorded, asked)
            }
            Self::SpaceChanged { directory, recorded, asked } => write!(
                f,
                "{} was made with its space {recorded:?} and cannot be used as {asked:?}",
                directory.display()
            ),
            Self::NotAMedium { directory } => {
                write!(f, "{} holds no journal", directory.display())
            }
            Self::NotADirectory { path } => write!(
                f,
                "{} is a file, but must be a directory: name the right one; if it was one, bring that \
                 back",
                path.display()
            ),
            Self::Unrecorded { record, segment } => write!(
                f,
                "{} exists but {} is missing; {RESTORE}",
                segment.display(),
                record.display()
            ),
            Self::Record { path, problem } => {
                write!(f, "{} cannot be understood: {problem}; {RESTORE}", path.display())
            }
            Self::RecordVersion { path, found, expected } => write!(
                f,
                "{} is of version {found}, this program reads {expected}: use the version that wrote \
                 it",
                path.display()
            ),
            Self::SegmentMissing { path, record } => lost(f, path, Loss::Missing, record),
            Self::SegmentBlank { path, record } => lost(f, path, Loss::Blank, record),
            Self::SegmentSize { path, expected, found } => write!(
                f,
                "{} has {found} bytes but was made with {expected}: something else changed it; \
                 {RESTORE}",
                path.display()
            ),
            Self::ReadOnly { directory } => {
                write!(f, "{} was opened read-only", directory.display())
            }
            Self::Outside { segment, offset, length, geometry } => write!(
                f,
                "{length} bytes at {offset} of segment {segment} are outside of {} segments \
                 of {} bytes",
                geometry.segments, geometry.segment_bytes
            ),
            Self::NeverErased { path } => {
                write!(f, "{} cannot be written: it was never erased", path.display())
            }
            Self::NoSpace { path, source } => {
                write!(f, "no space for {}: {source}", path.display())
            }
            Self::Io { operation, path, source } => {
                write!(f, "cannot {operation} {}: {source}", path.display())
            }
            Self::Halted { cause } => {
                write!(f, "nothing more is taken before the next start, after a failure: {cause}")
            }
        }
    }
}

impl std::error::Error for FileError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::NoSpace { source, .. } | Self::Io { source, .. } => Some(source),
            _ => None,
        }
    }
}
