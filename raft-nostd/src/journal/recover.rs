//! Opening a journal: find its chain, refuse or cut, and then, in a second step, make the outcome
//! durable.

use super::batch::Standing;
use super::error::{Corruption, Counter, Damage, Formatted, RecoverError};
use super::layout::{Generation, HEAD, Owner, Role, Start, Voters};
use super::medium::Medium;
use super::scan::Reader;
use super::shape::Shape;
use super::survey::{Heads, Survey};
use super::view::{BlockView, NoRoom, Visitor};
use super::visit::Visit;
use super::writer::{Health, Place, Trouble, Writer};
use super::{Batch, Found, Identity, Opening, Recovered, Sink};
use crate::frame::{Entry, Frames};
use crate::types::{HardState, Index, Position, Term};

/// [Loads](load) the journal on `medium` and [begins](Loaded::begin) to write it, for hosts that have
/// nothing else to look at before. O(medium).
///
/// # Errors
/// See [`RecoverError`]; `sink` may then hold some entries.
pub fn recover<M: Medium, S: Sink>(
    medium: &mut M,
    opening: &Opening<'_>,
    sink: &mut S,
    buf: &mut [u8],
) -> Result<(Writer, Recovered), RecoverError<M::Error>> {
    let loaded = load(medium, opening, sink, buf)?;
    let recovered = *loaded.recovered();
    Ok((loaded.begin(medium, sink.live())?, recovered))
}

/// A journal that was read and is accepted. Nothing was written yet.
#[derive(Debug)]
#[must_use = "nothing is durable before it is begun"]
pub struct Loaded {
    writer: Writer,
    recovered: Recovered,
}

/// Reads the journal on `medium` and feeds `sink` with the entries that count. Writes nothing: what
/// is refused, here or by what the host looks at next, stays as it is. `buf` is scratch of at least
/// [`Opening::buffer_len`] bytes. O(medium).
///
/// # Errors
/// See [`RecoverError`]; `sink` may then hold some entries.
pub fn load<M: Medium, S: Sink>(
    medium: &mut M,
    opening: &Opening<'_>,
    sink: &mut S,
    buf: &mut [u8],
) -> Result<Loaded, RecoverError<M::Error>> {
    let geometry = medium.geometry();
    let shape = Shape::new(&geometry).ok_or(RecoverError::Geometry)?;
    let voters = Voters::new(opening.identity.voters).ok_or(RecoverError::TooManyVoters)?;
    let reserve = check_capacity(&shape, opening)?;
    if buf.len() < opening.buffer_len() {
        return Err(RecoverError::Buffer { needed: opening.buffer_len() });
    }
    let Identity { cluster, node, .. } = opening.identity;
    let expected = Owner {
        salt: opening.entropy.salt,
        cluster,
        incarnation: opening.entropy.incarnation,
        node,
        boot: 0,
        voters,
        segments: geometry.segments,
        segment_bytes: geometry.segment_bytes,
        granularity: geometry.granularity,
    };
    let mut reader = Reader { medium, shape, salt: 0, buf };
    let mut writer = Writer::blank(shape, expected, opening, reserve);
    let found = match reader.heads()? {
        Some(heads) => {
            check_owner(&heads.newest.owner, &expected)?;
            reader.salt = heads.newest.owner.salt;
            let survey = reader.survey(&heads.newest)?;
            let standing = replay(&mut reader, &survey, opening.limits.max_frame, sink)?;
            writer.resume(&heads, &survey, standing)?;
            survey.found
        }
        None => {
            reader.check_blank()?;
            sink.reset(Position::ZERO);
            Found::Fresh
        }
    };
    let last = writer.check(sink.live())?;
    let recovered = Recovered {
        hard_state: writer.standing.hard_state,
        last,
        base: writer.standing.base,
        incarnation: writer.owner.incarnation,
        boot: writer.owner.boot,
        found,
    };
    Ok(Loaded { writer, recovered })
}

impl Loaded {
    /// What was found. It is durable, and so is the boot's number, once it is begun.
    pub const fn recovered(&self) -> &Recovered {
        &self.recovered
    }

