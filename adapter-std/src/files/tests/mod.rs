//! What can only be seen from inside: the order of calls, calls that fail, a death before any call.

mod faults;
mod grown;
mod kill;
#[cfg(unix)]
mod limit;
mod order;

use super::disk::{Disk, Hook};
use super::lost::Losses;
use super::{FileError, FileMedium, Operation, Options, Space, SyncPolicy};
use crate::testing::TempDir;
use raft_nostd::journal::Medium;
use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex};

/// Bytes of a segment: more than a chunk of preallocation.
const BYTES: u32 = 100_000;
const OPTIONS: Options = Options::new(BYTES, 3);

/// Opens with a say in every call.
fn open(dir: &TempDir, hook: Hook) -> Result<FileMedium, FileError> {
    FileMedium::open_on(
        Disk::hooked(SyncPolicy::Always, hook),
        dir.path(),
        OPTIONS,
        Losses::Refused,
    )
}

/// The next calls to fail, shared with a hook.
#[derive(Clone, Default)]
struct Plan(Arc<Mutex<Vec<(Operation, String, io::ErrorKind)>>>);

impl Plan {
    /// The next `operation` on a path that ends in `path` fails with `kind`.
    fn fail(&self, operation: Operation, path: &str, kind: io::ErrorKind) {
        self.0.lock().unwrap().push((operation, path.to_owned(), kind));
    }

    fn hook(&self) -> Hook {
        let plan = self.clone();
        Box::new(move |operation, path| plan.decide(operation, path))
    }

    fn decide(&self, operation: Operation, path: &Path) -> io::Result<()> {
        let mut plan = self.0.lock().unwrap();
        let hit = plan.iter().position(|(planned, suffix, _)| {
            *planned == operation && path.to_str().unwrap().ends_with(suffix.as_str())
        });
        hit.map_or(Ok(()), |at| Err(plan.remove(at).2.into()))
    }

    /// Whether all that should fail did.
    fn is_done(&self) -> bool {
        self.0.lock().unwrap().is_empty()
    }
}

/// `length` bytes of `segment` from `offset`.
fn read(medium: &mut FileMedium, segment: u32, offset: u32, length: usize) -> Vec<u8> {
    let mut into = vec![0xaa; length];
    medium.read(segment, offset, &mut into).unwrap();
    into
}
