//! Reading and writing at an offset, and syncing directories, on each platform.

use std::fs::File;
use std::io;
use std::path::Path;

#[cfg(not(unix))]
pub(super) use portable::{read, sync_directory, write};
#[cfg(unix)]
pub(super) use unix::{read, sync_directory, write};

#[cfg(unix)]
mod unix {
    use super::{File, Path, io};
    use std::os::unix::fs::FileExt;

    /// Fills `into` from `offset`.
    pub(crate) fn read(file: &File, offset: u64, into: &mut [u8]) -> io::Result<()> {
        file.read_exact_at(into, offset)
    }

    /// Writes all of `bytes` at `offset`.
    pub(crate) fn write(file: &File, offset: u64, bytes: &[u8]) -> io::Result<()> {
        file.write_all_at(bytes, offset)
    }

    /// Makes the names in `directory` durable.
    pub(crate) fn sync_directory(directory: &Path) -> io::Result<()> {
        File::open(directory)?.sync_all()
    }
}

/// For platforms without the calls above.
#[cfg(any(not(unix), test))]
mod portable {
    use super::{File, Path, io};
    use std::io::{Read, Seek, SeekFrom, Write};

    /// Fills `into` from `offset`. A medium has its files to itself, so moving the cursor is safe.
    pub(crate) fn read(mut file: &File, offset: u64, into: &mut [u8]) -> io::Result<()> {
        file.seek(SeekFrom::Start(offset))?;
        file.read_exact(into)
    }

    /// Writes all of `bytes` at `offset`.
    pub(crate) fn write(mut file: &File, offset: u64, bytes: &[u8]) -> io::Result<()> {
        file.seek(SeekFrom::Start(offset))?;
        file.write_all(bytes)
    }

    /// std cannot do this elsewhere: that a new file's name lasts is up to the file system.
    #[cfg_attr(test, allow(dead_code))]
    pub(crate) fn sync_directory(_directory: &Path) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::{File, portable};
    use crate::testing::TempDir;

    #[test]
    fn both_ways_to_write_at_an_offset_agree() {
        let dir = TempDir::new("at");
        let path = dir.path().join("file");
        let mut options = File::options();
        let file = options.read(true).write(true).create_new(true).open(path).unwrap();
        super::write(&file, 0, &[1; 8]).unwrap();
        portable::write(&file, 2, &[2; 3]).unwrap();
        super::write(&file, 4, &[3; 2]).unwrap();
        let (mut one, mut other) = ([0; 7], [0; 7]);
        super::read(&file, 1, &mut one).unwrap();
        portable::read(&file, 1, &mut other).unwrap();
        assert_eq!((one, other), ([1, 2, 2, 3, 3, 1, 1], one));
        assert!(super::read(&file, 2, &mut one).is_err());
        assert!(portable::read(&file, 2, &mut one).is_err());
    }
}
