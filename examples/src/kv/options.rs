//! The command line.

use super::machine::ADDRESS_MAX;
use adapter_std::files::SyncPolicy;
use clap::{Args, Parser, Subcommand, ValueEnum};
use raft_nostd::{Config, Duration, NodeId};
use std::net::{SocketAddr, ToSocketAddrs};
use std::path::PathBuf;
use std::str::FromStr;

/// A durable, linearizable key-value service that speaks the Redis protocol.
///
/// Three nodes on one machine:
///
///   kv --id 1 --raft 127.0.0.1:7001 --client 127.0.0.1:6381 --data ./n1 \
///      --peer 2=127.0.0.1:7002 --peer 3=127.0.0.1:7003
///
/// and likewise for nodes 2 and 3. Then: redis-cli -c -p 6381 set greeting hello
///
/// A write is answered once a majority has it on disk and this node has applied it. Reads are
/// linearizable. A node that does not lead answers -MOVED 0 HOST:PORT with the leader's client
/// address, or -CLUSTERDOWN when it knows none. -UNKNOWN says that a write may or may not be
/// applied: only the client can decide what to do. -TRYAGAIN says that it was not applied.
/// INFO raft, answered by any node at once, shows what a node knows.
#[derive(Parser, Debug)]
#[command(name = "kv", version, verbatim_doc_comment)]
#[command(args_conflicts_with_subcommands = true, arg_required_else_help = true)]
#[command(max_term_width = 100)]
pub struct Cli {
    /// Something else than running a node.
    #[command(subcommand)]
    pub task: Option<Task>,
    /// How to run a node.
    #[command(flatten)]
    pub options: Option<Options>,
}

/// Something else than running a node.
#[derive(Subcommand, Debug)]
pub enum Task {
    /// Show the journal and the snapshots of a stopped node: term, vote, entries, what the newest
    /// snapshot is of, and where they are damaged
    ///
    /// All of the newest snapshot is read. Changes nothing. Exits with status 1 when acknowledged
    /// bytes are damaged, and says what helps.
    Inspect {
        /// The directory given to the node as --data
        dir: PathBuf,
        /// How many of the last entries to show
        #[arg(long, value_name = "N", default_value_t = 20)]
        tail: usize,
    },
}

/// How to run a node.
#[derive(Args, Clone, Debug)]
pub struct Options {
    /// This node's id: a positive number, another one for each node
    #[arg(long, value_name = "N", value_parser = node_id)]
    pub id: NodeId,

    /// Where to listen for the other nodes (UDP)
    #[arg(long, value_name = "HOST:PORT", value_parser = address)]
    pub raft: SocketAddr,

    /// Where to listen for clients (TCP)
    #[arg(long, value_name = "HOST:PORT", value_parser = address)]
    pub client: SocketAddr,

    /// Another node and where its datagrams are to be sent; once for each
    ///
    /// All nodes must be given the same set of ids. A node is known by the id in its datagrams,
    /// never by where they come from, so an address may be a proxy's. This node itself may be
    /// among them.
    #[arg(long = "peer", value_name = "ID=HOST:PORT")]
    pub peers: Vec<Peer>,

    /// The directory of the journal; made when it does not exist
    ///
    #[arg(long, value_name = "DIR")]
    pub data: PathBuf,

    /// The most disk space the journal takes [default: 1GiB, more if --log-bytes needs more]
    ///
    /// 32MiB to 4GiB, and a little more than twice --log-bytes at least. It is fixed when the directory
    /// is first used. Starting takes about half a second for each GiB.
    #[arg(long, value_name = "BYTES", value_parser = journal_bytes)]
    pub journal: Option<u64>,

    /// When the journal takes its disk space
    #[arg(long, value_enum, default_value_t = Room::WhenNeeded)]
    pub room: Room,