    /// Makes durable what was found, and the fact that nothing else was: what is acknowledged from
    /// now on cannot be undone by what a crash left behind. Formats a blank medium. `live` is what
    /// the sink was fed. O(1), and two syncs; at times O(log).
    ///
    /// # Errors
    /// [`RecoverError::Medium`], [`RecoverError::Exhausted`], or [`RecoverError::Sink`] where `live`
    /// is something else. The journal may be opened again.
    pub fn begin<M: Medium>(
        self,
        medium: &mut M,
        live: Frames<'_>,
    ) -> Result<Writer, RecoverError<M::Error>> {
        let Self { mut writer, recovered } = self;
        writer.open(medium, recovered.found, live)?;
        Ok(writer)
    }
}

fn check_capacity<E>(shape: &Shape, opening: &Opening<'_>) -> Result<u32, RecoverError<E>> {
    let actual = shape.segments;
    let reserve =
        shape.reserve(&opening.limits).ok_or(RecoverError::Capacity { needed: 0, actual })?;
    let needed = shape.needed(reserve);
    if actual < needed { Err(RecoverError::Capacity { needed, actual }) } else { Ok(reserve) }
}

/// Refuses another's journal by name.
pub(super) fn check_owner<E>(found: &Owner, expected: &Owner) -> Result<(), RecoverError<E>> {
    if found.cluster != expected.cluster {
        let (found, expected) = (found.cluster, expected.cluster);
        return Err(RecoverError::Cluster { found, expected });
    }
    if found.node != expected.node {
        let (found, expected) = (found.node, expected.node);
        return Err(RecoverError::Node { found, expected });
    }
    if found.voters != expected.voters {
        let (found, expected) = (found.voters, expected.voters);
        return Err(RecoverError::Voters { found, expected });
    }
    let shape = |owner: &Owner| Formatted {
        segments: owner.segments,
        segment_bytes: owner.segment_bytes,
        granularity: owner.granularity,
    };
    let (found, expected) = (shape(found), shape(expected));
    if found == expected { Ok(()) } else { Err(RecoverError::Shape { found, expected }) }
}

/// Feeds the sink, and returns where the chain ends.
fn replay<M: Medium, S: Sink>(
    reader: &mut Reader<'_, M>,
    survey: &Survey,
    max_frame: usize,
    sink: &mut S,
) -> Result<Standing, RecoverError<M::Error>> {
    let base = survey.chain.base;
    sink.reset(base);
    let mut feeder = Feeder { sink, base: base.index, last: base.index };
    let mut visit = Visit::new(&survey.start, survey.chain.sequence, max_frame, &mut feeder);
    let end = reader.walk(survey.start_slot, survey.start, Some(&mut visit))?;
    // The medium answered differently the second time.
    if end.sequence != survey.chain.sequence {
        return Err(RecoverError::Corrupt(end.corruption(Damage::Header)));
    }
    Ok(visit.standing)
}

struct Feeder<'a, S> {
    sink: &'a mut S,
    /// The last base of the chain: entries up to it were compacted away later, and the log never
    /// had to hold them together with the later ones.
    base: Index,
    last: Index,
}

impl<S: Sink> Feeder<'_, S> {
    fn truncate(&mut self, from: Index) {
        if from <= self.last {
            self.sink.truncate(from.max(self.base.next()));
            self.last = from.previous().max(self.base);
        }
    }
}

impl<S: Sink> Visitor for Feeder<'_, S> {
    fn entry(&mut self, entry: &Entry<'_>) -> Result<(), NoRoom> {
        let index = entry.position.index;
        self.truncate(index);
        if index <= self.base {
            return Ok(());
        }
        self.last = index;
        if self.sink.append(entry.frame) { Ok(()) } else { Err(NoRoom) }
    }

    fn block(&mut self, block: &BlockView) {
        if block.entries == 0 {
            self.truncate(block.first);
        }
    }
}

impl<M: Medium> Reader<'_, M> {
    /// Refuses a medium that holds anything but blanks and, perhaps, a torn first head.
    pub(super) fn check_blank(&mut self) -> Result<(), RecoverError<M::Error>> {
        for segment in 0..self.shape.segments {
            let from = if segment == 0 { HEAD as u32 } else { 0 };
            let written = self.first_written(segment, from).map_err(RecoverError::Medium)?;
            if let Some(offset) = written {
                return Err(RecoverError::NotAJournal { segment, offset });
            }
        }
        Ok(())
    }
}

