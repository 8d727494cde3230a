//! A state machine to be put under the simulator.

use crate::quiet::blamed;
use crate::random::Random;
use crate::registers::{KEYS, Registers};
use crate::story::Words;
use crate::swarm::COMMAND_OVERHEAD;
use raft_nostd::{Committed, Config, SnapshotError, StateMachine};
use std::fmt::Debug;

/// A state machine that the simulator replicates, and what clients may ask of it.
///
/// What it answers is compared between replicas, by its [`Debug`] text: at the same index all must answer the
/// same, also those that were restored from a snapshot, or have started again.
pub trait Subject: StateMachine<Response: Debug> + 'static {
    /// Bytes of its longest command: 100, unless it says otherwise. [`command`](Self::command) is held to it.
    const COMMAND_MAX: u32 = 100;

    /// Bytes of its longest snapshot: 4096, unless it says otherwise. [`StateMachine::snapshot`] is held to it. (A
    /// slot takes three times as much, for short pieces.) A machine whose first state answers
    /// [`Unsupported`](SnapshotError::Unsupported) writes none; any other must write each that it is asked for.
    const SNAPSHOT_MAX: usize = 4_096;

    /// A command that some client proposes, of [`COMMAND_MAX`](Self::COMMAND_MAX) bytes at most. All of it is to be
    /// drawn from `random`, so that a run can be repeated.
    fn command(random: &mut Random) -> Vec<u8>;

    /// A query ([`StateMachine::query`]) that must be answered the same by all replicas that have applied the same.
    fn question(random: &mut Random) -> Vec<u8> {
        let _ = random;
        Vec::new()
    }

    /// A command in words, for people.
    fn describe(command: &[u8]) -> String {
        Words::command(command).to_string()
    }

    /// A copy of it, if it can be copied: then it also runs as a machine with durability of its own.
    fn copy(&self) -> Option<Self>
    where
        Self: Sized,
    {
        None
    }
}

/// What the simulator needs of a subject, whatever its type.
pub(crate) trait Guest {
    fn apply(&mut self, committed: Committed<'_>) -> String;
    fn query(&self, request: &[u8]) -> String;
    fn snapshot(&mut self, offset: u64, piece: &mut [u8]) -> Result<usize, SnapshotError>;
    fn restore(&mut self, offset: u64, piece: &[u8]) -> Result<(), SnapshotError>;
    fn copy(&self) -> Option<Box<dyn Guest>>;
}

impl<M: Subject> Guest for M {
    fn apply(&mut self, committed: Committed<'_>) -> String {
        format!("{:?}", StateMachine::apply(self, committed))
    }

    fn query(&self, request: &[u8]) -> String {
        format!("{:?}", StateMachine::query(self, request))
    }

    fn snapshot(&mut self, offset: u64, piece: &mut [u8]) -> Result<usize, SnapshotError> {
        StateMachine::snapshot(self, offset, piece)
    }

    fn restore(&mut self, offset: u64, piece: &[u8]) -> Result<(), SnapshotError> {
        StateMachine::restore(self, offset, piece)
    }

    fn copy(&self) -> Option<Box<dyn Guest>> {
        Subject::copy(self).map(|copy| Box::new(copy) as Box<dyn Guest>)
    }
}

/// One kind of subject.
pub(crate) struct Kind {
    make: Box<dyn Fn() -> Box<dyn Guest>>,
    command: fn(&mut Random) -> Vec<u8>,
    question: fn(&mut Random) -> Vec<u8>,
    pub(crate) describe: fn(&[u8]) -> String,
    pub(crate) command_max: u32,
    pub(crate) snapshot_max: usize,
    /// Whether it writes snapshots.
    pub(crate) compacts: bool,
    /// What is asked whenever a read may be answered.
    pub(crate) reads: Vec<Vec<u8>>,
}

/// Draws a few twice, of the same choices: they must be equal, or no run could be repeated.
fn check_draws(name: &str, draw: fn(&mut Random) -> Vec<u8>) {
    let draws = || {
        let mut random = Random::new(0);
        let deed = || format!("the subject panics in {name}");
        (0..16).map(|_| blamed(deed, || draw(&mut random))).collect::<Vec<_>>()
    };
    assert!(
        draws() == draws(),
        "the subject's {name} is not drawn from `random` alone: of the same choices it made another"
    );
}

impl Kind {
    pub(crate) fn of<M: Subject>(make: impl Fn() -> M + 'static) -> Self {
        let most = Config::DATAGRAM_MAX - COMMAND_OVERHEAD;
        assert!(M::COMMAND_MAX <= most, "COMMAND_MAX is {}: at most {most}", M::COMMAND_MAX);
        check_draws("command", M::command);
        check_draws("question", M::question);
        let mut first = make();
        let deed = || "a state machine in its first state panics in snapshot at byte 0".into();
        let wrote = blamed(deed, || StateMachine::snapshot(&mut first, 0, &mut [0; 4_096]));
        Self {
            compacts: wrote != Err(SnapshotError::Unsupported),
            make: Box::new(move || Box::new(make())),
            command: M::command,
            question: M::question,
            describe: M::describe,
            command_max: M::COMMAND_MAX,
            snapshot_max: M::SNAPSHOT_MAX,
            reads: Vec::new(),
        }
    }

    /// The simulator's own, whose every number is read.
    pub(crate) fn registers() -> Self {
        let reads = (0..KEYS).map(|key| vec![key]).collect();
        Self { reads, ..Self::of(Registers::default) }
    }

    /// A command that some client proposes.
    pub(crate) fn draw_command(&self, random: &mut Random) -> Vec<u8> {
        blamed(|| "the subject panics in command".into(), || (self.command)(random))
    }

    /// What nodes are asked that have applied the same.
    pub(crate) fn draw_question(&self, random: &mut Random) -> Vec<u8> {
        blamed(|| "the subject panics in question".into(), || (self.question)(random))
    }

    /// One in its first state.
    pub(crate) fn make(&self) -> Box<dyn Guest> {
        (self.make)()
    }

    /// Whether it can be copied.
    pub(crate) fn copies(&self) -> bool {
        self.make().copy().is_some()
    }
}
