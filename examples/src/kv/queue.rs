//! The replies that a client is owed, in the order of its commands. They are filled in any order.

use super::reply::{Protocol, Reply};
use std::collections::VecDeque;

/// What a slot costs beyond the bytes it holds.
const SLOT_COST: usize = 64;

/// The place of one command's reply.
#[derive(Debug)]
pub enum Slot {
    /// Answered.
    Done(Reply),
    /// Answered, in another protocol from here on.
    Switched(Reply, Protocol),
    /// Proposed.
    Writing,
    /// To be looked up once its round is confirmed.
    Reading(Vec<u8>),
    /// To be looked up as soon as it is at the front.
    Confirmed(Vec<u8>),
}

impl Slot {
    fn cost(&self) -> usize {
        SLOT_COST.saturating_add(match self {
            Self::Done(reply) | Self::Switched(reply, _) => reply.cost(),
            Self::Writing => 0,
            Self::Reading(query) | Self::Confirmed(query) => query.len(),
        })
    }
}

/// What is due at the front of the queue.
#[derive(Debug)]
pub enum Due {
    /// A reply.
    Reply(Reply),
    /// A reply, in another protocol from here on.
    Switch(Reply, Protocol),
    /// The answer to a query.
    Query(Vec<u8>),
}

/// The queue.
#[derive(Debug, Default)]
pub struct Queue {
    /// The slots, and what each was taken to cost.
    slots: VecDeque<(Slot, usize)>,
    /// The number of the first slot.
    first: u64,
    cost: usize,
    reads: usize,
}

impl Queue {
    /// The number of the next slot.
    pub fn next(&self) -> u64 {
        self.first.saturating_add(self.slots.len() as u64)
    }

    /// About how many bytes of memory its slots hold.
    pub const fn cost(&self) -> usize {
        self.cost
    }

    /// How many reads wait in it.
    pub const fn reads(&self) -> usize {
        self.reads
    }

    /// Whether nothing is owed.
    pub fn is_empty(&self) -> bool {
        self.slots.is_empty()
    }

    /// Adds a slot.
    pub fn push(&mut self, slot: Slot) {
        if matches!(slot, Slot::Reading(_) | Slot::Confirmed(_)) {
            self.reads = self.reads.saturating_add(1);
        }
        let cost = slot.cost();
        self.cost = self.cost.saturating_add(cost);
        self.slots.push_back((slot, cost));
    }

    /// Fills a slot. Nothing happens when it is filled already, or gone.
    pub fn fill(&mut self, slot: u64, reply: Reply) {
        let Some(place) = self.slot(slot) else { return };
        match place {
            Slot::Done(_) | Slot::Switched(..) => {}
            Slot::Writing => *place = Slot::Done(reply),
            Slot::Reading(_) | Slot::Confirmed(_) => {
                *place = Slot::Done(reply);
                self.reads = self.reads.saturating_sub(1);
            }
        }
    }

    /// The read in a slot may be answered.
    pub fn confirm(&mut self, slot: u64) {
        if let Some(place) = self.slot(slot)
            && let Slot::Reading(query) = place
        {
            *place = Slot::Confirmed(std::mem::take(query));
        }
    }

    fn slot(&mut self, slot: u64) -> Option<&mut Slot> {
        let place = usize::try_from(slot.checked_sub(self.first)?).ok()?;
        self.slots.get_mut(place).map(|(slot, _)| slot)
    }

    /// Whether [`Queue::pop`] would find something.
    pub fn is_due(&self) -> bool {
        let first = self.slots.front();
        first.is_some_and(|(slot, _)| !matches!(slot, Slot::Writing | Slot::Reading(_)))
    }

    /// Takes what is due at the front.
    pub fn pop(&mut self) -> Option<Due> {
        if !self.is_due() {
            return None;
        }
        let (slot, cost) = self.slots.pop_front()?;
        self.first = self.first.saturating_add(1);
        self.cost = self.cost.saturating_sub(cost);
        match slot {
            Slot::Done(reply) => Some(Due::Reply(reply)),
            Slot::Switched(reply, protocol) => Some(Due::Switch(reply, protocol)),
            Slot::Reading(query) | Slot::Confirmed(query) => {
                self.reads = self.reads.saturating_sub(1);
                Some(Due::Query(query))
            }
            // Not due: see above.
            Slot::Writing => None,
        }
    }
}
