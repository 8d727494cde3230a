//! Looking at a journal without changing it.

use super::error::{Corruption, RecoverError};
use super::layout::Voters;
use super::medium::Medium;
use super::scan::Reader;
use super::shape::Shape;
use super::view::Visitor;
use super::visit::Visit;
use super::{BUFFER_MIN, Found};
use crate::types::{ClusterId, HardState, Index, NodeId, Position};

/// What a journal is and holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Inspection {
    /// The cluster it belongs to.
    pub cluster: ClusterId,
    /// The node.
    pub node: NodeId,
    /// The voters of the initial configuration.
    pub voters: Voters,
    /// Drawn when it was formatted.
    pub incarnation: u64,
    /// How often it has been opened.
    pub boot: u32,
    /// Term and vote.
    pub hard_state: HardState,
    /// The position before the first entry.
    pub base: Position,
    /// The index of the last entry, or of `base`.
    pub last: Index,
    /// Why it ends.
    pub ending: Ending,
}

/// Why a journal ends where it does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// There is no more; or a tail that was never synced, which the next opening will cut.
    Found(Found),
    /// Acknowledged bytes are damaged: the next opening will refuse. Blocks after that were not
    /// visited, and if another chain counts instead, neither were those before it.
    Corrupt(Corruption),
}

/// Shows `visitor` what the journal on `medium` holds, up to where it ends or is damaged. Changes
/// nothing. `buf` is scratch of at least [`BUFFER_MIN`] bytes and the longest frame. O(medium).
///
/// # Errors
/// When there is no journal, the medium fails, or a frame is longer than `buf`. Damage is an
/// [`Ending`].
pub fn inspect<M: Medium>(
    medium: &mut M,
    visitor: &mut dyn Visitor,
    buf: &mut [u8],
) -> Result<Inspection, RecoverError<M::Error>> {
    if buf.len() < BUFFER_MIN {
        return Err(RecoverError::Buffer { needed: BUFFER_MIN });
    }
    let shape = Shape::new(&medium.geometry()).ok_or(RecoverError::Geometry)?;
    let most = buf.len();
    let mut reader = Reader { medium, shape, salt: 0, buf };
    let Some(heads) = reader.heads()? else {
        reader.check_blank()?;
        return Err(RecoverError::Blank);
    };
    let owner = heads.newest.owner;
    reader.salt = owner.salt;
    let mut inspection = Inspection {
        cluster: owner.cluster,
        node: owner.node,
        voters: owner.voters,
        incarnation: owner.incarnation,
        boot: heads.boot,
        hard_state: heads.newest.hard_state,
        base: heads.newest.base,
        last: heads.newest.first.previous(),
        ending: Ending::Found(Found::Open),
    };
    let (slot, start, until) = match reader.survey(&heads.newest) {
        Ok(survey) => {
            inspection.ending = Ending::Found(survey.found);
            (survey.start_slot, survey.start, survey.chain.sequence)
        }
        Err(RecoverError::Corrupt(corruption)) => {
            inspection.ending = Ending::Corrupt(corruption);
            let Some((slot, head)) = reader.start_of(&heads.newest)? else {
                return Ok(inspection);
            };
            (slot, head, corruption.sequence)
        }
        Err(error) => return Err(error),
    };
    let mut visit = Visit::new(&start, until, most, visitor);
    match reader.walk(slot, start, Some(&mut visit)) {
        Ok(_) => {}
        Err(RecoverError::Corrupt(corruption)) => inspection.ending = Ending::Corrupt(corruption),
        Err(error) => return Err(error),
    }
    inspection.hard_state = visit.standing.hard_state;
    inspection.base = visit.standing.base;
    inspection.last = visit.standing.last;
    Ok(inspection)
}
