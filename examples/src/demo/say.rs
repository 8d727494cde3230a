//! The demo's voice: a line with the time for each thing that happens, a bar where it takes long,
//! a table at the end. Plain lines when nobody watches a terminal.

use indicatif::{ProgressBar, ProgressStyle};
use std::io::IsTerminal;
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
    pub fn say(&self, text: &str) {
        let line = format!("{:7.3} s  {text}", self.started.elapsed().as_secs_f64());
        match &self.bar {
            Some(bar) => bar.println(line),
            None => println!("{line}"),
        }
    }

    /// Shows a bar up to `length`, where a person watches.
    pub fn begin(&mut self, length: u64) {
        if !std::io::stdout().is_terminal() {
            return;
        }
        let bar = ProgressBar::new(length);
        let style = "           {bar:40} {pos}/{len} writes acknowledged, {per_sec}";
        if let Ok(style) = ProgressStyle::with_template(style) {
            bar.set_style(style);
        }
        self.bar = Some(bar);
    }

    /// Moves the bar.
    pub fn progress(&self, position: u64) {
        if let Some(bar) = &self.bar {
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
    pub fn table(&self, checks: &[Check]) -> usize {
        let width = checks.iter().map(|check| check.promise.len()).max().unwrap_or(0);
        println!();
        for Check { promise, verdict, measured } in checks {
            let mark = match verdict {
                Verdict::Kept => "ok    ",
                Verdict::Broken => "FAILED",
            };
            println!("  {mark}  {promise:width$}  {measured}");
        }
        let failed = checks.iter().filter(|check| check.verdict == Verdict::Broken).count();
        println!();
        match failed {
            0 => println!("  all {} checks passed in {:.1} s", checks.len(), self.seconds()),
            _ => println!("  {failed} of {} checks FAILED", checks.len()),
        }
        failed
    }

    fn seconds(&self) -> f64 {
        self.started.elapsed().as_secs_f64()
    }
}

impl Default for Voice {
    fn default() -> Self {
        Self::new()
    }
}
