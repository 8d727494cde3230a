//! RAM, as symbols of that size.
#![no_std]
#![no_main]

use core::mem::size_of;
use footprint::host::{Board, LOG, VOTERS};
use raft_nostd::journal::Writer;
use raft_nostd::{Driver, Raft};

footprint::image!(main);

type Whole = Driver<Board<[u8; LOG]>, VOTERS>;
type Borrowing = Driver<Board<&'static mut [u8]>, VOTERS>;

macro_rules! sizes {
    ($($name:ident: $type:ty;)*) => {
        $(
            #[used]
            #[unsafe(no_mangle)]
            static $name: [u8; size_of::<$type>()] = [0; size_of::<$type>()];
        )*
    };
}

sizes! {
    SIZE_DRIVER_WITH_LOG: Whole;
    SIZE_DRIVER: Borrowing;
    SIZE_RAFT: Raft<&'static mut [u8], VOTERS>;
    SIZE_WRITER: Writer;
    SIZE_LOG: [u8; LOG];
}

fn main() {}
