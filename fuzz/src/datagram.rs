//! Datagrams and frames: decoding is total, and what decodes encodes to what decodes the same.

use crate::input::Input;
use raft_nostd::crc::checksum;
use raft_nostd::frame::{self, FrameIter};
use raft_nostd::wire::{self, Datagram, Message};

/// Bytes of the envelope; the harness repairs what stands at fixed places of it.
const ENVELOPE: usize = 36;

/// Decodes a datagram. The first byte says what is repaired before, so that the fuzzer gets behind
/// the checks it cannot guess: bit 0 the CRC, bit 1 magic and version, bit 2 that no id is zero.
///
/// # Panics
/// When a property does not hold.
pub fn decode_datagram(data: &[u8]) {
    let mut input = Input(data);
    let Some(flags) = input.byte() else { return };
    let mut bytes = input.rest().to_vec();
    check_frames(&bytes);
    if flags & 2 != 0 {
        for (byte, good) in bytes.iter_mut().zip([b'R', b'n', 1, 0]) {
            *byte = good;
        }
    }
    if flags & 4 != 0 {
        bytes.iter_mut().take(ENVELOPE).skip(12).take(8).for_each(|byte| *byte |= 1);
    }
    if flags & 1 != 0 {
        let crc = checksum(&bytes);
        bytes.extend(crc.to_le_bytes());
    }
    let Ok(datagram) = wire::decode(&bytes) else { return };
    check_entries(&datagram);

    let room = wire::INSTALL_OVERHEAD_MAX + datagram.frames.byte_len() + datagram.chunk.len();
    let again = encoded(&datagram, room).expect("the overhead is bounded");
    assert!(again.len() <= bytes.len(), "the encoding is the shortest");
    assert_eq!(wire::decode(&again).as_ref(), Ok(&datagram), "what decodes encodes to the same");
    let len = again.len();
    assert_eq!(encoded(&datagram, len).as_deref(), Some(&again[..]), "it fits exactly");
    assert_eq!(encoded(&datagram, len - 1), None, "what does not fit is not written");
}

fn encoded(datagram: &Datagram<'_>, room: usize) -> Option<Vec<u8>> {
    let mut out = vec![0xa5; room];
    let len = match &datagram.message {
        Message::Install(install) => {
            let at = wire::encode_install(&datagram.envelope, install, &mut out)?;
            let end = at + datagram.chunk.len();
            out.get_mut(at..end)?.copy_from_slice(datagram.chunk);
            wire::seal(&mut out, end)?
        }
        message => wire::encode(&datagram.envelope, message, &datagram.frames, &mut out)?,
    };
    out.truncate(len);
    Some(out)
}

/// The frames of an append are as many as it says, follow each other, and fill it.
fn check_entries(datagram: &Datagram<'_>) {
    let (mut next, mut bytes) = (datagram.frames.first(), 0);
    for entry in &datagram.frames {
        assert_eq!(entry.position.index, next, "indexes are consecutive");
        assert!(entry.position.term <= datagram.message.term(), "no entry is of a later term");
        assert!(entry.payload.len() < entry.frame.len());
        bytes += entry.frame.len();
        next = next.next();
    }
    assert_eq!(next.since(datagram.frames.first()), datagram.frames.count());
    assert_eq!(bytes, datagram.frames.byte_len());
}

/// The bytes as a frame, and as consecutive frames.
fn check_frames(bytes: &[u8]) {
    let iter: FrameIter<'_> = raft_nostd::frame::Frames::new(
        raft_nostd::Index::ZERO,
        0,
        bytes,
        bytes.get(bytes.len() / 2..).unwrap_or(&[]),
    )
    .iter();
    assert!(iter.count() <= bytes.len() * 2);
    let Ok(entry) = frame::decode(bytes) else { return };
    let mut out = vec![0; entry.payload.len() + frame::OVERHEAD_MAX];
    let len = frame::encode(entry.position, entry.kind, entry.payload, &mut out);
    let len = len.expect("the overhead is bounded");
    assert_eq!(frame::encoded_len(entry.position, entry.payload.len()), Some(len));
    let again = frame::verify(&out[..len]).expect("what is encoded verifies");
    assert_eq!((again.position, again.kind, again.payload), {
        (entry.position, entry.kind, entry.payload)
    });
    if frame::verify(bytes).is_ok() && again.frame.len() == entry.frame.len() {
        assert_eq!(again.frame, entry.frame, "one entry, one frame");
    }
}
