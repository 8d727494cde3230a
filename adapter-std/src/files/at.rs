//! Reading and writing at an offset, and syncing directories, on each platform.

use std::fs::File;
use std::io;
use std::path::Path;

#[cfg(not(unix))]
pub(super) use portable::{read, read_some, sync_directory, write};
#[cfg(unix)]
pub(super) use unix::{read, read_some, sync_directory, write};

/// Fills `into` from `offset`, with zeros from the end of the file on.
pub(super) fn read_padded(file: &File, offset: u64, into: &mut [u8]) -> io::Result<()> {
    let (mut offset, mut rest) = (offset, into);
    while !rest.is_empty() {
        match read_some(file, offset, rest) {
            Ok(0) => {
                rest.fill(0);
                return Ok(());
            }
            Ok(taken) => {
                offset += taken as u64;
                rest = &mut rest[taken..];
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

#[cfg(unix)]
mod unix {
    use super::{File, Path, io};
    use std::os::unix::fs::FileExt;

    /// Fills `into` from `offset`.
    pub(crate) fn read(file: &File, offset: u64, into: &mut [u8]) -> io::Result<()> {
        file.read_exact_at(into, offset)
    }

    /// As much as one call gives from `offset`; nothing only at the end of the file.
    pub(crate) fn read_some(file: &File, offset: u64, into: &mut [u8]) -> io::Result<usize> {
        file.read_at(into, offset)
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

    /// As much as one call gives from `offset`; nothing only at the end of the file.
    pub(crate) fn read_some(mut file: &File, offset: u64, into: &mut [u8]) -> io::Result<usize> {
        file.seek(SeekFrom::Start(offset))?;
        file.read(into)
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
        let mut padded = [9; 4];
        super::read_padded(&file, 6, &mut padded).unwrap();
        assert_eq!(padded, [1, 1, 0, 0]);
        super::read_padded(&file, 100, &mut padded).unwrap();
        assert_eq!(padded, [0; 4]);
        assert_eq!(portable::read_some(&file, 6, &mut padded).unwrap(), 2);
        assert_eq!(portable::read_some(&file, 8, &mut padded).unwrap(), 0);
    }
}
