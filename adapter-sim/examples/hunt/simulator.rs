//! How the simulator is built in a tree, run, and understood. Nothing else knows its command line.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// How often a running simulator is looked at.
const GLANCE: Duration = Duration::from_millis(20);

/// The built simulator.
pub struct Simulator {
    program: PathBuf,
    log: PathBuf,
}

/// What a run came to.
pub enum Outcome {
    /// Every seed was clean.
    Clean,
    /// A seed failed.
    Failed { seed: u64, words: String, after: Duration },
    /// No seed failed before the time was up.
    TimeIsUp,
}

impl Simulator {
    /// Builds the simulator of the workspace in `tree`; what is built stays in `target`, so that the
    /// next build takes over what has not changed.
    pub fn build(tree: &Path, target: &Path) -> Result<Self, String> {
        let built = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
            .args(["test", "--release", "--no-run", "-p", "raft-nostd", "--test", "simulation"])
            .arg("--message-format=json-render-diagnostics")
            // Built often and run shortly.
            .env("CARGO_PROFILE_RELEASE_LTO", "off")
            .env("CARGO_INCREMENTAL", "1")
            .env("CARGO_TARGET_DIR", target)
            .current_dir(tree)
            .stderr(Stdio::piped())
            .output()
            .map_err(|error| format!("cargo does not start: {error}"))?;
        if !built.status.success() {
            return Err(format!("does not build:\n{}", String::from_utf8_lossy(&built.stderr)));
        }
        let messages = String::from_utf8_lossy(&built.stdout);
        let program = messages.lines().filter_map(executable).next_back();
        let program = program.ok_or("cargo built no simulator")?.into();
        Ok(Self { program, log: target.join("simulator.log") })
    }

    /// Runs seeds from zero up to `last`, for as long as `limit`.
    pub fn run(&self, last: u64, limit: Duration) -> Result<Outcome, String> {
        let log = File::create(&self.log).map_err(|error| format!("no log: {error}"))?;
        let other = log.try_clone().map_err(|error| format!("no log: {error}"))?;
        let began = Instant::now();
        let mut child = Command::new(&self.program)
            .args(["safety_under_faults_and_liveness_after", "--exact", "--nocapture"])
            .env("SIMULATION_SEEDS", format!("0..{last}"))
            .env("RUST_BACKTRACE", "0")
            .stdin(Stdio::null())
            .stdout(log)
            .stderr(other)
            .spawn()
            .map_err(|error| format!("the simulator does not start: {error}"))?;
        let status = loop {
            let ended = child.try_wait().map_err(|error| format!("the simulator: {error}"))?;
            if let Some(status) = ended {
                break status;
            }
            if began.elapsed() >= limit {
                child.kill().map_err(|error| format!("the simulator goes on: {error}"))?;
                child.wait().map_err(|error| format!("the simulator: {error}"))?;
                return Ok(Outcome::TimeIsUp);
            }
            std::thread::sleep(GLANCE);
        };
        let after = began.elapsed();
        if status.success() {
            return Ok(Outcome::Clean);
        }
        let said = std::fs::read(&self.log).map_err(|error| format!("no log: {error}"))?;
        let said = String::from_utf8_lossy(&said);
        let (seed, words) = verdict(&said)
            .ok_or_else(|| format!("the simulator ended with {status} and named no seed:\n{said}"))?;
        Ok(Outcome::Failed { seed, words, after })
    }
}

/// The program that one of cargo's messages names.
fn executable(message: &str) -> Option<&str> {
    let (_, rest) = message.split_once("\"executable\":\"")?;
    Some(rest.split_once('"')?.0)
}

/// The seed that failed, and why: what stands behind it, or else what the first panic said.
fn verdict(said: &str) -> Option<(u64, String)> {
    let failed = |line: &str| {
        let (_, rest) = line.split_once("seed ")?;
        let (seed, rest) = rest.split_once(" failed")?;
        Some((seed.parse::<u64>().ok()?, rest.strip_prefix(": ").map(str::to_owned)))
    };
    let (seed, words) = said.lines().find_map(failed)?;
    let panicked = || said.lines().skip_while(|line| !line.contains("panicked at")).nth(1);
    Some((seed, words.or_else(|| panicked().map(str::to_owned))?))
}
