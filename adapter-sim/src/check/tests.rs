//! State machines with something wrong, and what their authors are told.

use super::{check, first_failure};
use crate::quiet::keep_judges_quiet;
use crate::{Options, Random, Simulator, Subject};
use raft_nostd::{Committed, SnapshotError, StateMachine};
use std::panic::catch_unwind;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc;
use std::time::Duration;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Quirk {
    None,
    PanicsInApply,
    PanicsInApplyOnce,
    PanicsInQuery,
    PanicsInSnapshot,
    PanicsInRestore,
    AnswersItsNumber,
    WritesWithoutEnd,
    WritesTooMuch,
    FailsToWrite,
    WritesNothing,
    RestoresTooEarly,
    GathersForEver,
}

/// Counts; its commands have `LENGTH` bytes.
struct Odd<const LENGTH: usize> {
    quirk: Quirk,
    commands: u64,
    image: [u8; 8],
    /// Bytes of a snapshot that were read.
    gathered: usize,
    /// Which of all it is.
    number: u64,
}

impl<const LENGTH: usize> Odd<LENGTH> {
    fn new(quirk: Quirk) -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        Self { quirk, commands: 0, image: [0; 8], gathered: 0, number }
    }
}

impl<const LENGTH: usize> StateMachine for Odd<LENGTH> {
    type Response = u64;

    fn apply(&mut self, _committed: Committed<'_>) -> u64 {
        static FIRST: AtomicBool = AtomicBool::new(true);
        let once = || FIRST.swap(false, Ordering::Relaxed);
        assert!(self.quirk != Quirk::PanicsInApply, "too\nodd");
        assert!(self.quirk != Quirk::PanicsInApplyOnce || !once(), "only once");
        self.commands += 1;
        self.commands
    }

    fn query(&self, _request: &[u8]) -> u64 {
        assert!(self.quirk != Quirk::PanicsInQuery, "too odd");
        if self.quirk == Quirk::AnswersItsNumber { self.number } else { self.commands }
    }

    fn snapshot(&mut self, offset: u64, piece: &mut [u8]) -> Result<usize, SnapshotError> {
        if offset == 0 {
            self.image = self.commands.to_le_bytes();
        }
        match self.quirk {
            _ if piece.is_empty() => return Ok(0),
            Quirk::WritesNothing => return Err(SnapshotError::Unsupported),
            Quirk::WritesWithoutEnd => return Ok(piece.len()),
            Quirk::WritesTooMuch if offset < 4_097 => return Ok(piece.len().min(1_366)),
            Quirk::FailsToWrite if self.commands > 0 => return Err(SnapshotError::Malformed),
            Quirk::PanicsInSnapshot if self.commands > 0 => panic!("too odd"),
            _ if offset > 0 => return Ok(0),
            _ => {}
        }
        piece[..8].copy_from_slice(&self.image);
        Ok(8)
    }

    fn restore(&mut self, offset: u64, piece: &[u8]) -> Result<(), SnapshotError> {
        assert!(self.quirk != Quirk::PanicsInRestore, "too odd");
        if offset == 0 && self.quirk != Quirk::GathersForEver {
            self.gathered = 0;
        }
        self.gathered += piece.len();
        if self.gathered > 8 {
            return Err(SnapshotError::Malformed);
        }
        match <[u8; 8]>::try_from(piece) {
            Ok(image) => {
                self.image = image;
                if self.quirk == Quirk::RestoresTooEarly {
                    self.commands = u64::from_le_bytes(image);
                }
            }
            Err(_) => self.commands = u64::from_le_bytes(self.image),
        }
        Ok(())
    }
}

impl<const LENGTH: usize> Subject for Odd<LENGTH> {
    fn command(random: &mut Random) -> Vec<u8> {
        vec![random.below(4) as u8; LENGTH]
    }

    fn question(_random: &mut Random) -> Vec<u8> {
        vec![13]
    }
}

/// What is wrong with a machine in the first seed that finds something.
fn verdict<const LENGTH: usize>(quirk: Quirk) -> Option<String> {
    keep_judges_quiet();
    let make = move || Odd::<LENGTH>::new(quirk);
    let simulator = Simulator::with_subject(make, Options::default());
    (0..20).find_map(|seed| simulator.run(seed).err()).map(|failure| failure.verdict)
}

#[track_caller]
fn assert_told(quirk: Quirk, parts: &[&str]) {
    let verdict = verdict::<0>(quirk).expect("something is wrong");
    for part in parts {
        assert!(verdict.contains(part), "no {part:?} in {verdict:?}");
    }
}

#[test]
fn a_command_that_is_too_long_is_named() {
    let told = verdict::<101>(Quirk::None);
    let expected = "the subject made a command of 101 bytes; COMMAND_MAX is 100";
    assert_eq!(told.as_deref(), Some(expected));
    assert_eq!(verdict::<100>(Quirk::None), None);
}

