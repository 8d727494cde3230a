//! The one door every fallible call of a medium passes: it names the path in the error, keeps to
//! the sync policy, and lets tests fail a call or die before it.

use super::at;
use super::error::{FileError, Operation};
use super::options::SyncPolicy;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::Path;

/// The operating system, as far as a medium needs it.
pub(super) struct Disk {
    sync: SyncPolicy,
    #[cfg(test)]
    hook: Option<Hook>,
}

/// A test's say before each call.
#[cfg(test)]
pub(super) type Hook = Box<dyn FnMut(Operation, &Path) -> io::Result<()> + Send>;

impl Disk {
    pub(super) fn new(sync: SyncPolicy) -> Self {
        Self {
            sync,
            #[cfg(test)]
            hook: None,
        }
    }

    /// Every call passes through `hook` first.
    #[cfg(test)]
    pub(super) fn hooked(sync: SyncPolicy, hook: Hook) -> Self {
        Self { sync, hook: Some(hook) }
    }

    pub(super) const fn policy(&self) -> SyncPolicy {
        self.sync
    }

    /// Makes `call`, which is `operation` on `path`.
    pub(super) fn call<T>(
        &mut self,
        operation: Operation,
        path: &Path,
        call: impl FnOnce() -> io::Result<T>,
    ) -> Result<T, FileError> {
        #[cfg(test)]
        if let Some(hook) = &mut self.hook {
            hook(operation, path).map_err(FileError::io(operation, path))?;
        }
        call().map_err(FileError::io(operation, path))
    }

    /// Opens `path` as `options` say; `None` when it does not exist.
    pub(super) fn open(
        &mut self,
        path: &Path,
        options: &OpenOptions,
    ) -> Result<Option<File>, FileError> {
        self.call(Operation::Open, path, || match options.open(path) {
            Ok(file) => Ok(Some(file)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        })
    }

    /// Creates `path`, in place of any file of that name, lets `fill` write it and syncs it.
    pub(super) fn create(
        &mut self,
        path: &Path,
        fill: impl FnOnce(&mut Self, &mut File) -> Result<(), FileError>,
    ) -> Result<File, FileError> {
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(true);
        let mut file = self.call(Operation::Create, path, || options.open(path))?;
        fill(self, &mut file)?;
        self.sync_all(path, &file)?;
        Ok(file)
    }

    /// Appends `bytes` to `file`, which is at `path`.
    pub(super) fn append(
        &mut self,
        operation: Operation,
        path: &Path,
        file: &mut File,
        bytes: &[u8],
    ) -> Result<(), FileError> {
        self.call(operation, path, || file.write_all(bytes))
    }

    /// Moves `from` to `to`. The new name is durable after [`Disk::sync_directory`].
    pub(super) fn rename(&mut self, from: &Path, to: &Path) -> Result<(), FileError> {
        self.call(Operation::Rename, to, || fs::rename(from, to))
    }

    /// Removes the file at `path`, if there is one.
    pub(super) fn remove(&mut self, path: &Path) -> Result<(), FileError> {
        self.call(Operation::Remove, path, || match fs::remove_file(path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        })
    }

    /// Makes contents and metadata of `file` durable.
    pub(super) fn sync_all(&mut self, path: &Path, file: &File) -> Result<(), FileError> {
        match self.sync {
            SyncPolicy::Always => self.call(Operation::Sync, path, || file.sync_all()),
            SyncPolicy::Never => Ok(()),
        }
    }

    /// Makes the contents of `file` durable.
    pub(super) fn sync_data(&mut self, path: &Path, file: &File) -> Result<(), FileError> {
        match self.sync {
            SyncPolicy::Always => self.call(Operation::Sync, path, || file.sync_data()),
            SyncPolicy::Never => Ok(()),
        }
    }

    /// Makes the names in `directory` durable.
    pub(super) fn sync_directory(&mut self, directory: &Path) -> Result<(), FileError> {
        match self.sync {
            SyncPolicy::Always => {
                self.call(Operation::SyncDirectory, directory, || at::sync_directory(directory))
            }
            SyncPolicy::Never => Ok(()),
        }
    }
}
