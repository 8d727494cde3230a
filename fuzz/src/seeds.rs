//! The seed corpora: where the fuzzer starts. `cargo run --example seeds` writes them.

use crate::journal::{GEOMETRIES, image};
use crate::node::op;
use raft_nostd::frame::{self, EntryKind, Frames};
use raft_nostd::types::{ClusterId, Life, NodeId, Position};
use raft_nostd::wire::{
    self, Append, AppendReply, Campaign, Envelope, Install, InstallReply, Message, Receipt,
    ReplyWish, Room, Verdict, Vote,
};
use raft_nostd::{Index, Manifest, Membership, Term};

/// One input to begin with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seed {
    /// The target it is for.
    pub target: &'static str,
    /// Its file in the target's corpus.
    pub name: String,
    /// What stands in it.
    pub bytes: Vec<u8>,
}

/// All seeds of all targets.
pub fn seeds() -> Vec<Seed> {
    let mut seeds = Vec::new();
    let mut add = |target, name: &str, bytes: Vec<u8>| {
        seeds.push(Seed { target, name: format!("seed-{name}"), bytes });
    };
    for (name, bytes) in datagrams() {
        add("decode_datagram", name, [&[0], &bytes[..]].concat());
        // Without its CRC, which is repaired: what the fuzzer changes gets further.
        add(
            "decode_datagram",
            &format!("{name}-mended"),
            [&[7], &bytes[..bytes.len() - 4]].concat(),
        );
    }
    for (name, program) in programs() {
        add("handle_datagram", name, program);
    }
    for (number, script) in scripts().into_iter().enumerate() {
        for mode in [1, 3] {
            let medium = (number % GEOMETRIES.len()) as u8;
            let bytes = [&[mode | medium << 2], &script[..]].concat();
            add("recover_journal", &format!("script-{number}-{mode}"), bytes);
        }
    }
    for medium in [0, 1, 3, 6] {
        for mode in [0, 2] {
            let bytes = image(medium, &scripts()[medium]);
            let bytes = [&[mode | (medium as u8) << 2], &bytes[..]].concat();
            add("recover_journal", &format!("image-{medium}-{mode}"), bytes);
        }
    }
    seeds
}

fn datagrams() -> Vec<(&'static str, Vec<u8>)> {
    messages()
        .into_iter()
        .map(|(name, message, frames)| (name, encode(&message, &frames)))
        .collect()
}

fn encode(message: &Message, frames: &[u8]) -> Vec<u8> {
    let node = |id| NodeId::new(id).expect("it is not zero");
    let life = Life { incarnation: 1, boot: 2, nonce: 3 };
    let envelope = Envelope { cluster: ClusterId(42), sender: node(1), receiver: node(2), life };
    let frames = match message {
        Message::Append(append) => {
            Frames::new(append.prev.index.next(), u64::from(append.count), frames, &[])
        }
        _ => Frames::none(Index::ZERO),
    };
    let mut out = vec![0; wire::OVERHEAD_MAX + frames.byte_len()];
    let len = wire::encode(&envelope, message, &frames, &mut out).expect("it fits");
    out.truncate(len);
    out
}

