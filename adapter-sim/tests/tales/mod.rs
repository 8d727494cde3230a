//! Stories to test with: the golden ones, one of everything, and mangled text.
#![allow(dead_code)] // Each test binary uses its part.

use adapter_sim::story::{
    Arrival, Body, Damage, Datagram, Deed, Moment, Net, Said, Span, Story, What, Words,
};
use raft_nostd::wire::{Receipt, Verdict, Vote};
use raft_nostd::{HardState, Index, NodeId, Position, Role, Status, Term};
use std::path::{Path, PathBuf};

pub fn node(number: u32) -> NodeId {
    NodeId::new(number).unwrap()
}

/// Name and text of each golden scenario.
pub fn golden() -> Vec<(String, String)> {
    let folder: PathBuf =
        [env!("CARGO_MANIFEST_DIR"), "..", "raft-nostd", "tests", "scenarios"].iter().collect();
    let mut found: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "trace"))
        .map(|path| (name(&path), text(&path)))
        .collect();
    found.sort();
    assert!(found.len() >= 10, "wrong folder");
    found
}

fn name(path: &Path) -> String {
    path.file_stem().unwrap().to_string_lossy().into_owned()
}

/// What a file says, whatever ends its lines.
pub fn text(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_default().replace("\r\n", "\n")
}

/// A story in which everything that can happen does.
pub fn everything() -> Story {
    let mut story = Story::default();
    story.scene("Everything happens.");
    for (place, deed) in deeds().into_iter().enumerate() {
        story.line(Moment(3 * place as u64), What::Does(node(1 + place as u32 % 3), deed));
    }
    story.scene("And everything is said.");
    let mut at = Moment(5_000);
    for (place, said) in sayings().into_iter().enumerate() {
        let (from, to) = (1 + place as u32 % 3, 1 + (place as u32 + 1) % 3);
        let arrivals = arrivals(at, place);
        let datagram = Datagram { from: node(from), to: node(to), said, arrivals };
        story.line(at, What::Says(datagram));
        at = at.plus(7);
    }
    story.scene("The network has its part.");
    for net in nets() {
        story.line(at, What::Network(net));
        at = at.plus(20);
    }
    story
        .line(at, What::Failed(Words::new("State Machine Safety: n2 applied\n3@2 instead of 3@1")));
    story
}

/// Every fate in turn.
fn arrivals(sent: Moment, place: usize) -> Vec<Arrival> {
    let arrival = |tenths, damage| Arrival { at: sent.plus(tenths), damage };
    match place % 5 {
        0 => vec![arrival(50, Damage::None)],
        1 => vec![],
        2 => vec![arrival(31, Damage::None), arrival(9_000, Damage::Flipped)],
        3 => vec![arrival(0, Damage::CutShort)],
        _ => vec![arrival(77, Damage::None)],
    }
}

fn nets() -> Vec<Net> {
    vec![
        Net::Splits(vec![vec![node(1), node(2)], vec![node(3)]]),
        Net::Cuts(vec![(node(1), node(3)), (node(3), node(2))]),
        Net::Heals,
        Net::Notes(Words::new("brings n2 something of another cluster")),
    ]
}

fn statuses() -> Vec<Deed> {
    let status = |role, leader: Option<u32>| {
        Deed::Status(Status { role, term: Term(7), leader: leader.map(node) })
    };
    vec![
        status(Role::Follower, None),
        status(Role::Follower, Some(2)),
        status(Role::PreCandidate, None),
        status(Role::Candidate, None),
        status(Role::Leader, None),
    ]
}

