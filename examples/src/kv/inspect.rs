//! `kv inspect`: a stopped node's journal, for a person.

use super::encoding::{Change, Command, Condition, decode};
use super::error::Error;
use super::inspect_snapshots::Snapshots;
use super::snapshot_files::SNAPSHOTS;
use super::{journal, lost};
use adapter_std::files::FileMedium;
use raft_nostd::frame::{Entry, EntryKind};
use raft_nostd::journal::{BlockView, Corruption, Ending, Found, Inspection, Medium, NoRoom};
use raft_nostd::journal::{SegmentView, Visitor};
use raft_nostd::{ClusterId, Config, Index, Position};
use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// The file that makes a directory a journal.
const RECORD: &str = "medium.toml";
/// Bytes of a key that are shown.
const KEY_SHOWN: usize = 40;

/// Prints the journal in `directory` to the standard output, with its last `tail` entries.
///
/// # Errors
/// When there is none, when it cannot be read, or when it is damaged.
pub fn inspect(directory: &Path, tail: usize) -> Result<(), Error> {
    let directory = &journal_in(directory);
    check_files(directory)?;
    let found = FileMedium::open_read_only(directory);
    if journal::is_blank(&found) {
        lost::check_blank_journal(directory)?;
    }
    let mut medium = found.map_err(Error::Directory)?;
    let mut seen = Seen { tail, ..Seen::default() };
    let mut buf = vec![0; Config::DATAGRAM_MAX as usize];
    let found = raft_nostd::journal::inspect(&mut medium, &mut seen, &mut buf);
    let inspection =
        found.map_err(|source| Error::Inspect { directory: directory.to_path_buf(), source })?;
    let mut snapshots = Snapshots::look(&directory.join(SNAPSHOTS), inspection.base.index)?;
    snapshots.compare(&inspection, seen.last(&inspection));
    let geometry = medium.geometry();
    let mut out = io::stdout().lock();
    let printed = writeln!(
        out,
        "journal   {}, {} segments of {} bytes",
        directory.display(),
        geometry.segments,
        geometry.segment_bytes
    );
    let printed = printed.and_then(|()| print(&mut out, &inspection, &seen));
    let printed = printed.and_then(|()| snapshots.print(&mut out));
    match printed {
        // Whoever reads has seen enough.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {}
        other => other.map_err(Error::Output)?,
    }
    match inspection.ending {
        Ending::Corrupt(_) => Err(Error::Damaged(directory.to_path_buf())),
        Ending::Found(_) if snapshots.is_damaged() => {
            Err(Error::DamagedSnapshot(snapshots.directory().to_path_buf()))
        }
        Ending::Found(_) => Ok(()),
    }
}

/// The directory itself, or the journal in it when it is that of a node of the demo.
fn journal_in(directory: &Path) -> PathBuf {
    let inner = directory.join("journal");
    let has = |directory: &Path| directory.join(RECORD).exists();
    if has(&inner) && !has(directory) { inner } else { directory.to_path_buf() }
}

/// Refuses to open what may never end, a pipe for example, where a file of a journal or of its snapshots
/// should be.
///
/// # Errors
/// The first that is no regular file.
pub fn check_files(directory: &Path) -> Result<(), Error> {
    let entries = |directory: &Path| fs::read_dir(directory).into_iter().flatten().flatten();
    // No directory at all is told by who opens it, with its reason.
    for entry in entries(directory).chain(entries(&directory.join(SNAPSHOTS))) {
        let name = entry.file_name();
        let name = name.to_string_lossy();
        let ours = name == RECORD || name == "lock" || name.starts_with("segment-");
        // A symbolic link is as good as what it points to.
        if ours && fs::metadata(entry.path()).is_ok_and(|found| !found.is_file()) {
            return Err(Error::NotAFile(entry.path()));
        }
    }
    Ok(())
}

