//! The wire format against `WIRE.md`: the bytes printed there are the ones checked here.

mod random;

use raft_nostd::crc::checksum;
use raft_nostd::frame::{self, EntryKind, Frames};
use raft_nostd::wire::{
    self, Append, AppendReply, Campaign, Datagram, Envelope, Install, InstallReply, Message,
    Receipt, ReplyWish, Room, Verdict, Vote,
};
use raft_nostd::{
    ClusterId, Config, Index, Life, Manifest, Membership, NodeId, Position, Refused, Term,
};
use random::Random;
use std::collections::BTreeMap;

/// Bytes of the envelope; the header starts here.
const HEADER: usize = 36;
const CRC: usize = 4;

/// The blocks of `WIRE.md` that are fenced as ```` ```hex name ````: what stands before each `|`.
fn printed() -> BTreeMap<String, Vec<u8>> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../WIRE.md");
    let text = std::fs::read_to_string(path).unwrap();
    let mut blocks = BTreeMap::new();
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        let Some(name) = line.strip_prefix("```hex ") else { continue };
        let block = lines.by_ref().take_while(|line| !line.starts_with("```"));
        let bytes = block.flat_map(|line| {
            let hex = line.split('|').next().unwrap_or_default().split_whitespace();
            hex.map(|byte| u8::from_str_radix(byte, 16).unwrap()).collect::<Vec<_>>()
        });
        let bytes = bytes.collect();
        assert!(blocks.insert(name.to_string(), bytes).is_none(), "{name} is there twice");
    }
    blocks
}

fn envelope() -> Envelope {
    Envelope {
        cluster: ClusterId(0x0102_0304_0506_0708),
        sender: NodeId::new(1).unwrap(),
        receiver: NodeId::new(2).unwrap(),
        life: Life { incarnation: 0x1112_1314_1516_1718, boot: 3, nonce: 0x2122_2324 },
    }
}

fn bytes_of(message: &Message, frames: &Frames<'_>) -> Vec<u8> {
    let mut out = [0; 4_096];
    let len = wire::encode(&envelope(), message, frames, &mut out).unwrap();
    out[..len].to_vec()
}

fn plain(message: &Message) -> Vec<u8> {
    bytes_of(message, &Frames::none(Index::ZERO))
}

/// `content` as a datagram: with its CRC.
fn sealed(mut content: Vec<u8>) -> Vec<u8> {
    content.extend(checksum(&content).to_le_bytes());
    content
}

fn frame_bytes(position: Position, kind: EntryKind, payload: &[u8]) -> Vec<u8> {
    let mut out = vec![0; payload.len() + frame::OVERHEAD_MAX];
    let len = frame::encode(position, kind, payload, &mut out).unwrap();
    out.truncate(len);
    out
}

/// The messages printed in `WIRE.md`, by the names of their blocks.
fn messages() -> Vec<(&'static str, Message)> {
    let (term, last) = (Term(5), Position::new(4, 300));
    let reply = |verdict| {
        let room = Room { entries: 1_000, bytes: 65_536 };
        Message::AppendReply(AppendReply { term, round: 7, verdict, room })
    };
    vec![
        ("pre-vote-request", Message::PreVoteRequest { term, proposed: Term(6), last }),
        ("pre-vote-reply", Message::PreVoteReply { term, proposed: Term(6), vote: Vote::Granted }),
        ("vote-request", Message::VoteRequest { term, last, campaign: Campaign::Timeout }),
        ("vote-reply", Message::VoteReply { term, vote: Vote::Refused }),
        (
            "append",
            Message::Append(Append {
                term,
                prev: last,
                commit: Index(299),
                round: 7,
                reply: ReplyWish::Wanted,
                count: 2,
                bytes: 21,
            }),
        ),
        (
            "append-reply-matched",
            reply(Verdict::Matched { durable: Index(300), received: Index(302) }),
        ),
        (
            "append-reply-conflict",
            reply(Verdict::Conflict { prev: Index(300), hint: Position::new(3, 280) }),
        ),
        (
            "install",
            Message::Install(Install { term, round: 7, manifest: manifest(last), chunk: 1 }),
        ),
        (
            "install-reply",
            Message::InstallReply(InstallReply {
                term,
                round: 7,
                last,
                crc: 0xdead_beef,
                chunks: 1,
                receipt: Receipt::Gap,
            }),
        ),
    ]
}

