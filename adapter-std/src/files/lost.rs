//! Segment files that held something and do not hold it any more.

use super::disk::Disk;
use super::error::FileError;
use super::record::{self, Record};
use super::segment::{self, Segment};
use std::fmt::{self, Display, Formatter};
use std::path::{Path, PathBuf};

/// A segment file that held acknowledged bytes, as its record says, and holds none now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lost {
    /// The file.
    pub path: PathBuf,
    /// What became of it.
    pub how: Loss,
}

/// What became of a segment file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Loss {
    /// It is gone.
    Missing,
    /// It is empty, or holds nothing but zeros.
    Blank,
}

impl Display for Loss {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Missing => "is missing",
            Self::Blank => "is empty, or holds only zeros",
        })
    }
}

impl Display for Lost {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.path.display(), self.how)
    }
}

/// What to do about them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Losses {
    /// They are refused: nobody else has what was in them.
    Refused,
    /// They are told.
    Told,
}

impl Losses {
    /// Counts one among `told`, or refuses it.
    pub(super) fn take(
        self,
        directory: &Path,
        one: Lost,
        told: &mut Vec<Lost>,
    ) -> Result<(), FileError> {
        match self {
            Self::Told => {
                told.push(one);
                Ok(())
            }
            Self::Refused => {
                let (record, Lost { path, how }) = (record::path(directory), one);
                Err(match how {
                    Loss::Missing => FileError::SegmentMissing { path, record },
                    Loss::Blank => FileError::SegmentBlank { path, record },
                })
            }
        }
    }
}

/// What became of segment number `number`, if it is marked and is not there. Marks at the next sync
/// what a killed predecessor wrote and did not come to mark.
pub(super) fn compare(
    disk: &mut Disk,
    directory: &Path,
    record: &mut Record,
    number: u32,
    segment: Option<&Segment>,
) -> Result<Option<Lost>, FileError> {
    let path = segment::path(directory, number);
    let marked = record.is_marked(number);
    let Some(segment) = segment else {
        return Ok(marked.then_some(Lost { path, how: Loss::Missing }));
    };
    let bytes = record.layout().geometry.segment_bytes;
    let beginning = segment.beginning(disk, bytes)?;
    if !marked {
        record.note(number, &beginning);
    } else if beginning.iter().all(|byte| *byte == 0) && segment.is_blank(disk, bytes)? {
        return Ok(Some(Lost { path, how: Loss::Blank }));
    }
    Ok(None)
}
