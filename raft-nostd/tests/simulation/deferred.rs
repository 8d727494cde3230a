//! A driver whose storage works in the background: a batch is copied when it is polled, written
//! later, synced later still, and only then does its ticket come back. Meanwhile the node goes on,
//! and may crash.

use crate::disk::{Core, Disk, SharedMedium, Write};
use crate::host::{Surroundings, assert_medium_is_to_blame};
use adapter_std::memory::MemoryError;
use raft_nostd::frame::Frames;
use raft_nostd::journal::{
    self, Batch, Entropy, Identity, Medium, Opening, RecoverError, WriteError, Writer,
};
use raft_nostd::{
    Config, Host, Index, Instant, Life, Loading, Output, Position, Start, StateMachine, Ticket,
    Transport,
};

pub struct Deferred {
    pub raft: Core,
    pub around: Surroundings,
    journal: Writer,
    job: Option<Job>,
}

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
    base: Position,
}

impl Copied {
    fn of(batch: &Batch<'_>) -> Self {
        let terms = batch.frames.iter().map(|entry| entry.position.term).collect();
        Self {
            write: Write { hard: batch.hard_state, first: batch.frames.first(), terms },
            frames: batch.frames.slices().concat(),
            live: batch.live.slices().concat(),
            live_entries: batch.live.count(),
            base: batch.base,
        }
    }

    fn batch(&self) -> Batch<'_> {
        let Write { hard, first, terms } = &self.write;
        let live_first = self.base.index.next();
        Batch {
            hard_state: *hard,
            frames: Frames::new(*first, terms.len() as u64, &self.frames, &[]),
            live: Frames::new(live_first, self.live_entries, &self.live, &[]),
            base: self.base,
        }
    }
}

/// A log that is filled, its journal, and what was found.
type Opened<'a> = (Loading<'a, Vec<u8>>, Writer, journal::Recovered);

/// Recovers a journal and fills a log from it.
pub fn recover<'a, M: Medium>(
    config: &Config<'a>,
    memory: Vec<u8>,
    medium: &mut M,
    seed: u64,
) -> Result<Opened<'a>, RecoverError<M::Error>> {
    let mut loading = Loading::new::<7>(config, memory).expect("the configuration is sound");
    let opening = Opening {
        identity: Identity { cluster: config.cluster, node: config.node, voters: config.voters },
        entropy: Entropy { incarnation: seed, salt: !seed },
        limits: loading.limits(),
    };
    let mut buf = vec![0; opening.buffer_len()];
    let (journal, recovered) = journal::recover(medium, &opening, &mut loading, &mut buf)?;
    Ok((loading, journal, recovered))
}

impl Deferred {
    pub fn open(
        config: &Config<'_>,
        memory: Vec<u8>,
        mut around: Surroundings,
        seed: u64,
        now: Instant,
    ) -> Result<Self, RecoverError<MemoryError>> {
        let medium: &mut SharedMedium = around.medium();
        let (loading, journal, recovered) = recover(config, memory, medium, seed)?;
        let start = Start {
            hard_state: recovered.hard_state,
            life: Life {
                incarnation: recovered.incarnation,
                boot: recovered.boot,
                nonce: seed as u32,
            },
            applied: StateMachine::applied(&around),
            seed,
            now,
        };
        let raft = loading.start(start).expect("the machine applied what is durable");
        Ok(Self { raft, around, journal, job: None })
    }

    /// Does what the node wants done, but for the storage: at most so many things, since inputs may
    /// come between any two.
    pub fn drain(&mut self, now: Instant, buf: &mut [u8], most: u64) -> Instant {
        for _ in 0..most {
            match self.raft.poll_output(now, buf) {
                Output::Event(event) => self.around.event(event),
                Output::Transmit(transmit) => {
                    self.around.send(transmit.to, transmit.datagram);
                }
                Output::Persist(persist) => {
                    assert!(self.job.is_none(), "one ticket at a time");
                    let batch = Copied::of(&persist.batch);
                    self.job = Some(Job { ticket: persist.ticket, batch, stage: Stage::Copied });
                }
                Output::TransmitChunk(_) | Output::Install(_) => {}
                Output::Apply(committed) => StateMachine::apply(&mut self.around, committed),
                Output::Idle { wake_at } => return wake_at,
            }
        }
        now
    }

    pub fn is_working(&self) -> bool {
        self.job.is_some()
    }

    /// The storage gets one step further.
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
                self.raft.handle_persisted(now, job.ticket).expect("it is the node's own");
                return;
            }
        };
        match done {
            Ok(()) => self.job = Some(job),
            Err(error) => self.failed(now, job.ticket, &error),
        }
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
        self.raft
            .handle_persist_failed(now, ticket, error.failure())
            .expect("it is the node's own");
    }
}

/// The node that a medium would give back now, if it can be opened.
pub fn reread<M: Medium>(config: &Config<'_>, memory: Vec<u8>, medium: &mut M) -> Option<Core> {
    let (loading, _, recovered) = recover(config, memory, medium, 1).ok()?;
    let start = Start {
        hard_state: recovered.hard_state,
        life: Life::default(),
        applied: Index::ZERO,
        seed: 1,
        now: Instant::ORIGIN,
    };
    loading.start(start).ok()
}
