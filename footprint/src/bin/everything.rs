//! Every public call of the library, with arguments, configuration and geometry that nobody knows:
//! no panic is reachable, whatever is done in whatever order.
#![no_std]
#![no_main]

use core::hint::black_box;
use footprint::hardware::{fill, flash_read, flash_write, read, read_long, write, write_bytes};
use footprint::host::{Board, Flash, FlashError, number, seed};
use raft_nostd::crc::{Crc, checksum};
use raft_nostd::frame::{self, Entry, EntryKind, Frames};
use raft_nostd::invariants::Witness;
use raft_nostd::journal::{
    Batch, BlockView, Entropy, Geometry, Identity, Limits, Medium, NoRoom, Opening, PersistFailure,
    SegmentView, Sink, Visitor, Voters, Writer, inspect, recover,
};
use raft_nostd::types::{ClusterId, HardState, Index, Life, NodeId, Position, Term};
use raft_nostd::vault::{Origin, Owner, Vault, Which, owner_of};
use raft_nostd::wire::{
    self, Append, AppendReply, Campaign, Envelope, Message, ReplyWish, Room, Verdict, Vote,
};
use raft_nostd::{
    Chunk, Config, Driver, Duration, Instant, Loading, Manifest, Membership, Output, Raft,
    Received, Refused, SnapshotFailure, SnapshotWork, Start, StateMachine, Ticket,
};

footprint::image!(main);

/// The most voters there can be.
const VOTERS: usize = 7;
const LOG: usize = 4_096;
const BUFFER: usize = 1_200;
type Log = [u8; LOG];
type Node = Raft<Log, VOTERS>;

fn main() {
    let mut buf = [0; BUFFER];
    words();
    bytes(&mut buf);
    let mut voters = [None; VOTERS];
    voters.fill_with(node);
    let some = node().unwrap_or(const { NodeId::new(1).unwrap() });
    let voters = voters.map(|voter| voter.unwrap_or(some));
    let Some(voters) = voters.get(..read() as usize) else { return };
    let config = config(some, voters);
    write(config.check::<VOTERS>().is_ok().into());
    write(config.max_frame() ^ config.log_bytes(read()) as u32 ^ Config::command_overhead());
    raw(&config, &mut buf);
    driver(&config, &mut buf);
    journal(&config, &mut buf);
    vault(&config, &mut buf);
}

fn node() -> Option<NodeId> {
    NodeId::new(read())
}

fn now() -> Instant {
    Instant::from_micros(read_long())
}

fn position() -> Position {
    Position { term: Term(read_long()), index: Index(read_long()) }
}

fn put(position: Position) {
    write(position.term.0 as u32);
    write(position.index.0 as u32);
}

fn config<'a>(node: NodeId, voters: &'a [NodeId]) -> Config<'a> {
    let mut config = Config::new(ClusterId(read_long()), node, voters);
    config = config.with_max_datagram(read());
    config.log_entries = read();
    config.max_command = read();
    config.window = read();
    config.election_timeout = Duration::from_micros(read_long());
    config.heartbeat = Duration::from_millis(read_long()).times(read_long());
    config
}

/// Numbers, times, names.
fn words() {
    let mut name = [0; 16];
    fill(&mut name);
    if let Ok(name) = core::str::from_utf8(&name) {
        write(ClusterId::from_name(name).0 as u32);
    }
    write(Term(read_long()).next().map_or(0, |term| term.0 as u32));
    let index = Index(read_long());
    write(index.next().previous().plus(read_long()).since(index) as u32);
    let later = now().plus(Duration::from_micros(read_long()));
    write(later.since(Instant::from_millis(read_long())).as_micros() as u32);
    for reason in Refused::ALL {
        write(reason.slot() as u32);
        write_bytes(reason.name().as_bytes());
    }
}

