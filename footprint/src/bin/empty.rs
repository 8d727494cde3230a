//! Nothing: what every image has.
#![no_std]
#![no_main]

footprint::image!(main);

fn main() {}
