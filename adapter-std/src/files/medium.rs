//! The verbs of a medium: read, write, erase, sync.

use super::gather::Taken;
use super::segment::Segment;
use super::{Access, AfterFailure, FileError, FileMedium, Names, Space, SyncPolicy, directory};
use raft_nostd::journal::{Geometry, Medium, PersistFailure};
use std::time::Instant;

impl Medium for FileMedium {
    type Error = FileError;

    fn geometry(&self) -> Geometry {
        self.geometry
    }

    /// A segment that was never erased reads as zeros.
    ///
    /// # Errors
    /// - [`FileError::Outside`]: the bytes are not inside the geometry;
    /// - [`FileError::NoSpace`]: gathered bytes among them find no space in a segment that grows;
    /// - [`FileError::Io`]: they cannot be read, or gathered bytes among them cannot be written;
    /// - [`FileError::Halted`]: a write or sync failed before.
    fn read(&mut self, segment: u32, offset: u32, into: &mut [u8]) -> Result<(), FileError> {
        self.check(segment, offset, into.len())?;
        if self.gather.hides(segment, offset, into.len()) {
            self.flush()?;
        }
        match self.segments.get(segment as usize) {
            Some(Some(segment)) => segment.read(&mut self.disk, offset, into),
            _ => {
                into.fill(self.geometry.erased);
                Ok(())
            }
        }
    }

    /// # Errors
    /// - [`FileError::ReadOnly`], [`FileError::Outside`], [`FileError::NeverErased`]: nothing was
    ///   taken and nothing is lost, but the caller is wrong;
    /// - [`FileError::NoSpace`], in a segment that grows: these bytes were not taken, earlier ones
    ///   still wait, and it may be tried again;
    /// - [`FileError::Io`]: these bytes or earlier ones could not be written;
    /// - [`FileError::Halted`]: a write or sync failed before.
    fn write(&mut self, segment: u32, offset: u32, bytes: &[u8]) -> Result<(), FileError> {
        self.check_writable()?;
        self.check(segment, offset, bytes.len())?;
        if !matches!(self.segments.get(segment as usize), Some(Some(_))) {
            let path = super::segment::path(&self.directory, segment);
            return Err(FileError::NeverErased { path });
        }
        if self.gather.take(segment, offset, bytes) == Taken::Yes {
            return Ok(());
        }
        self.flush()?;
        match self.gather.take(segment, offset, bytes) {
            Taken::Yes => Ok(()),
            Taken::No => self.put(segment, offset, bytes),
        }
    }

    /// Creates the segment's file if there is none, which takes as long as writing and syncing a
    /// segment of zeros, if it does not grow. One that exists is left as it is, old bytes and all.
    ///
    /// # Errors
    /// - [`FileError::NoSpace`]: nothing is lost, and it may be tried again;
    /// - [`FileError::ReadOnly`], [`FileError::Outside`]: the caller is wrong;
    /// - [`FileError::Io`]: the file cannot be created;
    /// - [`FileError::Halted`]: a write or sync failed before.
    fn erase(&mut self, segment: u32) -> Result<(), FileError> {
        self.check_writable()?;
        self.ensure(segment)
    }

    /// Writes what was gathered, then syncs each file written since the last sync, and the
    /// directory if it has new names; then marks those that hold something for the first time. Does nothing when there is nothing to do, or on a medium
    /// opened read-only, which nothing can be acknowledged on.
    ///
    /// # Errors
    /// - [`FileError::NoSpace`], in a segment that grows: nothing was synced, and it may be tried
    ///   again;
    /// - [`FileError::Io`]: something may not be durable;
    /// - [`FileError::Halted`]: a write or sync failed before.
    fn sync(&mut self) -> Result<(), FileError> {
        if self.access == Access::ReadOnly {
            return Ok(());
        }
        self.check_halted()?;
        let begun = Instant::now();
        self.flush()?;
        let synced = self.sync_files();
        let files = synced.map_err(|error| self.halt(error))?;
        if files > 0 && self.disk.policy() == SyncPolicy::Always {
            self.counters.syncs = self.counters.syncs.saturating_add(1);
            self.counters.file_syncs = self.counters.file_syncs.saturating_add(files);
            self.counters.last_sync = begun.elapsed();
        }
        Ok(())
    }

