//! One request on its way: the end that waits, and the end that answers.

use super::error::{HandleError, Unknown};
use std::fmt::{self, Debug, Formatter};
use std::future::Future;
use std::mem;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

type Outcome<R> = Result<R, HandleError>;

/// Locks; a thread that panicked while it held the lock left nothing half-done.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

struct Slot<R> {
    state: Mutex<State<R>>,
    answered: Condvar,
}

enum State<R> {
    Waiting(Option<Waker>),
    Answered(Outcome<R>),
    Taken,
}

/// The answer to a request, when it comes; see the [module](super) for what it can be. It always
/// comes, unless the desk's owner stops calling the desk without dropping it.
///
/// A [`Future`] of any executor, or of none: [`Pending::wait`] blocks. Dropping it does not take
/// the request back.
#[must_use = "a request whose answer nobody looks at may have failed"]
pub struct Pending<R> {
    slot: Arc<Slot<R>>,
}

impl<R> Pending<R> {
    /// Waits for the answer, blocking the thread, but for no longer than `timeout`. Not for the
    /// thread that runs the node, which would wait for itself.
    ///
    /// # Errors
    /// Why there is no response; [`Unknown::Deadline`] when `timeout` has passed.
    pub fn wait(self, timeout: Duration) -> Outcome<R> {
        let deadline = Instant::now().checked_add(timeout);
        let mut state = lock(&self.slot.state);
        loop {
            if let Some(outcome) = state.take() {
                return outcome;
            }
            let answered = &self.slot.answered;
            let Some(deadline) = deadline else {
                state = answered.wait(state).unwrap_or_else(PoisonError::into_inner);
                continue;
            };
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(HandleError::Unknown(Unknown::Deadline));
            }
            state = answered.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// The answer, if it has come. It is told once; after that, as if it had not come yet.
    pub fn try_take(&mut self) -> Option<Outcome<R>> {
        lock(&self.slot.state).take()
    }

    /// One that is answered already.
    pub(super) fn refused(error: HandleError) -> Self {
        let state = Mutex::new(State::Answered(Err(error)));
        Self { slot: Arc::new(Slot { state, answered: Condvar::new() }) }
    }
}

impl<R> Future for Pending<R> {
    type Output = Outcome<R>;

    /// Never ready again once it was.
    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let mut state = lock(&self.slot.state);
        if let Some(outcome) = state.take() {
            return Poll::Ready(outcome);
        }
        if let State::Waiting(waker) = &mut *state {
            match waker {
                Some(waker) => waker.clone_from(context.waker()),
                None => *waker = Some(context.waker().clone()),
            }
        }
        Poll::Pending
    }
}

impl<R> Debug for Pending<R> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let state = match &*lock(&self.slot.state) {
            State::Waiting(_) => "waiting",
            State::Answered(_) => "answered",
            State::Taken => "taken",
        };
        f.debug_tuple("Pending").field(&state).finish()
    }
}

impl<R> State<R> {
    /// The answer, if it is there. Leaves `Waiting` alone, with its waker.
    fn take(&mut self) -> Option<Outcome<R>> {
        if !matches!(self, Self::Answered(_)) {
            return None;
        }
        match mem::replace(self, Self::Taken) {
            Self::Answered(outcome) => Some(outcome),
            Self::Waiting(_) | Self::Taken => None,
        }
    }
}

/// How many requests wait, all handles of a desk together.
#[derive(Debug, Default)]
pub(super) struct Waiting(AtomicUsize);

impl Waiting {
    /// One more, unless there are `most` already.
    pub(super) fn enter(self: &Arc<Self>, most: usize) -> Option<Place> {
        let one_more = |waiting: usize| (waiting < most).then(|| waiting.saturating_add(1));
        let entered = self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, one_more);
        entered.ok().map(|_| Place(Arc::clone(self)))
    }

    pub(super) fn count(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }
}

/// One of the places of those who wait; given back when dropped.
#[derive(Debug)]
pub(super) struct Place(Arc<Waiting>);

impl Drop for Place {
    fn drop(&mut self) {
        self.0.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// The end that answers. Dropped without an answer, it answers with `otherwise`.
pub(super) struct Promise<R> {
    slot: Option<Arc<Slot<R>>>,
    otherwise: HandleError,
    place: Option<Place>,
}

impl<R> Promise<R> {
    /// Both ends of a request that the node has not looked at yet.
    pub(super) fn new(place: Place) -> (Self, Pending<R>) {
        let state = Mutex::new(State::Waiting(None));
        let slot = Arc::new(Slot { state, answered: Condvar::new() });
        let pending = Pending { slot: Arc::clone(&slot) };
        (Self { slot: Some(slot), otherwise: HandleError::Stopped, place: Some(place) }, pending)
    }

    /// From now on the node may act on the request.
    pub(super) fn taken(mut self) -> Self {
        self.otherwise = HandleError::Unknown(Unknown::Stopped);
        self
    }

    /// Answers.
    pub(super) fn settle(mut self, outcome: Outcome<R>) {
        self.fulfil(outcome);
    }

    fn fulfil(&mut self, outcome: Outcome<R>) {
        let Some(slot) = self.slot.take() else { return };
        // First, so that whoever is answered may ask again at once.
        self.place = None;
        let before = mem::replace(&mut *lock(&slot.state), State::Answered(outcome));
        slot.answered.notify_one();
        // Outside the lock: a waker may run anything.
        if let State::Waiting(Some(waker)) = before {
            waker.wake();
        }
    }
}

impl<R> Drop for Promise<R> {
    fn drop(&mut self) {
        self.fulfil(Err(self.otherwise));
    }
}