fn messages() -> Vec<(&'static str, Message, Vec<u8>)> {
    let (term, last) = (Term(300), Position::new(299, 70_000));
    let frames: Vec<u8> = [(300, EntryKind::Noop, &b""[..]), (300, EntryKind::Command, b"set")]
        .iter()
        .zip(1..)
        .flat_map(|((term, kind, payload), place)| {
            let mut frame = [0; 64];
            let at = Position::new(*term, 70_000 + place);
            let len = frame::encode(at, *kind, payload, &mut frame).expect("it fits");
            frame[..len].to_vec()
        })
        .collect();
    let append = Append {
        term,
        prev: last,
        commit: Index(69_999),
        round: 3,
        reply: ReplyWish::Wanted,
        count: 2,
        bytes: frames.len() as u32,
    };
    let beat = Append { count: 0, bytes: 0, reply: ReplyWish::Unwanted, ..append };
    let far = Append { term: Term(u64::MAX), prev: Position::new(u64::MAX, u64::MAX >> 1), ..beat };
    let reply = |verdict| {
        let room = Room { entries: 100, bytes: u32::MAX };
        Message::AppendReply(AppendReply { term, round: 3, verdict, room })
    };
    let matched = Verdict::Matched { durable: Index(70_000), received: Index(70_002) };
    let conflict = Verdict::Conflict { prev: Index(70_000), hint: Position::new(7, 69_000) };
    let proposed = Term(301);
    let campaign = Campaign::Transfer;
    let voters = [1, 2, 3].map(|id| NodeId::new(id).expect("it is not zero"));
    let membership = Membership::initial(&voters);
    let manifest = Manifest { last, membership, chunks: 9, bytes: 2_000, crc: u32::MAX };
    let install = Install { term, round: 3, manifest, chunk: 4 };
    let receipt = Receipt::Gap;
    let installed = InstallReply { term, round: 3, last, crc: u32::MAX, chunks: 4, receipt };
    let none = Vec::new;
    vec![
        ("pre-vote-request", Message::PreVoteRequest { term, proposed, last }, none()),
        ("pre-vote-reply", Message::PreVoteReply { term, proposed, vote: Vote::Granted }, none()),
        ("vote-request", Message::VoteRequest { term, last, campaign }, none()),
        ("vote-reply", Message::VoteReply { term, vote: Vote::Refused }, none()),
        ("append", Message::Append(append), frames),
        ("heartbeat", Message::Append(beat), none()),
        ("far", Message::Append(far), none()),
        ("matched", reply(matched), none()),
        ("conflict", reply(conflict), none()),
        ("install", Message::Install(install), none()),
        ("install-reply", Message::InstallReply(installed), none()),
    ]
}

/// A granted answer to the last datagram, and to the one before it.
const YES: [u8; 3] = [op::ANSWER, 0, 0];
const YES_BEFORE: [u8; 3] = [op::ANSWER, 1, 0];
const DRAIN: [u8; 1] = [op::DRAIN];
const PERSISTED: [u8; 1] = [op::PERSISTED];
/// From a fresh node of three, with prompt storage, to a leader whose no-op is on its way.
const LEAD: [u8; 10] =
    [op::DRAIN, op::WAKE, op::ANSWER, 0, 0, op::DRAIN, op::ANSWER, 0, 0, op::DRAIN];
/// The same where batches wait for [`op::PERSISTED`].
const LEAD_SLOWLY: [u8; 14] = [
    op::DRAIN,
    op::WAKE,
    op::ANSWER,
    0,
    0,
    op::DRAIN,
    op::PERSISTED,
    op::DRAIN,
    op::ANSWER,
    0,
    0,
    op::DRAIN,
    op::PERSISTED,
    op::DRAIN,
];

/// An append from the first peer: the term's byte, the byte of `prev`'s index, of the commit index,
/// and one for each entry (see `forge.rs`).
fn append(term: u8, prev: u8, commit: u8, entries: &[u8]) -> Vec<u8> {
    let kind = 6 | (entries.len() as u8) << 4;
    [&[op::FORGE, 0, kind, term, prev, 1, commit, 0], entries].concat()
}

fn program(shape: u8, more: u8, parts: &[&[u8]]) -> Vec<u8> {
    [&[shape, more], &parts.concat()[..]].concat()
}

/// The first byte of a program: how many voters, and when batches become durable.
const THREE: u8 = 0;
const FIVE: u8 = 1;
const ALONE: u8 = 3;
const SLOW: u8 = 64;
const PROPOSE: [u8; 4] = [op::PROPOSE, 5, op::PROPOSE + 1, 48];
const READ: [u8; 6] = [op::READ, op::DRAIN, op::ANSWER, 0, 0, op::DRAIN];
const STAND: [u8; 2] = [op::DRAIN, op::WAKE];

