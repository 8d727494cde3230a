//! The rounds: in each, all that is compared, one after the other.

use super::options::Options;
use super::plain::{self, Copied, Pace};
use super::stage::Stage;
use super::table::{Commits, Row, Way, print};
use super::writers::Writers;
use examples::demo::interrupt;
use examples::demo::say::Voice;
use examples::demo::trouble::Trouble;
use std::time::{Duration, Instant};

/// Rest for the disk after each copy, before anything is measured.
const REST: Duration = Duration::from_millis(500);

/// One session.
pub struct Rounds {
    options: Options,
    voice: Voice,
    stage: Stage,
}

impl Rounds {
    /// Sets the stage.
    ///
    /// # Errors
    /// When the machine has no room for it.
    pub fn new(options: Options) -> Result<Self, Trouble> {
        let mut voice = Voice::new();
        let mut stage = Stage::new(&options, &voice)?;
        stage.fill(options.mib, &mut voice)?;
        stage.settle()?;
        voice.say(&format!("a state of {} MiB, and a snapshot of it", options.mib))?;
        Ok(Self { options, voice, stage })
    }

    /// Runs all rounds, and prints what came of them.
    ///
    /// # Errors
    /// When something that must happen does not.
    pub fn run(&mut self) -> Result<(), Trouble> {
        let mut rows = Vec::new();
        for round in 1..=self.options.rounds {
            let row = self.round(round)?;
            self.voice.say(&format!("round {round}: {row}"))?;
            rows.push(row);
        }
        print(&self.options, &rows);
        Ok(())
    }

    fn round(&mut self, round: u32) -> Result<Row, Trouble> {
        let three = self.calm()?;
        self.wipe()?;
        let copy_alone = self.copied(&format!("copy-alone-{round}"), Pace::Full)?;
        let alone = self.stage.transfer(None)?;
        self.stage.settle()?;
        self.wipe()?;
        let calm_before_copy = self.calm()?;
        let writers = self.writers()?;
        let from = writers.mark();
        let copy = self.copied(&format!("copy-beside-{round}"), Pace::Full)?;
        let during_copy = writers.mark().rate_since(from);
        let from = writers.mark();
        self.copied(&format!("slow-copy-{round}"), copy.half())?;
        let during_slow = writers.mark().rate_since(from);
        drop(writers);
        let calm = self.calm()?;
        let writers = self.writers()?;
        let snapshot = self.stage.transfer(Some(&writers))?;
        let refused = writers.refused();
        drop(writers);
        self.stage.settle()?;
        let during_snapshot = snapshot.to.rate_since(snapshot.from);
        Ok(Row {
            three,
            alone: Way::of(alone.bytes, alone.took, alone.ran),
            copy_alone,
            beside: Way::of(snapshot.bytes, snapshot.took, snapshot.ran),
            copy_beside: copy,
            snapshot: Commits { calm, during: during_snapshot },
            copy: Commits { calm: calm_before_copy, during: during_copy },
            slow_copy: Commits { calm: calm_before_copy, during: during_slow },
            until_installed: snapshot.until_installed.as_secs_f64(),
            refused,
        })
    }

    fn wipe(&mut self) -> Result<(), Trouble> {
        self.stage.wipe()?;
        sleep(REST)
    }

    fn writers(&mut self) -> Result<Writers, Trouble> {
        let address = self.stage.address()?;
        Writers::start(address, self.options.clients, self.options.pace)
    }

    /// The rate of commits while nothing else goes on.
    fn calm(&mut self) -> Result<f64, Trouble> {
        let writers = self.writers()?;
        let from = writers.mark();
        sleep(Duration::from_millis(self.options.calm))?;
        Ok(writers.mark().rate_since(from))
    }

    /// A plain copy to this file, which stays for the while: not every file system takes its space back
    /// without being slow at other things.
    fn copied(&self, name: &str, pace: Pace) -> Result<Way, Trouble> {
        let (from, to) = (self.stage.file("plain"), self.stage.file(name));
        let Copied { took, ran } = plain::copy(&from, &to, pace)?;
        Ok(Way::of(u64::from(self.options.mib) << 20, took, ran))
    }
}

fn sleep(time: Duration) -> Result<(), Trouble> {
    let end = Instant::now() + time;
    while Instant::now() < end {
        interrupt::check()?;
        std::thread::sleep(Duration::from_millis(10));
    }
    Ok(())
}