fn manifest(last: Position) -> Manifest {
    let voters = [1, 2, 3].map(|id| NodeId::new(id).unwrap());
    let membership = Membership::initial(&voters);
    Manifest { last, membership, chunks: 2, bytes: 10_000, crc: 0xdead_beef }
}

/// An install as a whole datagram, with `chunk`.
fn with_chunk(install: &Install, chunk: &[u8]) -> Vec<u8> {
    let mut out = [0; 4_096];
    let at = wire::encode_install(&envelope(), install, &mut out).unwrap();
    out[at..at + chunk.len()].copy_from_slice(chunk);
    let len = wire::seal(&mut out, at + chunk.len()).unwrap();
    out[..len].to_vec()
}

/// The two entries that follow the header of the append in `WIRE.md`.
fn entries() -> Vec<u8> {
    let noop = frame_bytes(Position::new(5, 301), EntryKind::Noop, b"");
    [noop, frame_bytes(Position::new(5, 302), EntryKind::Command, b"x=1")].concat()
}

fn printed_append() -> Vec<u8> {
    let entries = entries();
    let frames = Frames::new(Index(301), 2, &entries, &[]);
    bytes_of(&messages()[4].1, &frames)
}

#[test]
fn every_block_of_the_document_is_what_the_code_writes() {
    let mut blocks = printed();
    let mut take = |name: &str| blocks.remove(name).unwrap_or_else(|| panic!("{name} is missing"));
    for (name, message) in messages() {
        let header = match message {
            Message::Append(_) => {
                let whole = printed_append();
                whole[HEADER..whole.len() - CRC - entries().len()].to_vec()
            }
            _ => {
                let whole = plain(&message);
                whole[HEADER..whole.len() - CRC].to_vec()
            }
        };
        assert_eq!(hex(&take(name)), hex(&header), "{name}");
    }
    let command = frame_bytes(Position::new(3, 300), EntryKind::Command, b"abc");
    assert_eq!(hex(&take("frame")), hex(&command));
    let noop = frame_bytes(Position::new(5, 301), EntryKind::Noop, b"");
    assert_eq!(hex(&take("frame-noop")), hex(&noop));
    assert_eq!(hex(&take("datagram")), hex(&plain(&messages()[3].1)));
    assert_eq!(hex(&take("datagram-append")), hex(&printed_append()));
    assert_eq!(hex(&take("crc-check")), hex(&checksum(b"123456789").to_le_bytes()));
    // The snapshots' are checked in `tests/vault/golden.rs`.
    blocks.retain(|name, _| !name.starts_with("snapshot"));
    assert!(blocks.is_empty(), "nothing checks {:?}", blocks.keys());
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x} ")).collect()
}

#[test]
fn every_block_of_the_document_is_what_the_code_reads() {
    let blocks = printed();
    let datagram = wire::decode(&blocks["datagram"]).unwrap();
    assert_eq!((datagram.envelope, datagram.message), (envelope(), messages()[3].1));
    let Datagram { envelope: from, message, frames, chunk: _ } =
        wire::decode(&blocks["datagram-append"]).unwrap();
    assert_eq!((from, message), (envelope(), messages()[4].1));
    let read: Vec<_> = frames.iter().map(|e| (e.position, e.kind, e.payload.to_vec())).collect();
    assert_eq!(
        read,
        [
            (Position::new(5, 301), EntryKind::Noop, b"".to_vec()),
            (Position::new(5, 302), EntryKind::Command, b"x=1".to_vec()),
        ]
    );
    let entry = frame::verify(&blocks["frame"]).unwrap();
    assert_eq!((entry.position, entry.payload), (Position::new(3, 300), &b"abc"[..]));
}

