//! Why the story cannot go on, and waiting, which is where that shows.

use super::interrupt;
use std::io::{self, ErrorKind};
use std::time::{Duration, Instant};

/// How long anything is waited for: far longer than it takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);
/// How often is looked whether it has happened.
const GLANCE: Duration = Duration::from_millis(5);

/// Why the story cannot go on.
#[derive(Debug)]
pub enum Trouble {
    /// The machine refused something.
    Io(io::Error),
    /// Something that was waited for did not happen.
    Patience(String),
    /// The story cannot be told: nobody reads it, or the disk it goes to is full.
    Output(io::Error),
    /// A signal asks the demo to end.
    Interrupted(i32),
}

impl Trouble {
    /// Whether the nodes may have something to say about it.
    pub fn is_of_the_nodes(&self) -> bool {
        matches!(self, Self::Io(_) | Self::Patience(_))
    }

    /// Whether there is nobody left to tell: whoever read the story has seen enough of it.
    pub fn is_silent(&self) -> bool {
        matches!(self, Self::Output(error) if error.kind() == ErrorKind::BrokenPipe)
    }
}

impl std::fmt::Display for Trouble {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Io(error) => error.fmt(f),
            Self::Patience(what) => {
                write!(f, "waited {} s in vain for {what}", PATIENCE.as_secs())
            }
            Self::Output(error) => write!(f, "cannot write to the standard output: {error}"),
            Self::Interrupted(signal) => write!(f, "ended by signal {signal}"),
        }
    }
}

impl std::error::Error for Trouble {}

impl From<io::Error> for Trouble {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

/// Waits until `look` sees what it looks for.
///
/// # Errors
/// When it does not for a long time (`what` says what that was), or when a signal asks to end.
pub fn wait_for<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> Result<T, Trouble> {
    wait_while(what, || look().map_or(Step::Same, Step::Done))
}

/// What a look saw.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step<T> {
    /// What is waited for.
    Done(T),
    /// Something on the way to it.
    Moved,
    /// What was there before.
    Same,
}

/// Waits until `look` sees what it looks for, as long as something moves.
///
/// # Errors
/// When nothing moves for a long time (`what` says what should), or when a signal asks to end.
pub fn wait_while<T>(what: &str, mut look: impl FnMut() -> Step<T>) -> Result<T, Trouble> {
    let mut end = Instant::now() + PATIENCE;
    loop {
        interrupt::check()?;
        match look() {
            Step::Done(seen) => return Ok(seen),
            Step::Moved => end = Instant::now() + PATIENCE,
            Step::Same if Instant::now() >= end => {
                return Err(Trouble::Patience(what.to_string()));
            }
            Step::Same => {}
        }
        std::thread::sleep(GLANCE);
    }
}
