//! Ctrl-C in the middle of many seeds: what was run is told, and what was not.
#![cfg(unix)]

use std::process::{Command, Output, Stdio};
use std::time::Duration;

/// Runs the binary, and interrupts it after a while.
fn interrupted(flags: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_adapter-sim"));
    let command = command.args(flags).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    // Until it listens, which is the first thing that it does, a signal just ends it.
    std::thread::sleep(Duration::from_secs(2));
    assert!(child.try_wait().unwrap().is_none(), "it ended by itself");
    assert!(
        Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap().success()
    );
    child.wait_with_output().unwrap()
}

#[test]
fn what_was_run_is_told() {
    let output = interrupted(&["--seeds", "5..1000000000", "--threads", "1"]);
    let text = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(130), "{text}");
    let (head, last) = (text.lines().next().unwrap(), text.lines().last().unwrap());
    let seeds: u64 = head.split(' ').next().unwrap().parse().unwrap();
    assert!(seeds > 0, "{head}");
    let rest = format!("it was interrupted: seeds {}..1000000000 were not run", 5 + seeds);
    assert_eq!(last, rest);
}
