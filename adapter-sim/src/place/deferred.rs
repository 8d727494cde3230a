//! A driver whose storage works in the background: a batch is copied when it is polled, written
//! later, synced later still, and only then does its ticket come back. Meanwhile the node goes on,
//! and may crash.

use crate::judge::disk::{Core, Disk, Write};
use crate::meter;
use crate::place::errands::Errands;
use crate::place::host::{Surroundings, assert_medium_is_to_blame};
use crate::place::machine::Machine;
use adapter_std::memory::MemoryError;
use raft_nostd::frame::Frames;
use raft_nostd::journal::{self, Batch, Entropy, Identity, Medium, Opening, WriteError, Writer};
use raft_nostd::vault::{Owner, Vault, VaultError, Which};
use raft_nostd::{
    AttachError, Config, Host, Instant, Life, Loading, OpenError, Output, Received, Refused, Start,
    StateMachine, Ticket, Transport,
};

pub struct Deferred {
    pub raft: Core,
    pub around: Surroundings,
    pub errands: Errands,
    journal: Writer,
    job: Option<Job>,
    /// Outputs that were polled since the last input.
    outputs: u32,
}

/// So many outputs come of one input at most: all entries of the longest log are applied, and all peers
/// are sent whole windows.
const OUTPUTS_MAX: u32 = 8_192;

/// A batch on its way to the disk.
struct Job {
    ticket: Ticket,
    batch: Copied,
    stage: Stage,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Copied,
    Written,
    Synced,
}

/// A batch that owns its bytes.
struct Copied {
    write: Write,
    frames: Vec<u8>,
    live: Vec<u8>,
    live_entries: u64,
}

impl Copied {
    fn of(batch: &Batch<'_>) -> Self {
        let terms = batch.frames.iter().map(|entry| entry.position.term).collect();
        Self {
            write: Write {
                hard: batch.hard_state,
                base: batch.base,
                first: batch.frames.first(),
                terms,
            },
            frames: batch.frames.slices().concat(),
            live: batch.live.slices().concat(),
            live_entries: batch.live.count(),
        }
    }

    fn batch(&self) -> Batch<'_> {
        let Write { hard, base, first, terms } = &self.write;
        let live_first = base.index.next();
        Batch {
            hard_state: *hard,
            frames: Frames::new(*first, terms.len() as u64, &self.frames, &[]),
            live: Frames::new(live_first, self.live_entries, &self.live, &[]),
            base: *base,
        }
    }
}

/// A node, its journal and its snapshots.
type Opened = (Core, Writer, Vault);

/// Opens a node on two media: fills a log from the journal, and a machine from the newest snapshot.
pub fn open<M: Medium, S: Medium>(
    config: &Config<'_>,
    memory: Vec<u8>,
    (medium, snapshots): (&mut M, &mut S),
    machine: &mut Machine,
    (seed, now): (u64, Instant),
) -> Result<Opened, OpenError<M::Error, S::Error>> {
    let mut loading = Loading::new::<7>(config, memory).map_err(OpenError::Config)?;
    let opening = Opening {
        identity: Identity { cluster: config.cluster, node: config.node, voters: config.voters },
        entropy: Entropy { incarnation: seed, salt: !seed },
        limits: loading.limits(),
    };
    let mut buf = vec![0; opening.buffer_len().max(config.max_datagram as usize)];
    let (journal, recovered) =
        journal::recover(medium, &opening, &mut loading, &mut buf).map_err(OpenError::Journal)?;
    let incarnation = recovered.incarnation;
    let owner = Owner { cluster: config.cluster, node: config.node, incarnation };
    let mut vault = Vault::open(snapshots, owner, config.max_chunk(), seed as u32, &mut buf)
        .map_err(OpenError::Snapshots)?;
    vault
        .pass_over_damage(snapshots, loading.base().index, &mut buf)
        .map_err(OpenError::Snapshots)?;
    snapshots.sync().map_err(|error| OpenError::Snapshots(VaultError::Medium(error)))?;
    let staged = vault.staged().map(|(_, manifest, chunks)| (manifest, chunks));
    let newest = vault.newest_origin().zip(vault.newest());
    loading.attach(recovered.hard_state.term, newest, staged).map_err(|error| match error {
        AttachError::Missing(missing) => OpenError::SnapshotMissing(missing),
        AttachError::Ahead(ahead) => OpenError::SnapshotAhead(ahead),
    })?;
    let applied = restore(&vault, snapshots, machine, &mut buf)?;
    let start = Start {
        hard_state: recovered.hard_state,
        life: Life { incarnation, boot: recovered.boot, nonce: seed as u32 },
        applied,
        seed,
        now,
    };
    Ok((loading.start(start).map_err(OpenError::Start)?, journal, vault))
}

