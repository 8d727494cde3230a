//! Judges speak by panicking, thousands of times while a run is made shorter: what they say is told once,
//! at the end.

use crate::run::is_running;
use std::sync::Once;

/// From now on a panic inside a run says nothing by itself: [`Simulator`](crate::Simulator) returns what it
/// says. Any other panic is told as before.
pub fn keep_judges_quiet() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            if !is_running() {
                before(info);
            }
        }));
    });
}
