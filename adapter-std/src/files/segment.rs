//! One segment: a file that is either complete or does not exist.

use super::at;
use super::disk::Disk;
use super::error::{FileError, Operation};
use super::options::Space;
use super::record::Layout;
use std::ffi::OsStr;
use std::fs::{File, OpenOptions};
use std::path::{Path, PathBuf};

const PREFIX: &str = "segment-";
const SUFFIX: &str = ".journal";
/// Bytes read or written at a time where a whole file is.
const CHUNK: usize = 64 << 10;
static ZEROS: [u8; CHUNK] = [0; CHUNK];

/// Where segment number `segment` of `directory` is.
pub(super) fn path(directory: &Path, segment: u32) -> PathBuf {
    directory.join(format!("{PREFIX}{segment:03}{SUFFIX}"))
}

/// Where it is until it is complete.
pub(super) fn new_path(directory: &Path, segment: u32) -> PathBuf {
    directory.join(format!("{PREFIX}{segment:03}{SUFFIX}.new"))
}

/// Whether a complete segment of any number may have this name.
pub(super) fn is_name(name: &OsStr) -> bool {
    let digits = |name: &str| -> Option<bool> {
        let number = name.strip_prefix(PREFIX)?.strip_suffix(SUFFIX)?;
        Some(!number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit()))
    };
    name.to_str().and_then(digits).unwrap_or(false)
}

/// A segment that exists.
pub(super) struct Segment {
    path: PathBuf,
    file: File,
    space: Space,
    durability: Durability,
}

/// What is known about a segment's bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Durability {
    /// They are on the disk.
    Synced,
    /// Some may be in the page cache only.
    Dirty,
}

impl Segment {
    /// Opens the segment at `path`, if it exists, as `options` say. It counts as dirty: a killed
    /// predecessor may have left bytes in the page cache only.
    pub(super) fn open(
        disk: &mut Disk,
        path: PathBuf,
        layout: Layout,
        options: &OpenOptions,
    ) -> Result<Option<Self>, FileError> {
        let Some(file) = disk.open(&path, options)? else {
            return Ok(None);
        };
        let found = disk.call(Operation::Open, &path, || file.metadata())?.len();
        let expected = u64::from(layout.geometry.segment_bytes);
        let whole = match layout.space {
            Space::Preallocated => found == expected,
            Space::Grown => found <= expected,
        };
        if !whole {
            return Err(FileError::SegmentSize { path, expected, found });
        }
        Ok(Some(Self { path, file, space: layout.space, durability: Durability::Dirty }))
    }

    /// Creates segment number `segment` of `directory`: of its full length, or empty if it grows.
    ///
    /// The zeros are really written: a later sync of data then has no size and no extents to
    /// write, and no write can run out of space. They are written, and synced, under another
    /// name, so that a crash at any point leaves a complete segment or none. The final name is
    /// durable once the directory is synced.
    ///
    /// # Errors
    /// [`FileError::NoSpace`] when there is none; what was taken is given back.
    pub(super) fn create(
        disk: &mut Disk,
        directory: &Path,
        segment: u32,
        layout: Layout,
    ) -> Result<Self, FileError> {
        let space = layout.space;
        let bytes = match space {
            Space::Preallocated => layout.geometry.segment_bytes,
            Space::Grown => 0,
        };
        let (path, new) = (path(directory, segment), new_path(directory, segment));
        let zeros = |disk: &mut Disk, file: &mut File| {
            chunks(bytes).try_for_each(|(_, length)| {
                disk.append(Operation::Preallocate, &new, file, &ZEROS[..length])
            })
        };
        match disk.create(&new, zeros).and_then(|file| disk.rename(&new, &path).map(|()| file)) {
            Ok(file) => Ok(Self { path, file, space, durability: Durability::Synced }),
            Err(error) => {
                // What cannot be removed now is overwritten by the next attempt.
                let _ = disk.remove(&new);
                Err(error.or_no_space(&path))
            }
        }
    }

