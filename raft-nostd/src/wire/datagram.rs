//! A whole datagram: encoding and total decoding.

use super::envelope::{self, Envelope};
use super::{CRC_LEN, Install, Message};
use crate::crc::checksum;
use crate::error::Refused;
use crate::frame::{self, Frames};
use crate::types::{Index, Term};

/// A decoded datagram, borrowing its frames.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Datagram<'a> {
    /// From whom to whom.
    pub envelope: Envelope,
    /// What is said.
    pub message: Message,
    /// The entries of an append; none for anything else.
    pub frames: Frames<'a>,
    /// The chunk of an [`Install`](super::Install); nothing for anything else.
    pub chunk: &'a [u8],
}

/// Writes a datagram to the start of `out` and returns its length, or `None` when it does not fit.
/// Count and bytes of an append must be those of `frames`. O(bytes).
pub fn encode(
    envelope: &Envelope,
    message: &Message,
    frames: &Frames<'_>,
    out: &mut [u8],
) -> Option<usize> {
    let (head, rest) = out.split_first_chunk_mut::<{ envelope::LEN }>()?;
    *head = envelope.to_bytes();
    let header_len = postcard::to_slice(message, rest).ok()?.len();
    let mut at = envelope::LEN.checked_add(header_len)?;
    for slice in frames.slices() {
        let end = at.checked_add(slice.len())?;
        out.get_mut(at..end)?.copy_from_slice(slice);
        at = end;
    }
    seal(out, at)
}

/// Writes what comes before the chunk of a snapshot to the start of `out`: where the chunk begins.
/// [`seal`] ends the datagram. O(1).
pub fn encode_install(envelope: &Envelope, install: &Install, out: &mut [u8]) -> Option<usize> {
    let (head, rest) = out.split_first_chunk_mut::<{ envelope::LEN }>()?;
    *head = envelope.to_bytes();
    let header_len = postcard::to_slice(&Message::Install(*install), rest).ok()?.len();
    envelope::LEN.checked_add(header_len)
}

/// Ends a datagram whose content is the first `len` bytes of `out` with its CRC, and returns its
/// length, or `None` when that does not fit. O(bytes).
pub fn seal(out: &mut [u8], len: usize) -> Option<usize> {
    let crc = checksum(out.get(..len)?);
    let end = len.checked_add(CRC_LEN)?;
    out.get_mut(len..end)?.copy_from_slice(&crc.to_le_bytes());
    Some(end)
}

/// Who sends what to whom, of a datagram that may have been cut. Nothing else is checked.
pub(crate) fn envelope_of(bytes: &[u8]) -> Option<Envelope> {
    let (head, _) = bytes.split_first_chunk::<{ envelope::LEN }>()?;
    Envelope::from_bytes(head).ok()
}

/// Reads a datagram. Total: any bytes give a datagram or a reason. An append's frames follow each
/// other from `prev` on, with terms that never go back nor beyond the leader's. O(bytes).
///
/// # Errors
/// Why the bytes are no datagram of this version.
pub fn decode(bytes: &[u8]) -> Result<Datagram<'_>, Refused> {
    let (content, crc) = bytes.split_last_chunk::<CRC_LEN>().ok_or(Refused::Length)?;
    let (head, body) = content.split_first_chunk::<{ envelope::LEN }>().ok_or(Refused::Length)?;
    let envelope = Envelope::from_bytes(head)?;
    if checksum(content) != u32::from_le_bytes(*crc) {
        return Err(Refused::Checksum);
    }
    let (message, rest) =
        postcard::take_from_bytes::<Message>(body).map_err(|_| Refused::Malformed)?;
    if let Message::Install(install) = &message {
        check_chunk(install, rest).ok_or(Refused::Malformed)?;
        let frames = Frames::none(Index::ZERO);
        return Ok(Datagram { envelope, message, frames, chunk: rest });
    }
    let frames = frames(&message, rest).ok_or(Refused::Malformed)?;
    Ok(Datagram { envelope, message, frames, chunk: &[] })
}

/// A chunk is one of the manifest's, and no longer than all of them.
fn check_chunk(install: &Install, chunk: &[u8]) -> Option<()> {
    let beat = chunk.is_empty();
    let known = install.chunk < install.manifest.chunks;
    let fits = chunk.len() as u64 <= install.manifest.bytes;
    (beat || (known && fits)).then_some(())
}

fn frames<'a>(message: &Message, rest: &'a [u8]) -> Option<Frames<'a>> {
    let (count, bytes) = message.frames();
    if usize::try_from(bytes).ok()? != rest.len() {
        return None;
    }
    let Message::Append(append) = message else {
        return Some(Frames::none(Index::ZERO));
    };
    if append.prev.index > Index::LIMIT || append.prev.term > append.term {
        return None;
    }
    let earliest = append.prev.term.max(Term(1));
    follow(rest, append.prev.index, earliest, append.term, count)?;
    Some(Frames::new(append.prev.index.next(), u64::from(count), rest, &[]))
}

/// Checks that `bytes` are `count` frames that continue a log whose last entry is at `index`.
fn follow(
    mut bytes: &[u8],
    mut index: Index,
    mut term: Term,
    latest: Term,
    count: u32,
) -> Option<()> {
    let mut left = count;
    while !bytes.is_empty() {
        let entry = frame::decode(bytes).ok()?;
        index = index.next();
        left = left.checked_sub(1)?;
        let at = entry.position;
        if at.index != index || at.index > Index::LIMIT || at.term < term || at.term > latest {
            return None;
        }
        term = at.term;
        bytes = bytes.get(entry.frame.len()..)?;
    }
    (left == 0).then_some(())
}
