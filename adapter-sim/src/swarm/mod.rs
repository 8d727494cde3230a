//! What is drawn for each seed: the shape of the cluster, and what goes wrong how often. Each
//! family of faults is off in many seeds, so that the others can be seen.

pub mod shelf;

use crate::random::Random;
use crate::run::Options;
use crate::subject::Kind;
use crate::swarm::shelf::Shelves;
use adapter_std::memory::{Behaviour, MemoryMedium};
use raft_nostd::journal::Geometry;
use raft_nostd::{ClusterId, Config, Duration, NodeId, frame};

pub const CLUSTER: ClusterId = ClusterId(7);

#[derive(Debug)]
pub struct Swarm {
    pub nodes: u32,
    pub log_entries: u32,
    pub log_bytes: usize,
    pub command_max: u32,
    pub datagram: u32,
    window: u32,
    pub election: Duration,
    heartbeat: Duration,
    geometry: Geometry,
    behaviour: Behaviour,
    sector: usize,
    pub snapshots: Shelves,
    /// Of a thousand runs of nodes, so many have storage that works in the background.
    pub deferred: u64,
    /// Of a thousand nodes, so many have a state machine with durability of its own.
    pub durable_machines: u64,
    /// By how many thousandths clocks run too fast or too slow, at most, once everything heals.
    pub drift: u64,
    /// Whether clocks run at half to twice the true pace until then.
    pub clocks: Clocks,
    /// Of a thousand commands, so many are as long as can be.
    pub long: u64,
    /// How many entries clients fill before everything heals.
    pub appetite: u64,
    /// For how long everything goes wrong.
    pub span: Duration,
    pub faults: Faults,
}

/// How clocks run while things go wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Clocks {
    Tame,
    Wild,
    /// All show the same, all datagrams take equally long, and so do all writes: nothing but what nodes draw
    /// themselves tells them apart.
    Equal,
}

/// Chances in a thousand.
#[derive(Clone, Copy, Debug, Default)]
pub struct Faults {
    // Of each datagram.
    pub loss: u64,
    pub duplicate: u64,
    pub flip: u64,
    pub truncate: u64,
    /// A datagram of another cluster comes by.
    pub foreign: u64,
    /// It goes to another node.
    pub misdelivery: u64,
    pub delay: u64,
    // Of each datagram of one kind.
    pub dawdle: u64,
    pub slow_kind: u64,
    // Of each new leader.
    pub ambush: u64,
    // Of each chunk of a snapshot.
    pub waylay: u64,
    // Of each node that begins to replace its machine by a snapshot.
    pub forsake: u64,
    // Of each leader that has just taken proposals.
    pub crash_proposer: u64,
    // Of each batch to be made durable.
    pub slow_storage: u64,
    // Of each start.
    pub relapse: u64,
    pub rot_at_start: u64,
    // Of the cluster, several times in each election timeout.
    pub partition: u64,
    /// Of each partition: it flaps.
    pub flap: u64,
    pub blackout: u64,
    pub burst: u64,
    /// Of each command: one whose fate is open is asked once more.
    pub retry: u64,
    // Of each node, as often.
    pub crash: u64,
    pub cut: u64,
    pub pause: u64,
    /// Its clock jumps ahead.
    pub jump: u64,
    pub full: u64,
    pub sync_failure: u64,
    pub compact: u64,
    /// Of each node of a minority: its disks rot, or a write of theirs goes astray.
    pub rot: u64,
    pub astray: u64,
    // The same of its medium for snapshots.
    pub snapshots_cut: u64,
    pub snapshots_full: u64,
    pub snapshots_sync_failure: u64,
}

/// Bytes of the shortest datagram that takes a command, beside the command.
pub(crate) const COMMAND_OVERHEAD: u32 = 156;

impl Faults {
    fn draw(random: &mut Random) -> Self {
        let mut family = |most| if random.below(2) == 0 { 0 } else { 1 + random.below(most) };
        Self {
            loss: family(300),
            duplicate: family(500),
            flip: family(30),
            truncate: family(30),
            foreign: family(30),
            misdelivery: family(30),
            delay: family(300),
            dawdle: family(900),
            slow_kind: family(5) % 5,
            ambush: family(900),
            waylay: family(400),
            forsake: family(700),
            crash_proposer: family(300),
            slow_storage: family(900),
            relapse: family(500),
            rot_at_start: family(200),
            partition: family(300),
            flap: family(500),
            blackout: family(10),
            burst: family(500),
            retry: family(500),
            crash: family(20),
            cut: family(20),
            pause: family(40),
            jump: family(20),
            full: family(10),
            sync_failure: family(10),
            compact: family(100),
            rot: family(5),
            astray: family(5),
            snapshots_cut: family(30),
            snapshots_full: family(30),
            snapshots_sync_failure: family(20),
        }
    }
}

