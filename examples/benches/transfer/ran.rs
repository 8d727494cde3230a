//! How long a process has run on processors.

use std::fs;
use std::time::Duration;

/// Of all threads of the process `pid`; zero where the operating system does not tell.
pub fn ran(pid: u32) -> Duration {
    let threads = fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten().flatten();
    threads.map(|thread| of_thread(&thread.path().join("schedstat"))).sum()
}

fn of_thread(path: &std::path::Path) -> Duration {
    let text = fs::read_to_string(path).unwrap_or_default();
    let nanos = text.split(' ').next().and_then(|word| word.parse().ok());
    Duration::from_nanos(nanos.unwrap_or(0))
}
