//! The example with a bug: the simulator finds it, and nothing else.

#[path = "../examples/lottery.rs"]
#[allow(dead_code)]
mod lottery;

use adapter_sim::check;
use lottery::Lottery;
use std::collections::{BTreeMap, HashMap};
use std::panic::catch_unwind;

#[test]
fn the_order_of_a_hash_map_is_found() {
    let found = catch_unwind(|| check(Lottery::<HashMap<u8, u32>>::default, 0..20)).unwrap_err();
    let words = found.downcast_ref::<String>().expect("check says what is wrong");
    assert!(words.contains("answers") && words.contains("others did"), "{words}");
    assert!(words.contains("a short run that fails so"), "{words}");
}

#[test]
fn with_an_order_of_its_own_nothing_is_found() {
    check(Lottery::<BTreeMap<u8, u32>>::default, 0..20);
}
