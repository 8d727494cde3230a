//! A medium that can be looked at, and told to fail, while a node runs on it, and that is there when the node is gone.

use super::{MemoryError, MemoryMedium};
use raft_nostd::journal::{Geometry, Medium, PersistFailure};
use std::cell::{Ref, RefCell, RefMut};
use std::rc::Rc;

/// A [`MemoryMedium`] with several owners: every clone is the same medium.
///
/// ```
/// use adapter_std::memory::{Behaviour, Fate, MemoryMedium, SharedMedium};
/// use raft_nostd::journal::{Geometry, Medium};
///
/// let geometry = Geometry { segments: 4, segment_bytes: 4_096, granularity: 1, erased: 0 };
/// let medium = SharedMedium::new(MemoryMedium::new(geometry, Behaviour::File));
/// let mut lent = medium.clone(); // To a node, say.
/// lent.write(0, 0, b"not synced").unwrap();
/// medium.borrow_mut().crash(|_sector| Fate::Dropped);
/// assert_eq!(medium.borrow().bytes(0)[..3], [0, 0, 0]);
/// ```
#[derive(Clone, Debug)]
pub struct SharedMedium(Rc<RefCell<MemoryMedium>>);

impl SharedMedium {
    /// Shares `medium`.
    pub fn new(medium: MemoryMedium) -> Self {
        Self(Rc::new(RefCell::new(medium)))
    }

    /// Another medium with the same contents, its own from now on.
    ///
    /// # Panics
    /// While what [`SharedMedium::borrow_mut`] gave is alive.
    #[must_use]
    pub fn copy(&self) -> Self {
        Self::new(self.borrow().clone())
    }

    /// To look at it.
    ///
    /// # Panics
    /// While what [`SharedMedium::borrow_mut`] gave is alive.
    pub fn borrow(&self) -> Ref<'_, MemoryMedium> {
        self.0.borrow()
    }

    /// To make it fail.
    ///
    /// # Panics
    /// While what this or [`SharedMedium::borrow`] gave before is alive.
    pub fn borrow_mut(&self) -> RefMut<'_, MemoryMedium> {
        self.0.borrow_mut()
    }
}

impl Medium for SharedMedium {
    type Error = MemoryError;

    fn geometry(&self) -> Geometry {
        self.borrow().geometry()
    }

    fn read(&mut self, segment: u32, offset: u32, into: &mut [u8]) -> Result<(), MemoryError> {
        self.borrow_mut().read(segment, offset, into)
    }

    fn write(&mut self, segment: u32, offset: u32, bytes: &[u8]) -> Result<(), MemoryError> {
        self.borrow_mut().write(segment, offset, bytes)
    }

    fn erase(&mut self, segment: u32) -> Result<(), MemoryError> {
        self.borrow_mut().erase(segment)
    }

    fn sync(&mut self) -> Result<(), MemoryError> {
        self.borrow_mut().sync()
    }

    fn failure(error: &MemoryError) -> PersistFailure {
        MemoryMedium::failure(error)
    }
}
