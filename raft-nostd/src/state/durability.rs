//! What is on the medium, what is on its way there, and the one ticket that may be out.
//!
//! A truncation while a ticket is out lowers what its return will acknowledge, so a position that
//! was written, truncated and filled again is never taken for durable.

use crate::error::TicketError;
use crate::time::Instant;
use crate::types::{HardState, Index, NodeId, Position};

/// Names one batch that the driver was asked to make durable.
///
/// Made by the core only, and neither `Clone` nor `Copy`: bring it back once, to the node that gave
/// it, with [`Raft::handle_persisted`](crate::Raft::handle_persisted) or
/// [`Raft::handle_persist_failed`](crate::Raft::handle_persist_failed). A ticket that is lost
/// stalls its node but never makes it lie.
#[derive(Debug, PartialEq, Eq)]
pub struct Ticket {
    node: NodeId,
    nonce: u32,
    serial: u64,
}

#[derive(Clone, Debug)]
struct Outstanding {
    hard: HardState,
    base: Position,
    through: Index,
}

#[derive(Clone, Debug)]
pub(crate) struct Durability {
    hard: HardState,
    /// As far as the medium knows that the log was compacted.
    base: Position,
    /// Durable through this index.
    through: Index,
    /// Durable, or handed out to become so, through this index.
    written: Index,
    out: Option<Outstanding>,
    serial: u64,
    /// Set while the medium is full: when to try again.
    retry_at: Option<Instant>,
}

impl Durability {
    pub(crate) fn new(hard: HardState, base: Position, through: Index) -> Self {
        Self { hard, base, through, written: through, out: None, serial: 0, retry_at: None }
    }

    /// The durable term and vote.
    pub(crate) fn hard_state(&self) -> HardState {
        self.hard
    }

    /// The base of the log on the medium.
    pub(crate) fn base(&self) -> Position {
        self.base
    }

    /// The last durable index.
    pub(crate) fn through(&self) -> Index {
        self.through
    }

    /// The last index that is durable or on its way.
    pub(crate) fn written(&self) -> Index {
        self.written
    }

    /// Whether a ticket is out.
    pub(crate) fn is_busy(&self) -> bool {
        self.out.is_some()
    }

    /// When to try again after the medium was full.
    pub(crate) fn retry_at(&self) -> Option<Instant> {
        self.retry_at
    }

    /// The log was cut: nothing at or above `from` is durable any more.
    pub(crate) fn truncate(&mut self, from: Index) {
        let keep = from.previous();
        self.through = self.through.min(keep);
        self.written = self.written.min(keep);
        if let Some(out) = &mut self.out {
            out.through = out.through.min(keep);
        }
    }

    /// Everything through `index` is durable by other means: in a snapshot.
    pub(crate) fn reach(&mut self, index: Index) {
        self.through = self.through.max(index);
        self.written = self.written.max(index);
    }

    /// Hands out `hard`, `base` and everything through `through`.
    pub(crate) fn begin(
        &mut self,
        (hard, base): (HardState, Position),
        through: Index,
        node: NodeId,
        nonce: u32,
    ) -> Ticket {
        self.serial = self.serial.wrapping_add(1);
        self.written = through;
        self.out = Some(Outstanding { hard, base, through });
        Ticket { node, nonce, serial: self.serial }
    }

    /// What the ticket names is durable.
    pub(crate) fn finish(
        &mut self,
        ticket: &Ticket,
        node: NodeId,
        nonce: u32,
    ) -> Result<(), TicketError> {
        let out = self.redeem(ticket, node, nonce)?;
        self.hard = out.hard;
        self.base = out.base;
        self.through = self.through.max(out.through);
        self.retry_at = None;
        Ok(())
    }

    /// The medium was full: what the ticket names will be handed out again at `retry_at`.
    pub(crate) fn postpone(
        &mut self,
        ticket: &Ticket,
        node: NodeId,
        nonce: u32,
        retry_at: Instant,
    ) -> Result<(), TicketError> {
        self.redeem(ticket, node, nonce)?;
        self.written = self.through;
        self.retry_at = Some(retry_at);
        Ok(())
    }

    /// The ticket that is out once more, with the term, vote and last index that it is for.
    #[cfg(feature = "explore")]
    pub(crate) fn outstanding(
        &self,
        node: NodeId,
        nonce: u32,
    ) -> Option<(Ticket, HardState, Index)> {
        let out = self.out.as_ref()?;
        Some((Ticket { node, nonce, serial: self.serial }, out.hard, out.through))
    }

    fn redeem(
        &mut self,
        ticket: &Ticket,
        node: NodeId,
        nonce: u32,
    ) -> Result<Outstanding, TicketError> {
        if *ticket != (Ticket { node, nonce, serial: self.serial }) {
            return Err(TicketError);
        }
        self.out.take().ok_or(TicketError)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::Term;

    const NODE: NodeId = NodeId::new(1).unwrap();
    const HARD: HardState = HardState { term: Term(2), vote: None };

    #[test]
    fn a_truncation_while_writing_is_never_acknowledged() {
        let mut durability = Durability::new(HARD, Position::ZERO, Index(5));
        let ticket = durability.begin((HARD, Position::ZERO), Index(9), NODE, 7);
        durability.truncate(Index(7));
        // Index 7 to 9 are filled again before the ticket returns.
        durability.finish(&ticket, NODE, 7).unwrap();
        assert_eq!(durability.through(), Index(6));
        assert_eq!(durability.written(), Index(6));
    }

    #[test]
    fn strange_and_spent_tickets_are_refused() {
        let mut durability = Durability::new(HARD, Position::ZERO, Index(5));
        let ticket = durability.begin((HARD, Position::ZERO), Index(6), NODE, 7);
        assert_eq!(durability.finish(&ticket, NODE, 8), Err(TicketError));
        assert_eq!(durability.finish(&ticket, NODE, 7), Ok(()));
        assert_eq!(durability.finish(&ticket, NODE, 7), Err(TicketError));
    }

    #[test]
    fn full_hands_out_the_base_again() {
        let mut durability = Durability::new(HARD, Position::ZERO, Index(5));
        let base = Position::new(2, 3);
        let ticket = durability.begin((HARD, base), Index(5), NODE, 7);
        durability.postpone(&ticket, NODE, 7, Instant::NEVER).unwrap();
        assert_eq!(durability.base(), Position::ZERO);
        let ticket = durability.begin((HARD, base), Index(5), NODE, 7);
        durability.finish(&ticket, NODE, 7).unwrap();
        assert_eq!((durability.base(), durability.retry_at()), (base, None));
    }

    #[test]
    fn full_hands_out_the_same_again() {
        let mut durability = Durability::new(HARD, Position::ZERO, Index(5));
        let ticket = durability.begin((HARD, Position::ZERO), Index(6), NODE, 7);
        durability.postpone(&ticket, NODE, 7, Instant::NEVER).unwrap();
        assert_eq!((durability.written(), durability.through()), (Index(5), Index(5)));
    }
}
