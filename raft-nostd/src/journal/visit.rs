//! The second walk: do the contents of intact blocks agree with each other, and what are they?

use super::batch::{Standing, base_follows, follows};
use super::error::{Corruption, Damage, RecoverError};
use super::layout::{BlockKind, HEADER, Head, Header};
use super::medium::Medium;
use super::scan::Reader;
use super::view::{BlockView, NoRoom, SegmentView, Visitor};
use super::walk::{Chain, Rewrite};
use crate::frame::{Entry, announced, verify};
use crate::types::{Index, Term};

/// What the second walk checks and feeds.
pub(super) struct Visit<'v> {
    /// The sequence to stop at.
    pub(super) until: u64,
    /// Bytes in the longest frame that is taken.
    most: u32,
    pub(super) standing: Standing,
    pub(super) visitor: &'v mut dyn Visitor,
}

impl<'v> Visit<'v> {
    pub(super) fn new(start: &Head, until: u64, most: usize, visitor: &'v mut dyn Visitor) -> Self {
        let most = u32::try_from(most).unwrap_or(u32::MAX);
        let last = start.base.index;
        let standing = Standing { hard_state: start.hard_state, last, base: start.base };
        Self { until, most, standing, visitor }
    }
}

impl Visit<'_> {
    /// Checks a head against what came before it, and shows the segment.
    pub(super) fn enter<E>(&mut self, chain: &Chain) -> Result<(), RecoverError<E>> {
        let head = &chain.head;
        let Standing { hard_state, last, base } = &self.standing;
        let at_head = Corruption {
            offset: 0,
            byte: 0,
            sequence: head.sequence,
            ..chain.corruption(Damage::Gap)
        };
        if head.first != last.next() || head.base != *base {
            return Err(RecoverError::Corrupt(at_head));
        }
        if !follows(hard_state, &head.hard_state) {
            let damage = Damage::Backwards;
            return Err(RecoverError::Corrupt(Corruption { damage, ..at_head }));
        }
        self.standing.hard_state = head.hard_state;
        self.visitor.segment(&SegmentView {
            segment: chain.slot,
            generation: head.generation.count(),
            sequence: head.sequence,
            synced: head.synced,
            cluster: head.owner.cluster,
            node: head.owner.node,
            incarnation: head.owner.incarnation,
            boot: head.owner.boot,
            base: head.base,
            hard_state: head.hard_state,
        });
        Ok(())
    }

    /// Refuses a frame that is longer than any may be, which is no damage.
    fn check_len<E>(&self, index: Index, len: usize) -> Result<(), RecoverError<E>> {
        let (len, most) = (u32::try_from(len).unwrap_or(u32::MAX), self.most);
        if len > most { Err(RecoverError::FrameTooLong { index, len, most }) } else { Ok(()) }
    }

    /// Whether a block may stand where it does.
    fn check(&self, chain: &Chain, header: &Header, behind: &Chain) -> Result<(), Damage> {
        let Standing { hard_state, last, base } = &self.standing;
        if !follows(hard_state, &header.hard_state) {
            return Err(Damage::Backwards);
        }
        if !base_follows(base, &behind.base) {
            return Err(Damage::Backwards);
        }
        let first = header.first;
        let fits = first <= last.next() && first > base.index;
        let (possible, fits) = match (header.kind, chain.rewrite) {
            (BlockKind::Entries, Rewrite::Finished) => (true, fits),
            (BlockKind::Base, Rewrite::Finished) => {
                let fits = first > behind.base.index
                    && (first <= last.next() || first == behind.base.index.next());
                (true, fits)
            }
            (BlockKind::Seal, Rewrite::Finished) => (header.body_len == 0, first == last.next()),
            (BlockKind::Checkpoint | BlockKind::CheckpointEnd, Rewrite::Unfinished) => {
                (true, first == last.next())
            }
            _ => (false, true),
        };
        match (possible, fits) {
            (false, _) => Err(Damage::Kind),
            (true, false) => Err(Damage::Gap),
            (true, true) => Ok(()),
        }
    }
}

