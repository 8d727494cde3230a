//! Work on snapshots, a piece at a time between everything else (dissertation §5.1, §5.3).

use super::{Driver, Host, SnapshotError, StateMachine, Transport};
use crate::journal::{Medium, PersistFailure};
use crate::manifest::Manifest;
use crate::raft::TransmitChunk;
use crate::recv::Chunk;
use crate::state::news::SnapshotFailure;
use crate::time::Instant;
use crate::types::Index;
use crate::vault::{Origin, Vault, VaultError, Which};

/// When snapshots are taken besides those that a log more than half full asks for, and how much of
/// the node's time they may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Compaction {
    /// Once so many bytes of log entries were applied since the last one. `u64::MAX`, the default:
    /// never for that.
    pub after_bytes: u64,
    /// Once so many entries were. `u32::MAX`, the default: never for that.
    pub after_entries: u32,
    /// Bytes that one turn takes or restores before the host looks at its inputs again; a chunk at
    /// least. 64 KiB by default: some 50 microseconds on a server.
    pub bytes_per_turn: u32,
    /// Bytes that are written before they are synced: what one sync may have to wait for. 1 MiB by
    /// default.
    pub bytes_per_sync: u64,
}

impl Default for Compaction {
    fn default() -> Self {
        Self {
            after_bytes: u64::MAX,
            after_entries: u32::MAX,
            bytes_per_turn: 64 << 10,
            bytes_per_sync: 1 << 20,
        }
    }
}

/// What the driver is at.
#[derive(Debug, Default)]
pub(super) struct Work {
    policy: Compaction,
    stage: Stage,
    wish: Wish,
    /// After a failure: when to try again.
    retry_at: Option<Instant>,
    /// How much was applied when the state was found to be too large for its place: it still is.
    too_large: Option<Index>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Stage {
    #[default]
    Idle,
    /// Takes a snapshot; so many bytes are there.
    Taking { offset: u64 },
    /// Restores the state machine from the staged snapshot; so many chunks and bytes are done.
    Restoring { chunk: u32, offset: u64 },
}

/// Whether a snapshot is wished for besides those that the log's fill asks for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Wish {
    #[default]
    None,
    /// Somebody asked for one.
    Now,
    /// The newest cannot be read.
    Replace,
}

/// What came of a turn.
pub(super) enum Turn {
    /// There is more to do, after a look at the inputs.
    Again,
    /// The node was told something: poll it.
    Stirred,
    /// Nothing to do, before an input or this time.
    Nothing { again_at: Instant },
}

/// How far the pieces of one turn have come.
enum Pieces {
    More,
    All,
}

impl Work {
    /// One is asked for, and at once. Where the newest has to be replaced, it still has to be.
    fn wish_for_one(&mut self) {
        if self.wish == Wish::None {
            self.wish = Wish::Now;
        }
        self.retry_at = None;
    }

    fn begin_taking(&mut self) {
        self.stage = Stage::Taking { offset: 0 };
        self.wish = Wish::None;
        self.retry_at = None;
    }

    fn end(&mut self) {
        self.stage = Stage::Idle;
    }
}

/// How far a snapshot that is being taken or restored has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SnapshotWork {
    /// None is.
    Idle,
    /// This node takes one.
    Taking {
        /// Bytes so far.
        bytes: u64,
    },
    /// The state machine is restored from one.
    Restoring {
        /// Bytes so far.
        bytes: u64,
        /// Bytes in all.
        of: u64,
    },
}

impl<H: Host, const VOTERS: usize> Driver<H, VOTERS> {
    /// When snapshots are taken, and how fast. Counts from the next turn on.
    pub fn set_compaction(&mut self, policy: Compaction) {
        self.work.policy = policy;
    }

    /// Takes a snapshot as soon as there is something to take, however empty the log may be.
    /// [`Event::SnapshotTaken`](crate::Event::SnapshotTaken) or
    /// [`Event::SnapshotFailed`](crate::Event::SnapshotFailed) tells how it went; neither comes when
    /// nothing was applied since the last, and that can be read as far as is known.
    pub fn compact(&mut self) {
        if self.due().is_some() {
            self.work.wish_for_one();
        }
    }