#[test]
fn a_panic_says_whose_it_is_and_where() {
    let here = [", at ", "tests.rs:"];
    let all = |words| [&[words][..], &here[..]].concat();
    assert_told(Quirk::PanicsInApply, &all("'s state machine panics in apply of "));
    assert_told(Quirk::PanicsInApply, &all(" (command []): too\nodd"));
    assert_told(Quirk::PanicsInQuery, &all("'s state machine panics in query [13]: too odd"));
    assert_told(Quirk::PanicsInSnapshot, &all("'s state machine panics in snapshot at byte 0: "));
    assert_told(Quirk::PanicsInRestore, &all("'s state machine panics in restore at byte 0: "));
}

#[test]
fn a_snapshot_that_is_too_long_is_named() {
    let words = "'s state machine writes a snapshot of more than SNAPSHOT_MAX = 4096 bytes";
    assert_told(Quirk::WritesWithoutEnd, &[words]);
    assert_told(Quirk::WritesTooMuch, &[words]);
}

#[test]
fn a_snapshot_that_fails_is_the_machines_fault() {
    let words = "'s state machine does not write its snapshot, at byte 0: ";
    assert_told(Quirk::FailsToWrite, &[words]);
    assert_eq!(verdict::<0>(Quirk::WritesNothing), None, "that is allowed");
}

#[test]
fn a_state_that_is_replaced_too_early_is_noticed() {
    let parts = [
        "'s state machine answers query [13] with ",
        " once it was given a piece of a snapshot, at byte 0, before the end",
    ];
    assert_told(Quirk::RestoresTooEarly, &parts);
}

/// Numbers its commands, whatever the seed.
#[derive(Default)]
struct Numbering;

impl StateMachine for Numbering {
    type Response = ();

    fn apply(&mut self, _committed: Committed<'_>) {}

    fn query(&self, _request: &[u8]) {}
}

impl Subject for Numbering {
    fn command(_random: &mut Random) -> Vec<u8> {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        NEXT.fetch_add(1, Ordering::Relaxed).to_le_bytes().to_vec()
    }
}

#[test]
fn commands_that_are_drawn_from_elsewhere_are_noticed() {
    let said = catch_unwind(|| check(Numbering::default, 0..1)).expect_err("something is wrong");
    let said = said.downcast_ref::<String>().expect("in words");
    assert!(said.contains("command is not drawn from `random` alone"), "{said}");
}

#[test]
fn different_answers_are_told_as_such() {
    let parts = ["n2 and n1, which have applied the same through ", ", answer [13] with "];
    assert_told(Quirk::AnswersItsNumber, &parts);
}

/// What `check` says.
fn said(quirk: Quirk) -> String {
    let make = move || Odd::<0>::new(quirk);
    let said = catch_unwind(|| check(make, 0..1)).expect_err("something is wrong");
    said.downcast_ref::<String>().expect("in words").clone()
}

#[test]
fn what_does_not_fail_again_is_no_story() {
    let said = said(Quirk::PanicsInApplyOnce);
    assert!(said.contains("only once"), "{said}");
    assert!(said.contains("it did not fail again: something outside of the seed"), "{said}");
    assert!(!said.contains(".trace") && !said.contains("fails in the same way"), "{said}");
}

#[test]
fn a_story_is_kept_where_no_other_process_or_machine_overwrites_it() {
    let said = said(Quirk::PanicsInApply);
    assert!(said.contains("\ncheck(make, 0..1) fails in the same way"), "{said}");
    let (_, trace) = said.split_once(" lines: ").expect("a file");
    let trace = trace.lines().next().expect("its name");
    let parts = ["check-tests-Odd-0", &std::process::id().to_string()];
    assert!(parts.iter().all(|part| trace.contains(part)), "{trace}");
    let text = std::fs::read_to_string(trace).expect("it was written");
    assert!(text.contains("panics in apply"), "{text}");
}

#[test]
#[should_panic(expected = "there is no seed in 5..5")]
fn no_seed_is_no_test() {
    check(|| Odd::<0>::new(Quirk::None), 5..5);
}

#[test]
fn what_was_read_of_a_snapshot_before_is_forgotten_when_one_begins() {
    let words = "'s state machine does not take its own snapshot, at byte ";
    assert_told(Quirk::GathersForEver, &[words]);
}

#[test]
fn the_last_seeds_are_the_end() {
    let (done, is_done) = mpsc::channel();
    std::thread::spawn(move || {
        let make = || Odd::<0>::new(Quirk::None);
        let span = Some(raft_nostd::Duration::from_millis(1));
        let options = Options { span, ..Options::default() };
        let simulator = Simulator::with_subject(make, options);
        _ = done.send(first_failure(&simulator, u64::MAX - 3..u64::MAX).is_none());
    });
    assert_eq!(is_done.recv_timeout(Duration::from_secs(60)), Ok(true), "it has no end");
}
