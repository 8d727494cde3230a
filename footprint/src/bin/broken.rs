//! A panic that is reachable: this must not link, or the proof proves nothing.
#![no_std]
#![no_main]

footprint::image!(main);

fn main() {
    let numbers = [1, 2, 3];
    let place = footprint::hardware::read() as usize;
    #[allow(clippy::indexing_slicing)] // This is what it is for.
    footprint::hardware::write(numbers[place]);
}
