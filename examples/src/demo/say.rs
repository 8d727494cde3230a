//! The demo's voice: a line with the time for each thing that happens, a bar where it takes long,
//! a table at the end. Plain lines when nobody watches a terminal.

use super::trouble::Trouble;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::fmt::Write as _;
use std::io::{self, IsTerminal, Write as _};
use std::time::Instant;

/// Says what happens.
#[derive(Debug)]
pub struct Voice {
    started: Instant,
    bar: Option<ProgressBar>,
}

/// How a check ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// As promised.
    Kept,
    /// Not as promised.
    Broken,
}

/// One row of the final table.
#[derive(Clone, Debug)]
pub struct Check {
    /// What was promised.
    pub promise: &'static str,
    /// Whether it was kept.
    pub verdict: Verdict,
    /// What was measured.
    pub measured: String,
}

impl Check {
    /// A check that holds when nothing was found against it.
    pub fn new(promise: &'static str, against: &[String], measured: String) -> Self {
        match against.first() {
            None => Self { promise, verdict: Verdict::Kept, measured },
            Some(first) => {
                let measured = format!("{} against it, first: {first}", against.len());
                Self { promise, verdict: Verdict::Broken, measured }
            }
        }
    }
}

impl Voice {
    /// Starts the clock.
    pub fn new() -> Self {
        Self { started: Instant::now(), bar: None }
    }

    /// One line, with the time.
    ///
    /// # Errors
    /// When nobody can hear it.
    pub fn say(&self, text: &str) -> Result<(), Trouble> {
        let line = format!("{:7.3} s  {text}\n", self.started.elapsed().as_secs_f64());
        match &self.bar {
            Some(bar) => bar.suspend(|| print(&line)),
            None => print(&line),
        }
    }

    /// Shows a bar up to `goal`, where a person watches.
    pub fn begin(&mut self, goal: u64) {
        if !io::stdout().is_terminal() {
            return;
        }
        let bar = ProgressBar::with_draw_target(Some(goal), ProgressDrawTarget::stdout());
        let style = "           {bar:40} {pos}/{len} writes acknowledged, {per_sec}";
        if let Ok(style) = ProgressStyle::with_template(style) {
            bar.set_style(style);
        }
        self.bar = Some(bar);
    }

    /// Moves the bar. What goes beyond the goal moves the goal: the clients do not stop there.
    pub fn progress(&self, position: u64) {
        if let Some(bar) = &self.bar {
            if bar.length().is_some_and(|goal| goal < position) {
                bar.set_length(position);
            }
            bar.set_position(position);
        }
    }

    /// Takes the bar away.
    pub fn end(&mut self) {
        if let Some(bar) = self.bar.take() {
            bar.finish_and_clear();
        }
    }

    /// The final table. How many checks failed.
    ///
    /// # Errors
    /// When nobody can read it.
    pub fn table(&self, checks: &[Check]) -> Result<usize, Trouble> {
        let width = checks.iter().map(|check| check.promise.len()).max().unwrap_or(0);
        let mut text = "\n".to_owned();
        for Check { promise, verdict, measured } in checks {
            let mark = match verdict {
                Verdict::Kept => "ok    ",
                Verdict::Broken => "FAILED",
            };
            let _ = writeln!(text, "  {mark}  {promise:width$}  {measured}");
        }
        let failed = checks.iter().filter(|check| check.verdict == Verdict::Broken).count();
        let _ = match failed {
            0 => {
                writeln!(text, "\n  all {} checks passed in {:.1} s", checks.len(), self.seconds())
            }
            _ => writeln!(text, "\n  {failed} of {} checks FAILED", checks.len()),
        };
        print(&text).map(|()| failed)
    }

    fn seconds(&self) -> f64 {
        self.started.elapsed().as_secs_f64()
    }
}

/// As `print!`, which panics where nobody reads any more.
fn print(text: &str) -> Result<(), Trouble> {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes()).and_then(|()| out.flush()).map_err(Trouble::Output)
}

impl Default for Voice {
    fn default() -> Self {
        Self::new()
    }
}
