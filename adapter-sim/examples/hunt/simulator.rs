//! How the simulator is built in a tree, run, and understood. Nothing else knows its command line.

use std::fs::File;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// A simulator that does not end so long after its time hangs.
const GRACE: Duration = Duration::from_secs(20);
/// How often a running simulator is looked at.
const GLANCE: Duration = Duration::from_millis(20);

/// The built simulator.
pub struct Simulator {
    program: PathBuf,
    log: PathBuf,
}

/// What a run came to.
pub enum Outcome {
    /// Every seed was clean, or the time was up.
    NothingFound { after: Duration },
    /// It did not come to an end: a seed never ends.
    Hangs,
    /// A seed failed.
    Failed { seed: u64, words: String, after: Duration },
}

impl Simulator {
    /// Builds the simulator of the workspace in `tree`; what is built stays in `target`, so that the
    /// next build takes over what has not changed.
    pub fn build(tree: &Path, target: &Path) -> Result<Self, String> {
        let built = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
            .args(["build", "--release", "-p", "adapter-sim", "--bin", "adapter-sim"])
            // Built often and run shortly: in small parts, most of which the next build takes over.
            .env("CARGO_PROFILE_RELEASE_LTO", "off")
            .env("CARGO_PROFILE_RELEASE_CODEGEN_UNITS", "64")
            .env("CARGO_INCREMENTAL", "1")
            .env("CARGO_TARGET_DIR", target)
            .current_dir(tree)
            .stderr(Stdio::piped())
            .output()
            .map_err(|error| format!("cargo does not start: {error}"))?;
        if !built.status.success() {
            return Err(format!("does not build:\n{}", String::from_utf8_lossy(&built.stderr)));
        }
        let program = target.join("release").join("adapter-sim");
        Ok(Self { program, log: target.join("simulator.log") })
    }

    /// Keeps the program where the next build does not replace it.
    pub fn keep(mut self, target: &Path) -> Result<Self, String> {
        let kept = target.join("adapter-sim-without-a-bug");
        std::fs::copy(&self.program, &kept).map_err(|error| format!("no copy: {error}"))?;
        self.program = kept;
        Ok(self)
    }

    /// Runs `seeds`, for so many minutes.
    pub fn run(&self, seeds: Range<u64>, minutes: u64) -> Result<Outcome, String> {
        let log = File::create(&self.log).map_err(|error| format!("no log: {error}"))?;
        let other = log.try_clone().map_err(|error| format!("no log: {error}"))?;
        let (began, limit) = (Instant::now(), Duration::from_secs(60 * minutes) + GRACE);
        let mut child = Command::new(&self.program)
            .arg(format!("--seeds={}..{}", seeds.start, seeds.end))
            .arg(format!("--minutes={minutes}"))
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
                return Ok(Outcome::Hangs);
            }
            std::thread::sleep(GLANCE);
        };
        let after = began.elapsed();
        if status.success() {
            return Ok(Outcome::NothingFound { after });
        }
        let said = std::fs::read(&self.log).map_err(|error| format!("no log: {error}"))?;
        let said = String::from_utf8_lossy(&said);
        let (seed, words) = verdict(&said).ok_or_else(|| {
            format!("the simulator ended with {status} and named no seed:\n{said}")
        })?;
        Ok(Outcome::Failed { seed, words, after })
    }
}

/// The seed that failed, and why.
fn verdict(said: &str) -> Option<(u64, String)> {
    said.lines().find_map(|line| {
        let (seed, words) = line.strip_prefix("seed ")?.split_once(" failed: ")?;
        Some((seed.parse().ok()?, words.to_owned()))
    })
}
