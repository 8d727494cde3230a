//! The journal's directory: which files it has, and that they are enough before there is any.

use super::error::Error;
use super::lost;
use super::options::{Options, Room};
use adapter_std::files::{self, FileError, FileMedium};
use raft_nostd::Config;
use raft_nostd::journal::{Geometry, Limits, Medium};
use std::path::Path;

/// Bytes in a journal, unless the log needs more.
const JOURNAL_BYTES: u64 = 1 << 30;
/// The most segments a journal can have.
const SEGMENTS_MAX: u32 = files::Options::SEGMENTS_MAX;
/// Bytes of a segment that may stay unused: its head and the last frame that does not fit.
const SEGMENT_WASTE: u64 = 128 << 10;

/// Of the longest entries, a log has room for as many at least.
pub const LOG_FRAMES_MIN: u64 = 3;

/// Opens the journal's files, and makes them where they are new.
///
/// # Errors
/// When there would be too few, which leaves the directory as it was; when they cannot be used; when
/// there is no space for them.
pub fn open(options: &Options, config: &Config<'_>) -> Result<FileMedium, Error> {
    let shape = match recorded(&options.data)? {
        None => {
            let shape = files(options, None);
            check(options, config, shape)?;
            shape
        }
        geometry => files(options, geometry),
    };
    let mut medium = FileMedium::open(&options.data, shape).map_err(Error::Directory)?;
    if options.room == Room::AtStart {
        let bytes = u64::from(shape.segments).saturating_mul(u64::from(shape.segment_bytes));
        medium.preallocate().map_err(|source| Error::Room { bytes, source })?;
    }
    Ok(medium)
}

/// How the files are laid out, where there are any: what an earlier start asked for binds nobody.
fn recorded(directory: &Path) -> Result<Option<Geometry>, Error> {
    let found = FileMedium::open_read_only(directory);
    if is_blank(&found) {
        lost::check_blank_journal(directory)?;
    }
    match found {
        Ok(medium) => Ok(Some(medium.geometry()).filter(|_| !medium.is_new())),
        Err(FileError::NotAMedium { .. }) => Ok(None),
        Err(error) => Err(Error::Directory(error)),
    }
}

/// Whether nothing was ever kept in what was found, if there is anything.
pub fn is_blank(found: &Result<FileMedium, FileError>) -> bool {
    match found {
        Ok(medium) => medium.is_blank(),
        Err(error) => matches!(error, FileError::NotAMedium { .. }),
    }
}

/// The journal's shape: as asked for, or as the directory has it, or large enough for the log.
fn files(options: &Options, recorded: Option<Geometry>) -> files::Options {
    let (segment, size) = (options.segment, u64::from(options.segment));
    let segments = |count: u64| u32::try_from(count).unwrap_or(u32::MAX);
    let shape = match (options.journal, recorded) {
        (Some(bytes), _) => (segment, segments(bytes / size)),
        (None, Some(geometry)) => (geometry.segment_bytes, geometry.segments),
        (None, None) => {
            // Twice the log, so that a new copy of it always fits beside the old one.
            let used = size.saturating_sub(SEGMENT_WASTE).max(1);
            let needed = (options.log_bytes / used + 2) * 2;
            (segment, segments(needed.max((JOURNAL_BYTES / size).min(u64::from(SEGMENTS_MAX)))))
        }
    };
    files::Options::new(shape.0, shape.1).with_sync(options.sync.into())
}

/// Refuses a journal that would be too small for its log.
fn check(options: &Options, config: &Config<'_>, shape: files::Options) -> Result<(), Error> {
    let files::Options { segments, segment_bytes, .. } = shape;
    let limits = Limits {
        max_frame: usize::try_from(config.max_frame()).unwrap_or(usize::MAX),
        ring_bytes: usize::try_from(options.log_bytes).unwrap_or(usize::MAX),
    };
    let geometry = Geometry { segments, segment_bytes, granularity: 1, erased: 0 };
    let Some(needed) = limits.segments(&geometry) else {
        return Err(Error::Usage("a file of --segment is too small for a datagram".to_owned()));
    };
    let (log, file) = (options.log_bytes >> 10, segment_bytes >> 20);
    if needed > SEGMENTS_MAX {
        return Err(Error::Usage(format!(
            "a journal for --log-bytes {log}KiB has {needed} files of {file}MiB, but may have only \
             {SEGMENTS_MAX}: use a larger --segment, or a smaller --log-bytes"
        )));
    }
    if segments < needed {
        let least = u64::from(needed).saturating_mul(u64::from(segment_bytes)) >> 20;
        return Err(Error::Usage(format!(
            "--journal is too small for --log-bytes {log}KiB: use --journal {least}MiB or more \
             ({needed} files of {file}MiB), or a smaller --log-bytes"
        )));
    }
    Ok(())
}
