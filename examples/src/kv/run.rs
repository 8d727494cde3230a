//! Running a node from its options, and the program around it.

use super::announcer::Announcer;
use super::descriptors::clients_max;
use super::desk::Shared;
use super::door::Door;
use super::error::Error;
use super::info::{Counts, Names};
use super::inspect::{check_files, inspect};
use super::journal;
use super::lost::{Place, Spared};
use super::machine::Machine;
use super::options::{Cli, Options, Task};
use super::saves::Saves;
use super::say::{Printable, Voice};
use super::service::Kv;
use super::snapshot_files::{self, SNAPSHOTS};
use super::trouble::Bounds;
use super::waiting::Waiting;
use adapter_mio::{Loop, OpenError, Storage};
use adapter_std::files::{FileError, FileMedium, Lost};
use clap::Parser;
use clap::error::ErrorKind;
use mio::net::UnixStream;
use raft_nostd::journal::Medium;
use raft_nostd::{ClusterId, Config, NodeId, VOTERS_MAX};
use signal_hook::SigId;
use signal_hook::consts::{SIGINT, SIGTERM, SIGXFSZ};
use signal_hook::flag;
use signal_hook::low_level::{pipe, unregister};
use std::ffi::OsString;
use std::io::{self, Write};
use std::net::SocketAddr;
use std::os::unix;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Instant;

/// Bytes the log takes for each entry beyond its frame.
const SLOT_BYTES: u64 = 16;

/// A peer that takes nothing of a snapshot for so many election timeouts does not answer.
const SILENT_AFTER: u64 = 3;

/// The whole program: does what the words of the command line say.
pub fn main(words: impl IntoIterator<Item = OsString>) -> ExitCode {
    let done = match Cli::try_parse_from(words) {
        Ok(Cli { task: Some(Task::Inspect { dir, tail }), .. }) => inspect(&dir, tail),
        Ok(Cli { options: Some(options), .. }) => run(&options),
        Ok(_) => Err(Error::Usage("nothing to do; see `kv --help`".to_owned())),
        Err(error) => return refuse(&error),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(io::stderr().lock(), "kv: {}", Printable(&error));
            ExitCode::from(error.status())
        }
    }
}

/// Help where it was asked for; else one line about what is wrong.
fn refuse(error: &clap::Error) -> ExitCode {
    match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => {
            let _ = error.print();
            return ExitCode::SUCCESS;
        }
        ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => {
            let _ = error.print();
        }
        _ => {
            let text = error.to_string();
            let lines = text.lines().take_while(|line| !line.trim().is_empty());
            let words: Vec<&str> = lines.flat_map(str::split_whitespace).collect();
            let line = words.join(" ");
            let line = line.strip_prefix("error: ").unwrap_or(&line);
            let _ = writeln!(io::stderr().lock(), "kv: {line}; see `kv --help`");
        }
    }
    ExitCode::from(2)
}

/// Runs a node until SIGTERM or SIGINT asks it to stop.
///
/// # Errors
/// Why it did not start, or could not go on.
pub fn run(options: &Options) -> Result<(), Error> {
    options.check().map_err(Error::Usage)?;
    let voters = voters(options);
    let config = config(options, &voters)?;
    let voice = if options.quiet { Voice::Quiet } else { Voice::Loud };
    let (door, announce) = Door::take(options)?;
    let signals = Signals::new().map_err(Error::Signals)?;
    let directory = options.data.display();
    voice.say(format_args!("opening the journal in {directory}; no client is let in before"));
    let (node, bounds) = open(options, &config)?;
    greet(options, &voters, &announce, &node, voice);
    let shared = Shared {
        names: Names { cluster: options.cluster.clone(), announce, started: Instant::now() },
        waiting: Waiting::default(),
        announcer: Announcer::default(),
        counts: Counts::default(),
        saves: Saves::new(bounds, options.election_timeout.times(SILENT_AFTER)),
        snapshots: options.data.join(SNAPSHOTS),
        journal_failure: None,
        patience: options.write_timeout,
        longest: config.max_command,
    };
    let segments = node.node().medium().geometry().segments;
    let clients_max = clients_max(options.max_clients, segments);
    if clients_max < options.max_clients {
        voice.say(format_args!("serves {clients_max} clients at most: see ulimit -n"));
    }
    let mut service = Kv::new(door.open()?, signals.reader()?, shared, clients_max, voice);
    node.run(&mut service).map_err(Error::Run)?;
    voice.say(format_args!("stopped"));
    Ok(())
}

/// All voters in ascending order, this node among them.
fn voters(options: &Options) -> Vec<NodeId> {
    let mut voters: Vec<NodeId> = options.peers.iter().map(|peer| peer.id).collect();
    voters.push(options.id);
    voters.sort_unstable();
    voters.dedup();
    voters
}

