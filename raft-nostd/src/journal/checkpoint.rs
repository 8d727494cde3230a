//! Rewriting the log from memory, so that the segments behind it can be used again.

use super::Batch;
use super::batch::{Rest, Standing};
use super::error::BatchError;
use super::layout::{BlockKind, Role, Start};
use super::medium::Medium;
use super::writer::{Content, Place, Trouble, Writer};

/// A rewrite on its way. The writer knows nothing of it until it is durable.
struct Rewriting<'a> {
    place: Place,
    standing: Standing,
    rest: Rest<'a>,
    /// Where it began.
    start: Option<Start>,
    /// Segments it took.
    used: u32,
}

impl Writer {
    /// Writes `batch.live` into fresh segments and syncs. It counts from its last block on; until
    /// then, and if anything fails, the chain before it does. O(bytes of the log).
    pub(super) fn rewrite<M: Medium>(
        &mut self,
        medium: &mut M,
        batch: &Batch<'_>,
    ) -> Result<(), Trouble<M::Error>> {
        let mut rewriting = Rewriting {
            place: self.place,
            standing: Standing {
                hard_state: batch.hard_state,
                last: batch.live.first().previous(),
                base: batch.base,
            },
            rest: Rest::new(&batch.live),
            start: None,
            used: 0,
        };
        loop {
            let start = self.rewrite_head(medium, &mut rewriting)?;
            self.rewrite_part(medium, &mut rewriting)?;
            if rewriting.rest.is_empty() {
                medium.sync().map_err(Trouble::Sync)?;
                self.synced = rewriting.place.sequence.saturating_sub(1);
                self.start = start;
                self.length = rewriting.used;
                self.place = rewriting.place;
                self.standing = rewriting.standing;
                return Ok(());
            }
        }
    }

    /// Begins the next segment of a rewrite; returns where the rewrite began.
    fn rewrite_head<M: Medium>(
        &mut self,
        medium: &mut M,
        rewriting: &mut Rewriting<'_>,
    ) -> Result<Start, Trouble<M::Error>> {
        // The log is larger than the limits said when the medium was found large enough.
        if rewriting.used >= self.free_segments() {
            return Err(Trouble::Batch(BatchError::TooLarge));
        }
        let place = &mut rewriting.place;
        place.slot = self.shape.after(place.slot);
        let previous = place.enter(self.next_generation()?);
        let start = *rewriting.start.get_or_insert(place.start());
        let role = Role::Checkpoint { slot: start.slot, generation: start.generation };
        let head = self.head(place, role, previous, self.start, &rewriting.standing);
        self.begin(medium, place, &head).map_err(|trouble| match trouble {
            // What stands there already must not be followed by blocks of the old chain with the
            // same sequences.
            Trouble::Erase(error) if rewriting.used > 0 => Trouble::Write(error),
            trouble => trouble,
        })?;
        rewriting.used = rewriting.used.saturating_add(1);
        Ok(start)
    }

    /// Fills the segment with as many frames as fit.
    fn rewrite_part<M: Medium>(
        &mut self,
        medium: &mut M,
        rewriting: &mut Rewriting<'_>,
    ) -> Result<(), Trouble<M::Error>> {
        let room = self.shape.body_room(rewriting.place.at).unwrap_or(0);
        let part = rewriting.rest.take(room).map_err(Trouble::Batch)?;
        let part = part.ok_or(Trouble::Batch(BatchError::TooLarge))?;
        let whole = rewriting.rest.is_empty();
        let content = Content {
            kind: if whole { BlockKind::CheckpointEnd } else { BlockKind::Checkpoint },
            hard_state: rewriting.standing.hard_state,
            first: part.first,
            parts: part.slices,
        };
        self.append_at(medium, &mut rewriting.place, &content)?;
        rewriting.standing.last = part.first.plus(part.count).previous();
        Ok(())
    }
}