/// CRCs, frames, datagrams, both ways.
fn bytes(buf: &mut [u8; BUFFER]) {
    let mut out = [0; BUFFER];
    fill(buf);
    let Some(some) = buf.get(..read() as usize) else { return };
    let mut crc = Crc::new();
    crc.update(some);
    write(crc.clone().finish() ^ Crc::default().finish() ^ checksum(some));
    write(frame::encoded_len(position(), read() as usize).unwrap_or(0) as u32);
    let kind = [EntryKind::Noop, EntryKind::Command, EntryKind::Membership];
    let kind = kind.get(read() as usize).copied().unwrap_or(EntryKind::Noop);
    let room = out.get_mut(..read() as usize).unwrap_or_default();
    write(frame::encode(position(), kind, some, room).unwrap_or(0) as u32);
    for entry in [frame::decode(some), frame::verify(some)].into_iter().flatten() {
        show(&entry);
    }
    let frames = Frames::new(Index(read_long()), read_long(), some, buf);
    write(u32::from(frames.is_empty()) ^ frames.byte_len() as u32 ^ frames.count() as u32);
    frames.iter().for_each(|entry| show(&entry));
    if let (Some(sender), Some(receiver)) = (node(), node()) {
        let life = Life { incarnation: read_long(), boot: read(), nonce: read() };
        let cluster = ClusterId(read_long());
        let envelope = Envelope { cluster, sender, receiver, life };
        let room = out.get_mut(..read() as usize).unwrap_or_default();
        let len = wire::encode(&envelope, &message(), &frames, room);
        write(len.unwrap_or(0) as u32);
    }
    if let Ok(datagram) = wire::decode(some) {
        write(datagram.envelope.sender.get() ^ datagram.message.term().0 as u32);
        datagram.frames.iter().for_each(|entry| show(&entry));
    }
}

fn show(entry: &Entry<'_>) {
    put(entry.position);
    write(entry.kind as u32);
    write_bytes(entry.payload);
    write_bytes(entry.frame);
}

fn message() -> Message {
    let (term, last) = (Term(read_long()), position());
    let vote = if read() == 0 { Vote::Granted } else { Vote::Refused };
    let campaign = if read() == 0 { Campaign::Timeout } else { Campaign::Transfer };
    let reply = if read() == 0 { ReplyWish::Wanted } else { ReplyWish::Unwanted };
    let verdict = if read() == 0 {
        Verdict::Matched { durable: Index(read_long()), received: Index(read_long()) }
    } else {
        Verdict::Conflict { prev: Index(read_long()), hint: last }
    };
    let (round, room) = (read_long(), Room { entries: read(), bytes: read() });
    match read() {
        0 => Message::PreVoteRequest { term, proposed: Term(round), last },
        1 => Message::PreVoteReply { term, proposed: Term(round), vote },
        2 => Message::VoteRequest { term, last, campaign },
        3 => Message::VoteReply { term, vote },
        4 => Message::AppendReply(AppendReply { term, round, verdict, room }),
        _ => {
            let (commit, count, bytes) = (Index(read_long()), read(), read());
            Message::Append(Append { term, prev: last, commit, round, reply, count, bytes })
        }
    }
}

