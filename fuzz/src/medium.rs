//! A medium in a `Vec` that is as strict as NOR flash, and can be full or lose what is unsynced.

use raft_nostd::journal::{Geometry, Medium, PersistFailure};

/// Why the medium refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// It was told to.
    Full,
}

impl std::fmt::Display for Fault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("no space")
    }
}

impl std::error::Error for Fault {}

/// Whether there is space.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Space {
    /// There is.
    Plenty,
    /// There is none.
    None,
}

/// The medium.
#[derive(Clone, Debug)]
pub struct Flash {
    geometry: Geometry,
    /// Its bytes, segment after segment.
    pub bytes: Vec<u8>,
    /// Which of them were written since the last erase.
    written: Vec<bool>,
    synced: Vec<u8>,
    /// Whether there is space.
    pub space: Space,
    /// Whether anything was erased or written.
    pub touched: bool,
}

impl Flash {
    /// A blank medium.
    pub fn new(geometry: Geometry) -> Self {
        let len = geometry.segments as usize * geometry.segment_bytes as usize;
        Self {
            geometry,
            bytes: vec![geometry.erased; len],
            written: vec![false; len],
            synced: vec![geometry.erased; len],
            space: Space::Plenty,
            touched: false,
        }
    }

    /// A medium that holds `bytes`, durably.
    pub fn holding(geometry: Geometry, bytes: &[u8]) -> Self {
        let mut flash = Self::new(geometry);
        for (byte, value) in flash.bytes.iter_mut().zip(bytes) {
            *byte = *value;
        }
        flash.written.fill(true);
        flash.synced.clone_from(&flash.bytes);
        flash
    }

    /// The power fails: what was not synced is gone.
    pub fn revert(&mut self) {
        self.bytes.clone_from(&self.synced);
        // Nobody may write there before an erase.
        self.written.fill(true);
    }

    fn place(&self, segment: u32, offset: u32, len: usize) -> usize {
        let Geometry { segments, segment_bytes, .. } = self.geometry;
        assert!(segment < segments, "outside the geometry");
        assert!(offset as usize + len <= segment_bytes as usize, "outside the segment");
        segment as usize * segment_bytes as usize + offset as usize
    }
}

impl Medium for Flash {
    type Error = Fault;

    fn geometry(&self) -> Geometry {
        self.geometry
    }

    fn read(&mut self, segment: u32, offset: u32, into: &mut [u8]) -> Result<(), Fault> {
        let place = self.place(segment, offset, into.len());
        into.copy_from_slice(&self.bytes[place..place + into.len()]);
        Ok(())
    }

    fn write(&mut self, segment: u32, offset: u32, bytes: &[u8]) -> Result<(), Fault> {
        let place = self.place(segment, offset, bytes.len());
        let unit = self.geometry.granularity as usize;
        assert!((offset as usize).is_multiple_of(unit) && bytes.len().is_multiple_of(unit));
        if self.space == Space::None {
            return Err(Fault::Full);
        }
        self.touched = true;
        let written = &mut self.written[place..place + bytes.len()];
        assert!(!written.contains(&true), "a byte is written twice");
        written.fill(true);
        self.bytes[place..place + bytes.len()].copy_from_slice(bytes);
        Ok(())
    }

    fn erase(&mut self, segment: u32) -> Result<(), Fault> {
        let len = self.geometry.segment_bytes as usize;
        let place = self.place(segment, 0, len);
        if self.space == Space::None {
            return Err(Fault::Full);
        }
        self.touched = true;
        self.bytes[place..place + len].fill(self.geometry.erased);
        self.written[place..place + len].fill(false);
        Ok(())
    }

    fn sync(&mut self) -> Result<(), Fault> {
        self.synced.copy_from_slice(&self.bytes);
        Ok(())
    }

    fn failure(_: &Fault) -> PersistFailure {
        PersistFailure::Full
    }
}
