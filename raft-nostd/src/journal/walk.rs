//! Walking a chain of blocks, once to find where it ends and once to hand out what it holds.

use super::error::{Corruption, Damage, RecoverError};
use super::layout::{BASE_BODY, BlockKind, Generation, HEADER, Head, Header, Role, base_from};
use super::medium::Medium;
use super::scan::Reader;
use super::stage::block_len;
use super::visit::Visit;
use crate::frame::verify;
use crate::types::Position;

/// Whether a chain that begins with a checkpoint has seen the end of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rewrite {
    Unfinished,
    Finished,
}

/// What ended a chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stop {
    /// There is no header of the next block.
    Header,
    /// There is, but the body is not its.
    Body,
}

/// A chain up to some place.
#[derive(Clone, Copy, Debug)]
pub(super) struct Chain {
    /// The segment the place is in.
    pub(super) slot: u32,
    pub(super) head: Head,
    pub(super) at: u32,
    /// The sequence expected there.
    pub(super) sequence: u64,
    /// How many segments so far.
    pub(super) length: u32,
    pub(super) base: Position,
    pub(super) last_kind: BlockKind,
    pub(super) rewrite: Rewrite,
    pub(super) stop: Stop,
    /// Where the checkpoint that the chain begins with begins.
    checkpoint: Generation,
}

impl Chain {
    pub(super) fn new<M: Medium>(reader: &Reader<'_, M>, slot: u32, head: Head) -> Self {
        let (rewrite, checkpoint) = match head.role {
            Role::Log => (Rewrite::Finished, Generation::NONE),
            Role::Checkpoint { generation, .. } => (Rewrite::Unfinished, generation),
        };
        Self {
            slot,
            head,
            at: reader.shape.head_len(),
            sequence: head.sequence.saturating_add(1),
            length: 1,
            base: head.base,
            last_kind: BlockKind::Head,
            rewrite,
            stop: Stop::Header,
            checkpoint,
        }
    }

    /// Names damage at this place.
    pub(super) const fn corruption(&self, damage: Damage) -> Corruption {
        Corruption {
            segment: self.slot,
            offset: self.at,
            byte: self.at,
            sequence: self.sequence,
            damage,
        }
    }
}

impl<M: Medium> Reader<'_, M> {
    /// Follows the chain that begins with `head` in `slot`: without `visit`, checks every body and
    /// goes as far as there are valid blocks; with it, goes to where the first walk ended, checks
    /// that the contents agree with each other, and shows them. O(bytes of the chain).
    pub(super) fn walk(
        &mut self,
        slot: u32,
        head: Head,
        mut visit: Option<&mut Visit<'_>>,
    ) -> Result<Chain, RecoverError<M::Error>> {
        let mut chain = Chain::new(self, slot, head);
        if let Some(visit) = visit.as_deref_mut() {
            visit.enter(&chain)?;
        }
        let mut next = self.successor(&chain)?;
        loop {
            if visit.as_ref().is_some_and(|visit| chain.sequence >= visit.until) {
                return Ok(chain);
            }
            // A head stands in every slot at most once: only forged ones go round for ever.
            let more = chain.length < self.shape.segments;
            if let Some(head) = next.filter(|head| more && head.sequence == chain.sequence) {
                chain.hop(self.shape.after(chain.slot), head, self.shape.head_len());
                next = self.successor(&chain)?;
                if let Some(visit) = visit.as_deref_mut() {
                    visit.enter(&chain)?;
                }
                continue;
            }
            let found = self.header(chain.slot, chain.at).map_err(RecoverError::Medium)?;
            let Some(header) = found.filter(|header| {
                header.generation == chain.head.generation && header.sequence == chain.sequence
            }) else {
                return Ok(chain);
            };
            match visit.as_deref_mut() {
                Some(visit) => self.show(&chain, &header, visit)?,
                None if self
                    .body_matches(chain.slot, chain.at, &header)
                    .map_err(RecoverError::Medium)? => {}
                None => {
                    chain.stop = Stop::Body;
                    return Ok(chain);
                }
            }
            self.pass(&mut chain, &header)?;
        }
    }

    /// The head of the segment after the chain's, if it was begun to go on from there.
    pub(super) fn successor(
        &mut self,
        chain: &Chain,
    ) -> Result<Option<Head>, RecoverError<M::Error>> {
        let slot = self.shape.after(chain.slot);
        let head = self.head(slot).map_err(RecoverError::Medium)?.ok();
        Ok(head.filter(|head| {
            let role = match head.role {
                // A rewrite replaces the chain before it and is never a part of it.
                Role::Checkpoint { generation, .. } => generation == chain.checkpoint,
                Role::Log => true,
            };
            role && head.previous == chain.head.generation && head.owner.salt == self.salt
        }))
    }

    /// Moves `chain` behind an intact block.
    pub(super) fn pass(
        &mut self,
        chain: &mut Chain,
        header: &Header,
    ) -> Result<(), RecoverError<M::Error>> {
        if header.kind == BlockKind::Base {
            let mut body = [0; BASE_BODY];
            if header.body_len != BASE_BODY as u32 {
                return Err(RecoverError::Corrupt(chain.corruption(Damage::Kind)));
            }
            self.medium
                .read(chain.slot, chain.at.saturating_add(HEADER as u32), &mut body)
                .map_err(RecoverError::Medium)?;
            chain.base = base_from(&body).unwrap_or(chain.base);
        }
        if header.kind == BlockKind::CheckpointEnd {
            chain.rewrite = Rewrite::Finished;
        }
        chain.last_kind = header.kind;
        chain.at = chain.at.saturating_add(block_len(&self.shape, header));
        chain.sequence = chain.sequence.saturating_add(1);
        Ok(())
    }

    /// Where in the body of a damaged block the first damaged frame begins. O(body).
    pub(super) fn damaged_byte(&mut self, chain: &Chain) -> Result<u32, M::Error> {
        let Some(header) = self.header(chain.slot, chain.at)? else { return Ok(chain.at) };
        let body = chain.at.saturating_add(HEADER as u32);
        let mut done = 0_u32;
        while done < header.body_len {
            let len = header.body_len.saturating_sub(done).min(self.buf_len());
            let Some(window) = self.buf.get_mut(..len as usize) else { break };
            self.medium.read(chain.slot, body.saturating_add(done), window)?;
            let before = done;
            let mut rest: &[u8] = window;
            while let Ok(entry) = verify(rest) {
                done = done.saturating_add(entry.frame.len() as u32);
                rest = rest.get(entry.frame.len()..).unwrap_or(&[]);
            }
            if done == before {
                return Ok(body.saturating_add(done));
            }
        }
        Ok(chain.at)
    }
}

impl Chain {
    const fn hop(&mut self, slot: u32, head: Head, at: u32) {
        self.slot = slot;
        self.head = head;
        self.at = at;
        self.sequence = self.sequence.saturating_add(1);
        self.length = self.length.saturating_add(1);
        self.last_kind = BlockKind::Head;
    }
}