    fn failure(error: &FileError) -> PersistFailure {
        error.failure()
    }
}

impl FileMedium {
    /// Creates segment number `segment` unless it exists.
    pub(super) fn ensure(&mut self, segment: u32) -> Result<(), FileError> {
        self.check(segment, 0, 0)?;
        let Some(place @ None) = self.segments.get_mut(segment as usize) else {
            return Ok(());
        };
        let layout = self.record.layout();
        match Segment::create(&mut self.disk, &self.directory, segment, layout) {
            Ok(created) => *place = Some(created),
            Err(error) => return Err(self.halt(error)),
        }
        self.names = Names::Dirty;
        if layout.space == Space::Preallocated {
            let bytes = u64::from(self.geometry.segment_bytes);
            let total = self.counters.bytes_preallocated.saturating_add(bytes);
            self.counters.bytes_preallocated = total;
        }
        Ok(())
    }

    /// Writes what was gathered. What finds no space stays gathered: it was taken.
    fn flush(&mut self) -> Result<(), FileError> {
        let gather = std::mem::take(&mut self.gather);
        let written = match gather.run() {
            Some((segment, offset, bytes)) => self.put(segment, offset, bytes),
            None => Ok(()),
        };
        self.gather = if written.is_ok() { gather.cleared() } else { gather };
        written
    }

    /// Writes `bytes` now. The segment exists.
    fn put(&mut self, segment: u32, offset: u32, bytes: &[u8]) -> Result<(), FileError> {
        let Some(Some(file)) = self.segments.get_mut(segment as usize) else {
            return self.check(segment, offset, bytes.len());
        };
        let written = file.write(&mut self.disk, offset, bytes);
        written.map_err(|error| self.halt(error))?;
        self.record.note(segment, bytes);
        self.counters.writes = self.counters.writes.saturating_add(1);
        let total = self.counters.bytes_written.saturating_add(bytes.len() as u64);
        self.counters.bytes_written = total;
        Ok(())
    }

    /// Syncs what is dirty. How many segment files that took.
    fn sync_files(&mut self) -> Result<u64, FileError> {
        let mut files: u64 = 0;
        for segment in self.segments.iter_mut().flatten() {
            files = files.saturating_add(segment.sync(&mut self.disk)?);
        }
        if self.names == Names::Dirty {
            self.disk.sync_directory(&self.directory)?;
            self.names = Names::Synced;
        }
        // Not before: a mark that the power cut left alone would speak of a file that is not there.
        self.record.sync(&mut self.disk)?;
        Ok(files)
    }

    /// Remembers `error`, unless nothing is lost by it, or the medium is to go on.
    fn halt(&mut self, error: FileError) -> FileError {
        if error.failure() == PersistFailure::Failed {
            let cause = error.to_string();
            directory::mark_suspect(&self.disk, &self.directory, &cause);
            match self.failures {
                AfterFailure::Halt => self.halted = Some(cause),
                AfterFailure::GoOn => self.record.doubt(),
            }
        }
        error
    }

    fn check_halted(&self) -> Result<(), FileError> {
        self.halted.clone().map_or(Ok(()), |cause| Err(FileError::Halted { cause }))
    }

    pub(super) fn check_writable(&self) -> Result<(), FileError> {
        match self.access {
            Access::Write => Ok(()),
            Access::ReadOnly => Err(FileError::ReadOnly { directory: self.directory.clone() }),
        }
    }

    /// Whether `length` bytes at `offset` of `segment` exist, on a medium that still serves.
    fn check(&self, segment: u32, offset: u32, length: usize) -> Result<(), FileError> {
        self.check_halted()?;
        let Geometry { segments, segment_bytes, .. } = self.geometry;
        let end = u64::from(offset).saturating_add(length as u64);
        if segment < segments && end <= u64::from(segment_bytes) {
            return Ok(());
        }
        Err(FileError::Outside { segment, offset, length, geometry: self.geometry })
    }
}
