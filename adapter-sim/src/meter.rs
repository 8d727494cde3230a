//! The core never allocates. Where allocations are counted (feature `meter`, which replaces the allocator of
//! the whole process), each call of the core in the simulation is held to that.

/// Calls the core.
///
/// # Panics
/// When it allocates.
#[cfg(feature = "meter")]
pub fn core<R>(call: impl FnOnce() -> R) -> R {
    let mut result = None;
    let counted = allocation_counter::measure(|| result = Some(call()));
    assert!(counted.count_total == 0, "the core allocates: {counted:?}");
    result.expect("it was called")
}

/// Calls the core.
#[cfg(not(feature = "meter"))]
pub fn core<R>(call: impl FnOnce() -> R) -> R {
    call()
}

#[cfg(all(test, feature = "meter"))]
mod tests {
    #[test]
    #[should_panic(expected = "the core allocates")]
    fn an_allocation_is_noticed() {
        super::core(|| vec![1]);
    }

    #[test]
    fn what_does_not_allocate_passes() {
        assert_eq!(super::core(|| 1 + 1), 2);
    }
}