/// The core by itself, in any order, with any tickets.
fn raw(config: &Config<'_>, buf: &mut [u8; BUFFER]) {
    let mut out = [0; BUFFER];
    let Ok(mut loading) = Loading::new::<VOTERS>(config, [0; LOG]) else { return };
    while read() != 0 {
        fill(buf);
        match read() {
            0 => loading.reset(position()),
            1 => loading.truncate(Index(read_long())),
            _ => write(loading.append(buf).into()),
        }
    }
    put(loading.last());
    let limits = loading.limits();
    write((limits.max_frame ^ limits.ring_bytes ^ loading.live().byte_len()) as u32);
    let start = Start {
        hard_state: HardState { term: Term(read_long()), vote: node() },
        life: Life { incarnation: read_long(), boot: read(), nonce: read() },
        applied: Index(read_long()),
        seed: read_long(),
        now: now(),
    };
    let Ok(mut raft) = loading.start::<VOTERS>(start) else { return };
    let (mut ticket, mut witness): (Option<Ticket>, _) = (None, Witness::default());
    loop {
        fill(buf);
        let some = buf.get(..read() as usize).unwrap_or_default();
        match read() {
            0 => match raft.handle_datagram(now(), some) {
                Ok(Received::Chunk(chunk)) => stored(&mut raft, chunk),
                heard => write(heard.is_ok().into()),
            },
            1 => raft.handle_timeout(now()),
            2 => write(raft.propose(now(), some).is_ok().into()),
            3 => write(raft.read(now()).is_ok().into()),
            4 | 5 => {
                if let Some(ticket) = ticket.take() {
                    let failure =
                        if read() == 0 { PersistFailure::Full } else { PersistFailure::Failed };
                    let taken = if read() == 0 {
                        raft.handle_persisted(now(), ticket)
                    } else {
                        raft.handle_persist_failed(now(), ticket, failure)
                    };
                    write(taken.is_ok().into());
                }
            }
            6 => write(witness.observe(&raft).is_ok().into()),
            7 => getters(&raft),
            8 => return,
            9 => snapshots(&mut raft),
            _ => ticket = poll(&mut raft, &mut out).or(ticket),
        }
    }
}

fn failure() -> SnapshotFailure {
    match read() {
        0 => SnapshotFailure::Full,
        1 => SnapshotFailure::Storage,
        _ => SnapshotFailure::Machine,
    }
}

fn stored(raft: &mut Node, chunk: Chunk<'_>) {
    write(chunk.number ^ chunk.manifest.crc);
    write_bytes(chunk.bytes);
    let taken = match read() {
        0 => raft.handle_chunk_stored(now(), chunk.ticket),
        _ => raft.handle_chunk_failed(now(), chunk.ticket, failure()),
    };
    write(taken.is_ok().into());
}

fn snapshots(raft: &mut Node) {
    let due = raft.snapshot_due().unwrap_or_default();
    let manifest = Manifest { chunks: read(), bytes: read_long(), crc: read(), ..due };
    match read() {
        0 => write(raft.handle_snapshot_taken(now(), &manifest).is_ok().into()),
        1 => raft.handle_snapshot_failed(now(), failure()),
        2 => write(raft.handle_installed(now()).is_ok().into()),
        _ => write(raft.handle_install_failed(now(), failure()).is_ok().into()),
    }
    write(raft.is_compaction_urged(now()).into());
    put(raft.base());
    write(raft.snapshot().map_or(0, |manifest| manifest.chunks));
    if let Some((manifest, chunks, heard_at)) = raft.incoming_snapshot() {
        write(manifest.crc ^ chunks ^ heard_at.as_micros() as u32);
    }
    for peer in raft.peers() {
        write(raft.transfer(peer).unwrap_or(0));
    }
}

fn getters(raft: &Node) {
    write(raft.id().get() ^ raft.life().boot ^ raft.status().term.0 as u32);
    write_bytes(raft.status().role.name().as_bytes());
    write(raft.term().0 as u32 ^ raft.hard_state().term.0 as u32);
    write(raft.durable_hard_state().term.0 as u32 ^ raft.durable().0 as u32);
    write(raft.commit().0 as u32 ^ raft.applied().0 as u32 ^ raft.capacity().bytes);
    write(raft.room().entries ^ raft.metrics().refused(Refused::Length) as u32);
    put(raft.last());
    write(raft.term_at(Index(read_long())).map_or(0, |term| term.0 as u32));
    if let Some(entry) = raft.entry(Index(read_long())) {
        show(&entry);
    }
    for peer in raft.peers() {
        write(raft.matched(peer).map_or(0, |index| index.0 as u32));
    }
    write(raft.halted().is_some().into());
}