    /// Takes a snapshot in place of the newest even where nothing was applied since: whoever asks may
    /// have a reason to doubt what lies on the medium. Told of as by [`compact`](Self::compact); only
    /// a node that has applied nothing yet takes none.
    pub fn replace_snapshot(&mut self) {
        if self.raft.replacement_due().is_some() {
            self.work.wish = Wish::Replace;
            self.work.retry_at = None;
        }
    }

    /// What is being done about snapshots.
    pub fn snapshot_work(&self) -> SnapshotWork {
        match self.work.stage {
            Stage::Idle => SnapshotWork::Idle,
            Stage::Taking { offset } => SnapshotWork::Taking { bytes: offset },
            Stage::Restoring { offset, .. } => {
                let of = self.vault.staged().map_or(offset, |(_, manifest, _)| manifest.bytes);
                SnapshotWork::Restoring { bytes: offset, of }
            }
        }
    }

    /// Does one turn of what there is to do about snapshots. O([`Compaction::bytes_per_turn`]), and
    /// what the medium takes.
    pub(super) fn turn(&mut self, now: Instant, buf: &mut [u8]) -> Turn {
        match self.work.stage {
            Stage::Idle => match self.next_to_take(now) {
                Some((at, manifest)) if at <= now => self.begin(now, &manifest, buf),
                Some((again_at, _)) => Turn::Nothing { again_at },
                None => Turn::Nothing { again_at: Instant::NEVER },
            },
            Stage::Taking { .. } => self.take(now, buf),
            Stage::Restoring { .. } => self.restore(now, buf),
        }
    }

    /// When to take which snapshot, if there is a reason to take one.
    fn next_to_take(&self, now: Instant) -> Option<(Instant, Manifest)> {
        let in_vain =
            self.work.wish == Wish::None && self.work.too_large == Some(self.raft.applied());
        if in_vain || !self.has_reason_to_take(now) || !self.vault.has_place() {
            return None;
        }
        let manifest = self.due()?;
        // A leader is sending one just now: that is worth more.
        let quiet = self.raft.incoming_quiet_at();
        Some((self.work.retry_at.unwrap_or(now).max(quiet.unwrap_or(now)), manifest))
    }

    /// Position and membership of the next snapshot, if there is something to gain.
    fn due(&self) -> Option<Manifest> {
        if self.is_newest_useless() {
            self.raft.replacement_due()
        } else {
            self.raft.snapshot_due()
        }
    }

    /// Whether no follower can be sent the newest snapshot.
    fn is_newest_useless(&self) -> bool {
        // One that was written under a larger datagram bound cannot be sent.
        let unsendable = self.vault.newest_chunk_max() > self.vault.chunk_max();
        unsendable || self.work.wish == Wish::Replace
    }

    /// Whether there is a reason to take a snapshot: in most turns there is none.
    fn has_reason_to_take(&self, now: Instant) -> bool {
        if self.is_newest_useless() {
            return true;
        }
        let Compaction { after_bytes, after_entries, .. } = self.work.policy;
        let much = self.raft.bytes_since_snapshot() >= after_bytes
            || self.raft.entries_since_snapshot() >= after_entries;
        // A follower that takes in the last one would have to begin again.
        let asked = (much || self.work.wish == Wish::Now) && !self.raft.is_sending(now);
        asked || self.raft.is_compaction_urged(now)
    }

    fn begin(&mut self, now: Instant, manifest: &Manifest, buf: &mut [u8]) -> Turn {
        match self.vault.begin(self.host.snapshots(), Origin::Own, manifest) {
            Ok(()) => {
                self.work.begin_taking();
                if self.vault.newest().is_some_and(|newest| newest.last == manifest.last) {
                    // A medium that spoils each of them is not worn out by writing it again at once.
                    self.work.retry_at = Some(now.plus(self.raft.patience()));
                }
                self.take(now, buf) // Its first piece is the image of the state as it is now.
            }
            Err(error) => self.not_taken(now, &error),
        }
    }

