//! The command line.

use clap::Parser;

/// Measures how fast a snapshot reaches a new node, and what is left of the commits meanwhile.
///
/// Three `kv` nodes on loopback get a state; one secondary is killed and loses its directory, and
/// comes back as a new node, while clients write. Beside that, in the same rounds, a file of the same
/// length is copied over UDP between two processes: with the same datagram bound, and synced each
/// time that 1 MiB was written, as snapshots are; once while the same clients write, once more
/// so at half of that rate, and once alone.
/// What is told in the end are medians over all rounds of ratios within each round.
#[derive(Clone, Debug, Parser)]
#[command(name = "transfer", version)]
pub struct Options {
    /// The state, and the file, in MiB.
    #[arg(long, default_value_t = 256, value_parser = clap::value_parser!(u32).range(4..=1_024))]
    pub mib: u32,

    /// How often each is measured.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=99))]
    pub rounds: u32,

    /// Clients that write at the same time, one write after the other.
    #[arg(long, default_value_t = 8, value_parser = clap::value_parser!(u32).range(1..=256))]
    pub clients: u32,

    /// Writes in a second, of all clients together; 0: each as soon as the one before is answered.
    #[arg(long, default_value_t = 0)]
    pub pace: u32,

    /// Milliseconds over which the rate of commits is taken where nothing else goes on.
    #[arg(long, default_value_t = 1_500, value_parser = clap::value_parser!(u64).range(100..=60_000))]
    pub calm: u64,

    /// What `cargo bench` adds.
    #[arg(long, hide = true)]
    pub bench: bool,
}