impl Writer {
    fn blank(shape: Shape, owner: Owner, opening: &Opening<'_>, reserve: u32) -> Self {
        Self {
            shape,
            owner: Owner { boot: 1, ..owner },
            limits: opening.limits,
            reserve,
            nonce: opening.entropy.incarnation as u32,
            count: 0,
            start: Start { slot: 0, generation: Generation::NONE, sequence: 1 },
            length: 0,
            place: Place { slot: 0, generation: Generation::NONE, at: 0, sequence: 1 },
            synced: 0,
            standing: Standing {
                hard_state: HardState::default(),
                last: Index::ZERO,
                base: Position::ZERO,
            },
            health: Health::Ready,
        }
    }

    /// Takes its place at the end of the chain that was found.
    fn resume<E>(
        &mut self,
        heads: &Heads,
        survey: &Survey,
        standing: Standing,
    ) -> Result<(), RecoverError<E>> {
        let boot = heads.boot.checked_add(1).ok_or(RecoverError::Exhausted(Counter::Boot))?;
        let chain = &survey.chain;
        self.owner = Owner { boot, ..heads.newest.owner };
        self.count = survey.claims.count;
        self.start = Start {
            slot: survey.start_slot,
            generation: survey.start.generation,
            sequence: survey.start.sequence,
        };
        self.length = chain.length;
        self.place = Place {
            slot: chain.slot,
            generation: chain.head.generation,
            at: self.shape.usable,
            sequence: chain.sequence,
        };
        self.standing = standing;
        Ok(())
    }

    /// Whether the log is what the journal says. Returns its last position. O(log).
    fn check<E>(&self, live: Frames<'_>) -> Result<Position, RecoverError<E>> {
        let Standing { hard_state, last, base } = self.standing;
        let before_all = base.index > Index::ZERO || base.term == Term::ZERO;
        let (mut end, mut order) = (base, before_all && base.term <= hard_state.term);
        for entry in &live {
            order &= entry.position.term >= end.term && entry.position.term <= hard_state.term;
            end = entry.position;
        }
        // Each block is right by itself, but they contradict each other: nobody wrote them so.
        if !order {
            let Start { slot: segment, sequence, .. } = self.start;
            let damage = Damage::Backwards;
            return Err(RecoverError::Corrupt(Corruption {
                segment,
                offset: 0,
                byte: 0,
                sequence,
                damage,
            }));
        }
        if !self.standing.is_whole(&live) || end.index != last {
            return Err(RecoverError::Sink);
        }
        Ok(end)
    }

    /// Makes durable what recovery kept, then begins a segment of its own, whose head cuts off the
    /// rest and counts the boot.
    fn open<M: Medium>(
        &mut self,
        medium: &mut M,
        found: Found,
        live: Frames<'_>,
    ) -> Result<(), RecoverError<M::Error>> {
        if !self.standing.is_whole(&live) {
            return Err(RecoverError::Sink);
        }
        self.force_sync(medium).map_err(trouble)?;
        if found == Found::Fresh {
            self.format(medium).map_err(trouble)?;
        } else if self.may_grow() {
            self.extend(medium).map_err(trouble)?;
        } else {
            let Standing { hard_state, last, base } = self.standing;
            let frames = Frames::none(last.next());
            let batch = Batch { hard_state, frames, live, base };
            let actual = self.shape.segments;
            self.rewrite(medium, &batch).map_err(|error| match error {
                // A log that was within its bounds whenever it was written always has the room.
                Trouble::Batch(_) => {
                    RecoverError::Capacity { needed: actual.saturating_add(1), actual }
                }
                error => trouble(error),
            })?;
        }
        self.force_sync(medium).map_err(trouble)
    }
}

impl Writer {
    /// Writes the first head of a new journal.
    fn format<M: Medium>(&mut self, medium: &mut M) -> Result<(), Trouble<M::Error>> {
        let mut place = self.place;
        let previous = place.enter(self.next_generation()?);
        let start = place.start();
        let head = self.head(&place, Role::Log, previous, start, &self.standing);
        self.begin(medium, &mut place, &head)?;
        self.start = start;
        self.place = place;
        self.length = 1;
        Ok(())
    }
}

fn trouble<E>(trouble: Trouble<E>) -> RecoverError<E> {
    match trouble {
        Trouble::Erase(error) | Trouble::Write(error) | Trouble::Sync(error) => {
            RecoverError::Medium(error)
        }
        Trouble::Exhausted(counter) => RecoverError::Exhausted(counter),
        Trouble::Batch(_) => RecoverError::Sink,
    }
}
