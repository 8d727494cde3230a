//! Snapshots that a node cannot start with: which file, and what a person can do.
//!
//! Membership changes do not exist yet, and a node with an empty directory under its old id has
//! forgotten what it acknowledged. So nothing but a copy is ever advised.

use adapter_std::files::{FileError, segment_path};
use raft_nostd::vault::{ChunkError, VaultError};
use raft_nostd::{OpenError, SnapshotError, SnapshotMissing};
use std::fmt::{self, Formatter};
use std::path::Path;

/// The two segments in which the two snapshots begin.
const HEADS: [u32; 2] = [0, 1];

/// Says what is wrong with the snapshots in `snapshots`, beside the journal in `journal`. `None` when
/// it is something else that is wrong.
pub fn explain(
    f: &mut Formatter<'_>,
    journal: &Path,
    snapshots: &Path,
    error: &OpenError<FileError, FileError>,
) -> Option<fmt::Result> {
    let place = snapshots.display();
    Some(match error {
        OpenError::Chunk(error) => explain_chunk(f, snapshots, error),
        OpenError::SnapshotMissing(missing) => {
            write!(f, "{}; {}", Missing(snapshots, missing), Remedy(snapshots))
        }
        OpenError::SnapshotAhead(ahead) => write!(
            f,
            "{ahead}; nothing was changed: bring the files of the journal in {} back as they were \
             when the node ran last; with others it has forgotten what it acknowledged",
            journal.display()
        ),
        OpenError::Snapshots(VaultError::OtherOwner { found }) => write!(
            f,
            "{place}: {}; nothing was changed: bring the folder of this node back",
            VaultError::<FileError>::OtherOwner { found: *found }
        ),
        OpenError::Snapshots(VaultError::Format(format)) => write!(
            f,
            "{place}: snapshots of format {format} cannot be read; nothing was changed: start the \
             version of kv that wrote them"
        ),
        OpenError::Snapshots(error) => write!(f, "the snapshots in {place}: {error}"),
        OpenError::Machine(SnapshotError::Malformed | SnapshotError::Unsupported) => write!(
            f,
            "the newest snapshot in {place} is whole, but not of a state that this version of kv \
             knows; nothing was changed: start the version that wrote it"
        ),
        _ => return None,
    })
}

/// Says which chunk cannot be read, and where.
fn explain_chunk(
    f: &mut Formatter<'_>,
    snapshots: &Path,
    error: &ChunkError<FileError>,
) -> fmt::Result {
    write!(
        f,
        "the newest snapshot cannot be read: {}; {}",
        Chunk(snapshots, error),
        Remedy(snapshots)
    )
}

/// What is wrong with a chunk of a snapshot in this folder.
pub struct Chunk<'a>(pub &'a Path, pub &'a ChunkError<FileError>);

impl fmt::Display for Chunk<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Self(snapshots, error) = self;
        write!(f, "{error}")?;
        match error {
            ChunkError::Damaged { segment, .. } => {
                write!(f, ", in {}", segment_path(snapshots, *segment).display())
            }
            // The operating system's errors have the path.
            _ => Ok(()),
        }
    }
}

/// Which snapshot is not in this folder, or began there and cannot be read.
pub struct Missing<'a>(pub &'a Path, pub &'a SnapshotMissing);

impl fmt::Display for Missing<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Self(snapshots, missing) = self;
        let [first, second] = HEADS.map(|head| segment_path(snapshots, head));
        if first.exists() || second.exists() {
            let (first, second) = (first.display(), second.display());
            write!(f, "{missing}; it began in {first} or in {second}, and cannot be read")
        } else {
            write!(f, "{missing} in {}", snapshots.display())
        }
    }
}

/// What helps when a snapshot in this folder is gone.
pub struct Remedy<'a>(pub &'a Path);

impl fmt::Display for Remedy<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "nothing was changed: bring all of {} back from a copy (one that is too old is refused); \
             without one this node must stay away, for with an empty directory under its id it has \
             forgotten what it acknowledged",
            self.0.display()
        )
    }
}
