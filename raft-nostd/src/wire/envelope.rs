//! Who sends what to whom: the fixed start of every datagram.

use crate::error::Refused;
use crate::types::{ClusterId, Life, NodeId};

/// The first two bytes of every datagram.
pub const MAGIC: [u8; 2] = *b"Rn";
/// The version of the format.
pub const VERSION: u8 = 1;
/// How a datagram is closed: by a CRC-32. Other numbers are kept for an authenticating seal.
const SEAL_CRC: u8 = 0;

pub(super) const LEN: usize = 36;

/// Sender, receiver and cluster of a datagram, and which life of the sender speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Envelope {
    /// The cluster both belong to.
    pub cluster: ClusterId,
    /// Who says it.
    pub sender: NodeId,
    /// To whom.
    pub receiver: NodeId,
    /// Incarnation, boot and nonce of the sender.
    pub life: Life,
}

impl Envelope {
    /// The fixed layout: magic, version, seal, then cluster, sender, receiver, incarnation, boot
    /// and nonce as little-endian integers.
    pub(super) fn to_bytes(self) -> [u8; LEN] {
        let mut bytes = [0; LEN];
        let mut rest: &mut [u8] = &mut bytes;
        put(&mut rest, MAGIC);
        put(&mut rest, [VERSION, SEAL_CRC]);
        put(&mut rest, self.cluster.0.to_le_bytes());
        put(&mut rest, self.sender.get().to_le_bytes());
        put(&mut rest, self.receiver.get().to_le_bytes());
        put(&mut rest, self.life.incarnation.to_le_bytes());
        put(&mut rest, self.life.boot.to_le_bytes());
        put(&mut rest, self.life.nonce.to_le_bytes());
        bytes
    }

    pub(super) fn from_bytes(bytes: &[u8; LEN]) -> Result<Self, Refused> {
        let mut rest: &[u8] = bytes;
        if take(&mut rest) != Some(MAGIC) {
            return Err(Refused::Magic);
        }
        if take(&mut rest) != Some([VERSION, SEAL_CRC]) {
            return Err(Refused::Version);
        }
        Self::fields(&mut rest).ok_or(Refused::Malformed)
    }

    fn fields(rest: &mut &[u8]) -> Option<Self> {
        Some(Self {
            cluster: ClusterId(u64::from_le_bytes(take(rest)?)),
            sender: NodeId::new(u32::from_le_bytes(take(rest)?))?,
            receiver: NodeId::new(u32::from_le_bytes(take(rest)?))?,
            life: Life {
                incarnation: u64::from_le_bytes(take(rest)?),
                boot: u32::from_le_bytes(take(rest)?),
                nonce: u32::from_le_bytes(take(rest)?),
            },
        })
    }
}

fn put<const N: usize>(rest: &mut &mut [u8], bytes: [u8; N]) {
    if let Some((field, after)) = core::mem::take(rest).split_first_chunk_mut::<N>() {
        *field = bytes;
        *rest = after;
    }
}

fn take<const N: usize>(rest: &mut &[u8]) -> Option<[u8; N]> {
    let (field, after) = rest.split_first_chunk::<N>()?;
    *rest = after;
    Some(*field)
}
