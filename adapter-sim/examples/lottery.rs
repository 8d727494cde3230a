//! A state machine with a bug that no test on one machine shows, and the ten lines that find it.
//!
//! `cargo run --release -p adapter-sim --example lottery` looks for it; with `fixed` behind it the machine keeps its
//! tickets in order, and nothing is found.

use adapter_sim::{Random, Subject, check};
use raft_nostd::{Committed, SnapshotError, StateMachine};
use std::collections::{BTreeMap, HashMap};

/// Who bought how many tickets.
pub trait Tickets: Default + Clone + Send + 'static {
    /// One more for `who`.
    fn buy(&mut self, who: u8);
    /// Who has how many.
    fn list(&self) -> Vec<(u8, u32)>;
    /// Whose ticket is the `nth`.
    fn nth(&self, nth: usize) -> Option<u8> {
        self.list().into_iter().flat_map(|(who, tickets)| (0..tickets).map(move |_| who)).nth(nth)
    }
}

impl Tickets for HashMap<u8, u32> {
    fn buy(&mut self, who: u8) {
        *self.entry(who).or_default() += 1;
    }

    /// The bug: a hash map's order differs from process to process, and so who wins does from replica to
    /// replica.
    fn list(&self) -> Vec<(u8, u32)> {
        self.iter().map(|(who, tickets)| (*who, *tickets)).collect()
    }
}

impl Tickets for BTreeMap<u8, u32> {
    fn buy(&mut self, who: u8) {
        *self.entry(who).or_default() += 1;
    }

    fn list(&self) -> Vec<(u8, u32)> {
        self.iter().map(|(who, tickets)| (*who, *tickets)).collect()
    }
}

/// Sells tickets, and draws winners.
#[derive(Default)]
pub struct Lottery<T> {
    tickets: T,
    winners: Vec<u8>,
    /// A snapshot, being written or read.
    image: Vec<u8>,
}

const BUY: u8 = 0;
const DRAW: u8 = 1;

impl<T: Tickets> StateMachine for Lottery<T> {
    /// Who won.
    type Response = Option<u8>;

    fn apply(&mut self, committed: Committed<'_>) -> Option<u8> {
        match *committed.command {
            [BUY, who] => self.tickets.buy(who),
            [DRAW, nth] => self.winners.extend(self.tickets.nth(usize::from(nth))),
            _ => {}
        }
        self.winners.last().copied()
    }

    fn query(&self, _request: &[u8]) -> Option<u8> {
        self.winners.last().copied()
    }

    fn snapshot(&mut self, offset: u64, piece: &mut [u8]) -> Result<usize, SnapshotError> {
        if offset == 0 {
            // A small state is copied.
            let tickets = self.tickets.list();
            self.image = vec![tickets.len() as u8];
            self.image.extend(
                tickets.iter().flat_map(|(who, n)| [vec![*who], n.to_le_bytes().to_vec()].concat()),
            );
            self.image.extend(&self.winners);
        }
        let rest = self.image.get(offset as usize..).unwrap_or(&[]);
        let len = rest.len().min(piece.len());
        piece[..len].copy_from_slice(&rest[..len]);
        Ok(len)
    }

    fn restore(&mut self, offset: u64, piece: &[u8]) -> Result<(), SnapshotError> {
        if offset == 0 {
            self.image.clear();
        }
        self.image.extend(piece);
        if !piece.is_empty() {
            return Ok(());
        }
        let (count, rest) = self.image.split_first().ok_or(SnapshotError::Malformed)?;
        let (tickets, winners) =
            rest.split_at_checked(5 * usize::from(*count)).ok_or(SnapshotError::Malformed)?;
        self.tickets = T::default();
        for one in tickets.chunks_exact(5) {
            let number = u32::from_le_bytes([one[1], one[2], one[3], one[4]]);
            (0..number).for_each(|_| self.tickets.buy(one[0]));
        }
        self.winners = winners.to_vec();
        Ok(())
    }
}

impl<T: Tickets> Subject for Lottery<T> {
    const SNAPSHOT_MAX: usize = 64 * 1_024;

    fn command(random: &mut Random) -> Vec<u8> {
        match random.below(4) {
            0 => vec![DRAW, random.below(32) as u8],
            _ => vec![BUY, random.below(8) as u8],
        }
    }
}

fn main() {
    if std::env::args().nth(1).as_deref() == Some("fixed") {
        check(Lottery::<BTreeMap<u8, u32>>::default, 0..100);
        println!("a hundred bad days, and all replicas drew the same winners");
    } else {
        check(Lottery::<HashMap<u8, u32>>::default, 0..100);
    }
}
