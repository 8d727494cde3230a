//! `kv inspect`: the snapshots beside a stopped node's journal, for a person.

use super::error::Error;
use super::lost::{Place, Problem, Spared};
use super::saves::{Size, share};
use super::snapshot_files;
use adapter_std::files::{FileError, FileMedium, Lost};
use raft_nostd::journal::{Ending, Inspection};
use raft_nostd::vault::{ChunkError, Origin, Owner, Vault, VaultError, Which};
use raft_nostd::{Index, Manifest, Position, SnapshotAhead, SnapshotMissing};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// What was found beside a journal.
#[derive(Debug, Default)]
pub struct Snapshots {
    /// The folder.
    directory: PathBuf,
    newest: Option<Manifest>,
    /// A transfer that broke off, and how many of its chunks are there.
    begun: Option<(Manifest, u32)>,
    /// The chunk for which one that was whole once does not count.
    rot: Option<ChunkError<FileError>>,
    owner: Option<Owner>,
    /// Who took the newest.
    origin: Option<Origin>,
    /// Files that are lost.
    lost: Vec<Lost>,
    /// Why the node will not start with them, if so.
    problem: Option<Problem>,
}

impl Snapshots {
    /// Looks at the snapshots in `directory`, beside a journal that begins at `base`, and reads all of
    /// the newest.
    ///
    /// # Errors
    /// When they cannot be read, or their files were changed.
    pub fn look(directory: &Path, base: Index) -> Result<Self, Error> {
        let mut found = Self { directory: directory.to_path_buf(), ..Self::default() };
        let mut medium = match FileMedium::open_remains_read_only(directory) {
            Ok(medium) => medium,
            Err(FileError::NotAMedium { .. }) => return Ok(found),
            Err(error) => return Err(Error::Directory(error)),
        };
        found.lost = medium.lost().to_vec();
        let whose = snapshot_files::whose(&mut medium).map_err(|error| found.refused(error))?;
        let Some((owner, chunk)) = whose else { return Ok(found) };
        found.owner = Some(owner);
        let mut buf = vec![0; chunk.max(256) as usize];
        let mut vault = Vault::open(&mut medium, owner, chunk, 0, &mut buf)
            .map_err(|error| found.refused(error))?;
        vault
            .pass_over_damage(&mut medium, base, &mut buf)
            .map_err(|error| found.refused(error))?;
        found.newest = vault.newest().copied();
        found.origin = vault.newest_origin();
        let mut chunks = 0..found.newest.map_or(0, |newest| newest.chunks);
        let damage =
            chunks.find_map(|chunk| vault.read(&mut medium, Which::Newest, chunk, &mut buf).err());
        found.problem = damage.map(|damage| found.place().unreadable(&damage));
        found.begun = vault.staged().map(|(_, manifest, chunks)| (*manifest, chunks));
        found.rot = vault.rot();
        Ok(found)
    }

    fn place(&self) -> Place<'_> {
        // (What is wrong with the journal is not for this one to say.)
        Place { journal: &self.directory, snapshots: &self.directory, lost: &self.lost }
    }

    fn refused(&self, error: VaultError<FileError>) -> Error {
        self.place().refused(&error).map_or(Error::Snapshots(error), Error::Snapshot)
    }

    /// Compares them with the journal they are beside, whose log ends at `last`: a log that was compacted
    /// goes on from one.
    pub fn compare(&mut self, journal: &Inspection, last: Position) {
        let newest = self.newest.map(|newest| newest.last).unwrap_or_default();
        let whose = |owner: &Owner| {
            (owner.cluster, owner.node, owner.incarnation)
                != (journal.cluster, journal.node, journal.incarnation)
        };
        if let Some(found) = self.owner.filter(whose) {
            self.problem = self.place().refused(&VaultError::OtherOwner { found });
        } else if newest.index < journal.base.index {
            // As the start names it.
            let missing = SnapshotMissing { base: journal.base, newest };
            let place = self.place();
            let rot = self.rot.as_ref().map(|rot| place.unreadable(rot));
            self.problem = rot.or_else(|| Some(place.missing(&missing)));
        } else if self.is_ahead_of(newest, journal) {
            let term = journal.hard_state.term;
            let ahead = SnapshotAhead { newest, journal: last, term };
            self.problem = Some(self.place().ahead(&ahead));
        }
    }

    /// Whether the journal must have held what the newest is of, and ends before it.
    fn is_ahead_of(&self, newest: Position, journal: &Inspection) -> bool {
        let lacks = self.origin == Some(Origin::Own) && newest.index > journal.last;
        let whole = matches!(journal.ending, Ending::Found(_));
        whole && (lacks || newest.term > journal.hard_state.term)
    }

    /// Whose they are, if there are any.
    pub fn owner(&self) -> Option<Owner> {
        self.owner
    }

    /// The folder.
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// Whether what was acknowledged cannot be read.
    pub fn is_damaged(&self) -> bool {
        self.problem.is_some()
    }

    /// Says what was found.
    ///
    /// # Errors
    /// When `out` takes nothing more.
    pub fn print(&self, out: &mut impl Write) -> io::Result<()> {
        match &self.newest {
            None if self.is_damaged() => writeln!(out, "snapshot  none that can be read")?,
            None => writeln!(out, "snapshot  none")?,
            Some(Manifest { last, chunks, bytes, crc, .. }) => writeln!(
                out,
                "snapshot  through entry {} of term {}: {} ({bytes} bytes) in {chunks} chunks, \
                 CRC {crc:08x}",
                last.index,
                last.term,
                Size(*bytes)
            )?,
        }
        if let Some((manifest, chunks)) = &self.begun {
            let there = share(manifest.bytes, *chunks, manifest.chunks);
            writeln!(
                out,
                "          and the beginning of one through entry {} that a leader sent: {} of {}",
                manifest.last.index,
                Size(there),
                Size(manifest.bytes)
            )?;
        }
        if let Some(Problem { what, helps }) = &self.problem {
            writeln!(out, "DAMAGED   {what}")?;
            writeln!(out, "          The node will not start; {helps}.")?;
            return Ok(());
        }
        if let Some(rot) = &self.rot {
            writeln!(out, "          another does not count, and is not needed: {rot}")?;
        }
        if !self.lost.is_empty() {
            writeln!(out, "lost      {}", Spared(&self.lost, self.newest.as_ref()))?;
        }
        Ok(())
    }
}