    pub(super) fn read(
        &self,
        disk: &mut Disk,
        offset: u32,
        into: &mut [u8],
    ) -> Result<(), FileError> {
        let read = || match self.space {
            Space::Preallocated => at::read(&self.file, u64::from(offset), into),
            Space::Grown => at::read_padded(&self.file, u64::from(offset), into),
        };
        disk.call(Operation::Read, &self.path, read)
    }

    pub(super) fn write(
        &mut self,
        disk: &mut Disk,
        offset: u32,
        bytes: &[u8],
    ) -> Result<(), FileError> {
        self.durability = Durability::Dirty;
        let write = || at::write(&self.file, u64::from(offset), bytes);
        let written = disk.call(Operation::Write, &self.path, write);
        match self.space {
            // Only a file system that copies on write can run out here, and then bytes may be lost.
            Space::Preallocated => written,
            Space::Grown => written.map_err(|error| error.or_no_space(&self.path)),
        }
    }

    /// The first bytes of the segment, up to 64 KiB.
    pub(super) fn beginning(&self, disk: &mut Disk, bytes: u32) -> Result<Vec<u8>, FileError> {
        let mut chunk = vec![0; CHUNK.min(bytes as usize)];
        self.read(disk, 0, &mut chunk)?;
        Ok(chunk)
    }

    /// Whether it reads as zeros from end to end. O(bytes) where it does.
    pub(super) fn is_blank(&self, disk: &mut Disk, bytes: u32) -> Result<bool, FileError> {
        let mut chunk = vec![0; CHUNK];
        for (offset, length) in chunks(bytes) {
            self.read(disk, offset, &mut chunk[..length])?;
            if chunk[..length].iter().any(|byte| *byte != 0) {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Makes what was written durable. How many files that took: one or none.
    pub(super) fn sync(&mut self, disk: &mut Disk) -> Result<u64, FileError> {
        if self.durability == Durability::Synced {
            return Ok(0);
        }
        disk.sync_data(&self.path, &self.file)?;
        self.durability = Durability::Synced;
        Ok(1)
    }

    /// Writes every byte again as it reads now, so that the next sync has to take them all to
    /// the disk.
    pub(super) fn rewrite(&mut self, disk: &mut Disk) -> Result<(), FileError> {
        let bytes = disk.call(Operation::Open, &self.path, || self.file.metadata())?.len();
        let bytes = u32::try_from(bytes).unwrap_or(u32::MAX);
        let mut chunk = vec![0; CHUNK];
        for (offset, length) in chunks(bytes) {
            self.read(disk, offset, &mut chunk[..length])?;
            self.write(disk, offset, &chunk[..length])?;
        }
        Ok(())
    }
}

/// The offset and length of each chunk of a file of `bytes`.
fn chunks(bytes: u32) -> impl Iterator<Item = (u32, usize)> {
    let rest = move |offset: u32| CHUNK.min((bytes - offset) as usize);
    (0..bytes).step_by(CHUNK).map(move |offset| (offset, rest(offset)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_segments_are_told_from_others() {
        for segment in [0, 7, 255, 1_000] {
            assert!(is_name(path(Path::new("d"), segment).file_name().unwrap()));
            assert!(!is_name(new_path(Path::new("d"), segment).file_name().unwrap()));
        }
        for other in ["segment-.journal", "segment-1x.journal", "segment-001", "notes", "lock"] {
            assert!(!is_name(OsStr::new(other)), "{other}");
        }
    }

    #[test]
    fn chunks_cover_a_file_exactly() {
        for bytes in [512, CHUNK as u32, CHUNK as u32 + 1, 3 * CHUNK as u32 - 1] {
            let mut next = 0;
            for (offset, length) in chunks(bytes) {
                assert_eq!(offset, next);
                next += length as u32;
            }
            assert_eq!(next, bytes);
        }
        assert_eq!(chunks(u32::MAX).map(|(_, length)| length as u64).sum::<u64>(), 0xffff_ffff);
    }
}