    /// The longest snapshot of the state [default: 1GiB]
    ///
    /// 1MiB to 1700MiB. Two have a place beside the journal, in DIR/snapshots; each takes as much of
    /// the disk as it needs. So DIR never takes more than --journal, 2.6 times this, and 3MiB; this
    /// being the most that DIR was ever started with. When the state outgrows it, the log is not
    /// compacted any more and fills up, until the node is started with more.
    #[arg(long, value_name = "BYTES", value_parser = snapshot_bytes)]
    pub snapshot_max: Option<u64>,

    /// Take a snapshot each time so many bytes were written to the log, too: 64KiB at least
    ///
    /// One is always taken when the log is more than half full, and on BGSAVE.
    #[arg(long, value_name = "BYTES", value_parser = snapshot_after)]
    pub snapshot_after: Option<u64>,

    /// The size of each file of the journal, 1MiB to 64MiB; 256 files at most
    ///
    /// A new file is filled with zeros before it is used, once at every start too. Fixed when the
    /// directory is first used.
    #[arg(long, value_name = "BYTES", default_value = "16MiB", value_parser = segment_bytes)]
    pub segment: u32,

    /// The cluster's name; datagrams and journals of any other are refused
    #[arg(long, value_name = "NAME", default_value = "kv", value_parser = cluster_name)]
    pub cluster: String,

    /// Where clients are told to find this node when it leads [default: where it listens]
    #[arg(long, value_name = "HOST:PORT", value_parser = announcement)]
    pub announce: Option<String>,

    /// The longest datagram between nodes in bytes, 256 to 65507; the same on every node
    ///
    /// A command with its keys and values, and a whole MULTI ... EXEC, must fit into one, less 132
    /// bytes. Beyond the MTU of the network datagrams travel in fragments.
    #[arg(long, value_name = "BYTES", default_value = "8KiB", value_parser = datagram)]
    pub max_datagram: u32,

    /// Entries the log can hold: a power of two; the same on every node
    ///
    /// When more than half of them are used, the node takes a snapshot of its state and forgets the
    /// entries that it is of. Takes 16 bytes of memory each, when used. Enlarge it when writes are
    /// answered -OOM although INFO has rdb_last_bgsave_status:ok, and log_room_entries gets to 0.
    #[arg(long, value_name = "N", default_value_t = 1 << 22, value_parser = log_entries)]
    pub log_entries: u32,

    /// Bytes the log can hold, three of the longest commands to 1GiB; the same on every node
    ///
    /// Enlarge it when writes are answered -OOM although INFO has rdb_last_bgsave_status:ok, and
    /// log_room_bytes gets near 0: entries come in faster than snapshots make room. The journal must
    /// have a little more than twice as much; see --journal.
    #[arg(long, value_name = "BYTES", default_value = "256MiB", value_parser = log_bytes)]
    pub log_bytes: u64,

    /// The shortest silence after which a follower campaigns; each is drawn anew, up to twice this
    #[arg(long, value_name = "TIME", default_value = "1s", value_parser = duration)]
    pub election_timeout: Duration,

    /// How often a leader makes itself heard
    #[arg(long, value_name = "TIME", default_value = "100ms", value_parser = duration)]
    pub heartbeat: Duration,

    /// How long a client waits for its write before it is answered -UNKNOWN, and for a read before
    /// -TRYAGAIN
    #[arg(long, value_name = "TIME", default_value = "5s", value_parser = duration)]
    pub write_timeout: Duration,

    /// When the journal is forced to the disk
    #[arg(long, value_enum, default_value_t = Sync::Always)]
    pub sync: Sync,

    /// The most clients at a time; fewer when there are too few file descriptors
    #[arg(long, value_name = "N", default_value_t = 1_000, value_parser = clients)]
    pub max_clients: usize,

    /// Say nothing on the standard error but why the node ends
    #[arg(long)]
    pub quiet: bool,
}