    fn take(&mut self, now: Instant, buf: &mut [u8]) -> Turn {
        match self.take_pieces(buf) {
            Ok(Pieces::More) => Turn::Again,
            Ok(Pieces::All) => match self.vault.seal(self.host.snapshots()) {
                Ok(manifest) => {
                    self.work.end();
                    // The node refuses it only when it has a newer one by now.
                    _ = self.raft.handle_snapshot_taken(now, &manifest);
                    Turn::Stirred
                }
                Err(error) => self.not_taken(now, &error),
            },
            Err(Fault::Vault(error)) => self.not_taken(now, &error),
            Err(Fault::Machine(error)) => {
                self.vault.abandon();
                let turn = self.give_up(now, SnapshotFailure::Machine);
                if error == SnapshotError::Unsupported {
                    self.work.retry_at = Some(Instant::NEVER);
                }
                turn
            }
        }
    }

    fn take_pieces(&mut self, buf: &mut [u8]) -> Result<Pieces, Fault<H>> {
        let most = self.vault.chunk_max().min(buf.len());
        let mut done = 0_usize;
        while done < self.work.policy.bytes_per_turn.max(1) as usize {
            let Stage::Taking { offset } = self.work.stage else { return Ok(Pieces::More) };
            let piece = buf.get_mut(..most).unwrap_or(&mut []);
            let len = self.host.machine().snapshot(offset, piece).map_err(Fault::Machine)?;
            if len == 0 {
                return Ok(Pieces::All);
            }
            let piece = buf.get(..len).ok_or(Fault::Machine(SnapshotError::Malformed))?;
            self.vault.put(self.host.snapshots(), piece).map_err(Fault::Vault)?;
            self.work.stage = Stage::Taking { offset: offset.saturating_add(len as u64) };
            done = done.saturating_add(len);
        }
        self.sync_now_and_then().map_err(Fault::Vault)?;
        Ok(Pieces::More)
    }

    fn sync_now_and_then(&mut self) -> Result<(), SnapshotsError<H>> {
        if self.vault.unsynced() < self.work.policy.bytes_per_sync {
            return Ok(());
        }
        self.vault.sync(self.host.snapshots())
    }

    fn not_taken(&mut self, now: Instant, error: &SnapshotsError<H>) -> Turn {
        self.host.snapshot_error(error);
        self.release();
        self.give_up(now, failure::<H>(error))
    }

    fn give_up(&mut self, now: Instant, why: SnapshotFailure) -> Turn {
        self.work.end();
        self.work.wish = Wish::None;
        self.work.retry_at = Some(now.plus(self.raft.patience()));
        self.work.too_large = (why == SnapshotFailure::TooLarge).then_some(self.raft.applied());
        self.raft.handle_snapshot_failed(now, why);
        Turn::Stirred
    }

    /// Lets the state machine forget the image it may hold.
    fn release(&mut self) {
        if let Stage::Taking { offset } = self.work.stage {
            _ = self.host.machine().snapshot(offset, &mut []);
            self.work.end();
        }
    }

    /// Stores a chunk that a leader sent. A snapshot of this node's own, which is older, makes way.
    pub(super) fn store(&mut self, now: Instant, chunk: Chunk<'_>) {
        self.release();
        // What was asked for before is not refused: the ticket is this node's own.
        _ = match self.put_chunk(&chunk) {
            Ok(()) => self.raft.handle_chunk_stored(now, chunk.ticket),
            Err(error) => {
                self.host.snapshot_error(&error);
                self.raft.handle_chunk_failed(now, chunk.ticket, failure::<H>(&error))
            }
        };
    }

    fn put_chunk(&mut self, chunk: &Chunk<'_>) -> Result<(), SnapshotsError<H>> {
        let goes_on = self.vault.staged().is_some_and(|(origin, manifest, chunks)| {
            origin == Origin::Peer && *manifest == chunk.manifest && chunks == chunk.number
        });
        if !goes_on {
            if chunk.number > 0 {
                return Err(VaultError::NotBegun);
            }
            self.vault.begin(self.host.snapshots(), Origin::Peer, &chunk.manifest)?;
        }
        self.vault.put(self.host.snapshots(), chunk.bytes)?;
        self.sync_now_and_then()
    }