fn programs() -> Vec<(&'static str, Vec<u8>)> {
    [leaders(), followers(), storage(), snapshots()].concat()
}

fn leaders() -> Vec<(&'static str, Vec<u8>)> {
    let full = [op::PROPOSE, 47].repeat(20);
    let both = [YES, YES_BEFORE].concat();
    let unheard = [op::READ, op::ADVANCE, 249, op::WAKE];
    let early = [op::FORGE, 0, 3, 0, op::FORGE, 1, 3, 0];
    vec![
        ("lead", program(THREE, 0, &[&LEAD, &YES, &DRAIN, &PROPOSE, &DRAIN, &both, &DRAIN])),
        ("lead-of-five", program(FIVE, 2, &[&LEAD, &YES_BEFORE, &DRAIN, &both, &DRAIN])),
        ("lead-slowly", program(SLOW, 0, &[&LEAD_SLOWLY, &PROPOSE, &YES, &DRAIN, &PERSISTED])),
        ("lead-alone", program(ALONE, 0, &[&STAND, &PROPOSE, &READ, &DRAIN, &PROPOSE, &READ])),
        ("read", program(THREE, 1, &[&LEAD, &READ, &READ, &PROPOSE, &READ, &STAND, &STAND])),
        ("step-down", program(THREE, 1, &[&LEAD, &unheard, &PROPOSE])),
        ("full-log", program(ALONE, 0, &[&STAND, &full, &DRAIN, &full, &DRAIN, &full, &DRAIN])),
        ("terms-end", program(ALONE, 255, &[&[&STAND[..], &[op::RESTART, 0]].concat().repeat(5)])),
        ("votes-too-early", program(SLOW, 0, &[&STAND, &YES, &early, &DRAIN])),
    ]
}

fn followers() -> Vec<(&'static str, Vec<u8>)> {
    let vote = [op::FORGE, 0, 2, 8, 0, 1, op::DRAIN];
    let pre_vote = [op::FORGE, 1, 32, 0, 0, 1, op::DRAIN];
    let first = append(8, 0, 10, &[1, 65, 129, 193]);
    let old = append(0, 7, 0, &[]);
    let long = append(0, 0, 0, &[209; 5]).repeat(4);
    let slowly = [
        &append(0, 9, 10, &[1, 1])[..],
        &[op::PERSISTED, op::DRAIN, op::PERSISTED],
        &append(0, 0, 0, &[1, 1]),
        &[op::AGAIN, 0, op::POLL_SHORT, 30],
    ];
    let conflict = [&append(8, 24, 4, &[1, 1])[..], &PERSISTED, &DRAIN, &append(0, 10, 4, &[1])];
    let committed = [&append(8, 0, 170, &[1, 65, 129])[..], &DRAIN, &append(8, 7, 0, &[1, 1])];
    let strange = [
        &[op::STRANGE_TICKET, 1, op::STRANGE_TIME, 0, op::STRANGE_TIME, 1, op::POLL][..],
        &[op::RAW, 3, 1, 2, 3, op::SEALED, 0, 3, 3, 1, 0, op::TIMEOUT, op::PERSIST_FULL],
    ];
    vec![
        ("follow", program(THREE, 2, &[&first, &DRAIN, &old, &DRAIN])),
        ("follow-slowly", program(SLOW, 2, &[&first, &DRAIN, &slowly.concat(), &DRAIN])),
        ("conflict", program(SLOW, 0, &[&first, &DRAIN, &conflict.concat(), &DRAIN])),
        ("committed-conflict", program(THREE, 0, &[&committed.concat(), &DRAIN])),
        ("vote", program(THREE, 0, &[&pre_vote, &vote, &vote, &[op::WAKE]])),
        ("full-follower", program(THREE, 0, &[&first, &DRAIN, &long, &DRAIN])),
        ("strange", program(THREE, 0, &[&strange.concat()])),
    ]
}