/// When the journal takes its disk space.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Room {
    /// File by file: a full disk stops the node until there is space
    WhenNeeded,
    /// All of it at the first start: a full disk is told then, and cannot stop the node later
    AtStart,
}

/// When the journal is forced to the disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Sync {
    /// Before anything is acknowledged: survives a loss of power
    Always,
    /// Never: survives the end of the process, not a loss of power. For tests
    Never,
}

impl From<Sync> for SyncPolicy {
    fn from(sync: Sync) -> Self {
        match sync {
            Sync::Always => Self::Always,
            Sync::Never => Self::Never,
        }
    }
}

/// Another node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Peer {
    /// Its id.
    pub id: NodeId,
    /// Where to send what is for it.
    pub address: SocketAddr,
}

impl FromStr for Peer {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (id, at) = text.split_once('=').ok_or("must be ID=HOST:PORT")?;
        let (id, address) = (node_id(id)?, address(at)?);
        if address.port() == 0 {
            return Err("port 0 is nowhere: give the port on which that node listens".to_owned());
        }
        Ok(Self { id, address })
    }
}

impl Options {
    /// What is wrong with all the flags together, though nothing is with any of them alone.
    ///
    /// # Errors
    /// One line that names the flags.
    pub fn check(&self) -> Result<(), String> {
        if self.election_timeout < self.heartbeat.times(2) {
            return Err("--election-timeout must be at least twice --heartbeat".to_owned());
        }
        let others = self.peers.iter().filter(|peer| peer.id != self.id);
        for Peer { id, address } in others {
            if *address == self.raft {
                return Err(format!(
                    "--peer {id}={address} is where this node itself listens: --id {}, --raft {}",
                    self.id, self.raft
                ));
            }
        }
        for (place, Peer { id, address }) in self.peers.iter().enumerate() {
            let before = self.peers.iter().take(place);
            if let Some(twin) = before.clone().find(|before| before.id == *id) {
                return Err(format!("--peer {id} is given twice: {}, {address}", twin.address));
            }
            if let Some(twin) = before.clone().find(|before| before.address == *address) {
                return Err(format!(
                    "--peer {}={address} and --peer {id}={address} have one address",
                    twin.id
                ));
            }
        }
        Ok(())
    }
}

fn node_id(text: &str) -> Result<NodeId, String> {
    let number = text.parse().ok().and_then(NodeId::new);
    number.ok_or_else(|| format!("'{text}' is no node id: must be 1 to {}", u32::MAX))
}

fn address(text: &str) -> Result<SocketAddr, String> {
    let mut found =
        text.to_socket_addrs().map_err(|error| format!("must be HOST:PORT: {error}"))?;
    found.next().ok_or_else(|| format!("'{text}' has no address"))
}

/// An address that only clients need to understand.
fn announcement(text: &str) -> Result<String, String> {
    let (host, port) = text.rsplit_once(':').ok_or("must be HOST:PORT")?;
    let plain = text.bytes().all(|byte| byte.is_ascii_graphic());
    if host.is_empty() || !plain || text.len() > ADDRESS_MAX || port.parse::<u16>().is_err() {
        return Err(format!("must be HOST:PORT, at most {ADDRESS_MAX} bytes"));
    }
    if port.parse() == Ok(0_u16) {
        return Err("port 0 is nowhere: clients could not connect to it".to_owned());
    }
    Ok(text.to_owned())
}

/// A number of bytes: plain, or with one of the units KiB, MiB and GiB.
fn bytes(text: &str) -> Result<u64, String> {
    let split = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(split);
    let shift = match unit {
        "" | "B" => 0,
        "KiB" | "K" => 10,
        "MiB" | "M" => 20,
        "GiB" | "G" => 30,
        _ => return Err(format!("'{unit}' is no unit: KiB, MiB, GiB, or none for bytes")),
    };
    let number: u64 =
        number.parse().map_err(|_| "must be a number of bytes, as 8KiB".to_owned())?;
    number.checked_mul(1 << shift).ok_or_else(|| "is too large".to_owned())
}

