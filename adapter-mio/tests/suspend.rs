//! A process that is suspended. In a file of its own, since that hits all tests in it.
#![cfg(target_os = "linux")]

mod support;

use adapter_mio::NoService;
use std::process::Command;
use support::{Member, propose, seats};

/// Stopping and continuing the process interrupts every `epoll_wait` (EINTR), and is a stall of
/// all nodes at once.
#[test]
fn a_process_that_was_stopped_goes_on() {
    let members: Vec<_> =
        seats(3).into_iter().map(|seat| Member::start(seat.hasty(), NoService::new())).collect();
    let pid = std::process::id();
    for number in 1..=3 {
        assert_eq!(propose(&members, 1), Ok(number));
        let script = format!("kill -STOP {pid}; sleep 0.5; kill -CONT {pid}");
        assert!(Command::new("sh").args(["-c", &script]).status().unwrap().success());
    }
    assert_eq!(propose(&members, 1), Ok(4));
    members.into_iter().for_each(Member::stop);
}
