//! A journal medium in memory that loses power, tears writes, fills up and rots when told to.
//!
//! It remembers which bytes are durable and which were only written. [`MemoryMedium::crash`] decides
//! sector by sector what of the latter survives. Deterministic: the same calls give the same bytes.

mod shared;

pub use shared::SharedMedium;

use raft_nostd::journal::{Geometry, Medium, PersistFailure};
use std::fmt;

/// What the memory pretends to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Behaviour {
    /// A preallocated file: bytes can be overwritten, and an erase leaves the old ones readable.
    File,
    /// A file that an erase really blanks.
    Blanking,
    /// NOR flash: only an erase turns bits back; a byte is written at most once between erases. A
    /// write that breaks this, or is not aligned, is a [`MemoryError::Violation`].
    Nor,
}

/// What becomes of one unsynced sector when the power fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It reached the medium.
    Kept,
    /// It did not.
    Dropped,
    /// This many bytes at its start did.
    Torn(usize),
}

/// Why the memory refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MemoryError {
    /// An erase was told to find no space ([`MemoryMedium::fill_after`]).
    Full,
    /// A write was told to find no space ([`MemoryMedium::fill_writes_after`]).
    WriteFull,
    /// A sync was told to fail ([`MemoryMedium::fail_syncs`]).
    Sync,
    /// The budget of bytes is spent ([`MemoryMedium::cut_after`]).
    PowerCut,
    /// The caller broke the rules of the medium.
    Violation(&'static str),
}

impl fmt::Display for MemoryError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Full | Self::WriteFull => f.write_str("no space"),
            Self::Sync => f.write_str("sync failed"),
            Self::PowerCut => f.write_str("power cut"),
            Self::Violation(rule) => write!(f, "rule of the medium broken: {rule}"),
        }
    }
}

impl std::error::Error for MemoryError {}

/// How often the journal called.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Calls {
    /// Bytes written.
    pub bytes: u64,
    /// Writes.
    pub writes: u64,
    /// Erases.
    pub erases: u64,
    /// Syncs.
    pub syncs: u64,
}

/// How often it did what it was told to do wrong.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Failures {
    /// Erases and writes that found no space.
    pub full: u64,
    /// Syncs that failed.
    pub syncs: u64,
    /// Those of them that lost something.
    pub losing_syncs: u64,
    /// Writes that went astray.
    pub astray: u64,
    /// Writes, erases and syncs that a power cut ended: of several in a row, the first.
    pub power_cuts: u64,
}

/// The memory.
#[derive(Clone, Debug)]
pub struct MemoryMedium {
    geometry: Geometry,
    behaviour: Behaviour,
    sector: usize,
    now: Vec<Cell>,
    durable: Vec<Cell>,
    dirty: Vec<Unsynced>,
    budget: Option<u64>,
    power: Power,
    erases_left: Option<u64>,
    write_room: Option<u64>,
    sync: Health,
    astray: Option<u32>,
    /// Whether something is neither durable nor known to be dirty.
    lost: Unsynced,
    calls: Calls,
    failures: Failures,
}

