//! A snapshot that did not come about: why, and what helps.

use super::values::Amount;
use raft_nostd::SnapshotFailure;
use std::fmt::{self, Display, Formatter};

/// What makes a disk that is full have room again, for whoever runs the node.
pub const SPACE: &str = "make space on it, or raise its quota or the limit on the length of files \
                         (ulimit -f), and snapshots go on by themselves";

/// What bounds the snapshots of this node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// Bytes of the longest, as `--snapshot-max` says, or as the folder was made for.
    pub most: u64,
    /// Bytes in all files of one, headers included.
    pub room: u64,
}

/// Whose snapshot it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Whose {
    /// This node takes it.
    Own,
    /// A leader sends it, of so many bytes.
    Leaders(u64),
}

/// A snapshot that did not come about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trouble {
    /// What failed.
    pub failure: SnapshotFailure,
    /// Whose it is.
    pub whose: Whose,
    /// What the medium said; nothing where nobody asked it.
    pub why: String,
    /// How much of it would have had room.
    pub bounds: Bounds,
}

impl Display for Trouble {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Bounds { most, room } = self.bounds;
        let most = Amount(most);
        match (self.failure, self.whose) {
            (SnapshotFailure::TooLarge, Whose::Own) => write!(
                f,
                "the state is too large for --snapshot-max {most}: the files of a snapshot have \
                 room for {room} bytes, headers included; start every node with a larger \
                 --snapshot-max"
            ),
            (SnapshotFailure::TooLarge, Whose::Leaders(bytes)) => write!(
                f,
                "--snapshot-max {most} of this node cannot hold the leader's snapshot of {bytes} \
                 bytes; start this node with --snapshot-max {}MiB or more",
                bytes.div_ceil(1 << 20)
            ),
            (SnapshotFailure::Full, _) => {
                let colon = if self.why.is_empty() { "" } else { ": " };
                write!(f, "{}{colon}the disk of this node is full; {SPACE}", self.why)
            }
            (SnapshotFailure::Machine, _) => f.write_str("the state cannot be written or read"),
            (SnapshotFailure::Storage, _) => f.write_str(&self.why),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(failure: SnapshotFailure, whose: Whose) -> String {
        let bounds = Bounds { most: 1 << 20, room: 2 << 20 };
        Trouble { failure, whose, why: "no space for x".to_owned(), bounds }.to_string()
    }

    #[test]
    fn too_large_a_snapshot_is_told_in_bytes_with_the_flag() {
        let told = |whose| told(SnapshotFailure::TooLarge, whose);
        let own = told(Whose::Own);
        assert!(own.contains("--snapshot-max 1MiB: the files"), "{own}");
        assert!(own.contains("room for 2097152 bytes"), "{own}");
        let leaders = told(Whose::Leaders(3_568_527));
        assert!(leaders.contains("--snapshot-max 1MiB of this node"), "{leaders}");
        assert!(leaders.contains("snapshot of 3568527 bytes"), "{leaders}");
        assert!(leaders.ends_with("with --snapshot-max 4MiB or more"), "{leaders}");
    }

    #[test]
    fn a_full_disk_is_told_as_that() {
        for whose in [Whose::Own, Whose::Leaders(9)] {
            let told = told(SnapshotFailure::Full, whose);
            assert!(told.starts_with("no space for x: the disk of this node is full; "), "{told}");
            assert!(!told.contains("--snapshot-max"), "{told}");
        }
    }
}
