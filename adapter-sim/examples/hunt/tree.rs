//! The scratch copy of the workspace that bugs are planted in.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::{fs, io};

use crate::bug::Changed;

/// A copy of the workspace, and where it is built.
pub struct Tree {
    original: PathBuf,
    pub root: PathBuf,
    pub target: PathBuf,
}

impl Tree {
    /// A copy of the workspace at `original`, below `scratch`.
    pub fn new(original: PathBuf, scratch: &Path) -> Self {
        Self { original, root: scratch.join("tree"), target: scratch.join("target") }
    }

    /// Makes the copy equal to the workspace. What is equal already is not touched, so that it is not
    /// built again.
    pub fn restore(&self) -> Result<(), String> {
        mirror(&self.original, &self.root)
            .map_err(|error| format!("no copy in {}: {error}", self.root.display()))
    }

    /// Puts `changed` into the copy.
    pub fn plant(&self, changed: &[Changed]) -> Result<(), String> {
        for Changed { path, text } in changed {
            fs::write(self.root.join(path), text).map_err(|error| format!("{path}: {error}"))?;
        }
        Ok(())
    }
}

/// Makes the folder `to` equal to `from`, but for what is built or hidden.
fn mirror(from: &Path, to: &Path) -> io::Result<()> {
    fs::create_dir_all(to)?;
    let names = names_in(from)?;
    for name in names_in(to)?.difference(&names) {
        let gone = to.join(name);
        if gone.is_dir() { fs::remove_dir_all(gone)? } else { fs::remove_file(gone)? }
    }
    for name in &names {
        let (from, to) = (from.join(name), to.join(name));
        if from.is_dir() {
            mirror(&from, &to)?;
            continue;
        }
        let content = fs::read(&from)?;
        if fs::read(&to).ok().as_ref() != Some(&content) {
            fs::write(&to, content)?;
        }
    }
    Ok(())
}

fn names_in(folder: &Path) -> io::Result<BTreeSet<OsString>> {
    let names = fs::read_dir(folder)?.map(|entry| Ok(entry?.file_name()));
    let names = names.collect::<io::Result<BTreeSet<_>>>()?;
    let wanted = |name: &OsString| name != "target" && !name.to_string_lossy().starts_with('.');
    Ok(names.into_iter().filter(wanted).collect())
}
