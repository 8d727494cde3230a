//! Judges speak by panicking, thousands of times while a run is being made shorter: what they say
//! is told once, at the end.

/// From now on a panic inside a run says nothing by itself.
pub fn install() {
    let before = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        if !adapter_sim::is_running() {
            before(info);
        }
    }));
}
