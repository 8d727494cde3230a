//! The file that says how the segments beside it are to be read, and which of them hold something
//! that must not get lost.

use super::disk::Disk;
use super::error::{FileError, Operation};
use super::options::{Space, geometry, out_of_bounds};
use super::{Access, at};
use raft_nostd::journal::Geometry;
use std::fs::{File, OpenOptions};
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

/// What never changes while there are segments.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Layout {
    pub(super) geometry: Geometry,
    pub(super) space: Space,
}

/// What is known of a segment, beside its file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mark {
    /// Nothing was synced in it: its file may be there or not.
    Blank,
    /// It holds something, and must be marked at the next sync.
    Written,
    /// It holds something that was synced, and the record says so.
    Synced,
}

/// The record of a directory.
///
/// A segment is marked once in its life, when something in it was synced for the first time: so a
/// file that is gone, or was replaced by zeros, is missed even where no other bytes speak of it. The
/// mark is one byte that is overwritten in place. That needs no space, so that a full disk does not
/// fail a sync, and no disk tears a byte.
pub(super) struct Record {
    path: PathBuf,
    file: File,
    layout: Layout,
    marks: Vec<Mark>,
    /// Where they stand in the file.
    marks_at: u64,
    durability: Durability,
}

/// Whether the marks that can be read are on the disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Durability {
    Synced,
    Dirty,
}

/// Writes a record durably, with the marks of an older one if there is one. After a crash it is
/// there as a whole or not at all.
pub(super) fn store(
    disk: &mut Disk,
    dir: &Path,
    layout: Layout,
    old: Option<&Record>,
) -> Result<(), FileError> {
    let marked = |segment: &u32| old.is_some_and(|old| old.is_marked(*segment));
    let marks = (0..layout.geometry.segments).map(|segment| match marked(&segment) {
        true => digit(Mark::Synced),
        false => digit(Mark::Blank),
    });
    let marks: String = marks.map(char::from).collect();
    let (new, text) = (dir.join(NAME_NEW), format(layout, &marks));
    disk.create(&new, |disk, file| disk.append(Operation::Write, &new, file, text.as_bytes()))?;
    disk.rename(&new, &path(dir))?;
    disk.sync_directory(dir)
}

impl Record {
    /// Reads the record; `None` when there is none.
    pub(super) fn load(
        disk: &mut Disk,
        dir: &Path,
        access: Access,
    ) -> Result<Option<Self>, FileError> {
        let path = path(dir);
        let mut options = OpenOptions::new();
        options.read(true).write(access == Access::Write);
        let Some(file) = disk.open(&path, &options)? else {
            return Ok(None);
        };
        let mut text = Vec::new();
        disk.call(Operation::Read, &path, || (&file).take(BYTES_MAX).read_to_end(&mut text))?;
        let text = String::from_utf8(text)
            .map_err(|error| Fault::Problem(format!("it is no text: {error}")));
        match text.and_then(|text| parse(&text)) {
            Ok((layout, marks, marks_at)) => {
                // A killed predecessor may have left the last one in the page cache only.
                let any = marks.contains(&Mark::Synced);
                let durability = if any { Durability::Dirty } else { Durability::Synced };
                Ok(Some(Self { path, file, layout, marks, marks_at, durability }))
            }
            Err(Fault::Version(found)) => {
                Err(FileError::RecordVersion { path, found, expected: VERSION })
            }
            Err(Fault::Problem(problem)) => Err(FileError::Record { path, problem }),
        }
    }

    pub(super) const fn layout(&self) -> Layout {
        self.layout
    }

    /// Whether no segment ever held anything.
    pub(super) fn is_blank(&self) -> bool {
        self.marks.iter().all(|mark| *mark != Mark::Synced)
    }

    /// Whether `segment` holds something that was synced.
    pub(super) fn is_marked(&self, segment: u32) -> bool {
        self.marks.get(segment as usize) == Some(&Mark::Synced)
    }

