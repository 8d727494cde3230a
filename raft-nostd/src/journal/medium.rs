//! What a journal is written on: a few segments of bytes, whatever they are made of.

use core::fmt::{Debug, Display};

/// The shape of a medium. Constant for as long as its contents are to be understood.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Geometry {
    /// How many segments; at least two.
    pub segments: u32,
    /// Bytes in each; a multiple of `granularity`.
    pub segment_bytes: u32,
    /// Writes start at, and are as long as, a multiple of this many bytes: a power of two, at most
    /// [`Geometry::GRANULARITY_MAX`]. One where anything goes.
    pub granularity: u32,
    /// What a byte reads as after an erase that reached the medium (`0xff` on NOR flash, zero in a
    /// preallocated file). Padding is written with it.
    pub erased: u8,
}

impl Geometry {
    /// The coarsest supported write granularity in bytes.
    pub const GRANULARITY_MAX: u32 = 64;
}

/// Which of two things a failed write means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PersistFailure {
    /// No space at present. Nothing that was written is lost; it may be tried again.
    Full,
    /// Anything else. The medium cannot be trusted until recovery has read it again.
    Failed,
}

/// Where the journal lives. Implementations may gather writes until [`Medium::sync`]; reads must
/// see them all the same.
pub trait Medium {
    /// What went wrong, in the medium's own words.
    type Error: Debug + Display;

    /// The medium's shape.
    fn geometry(&self) -> Geometry;

    /// Fills `into` from `offset` of `segment`. The journal stays inside the geometry. Where nothing
    /// was ever written it reads as [`Geometry::erased`]: only a blank medium is formatted.
    ///
    /// # Errors
    /// When the bytes cannot be read.
    fn read(&mut self, segment: u32, offset: u32, into: &mut [u8]) -> Result<(), Self::Error>;

    /// Writes `bytes` at `offset` of `segment`. Between two erases the journal writes a segment in
    /// order and every byte at most once (a write that failed as [`PersistFailure::Full`] may be
    /// repeated), so NOR flash needs no more.
    ///
    /// Where the medium writes in larger units than the granularity, as disks do in sectors, a
    /// power cut in such a write must leave each byte as the old or the new one: the unit may hold
    /// blocks that were acknowledged.
    ///
    /// # Errors
    /// When the bytes may not have been taken.
    fn write(&mut self, segment: u32, offset: u32, bytes: &[u8]) -> Result<(), Self::Error>;

    /// Makes `segment` writable from its start. A medium that can overwrite may leave the old
    /// bytes readable: the journal never takes bytes of an earlier pass for its own.
    ///
    /// # Errors
    /// When the segment cannot be written now. Its old contents may or may not be gone.
    fn erase(&mut self, segment: u32) -> Result<(), Self::Error>;

    /// Makes durable all that was written, and all that an earlier process wrote and this one may
    /// have read.
    ///
    /// # Errors
    /// When anything may not be durable. The node never acknowledges anything after that.
    fn sync(&mut self) -> Result<(), Self::Error>;

    /// What an error means to the node.
    fn failure(error: &Self::Error) -> PersistFailure;
}