impl<M: Medium> Reader<'_, M> {
    /// Checks one block against what came before it, and shows it.
    pub(super) fn show(
        &mut self,
        chain: &Chain,
        header: &Header,
        visit: &mut Visit<'_>,
    ) -> Result<(), RecoverError<M::Error>> {
        let mut behind = *chain;
        self.pass(&mut behind, header)?;
        let corrupt = |damage| Err(RecoverError::Corrupt(chain.corruption(damage)));
        if let Err(damage) = visit.check(chain, header, &behind) {
            return corrupt(damage);
        }
        let has_frames = !matches!(header.kind, BlockKind::Base | BlockKind::Seal);
        let entries = if has_frames { self.frames(chain, header, visit)? } else { 0 };
        visit.standing = Standing {
            hard_state: header.hard_state,
            last: header.first.plus(entries).previous(),
            base: behind.base,
        };
        visit.visitor.block(&BlockView {
            segment: chain.slot,
            offset: chain.at,
            bytes: (HEADER as u32).saturating_add(header.body_len),
            kind: header.kind,
            sequence: header.sequence,
            synced: header.synced,
            hard_state: header.hard_state,
            first: header.first,
            entries,
        });
        Ok(())
    }

    /// Verifies and shows the frames of a block; returns their count.
    fn frames(
        &mut self,
        chain: &Chain,
        header: &Header,
        visit: &mut Visit<'_>,
    ) -> Result<u64, RecoverError<M::Error>> {
        let body = chain.at.saturating_add(HEADER as u32);
        let mut tally = Tally { done: 0, count: 0, term: Term::ZERO };
        while tally.done < header.body_len {
            let before = tally.done;
            let from = body.saturating_add(before);
            let corrupt = |at: u32, damage| {
                let byte = body.saturating_add(at);
                RecoverError::Corrupt(Corruption { byte, ..chain.corruption(damage) })
            };
            let len = header.body_len.saturating_sub(before).min(self.buf_len());
            let Some(window) = self.buf.get_mut(..len as usize) else { break };
            self.medium.read(chain.slot, from, window).map_err(RecoverError::Medium)?;
            let mut rest: &[u8] = window;
            while let Ok(entry) = verify(rest) {
                tally.check(header, &entry).map_err(|damage| corrupt(tally.done, damage))?;
                let index = entry.position.index;
                visit.check_len(index, entry.frame.len())?;
                visit.visitor.entry(&entry).map_err(|NoRoom| RecoverError::LogFull { index })?;
                tally.add(&entry);
                rest = rest.get(entry.frame.len()..).unwrap_or(&[]);
            }
            // The frame may go on behind the window; at the window's start that means that it is
            // longer than any may be, or no frame.
            if tally.done == before {
                if let Some((position, len)) = announced(window).filter(|(_, len)| {
                    *len > window.len() && *len <= header.body_len.saturating_sub(before) as usize
                }) {
                    visit.check_len(position.index, len)?;
                }
                return Err(corrupt(before, Damage::Frame));
            }
        }
        Ok(tally.count)
    }
}

/// The frames of one block so far.
struct Tally {
    /// Their bytes.
    done: u32,
    count: u64,
    /// The term of the last.
    term: Term,
}

impl Tally {
    fn check(&self, header: &Header, entry: &Entry<'_>) -> Result<(), Damage> {
        if entry.position.index != header.first.plus(self.count) {
            return Err(Damage::Gap);
        }
        let term = entry.position.term;
        if term < self.term || term > header.hard_state.term {
            return Err(Damage::Backwards);
        }
        Ok(())
    }

    const fn add(&mut self, entry: &Entry<'_>) {
        self.done = self.done.saturating_add(entry.frame.len() as u32);
        self.count = self.count.saturating_add(1);
        self.term = entry.position.term;
    }
}