    /// All chunks of a leader's snapshot are stored: from now on the state machine is restored from
    /// it. An empty one begins here. One that was found when the node was opened may have made way
    /// for a snapshot of its own.
    pub(super) fn begin_restoring(&mut self, now: Instant, manifest: &Manifest) {
        self.release();
        if manifest.chunks == 0
            && let Err(error) = self.vault.begin(self.host.snapshots(), Origin::Peer, manifest)
        {
            self.host.snapshot_error(&error);
        }
        if self.vault.staged() == Some((Origin::Peer, manifest, manifest.chunks)) {
            self.work.stage = Stage::Restoring { chunk: 0, offset: 0 };
        } else {
            _ = self.raft.handle_install_failed(now, SnapshotFailure::Storage);
        }
    }

    fn restore(&mut self, now: Instant, buf: &mut [u8]) -> Turn {
        let failure = match self.restore_pieces(buf) {
            Ok(Pieces::More) => return Turn::Again,
            Ok(Pieces::All) => match self.switch() {
                Ok(()) => {
                    self.work.end();
                    _ = self.raft.handle_installed(now);
                    return Turn::Stirred;
                }
                Err(failure) => failure,
            },
            Err(failure) => failure,
        };
        self.work.end();
        self.vault.abandon();
        _ = self.raft.handle_install_failed(now, failure);
        Turn::Stirred
    }

    fn restore_pieces(&mut self, buf: &mut [u8]) -> Result<Pieces, SnapshotFailure> {
        let mut done = 0_usize;
        while done < self.work.policy.bytes_per_turn.max(1) as usize {
            let Stage::Restoring { chunk, offset } = self.work.stage else {
                return Ok(Pieces::More);
            };
            let chunks = self.vault.staged().map_or(0, |(_, manifest, _)| manifest.chunks);
            if chunk >= chunks {
                return Ok(Pieces::All);
            }
            let read = self.vault.read(self.host.snapshots(), Which::Staged, chunk, buf);
            let len = read.map_err(|error| {
                self.host.snapshot_error(&error);
                SnapshotFailure::Storage
            })?;
            let piece = buf.get(..len).unwrap_or(&[]);
            self.host.machine().restore(offset, piece).map_err(|_| SnapshotFailure::Machine)?;
            self.work.stage = Stage::Restoring {
                chunk: chunk.saturating_add(1),
                offset: offset.saturating_add(len as u64),
            };
            done = done.saturating_add(len);
        }
        Ok(Pieces::More)
    }

    /// Makes the staged snapshot the newest, and then the restored state the machine's.
    fn switch(&mut self) -> Result<(), SnapshotFailure> {
        let Stage::Restoring { offset, .. } = self.work.stage else {
            return Err(SnapshotFailure::Machine);
        };
        self.vault.seal(self.host.snapshots()).map_err(|error| {
            self.host.snapshot_error(&error);
            failure::<H>(&error)
        })?;
        self.host.machine().restore(offset, &[]).map_err(|_| SnapshotFailure::Machine)
    }
}

/// Puts the chunk into a datagram and sends it. Where the chunk cannot be read, the datagram goes
/// as a heartbeat without it, and a new snapshot is taken in place of that.
pub(super) fn send<H: Host>(
    vault: &Vault,
    host: &mut H,
    work: &mut Work,
    mut transmit: TransmitChunk<'_>,
) {
    let (to, chunk) = (transmit.to, transmit.chunk);
    match vault.read(host.snapshots(), Which::Newest, chunk, transmit.body()) {
        Ok(len) => {
            if let Some(transmit) = transmit.seal(len) {
                host.transport().send(to, transmit.datagram);
            }
        }
        Err(error) => {
            host.snapshot_unreadable(&error);
            work.wish = Wish::Replace;
            // Without its chunk it is a heartbeat.
            if let Some(transmit) = transmit.seal(0) {
                host.transport().send(to, transmit.datagram);
            }
        }
    }
}

type SnapshotsError<H> = VaultError<<<H as Host>::Snapshots as Medium>::Error>;

enum Fault<H: Host> {
    Vault(SnapshotsError<H>),
    Machine(SnapshotError),
}

fn failure<H: Host>(error: &SnapshotsError<H>) -> SnapshotFailure {
    if matches!(error, VaultError::TooLarge { .. }) {
        return SnapshotFailure::TooLarge;
    }
    match error.failure::<H::Snapshots>() {
        PersistFailure::Full => SnapshotFailure::Full,
        PersistFailure::Failed => SnapshotFailure::Storage,
    }
}
