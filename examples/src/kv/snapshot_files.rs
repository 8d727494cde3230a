//! The folder of the snapshots: how many files it has, and how long they are.

use super::error::Error;
use super::options::Options;
use super::trouble::Bounds;
use adapter_std::files::{self, AfterFailure, FileError, FileMedium, Space};
use raft_nostd::journal::{Geometry, Medium};
use raft_nostd::vault::{Owner, Vault, VaultError, owner_of};
use raft_nostd::{ClusterId, NodeId};
use std::fs;

/// The folder, in that of the journal.
pub const SNAPSHOTS: &str = "snapshots";
/// Bytes in a file: 1 MiB and 16 MiB at most. One is made when it is needed, and grows.
const SEGMENT: (u64, u64) = (1 << 20, 16 << 20);
/// The files of a blank one.
const OWN_FILES: [&str; 2] = ["medium.toml", "lock"];
/// The most files it can have.
const SEGMENTS_MAX: u32 = files::Options::SEGMENTS_MAX;
/// The longest snapshot, unless asked for otherwise.
const SNAPSHOT_MAX: u64 = 1 << 30;

/// Whether a start made the folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Folder {
    /// It was there.
    Found,
    /// It is new, and blank.
    Made,
}

impl Folder {
    /// Takes back what a start made that is refused.
    pub fn unmake(self, options: &Options) {
        if self == Self::Made {
            let directory = options.data.join(SNAPSHOTS);
            // What cannot be removed is a blank folder, which the next start takes as one.
            let _ = OWN_FILES.map(|name| fs::remove_file(directory.join(name)));
            let _ = fs::remove_dir(&directory);
        }
    }
}

/// Two slots for snapshots: of the length asked for, or as the directory has them.
///
/// # Errors
/// When the files cannot be used, or there cannot be as many as are asked for.
pub fn open(options: &Options) -> Result<(FileMedium, Folder), Error> {
    let directory = options.data.join(SNAPSHOTS);
    let folder = if directory.exists() { Folder::Found } else { Folder::Made };
    let (bytes, segments) = match FileMedium::open_remains_read_only(&directory) {
        Ok(medium) => {
            let Geometry { segment_bytes, segments, .. } = medium.geometry();
            // There may be more files than before, each as long.
            let asked = segments_for(options.snapshot_max.unwrap_or(0), segment_bytes);
            (segment_bytes, asked.max(segments))
        }
        Err(FileError::NotAMedium { .. }) => shape(options.snapshot_max.unwrap_or(SNAPSHOT_MAX)),
        Err(error) => return Err(Error::Directory(error)),
    };
    if segments > SEGMENTS_MAX {
        return Err(Error::Usage(format!(
            "--snapshot-max is too large for {}, which was made for less, with files of {}MiB: use \
             --snapshot-max {}MiB at most",
            directory.display(),
            bytes >> 20,
            most_of(SEGMENTS_MAX, bytes) >> 20
        )));
    }
    let shape = files::Options::new(bytes, segments)
        .with_sync(options.sync.into())
        .with_space(Space::Grown)
        .with_failures(AfterFailure::GoOn);
    // Whether a file that is lost is needed, is known when the journal was read.
    let medium = FileMedium::open_remains(&directory, shape).map_err(Error::Directory)?;
    Ok((medium, folder))
}

/// Whose snapshots these are, and the bound of their chunks, if there are any.
///
/// # Errors
/// When they cannot be looked at, or are of another format.
pub fn whose(medium: &mut FileMedium) -> Result<Option<(Owner, u32)>, VaultError<FileError>> {
    if let Some(found) = owner_of(medium).map_err(VaultError::Medium)? {
        return Ok(Some(found));
    }
    // Nobody's that this version can read; that they are of another is for the vault to say.
    let Some(node) = NodeId::new(1) else { return Ok(None) };
    let nobody = Owner { cluster: ClusterId(0), node, incarnation: 0 };
    match Vault::open(medium, nobody, 1, 0, &mut [0; 256]) {
        Err(error @ VaultError::Format(_)) => Err(error),
        _ => Ok(None),
    }
}

/// What bounds a snapshot there.
pub fn bounds(options: &Options, medium: &FileMedium) -> Bounds {
    let Geometry { segment_bytes, segments, .. } = medium.geometry();
    // The folder may have been made for more than is asked for today.
    let most = match options.snapshot_max {
        None if segments >= segments_for(SNAPSHOT_MAX, segment_bytes) => SNAPSHOT_MAX,
        asked => asked.unwrap_or(0).max(most_of(segments, segment_bytes)),
    };
    let room = u64::from(segments / 2).saturating_mul(u64::from(segment_bytes));
    Bounds { most, room }
}

/// Bytes in each file, and how many, for snapshots of `most` bytes.
fn shape(most: u64) -> (u32, u32) {
    let (least, longest) = SEGMENT;
    let bytes = (most / 8).clamp(least, longest).next_multiple_of(least);
    let bytes = u32::try_from(bytes).unwrap_or(u32::MAX);
    (bytes, segments_for(most, bytes))
}

/// How many files of `bytes` two snapshots of `most` bytes take.
fn segments_for(most: u64, bytes: u32) -> u32 {
    let each = most / net(bytes) + 1;
    u32::try_from(each * 2).unwrap_or(u32::MAX)
}

/// The longest snapshot that surely fits when there are so many files of `bytes`.
fn most_of(segments: u32, bytes: u32) -> u64 {
    u64::from(segments / 2).saturating_sub(1).saturating_mul(net(bytes))
}

/// Bytes of a snapshot in a file of `bytes`: an eighth may go to headers and to its end.
fn net(bytes: u32) -> u64 {
    u64::from(bytes - bytes / 8).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What `--help` and the README say of the space that snapshots take.
    #[test]
    fn the_bound_that_is_told() {
        for most in (1..=1_700).map(|mib: u64| mib << 20) {
            let (bytes, segments) = shape(most);
            let taken = u64::from(bytes) * u64::from(segments);
            assert!(taken <= most * 26 / 10 + (2 << 20), "{most}: {taken}");
            assert!(segments <= SEGMENTS_MAX, "{most}: {segments}");
            assert!(most_of(segments, bytes) + net(bytes) > most, "{most} fits");
        }
        assert_eq!(most_of(SEGMENTS_MAX, 1 << 20) >> 20, 111);
        assert!(segments_for(111 << 20, 1 << 20) <= SEGMENTS_MAX);
    }
}
