//! Snapshots that a node cannot start with: which file, and what a person can do. The start says it,
//! and `kv inspect`, in the same words.
//!
//! Membership changes do not exist yet, and a node with an empty directory under its old id has
//! forgotten what it acknowledged. So nothing but a copy is ever advised.

use super::error::Error;
use super::inspect_snapshots::Snapshots;
use super::snapshot_files::SNAPSHOTS;
use adapter_std::files::{FileError, Lost, segment_path};
use raft_nostd::vault::{ChunkError, Owner, VaultError};
use raft_nostd::{Index, OpenError, SnapshotAhead, SnapshotMissing};
use std::fmt::{self, Display, Formatter};
use std::path::Path;

/// The two segments in which the two snapshots begin.
const HEADS: [u32; 2] = [0, 1];

/// What is wrong, and what helps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// What is wrong.
    pub what: String,
    /// What a person can do.
    pub helps: String,
}

impl Display for Problem {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Self { what, helps } = self;
        write!(f, "{what}; {helps}")
    }
}

/// Where a node has what it needs to start.
#[derive(Clone, Copy, Debug)]
pub struct Place<'a> {
    /// The directory of the journal.
    pub journal: &'a Path,
    /// That of the snapshots.
    pub snapshots: &'a Path,
    /// Files of these that are lost.
    pub lost: &'a [Lost],
}

impl Place<'_> {
    /// What is wrong with the snapshots; `None` when it is something else that is wrong.
    pub fn problem(&self, error: &OpenError<FileError, FileError>) -> Option<Problem> {
        Some(match error {
            OpenError::Chunk(error) => self.unreadable(error),
            OpenError::SnapshotMissing(missing) => self.missing(missing),
            OpenError::SnapshotAhead(ahead) => self.ahead(ahead),
            OpenError::Snapshots(error) => return self.refused(error),
            OpenError::Machine(_) => Problem {
                what: format!(
                    "the newest snapshot in {} is whole, but not of a state that this version of kv \
                     knows",
                    self.snapshots.display()
                ),
                helps: "nothing was changed: start the version that wrote it".to_owned(),
            },
            _ => return None,
        })
    }

    /// A chunk of the newest cannot be read.
    pub fn unreadable(&self, error: &ChunkError<FileError>) -> Problem {
        let place = match error {
            ChunkError::Damaged { segment, .. } => {
                format!(", in {}", segment_path(self.snapshots, *segment).display())
            }
            // The operating system's errors have the path.
            _ => String::new(),
        };
        let mut what = format!("the newest snapshot cannot be read: {error}{place}");
        if !self.lost.is_empty() {
            what += &format!("; {}", All(self.lost));
        }
        Problem { what, helps: self.copy() }
    }

    /// The journal goes on from one that is not there, or began there and cannot be read.
    pub fn missing(&self, missing: &SnapshotMissing) -> Problem {
        let [first, second] = HEADS.map(|head| segment_path(self.snapshots, head));
        let what = if !self.lost.is_empty() {
            format!("{missing}; {}", All(self.lost))
        } else if first.exists() || second.exists() {
            let (first, second) = (first.display(), second.display());
            format!("{missing}; it began in {first} or in {second}, and cannot be read")
        } else {
            format!("{missing} in {}", self.snapshots.display())
        };
        Problem { what, helps: self.copy() }
    }

    /// The newest is of more than the journal has.
    pub fn ahead(&self, ahead: &SnapshotAhead) -> Problem {
        Problem { what: ahead.to_string(), helps: bring_back(self.journal) }
    }

    /// They are of others; `None` when the error has its own words for it.
    pub fn refused(&self, error: &VaultError<FileError>) -> Option<Problem> {
        let helps = match error {
            VaultError::OtherOwner { .. } => "bring the folder of this node back",
            VaultError::Format(_) => "start the version of kv that wrote them",
            _ => return None,
        };
        let what = format!("{}: {error}", self.snapshots.display());
        Some(Problem { what, helps: format!("nothing was changed: {helps}") })
    }

    fn copy(&self) -> String {
        format!(
            "nothing was changed: bring all of {} back from a copy (one that is too old is refused); \
             without one this node must stay away, for with an empty directory under its id it has \
             forgotten what it acknowledged",
            self.snapshots.display()
        )
    }
}

/// What helps who has lost the journal in `directory`.
fn bring_back(directory: &Path) -> String {
    format!(
        "nothing was changed: bring the files of the journal back as they were when the node ran last, \
         in {}; with others, or with none, it has forgotten what it acknowledged",
        directory.display()
    )
}

/// Refuses a journal of which nothing is there where a node left snapshots. Nothing is made before.
///
/// # Errors
/// When that is so, or when the snapshots cannot be looked at.
pub fn check_blank_journal(directory: &Path) -> Result<(), Error> {
    let snapshots = directory.join(SNAPSHOTS);
    let found = Snapshots::look(&snapshots, Index::ZERO)?;
    let Some(Owner { node, cluster, .. }) = found.owner() else { return Ok(()) };
    let what = format!(
        "there is no journal in {}, but {} has snapshots of node {node} of cluster {:016x}",
        directory.display(),
        snapshots.display(),
        cluster.0
    );
    Err(Error::Snapshot(Problem { what, helps: bring_back(directory) }))
}

/// Lost files, in a row.
pub struct All<'a>(pub &'a [Lost]);

impl Display for All<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        for (place, one) in self.0.iter().enumerate() {
            let comma = if place > 0 { ", " } else { "" };
            write!(f, "{comma}{one}")?;
        }
        Ok(())
    }
}

/// Lost files that the start can do without: the journal goes on from the newest whole snapshot, or
/// from before it. So nothing that is not in these two was in the files: neither an older snapshot
/// nor a newer one would add anything.
pub struct Spared<'a>(pub &'a [Lost], pub Option<&'a raft_nostd::Manifest>);

impl Display for Spared<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Self(lost, newest) = self;
        let (it, its) = if lost.len() == 1 { ("it", "its") } else { ("them", "their") };
        write!(f, "{}: nothing in {it} is needed, as ", All(lost))?;
        match newest {
            Some(newest) => write!(
                f,
                "the snapshot through entry {} is whole, and the journal has all that follows",
                newest.last.index
            )?,
            None => f.write_str("the journal has everything")?,
        }
        write!(f, "; the next snapshots take {its} place")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use adapter_std::files::Loss;
    use raft_nostd::{Manifest, Position};

    #[test]
    fn lost_files_are_named_in_a_row() {
        let lost = [("a", Loss::Missing), ("b", Loss::Blank)]
            .map(|(path, how)| Lost { path: path.into(), how });
        let newest = Manifest { last: Position::new(1, 9), ..Manifest::default() };
        assert_eq!(
            Spared(&lost, Some(&newest)).to_string(),
            "a is missing, b is empty, or holds only zeros: nothing in them is needed, as the snapshot \
             through entry 9 is whole, and the journal has all that follows; the next snapshots take \
             their place"
        );
        let alone = Spared(&lost[..1], None).to_string();
        assert!(alone.starts_with("a is missing: nothing in it is needed, as the journal has "));
    }
}
