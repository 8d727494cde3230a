//! Damage, and forgery: after it, checksums can be mended, so that what is wrong is only what the
//! bytes mean.

use super::SALT;
use crate::input::Input;
use raft_nostd::crc::{Crc, checksum, masked};
use raft_nostd::frame;
use raft_nostd::journal::Geometry;

const HEADER: usize = 60;
/// Mutations that an input may hold.
const MUTATIONS: usize = 64;

/// Changes bytes, wipes them, copies them elsewhere.
pub fn mutate(bytes: &mut [u8], geometry: Geometry, input: &mut Input<'_>) {
    for _ in 0..MUTATIONS {
        let Some(op) = input.byte() else { return };
        let (Some(high), Some(low), Some(value)) = (input.byte(), input.byte(), input.byte())
        else {
            return;
        };
        let place = usize::from(high) << 8 | usize::from(low);
        let at = place % bytes.len();
        let len = usize::from(value).min(bytes.len() - at);
        match op & 7 {
            0 => bytes[at] = value,
            1 => bytes[at] ^= 1 << (value & 7),
            2 => bytes[at] = bytes[at].wrapping_add(value),
            3 => bytes[at..at + len].fill(geometry.erased),
            4 => {
                // A whole segment, over another one or to its place.
                let size = geometry.segment_bytes as usize;
                let count = geometry.segments as usize;
                let from = usize::from(high) % count * size;
                let to = usize::from(low) % count * size;
                bytes.copy_within(from..from + size, to);
            }
            5 | 6 => {
                // Blocks lie at multiples of eight; so do copies of them.
                let from = at & !7;
                let Some(to) = input.byte() else { return };
                let to = (from + usize::from(to) * 8) % bytes.len();
                let len = (usize::from(value) * 2).min(bytes.len() - from.max(to));
                bytes.copy_within(from..from + len, to);
            }
            _ => edit(bytes, at, value),
        }
    }
}

/// Changes a field of the header at or behind `at`: what is drawn at random lies in few places.
fn edit(bytes: &mut [u8], at: usize, value: u8) {
    const FIELDS: [usize; 8] = [3, 4, 8, 12, 16, 24, 32, 40];
    let starts = (at & !7..bytes.len().saturating_sub(HEADER)).step_by(8);
    for start in starts {
        if bytes[start..].starts_with(b"rj\x01") {
            let field = start + FIELDS[usize::from(value & 7)];
            bytes[field] = bytes[field].wrapping_add(value >> 3).wrapping_sub(16);
            return;
        }
    }
}

/// Makes every checksum right: of frames, bodies and headers, wherever one seems to begin.
pub fn mend(bytes: &mut [u8], geometry: Geometry) {
    for segment in bytes.chunks_mut(geometry.segment_bytes as usize) {
        let mut start = 0;
        while start + HEADER <= segment.len() {
            if segment[start..].starts_with(b"rj") {
                mend_block(&mut segment[start..]);
            }
            start += 8;
        }
    }
}

fn mend_block(block: &mut [u8]) {
    let (header, rest) = block.split_at_mut(HEADER);
    let length = u32::from_le_bytes([header[4], header[5], header[6], header[7]]) as usize;
    let Some(body) = rest.get_mut(..length) else { return };
    let mut salt = SALT;
    match header[3] {
        b'e' | b'c' | b'd' => mend_frames(body),
        b'h' => salt = body.first_chunk().map_or(SALT, |salt| u64::from_le_bytes(*salt)),
        _ => {}
    }
    header[52..56].copy_from_slice(&checksum(body).to_le_bytes());
    let mut crc = Crc::new();
    crc.update(&salt.to_le_bytes());
    crc.update(&header[..56]);
    header[56..].copy_from_slice(&crc.finish().to_le_bytes());
}

fn mend_frames(mut body: &mut [u8]) {
    while let Ok(entry) = frame::decode(body) {
        let (frame, rest) = body.split_at_mut(entry.frame.len());
        let (content, crc) = frame.split_at_mut(frame.len() - 4);
        crc.copy_from_slice(&masked(content).to_le_bytes());
        body = rest;
    }
}
