//! What a node is told before it starts.

use crate::error::ConfigError;
use crate::frame;
use crate::time::Duration;
use crate::types::{ClusterId, NodeId};
use crate::wire;

/// The most voters a cluster may have.
pub const VOTERS_MAX: usize = 7;

/// Who a node is, who votes, and how large and how patient it is.
///
/// ```
/// use raft_nostd::{ClusterId, Config, NodeId};
/// let voters = [1, 2, 3].map(|id| NodeId::new(id).unwrap());
/// let config = Config::new(ClusterId::from_name("lamps"), voters[0], &voters);
/// assert!(config.check::<3>().is_ok());
/// ```
#[derive(Clone, Debug)]
pub struct Config<'a> {
    /// The cluster; datagrams and journals of any other are refused.
    pub cluster: ClusterId,
    /// This node; one of `voters`.
    pub node: NodeId,
    /// All voters of the initial configuration in ascending order, this node included: 1 to
    /// [`VOTERS_MAX`].
    pub voters: &'a [NodeId],
    /// Entries the log can hold: a power of two, at least 8. The same on every node.
    pub log_entries: u32,
    /// Bytes in the longest command; [`Config::new`] takes what the datagram bound allows. The
    /// same on every node.
    pub max_command: u32,
    /// Bytes in the longest datagram: [`Config::DATAGRAM_MIN`] to [`Config::DATAGRAM_MAX`]. The
    /// same on every node.
    pub max_datagram: u32,
    /// The shortest election timeout (dissertation §3.4); each timeout is drawn anew from here to
    /// twice this. At least two heartbeats.
    pub election_timeout: Duration,
    /// How often a leader makes itself heard, and how soon what seems lost is sent again.
    pub heartbeat: Duration,
    /// Bytes of entries, or of a snapshot, on their way to one peer before it has acknowledged any of
    /// them. A snapshot's come after all else that there is to do: this is what else may have to wait
    /// for. Kernel receive buffers are small by default: some 90 datagrams of 1,200 bytes.
    pub window: u32,
}

impl<'a> Config<'a> {
    /// The smallest datagram bound in bytes.
    pub const DATAGRAM_MIN: u32 = 256;
    /// The largest datagram bound in bytes: what IPv4 lets UDP carry.
    pub const DATAGRAM_MAX: u32 = 65_507;

    /// For a microcontroller: 64 entries with commands of at most 64 bytes, datagrams of 512 bytes, 1
    /// KiB in flight to each peer. Its log takes [`TINY_LOG`](Self::TINY_LOG) bytes, or a few more.
    pub const fn tiny(cluster: ClusterId, node: NodeId, voters: &'a [NodeId]) -> Self {
        let mut config = Self::new(cluster, node, voters).with_max_datagram(512);
        config.log_entries = 64;
        config.max_command = 64;
        config.window = 1_024;
        config
    }

    /// Bytes for the log of [`Config::tiny`]: its table, 64 commands of 64 bytes in frames whose term
    /// is below 16,384 and index below 2,097,152, and one longest frame to spare.
    pub const TINY_LOG: usize = 64 * (crate::log::SLOT_LEN + 64 + 11) + 64 + frame::OVERHEAD_MAX;

    /// For a server: 1,048,576 entries, datagrams of 8 KiB, 64 KiB in flight to each peer, and elections
    /// as in [`Config::new`]. With 256 MiB for frames its log takes 272 MiB.
    pub const fn server(cluster: ClusterId, node: NodeId, voters: &'a [NodeId]) -> Self {
        let mut config = Self::new(cluster, node, voters).with_max_datagram(8 * 1_024);
        config.log_entries = 1 << 20;
        config
    }

    /// Defaults, small and for a LAN: 1,024 entries, datagrams of 1,200 bytes, elections after 1 to 2 s of
    /// silence, heartbeats each 100 ms, 64 KiB in flight to each peer.
    pub const fn new(cluster: ClusterId, node: NodeId, voters: &'a [NodeId]) -> Self {
        Self {
            cluster,
            node,
            voters,
            log_entries: 1_024,
            max_command: 1_200_u32.saturating_sub(Self::command_overhead()),
            max_datagram: 1_200,
            election_timeout: Duration::from_millis(1_000),
            heartbeat: Duration::from_millis(100),
            window: 64 * 1_024,
        }
    }

    /// The same with another datagram bound, and the longest commands it allows.
    #[must_use]
    pub const fn with_max_datagram(mut self, bytes: u32) -> Self {
        self.max_datagram = bytes;
        self.max_command = bytes.saturating_sub(Self::command_overhead());
        self
    }

    /// What a datagram bound loses to envelope, header, frame and CRC: 132 bytes.
    pub const fn command_overhead() -> u32 {
        (wire::OVERHEAD_MAX + frame::OVERHEAD_MAX) as u32
    }

    /// Bytes in the longest chunk of a snapshot: what a datagram has room for.
    pub const fn max_chunk(&self) -> u32 {
        self.max_datagram.saturating_sub(wire::INSTALL_OVERHEAD_MAX as u32)
    }

    /// Bytes in the longest frame of the log.
    pub const fn max_frame(&self) -> u32 {
        self.max_command.saturating_add(frame::OVERHEAD_MAX as u32)
    }

    /// Bytes of memory for a log of `log_entries` that average `average` bytes of command each:
    /// what to make the `B` of [`Raft`](crate::Raft).
    pub const fn log_bytes(&self, average: u32) -> u64 {
        let overhead = frame::OVERHEAD_MAX.saturating_add(crate::log::SLOT_LEN) as u64;
        let each = (average as u64).saturating_add(overhead);
        let spare = (self.max_frame() as u64).saturating_mul(3);
        each.saturating_mul(self.log_entries as u64).saturating_add(spare)
    }

    /// Checks everything that does not depend on the log's memory.
    ///
    /// # Errors
    /// The first field that is out of its bounds.
    pub fn check<const VOTERS: usize>(&self) -> Result<(), ConfigError> {
        let voters = self.voters.len();
        if voters == 0 || voters > VOTERS_MAX || voters > VOTERS {
            return Err(ConfigError::Voters { given: voters, most: VOTERS.min(VOTERS_MAX) });
        }
        if !self.voters.windows(2).all(|pair| pair.first() < pair.last()) {
            return Err(ConfigError::VotersUnordered);
        }
        if !self.voters.contains(&self.node) {
            return Err(ConfigError::NotAVoter(self.node));
        }
        if self.log_entries < 8 || !self.log_entries.is_power_of_two() {
            return Err(ConfigError::LogEntries(self.log_entries));
        }
        if !(Self::DATAGRAM_MIN..=Self::DATAGRAM_MAX).contains(&self.max_datagram) {
            return Err(ConfigError::Datagram(self.max_datagram));
        }
        let most = self.max_datagram.saturating_sub(Self::command_overhead());
        if self.max_command > most {
            return Err(ConfigError::Command { given: self.max_command, most });
        }
        if self.heartbeat == Duration::ZERO || self.election_timeout < self.heartbeat.times(2) {
            return Err(ConfigError::Timeouts);
        }
        Ok(())
    }
}