fn datagram(text: &str) -> Result<u32, String> {
    let (least, most) = (Config::DATAGRAM_MIN, Config::DATAGRAM_MAX);
    let length = u32::try_from(bytes(text)?).ok();
    let length = length.filter(|length| (least..=most).contains(length));
    length.ok_or_else(|| format!("must be {least} to {most} bytes"))
}

fn log_entries(text: &str) -> Result<u32, String> {
    let entries: Option<u32> = text.parse().ok();
    let entries = entries.filter(|entries| entries.is_power_of_two());
    let entries = entries.filter(|entries| (8..=1 << 25).contains(entries));
    entries.ok_or_else(|| "must be a power of two, 8 to 33554432".to_owned())
}

fn log_bytes(text: &str) -> Result<u64, String> {
    let length = bytes(text)?;
    if length > 1 << 30 { Err("must be at most 1GiB".to_owned()) } else { Ok(length) }
}

fn journal_bytes(text: &str) -> Result<u64, String> {
    let length = bytes(text)?;
    let bounds = (32 << 20)..=(4 << 30);
    if bounds.contains(&length) { Ok(length) } else { Err("must be 32MiB to 4GiB".to_owned()) }
}

fn snapshot_bytes(text: &str) -> Result<u64, String> {
    let length = bytes(text)?;
    let bounds = (1 << 20)..=(1_700 << 20);
    if bounds.contains(&length) { Ok(length) } else { Err("must be 1MiB to 1700MiB".to_owned()) }
}

fn snapshot_after(text: &str) -> Result<u64, String> {
    let length = bytes(text)?;
    if length < 64 << 10 { Err("must be 64KiB at least".to_owned()) } else { Ok(length) }
}

fn segment_bytes(text: &str) -> Result<u32, String> {
    let length = bytes(text)?;
    let whole = (1 << 20..=64 << 20).contains(&length) && length % (1 << 20) == 0;
    let length = u32::try_from(length).ok().filter(|_| whole);
    length.ok_or_else(|| "must be 1MiB to 64MiB, in whole MiB".to_owned())
}

fn cluster_name(text: &str) -> Result<String, String> {
    if text.is_empty() || text.contains(char::is_control) {
        return Err("must be a name: not empty, and without control characters".to_owned());
    }
    Ok(text.to_owned())
}

fn clients(text: &str) -> Result<usize, String> {
    let clients = text.parse().ok().filter(|clients| *clients > 0);
    clients.ok_or_else(|| "must be a number, 1 at least".to_owned())
}