fn storage() -> Vec<(&'static str, Vec<u8>)> {
    let full = [op::PROPOSE, 47].repeat(20);
    let retry = [op::DRAIN, op::WAKE, op::WAKE, op::MAKE_ROOM, op::WAKE];
    let restart = |how| {
        let again = [op::RESTART, how];
        program(SLOW, 0, &[&LEAD_SLOWLY, &PROPOSE, &DRAIN, &again, &LEAD_SLOWLY])
    };
    let failed = [op::STRANGE_TICKET, 0];
    vec![
        ("restart", restart(0)),
        ("kept", restart(1)),
        ("full-medium", program(THREE, 0, &[&LEAD, &[op::FILL], &full, &retry, &LEAD])),
        ("failed", program(SLOW, 0, &[&LEAD_SLOWLY, &PROPOSE, &DRAIN, &failed, &DRAIN])),
    ]
}

fn snapshots() -> Vec<(&'static str, Vec<u8>)> {
    let both = [YES, YES_BEFORE].concat();
    // The second peer has nothing, and is sent a snapshot.
    let behind = [op::FORGE, 1, 5, 0, 0, 7, 0, 0, op::DRAIN, op::WAKE, op::WAKE];
    let taken = [&LEAD[..], &YES, &DRAIN, &PROPOSE, &DRAIN, &both, &DRAIN, &[op::COMPACT]].concat();
    let sent = [&behind[..], &YES, &DRAIN, &[op::ANSWER, 0, 2], &DRAIN, &STAND].concat();
    let first = append(8, 0, 10, &[1, 65]);
    let chunk = |kind: u8| [op::FORGE, 0, kind, 0, 58, 0, 32, op::DRAIN];
    let whole = [chunk(9), chunk(9 | 16)].concat();
    let installed = [op::INSTALLED, 1, op::DRAIN, op::RESTART, 1, op::DRAIN];
    let refused = [op::INSTALLED, 0, op::DRAIN];
    let gap = [chunk(9 | 16), chunk(9)].concat();
    vec![
        ("compact", program(THREE, 0, &[&taken, &[op::RESTART, 1], &LEAD])),
        ("send", program(THREE, 0, &[&taken, &sent])),
        ("install", program(THREE, 0, &[&first, &DRAIN, &whole, &installed, &first])),
        ("install-refused", program(SLOW, 0, &[&first, &PERSISTED, &whole, &refused, &whole])),
        ("install-gap", program(THREE, 0, &[&first, &DRAIN, &gap, &[op::FILL], &whole])),
    ]
}

/// Scripts of `journal/script.rs`, some with mutations of `journal/mutate.rs` behind them.
fn scripts() -> Vec<Vec<u8>> {
    let (append, many, term, replace, compact, sync, open) = (1, 2, 3, 4, 5, 6, 7);
    let start = [term, 1, append, 9, sync, 1, many, 20, sync, 1];
    let again = [replace, 6, many, 5, sync, 1, compact, 3, append, 33, sync, 1];
    let more = [open, 2, term, 2, many, 30, sync, 1].repeat(6);
    let round = [compact, 1, many, 31, sync, 1].repeat(9);
    let jump = [sync, 8 * 5, append, 4, sync, 1];
    let damage = [0, 0, 1, 250, 0, 0, 2, 1, 77, 5, 0, 1, 8, 9, 3];
    let edits = [0, 7, 0, 200, 1, 7, 1, 0, 11, 7, 2, 0, 19, 4, 1, 0, 0];
    vec![
        start.to_vec(),
        [&start[..], &again, &round].concat(),
        [&start[..], &more, &[open, 0], &again].concat(),
        [&start[..], &jump, &again, &[open, 1]].concat(),
        [&start[..], &round, &more, &damage].concat(),
        [&start[..], &again, &round, &edits].concat(),
        [&start[..], &round, &jump, &round, &edits].concat(),
        [&start[..], &more, &round, &[open, 0], &damage, &edits[1..]].concat(),
    ]
}
