//! What `fuzz/` has found, each as the test that would have.

mod common;

use common::{BUFFER, CLUSTER, Member, Net, Options, Storage, id, ids};
use raft_nostd::frame::{self, EntryKind, Frames};
use raft_nostd::journal::PersistFailure;
use raft_nostd::wire::{
    self, Append, AppendReply, Campaign, Envelope, Install, Message, ReplyWish, Room, Verdict, Vote,
};
use raft_nostd::{
    Index, Instant, Life, Manifest, Membership, Output, Position, Received, Refused, Role, Term,
};

/// `message` as `sender` says it to node 1.
fn said(sender: u32, message: &Message) -> Vec<u8> {
    said_to(1, sender, message)
}

fn said_to(receiver: u32, sender: u32, message: &Message) -> Vec<u8> {
    let life = Life { incarnation: 1, boot: 1, nonce: 1 };
    let envelope = Envelope { cluster: CLUSTER, sender: id(sender), receiver: id(receiver), life };
    let mut out = [0; BUFFER];
    let len = wire::encode(&envelope, message, &Frames::none(Index::ZERO), &mut out).unwrap();
    out[..len].to_vec()
}

fn slow() -> Member {
    let mut member = Member::new(1, &ids(3), &Options::default());
    member.storage = Storage::Waits;
    member
}

const fn append(term: u64, prev: Position) -> Message {
    Message::Append(Append {
        term: Term(term),
        prev,
        commit: Index(0),
        round: 0,
        reply: ReplyWish::Wanted,
        count: 0,
        bytes: 0,
    })
}

/// Two votes before its own term was durable made a candidate lead in it: its own vote was not
/// needed for a majority. But nobody can have been asked yet.
#[test]
fn a_vote_that_nobody_can_have_been_asked_for_is_refused() {
    let mut member = slow();
    let term = Term(0);
    member.drain(Instant::ORIGIN);
    let now = member.wake_at;
    member.raft.handle_timeout(now);
    member.drain(now);
    let (proposed, vote) = (Term(1), Vote::Granted);
    let pre_vote = Message::PreVoteReply { term, proposed, vote };
    member.raft.handle_datagram(now, &said(2, &pre_vote)).unwrap();
    assert_eq!(member.raft.status().role, Role::Candidate);
    for peer in [2, 3] {
        let early = said(peer, &Message::VoteReply { term: proposed, vote });
        assert_eq!(member.raft.handle_datagram(now, &early), Err(Refused::Contradiction));
        member.check();
    }
    assert_eq!(member.raft.status().role, Role::Candidate);

    member.drain(now);
    member.persisted(now);
    let asked = said(2, &Message::VoteReply { term: proposed, vote });
    member.raft.handle_datagram(now, &asked).unwrap();
    assert_eq!(member.raft.status().role, Role::Leader);
    member.check();
}

/// A leader that steps down within its term still knows that it was the leader of it: appends of
/// another would replace its entries by others of the same term, and by Log Matching they would
/// count as the same.
#[test]
fn nobody_else_leads_in_a_term_that_was_led() {
    let mut net = Net::new(3);
    let leader = net.elect();
    net.isolate(leader);
    let term = net.node(leader).raft.term();
    let wake_at = net.now.plus(raft_nostd::Duration::from_millis(1_000_000));
    net.node(leader).raft.handle_timeout(wake_at);
    let raft = &mut net.node(leader).raft;
    assert_eq!((raft.status().role, raft.term()), (Role::Follower, term));
    let liar = if leader == 1 { 2 } else { 1 };
    let bytes = said_to(leader, liar, &append(term.0, Position::ZERO));
    assert_eq!(raft.handle_datagram(wake_at, &bytes), Err(Refused::Contradiction));
    assert_eq!(raft.status().leader, None);
}

