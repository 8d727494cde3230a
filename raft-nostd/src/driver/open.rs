//! Opening a node: journal, snapshots, state machine.

use super::work::Work;
use super::{Driver, Host, OpenError, StateMachine};
use crate::config::Config;
use crate::journal::{self, Entropy, Identity, Medium, Opening, Sink};
use crate::raft::{AttachError, Loading};
use crate::rand::{Seed, mix};
use crate::state::Start;
use crate::time::Instant;
use crate::types::Life;
use crate::vault::{Owner, Vault, VaultError, Which};

type JournalError<H> = <<H as Host>::Medium as Medium>::Error;
type SnapshotsError<H> = <<H as Host>::Snapshots as Medium>::Error;
type Refusal<H> = OpenError<JournalError<H>, SnapshotsError<H>>;

impl<H: Host, const VOTERS: usize> Driver<H, VOTERS> {
    /// Recovers the journal on the host's medium, or formats a blank one, restores the state machine
    /// from the newest snapshot, if it has not applied more by itself, and starts the node. `buf` is
    /// scratch of at least the configuration's datagram bound.
    ///
    /// (Of at least the longest chunk of the newest snapshot, too, where that was taken under a larger
    /// bound: see [`owner_of`](crate::vault::owner_of).)
    ///
    /// # Errors
    /// What is wrong with the configuration, the journal, the snapshots or the state machine. All of
    /// them are looked at before anything is written: what is refused stays as it is.
    pub fn open(
        config: &Config<'_>,
        memory: H::Memory,
        mut host: H,
        seed: Seed,
        now: Instant,
        buf: &mut [u8],
    ) -> Result<Self, Refusal<H>> {
        let mut loading = Loading::new::<VOTERS>(config, memory).map_err(OpenError::Config)?;
        let identity =
            Identity { cluster: config.cluster, node: config.node, voters: config.voters };
        let entropy = Entropy { incarnation: mix(seed.public), salt: seed.secret };
        let opening = Opening { identity, entropy, limits: loading.limits() };
        let loaded = journal::load(host.medium(), &opening, &mut loading, buf)
            .map_err(OpenError::Journal)?;
        let recovered = *loaded.recovered();
        let nonce = mix(seed.public ^ u64::from(config.node.get())) as u32;
        let owner = Owner {
            cluster: config.cluster,
            node: config.node,
            incarnation: recovered.incarnation,
        };
        let mut vault = Vault::open(host.snapshots(), owner, config.max_chunk(), nonce, buf)
            .map_err(OpenError::Snapshots)?;
        vault
            .pass_over_damage(host.snapshots(), loading.base().index, buf)
            .map_err(OpenError::Snapshots)?;
        let newest = vault.newest_origin().zip(vault.newest());
        let staged = vault.staged().map(|(_, manifest, chunks)| (manifest, chunks));
        let term = recovered.hard_state.term;
        loading.attach(term, newest, staged).map_err(|error| match error {
            AttachError::Missing(missing) => {
                vault.rot().map_or(OpenError::SnapshotMissing(missing), OpenError::Chunk)
            }
            AttachError::Ahead(ahead) => OpenError::SnapshotAhead(ahead),
        })?;
        if vault.newest_chunk_max() > buf.len() {
            let needed = vault.newest_chunk_max();
            return Err(OpenError::Snapshots(VaultError::Buffer { needed }));
        }
        // An end record that only this machine's memory has must not be built upon, not even by a
        // state machine that is durable by itself.
        host.snapshots().sync().map_err(|error| OpenError::Snapshots(VaultError::Medium(error)))?;
        let applied = restore(&vault, &mut host, buf)?.max(host.machine().applied());
        loading.check_applied(applied).map_err(OpenError::Start)?;
        // Everything is accepted; from here on it is written to.
        let journal = loaded.begin(host.medium(), loading.live()).map_err(OpenError::Journal)?;
        let start = Start {
            hard_state: recovered.hard_state,
            life: Life { incarnation: recovered.incarnation, boot: recovered.boot, nonce },
            applied,
            seed: seed.public,
            now,
        };
        let raft = loading.start(start).map_err(OpenError::Start)?;
        Ok(Self { raft, journal, vault, host, unsynced: None, work: Work::default() })
    }
}

/// Restores the state machine from the newest snapshot, unless it has applied as much by itself.
/// Returns as far as it has applied then.
fn restore<H: Host>(
    vault: &Vault,
    host: &mut H,
    buf: &mut [u8],
) -> Result<crate::types::Index, Refusal<H>> {
    let Some(manifest) = vault.newest() else { return Ok(crate::types::Index::ZERO) };
    if host.machine().applied() >= manifest.last.index {
        return Ok(manifest.last.index);
    }
    let mut offset = 0_u64;
    for chunk in 0..manifest.chunks {
        let len =
            vault.read(host.snapshots(), Which::Newest, chunk, buf).map_err(OpenError::Chunk)?;
        let piece = buf.get(..len).unwrap_or(&[]);
        host.machine().restore(offset, piece).map_err(OpenError::Machine)?;
        offset = offset.saturating_add(len as u64);
    }
    host.machine().restore(offset, &[]).map_err(OpenError::Machine)?;
    Ok(manifest.last.index)
}