fn poll(raft: &mut Node, out: &mut [u8; BUFFER]) -> Option<Ticket> {
    let room = out.get_mut(..read() as usize).unwrap_or_default();
    match raft.poll_output(now(), room) {
        Output::Transmit(transmit) => {
            write(transmit.to.get());
            write_bytes(transmit.datagram);
        }
        Output::Persist(persist) => {
            persist.batch.frames.iter().for_each(|entry| show(&entry));
            persist.batch.live.slices().into_iter().for_each(write_bytes);
            return Some(persist.ticket);
        }
        Output::TransmitChunk(mut transmit) => {
            fill(transmit.body());
            if let Some(transmit) = transmit.seal(read() as usize) {
                write_bytes(transmit.datagram);
            }
        }
        Output::Install(manifest) => put(manifest.last),
        Output::Event(event) => write(number(event)),
        Output::Apply(committed) => write_bytes(committed.command),
        Output::Idle { wake_at } => write(wake_at.as_micros() as u32),
    }
    None
}

/// The driver.
fn driver(config: &Config<'_>, buf: &mut [u8; BUFFER]) {
    let board: Board<Log> = Board::new();
    let room = buf.get_mut(..read() as usize).unwrap_or_default();
    let opened = Driver::<_, VOTERS>::open(config, [0; LOG], board, seed(), now(), room);
    let Ok(mut driver) = opened else { return };
    loop {
        fill(buf);
        let some = buf.get_mut(..read() as usize).unwrap_or_default();
        match read() {
            0 => write(driver.datagram(now(), some).is_ok().into()),
            1 => driver.timeout(now()),
            2 => write(driver.propose(now(), some).is_ok().into()),
            3 => write(driver.read(now()).is_ok().into()),
            4 => write(driver.drain(now(), some).as_micros() as u32),
            5 => getters(driver.raft()),
            7 => driver.compact(),
            8 => match driver.snapshot_work() {
                SnapshotWork::Idle => write(0),
                SnapshotWork::Taking { bytes } => write(bytes as u32),
                SnapshotWork::Restoring { bytes, of } => write((bytes ^ of) as u32),
            },
            6 => {
                black_box(driver.host());
                let machine = raft_nostd::Host::machine(driver.host_mut());
                write(machine.query(some).into());
                write(machine.applied().0 as u32);
                write(machine.snapshot(read_long(), some).is_ok().into());
                write(machine.restore(read_long(), some).is_ok().into());
            }
            _ => break,
        }
    }
    write(driver.stop().is_ok().into());
}

/// A medium of any shape.
struct AnyFlash;

impl Medium for AnyFlash {
    type Error = FlashError;

    fn geometry(&self) -> Geometry {
        let (segments, segment_bytes) = (read(), read());
        Geometry { segments, segment_bytes, granularity: read(), erased: read() as u8 }
    }

    fn read(&mut self, segment: u32, offset: u32, into: &mut [u8]) -> Result<(), FlashError> {
        flash_read(segment ^ offset, into);
        Flash.sync()
    }

    fn write(&mut self, segment: u32, offset: u32, bytes: &[u8]) -> Result<(), FlashError> {
        flash_write(segment ^ offset, bytes);
        Flash.sync()
    }

    fn erase(&mut self, segment: u32) -> Result<(), FlashError> {
        Flash.erase(segment)
    }

    fn sync(&mut self) -> Result<(), FlashError> {
        Flash.sync()
    }

    fn failure(error: &FlashError) -> PersistFailure {
        Flash::failure(error)
    }
}

struct Seen;

impl Visitor for Seen {
    fn segment(&mut self, segment: &SegmentView) {
        write(segment.segment);
    }

    fn entry(&mut self, entry: &Entry<'_>) -> Result<(), NoRoom> {
        show(entry);
        if read() == 0 { Ok(()) } else { Err(NoRoom) }
    }

    fn block(&mut self, block: &BlockView) {
        write(block.offset);
    }
}

