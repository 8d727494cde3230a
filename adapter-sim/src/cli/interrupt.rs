//! Ctrl-C: what was run until then is told, and a second one ends it at once.

use signal_hook::consts::SIGINT;
use signal_hook::flag;
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, LazyLock};

/// The status a shell expects of a program that SIGINT ended.
pub const STATUS: u8 = 130;

static CAME: LazyLock<Arc<AtomicBool>> = LazyLock::new(Arc::default);

/// From now on it is heard.
///
/// # Errors
/// When the operating system does not let it be caught.
pub fn listen() -> io::Result<()> {
    // In this order: the first finds nothing that came before it.
    flag::register_conditional_shutdown(SIGINT, i32::from(STATUS), Arc::clone(&CAME))?;
    flag::register(SIGINT, Arc::clone(&CAME))?;
    Ok(())
}

/// Whether it came.
pub fn came() -> bool {
    CAME.load(Ordering::SeqCst)
}