#[test]
fn the_numbers_in_the_document_are_those_of_the_code() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../WIRE.md");
    let text = std::fs::read_to_string(path).unwrap();
    for said in [
        format!("at most {} bytes around its entries", wire::OVERHEAD_MAX),
        format!("at most {} bytes around its payload", frame::OVERHEAD_MAX),
        format!("at most {} bytes around\nits chunk", wire::INSTALL_OVERHEAD_MAX),
        format!("{} to {} bytes", Config::DATAGRAM_MIN, Config::DATAGRAM_MAX),
        format!("version is {}", wire::VERSION),
    ] {
        assert!(text.contains(&said), "WIRE.md does not say {said:?}");
    }
    assert_eq!(Config::command_overhead() as usize, wire::OVERHEAD_MAX + frame::OVERHEAD_MAX);
}

#[test]
fn what_is_written_is_read() {
    let mut random = Random(11);
    for _ in 0..20_000 {
        let message = random.message();
        let bytes = plain(&message);
        let read = wire::decode(&bytes).unwrap();
        assert_eq!((read.envelope, read.message), (envelope(), message));
        assert!(read.frames.is_empty());
        assert!(bytes.len() <= wire::OVERHEAD_MAX);
    }
    for _ in 0..5_000 {
        let (append, entries) = random.append();
        let (first, count) = (append.prev.index.next(), u64::from(append.count));
        // As from a ring: cut at any frame in two.
        let cut = frame::decode(&entries).map_or(0, |entry| entry.frame.len());
        let frames = Frames::new(first, count, &entries[..cut], &entries[cut..]);
        let bytes = bytes_of(&Message::Append(append), &frames);
        let read = wire::decode(&bytes).unwrap();
        assert_eq!(read.message, Message::Append(append));
        assert_eq!((read.frames.first(), read.frames.count()), (first, count));
        assert_eq!(read.frames.slices().concat(), entries);
        assert_eq!(read.frames.iter().count() as u64, count);
    }
}

#[test]
fn the_chunk_that_is_written_is_read() {
    let Message::Install(install) = messages()[7].1 else { panic!("no install") };
    for len in [0, 1, 1_000] {
        let chunk = vec![7; len];
        let bytes = with_chunk(&install, &chunk);
        let read = wire::decode(&bytes).unwrap();
        assert_eq!((read.message, read.chunk), (Message::Install(install), &chunk[..]));
    }
    let refused = |install: &Install, chunk: &[u8]| {
        wire::decode(&with_chunk(install, chunk)).map(|read| read.message)
    };
    let beyond = Install { chunk: 2, ..install };
    assert_eq!(refused(&beyond, b"x"), Err(Refused::Malformed), "no such chunk");
    assert_eq!(refused(&beyond, b""), Ok(Message::Install(beyond)), "a heartbeat");
    let short = Install { manifest: Manifest { bytes: 2, ..install.manifest }, ..install };
    assert_eq!(refused(&short, b"xyz"), Err(Refused::Malformed), "longer than all of them");
}

#[test]
fn every_flipped_bit_and_every_cut_is_refused() {
    let mut whole: Vec<Vec<u8>> = messages().iter().map(|(_, message)| plain(message)).collect();
    whole[4] = printed_append();
    for bytes in whole {
        assert!(wire::decode(&bytes).is_ok());
        for bit in 0..bytes.len() * 8 {
            let mut bad = bytes.clone();
            bad[bit / 8] ^= 1 << (bit % 8);
            let reason = wire::decode(&bad).unwrap_err();
            let expected = match bit / 8 {
                0..2 => Refused::Magic,
                2..4 => Refused::Version,
                _ => Refused::Checksum,
            };
            // One flipped bit can make the sender's or the receiver's number zero.
            assert!(reason == expected || reason == Refused::Malformed && bit / 8 < 20, "{bit}");
        }
        for cut in 0..bytes.len() {
            assert!(wire::decode(&bytes[..cut]).is_err(), "cut at {cut}");
        }
    }
}