    /// Bytes were written to `segment`; they count when they are not what a blank one reads as.
    pub(super) fn note(&mut self, segment: u32, bytes: &[u8]) {
        if let Some(mark @ Mark::Blank) = self.marks.get_mut(segment as usize)
            && bytes.iter().any(|byte| *byte != 0)
        {
            *mark = Mark::Written;
        }
    }

    /// What was marked may not be durable: the next sync marks it again.
    pub(super) fn doubt(&mut self) {
        for mark in &mut self.marks {
            if *mark == Mark::Synced {
                *mark = Mark::Written;
            }
        }
    }

    /// Marks durably what was written, which is synced by now.
    pub(super) fn sync(&mut self, disk: &mut Disk) -> Result<(), FileError> {
        for (mark, at) in self.marks.iter_mut().zip(self.marks_at..) {
            if *mark == Mark::Written {
                let write = || at::write(&self.file, at, &[digit(Mark::Synced)]);
                disk.call(Operation::Write, &self.path, write)?;
                *mark = Mark::Synced;
                self.durability = Durability::Dirty;
            }
        }
        if self.durability == Durability::Dirty {
            disk.sync_data(&self.path, &self.file)?;
            self.durability = Durability::Synced;
        }
        Ok(())
    }

    /// Writes the marks again as they read now, and syncs them.
    pub(super) fn rewrite(&mut self, disk: &mut Disk) -> Result<(), FileError> {
        let digits: Vec<u8> = self.marks.iter().map(|mark| digit(*mark)).collect();
        let write = || at::write(&self.file, self.marks_at, &digits);
        disk.call(Operation::Write, &self.path, write)?;
        disk.sync_data(&self.path, &self.file)
    }
}

const fn digit(mark: Mark) -> u8 {
    match mark {
        Mark::Blank | Mark::Written => b'0',
        Mark::Synced => b'1',
    }
}

const fn space_name(space: Space) -> &'static str {
    match space {
        Space::Preallocated => "preallocated",
        Space::Grown => "grown",
    }
}

fn format(layout: Layout, marks: &str) -> String {
    let Geometry { segment_bytes, segments, .. } = layout.geometry;
    format!(
        "# How the segments in this directory are laid out; with other values they cannot be\n\
         # read. A digit of 'synced' becomes 1 when its segment has something to lose.\n\
         version = {VERSION}\n\
         segment_bytes = {segment_bytes}\n\
         segments = {segments}\n\
         space = \"{}\"\n\
         synced = \"{marks}\"\n",
        space_name(layout.space)
    )
}

/// Why a text is no record.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Fault {
    /// It is one of another version.
    Version(u32),
    Problem(String),
}

impl From<String> for Fault {
    fn from(problem: String) -> Self {
        Self::Problem(problem)
    }
}

/// Lines of `key = value`, each key once; empty lines and comments. Returns the marks with their
/// place in `text`.
fn parse(text: &str) -> Result<(Layout, Vec<Mark>, u64), Fault> {
    const KEYS: [&str; 5] = ["version", "segment_bytes", "segments", "space", "synced"];
    let mut values = [None; KEYS.len()];
    for line in text.lines().map(str::trim) {
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let (key, value) = line.split_once('=').ok_or_else(|| format!("no '=' in '{line}'"))?;
        let key = key.trim();
        let place = KEYS.iter().position(|known| *known == key);
        let place = place.ok_or_else(|| format!("unknown key '{key}'"))?;
        if values[place].replace(value.trim()).is_some() {
            return Err(format!("'{key}' is given twice").into());
        }
    }
    let given = |place: usize| values[place].ok_or_else(|| format!("no '{}'", KEYS[place]));
    let number = |place: usize| {
        let value = given(place)?;
        value.parse::<u32>().map_err(|error| format!("'{} = {value}': {error}", KEYS[place]))
    };
    let quoted = |place: usize| {
        let value = given(place)?;
        let inner = value.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
        inner.ok_or_else(|| format!("'{} = {value}': not in quotes", KEYS[place]))
    };
    match number(0)? {
        VERSION => {}
        other => return Err(Fault::Version(other)),
    }
    let geometry = geometry(number(1)?, number(2)?);
    if let Some(problem) = out_of_bounds(geometry) {
        return Err(problem.into());
    }
    let space = quoted(3)?;
    let space = [Space::Preallocated, Space::Grown]
        .into_iter()
        .find(|known| space_name(*known) == space)
        .ok_or_else(|| format!("unknown space '{space}'"))?;
    let digits = quoted(4)?;
    let marks = marks(digits, geometry.segments)?;
    // `digits` is a part of `text`.
    let marks_at = digits.as_ptr().addr() - text.as_ptr().addr();
    Ok((Layout { geometry, space }, marks, marks_at as u64))
}