/// Restores the machine from the newest snapshot, if it is behind. Returns where it is then.
fn restore<E, S: Medium>(
    vault: &Vault,
    snapshots: &mut S,
    machine: &mut Machine,
    buf: &mut [u8],
) -> Result<raft_nostd::Index, OpenError<E, S::Error>> {
    let Some(manifest) = vault.newest().filter(|one| one.last.index > machine.applied()) else {
        return Ok(machine.applied());
    };
    let mut offset = 0;
    for chunk in 0..manifest.chunks {
        let len = vault.read(snapshots, Which::Newest, chunk, buf).map_err(OpenError::Chunk)?;
        machine.restore(offset, &buf[..len]).map_err(OpenError::Machine)?;
        offset += len as u64;
    }
    machine.restore(offset, &[]).map_err(OpenError::Machine)?;
    Ok(manifest.last.index)
}

impl Deferred {
    pub fn open(
        config: &Config<'_>,
        memory: Vec<u8>,
        mut around: Surroundings,
        (seed, bytes_per_sync): (u64, u64),
        now: Instant,
    ) -> Result<Self, OpenError<MemoryError, MemoryError>> {
        let (mut medium, mut snapshots) = (around.medium().clone(), around.snapshots().clone());
        let media = (&mut medium, &mut snapshots);
        let (raft, journal, vault) = open(config, memory, media, &mut around.machine, (seed, now))?;
        let errands = Errands::new(vault, bytes_per_sync, config.election_timeout, now);
        Ok(Self { raft, around, errands, journal, job: None, outputs: 0 })
    }

    pub fn datagram(&mut self, now: Instant, bytes: &[u8]) -> Result<(), Refused> {
        self.outputs = 0;
        if let Received::Chunk(chunk) = meter::core(|| self.raft.handle_datagram(now, bytes))? {
            self.errands.bring(chunk);
        }
        Ok(())
    }

    /// Something but a datagram goes into the core.
    pub fn input<R>(&mut self, input: impl FnOnce(&mut Core) -> R) -> R {
        self.outputs = 0;
        meter::core(|| input(&mut self.raft))
    }

    /// Does what the node wants done, but for the storage: at most so many things, since inputs may
    /// come between any two.
    pub fn drain(&mut self, now: Instant, buf: &mut [u8], most: u64) -> Instant {
        for _ in 0..most {
            let reported = self.errands.is_reported(&self.raft);
            self.outputs += 1;
            assert!(self.outputs < OUTPUTS_MAX, "one input, and no end of outputs");
            match meter::core(|| self.raft.poll_output(now, buf)) {
                Output::Event(event) => self.around.event(event),
                Output::Transmit(transmit) => {
                    self.around.send(transmit.to, transmit.datagram);
                }
                Output::Persist(persist) => {
                    assert!(self.job.is_none(), "one ticket at a time");
                    let batch = Copied::of(&persist.batch);
                    self.job = Some(Job { ticket: persist.ticket, batch, stage: Stage::Copied });
                }
                Output::TransmitChunk(mut transmit) => {
                    // (A chunk of one that makes way just now counts as lost.)
                    let read = reported.then(|| {
                        self.errands.read(&mut self.around, transmit.chunk, transmit.body())
                    });
                    if let Some(transmit) = read.flatten().and_then(|len| transmit.seal(len)) {
                        self.around.send(transmit.to, transmit.datagram);
                    }
                }
                Output::Install(manifest) => {
                    self.errands.install(manifest, &mut self.around.machine);
                }
                Output::Apply(committed) => self.around.machine.apply(committed),
                Output::Idle { wake_at } => {
                    let machine = &mut self.around.machine;
                    return wake_at.min(self.errands.consider(&self.raft, machine, now));
                }
            }
        }
        now
    }

    /// Whether the journal has something to do in the background.
    pub fn is_working(&self) -> bool {
        self.job.is_some()
    }

    /// The journal gets one step further.
    pub fn work(&mut self, now: Instant, disk: &mut Disk) {
        let Some(mut job) = self.job.take() else { return };
        let medium = self.around.medium();
        let done = match job.stage {
            Stage::Copied => {
                disk.written(job.batch.write.clone());
                job.stage = Stage::Written;
                self.journal.write(medium, &job.batch.batch())
            }
            Stage::Written => {
                job.stage = Stage::Synced;
                self.journal.sync(medium).inspect(|()| disk.synced())
            }
            Stage::Synced => {
                let ticket = job.ticket;
                let taken = self.input(|raft| raft.handle_persisted(now, ticket));
                taken.expect("it is the node's own");
                return;
            }
        };
        match done {
            Ok(()) => self.job = Some(job),
            Err(error) => self.failed(now, job.ticket, &error),
        }
    }

    /// A snapshot that is taken, sent or restored gets one step further.
    pub fn run_errand(&mut self, now: Instant, disk: &mut Disk) {
        self.outputs = 0;
        self.errands.work(&mut self.raft, &mut self.around, now, disk);
    }

    /// Stops cleanly, unless something is on its way.
    pub fn stop(mut self) {
        if self.job.is_none() {
            // A medium that fails leaves a journal that was not sealed.
            let _ = self.journal.seal(self.around.medium());
        }
    }

    fn failed(&mut self, now: Instant, ticket: Ticket, error: &WriteError<MemoryError>) {
        assert_medium_is_to_blame(error);
        let taken = self.input(|raft| raft.handle_persist_failed(now, ticket, error.failure()));
        taken.expect("it is the node's own");
    }
}