#[test]
fn a_whole_datagram_with_another_ending_is_refused() {
    for (_, message) in messages() {
        if matches!(message, Message::Append(_) | Message::Install(_)) {
            continue;
        }
        let bytes = plain(&message);
        let content = &bytes[..bytes.len() - CRC];
        assert_eq!(wire::decode(&sealed(content.to_vec())).map(|read| read.message), Ok(message));
        for trailing in [&[0][..], &[0; 20], &entries()] {
            let longer = sealed([content, trailing].concat());
            assert_eq!(wire::decode(&longer), Err(Refused::Malformed));
        }
        for cut in HEADER..content.len() {
            let shorter = sealed(content[..cut].to_vec());
            assert_eq!(wire::decode(&shorter), Err(Refused::Malformed), "{message:?} {cut}");
        }
    }
    let bytes = printed_append();
    let content = &bytes[..bytes.len() - CRC];
    assert_eq!(wire::decode(&sealed([content, &[0]].concat())), Err(Refused::Malformed));
    for cut in HEADER..content.len() {
        assert_eq!(wire::decode(&sealed(content[..cut].to_vec())), Err(Refused::Malformed));
    }
}

#[test]
fn numbers_without_a_meaning_are_refused() {
    let bytes = plain(&messages()[3].1);
    let content = &bytes[..bytes.len() - CRC];
    let with = |at: usize, byte: u8| {
        let mut content = content.to_vec();
        content[at] = byte;
        wire::decode(&sealed(content)).map(|read| read.message)
    };
    assert_eq!(with(HEADER, 6), Err(Refused::Malformed), "there are kinds 0 to 5");
    assert_eq!(with(content.len() - 1, 2), Err(Refused::Malformed), "a vote is 0 or 1");
    assert_eq!(with(12, 0), Err(Refused::Malformed), "no sender is zero");
    assert_eq!(with(16, 0), Err(Refused::Malformed), "no receiver is zero");
    assert_eq!(with(2, 2), Err(Refused::Version));
    assert_eq!(with(3, 1), Err(Refused::Version), "no other seal is spoken");
}

/// "Integers are read in any length up to the longest, and written in the shortest."
#[test]
fn a_number_may_come_in_more_bytes_than_it_needs() {
    let short = Message::VoteReply { term: Term(5), vote: Vote::Granted };
    let bytes = plain(&short);
    let long = [&bytes[..HEADER + 1], &[0x85, 0x80, 0x00, 0x00]].concat();
    assert_eq!(wire::decode(&sealed(long)).unwrap().message, short);
    let too_long = [&bytes[..HEADER + 1], &[0x85; 10], &[0, 0]].concat();
    assert_eq!(wire::decode(&sealed(too_long)), Err(Refused::Malformed));
}

fn append_of(prev: Position, term: u64, entries: &[u8], count: u32) -> Result<(), Refused> {
    let append = Append {
        term: Term(term),
        prev,
        commit: Index(0),
        round: 0,
        reply: ReplyWish::Wanted,
        count,
        bytes: entries.len() as u32,
    };
    let frames = Frames::new(prev.index.next(), u64::from(count), entries, &[]);
    let mut out = vec![0; 4_096];
    let len = wire::encode(&envelope(), &Message::Append(append), &frames, &mut out).unwrap();
    wire::decode(&out[..len]).map(|_| ())
}

#[test]
fn the_entries_of_an_append_continue_one_log() {
    let at = |term, index| frame_bytes(Position::new(term, index), EntryKind::Command, b"c");
    let prev = Position::new(3, 8);
    let refused = Err(Refused::Malformed);
    assert_eq!(append_of(prev, 4, &[at(3, 9), at(4, 10)].concat(), 2), Ok(()));
    assert_eq!(append_of(prev, 4, &at(3, 10), 1), refused, "a gap");
    assert_eq!(append_of(prev, 4, &at(3, 8), 1), refused, "not after prev");
    assert_eq!(append_of(prev, 4, &at(2, 9), 1), refused, "a term before prev's");
    assert_eq!(append_of(prev, 4, &at(5, 9), 1), refused, "a term beyond the leader's");
    assert_eq!(append_of(prev, 4, &[at(4, 9), at(3, 10)].concat(), 2), refused, "back in terms");
    assert_eq!(append_of(prev, 4, &at(4, 9), 2), refused, "fewer than counted");
    assert_eq!(append_of(prev, 4, &[at(4, 9), at(4, 10)].concat(), 1), refused, "more");
    assert_eq!(append_of(Position::new(5, 8), 4, &[], 0), refused, "prev is of a later term");
    assert_eq!(append_of(Position::ZERO, 4, &at(0, 1), 1), refused, "no entry is of term zero");
    let end = Position { term: Term(3), index: Index::LIMIT };
    assert_eq!(append_of(end, 4, &[], 0), Ok(()));
    assert_eq!(append_of(end, 4, &at(4, end.index.0 + 1), 1), refused, "beyond the last index");
    let beyond = Position { term: Term(3), index: end.index.next() };
    assert_eq!(append_of(beyond, 4, &[], 0), refused, "prev beyond the last index");
}

