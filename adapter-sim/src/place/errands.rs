//! Snapshots in the background: each chunk is written, read or reported in a step of its own, and
//! inputs come between any two.

use crate::judge::disk::{Core, Disk};
use crate::place::host::Surroundings;
use crate::place::machine::Machine;
use adapter_std::memory::{MemoryError, SharedMedium};
use raft_nostd::journal::PersistFailure;
use raft_nostd::vault::{Origin, Vault, VaultError, Which};
use raft_nostd::{
    Chunk, ChunkTicket, Duration, Host, Instant, Manifest, SnapshotFailure, StateMachine,
};

type Fault = VaultError<MemoryError>;

pub struct Errands {
    vault: Vault,
    /// What is written before it is synced.
    bytes_per_sync: u64,
    errand: Errand,
    /// What comes after it.
    then: Errand,
    parcel: Option<Parcel>,
    wish: Wish,
    retry_at: Instant,
    patience: Duration,
}

/// Whether a snapshot is wished for besides those that the log's fill asks for.
#[derive(PartialEq, Eq)]
enum Wish {
    None,
    Now,
    /// The newest cannot be read.
    Replace,
}

enum Errand {
    None,
    /// A snapshot of its own, and its next piece; the manifest until it is begun.
    Take {
        begin: Option<Manifest>,
        offset: u64,
        piece: Vec<u8>,
    },
    Taken(Manifest),
    Restore {
        manifest: Manifest,
        chunk: u32,
        offset: u64,
    },
    Sealed {
        offset: u64,
    },
}

/// A chunk of a leader's, on its way to the disk.
struct Parcel {
    manifest: Manifest,
    number: u32,
    bytes: Vec<u8>,
    ticket: ChunkTicket,
    stored: Option<Result<(), Fault>>,
}

impl Errands {
    pub fn new(vault: Vault, bytes_per_sync: u64, patience: Duration, now: Instant) -> Self {
        Self {
            vault,
            bytes_per_sync,
            errand: Errand::None,
            then: Errand::None,
            parcel: None,
            wish: Wish::None,
            retry_at: now,
            patience,
        }
    }

    pub fn is_working(&self) -> bool {
        self.parcel.is_some() || !matches!(self.errand, Errand::None)
    }

    pub fn is_restoring(&self) -> bool {
        let restores =
            |errand: &Errand| matches!(errand, Errand::Restore { .. } | Errand::Sealed { .. });
        restores(&self.errand) || restores(&self.then)
    }

    /// A snapshot is wished for, however empty the log may be.
    pub fn wish(&mut self) {
        if self.wish == Wish::None {
            self.wish = Wish::Now;
        }
    }

    /// Whether the newest snapshot on the medium is the one that the node speaks of.
    pub fn is_reported(&self, raft: &Core) -> bool {
        self.vault.newest() == raft.snapshot()
    }

    /// Reads a chunk of the newest snapshot.
    pub fn read(
        &mut self,
        around: &mut Surroundings,
        chunk: u32,
        into: &mut [u8],
    ) -> Option<usize> {
        let read = self.vault.read(around.snapshots(), Which::Newest, chunk, into);
        if let Err(error) = &read {
            around.snapshot_error(error);
            self.wish = Wish::Replace;
        }
        read.ok()
    }

    /// A chunk has come. One that was not written yet is not wanted any more.
    pub fn bring(&mut self, chunk: Chunk<'_>) {
        let Chunk { manifest, number, bytes, ticket } = chunk;
        self.parcel =
            Some(Parcel { manifest, number, bytes: bytes.to_vec(), ticket, stored: None });
    }

    /// The node wants its machine to be restored.
    pub fn install(&mut self, manifest: Manifest, machine: &mut Machine) {
        self.give_up_taking(machine);
        let restore = Errand::Restore { manifest, chunk: 0, offset: 0 };
        match self.errand {
            Errand::None => self.errand = restore,
            // One of its own is durable, and is told of first.
            Errand::Taken(_) => self.then = restore,
            _ => panic!("one thing at a time"),
        }
    }

    /// The node is idle: perhaps it is time to take a snapshot of the state as it is now. Returns
    /// when to ask again.
    pub fn consider(&mut self, raft: &Core, machine: &mut Machine, now: Instant) -> Instant {
        let reason = self.wish != Wish::None || raft.is_compaction_urged(now);
        if self.is_working() || !reason || !self.vault.has_place() || !machine.compacts() {
            return Instant::NEVER;
        }
        let due = match self.wish {
            Wish::Replace => raft.replacement_due(),
            Wish::None | Wish::Now => raft.snapshot_due(),
        };
        let Some(manifest) = due else { return Instant::NEVER };
        let quiet = raft.incoming_snapshot().map_or(now, |(_, _, at)| at.plus(self.patience));
        if now < self.retry_at.max(quiet) {
            return self.retry_at.max(quiet);
        }
        self.wish = Wish::None;
        let piece = self.piece(machine, 0);
        self.errand = Errand::Take { begin: Some(manifest), offset: 0, piece };
        Instant::NEVER
    }

