//! Datagrams: a fixed envelope, a postcard header, frames verbatim, a CRC-32 over all of it.
//!
//! `WIRE.md` is the specification; `tests/wire/main.rs` holds its golden bytes.

mod datagram;
mod envelope;
mod message;

pub(crate) use datagram::envelope_of;
pub use datagram::{Datagram, decode, encode, encode_install, seal};
pub use envelope::{Envelope, MAGIC, VERSION};
pub use message::{
    Append, AppendReply, Campaign, Install, InstallReply, Message, Receipt, ReplyWish, Room,
    Verdict, Vote,
};

/// The most bytes a datagram adds to the frames it carries: envelope, longest header, CRC.
pub const OVERHEAD_MAX: usize = envelope::LEN + message::HEADER_MAX + CRC_LEN;

/// The most bytes a datagram adds to the chunk of a snapshot that it carries.
pub const INSTALL_OVERHEAD_MAX: usize = envelope::LEN + message::INSTALL_MAX + CRC_LEN;

const CRC_LEN: usize = 4;