fn config<'a>(options: &Options, voters: &'a [NodeId]) -> Result<Config<'a>, Error> {
    let cluster = ClusterId::from_name(&options.cluster);
    let mut config = Config::new(cluster, options.id, voters);
    config = config.with_max_datagram(options.max_datagram);
    config.log_entries = options.log_entries;
    config.election_timeout = options.election_timeout;
    config.heartbeat = options.heartbeat;
    config.check::<VOTERS_MAX>().map_err(|error| Error::Usage(error.to_string()))?;
    let least = journal::LOG_FRAMES_MIN.saturating_mul(u64::from(config.max_frame()));
    if options.log_bytes < least {
        return Err(Error::Usage(format!(
            "--log-bytes {} is too small: at --max-datagram {}, it must be {least} at least",
            options.log_bytes, options.max_datagram
        )));
    }
    Ok(config)
}

/// The node, and what bounds its snapshots.
fn open(
    options: &Options,
    config: &Config<'_>,
) -> Result<(Loop<Machine, FileMedium>, Bounds), Error> {
    check_files(&options.data)?;
    let medium = journal::open(options, config)?;
    let (snapshots, folder) = snapshot_files::open(options)?;
    let bounds = snapshot_files::bounds(options, &snapshots);
    let lost = snapshots.lost().to_vec();
    let storage = Storage { journal: medium, snapshots: Some(snapshots) };
    let peers = options.peers.iter().map(|peer| (peer.id, peer.address)).collect();
    let mut loop_options = adapter_mio::Options::new(options.raft, peers);
    loop_options.compaction = options.compaction();
    let slots = SLOT_BYTES.saturating_mul(u64::from(config.log_entries));
    let memory = slots.saturating_add(options.log_bytes);
    let opened = adapter_mio::open(config, loop_options, Machine::default(), storage, memory);
    match opened {
        Ok(node) => Ok((node, bounds)),
        Err(source) => {
            folder.unmake(options);
            Err(refused(options, &lost, source))
        }
    }
}

/// Why the node does not start; `lost` are files of its snapshots.
fn refused(options: &Options, lost: &[Lost], source: OpenError<FileError>) -> Error {
    let snapshots = &options.data.join(SNAPSHOTS);
    let place = Place { journal: &options.data, snapshots, lost };
    let problem = match &source {
        OpenError::Node(raft_nostd::OpenError::Config(error)) => {
            return Error::Usage(error.to_string());
        }
        OpenError::Node(error) => place.problem(error),
        _ => None,
    };
    let (directory, cluster) = (options.data.clone(), options.cluster.clone());
    problem.map_or(Error::Open { directory, cluster, source }, Error::Snapshot)
}

fn greet(
    options: &Options,
    voters: &[NodeId],
    announce: &str,
    node: &Loop<Machine, FileMedium>,
    voice: Voice,
) {
    let Options { id, cluster, data, client, .. } = options;
    let peers: SocketAddr = node.local_addr();
    let voters: Vec<String> = voters.iter().map(ToString::to_string).collect();
    voice.say(format_args!(
        "node {id} of {}, cluster {cluster}: nodes on UDP {peers}, clients on TCP {client} as \
         {announce}, journal in {}",
        voters.join(", "),
        data.display()
    ));
    let (raft, snapshots) = (node.node().raft(), node.node().snapshots());
    let lost = snapshots.map_or(&[][..], FileMedium::lost);
    if !lost.is_empty() {
        voice.say(format_args!("{}", Spared(lost, raft.snapshot())));
    }
    let vote = raft.hard_state().vote.map_or("nobody".to_owned(), |node| node.to_string());
    voice.say(format_args!(
        "recovered term {}, vote for {vote}, log through entry {}, boot {}",
        raft.term(),
        raft.last().index,
        raft.life().boot
    ));
}

/// A pipe that gets a byte for each signal to stop; the one that a long file raises does nothing.
struct Signals {
    ids: Vec<SigId>,
    reader: unix::net::UnixStream,
}

impl Signals {
    fn new() -> io::Result<Self> {
        let (reader, writer) = unix::net::UnixStream::pair()?;
        reader.set_nonblocking(true)?;
        // Not to be ended by it: a file that may not grow (`ulimit -f`) is a full disk to the node.
        let mut ids = vec![flag::register(SIGXFSZ, Arc::default())?];
        for signal in [SIGTERM, SIGINT] {
            ids.push(pipe::register(signal, writer.try_clone()?)?);
        }
        Ok(Self { ids, reader })
    }

    fn reader(&self) -> Result<UnixStream, Error> {
        Ok(UnixStream::from_std(self.reader.try_clone().map_err(Error::Signals)?))
    }
}

impl Drop for Signals {
    fn drop(&mut self) {
        for id in self.ids.drain(..) {
            unregister(id);
        }
    }
}