    /// Gets one step further.
    pub fn work(
        &mut self,
        raft: &mut Core,
        around: &mut Surroundings,
        now: Instant,
        disk: &mut Disk,
    ) {
        let then = std::mem::replace(&mut self.then, Errand::None);
        match std::mem::replace(&mut self.errand, then) {
            // It is true already, whatever else has come.
            Errand::Taken(manifest) => {
                let taken = raft.handle_snapshot_taken(now, &manifest);
                assert!(taken.is_ok() || raft.halted().is_some(), "it is no older");
            }
            Errand::Sealed { offset } => {
                around.machine.restore(offset, &[]).expect("it was checked");
                raft.handle_installed(now).expect("it was asked for");
            }
            errand if self.parcel.is_some() => {
                self.errand = errand;
                self.store(raft, around, now);
            }
            Errand::Take { begin, offset, piece } => {
                if let Err(error) = self.take(around, disk, begin, offset, &piece) {
                    around.snapshot_error(&error);
                    around.machine.snapshot(offset, &mut []).expect("given up");
                    raft.handle_snapshot_failed(now, failure(&error));
                    self.retry_at = now.plus(self.patience);
                }
            }
            Errand::Restore { manifest, chunk, offset } => {
                if let Err(failure) = self.restore(around, disk, manifest, chunk, offset) {
                    self.vault.abandon();
                    raft.handle_install_failed(now, failure).expect("it was asked for");
                }
            }
            Errand::None => {}
        }
    }

    fn give_up_taking(&mut self, machine: &mut Machine) {
        if let Errand::Take { offset, .. } = self.errand {
            machine.snapshot(offset, &mut []).expect("given up");
            self.errand = Errand::None;
        }
    }

    fn store(&mut self, raft: &mut Core, around: &mut Surroundings, now: Instant) {
        self.give_up_taking(&mut around.machine);
        let mut parcel = self.parcel.take().expect("there is one");
        // A ticket of a snapshot that made way for another is refused.
        _ = match parcel.stored {
            None => {
                parcel.stored = Some(self.put(around, &parcel));
                self.parcel = Some(parcel);
                return;
            }
            Some(Ok(())) => raft.handle_chunk_stored(now, parcel.ticket),
            Some(Err(error)) => {
                around.snapshot_error(&error);
                raft.handle_chunk_failed(now, parcel.ticket, failure(&error))
            }
        };
    }

    fn put(&mut self, around: &mut Surroundings, parcel: &Parcel) -> Result<(), Fault> {
        let goes_on = self.vault.staged().is_some_and(|(origin, manifest, chunks)| {
            origin == Origin::Peer && *manifest == parcel.manifest && chunks == parcel.number
        });
        if !goes_on {
            if parcel.number > 0 {
                return Err(VaultError::NotBegun);
            }
            self.vault.begin(around.snapshots(), Origin::Peer, &parcel.manifest)?;
        }
        self.vault.put(around.snapshots(), &parcel.bytes)?;
        self.sync_now_and_then(around)
    }

    fn sync_now_and_then(&mut self, around: &mut Surroundings) -> Result<(), Fault> {
        let little = self.vault.unsynced() < self.bytes_per_sync;
        if little { Ok(()) } else { self.vault.sync(around.snapshots()) }
    }

    fn piece(&self, machine: &mut Machine, offset: u64) -> Vec<u8> {
        let mut piece = vec![0; self.vault.chunk_max()];
        let len = machine.snapshot(offset, &mut piece).expect("it writes itself");
        piece.truncate(len);
        piece
    }

    fn take(
        &mut self,
        around: &mut Surroundings,
        disk: &mut Disk,
        begin: Option<Manifest>,
        offset: u64,
        piece: &[u8],
    ) -> Result<(), Fault> {
        if let Some(manifest) = begin {
            self.vault.begin(around.snapshots(), Origin::Own, &manifest)?;
        }
        if piece.is_empty() {
            let manifest = self.vault.seal(around.snapshots())?;
            disk.sealed(manifest.last);
            self.errand = Errand::Taken(manifest);
            return Ok(());
        }
        self.vault.put(around.snapshots(), piece)?;
        self.sync_now_and_then(around)?;
        let offset = offset + piece.len() as u64;
        let piece = self.piece(&mut around.machine, offset);
        self.errand = Errand::Take { begin: None, offset, piece };
        Ok(())
    }

    fn restore(
        &mut self,
        around: &mut Surroundings,
        disk: &mut Disk,
        manifest: Manifest,
        chunk: u32,
        offset: u64,
    ) -> Result<(), SnapshotFailure> {
        if manifest.chunks == 0 {
            let begun = self.vault.begin(around.snapshots(), Origin::Peer, &manifest);
            begun.map_err(|error| failed(around, &error))?;
        }
        let whole = (Origin::Peer, &manifest, manifest.chunks);
        if self.vault.staged() != Some(whole) {
            return Err(SnapshotFailure::Storage);
        }
        if chunk == manifest.chunks {
            let sealed = self.vault.seal(around.snapshots());
            sealed.map_err(|error| failed(around, &error))?;
            disk.sealed(manifest.last);
            self.errand = Errand::Sealed { offset };
            return Ok(());
        }
        let mut piece = vec![0; self.vault.chunk_max()];
        let read = self.vault.read(around.snapshots(), Which::Staged, chunk, &mut piece);
        let len = read.map_err(|_| SnapshotFailure::Storage)?;
        around.machine.restore(offset, &piece[..len]).map_err(|_| SnapshotFailure::Machine)?;
        let offset = offset + len as u64;
        self.errand = Errand::Restore { manifest, chunk: chunk + 1, offset };
        Ok(())
    }
}

fn failure(error: &Fault) -> SnapshotFailure {
    if matches!(error, VaultError::TooLarge { .. }) {
        return SnapshotFailure::TooLarge;
    }
    match error.failure::<SharedMedium>() {
        PersistFailure::Full => SnapshotFailure::Full,
        PersistFailure::Failed => SnapshotFailure::Storage,
    }
}

/// Tells of an error.
fn failed(around: &mut Surroundings, error: &Fault) -> SnapshotFailure {
    around.snapshot_error(error);
    failure(error)
}