/// A byte, and whether it may be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Cell {
    byte: u8,
    state: CellState,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum CellState {
    Erased,
    Written,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Unsynced {
    Clean,
    Dirty,
}

/// Whether the budget has been found spent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Power {
    On,
    Off,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Health {
    Good,
    Failing,
    /// The next sync fails, and forgets that the sectors are dirty.
    Losing,
}

impl MemoryMedium {
    /// A blank medium with sectors of 512 bytes.
    ///
    /// # Panics
    /// When a size is zero or the granularity no power of two.
    pub fn new(geometry: Geometry, behaviour: Behaviour) -> Self {
        assert!(geometry.segments > 0 && geometry.segment_bytes > 0);
        assert!(geometry.granularity.is_power_of_two());
        let len = geometry.segments as usize * geometry.segment_bytes as usize;
        let blank = Cell { byte: geometry.erased, state: CellState::Erased };
        let mut medium = Self {
            geometry,
            behaviour,
            sector: 512,
            now: vec![blank; len],
            durable: vec![blank; len],
            dirty: Vec::new(),
            budget: None,
            power: Power::On,
            erases_left: None,
            write_room: None,
            sync: Health::Good,
            astray: None,
            lost: Unsynced::Clean,
            calls: Calls::default(),
            failures: Failures::default(),
        };
        medium.dirty = vec![Unsynced::Clean; len.div_ceil(medium.sector)];
        medium
    }

    /// The same with sectors of `bytes`. For a blank medium.
    ///
    /// # Panics
    /// When `bytes` is zero.
    #[must_use]
    pub fn with_sectors(mut self, bytes: usize) -> Self {
        self.sector = bytes;
        self.dirty = vec![Unsynced::Clean; self.now.len().div_ceil(bytes)];
        self
    }

    /// Lets `bytes` more bytes be written (an erase counts as one); then every write, erase and
    /// sync fails as [`MemoryError::PowerCut`] until [`MemoryMedium::crash`].
    pub fn cut_after(&mut self, bytes: u64) {
        self.budget = Some(bytes);
    }

    /// Lets `erases` more segments be erased; then erases fail as [`MemoryError::Full`], which
    /// changes nothing.
    pub fn fill_after(&mut self, erases: u64) {
        self.erases_left = Some(erases);
    }

    /// Lets `bytes` more bytes be written; then writes fail as [`MemoryError::WriteFull`], halfway.
    pub fn fill_writes_after(&mut self, bytes: u64) {
        self.write_room = Some(bytes);
    }

    /// Ends [`MemoryMedium::fill_after`] and [`MemoryMedium::fill_writes_after`].
    pub fn make_room(&mut self) {
        self.erases_left = None;
        self.write_room = None;
    }

    /// From now on syncs fail, and make nothing durable, until [`MemoryMedium::crash`].
    pub fn fail_syncs(&mut self) {
        self.sync = Health::Failing;
    }

    /// The next sync that has something to make durable fails, and forgets it, as page caches do: reads show it,
    /// and later syncs succeed, and do not include it. Only [`MemoryMedium::crash`] shows what is there.
    pub fn lose_writes(&mut self) {
        self.sync = Health::Losing;
    }

    /// Whether a failed sync has forgotten something: a process that goes on would take for durable what is not.
    pub fn has_lost_writes(&self) -> bool {
        self.lost == Unsynced::Dirty
    }

    /// The next write succeeds and lands elsewhere, `by` bytes further on, at a multiple of the
    /// granularity: where it belongs nothing changes.
    pub fn misdirect(&mut self, by: u32) {
        self.astray = Some(by);
    }

    /// The unsynced sectors, in order.
    pub fn dirty_sectors(&self) -> Vec<usize> {
        let dirty = self.dirty.iter().enumerate().filter(|(_, state)| **state == Unsynced::Dirty);
        dirty.map(|(sector, _)| sector).collect()
    }

    /// The power fails and comes back: `fate` decides for each unsynced sector, by its number.
    /// What survived is durable. Failures that were asked for end.
    pub fn crash(&mut self, mut fate: impl FnMut(usize) -> Fate) {
        for sector in self.dirty_sectors() {
            let start = sector * self.sector;
            let end = (start + self.sector).min(self.now.len());
            let kept = match fate(sector) {
                Fate::Kept => end,
                Fate::Dropped => start,
                Fate::Torn(bytes) => (start + bytes).min(end),
            };
            self.durable[start..kept].copy_from_slice(&self.now[start..kept]);
        }
        self.now.copy_from_slice(&self.durable);
        self.restart();
        self.dirty.fill(Unsynced::Clean);
        self.lost = Unsynced::Clean;
    }

    /// The process is killed and started again: nothing written is lost, nor made durable.
    /// Failures that were asked for end.
    pub fn restart(&mut self) {
        self.budget = None;
        self.power = Power::On;
        self.sync = Health::Good;
        self.make_room();
    }

    /// Flips the bits of `mask` in one byte, durably: rot.
    ///
    /// # Panics
    /// When it lies outside the medium.
    pub fn damage(&mut self, segment: u32, offset: u32, mask: u8) {
        let place = self.place(segment, offset);
        self.now[place].byte ^= mask;
        self.durable[place].byte ^= mask;
    }

    /// Puts bytes there, durably, against all rules: for tests that forge.
    ///
    /// # Panics
    /// When they do not lie inside the medium.
    pub fn plant(&mut self, segment: u32, offset: u32, bytes: &[u8]) {
        let place = self.place(segment, offset);
        for (cell, byte) in (place..).zip(bytes) {
            self.now[cell] = Cell { byte: *byte, state: CellState::Written };
            self.durable[cell] = self.now[cell];
        }
    }

    /// The bytes of a segment as a process reads them.
    ///
    /// # Panics
    /// When there is no such segment.
    pub fn bytes(&self, segment: u32) -> Vec<u8> {
        let start = self.place(segment, 0);
        let cells = &self.now[start..start + self.geometry.segment_bytes as usize];
        cells.iter().map(|cell| cell.byte).collect()
    }

    /// How often it was called.
    pub fn calls(&self) -> Calls {
        self.calls
    }

    /// How often it failed.
    pub fn failures(&self) -> Failures {
        self.failures
    }

    fn place(&self, segment: u32, offset: u32) -> usize {
        assert!(segment < self.geometry.segments && offset < self.geometry.segment_bytes);
        segment as usize * self.geometry.segment_bytes as usize + offset as usize
    }

    fn range(&self, segment: u32, offset: u32, len: usize) -> Result<usize, MemoryError> {
        let inside = segment < self.geometry.segments
            && offset as usize + len <= self.geometry.segment_bytes as usize;
        if !inside {
            return Err(MemoryError::Violation("outside the geometry"));
        }
        Ok(segment as usize * self.geometry.segment_bytes as usize + offset as usize)
    }

    /// How many of `wanted` bytes the budget still allows.
    fn spend(&mut self, wanted: u64) -> u64 {
        let Some(budget) = &mut self.budget else { return wanted };
        let allowed = wanted.min(*budget);
        *budget -= allowed;
        allowed
    }

    /// The power is off from now on.
    fn cut(&mut self) -> MemoryError {
        if self.power == Power::On {
            self.power = Power::Off;
            self.failures.power_cuts += 1;
        }
        MemoryError::PowerCut
    }

    /// Writes over what is `by` bytes behind `start`, which is not told of it.
    fn write_astray(&mut self, start: usize, by: u32, bytes: &[u8]) {
        let unit = self.geometry.granularity as usize;
        let by = (by as usize).next_multiple_of(unit);
        let places = self.now.len();
        for (place, byte) in (start..).zip(bytes) {
            let place = (place + by) % places;
            let old = self.now[place];
            let byte = if self.behaviour == Behaviour::Nor { old.byte & byte } else { *byte };
            self.set(place, Cell { byte, ..old });
        }
    }

    fn set(&mut self, place: usize, cell: Cell) {
        self.now[place] = cell;
        self.dirty[place / self.sector] = Unsynced::Dirty;
    }
}

impl Medium for MemoryMedium {
    type Error = MemoryError;

    fn geometry(&self) -> Geometry {
        self.geometry
    }

    fn read(&mut self, segment: u32, offset: u32, into: &mut [u8]) -> Result<(), MemoryError> {
        let start = self.range(segment, offset, into.len())?;
        for (byte, cell) in into.iter_mut().zip(&self.now[start..]) {
            *byte = cell.byte;
        }
        Ok(())
    }

    fn write(&mut self, segment: u32, offset: u32, bytes: &[u8]) -> Result<(), MemoryError> {
        let start = self.range(segment, offset, bytes.len())?;
        let unit = self.geometry.granularity as usize;
        if !(offset as usize).is_multiple_of(unit) || !bytes.len().is_multiple_of(unit) {
            return Err(MemoryError::Violation("a write that is not aligned"));
        }
        if let Some(by) = self.astray.take() {
            self.failures.astray += 1;
            self.write_astray(start, by, bytes);
            return Ok(());
        }
        let wanted = bytes.len() as u64;
        let room = self.write_room.map_or(wanted, |room| room.min(wanted));
        let allowed = self.spend(room);
        for (place, byte) in (start..).zip(bytes.iter().take(allowed as usize)) {
            let old = self.now[place];
            if self.behaviour == Behaviour::Nor && old.state == CellState::Written {
                return Err(MemoryError::Violation("a byte written twice"));
            }
            self.set(place, Cell { byte: *byte, state: CellState::Written });
        }
        self.calls.writes += 1;
        self.calls.bytes += allowed;
        if let Some(room) = &mut self.write_room {
            *room -= allowed;
        }
        if allowed < room {
            Err(self.cut())
        } else if room < wanted {
            self.failures.full += 1;
            Err(MemoryError::WriteFull)
        } else {
            Ok(())
        }
    }

    fn erase(&mut self, segment: u32) -> Result<(), MemoryError> {
        let start = self.range(segment, 0, 0)?;
        match &mut self.erases_left {
            Some(0) => {
                self.failures.full += 1;
                return Err(MemoryError::Full);
            }
            Some(left) => *left -= 1,
            None => {}
        }
        if self.spend(1) == 0 {
            return Err(self.cut());
        }
        self.calls.erases += 1;
        for place in start..start + self.geometry.segment_bytes as usize {
            let byte = match self.behaviour {
                Behaviour::File => self.now[place].byte,
                Behaviour::Blanking | Behaviour::Nor => self.geometry.erased,
            };
            let cell = Cell { byte, state: CellState::Erased };
            if self.behaviour == Behaviour::File {
                self.now[place] = cell;
            } else {
                self.set(place, cell);
            }
        }
        Ok(())
    }

    fn sync(&mut self) -> Result<(), MemoryError> {
        if self.sync == Health::Losing && self.dirty.contains(&Unsynced::Dirty) {
            self.dirty.fill(Unsynced::Clean);
            self.lost = Unsynced::Dirty;
            self.sync = Health::Good;
            self.failures.losing_syncs += 1;
            self.failures.syncs += 1;
            return Err(MemoryError::Sync);
        }
        if self.sync == Health::Failing {
            self.failures.syncs += 1;
            return Err(MemoryError::Sync);
        }
        if self.budget == Some(0) {
            return Err(self.cut());
        }
        self.calls.syncs += 1;
        for sector in self.dirty_sectors() {
            let start = sector * self.sector;
            let end = (start + self.sector).min(self.now.len());
            self.durable[start..end].copy_from_slice(&self.now[start..end]);
            self.dirty[sector] = Unsynced::Clean;
        }
        Ok(())
    }

    fn failure(error: &MemoryError) -> PersistFailure {
        match error {
            MemoryError::Full | MemoryError::WriteFull => PersistFailure::Full,
            _ => PersistFailure::Failed,
        }
    }
}
