//! What the images share: a reset, a panic handler that does not link, and a host whose medium,
//! transport and machine are volatile registers, so that the optimiser knows nothing of them.
#![no_std]

pub mod hardware;
pub mod host;

/// Nothing defines what it calls: an image links if and only if no panic is reachable in it.
#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    unsafe extern "C" {
        fn a_panic_is_reachable() -> !;
    }
    // SAFETY: with the feature `panics` it is the function below, without it this does not link.
    unsafe { a_panic_is_reachable() }
}

/// Lets an image with reachable panics link, so that one can see who calls this.
#[cfg(feature = "panics")]
#[unsafe(no_mangle)]
extern "C" fn a_panic_is_reachable() -> ! {
    loop {
        hardware::write(0xdead);
    }
}

/// Begins an image with `main`, on the symbol that the link script enters.
#[macro_export]
macro_rules! image {
    ($main:path) => {
        #[unsafe(no_mangle)]
        extern "C" fn reset() -> ! {
            $crate::hardware::start();
            $main();
            loop {
                $crate::hardware::write(0);
            }
        }
    };
}
