//! DESIGN §4, §8: the log's memory is the caller's. A node that does not find there what it has put
//! there says so and halts.

use crate::common::{CLUSTER, id};
use raft_nostd::{
    Config, Event, Halt, HardState, Index, Instant, Life, Loading, Output, Raft, Start,
};
use std::cell::Cell;
use std::rc::Rc;

/// Memory that can be taken away.
struct Lent {
    bytes: Vec<u8>,
    held: Rc<Cell<usize>>,
}

impl AsRef<[u8]> for Lent {
    fn as_ref(&self) -> &[u8] {
        &self.bytes[..self.held.get().min(self.bytes.len())]
    }
}

impl AsMut<[u8]> for Lent {
    fn as_mut(&mut self) -> &mut [u8] {
        let held = self.held.get().min(self.bytes.len());
        &mut self.bytes[..held]
    }
}

/// A single node that leads, and how much of its memory is there.
fn leader() -> (Raft<Lent, 1>, Rc<Cell<usize>>, Instant) {
    let voters = [id(1)];
    let config = Config::new(CLUSTER, id(1), &voters);
    let held = Rc::new(Cell::new(usize::MAX));
    let memory = Lent { bytes: vec![0; 64 * 1_024], held: held.clone() };
    let start = Start {
        hard_state: HardState::default(),
        life: Life { incarnation: 1, boot: 1, nonce: 1 },
        applied: Index::ZERO,
        seed: 1,
        now: Instant::ORIGIN,
    };
    let mut raft = Loading::new::<1>(&config, memory).unwrap().start::<1>(start).unwrap();
    let now = Instant::from_micros(3_000_000);
    raft.handle_timeout(now);
    assert!(drain(&mut raft, now).0.is_empty());
    assert_eq!(raft.commit(), Index(1), "it leads");
    (raft, held, now)
}

/// The commands that are applied, and why it halts, until it is idle.
fn drain(raft: &mut Raft<Lent, 1>, now: Instant) -> (Vec<Vec<u8>>, Option<Halt>) {
    let (mut applied, mut halted, mut ticket) = (Vec::new(), None, None);
    loop {
        match raft.poll_output(now, &mut [0; 1_200]) {
            Output::Persist(persist) => ticket = Some(persist.ticket),
            Output::Apply(committed) => applied.push(committed.command.to_vec()),
            Output::Event(Event::Halted(why)) => halted = Some(why),
            Output::Idle { .. } => match ticket.take() {
                Some(ticket) => raft.handle_persisted(now, ticket).unwrap(),
                None => return (applied, halted),
            },
            _ => {}
        }
    }
}

/// A command that cannot be read is not handed out as an empty one.
#[test]
fn a_command_that_cannot_be_read_halts_the_node() {
    let (mut raft, held, now) = leader();
    raft.propose(now, b"here").unwrap();
    assert_eq!(drain(&mut raft, now), (vec![b"here".to_vec()], None));
    raft.propose(now, b"gone").unwrap();
    let ticket = loop {
        match raft.poll_output(now, &mut [0; 1_200]) {
            Output::Persist(persist) => break persist.ticket,
            Output::Idle { .. } => panic!("nothing to write"),
            _ => {}
        }
    };
    raft.handle_persisted(now, ticket).unwrap();
    held.set(1_024 * 16); // The slots, but no frame.
    let damaged = Halt::MemoryDamaged(Index(3));
    assert_eq!(drain(&mut raft, now), (vec![], Some(damaged)));
    assert_eq!(raft.halted(), Some(damaged));
    assert_eq!(raft.applied(), Index(2));
}
