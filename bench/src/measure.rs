//! One run of one contender.

use std::hint::black_box;
use std::time::Instant;

use crate::{Cluster, Command, Machine, alloc};

/// How many commands are in flight in [`Mode::Batch`].
pub const IN_FLIGHT: usize = 64;

/// How commands are proposed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// One at a time: the next is proposed when all three nodes have applied the last.
    One,
    /// [`IN_FLIGHT`] at a time: the next batch is proposed when all three nodes have applied the
    /// last.
    Batch,
}

impl Mode {
    /// Every mode, in the order of the table.
    pub const ALL: [Self; 2] = [Self::One, Self::Batch];

    /// What it is called on the command line and in the table.
    pub fn name(self) -> &'static str {
        match self {
            Self::One => "one",
            Self::Batch => "batch",
        }
    }
}

/// What a run does.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    /// How commands are proposed.
    pub mode: Mode,
    /// Commands committed before the measurement.
    pub warm_up: usize,
    /// Commands committed in the measurement.
    pub entries: usize,
}

/// What a run cost, per entry.
#[derive(Clone, Copy, Debug)]
pub struct Sample {
    /// Wall-clock time.
    pub nanoseconds: f64,
    /// Messages between the nodes.
    pub messages: f64,
    /// Heap allocations, of all three nodes and what carries their messages.
    pub allocations: f64,
}

/// Runs a contender on a new cluster.
///
/// # Panics
///
/// If any node did not apply every command in the order it was proposed.
pub fn run<C: Cluster>(plan: &Plan) -> Sample {
    let commands = commands(plan.warm_up + plan.entries);
    let (warm_up, measured) = commands.split_at(plan.warm_up);

    let mut cluster = C::new();
    cluster.elect();
    commit(&mut cluster, plan.mode, warm_up);

    let messages = cluster.messages();
    let allocations = alloc::allocations();
    let start = Instant::now();
    bench_measured(&mut || commit(&mut cluster, plan.mode, black_box(measured)));
    let elapsed = start.elapsed();
    let allocations = alloc::allocations() - allocations;
    let messages = cluster.messages() - messages;

    verify(&cluster, &commands);
    let entries = plan.entries as f64;
    Sample {
        nanoseconds: elapsed.as_nanos() as f64 / entries,
        messages: messages as f64 / entries,
        allocations: allocations as f64 / entries,
    }
}

/// Does the work to be measured.
///
/// Its name survives the compiler, so that `instructions.sh` can count what happens inside it and
/// nothing else.
#[inline(never)]
#[unsafe(no_mangle)]
fn bench_measured(work: &mut dyn FnMut()) {
    work();
}

/// Commands that all differ.
fn commands(count: usize) -> Vec<Command> {
    let numbered = |number: usize| {
        let mut command = [0xa5; size_of::<Command>()];
        command[..8].copy_from_slice(&(number as u64).to_le_bytes());
        command
    };
    (0..count).map(numbered).collect()
}

fn commit<C: Cluster>(cluster: &mut C, mode: Mode, commands: &[Command]) {
    match mode {
        Mode::One => {
            for command in commands {
                cluster.commit_one(command);
            }
        }
        Mode::Batch => {
            for batch in commands.chunks(IN_FLIGHT) {
                cluster.commit_batch(batch);
            }
        }
    }
}

fn verify<C: Cluster>(cluster: &C, commands: &[Command]) {
    let mut expected = Machine::default();
    for command in commands {
        expected.apply(command);
    }
    cluster.check();
    assert_eq!(cluster.applied(), expected.applied());
    assert_eq!(cluster.digest(), expected.digest());
}