fn print(out: &mut impl Write, found: &Inspection, seen: &Seen) -> io::Result<()> {
    let ClusterId(cluster) = found.cluster;
    let vote = found.hard_state.vote.map_or("nobody".to_owned(), |node| node.to_string());
    writeln!(out, "cluster   {cluster:016x}")?;
    writeln!(out, "node      {} of {}", found.node, found.voters)?;
    writeln!(out, "opened    {} times, incarnation {:016x}", found.boot, found.incarnation)?;
    if let Ending::Corrupt(corruption) = found.ending
        && seen.blocks == 0
    {
        // Term, vote and entries are in blocks: what is known without one are no facts.
        writeln!(out, "holds     unknown: nothing before the damage could be read")?;
        return damage(out, &corruption);
    }
    writeln!(out, "term      {}, vote for {vote}", found.hard_state.term)?;
    writeln!(
        out,
        "holds     {} blocks, {} bytes, in {} segments; {} entries written",
        seen.blocks, seen.bytes, seen.segments, seen.written
    )?;
    let first = found.base.index.next();
    if found.last < first {
        writeln!(out, "entries   none behind {}", found.base.index)?;
    } else {
        writeln!(out, "entries   {first} to {}", found.last)?;
    }
    for (position, line) in seen.entries.range(first..).map(|(_, one)| one) {
        writeln!(out, "  {:>10}  term {:>4}  {line}", position.index, position.term)?;
    }
    match found.ending {
        Ending::Found(Found::Sealed) => writeln!(out, "ends      cleanly: it was stopped"),
        Ending::Found(Found::Fresh) => writeln!(out, "ends      before it began: it is blank"),
        Ending::Found(Found::Open) => writeln!(out, "ends      whole, but was not stopped cleanly"),
        Ending::Found(Found::Torn(cut)) => writeln!(
            out,
            "ends      torn: from block {} on (segment {}, byte {}) nothing was ever synced; the \
             next start cuts it",
            cut.sequence, cut.segment, cut.offset
        ),
        Ending::Corrupt(corruption) => damage(out, &corruption),
    }
}

fn damage(out: &mut impl Write, corruption: &Corruption) -> io::Result<()> {
    writeln!(out, "DAMAGED   {corruption}")?;
    writeln!(out, "          Acknowledged bytes cannot be read: the node will not start.")
}

/// What passed by.
#[derive(Debug, Default)]
struct Seen {
    tail: usize,
    segments: u32,
    blocks: u64,
    bytes: u64,
    written: u64,
    /// The last entries, as they stand.
    entries: BTreeMap<Index, (Position, String)>,
}

impl Seen {
    /// Where the log ends; the term of an entry that was not kept is the newest it can be of.
    fn last(&self, found: &Inspection) -> Position {
        let kept = self.entries.get(&found.last).map(|(position, _)| *position);
        let base = (found.base.index == found.last).then_some(found.base);
        let any = Position { term: found.hard_state.term, index: found.last };
        kept.or(base).unwrap_or(any)
    }
}

impl Visitor for Seen {
    fn segment(&mut self, _: &SegmentView) {
        self.segments = self.segments.saturating_add(1);
    }

    fn entry(&mut self, entry: &Entry<'_>) -> Result<(), NoRoom> {
        self.written = self.written.saturating_add(1);
        // It replaces whatever stood there and after.
        self.entries.split_off(&entry.position.index);
        if self.tail > 0 {
            let line = Shown(entry).to_string();
            self.entries.insert(entry.position.index, (entry.position, line));
        }
        while self.entries.len() > self.tail {
            self.entries.pop_first();
        }
        Ok(())
    }

    fn block(&mut self, block: &BlockView) {
        self.blocks = self.blocks.saturating_add(1);
        self.bytes = self.bytes.saturating_add(u64::from(block.bytes));
    }
}

/// An entry for a person.
struct Shown<'a>(&'a Entry<'a>);

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.kind {
            EntryKind::Noop => return f.write_str("opens the term"),
            EntryKind::Membership => return f.write_str("membership"),
            EntryKind::Command => {}
        }
        match decode::<Command<'_>>(self.0.payload) {
            Some(Command::Announce { node, address }) => {
                write!(f, "node {node} is at {}", address.escape_debug())
            }
            Some(Command::Change(change)) => show(f, &change),
            Some(Command::Transaction(steps)) => write!(f, "EXEC of {} commands", steps.len()),
            None => write!(f, "{} bytes of another version", self.0.payload.len()),
        }
    }
}

fn show(f: &mut fmt::Formatter<'_>, change: &Change<'_>) -> fmt::Result {
    match change {
        Change::Set { key, value, condition } => {
            let condition = match condition {
                Condition::Always => "",
                Condition::Absent => " NX",
                Condition::Present => " XX",
            };
            write!(f, "SET {} ({} bytes){condition}", Key(key.0), value.0.len())
        }
        Change::SetMany(pairs) => write!(f, "MSET of {} keys", pairs.len()),
        Change::Delete(keys) => match keys.as_slice() {
            [key] => write!(f, "DEL {}", Key(key.0)),
            _ => write!(f, "DEL of {} keys", keys.len()),
        },
        Change::Add { key, by } => write!(f, "INCRBY {} {by}", Key(key.0)),
        Change::Clear => f.write_str("FLUSHALL"),
    }
}

/// The start of a key, with what is not printable escaped.
struct Key<'a>(&'a [u8]);

impl fmt::Display for Key<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (start, more) = match self.0.get(..KEY_SHOWN) {
            Some(start) if self.0.len() > KEY_SHOWN => (start, "..."),
            _ => (self.0, ""),
        };
        write!(f, "\"{}\"{more}", start.escape_ascii())
    }
}