fn deeds() -> Vec<Deed> {
    let at = Position::new(2, 3);
    let (span, one) = (Span { first: at, last: Position::new(4, 9) }, Span { first: at, last: at });
    let (words, command) = (Words::new("no such thing"), Words::command(b"set a, b: 7"));
    let hard = |vote| Some(HardState { term: Term(3), vote });
    let log = |base, terms: &[u64]| Deed::HasLog { base, terms: terms.into(), commit: Index(2) };
    let mut deeds = statuses();
    deeds.extend([
        Deed::ProposalsLost(span),
        Deed::ProposalsUnknown(Term(4)),
        Deed::ReadReady(5),
        Deed::ReadsLost(6),
        Deed::LogFull(words.clone()),
        Deed::CapacityDiffers(node(2)),
        Deed::FollowerLost(node(3)),
        Deed::StorageFull,
        Deed::StorageRecovered,
        Deed::CompactionUrged,
        Deed::SnapshotTaken(at),
        Deed::SnapshotFailed(words.clone()),
        Deed::Begins { hard: None, entries: None },
        Deed::Begins { hard: None, entries: Some(one) },
        Deed::Begins { hard: hard(Some(node(2))), entries: None },
        Deed::Begins { hard: hard(None), entries: Some(span) },
        Deed::Durable,
        Deed::BeginsInstall(at),
        Deed::SnapshotInstalled(at),
        Deed::Applies { at, command: command.clone() },
        Deed::Drops { from: node(3), why: words.clone() },
        Deed::Asked { command: command.clone(), at },
        Deed::Refuses { command, why: words.clone() },
        Deed::AskedToRead(8),
        Deed::RefusesToRead(words.clone()),
        Deed::Disk(Words::new("fails to sync")),
        Deed::Clock(Words::new("jumps 300 ms ahead")),
        log(Position::ZERO, &[]),
        log(Position::ZERO, &[1, 1, 3]),
        log(at, &[3]),
        Deed::Notes(words.clone()),
        Deed::Pauses,
        Deed::GoesOn,
        Deed::Dies,
        Deed::Stops,
        Deed::LosesPower,
        Deed::CannotStart(words.clone()),
        Deed::Restarts,
        Deed::Restarts,
        Deed::Restarts,
        Deed::Halted(words),
    ]);
    deeds
}

fn sayings() -> Vec<Said> {
    let (term, last, commit) = (Term(3), Position::new(2, 5), Index(4));
    let entries = Some(Span { first: Position::new(2, 6), last: Position::new(3, 7) });
    let mut sayings = Vec::new();
    for last in [last, Position::ZERO] {
        sayings.push(Said::PreVoteRequest { proposed: term, last });
        sayings.push(Said::VoteRequest { term, last });
        sayings.push(Said::Append { term, prev: last, entries, commit, round: 0 });
        sayings.push(Said::Append { term, prev: last, entries: None, commit, round: 2 });
        let verdict = Verdict::Conflict { prev: Index(9), hint: last };
        sayings.push(Said::AppendReply { term, verdict, round: 1 });
    }
    for vote in [Vote::Granted, Vote::Refused] {
        sayings.push(Said::PreVoteReply { term: Term(2), proposed: term, vote });
        sayings.push(Said::VoteReply { term, vote });
    }
    for durable in [Index(4), Index(6)] {
        let verdict = Verdict::Matched { durable, received: Index(6) };
        sayings.push(Said::AppendReply { term, verdict, round: 0 });
    }
    for body in [Body::Chunk, Body::Empty] {
        sayings.push(Said::Install { term, last, chunk: 3, body });
    }
    for receipt in [Receipt::Taken, Receipt::Gap, Receipt::Declined] {
        sayings.push(Said::InstallReply { term, last, chunks: 2, receipt });
    }
    sayings.push(Said::Notice { term, commit });
    sayings
}

/// Repeatable numbers (xorshift).
pub struct Random(pub u64);

impl Random {
    pub fn below(&mut self, most: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % most as u64) as usize
    }
}

/// The text with a few places of it changed: characters, words, or whole lines.
pub fn mangled(text: &str, random: &mut Random) -> String {
    const STRANGE: [&str; 14] = [
        "n",
        "0",
        "99999999999999999999",
        "@",
        ".",
        " ",
        "\n",
        "#",
        "(lost)",
        " to ",
        "é",
        "\u{7}",
        "   (arrives 1.0)",
        "FAILED",
    ];
    let mut text = text.to_string();
    for _ in 0..1 + random.below(4) {
        let mut places: Vec<_> = text.char_indices().map(|(at, _)| at).collect();
        places.push(text.len());
        let (one, other) = (places[random.below(places.len())], places[random.below(places.len())]);
        let near = (one + 1 + random.below(12)).min(text.len());
        let near = places[places.partition_point(|&place| place < near)];
        match random.below(4) {
            0 => text.replace_range(one..near, ""),
            1 => text.insert_str(one, STRANGE[random.below(STRANGE.len())]),
            2 => text.replace_range(one..near, STRANGE[random.below(STRANGE.len())]),
            _ => {
                let piece = text[one..near].to_string();
                text.insert_str(other, &piece);
            }
        }
    }
    text
}