/// The bounds from which `Config` derives the longest command are reached, and not exceeded.
#[test]
fn the_longest_header_is_as_long_as_announced() {
    let (term, index) = (Term(u64::MAX), Index(u64::MAX));
    let (last, room) = (Position { term, index }, Room { entries: u32::MAX, bytes: u32::MAX });
    let reply =
        |verdict| Message::AppendReply(AppendReply { term, round: u64::MAX, verdict, room });
    let longest = [
        Message::PreVoteRequest { term, proposed: term, last },
        Message::PreVoteReply { term, proposed: term, vote: Vote::Refused },
        Message::VoteRequest { term, last, campaign: Campaign::Transfer },
        Message::VoteReply { term, vote: Vote::Refused },
        Message::Append(Append {
            term,
            prev: last,
            commit: index,
            round: u64::MAX,
            reply: ReplyWish::Unwanted,
            count: u32::MAX,
            bytes: u32::MAX,
        }),
        reply(Verdict::Matched { durable: index, received: index }),
        reply(Verdict::Conflict { prev: index, hint: last }),
    ];
    let lengths = longest.map(|message| plain(&message).len());
    assert_eq!(lengths.iter().max(), Some(&wire::OVERHEAD_MAX), "{lengths:?}");
    assert_eq!(lengths[4], wire::OVERHEAD_MAX, "an append is what the bound is for");
    // Its voters are the longest part: seven numbers of four bytes that ascend.
    let voters = [1, 2, 3, 4, 5, 6, 7].map(|id| NodeId::new(u32::MAX - 7 + id).unwrap());
    let mut membership = Membership::initial(&voters);
    membership.index = index;
    let manifest = Manifest { last, membership, chunks: u32::MAX, bytes: u64::MAX, crc: u32::MAX };
    let install = Install { term, round: u64::MAX, manifest, chunk: u32::MAX };
    assert_eq!(with_chunk(&install, b"").len(), wire::INSTALL_OVERHEAD_MAX);
}

#[test]
fn the_longest_frame_is_as_long_as_announced() {
    // A length of five bytes needs a payload of 2^28; its varint is the only part that varies.
    let last = Position::new(u64::MAX, u64::MAX);
    let long = frame::encoded_len(last, 1 << 28).unwrap() - (1 << 28);
    assert_eq!(long, frame::OVERHEAD_MAX);
    for payload in [0, 1, 127, 128, 65_507] {
        let bytes = frame_bytes(last, EntryKind::Membership, &vec![7; payload]);
        assert!(bytes.len() - payload <= frame::OVERHEAD_MAX);
    }
}

/// Total: no bytes make the decoder panic, and what it takes was framed by its rules.
#[test]
fn noise_is_refused() {
    let mut random = Random(5);
    for round in 0..20_000_u64 {
        let body: Vec<u8> = (0..random.number() % 120).map(|_| random.number() as u8).collect();
        let _ = wire::decode(&body);
        // Past the envelope and the CRC, so that the header's decoder sees the noise too.
        let mut content = plain(&messages()[3].1)[..HEADER].to_vec();
        content.push((round % 9) as u8);
        content.extend(body);
        if let Ok(read) = wire::decode(&sealed(content)) {
            let again = bytes_of(&read.message, &read.frames);
            assert_eq!(wire::decode(&again).unwrap().message, read.message);
        }
    }
}