/// The place before the first entry is of term zero. An append that says otherwise contradicts
/// what is committed (there is always the base), and halted the node.
#[test]
fn a_position_that_cannot_be_is_refused() {
    let mut member = slow();
    let (term, now) = (Term(5), Instant::ORIGIN);
    let (half, other) = (Position::new(3, 0), Position::new(0, 3));
    let later = Position::new(6, 3);
    let room = Room::default();
    let reply = |hint| {
        let verdict = Verdict::Conflict { prev: Index(9), hint };
        Message::AppendReply(AppendReply { term, round: 0, verdict, room })
    };
    for last in [half, other, later] {
        let campaign = Campaign::Timeout;
        for message in [
            Message::PreVoteRequest { term, proposed: Term(6), last },
            Message::VoteRequest { term, last, campaign },
            reply(last),
        ] {
            let refused = member.raft.handle_datagram(now, &said(2, &message)).map(drop);
            assert_eq!(refused, Err(Refused::Contradiction), "{message:?}");
        }
    }
    for prev in [half, other] {
        let refused = member.raft.handle_datagram(now, &said(2, &append(5, prev))).map(drop);
        assert_eq!(refused, Err(Refused::Contradiction));
    }
    let refused = member.raft.handle_datagram(now, &said(2, &append(0, Position::ZERO))).map(drop);
    assert_eq!(refused, Err(Refused::Contradiction), "nobody leads in term zero");
    assert_eq!((member.raft.halted(), member.raft.term()), (None, Term(0)));
    assert_eq!(
        member.raft.handle_datagram(now, &said(2, &append(5, Position::ZERO))),
        Ok(Received::Heard)
    );
}

/// A refused datagram, and a ticket of another run, made the node look for work: a batch that
/// waited for space left before anybody had told the node the time.
#[test]
fn what_is_refused_does_not_stir_the_node() {
    let (mut member, mut buf) = (slow(), [0; BUFFER]);
    let now = Instant::ORIGIN;
    member.raft.handle_datagram(now, &said(2, &append(5, Position::ZERO))).unwrap();
    member.drain(now);
    let ticket = member.ticket.take().expect("the term is to be durable");
    member.raft.handle_persist_failed(now, ticket, PersistFailure::Full).unwrap();
    member.drain(now);
    let late = Instant::from_millis(1_000);
    assert!(member.wake_at <= late);
    assert_eq!(member.raft.handle_datagram(late, b"garbage"), Err(Refused::Length));
    assert!(matches!(member.raft.poll_output(late, &mut buf), Output::Idle { .. }));
    member.raft.handle_timeout(late);
    assert!(matches!(member.raft.poll_output(late, &mut buf), Output::Persist(_)));
}

/// While the state machine was restored from a snapshot, a later leader proved another log, and
/// more of it than the snapshot is of. The log then began behind the snapshot, and what was proven
/// lay beyond its end.
#[test]
fn a_log_that_a_snapshot_replaces_proves_nothing_beyond_it() {
    let mut member = Member::new(1, &ids(3), &Options::default());
    let (now, mut buf) = (Instant::ORIGIN, [0; BUFFER]);
    let membership = Membership::initial(&ids(3));
    let last = Position::new(1, 5);
    let manifest = Manifest { last, membership, chunks: 1, bytes: 4, crc: 7 };
    let install = Install { term: Term(1), round: 0, manifest, chunk: 0 };
    let life = Life { incarnation: 1, boot: 1, nonce: 1 };
    let envelope = Envelope { cluster: CLUSTER, sender: id(2), receiver: id(1), life };
    let chunk_at = wire::encode_install(&envelope, &install, &mut buf).unwrap();
    let len = wire::seal(&mut buf, chunk_at + 4).unwrap();
    let datagram = buf[..len].to_vec();
    let Ok(Received::Chunk(chunk)) = member.raft.handle_datagram(now, &datagram) else {
        panic!("the first chunk is wanted");
    };
    member.raft.handle_chunk_stored(now, chunk.ticket).unwrap();
    let mut install = None;
    while install.is_none() {
        match member.raft.poll_output(now, &mut buf) {
            Output::Persist(persist) => {
                let ticket = persist.ticket;
                member.raft.handle_persisted(now, ticket).unwrap();
            }
            Output::Install(manifest) => install = Some(manifest),
            Output::Idle { .. } => panic!("nothing is installed"),
            _ => {}
        }
    }
    let mut frames = Vec::new();
    for index in 1..=7 {
        let mut frame = [0; 64];
        let at = Position::new(2, index);
        let len = frame::encode(at, EntryKind::Noop, b"", &mut frame).unwrap();
        frames.extend(&frame[..len]);
    }
    let Message::Append(nothing) = append(2, Position::ZERO) else { unreachable!() };
    let all = Append { count: 7, bytes: frames.len() as u32, ..nothing };
    let envelope = Envelope { sender: id(3), ..envelope };
    let seven = Frames::new(Index(1), 7, &frames, &[]);
    let len = wire::encode(&envelope, &Message::Append(all), &seven, &mut buf).unwrap();
    member.raft.handle_datagram(now, &buf[..len]).map(drop).unwrap();
    member.check();
    member.raft.handle_installed(now).unwrap();
    member.check();
    assert_eq!((member.raft.last(), member.raft.applied()), (last, last.index));
}
