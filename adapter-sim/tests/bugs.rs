//! The seeded bugs in `bugs/` stay what they are: each still applies to the core as it is now, says what
//! it breaks, and has its row in the table that the hunt writes.

#[path = "../bugs/bug.rs"]
mod bug;

use bug::Bug;
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// The fewest bugs that there must be.
const ENOUGH: usize = 45;
/// The most lines that a bug may add to the core, and take from it.
const MOST_LINES: usize = 12;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("bugs")
}

fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn bugs() -> Vec<Bug> {
    Bug::all(&folder()).unwrap()
}

/// Runs `check` for each bug, and fails with all that it says.
#[track_caller]
fn check_each(check: impl Fn(&Bug) -> Result<(), String>) {
    let complaints: Vec<_> = bugs().iter().filter_map(|bug| check(bug).err()).collect();
    assert!(complaints.is_empty(), "{}", complaints.join("\n"));
}

#[test]
fn there_are_enough() {
    assert!(bugs().len() >= ENOUGH, "{} bugs", bugs().len());
}

#[test]
fn each_applies_and_changes_a_few_lines_of_the_core() {
    check_each(|bug| {
        let changed = bug.applied_to(&workspace())?;
        if changed.is_empty() {
            return Err(format!("{} changes nothing", bug.name));
        }
        let (mut added, mut removed) = (0, 0);
        for file in changed {
            if !file.path.starts_with("raft-nostd/src/") || file.path.contains("..") {
                return Err(format!("{} changes {}", bug.name, file.path));
            }
            let before = fs::read_to_string(workspace().join(&file.path)).unwrap();
            if before == file.text {
                return Err(format!("{} does not change {}", bug.name, file.path));
            }
            let count = |sign: char, head: &str| {
                let of_file = |line: &&str| line.starts_with(sign) && !line.starts_with(head);
                bug.patch.lines().filter(of_file).count()
            };
            (added, removed) = (count('+', "+++ "), count('-', "--- "));
        }
        if added > MOST_LINES || removed > MOST_LINES {
            return Err(format!("{}: {added} lines more, {removed} less", bug.name));
        }
        Ok(())
    });
}

#[test]
fn each_says_what_is_broken_which_rule_that_breaks_and_what_comes_of_it() {
    check_each(|bug| {
        let said = |word: &str| bug.prose.lines().any(|line| line.starts_with(word));
        if bug.headline().split(' ').count() < 4 || !bug.headline().ends_with('.') {
            return Err(format!("{} does not say what is broken", bug.name));
        }
        match [said("Rule: "), said("Harm: ")] {
            [true, true] => Ok(()),
            _ => Err(format!("{} does not name rule and harm", bug.name)),
        }
    });
}

#[test]
fn each_is_named_in_lower_case_words() {
    check_each(|bug| {
        let fits = |word: &str| {
            !word.is_empty() && word.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit())
        };
        let named = bug.name.contains('-') && bug.name.split('-').all(fits);
        if named { Ok(()) } else { Err(format!("{} is no name", bug.name)) }
    });
}

#[test]
fn the_table_has_a_row_for_each_and_for_nothing_else() {
    let table = fs::read_to_string(folder().join("bugs.md")).unwrap();
    let name = |line: &str| Some(line.strip_prefix("| [")?.split_once("](")?.0.to_owned());
    let rows: Vec<_> = table.lines().filter_map(name).collect();
    let known: BTreeSet<_> = rows.iter().cloned().collect();
    let there: BTreeSet<_> = bugs().into_iter().map(|bug| bug.name).collect();
    assert_eq!(known, there, "run the hunt again");
    assert_eq!(rows.len(), known.len(), "a bug has two rows");
}

/// A test of patches that would pass for any patch would be none.
mod planted {
    use super::*;

    const PROSE: &str = "It is broken in one way.\n\nRule: none.\nHarm: none.\n\n";

    /// The bug whose patch takes `old` from the core's first file for `new`.
    fn bug(old: &str, new: &str) -> Result<Bug, String> {
        let path = "raft-nostd/src/types.rs";
        let text = format!(
            "{PROSE}diff --git a/{path} b/{path}\n--- a/{path}\n+++ b/{path}\n\
             @@ -1,1 +1,1 @@\n-{old}\n+{new}\n"
        );
        Bug::parse("planted".into(), &text)
    }

    fn first_line() -> String {
        let text = fs::read_to_string(workspace().join("raft-nostd/src/types.rs")).unwrap();
        text.lines().next().unwrap().to_owned()
    }

    #[test]
    fn what_fits_applies() {
        let changed = bug(&first_line(), "//! Other words.").unwrap().applied_to(&workspace());
        let changed = changed.unwrap();
        assert_eq!(changed.len(), 1);
        assert!(changed[0].text.starts_with("//! Other words.\n"));
    }

    #[test]
    fn what_no_longer_fits_is_refused() {
        let stale = bug("//! A line that was never there.", "//! Other words.").unwrap();
        assert!(stale.applied_to(&workspace()).is_err_and(|error| error.contains("apply")));
    }

    #[test]
    fn prose_alone_is_no_bug() {
        assert!(Bug::parse("planted".into(), PROSE).is_err());
    }
}