/// A time: with one of the units us, ms and s.
fn duration(text: &str) -> Result<Duration, String> {
    let split = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(split);
    let micros: u64 = match unit {
        "us" => 1,
        "ms" => 1_000,
        "s" => 1_000_000,
        _ => return Err("must be a time with a unit: us, ms or s".to_owned()),
    };
    let number: u64 = number.parse().map_err(|_| "must be a time, as 100ms".to_owned())?;
    let bounds = 1_000..=3_600_000_000;
    let duration = number.checked_mul(micros).filter(|time| bounds.contains(time));
    duration.map(Duration::from_micros).ok_or_else(|| "must be 1ms to 3600s".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Options, String> {
        let cli = Cli::try_parse_from(line.split(' ')).map_err(|error| error.to_string())?;
        Ok(cli.options.expect("options"))
    }

    #[test]
    fn the_line_of_the_readme() {
        let options = parse(
            "kv --id 1 --raft 127.0.0.1:7001 --client 127.0.0.1:6381 --peer 2=127.0.0.1:7002 \
             --peer 3=127.0.0.1:7003 --data ./n1",
        )
        .unwrap();
        assert_eq!(options.id, NodeId::new(1).unwrap());
        assert_eq!(options.peers.len(), 2);
        assert_eq!(options.max_datagram, 8_192);
        assert_eq!(options.log_bytes, 256 << 20);
        assert_eq!(options.write_timeout, Duration::from_millis(5_000));
        assert_eq!(options.sync, Sync::Always);
    }

    #[test]
    fn bad_values_are_named() {
        let good = "kv --id 1 --raft 127.0.0.1:1 --client 127.0.0.1:2 --data d";
        assert!(parse(good).is_ok());
        for (flag, named) in [
            ("--peer 2", "ID=HOST:PORT"),
            ("--peer 0=127.0.0.1:1", "no node id"),
            ("--max-datagram 64KiB", "256 to 65507"),
            ("--max-datagram 100", "256 to 65507"),
            ("--log-entries 1000", "power of two"),
            ("--log-bytes 2GiB", "1GiB"),
            ("--log-bytes 2TB", "no unit"),
            ("--snapshot-after 0", "'0' for '--snapshot-after <BYTES>': must be 64KiB at least"),
            ("--snapshot-after 65535", "64KiB at least"),
            ("--snapshot-max 0", "1MiB to 1700MiB"),
            ("--heartbeat 0s", "'0s' for '--heartbeat <TIME>': must be 1ms to 3600s"),
            ("--write-timeout 999us", "1ms to 3600s"),
            ("--election-timeout 3601s", "1ms to 3600s"),
            ("--heartbeat 100", "unit"),
            ("--journal 1MiB", "32MiB"),
            ("--heartbeat 99999999999999999999s", "must be a time"),
            ("--announce nohost", "HOST:PORT"),
            ("--announce h:99999", "HOST:PORT"),
            ("--announce h:0", "'h:0' for '--announce <HOST:PORT>'"),
            ("--peer 2=127.0.0.1:0", "'2=127.0.0.1:0' for '--peer <ID=HOST:PORT>'"),
            ("--max-clients 0", "'0' for '--max-clients <N>'"),
            ("--max-clients many", "must be a number"),
            ("--cluster ", "--cluster"),
            ("--cluster=", "--cluster"),
            ("--cluster a\nb", "must be a name"),
            ("--segment 1000000", "whole MiB"),
            ("--segment 128MiB", "1MiB to 64MiB"),
            ("--sync sometimes", "always"),
        ] {
            let error = parse(&format!("{good} {flag}")).expect_err(flag);
            assert!(error.contains(named), "{flag}: {error}");
        }
    }

    #[test]
    fn flags_that_contradict_each_other_are_named() {
        let good =
            "kv --id 1 --raft 127.0.0.1:1 --client 127.0.0.1:2 --data d --peer 2=127.0.0.1:2";
        let check = |more: &str| parse(&format!("{good}{more}")).unwrap().check();
        assert_eq!(check(""), Ok(()));
        assert_eq!(check(" --peer 1=127.0.0.1:1"), Ok(()), "this node may be among them");
        for (more, error) in [
            (
                " --peer 3=127.0.0.1:1",
                "--peer 3=127.0.0.1:1 is where this node itself listens: --id 1, --raft 127.0.0.1:1",
            ),
            (
                " --peer 3=127.0.0.1:2",
                "--peer 2=127.0.0.1:2 and --peer 3=127.0.0.1:2 have one address",
            ),
            (" --heartbeat 600ms", "--election-timeout must be at least twice --heartbeat"),
            (" --peer 2=127.0.0.1:3", "--peer 2 is given twice: 127.0.0.1:2, 127.0.0.1:3"),
        ] {
            assert_eq!(check(more), Err(error.to_owned()));
        }
    }

    #[test]
    fn clap_finds_no_fault() {
        use clap::CommandFactory;
        Cli::command().debug_assert();
        let cli = Cli::try_parse_from(["kv", "inspect", "dir", "--tail", "3"]).unwrap();
        assert!(matches!(cli.task, Some(Task::Inspect { tail: 3, .. })));
    }
}
