//! A node's journal on a medium, written and recovered as a driver would.

use super::pair::{Node, Setup};
use crate::medium::{Flash, Space};
use raft_nostd::frame::Frames;
use raft_nostd::journal::{
    Batch, Entropy, Geometry, Identity, Opening, RecoverError, Recovered, Sink, WriteError, Writer,
    recover,
};
use raft_nostd::types::{HardState, Index, Position};
use raft_nostd::{ClusterId, Loading, Term};

pub const CLUSTER: ClusterId = ClusterId(0x0123_4567_89ab_cdef);
const SEGMENT: u32 = 1_024;

/// What became of the last batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Written {
    Whole,
    Full,
}

pub struct Disk {
    pub medium: Flash,
    writer: Option<Writer>,
    pub written: Written,
    openings: u64,
}

impl Disk {
    /// A formatted journal of a node in `term`.
    pub fn new(setup: &Setup, term: Term) -> Self {
        let mut segments = 2;
        loop {
            let geometry =
                Geometry { segments, segment_bytes: SEGMENT, granularity: 4, erased: 0xff };
            let mut disk = Self {
                medium: Flash::new(geometry),
                writer: None,
                written: Written::Whole,
                openings: 0,
            };
            match disk.try_open(setup) {
                Ok(_) => {
                    let none = Frames::none(Index(1));
                    let hard_state = HardState { term, vote: None };
                    let base = Position::ZERO;
                    disk.write(&Batch { hard_state, frames: none, live: none, base });
                    assert!(disk.sync());
                    return disk;
                }
                Err(RecoverError::Capacity { needed, .. }) if needed > segments => {
                    segments = needed;
                }
                Err(error) => panic!("a blank medium: {error}"),
            }
        }
    }

    fn try_open<'a>(
        &mut self,
        setup: &'a Setup,
    ) -> Result<(Loading<'a, Vec<u8>>, Recovered), RecoverError<crate::medium::Fault>> {
        let config = setup.config();
        let mut loading = setup.loading();
        self.openings += 1;
        let identity = Identity { cluster: CLUSTER, node: config.node, voters: config.voters };
        let entropy = Entropy { incarnation: 0x1111 * self.openings, salt: 77 };
        let opening = Opening { identity, entropy, limits: loading.limits() };
        let mut buf = vec![0; opening.buffer_len()];
        let (writer, recovered) = recover(&mut self.medium, &opening, &mut loading, &mut buf)?;
        self.writer = Some(writer);
        Ok((loading, recovered))
    }

    /// Recovers the journal.
    pub fn open<'a>(&mut self, setup: &'a Setup) -> (Loading<'a, Vec<u8>>, Recovered) {
        self.medium.space = Space::Plenty;
        self.written = Written::Whole;
        self.try_open(setup).unwrap_or_else(|error| panic!("its own journal: {error}"))
    }

    /// Writes a batch of the node.
    pub fn write(&mut self, batch: &Batch<'_>) {
        let writer = self.writer.as_mut().expect("it is open");
        self.written = match writer.write(&mut self.medium, batch) {
            Ok(()) => Written::Whole,
            Err(WriteError::Full(_)) => Written::Full,
            Err(error) => panic!("the journal refuses what the node wants durable: {error}"),
        };
    }

    /// Makes durable what was written; `false` where the last batch was not.
    pub fn sync(&mut self) -> bool {
        if self.written == Written::Full {
            return false;
        }
        let writer = self.writer.as_mut().expect("it is open");
        writer.sync(&mut self.medium).expect("syncs do not fail");
        true
    }
}

/// A copy of a log, for the shadow.
pub fn copy_log(from: &Loading<'_, Vec<u8>>, base: Position, to: &mut Loading<'_, Vec<u8>>) {
    assert_eq!(from.live().first(), base.index.next());
    to.reset(base);
    for entry in &from.live() {
        assert!(to.append(entry.frame), "logs of one size");
    }
}

/// What the old run had durably, the new one has: as entries, or in its snapshot.
pub fn check_kept(before: &Node, after: &Node) {
    let (durable, now) = (before.durable_hard_state(), after.hard_state());
    let kept = now.term > durable.term
        || now.term == durable.term && (durable.vote.is_none() || durable.vote == now.vote);
    assert!(kept, "a durable term or vote is lost: {durable:?}, now {now:?}");
    assert!(after.last().index >= before.durable(), "a durable entry is lost");
    let mut index = after.base().index.next();
    while index <= before.durable() {
        let found = after.entry(index).expect("a durable entry is lost");
        let same = before.entry(index).is_some_and(|old| old.frame == found.frame);
        assert!(same, "the durable entry at {index} changed");
        index = index.next();
    }
}