/// Snapshots by themselves, on any medium, in any order of calls.
fn vault(config: &Config<'_>, buf: &mut [u8; BUFFER]) {
    if let Ok(Some((owner, chunk))) = owner_of(&mut AnyFlash) {
        write(owner.node.get() ^ chunk);
    }
    let owner = Owner { cluster: config.cluster, node: config.node, incarnation: read_long() };
    let room = buf.get_mut(..read() as usize).unwrap_or_default();
    let opened = Vault::open(&mut AnyFlash, owner, config.max_chunk() ^ read(), read(), room);
    let Ok(mut vault) = opened else { return };
    while read() != 0 {
        vault_step(&mut vault, config, room);
    }
}

fn vault_step(vault: &mut Vault, config: &Config<'_>, buf: &mut [u8]) {
    fill(buf);
    let medium = &mut AnyFlash;
    let membership = Membership::initial(config.voters);
    membership.voters().for_each(|voter| write(voter.get()));
    let manifest =
        Manifest { last: position(), membership, chunks: read(), bytes: read_long(), crc: read() };
    let origin = if read() == 0 { Origin::Own } else { Origin::Peer };
    let which = if read() == 0 { Which::Newest } else { Which::Staged };
    let some = buf.get(..read() as usize).unwrap_or_default();
    match read() {
        0 => write(vault.begin(medium, origin, &manifest).is_ok().into()),
        1 => write(vault.put(medium, some).is_ok().into()),
        2 => write(vault.sync(medium).is_ok().into()),
        3 => write(vault.seal(medium).map_or(0, |manifest| manifest.crc)),
        4 => write(vault.read(medium, which, read(), buf).map_or(0, |len| len as u32)),
        5 => vault.abandon(),
        _ => {
            put(vault.newest().map_or(Position::ZERO, |manifest| manifest.last));
            write(vault.newest_origin().is_some().into());
            write(vault.staged().map_or(0, |(_, manifest, chunks)| manifest.crc ^ chunks));
            write(vault.unsynced() as u32 ^ vault.chunk_max() as u32);
            write(vault.newest_chunk_max() as u32 ^ u32::from(vault.has_place()));
        }
    }
}

/// The journal by itself, on any medium, with batches that may be wrong.
fn journal(config: &Config<'_>, buf: &mut [u8; BUFFER]) {
    let mut log = [0; LOG];
    let room = buf.get_mut(..read() as usize).unwrap_or_default();
    if let Ok(inspection) = inspect(&mut AnyFlash, &mut Seen, room) {
        inspection.voters.iter().for_each(|voter| write(voter.get()));
        write(inspection.last.0 as u32);
    }
    write(Voters::new(config.voters).is_some().into());
    let Ok(mut loading) = Loading::new::<VOTERS>(config, &mut log[..]) else { return };
    let identity = Identity { cluster: config.cluster, node: config.node, voters: config.voters };
    let entropy = Entropy { incarnation: read_long(), salt: read_long() };
    let limits = Limits { max_frame: read() as usize, ring_bytes: read() as usize };
    let opening = Opening { identity, entropy, limits };
    write(opening.buffer_len() as u32);
    let recovered = recover(&mut AnyFlash, &opening, &mut loading, room);
    let Ok((mut writer, recovered)) = recovered else { return };
    put(recovered.last);
    while read() != 0 {
        journal_step(&mut writer, room);
    }
    write(writer.seal(&mut AnyFlash).is_ok().into());
}

fn journal_step(writer: &mut Writer, buf: &mut [u8]) {
    fill(buf);
    let (one, other) = buf.split_at_checked(read() as usize).unwrap_or_default();
    let batch = Batch {
        hard_state: HardState { term: Term(read_long()), vote: node() },
        frames: Frames::new(Index(read_long()), read_long(), one, other),
        live: Frames::new(Index(read_long()), read_long(), other, one),
        base: position(),
    };
    match writer.write(&mut AnyFlash, &batch) {
        Ok(()) => put(writer.base()),
        Err(error) => write(error.failure() as u32),
    }
    write(writer.sync(&mut AnyFlash).is_ok().into());
    write(writer.free_segments());
}