/// A mark for each of the `segments`.
fn marks(digits: &str, segments: u32) -> Result<Vec<Mark>, String> {
    let mark = |digit| match digit {
        b'0' => Ok(Mark::Blank),
        b'1' => Ok(Mark::Synced),
        _ => Err(format!("'synced' is '{digits}', but must be of 0 and 1")),
    };
    let marks: Vec<Mark> = digits.bytes().map(mark).collect::<Result<_, _>>()?;
    match marks.len() {
        found if found == segments as usize => Ok(marks),
        found => Err(format!("'synced' has {found} digits, but there are {segments} segments")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        for space in [Space::Preallocated, Space::Grown] {
            let layout = Layout { geometry: geometry(1 << 20, 4), space };
            let text = format(layout, "0000");
            let (found, marks, at) = parse(&text).unwrap();
            assert_eq!((found, marks), (layout, vec![Mark::Blank; 4]));
            assert_eq!(&text[at as usize..][..5], "0000\"");
        }
        let longest = Layout { geometry: geometry(1 << 30, 256), space: Space::Preallocated };
        assert!((format(longest, &"0".repeat(256)).len() as u64) < BYTES_MAX);
    }

    #[test]
    fn what_cannot_be_understood_is_named() {
        let good = "version = 1\nsegment_bytes = 4096\nsegments = 4\nspace = \"grown\"\n\
                    synced = \"0110\"\n";
        let marks = parse(good).unwrap().1;
        assert_eq!(marks, [Mark::Blank, Mark::Synced, Mark::Synced, Mark::Blank]);
        for (text, problem) in [
            (String::new(), "no 'version'"),
            (good.replace("4096", "100"), "segment_bytes is 100, but must be at least 512"),
            (
                good.replace("4096", "2147483648"),
                "segment_bytes is 2147483648, but must be at most 2147483647",
            ),
            (good.replace("= 4\n", "= 1\n"), "segments is 1, but must be from 2 to 256"),
            (good.replace("4096", "-1"), "'segment_bytes = -1': invalid digit found in string"),
            (good.replace("segments = 4", ""), "no 'segments'"),
            (good.replace("synced = \"0110\"", ""), "no 'synced'"),
            (good.replace("\"grown\"", "grown"), "'space = grown': not in quotes"),
            (good.replace("grown", "shrunk"), "unknown space 'shrunk'"),
            (good.replace("0110", "01"), "'synced' has 2 digits, but there are 4 segments"),
            (good.replace("0110", "012-"), "'synced' is '012-', but must be of 0 and 1"),
            (good.to_owned() + "segments = 4", "'segments' is given twice"),
            (good.to_owned() + "colour = 4", "unknown key 'colour'"),
            (good.to_owned() + "hello", "no '=' in 'hello'"),
        ] {
            assert_eq!(parse(&text), Err(Fault::Problem(problem.to_owned())), "{text}");
        }
        assert_eq!(parse(&good.replace("= 1", "= 2")), Err(Fault::Version(2)));
    }
}
