//! The directory of all data. It goes with the demo, unless it is to be kept. What a demo that was
//! killed could not remove, a later one does.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

const PREFIX: &str = "raft-demo-";
/// Locked while its demo lives. A directory that is to be kept has none.
const LOCK: &str = "demo.lock";

/// The directory; removed when dropped.
#[derive(Debug)]
pub struct Root {
    path: PathBuf,
    /// None: it is to be kept.
    lock: Option<File>,
}

impl Root {
    /// Makes a fresh one.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn make(keep: bool) -> io::Result<Self> {
        Self::make_in(&std::env::temp_dir(), keep)
    }

    fn make_in(parent: &Path, keep: bool) -> io::Result<Self> {
        let mut root = Self { path: fresh(parent)?, lock: None };
        if !keep {
            // Locked before it has its name: nobody sees it unlocked, and takes it for left behind.
            let (new, name) = (root.path.join("demo.lock.new"), root.path.join(LOCK));
            let locked = File::create_new(&new).and_then(|file| {
                file.try_lock()?;
                fs::rename(&new, name).map(|()| file)
            });
            match locked {
                Ok(file) => root.lock = Some(file),
                Err(error) => {
                    let _ = fs::remove_dir_all(&root.path);
                    return Err(error);
                }
            }
        }
        Ok(root)
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Whether it stays.
    pub fn is_kept(&self) -> bool {
        self.lock.is_none()
    }

    /// Removes it with all that is in it.
    ///
    /// # Errors
    /// When something stays.
    pub fn remove(&self) -> io::Result<()> {
        fs::remove_dir_all(&self.path)
    }

    /// Removes what demos of the same user left beside this one that were killed. Returns what it
    /// was.
    pub fn sweep(&self) -> Vec<PathBuf> {
        let parent = self.path.parent().map(fs::read_dir);
        let owner = fs::metadata(&self.path).map(|metadata| metadata.uid());
        let (Some(Ok(entries)), Ok(owner)) = (parent, owner) else { return Vec::new() };
        let ours = entries.flatten().filter(|entry| {
            let named = entry.file_name().to_string_lossy().starts_with(PREFIX);
            // Of the entry itself: a symbolic link is no directory.
            named && entry.metadata().is_ok_and(|found| found.is_dir() && found.uid() == owner)
        });
        ours.map(|entry| entry.path()).filter(|path| remove_abandoned(path)).collect()
    }
}

impl Drop for Root {
    fn drop(&mut self) {
        if !self.is_kept() {
            // Gone already, when all went well.
            let _ = self.remove();
        }
    }
}

/// A new directory named after this process. One of an earlier process with this number may have
/// been kept.
fn fresh(parent: &Path) -> io::Result<PathBuf> {
    let pid = std::process::id();
    let mut tries = 1;
    loop {
        let suffix = if tries == 1 { String::new() } else { format!("-{tries}") };
        let path = parent.join(format!("{PREFIX}{pid}{suffix}"));
        match fs::create_dir(&path) {
            Ok(()) => return Ok(path),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists && tries < 100 => tries += 1,
            Err(error) => return Err(error),
        }
    }
}

/// Removes a directory whose demo is gone without it. Whether it did.
fn remove_abandoned(path: &Path) -> bool {
    let lock = path.join(LOCK);
    if !fs::symlink_metadata(&lock).is_ok_and(|found| found.is_file()) {
        return false;
    }
    let Ok(file) = File::open(lock) else { return false };
    file.try_lock().is_ok() && remove_but_lock(path).is_ok() && fs::remove_dir_all(path).is_ok()
}

/// Removes the nodes' directories first: one of them may be ending still, and write. Then the lock
/// stays, for the next to try again.
fn remove_but_lock(path: &Path) -> io::Result<()> {
    for entry in fs::read_dir(path)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            fs::remove_dir_all(entry.path())?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A directory of this test's own, removed at the end.
    struct Scratch(PathBuf);

    impl Scratch {
        fn new(name: &str) -> Self {
            let path = std::env::temp_dir().join(format!("demo-{name}-{}", std::process::id()));
            fs::create_dir_all(&path).unwrap();
            Self(path)
        }
    }

    impl Drop for Scratch {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    #[test]
    fn only_what_a_killed_demo_left_is_swept() {
        let scratch = Scratch::new("sweep");
        let running = Root::make_in(&scratch.0, false).unwrap();
        let kept = Root::make_in(&scratch.0, true).unwrap();
        let killed = Root::make_in(&scratch.0, false).unwrap();
        let left = killed.path().to_path_buf();
        fs::create_dir(left.join("node-1")).unwrap();
        fs::write(left.join("node-1/data"), "some").unwrap();
        // As SIGKILL does: the lock is gone, and nothing else.
        killed.lock.as_ref().unwrap().unlock().unwrap();
        std::mem::forget(killed);
        let others = [scratch.0.join("raft-demo-7"), scratch.0.join("else")];
        others.iter().for_each(|path| fs::create_dir(path).unwrap());
        std::os::unix::fs::symlink(&others[0], scratch.0.join("raft-demo-8")).unwrap();

        assert_eq!(running.sweep(), std::slice::from_ref(&left));
        assert!(!left.exists());
        assert!(others.iter().all(|path| path.exists()));
        let (gone, stays) = (running.path().to_path_buf(), kept.path().to_path_buf());
        assert!(gone.exists() && stays.exists());
        drop((running, kept));
        assert!(!gone.exists() && stays.exists());
    }
}
