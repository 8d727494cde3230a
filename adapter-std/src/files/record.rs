//! The file that says how the segments beside it are to be read. Written once.

use super::disk::Disk;
use super::error::{FileError, Operation};
use super::options::{geometry, out_of_bounds};
use raft_nostd::journal::Geometry;
use std::fs::OpenOptions;
use std::io::Read;
use std::path::{Path, PathBuf};

/// Its name.
pub(super) const NAME: &str = "medium.toml";
/// Its name until it is complete and durable.
pub(super) const NAME_NEW: &str = "medium.toml.new";

/// What this code writes and reads.
const VERSION: u32 = 1;
/// Longer than any record, in bytes.
const BYTES_MAX: u64 = 4_096;

/// The record's path in `directory`.
pub(super) fn path(directory: &Path) -> PathBuf {
    directory.join(NAME)
}

/// Writes the record durably. After a crash it is there as a whole or not at all.
pub(super) fn store(disk: &mut Disk, dir: &Path, geometry: Geometry) -> Result<(), FileError> {
    let (new, text) = (dir.join(NAME_NEW), format(geometry));
    disk.create(&new, |disk, file| disk.append(Operation::Write, &new, file, text.as_bytes()))?;
    disk.rename(&new, &path(dir))?;
    disk.sync_directory(dir)
}

/// Reads the record; `None` when there is none.
pub(super) fn load(disk: &mut Disk, dir: &Path) -> Result<Option<Geometry>, FileError> {
    let path = path(dir);
    let Some(file) = disk.open(&path, OpenOptions::new().read(true))? else {
        return Ok(None);
    };
    let mut text = Vec::new();
    disk.call(Operation::Read, &path, || file.take(BYTES_MAX).read_to_end(&mut text))?;
    match parse(&String::from_utf8_lossy(&text)) {
        Ok(geometry) => Ok(Some(geometry)),
        Err(problem) => Err(FileError::Record { path, problem }),
    }
}

fn format(geometry: Geometry) -> String {
    format!(
        "# How the journal segments in this directory are laid out. Written once, when the\n\
         # directory was made; with other values they cannot be read.\n\
         version = {VERSION}\n\
         segment_bytes = {}\n\
         segments = {}\n",
        geometry.segment_bytes, geometry.segments
    )
}

/// Lines of `key = number`, each key once; empty lines and comments.
fn parse(text: &str) -> Result<Geometry, String> {
    let (mut version, mut segment_bytes, mut segments) = (None, None, None);
    for line in text.lines().map(str::trim) {
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let (key, value) = line.split_once('=').ok_or_else(|| format!("no '=' in '{line}'"))?;
        let place = match key.trim() {
            "version" => &mut version,
            "segment_bytes" => &mut segment_bytes,
            "segments" => &mut segments,
            other => return Err(format!("unknown key '{other}'")),
        };
        let number = value.trim().parse::<u32>().map_err(|error| format!("'{line}': {error}"))?;
        if place.replace(number).is_some() {
            return Err(format!("'{}' is given twice", key.trim()));
        }
    }
    let given = |number: Option<u32>, key| number.ok_or_else(|| format!("no '{key}'"));
    match given(version, "version")? {
        VERSION => {}
        other => return Err(format!("it is of version {other}, this program reads {VERSION}")),
    }
    let found = geometry(given(segment_bytes, "segment_bytes")?, given(segments, "segments")?);
    out_of_bounds(found).map_or(Ok(found), Err)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let geometry = geometry(1 << 20, 4);
        assert_eq!(parse(&format(geometry)), Ok(geometry));
    }

    #[test]
    fn what_cannot_be_understood_is_named() {
        let good = "version = 1\nsegment_bytes = 4096\nsegments = 4\n";
        for (text, problem) in [
            (String::new(), "no 'version'"),
            (good.replace('1', "2"), "it is of version 2, this program reads 1"),
            (good.replace("4096", "100"), "segment_bytes is 100, but must be at least 512"),
            (good.replace("= 4\n", "= 1\n"), "segments is 1, but must be from 2 to 256"),
            (good.replace("4096", "-1"), "'segment_bytes = -1': invalid digit found in string"),
            (good.replace("segments = 4", ""), "no 'segments'"),
            (good.to_owned() + "segments = 4", "'segments' is given twice"),
            (good.to_owned() + "colour = 4", "unknown key 'colour'"),
            (good.to_owned() + "hello", "no '=' in 'hello'"),
        ] {
            assert_eq!(parse(&text), Err(problem.to_owned()), "{text}");
        }
    }
}