impl Swarm {
    pub fn draw(random: &mut Random, options: &Options, kind: &Kind) -> Self {
        let log_entries = random.among(&[8, 16, 32, 64, 128, 256, 256, 512]);
        let command_max = kind.command_max.max(24);
        let log_bytes =
            log_entries as usize * (16 + random.among(&[40, 60])) + 4 * command_max as usize;
        let election = Duration::from_millis(random.among(&[40, 80, 150, 300]));
        let clocks =
            random.among(&[Clocks::Tame, Clocks::Tame, Clocks::Wild, Clocks::Wild, Clocks::Equal]);
        let nodes = draw_nodes(random, options);
        let span = election.times(random.among(&[20, 80, 240]));
        let span = options.span.unwrap_or(span);
        let beats = random.among(&[2, 3, 5]);
        let behaviour = random.among(&[Behaviour::File, Behaviour::Blanking, Behaviour::Nor]);
        let datagram = random.among(&[256, 400, 600, 1_200]).max(command_max + COMMAND_OVERHEAD);
        Self {
            nodes,
            log_entries,
            log_bytes,
            command_max,
            datagram,
            window: random.among(&[300, 2_000, 20_000]),
            election,
            heartbeat: Duration::from_micros(election.as_micros() / beats),
            geometry: geometry(random, behaviour, (log_entries, log_bytes), command_max),
            behaviour,
            sector: random.among(&[64, 512]),
            snapshots: Shelves::draw(random, log_entries, datagram, kind),
            deferred: random.among(&[0, 500, 1_000, 1_000]),
            durable_machines: if kind.copies() { random.among(&[0, 0, 300]) } else { 0 },
            long: random.among(&[30, 30, 300, 1_000]),
            clocks,
            drift: if clocks == Clocks::Equal {
                0
            } else if beats == 2 {
                random.below(250)
            } else {
                random.below(500)
            },
            appetite: u64::from(log_entries) * random.among(&[100, 100, 100, 10, 1, 0]),
            span,
            faults: Faults::draw(random),
        }
    }

    pub fn config<'a>(&self, id: NodeId, voters: &'a [NodeId]) -> Config<'a> {
        let mut config = Config::new(CLUSTER, id, voters).with_max_datagram(self.datagram);
        config.log_entries = self.log_entries;
        config.max_command = self.command_max;
        config.election_timeout = self.election;
        config.heartbeat = self.heartbeat;
        config.window = self.window;
        config
    }

    /// Heartbeats in an election timeout.
    pub fn beats(&self) -> u64 {
        self.election.as_micros().div_ceil(self.heartbeat.as_micros())
    }

    /// Microseconds a clock shows for a true millisecond, when nothing is wrong with it.
    pub fn pace(&self, random: &mut Random) -> u64 {
        1_000 - self.drift + random.below(2 * self.drift + 1)
    }

    /// The same while things go wrong.
    pub fn wild_pace(&self, random: &mut Random) -> u64 {
        match self.clocks {
            Clocks::Tame | Clocks::Equal => self.pace(random),
            Clocks::Wild => 500 + random.below(1_501),
        }
    }

    pub fn medium(&self) -> MemoryMedium {
        MemoryMedium::new(self.geometry, self.behaviour).with_sectors(self.sector)
    }
}

fn draw_nodes(random: &mut Random, options: &Options) -> u32 {
    let usual = random.among(&[3, 3, 3, 3, 3, 3, 5, 5, 5, 1, 2, 4, 7]);
    match options.nodes {
        Some((least, most)) => least + random.below(u64::from(most - least) + 1) as u32,
        None => usual,
    }
}

/// Small segments, and few more than the log needs, so that the journal goes round many times.
fn geometry(
    random: &mut Random,
    behaviour: Behaviour,
    (log_entries, log_bytes): (u32, usize),
    command_max: u32,
) -> Geometry {
    let nor = behaviour == Behaviour::Nor;
    let segment_bytes = if log_entries <= 32 { 1_024 } else { random.among(&[2_048, 4_096]) };
    let segment_bytes = segment_bytes.max((768 + 2 * command_max).next_power_of_two());
    // A head, a seal, a header and all but one byte of the longest frame may not hold entries.
    let entries_in_each = segment_bytes - 3 * 192 - command_max - frame::OVERHEAD_MAX as u32;
    let checkpoint = log_bytes as u32 / entries_in_each + 2;
    Geometry {
        segments: 2 * checkpoint + random.below(4) as u32,
        segment_bytes,
        granularity: if nor { random.among(&[1, 8, 32]) } else { 1 },
        erased: if nor { 0xff } else { 0 },
    }
}
