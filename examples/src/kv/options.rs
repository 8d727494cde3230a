//! The command line.

use super::values::{self, Span, address, announcement, clients, cluster_name, datagram, duration};
use super::values::{
    journal_bytes, log_bytes, log_entries, node_id, segment_bytes, snapshot_after,
};
use super::values::{snapshot_bytes, snapshot_fill, snapshot_sync, snapshot_turn};
use adapter_std::files::SyncPolicy;
use clap::{Args, Parser, Subcommand, ValueEnum};
use raft_nostd::{Compaction, Duration, NodeId};
use std::net::SocketAddr;
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
/// INFO raft, answered by any node at once, shows what a node knows; examples/INFO.md in the sources
/// tells what each field is.
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

    /// The most disk space the journal takes.
    #[arg(long, value_name = "BYTES", value_parser = journal_bytes)]
    #[arg(help = journal_help(), long_help = journal_help() + JOURNAL_MORE)]
    pub journal: Option<u64>,

    /// When the journal takes its disk space
    #[arg(long, value_enum, default_value_t = Room::WhenNeeded)]
    pub room: Room,

    /// The longest snapshot of the state [default: 1GiB]
    ///
    /// 1MiB to 1700MiB. Two have a place beside the journal, in DIR/snapshots; each takes as much of
    /// the disk as it needs. So DIR never takes more than --journal, 2.6 times this, and 3MiB; this
    /// being the most that DIR was ever started with. (A place is whole files, so that what is a little
    /// longer may fit.) When the state outgrows it, the log is not
    /// compacted any more and fills up, until the node is started with more. The files keep the size that
    /// they were first made with, and there are 256 at most: what was first started with 1MiB to 7MiB
    /// can be given 111MiB later, and no more.
    #[arg(long, value_name = "BYTES", value_parser = snapshot_bytes)]
    pub snapshot_max: Option<u64>,

    /// Take a snapshot each time what was written since the last one fills so much of the log, in
    /// entries or in bytes: 1% to 50%
    ///
    /// One is always taken when the log is more than half full, and on BGSAVE.
    #[arg(long, value_name = "PERCENT", default_value = "50%", value_parser = snapshot_fill)]
    pub snapshot_fill: u32,

    /// Take a snapshot each time so many bytes were written to the log, too: 64KiB at least
    #[arg(long, value_name = "BYTES", value_parser = snapshot_after)]
    pub snapshot_after: Option<u64>,

    /// How much of a snapshot is written or read back at a time before anybody is served again, 1KiB
    /// to 64MiB
    ///
    /// The share of the node's time that a snapshot has: less makes for shorter pauses, more for a
    /// snapshot that is done sooner.
    #[arg(long, value_name = "BYTES", default_value = "64KiB", value_parser = snapshot_turn)]
    pub snapshot_turn: u32,

    /// How much of a snapshot is written before it is forced to the disk, 64KiB to 1GiB
    ///
    /// Everybody waits for that: less makes for shorter pauses, and more of them.
    #[arg(long, value_name = "BYTES", default_value = "1MiB", value_parser = snapshot_sync)]
    pub snapshot_sync: u64,

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
    /// answered -OOM although INFO has rdb_last_bgsave_status:ok, and log_room_entries gets to an eighth
    /// of them (1024, if that is less), which is a reserve for elections.
    #[arg(long, value_name = "N", default_value_t = 1 << 22, value_parser = log_entries)]
    pub log_entries: u32,

    /// Bytes the log can hold, three of the longest commands to 1GiB; the same on every node
    ///
    /// Enlarge it when writes are answered -OOM although INFO has rdb_last_bgsave_status:ok, and
    /// log_room_bytes gets near 0 (where logs are small, to the reserve of an eighth of the entries, 30
    /// bytes each): entries come in faster than snapshots make room. The journal must have a little
    /// more than twice as much; see --journal.
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

