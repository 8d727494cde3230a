//! `kv inspect`: the snapshots beside a stopped node's journal, for a person.

use super::error::Error;
use super::lost::{Chunk, Missing, Remedy};
use super::saves::{Size, share};
use adapter_std::files::{FileError, FileMedium};
use raft_nostd::journal::Inspection;
use raft_nostd::vault::{ChunkError, Owner, Vault, VaultError, Which, owner_of};
use raft_nostd::{Manifest, SnapshotMissing};
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
    /// What is wrong with the newest, if anything is.
    damage: Option<ChunkError<FileError>>,
    /// The chunk for which one that was whole once does not count.
    rot: Option<ChunkError<FileError>>,
    owner: Option<Owner>,
    /// Why they do not belong to the journal, if so.
    problem: Option<String>,
}

impl Snapshots {
    /// Looks at the snapshots in `directory`, and reads all of the newest.
    ///
    /// # Errors
    /// When they cannot be read, or their files were changed.
    pub fn look(directory: &Path) -> Result<Self, Error> {
        let none = || Self { directory: directory.to_path_buf(), ..Self::default() };
        let mut medium = match FileMedium::open_read_only(directory) {
            Ok(medium) => medium,
            Err(FileError::NotAMedium { .. }) => return Ok(none()),
            Err(error) => return Err(Error::Directory(error)),
        };
        let Some((owner, chunk)) = owner_of(&mut medium).map_err(Error::Directory)? else {
            return Ok(none());
        };
        let mut buf = vec![0; chunk.max(256) as usize];
        let vault = Vault::open(&mut medium, owner, chunk, 0, &mut buf);
        let vault = vault.map_err(Error::Snapshots)?;
        let newest = vault.newest().copied();
        let mut chunks = 0..newest.map_or(0, |newest| newest.chunks);
        let damage =
            chunks.find_map(|chunk| vault.read(&mut medium, Which::Newest, chunk, &mut buf).err());
        let begun = vault.staged().map(|(_, manifest, chunks)| (*manifest, chunks));
        let rot = vault.rot();
        let (directory, owner) = (directory.to_path_buf(), Some(owner));
        Ok(Self { directory, newest, begun, damage, rot, owner, problem: None })
    }

    /// Compares them with the journal they are beside: a log that was compacted goes on from one.
    pub fn compare(&mut self, journal: &Inspection) {
        let newest = self.newest.map(|newest| newest.last).unwrap_or_default();
        let whose = |owner: &Owner| {
            (owner.cluster, owner.node, owner.incarnation)
                != (journal.cluster, journal.node, journal.incarnation)
        };
        if let Some(owner) = self.owner.filter(whose) {
            let theirs = VaultError::<FileError>::OtherOwner { found: owner };
            self.problem = Some(theirs.to_string());
        } else if newest.index < journal.base.index {
            // As the start names it.
            self.damage = self.rot.take();
            let missing = SnapshotMissing { base: journal.base, newest };
            let missing = Missing(&self.directory, &missing).to_string();
            self.problem = Some(missing).filter(|_| self.damage.is_none());
        }
    }

    /// The folder.
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// Whether what was acknowledged cannot be read.
    pub fn is_damaged(&self) -> bool {
        self.damage.is_some() || self.problem.is_some()
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
        if let Some(problem) = &self.problem {
            writeln!(out, "DAMAGED   {problem}")?;
            writeln!(out, "          The node will not start; {}.", Remedy(&self.directory))?;
        }
        if let Some(damage) = &self.damage {
            writeln!(out, "DAMAGED   the snapshot: {}", Chunk(&self.directory, damage))?;
            writeln!(out, "          The node will not start; {}.", Remedy(&self.directory))?;
        }
        Ok(())
    }
}
