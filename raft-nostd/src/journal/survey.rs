//! Finding the chain that counts, and telling a torn tail from damage.

use super::error::{Corruption, Damage, RecoverError};
use super::layout::{BlockKind, FORMAT, Generation, Head, HeadFault, Role};
use super::medium::Medium;
use super::scan::{Claims, Reader};
use super::walk::{Chain, Rewrite, Stop};
use super::{Cut, Found};

/// The heads of all segments, taken together.
#[derive(Clone, Copy, Debug)]
pub(super) struct Heads {
    pub(super) newest: Head,
    /// The highest boot number in any head, whether it counts or not.
    pub(super) boot: u32,
}

/// The chain that counts.
#[derive(Clone, Copy, Debug)]
pub(super) struct Survey {
    pub(super) start_slot: u32,
    pub(super) start: Head,
    /// Its end.
    pub(super) chain: Chain,
    pub(super) claims: Claims,
    pub(super) found: Found,
}

impl<M: Medium> Reader<'_, M> {
    /// Reads every segment's head. `None` when there is not one. O(segments).
    pub(super) fn heads(&mut self) -> Result<Option<Heads>, RecoverError<M::Error>> {
        let mut heads: Option<Heads> = None;
        for slot in 0..self.shape.segments {
            let head = match self.head(slot).map_err(RecoverError::Medium)? {
                Ok(head) => head,
                Err(HeadFault::NoHead) => continue,
                Err(HeadFault::Format(found)) => {
                    return Err(RecoverError::Format { found, expected: FORMAT });
                }
            };
            let Some(so_far) = &mut heads else {
                heads = Some(Heads { newest: head, boot: head.owner.boot });
                continue;
            };
            let (one, other) = (&so_far.newest.owner, &head.owner);
            if one.salt != other.salt || one.incarnation != other.incarnation {
                let damage = Damage::Foreign;
                let sequence = head.sequence;
                let corruption = Corruption { segment: slot, offset: 0, byte: 0, sequence, damage };
                return Err(RecoverError::Corrupt(corruption));
            }
            so_far.boot = so_far.boot.max(head.owner.boot);
            if head.generation.count() > so_far.newest.generation.count() {
                so_far.newest = head;
            }
        }
        Ok(heads)
    }

    /// Finds the chain that counts and where it ends. O(medium).
    pub(super) fn survey(&mut self, newest: &Head) -> Result<Survey, RecoverError<M::Error>> {
        let claims = self.claims().map_err(RecoverError::Medium)?;
        if let Some(survey) = self.rewritten(newest, claims)? {
            return Ok(survey);
        }
        let lost = Corruption {
            segment: newest.start.slot,
            offset: 0,
            byte: 0,
            sequence: newest.start.sequence,
            damage: Damage::Head,
        };
        // A chain is only named by a head once it is durable.
        let (slot, start) = self.start_of(newest)?.ok_or(RecoverError::Corrupt(lost))?;
        let chain = self.walk(slot, start, None)?;
        self.judge(&chain, claims)?;
        if chain.rewrite == Rewrite::Unfinished {
            return Err(RecoverError::Corrupt(chain.corruption(Damage::Checkpoint)));
        }
        let found = self.found(&chain, claims)?;
        Ok(Survey { start_slot: slot, start, chain, claims, found })
    }

    /// The slot and head that begin the chain which `newest` names.
    pub(super) fn start_of(
        &mut self,
        newest: &Head,
    ) -> Result<Option<(u32, Head)>, RecoverError<M::Error>> {
        let slot = newest.start.slot;
        let head = self.head_of(slot, newest.start.generation)?;
        Ok(head.map(|head| (slot, head)))
    }

    /// The head in `slot`, if there is such a slot and it is of `generation`.
    fn head_of(
        &mut self,
        slot: u32,
        generation: Generation,
    ) -> Result<Option<Head>, RecoverError<M::Error>> {
        if slot >= self.shape.segments {
            return Ok(None);
        }
        let head = self.head(slot).map_err(RecoverError::Medium)?.ok();
        Ok(head.filter(|head| head.generation == generation))
    }

    /// The chain that begins with the checkpoint `newest` belongs to, if it is complete.
    fn rewritten(
        &mut self,
        newest: &Head,
        claims: Claims,
    ) -> Result<Option<Survey>, RecoverError<M::Error>> {
        let Role::Checkpoint { slot, generation } = newest.role else { return Ok(None) };
        let Some(start) = self.head_of(slot, generation)? else { return Ok(None) };
        let chain = self.walk(slot, start, None)?;
        self.judge(&chain, claims)?;
        if chain.rewrite == Rewrite::Unfinished {
            return Ok(None);
        }
        let found = self.found(&chain, claims)?;
        Ok(Some(Survey { start_slot: slot, start, chain, claims, found }))
    }

    /// Refuses when any block says that the place where `chain` ends was durable.
    fn judge(&mut self, chain: &Chain, claims: Claims) -> Result<(), RecoverError<M::Error>> {
        if claims.synced < chain.sequence {
            return Ok(());
        }
        let corruption = match chain.stop {
            Stop::Body => Corruption {
                byte: self.damaged_byte(chain).map_err(RecoverError::Medium)?,
                ..chain.corruption(Damage::Body)
            },
            Stop::Header if self.goes_on(chain)? => chain.corruption(Damage::Header),
            Stop::Header => Corruption {
                segment: self.shape.after(chain.slot),
                offset: 0,
                byte: 0,
                ..chain.corruption(Damage::Head)
            },
        };
        Err(RecoverError::Corrupt(corruption))
    }

    /// Whether the segment that `chain` ends in held more blocks.
    fn goes_on(&mut self, chain: &Chain) -> Result<bool, RecoverError<M::Error>> {
        if self.successor(chain)?.is_some_and(|head| head.sequence > chain.sequence) {
            return Ok(true);
        }
        let mut more = false;
        self.each_header(chain.slot, chain.at, &mut |header| {
            more |= header.generation == chain.head.generation && header.sequence > chain.sequence;
        })
        .map_err(RecoverError::Medium)?;
        Ok(more)
    }

    /// How the journal was left, as far as it shows.
    fn found(&mut self, chain: &Chain, claims: Claims) -> Result<Found, RecoverError<M::Error>> {
        let torn = chain.stop == Stop::Body
            || claims.count > chain.head.generation.count()
            || self
                .resembles(chain.slot, chain.at, chain.head.generation)
                .map_err(RecoverError::Medium)?
            || self.goes_on(chain)?;
        Ok(if torn {
            let Chain { slot, at, sequence, .. } = *chain;
            Found::Torn(Cut { segment: slot, offset: at, sequence })
        } else if chain.last_kind == BlockKind::Seal {
            Found::Sealed
        } else {
            Found::Open
        })
    }
}
