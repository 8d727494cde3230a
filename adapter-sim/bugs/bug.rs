//! A seeded bug: a patch file that begins with the bug in words. Shared by the test that keeps the
//! patches fresh and by the hunt.
//!
//! ```text
//! What is broken, in one sentence.
//!
//! Rule: where it says that this must not be.
//! Harm: what comes of it.
//!
//! diff --git a/raft-nostd/src/... b/raft-nostd/src/...
//! ```

use diffy::patch_set::{FileOperation, ParseOptions, PatchSet};
use std::fs;
use std::path::{Path, PathBuf};

/// A seeded bug, as its file says.
pub struct Bug {
    /// The file's name without `.patch`: what it breaks.
    pub name: String,
    /// Everything before the diff.
    pub prose: String,
    /// The diff.
    pub patch: String,
}

/// A file as it is with the bug in it.
pub struct Changed {
    /// From the workspace's root, with slashes.
    pub path: String,
    pub text: String,
}

impl Bug {
    /// Every bug in `folder`, by name.
    pub fn all(folder: &Path) -> Result<Vec<Self>, String> {
        let files = fs::read_dir(folder).map_err(|error| format!("{folder:?}: {error}"))?;
        let paths = files.filter_map(|file| Some(file.ok()?.path()));
        let is_patch = |path: &PathBuf| path.extension().is_some_and(|ext| ext == "patch");
        let mut bugs =
            paths.filter(is_patch).map(|path| Self::read(&path)).collect::<Result<Vec<_>, _>>()?;
        bugs.sort_by(|one, other| one.name.cmp(&other.name));
        Ok(bugs)
    }

    fn read(path: &Path) -> Result<Self, String> {
        let text = fs::read_to_string(path).map_err(|error| format!("{path:?}: {error}"))?;
        Self::parse(path.file_stem().unwrap_or_default().to_string_lossy().into_owned(), &text)
    }

    /// The bug in the text of a patch file.
    pub fn parse(name: String, text: &str) -> Result<Self, String> {
        let Some(start) = text.find("\ndiff --git ") else {
            return Err(format!("{name}: there is no diff in it"));
        };
        let (prose, patch) = text.split_at(start + 1);
        Ok(Self { name, prose: prose.trim().to_owned(), patch: patch.to_owned() })
    }

    /// What is broken, in one sentence.
    pub fn headline(&self) -> String {
        let first = self.prose.split("\n\n").next().unwrap_or_default();
        first.split_whitespace().collect::<Vec<_>>().join(" ")
    }

    /// The files that it changes, as they are then; `tree` is the workspace's root.
    ///
    /// # Errors
    /// Why it does not apply.
    pub fn applied_to(&self, tree: &Path) -> Result<Vec<Changed>, String> {
        PatchSet::parse(&self.patch, ParseOptions::unidiff())
            .map(|file| {
                let file = file.map_err(|error| format!("{}: {error}", self.name))?;
                let FileOperation::Modify { modified, .. } = file.operation().strip_prefix(1)
                else {
                    return Err(format!("{}: it may only change files", self.name));
                };
                let path = modified.into_owned();
                let before = fs::read_to_string(tree.join(&path))
                    .map_err(|error| format!("{}: {path}: {error}", self.name))?;
                let patch = file.patch().as_text().ok_or("a binary patch")?;
                let text = diffy::apply(&before, patch)
                    .map_err(|error| format!("{} does not apply to {path}: {error}", self.name))?;
                Ok(Changed { path, text })
            })
            .collect()
    }
}