/// Behind the first paragraph on `--journal`.
const JOURNAL_MORE: &str = "\n\nA little more than twice --log-bytes at least. It is fixed when the directory is first used. \
     Starting takes about half a second for each GiB.";

fn journal_help() -> String {
    format!(
        "The most disk space the journal takes, {} [default: 1GiB, more if --log-bytes needs more]",
        Span(&values::JOURNAL)
    )
}

impl Options {
    /// When snapshots are taken, and how much of the node's time they have.
    pub fn compaction(&self) -> Compaction {
        let after = self.snapshot_after.unwrap_or(u64::MAX);
        let (bytes_per_turn, bytes_per_sync) = (self.snapshot_turn, self.snapshot_sync);
        let share = |whole: u64| whole * u64::from(self.snapshot_fill) / 100;
        // At half of the log the node takes one by itself.
        let (entries, bytes) = if self.snapshot_fill == *values::SNAPSHOT_FILL.end() {
            (u64::MAX, u64::MAX)
        } else {
            (share(u64::from(self.log_entries)), share(self.log_bytes))
        };
        let after_entries = u32::try_from(entries).unwrap_or(u32::MAX).max(1);
        Compaction { after_bytes: after.min(bytes), after_entries, bytes_per_turn, bytes_per_sync }
    }

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
            ("--snapshot-fill 0", "'0' for '--snapshot-fill <PERCENT>': must be 1% to 50%"),
            ("--snapshot-fill 51%", "1% to 50%"),
            ("--snapshot-fill much", "1% to 50%"),
            ("--snapshot-turn 1023", "1KiB to 64MiB"),
            ("--snapshot-sync 2GiB", "64KiB to 1GiB"),
            ("--heartbeat 0s", "'0s' for '--heartbeat <TIME>': must be 1ms to 3600s"),
            ("--write-timeout 999us", "1ms to 3600s"),
            ("--election-timeout 3601s", "1ms to 3600s"),
            ("--heartbeat 100", "unit"),
            ("--journal 1MiB", "32MiB to 4GiB"),
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
    fn when_snapshots_are_taken_and_how_fast() {
        let good = "kv --id 1 --raft 127.0.0.1:1 --client 127.0.0.1:2 --data d --log-entries 1024";
        let policy = |more: &str| parse(&format!("{good}{more}")).unwrap().compaction();
        let usual = Compaction::default();
        assert_eq!(policy(""), usual);
        let tenth = Compaction { after_entries: 102, after_bytes: (256 << 20) / 10, ..usual };
        assert_eq!(policy(" --snapshot-fill 10%"), tenth);
        let both = Compaction { after_bytes: 1 << 20, ..tenth };
        assert_eq!(policy(" --snapshot-fill 10 --snapshot-after 1MiB"), both);
        let speed = Compaction { bytes_per_turn: 4_096, bytes_per_sync: 64 << 10, ..usual };
        assert_eq!(policy(" --snapshot-turn 4KiB --snapshot-sync 64KiB"), speed);
    }

    /// The bounds in a help are those of the code.
    #[test]
    fn helps_name_their_bounds() {
        use clap::CommandFactory;
        let (mut short, mut long) = (Cli::command(), Cli::command());
        let [short, long] = [short.render_help(), long.render_long_help()]
            .map(|help| help.to_string().split_whitespace().collect::<Vec<_>>().join(" "));
        for help in [&short, &long] {
            assert!(help.contains("the journal takes, 32MiB to 4GiB [default: 1GiB"), "{help}");
        }
        let (least, most) = values::SNAPSHOT_FILL.into_inner();
        for span in [
            Span(&values::SNAPSHOT_MAX).to_string(),
            Span(&values::SNAPSHOT_TURN).to_string(),
            Span(&values::SNAPSHOT_SYNC).to_string(),
            format!("{least}% to {most}%"),
        ] {
            assert!(long.contains(&span), "{span}: {long}");
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
