//! Judges speak by panicking, thousands of times while a run is made shorter: what they say is told once,
//! at the end.

use crate::run::{is_running, words};
use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Once;

thread_local! {
    /// Where the last panic inside a run was.
    static PLACE: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// From now on a panic inside a run says nothing by itself: [`Simulator`](crate::Simulator) returns what it
/// says. Any other panic is told as before.
pub fn keep_judges_quiet() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            if is_running() {
                PLACE.set(info.location().map(ToString::to_string));
            } else {
                before(info);
            }
        }));
    });
}

/// Calls somebody else's code. When that panics, so does this, with what the code was doing, and where it was
/// (as far as [`keep_judges_quiet`] has seen it).
pub(crate) fn blamed<T>(deed: impl FnOnce() -> String, call: impl FnOnce() -> T) -> T {
    let panic = match catch_unwind(AssertUnwindSafe(call)) {
        Ok(done) => return done,
        Err(panic) => panic,
    };
    let (deed, words) = (deed(), words(&*panic));
    match PLACE.take() {
        Some(place) => panic!("{deed}: {words}, at {place}"),
        None => panic!("{deed}: {words}"),
    }
}
