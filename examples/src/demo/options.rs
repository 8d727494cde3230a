//! The demo's command line.

use clap::Parser;

/// Four real processes, one leader and three secondaries, that lose their leader in the middle of
/// writes and lose no acknowledged write.
///
/// The demo starts nodes on free loopback ports with fresh data directories, lets clients write,
/// kills the leader with SIGKILL, brings it back, keeps a secondary away until the logs are compacted
/// beyond what it has, kills all nodes at once, restarts them, and then checks what was promised. Its exit status is 1 when any check fails.
#[derive(Clone, Debug, Parser)]
#[command(
    name = "demo",
    version,
    after_help = "\
Each node is the program `kv`, in a process of its own; --keep leaves their data for `kv inspect`."
)]
pub struct Options {
    /// How many nodes: 3 to 7.
    #[arg(long, default_value_t = 4, value_parser = clap::value_parser!(u32).range(3..=7))]
    pub nodes: u32,

    /// How many writes must be acknowledged in all, at least
    ///
    /// The leader is killed after a quarter of them or a little later, everybody after three
    /// quarters. The clients write without pause until the last act is over, however few writes
    /// were asked for.
    #[arg(long, default_value_t = 6_000, value_parser = clap::value_parser!(u64).range(100..=1_000_000))]
    pub writes: u64,

    /// Chooses the keys that are written, and when the leader is killed.
    #[arg(long, default_value_t = 1)]
    pub seed: u64,

    /// Keeps the data directories, and says where they are.
    #[arg(long)]
    pub keep: bool,
}
