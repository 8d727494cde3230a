//! `bugs.md`: which seed noticed which bug, how soon, and what the judge said.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::bug::Bug;

const HEAD: &str = "\
# Seeded bugs, and how soon the simulator notices

Each patch in this folder puts one protocol bug into `raft-nostd/src`. `cargo run --release -p adapter-sim
--example hunt` plants one after the other and runs the simulator from seed 0 on, five minutes at most, on two processors;
this table is what it writes. The seconds are those of the run on a machine with two cores; building is
not in them. `hunt --help` says more.

| bug | what is broken | seed | seconds | what the judge said |
|---|---|---:|---:|---|
";

/// The longest saying of a judge that the table quotes, in characters.
const QUOTE: usize = 110;

/// What stands before the judge's own words where two things should have been equal.
const ASSERTED: &str = "assertion `left == right` failed: ";

/// What is known of bugs, by name: the rest of each one's row.
pub struct Table {
    file: PathBuf,
    rows: BTreeMap<String, String>,
}

impl Table {
    /// The table as it was written last.
    pub fn read(file: PathBuf) -> Self {
        let text = std::fs::read_to_string(&file).unwrap_or_default();
        let rows = text.lines().filter_map(row).collect();
        Self { file, rows }
    }

    /// Notes how `bug` was noticed.
    pub fn note(&mut self, bug: &Bug, seed: u64, after: Duration, words: &str) {
        let what = bug.headline();
        let words = words.strip_prefix(ASSERTED).unwrap_or(words);
        let quoted: String = words.chars().take(QUOTE).collect();
        let more = if quoted.len() < words.len() { " ..." } else { "" };
        let seconds = after.as_secs_f64();
        let cells = [what, seed.to_string(), format!("{seconds:.1}"), quoted + more];
        let cells = cells.map(|cell| cell.replace('|', "\\|"));
        self.rows.insert(bug.name.clone(), cells.join(" | "));
    }

    /// Forgets what is known of a bug that was not noticed.
    pub fn forget(&mut self, bug: &Bug) {
        self.rows.remove(&bug.name);
    }

    /// Writes a row for each of `bugs` that is known.
    pub fn write(&self, bugs: &[Bug]) -> Result<(), String> {
        let mut text = HEAD.to_owned();
        for Bug { name, .. } in bugs {
            if let Some(cells) = self.rows.get(name) {
                text += &format!("| [{name}]({name}.patch) | {cells} |\n");
            }
        }
        write(&self.file, &text)
    }
}

fn write(file: &Path, text: &str) -> Result<(), String> {
    std::fs::write(file, text).map_err(|error| format!("{}: {error}", file.display()))
}

/// The name in a row, and its other cells.
fn row(line: &str) -> Option<(String, String)> {
    let (name, rest) = line.strip_prefix("| [")?.split_once(']')?;
    let (_, cells) = rest.split_once(" | ")?;
    Some((name.to_owned(), cells.strip_suffix(" |")?.to_owned()))
}
