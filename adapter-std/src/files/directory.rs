//! The directory around the segments: made, locked, swept of what a crash left half-made.

use super::disk::Disk;
use super::error::{FileError, Operation};
use super::options::SyncPolicy;
use super::{record, segment};
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

const LOCK: &str = "lock";
const SUSPECT: &str = "sync-failed";

/// Refuses a file where a directory should be.
pub(super) fn check(directory: &Path) -> Result<(), FileError> {
    let is_file = |path: &&Path| fs::metadata(path).is_ok_and(|found| !found.is_dir());
    match directory.ancestors().find(is_file) {
        Some(file) => Err(FileError::NotADirectory { path: file.to_path_buf() }),
        None => Ok(()),
    }
}

/// Makes `directory`, and those above it, if need be. Their names are durable after
/// [`sync_names`].
pub(super) fn make(disk: &mut Disk, directory: &Path) -> Result<(), FileError> {
    if directory.is_dir() {
        return Ok(());
    }
    make(disk, parent(directory))?;
    disk.call(Operation::CreateDirectory, directory, || match fs::create_dir(directory) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        other => other,
    })
}

/// Makes the names of `directory` and of all directories above durable: which of them are new,
/// nobody knows after a process was killed in [`make`].
pub(super) fn sync_names(disk: &mut Disk, directory: &Path) -> Result<(), FileError> {
    let mut child = directory;
    loop {
        let parent = parent(child);
        if parent == child {
            return Ok(());
        }
        match disk.sync_directory(parent) {
            Err(FileError::Io { source, .. }) if child != directory && is_foreign(&source) => {}
            other => other?,
        }
        child = parent;
    }
}

/// Whether the error says that this process may not look at a directory, or that it cannot be
/// synced at all: then the name in it is not one that this process made.
fn is_foreign(error: &io::Error) -> bool {
    use io::ErrorKind::{InvalidInput, PermissionDenied, ReadOnlyFilesystem, Unsupported};
    matches!(error.kind(), InvalidInput | PermissionDenied | ReadOnlyFilesystem | Unsupported)
}

/// The directory that holds the name of `directory`.
fn parent(directory: &Path) -> &Path {
    match directory.parent() {
        Some(parent) if parent.as_os_str().is_empty() => Path::new("."),
        Some(parent) => parent,
        None => directory, // The root.
    }
}

/// A lock on a directory, given back when dropped.
pub(super) struct Lock(pub(super) File);

impl Drop for Lock {
    fn drop(&mut self) {
        // Closing the file is not enough: while this process spawns another, a copy of it stays
        // open until the other has begun, and would hold the lock. Nobody could mend a failure.
        let _ = self.0.unlock();
    }
}

/// Locks `directory` for this medium alone.
pub(super) fn lock(disk: &mut Disk, directory: &Path) -> Result<Lock, FileError> {
    let path = directory.join(LOCK);
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    let file = disk.call(Operation::Create, &path, || options.open(&path))?;
    let locked = file.try_lock();
    held(disk, directory, &path, locked).map(|()| Lock(file))
}

/// Locks `directory` against those who write it. A directory that was copied without its lock
/// file has nobody who writes it.
pub(super) fn lock_shared(disk: &mut Disk, directory: &Path) -> Result<Option<Lock>, FileError> {
    let path = directory.join(LOCK);
    let Some(file) = disk.open(&path, OpenOptions::new().read(true))? else {
        return Ok(None);
    };
    let locked = file.try_lock_shared();
    held(disk, directory, &path, locked).map(|()| Some(Lock(file)))
}

fn held(
    disk: &mut Disk,
    directory: &Path,
    path: &Path,
    locked: Result<(), TryLockError>,
) -> Result<(), FileError> {
    match locked {
        Ok(()) => Ok(()),
        Err(TryLockError::WouldBlock) => {
            Err(FileError::InUse { directory: directory.to_path_buf() })
        }
        Err(TryLockError::Error(error)) => disk.call(Operation::Lock, path, || Err(error)),
    }
}

/// Any segment in `directory`, which records no geometry, or does not exist.
pub(super) fn any_segment(disk: &mut Disk, directory: &Path) -> Result<Option<PathBuf>, FileError> {
    disk.call(Operation::List, directory, || {
        let entries = match fs::read_dir(directory) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            other => other?,
        };
        for entry in entries {
            let entry = entry?;
            if segment::is_name(&entry.file_name()) {
                return Ok(Some(entry.path()));
            }
        }
        Ok(None)
    })
}

/// Removes files of ours that a crash left before they had their final names.
pub(super) fn sweep(disk: &mut Disk, directory: &Path, segments: u32) -> Result<(), FileError> {
    disk.remove(&directory.join(record::NAME_NEW))?;
    (0..segments).try_for_each(|segment| disk.remove(&segment::new_path(directory, segment)))
}

/// Leaves a mark that the page cache may hold bytes which are not on the disk and which the
/// kernel no longer means to write: after a failed sync it takes them for clean.
///
/// The mark need not be durable, nor may it be possible to make it so: once the page cache is
/// gone, what can be read is what is on the disk.
pub(super) fn mark_suspect(disk: &Disk, directory: &Path, cause: &str) {
    if disk.policy() == SyncPolicy::Always {
        // If even this fails, the failed sync itself is still reported.
        let _ = fs::write(directory.join(SUSPECT), cause);
    }
}

/// Whether there is such a mark.
pub(super) fn is_suspect(disk: &Disk, directory: &Path) -> Result<bool, FileError> {
    let path = directory.join(SUSPECT);
    match disk.policy() {
        SyncPolicy::Always => path.try_exists().map_err(FileError::io(Operation::Open, &path)),
        SyncPolicy::Never => Ok(false),
    }
}

/// Removes the mark: all that can be read has been written again and synced.
pub(super) fn clear_suspect(disk: &mut Disk, directory: &Path) -> Result<(), FileError> {
    disk.remove(&directory.join(SUSPECT))
}
