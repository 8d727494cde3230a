//! Signals that ask the demo to end. It goes as they want it, but not before its nodes and its data
//! are gone: whoever waits for something looks here.

use super::trouble::Trouble;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::flag;
use signal_hook::low_level::emulate_default_handler;
use std::io;
use std::process::ExitCode;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, LazyLock};

/// The last signal that came; zero for none.
static CAME: LazyLock<Arc<AtomicUsize>> = LazyLock::new(Arc::default);

/// From now on these signals are heard. (Not those that the demo was started to ignore, as by
/// `nohup`.) A closed terminal may send several: the second is no reason to leave anything behind.
///
/// # Errors
/// When the operating system does not let them be caught.
pub fn listen() -> io::Result<()> {
    let ignored = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let ignored = ignored_signals(&ignored);
    for signal in [SIGHUP, SIGINT, SIGTERM] {
        if ignored >> (signal - 1) & 1 == 0 {
            flag::register_usize(signal, Arc::clone(&CAME), signal as usize)?;
        }
    }
    Ok(())
}

/// The signal that came, if one did.
pub fn signal() -> Option<i32> {
    match CAME.load(Ordering::SeqCst) {
        0 => None,
        signal => i32::try_from(signal).ok(),
    }
}

/// Goes on only while no signal came.
///
/// # Errors
/// [`Trouble::Interrupted`] when one did.
pub fn check() -> Result<(), Trouble> {
    signal().map_or(Ok(()), |signal| Err(Trouble::Interrupted(signal)))
}

/// Ends as the signal would have ended it, so that a shell sees why.
pub fn end(signal: i32) -> ExitCode {
    let _ = emulate_default_handler(signal);
    ExitCode::from(128_u8.saturating_add(u8::try_from(signal).unwrap_or(0)))
}

/// The mask of ignored signals, where the operating system tells it in a file.
fn ignored_signals(status: &str) -> u64 {
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_nohup_set_is_seen() {
        let status = "Name:\tdemo\nSigBlk:\t0000000000000000\nSigIgn:\t0000000000000001\n";
        assert_eq!(ignored_signals(status), 1 << (SIGHUP - 1));
        assert_eq!(ignored_signals(""), 0);
    }
}
