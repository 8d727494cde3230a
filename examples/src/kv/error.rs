//! Why the program ends otherwise than by being asked to.

use super::lost::Problem;
use super::snapshot_files::SNAPSHOTS;
use adapter_mio::{OpenError, RunError};
use adapter_std::files::FileError;
use raft_nostd::ClusterId;
use raft_nostd::journal::{Formatted, RecoverError};
use raft_nostd::vault::VaultError;
use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;

/// Why the program ends.
#[derive(Debug)]
#[non_exhaustive]
pub enum Error {
    /// The command line makes no sense.
    Usage(String),
    /// Clients cannot be listened to.
    Listen {
        /// Where.
        address: SocketAddr,
        /// How the operating system put it.
        source: io::Error,
    },
    /// Signals cannot be waited for.
    Signals(io::Error),
    /// The directory of the journal cannot be used.
    Directory(FileError),
    /// There is no space for the journal.
    Room {
        /// Bytes it takes in all.
        bytes: u64,
        /// What could not be made.
        source: FileError,
    },
    /// The snapshots cannot be looked at.
    Snapshots(VaultError<FileError>),
    /// The node cannot start.
    Open {
        /// The directory of its journal.
        directory: PathBuf,
        /// The name of its cluster.
        cluster: String,
        /// Why.
        source: OpenError<FileError>,
    },
    /// Snapshots and journal do not go together, or the snapshots are of others.
    Snapshot(Problem),
    /// The node cannot go on.
    Run(RunError),
    /// The journal cannot be looked at.
    Inspect {
        /// Its directory.
        directory: PathBuf,
        /// Why.
        source: RecoverError<FileError>,
    },
    /// Something in the directory of the journal that is no file, and might never end.
    NotAFile(PathBuf),
    /// The journal that was looked at is damaged. It has been told where.
    Damaged(PathBuf),
    /// The same of the snapshot in this folder.
    DamagedSnapshot(PathBuf),
    /// Nothing can be written to the standard output.
    Output(io::Error),
}

impl Error {
    /// The status to exit with: 2 when the command line makes no sense, else 1.
    pub const fn status(&self) -> u8 {
        match self {
            Self::Usage(_) => 2,
            _ => 1,
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Usage(problem) => f.write_str(problem),
            Self::Listen { address, source } => {
                write!(f, "cannot listen for clients on TCP {address}: {source}")
            }
            Self::Signals(source) => write!(f, "cannot wait for signals: {source}"),
            Self::Directory(source) => source.fmt(f),
            Self::Room { bytes, source } => write!(
                f,
                "{source}: the journal takes {}MiB, see --journal and --room",
                bytes >> 20
            ),
            Self::Snapshots(source) => write!(f, "the snapshots: {source}"),
            Self::Open { directory, cluster, source } => match source {
                OpenError::Node(raft_nostd::OpenError::Journal(error)) => {
                    explain(f, &directory.display(), cluster, error)
                }
                OpenError::Node(raft_nostd::OpenError::Snapshots(error)) => {
                    write!(f, "the snapshots in {}: {error}", directory.join(SNAPSHOTS).display())
                }
                _ => source.fmt(f),
            },
            Self::Snapshot(problem) => problem.fmt(f),
            Self::Run(source) => source.fmt(f),
            Self::Inspect { directory, source } => explain(f, &directory.display(), "", source),
            Self::NotAFile(path) => write!(
                f,
                "{} is no regular file, as it must be: bring it back as it was",
                path.display()
            ),
            Self::Damaged(directory) => {
                write!(f, "the journal in {} is damaged", directory.display())
            }
            Self::DamagedSnapshot(directory) => {
                write!(f, "the snapshot in {} is damaged", directory.display())
            }
            Self::Output(source) => write!(f, "cannot write to the standard output: {source}"),
        }
    }
}

/// What is wrong with a journal, and what helps.
fn explain(
    f: &mut fmt::Formatter<'_>,
    directory: &dyn fmt::Display,
    cluster: &str,
    error: &RecoverError<FileError>,
) -> fmt::Result {
    write!(f, "the journal in {directory}: ")?;
    match error {
        // As the inspection shows it: always with all digits.
        RecoverError::Cluster { found: ClusterId(found), expected: ClusterId(expected) } => {
            write!(f, "a journal of cluster {found:016x}, not {expected:016x}")?;
        }
        RecoverError::Shape { found, expected } => {
            let [found, expected] = [found, expected].map(shape);
            write!(f, "it was made with {found}, the directory now has {expected}")?;
        }
        error => write!(f, "{error}")?,
    }
    match error {
        RecoverError::Cluster { .. } => write!(
            f,
            " (that of --cluster {cluster}); nothing was changed: name the right --data, or --cluster"
        ),
        RecoverError::Node { .. } => {
            f.write_str("; nothing was changed: name the right --data, or --id")
        }
        RecoverError::Voters { .. } => {
            f.write_str("; nothing was changed: name these nodes with --peer, or the right --data")
        }
        RecoverError::Format { .. } => {
            f.write_str("; nothing was changed: start the version of kv that wrote it")
        }
        RecoverError::Corrupt(_) => write!(f, "; see `kv inspect {directory}`"),
        RecoverError::Capacity { .. } => {
            f.write_str(": it was made for a smaller log; use a smaller --log-bytes")
        }
        RecoverError::FrameTooLong { .. } => f.write_str("; use a larger --max-datagram"),
        RecoverError::LogFull { .. } => f.write_str("; use a larger --log-bytes or --log-entries"),
        _ => Ok(()),
    }
}

fn shape(formatted: &Formatted) -> String {
    let Formatted { segments, segment_bytes, granularity } = formatted;
    let unit = match granularity {
        1 => String::new(),
        bytes => format!(", written by {bytes}"),
    };
    format!("{segments} segments of {segment_bytes} bytes{unit}")
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Usage(_) | Self::NotAFile(_) => None,
            Self::Snapshot(_) => None,
            Self::Damaged(_) | Self::DamagedSnapshot(_) => None,
            Self::Listen { source, .. } | Self::Signals(source) | Self::Output(source) => {
                Some(source)
            }
            Self::Directory(source) | Self::Room { source, .. } => Some(source),
            Self::Snapshots(source) => Some(source),
            Self::Open { source, .. } => Some(source),
            Self::Run(source) => Some(source),
            Self::Inspect { source, .. } => Some(source),
        }
    }
}
