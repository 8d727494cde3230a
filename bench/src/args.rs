//! The command line of `compare`.

use bench::contenders::CONTENDERS;
use bench::measure::Mode;
use lexopt::prelude::*;

/// What `--help` prints.
pub const HELP: &str = "\
Compares Raft implementations: three nodes, one thread, in memory, 32-byte commands.

Usage: compare [OPTIONS]

  --entries N        commands measured in each round (default 50000)
  --rounds N         rounds, each running every contender once (default 7)
  --warm-up N        commands committed before each measurement (default 5000)
  --only NAME        run only this contender (may be repeated)
  --mode one|batch   run only this mode: one command at a time, or 64 in flight
  --list             print every contender and mode, and stop
  --help             print this, and stop
";

/// What to do.
pub enum Action {
    Compare(Options),
    List,
    Help,
}

/// What to compare, and how.
pub struct Options {
    pub entries: usize,
    pub rounds: usize,
    pub warm_up: usize,
    /// Names of contenders; all of them if empty.
    pub only: Vec<String>,
    /// All of them if absent.
    pub mode: Option<Mode>,
}

/// Reads the command line.
pub fn parse() -> Result<Action, lexopt::Error> {
    let mut options =
        Options { entries: 50_000, rounds: 7, warm_up: 5_000, only: Vec::new(), mode: None };
    let mut parser = lexopt::Parser::from_env();
    while let Some(argument) = parser.next()? {
        match argument {
            Long("entries") => options.entries = parser.value()?.parse_with(positive)?,
            Long("rounds") => options.rounds = parser.value()?.parse_with(positive)?,
            Long("warm-up") => options.warm_up = parser.value()?.parse()?,
            Long("only") => options.only.push(parser.value()?.parse_with(contender)?),
            Long("mode") => options.mode = Some(parser.value()?.parse_with(mode)?),
            Long("list") => return Ok(Action::List),
            Short('h') | Long("help") => return Ok(Action::Help),
            _ => return Err(argument.unexpected()),
        }
    }
    Ok(Action::Compare(options))
}

fn positive(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(number) if number > 0 => Ok(number),
        _ => Err("not a number above 0".into()),
    }
}

fn contender(text: &str) -> Result<String, String> {
    if CONTENDERS.iter().any(|contender| contender.name == text) {
        return Ok(text.into());
    }
    let names: Vec<&str> = CONTENDERS.iter().map(|contender| contender.name).collect();
    Err(format!("the contenders are: {}", names.join(", ")))
}

fn mode(text: &str) -> Result<Mode, String> {
    let found = Mode::ALL.into_iter().find(|mode| mode.name() == text);
    found.ok_or_else(|| "the modes are: one, batch".into())
}
