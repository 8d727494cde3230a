//! Stopping a loop from another thread or a signal handler's.

use mio::Waker;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

const GO: u8 = 0;
const STOP: u8 = 1;

/// Stops a loop from anywhere: at the end of its turn, cleanly. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Stopper {
    signal: Arc<AtomicU8>,
    waker: Arc<Waker>,
}

impl Stopper {
    pub(crate) fn new(waker: Arc<Waker>) -> Self {
        Self { signal: Arc::new(AtomicU8::new(GO)), waker }
    }

    /// Stops the loop, and wakes it if it sleeps. Once or often, before it runs or after it ended.
    /// Does not wait; join the loop's thread for that.
    pub fn stop(&self) {
        self.signal.store(STOP, Ordering::Release);
        // It fails only when the kernel is out of memory; the loop then sees the signal when it
        // next wakes, within a heartbeat or an election timeout.
        let _ = self.waker.wake();
    }

    pub(crate) fn is_stopped(&self) -> bool {
        self.signal.load(Ordering::Acquire) == STOP
    }
}
