//! One seed, looked at closely.

use super::Failed;
use super::options::Run;
use super::say;
use adapter_sim::story::Story;
use adapter_sim::{Simulator, picture};
use indicatif::{ProgressBar, ProgressStyle};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Tells the whole run of a seed.
pub fn trace(seed: u64, what: &Run) -> Result<(), Failed> {
    let simulator = Simulator::new(what.options());
    let (_, tape) = simulator.record(seed);
    let (outcome, story) = simulator.tell(&tape);
    say(&story);
    if outcome.is_ok() {
        // Not part of the trace.
        eprintln!("adapter-sim: nothing went wrong in the run of seed {seed}");
    }
    outcome.map(drop).map_err(|_| Failed::Found)
}

/// Makes a failing run shorter, and writes it down as a story and as a picture.
pub fn shrink(seed: u64, what: &Run) -> Result<(), Failed> {
    let simulator = Simulator::new(what.options());
    let (outcome, tape) = simulator.record(seed);
    let Err(failure) = outcome else {
        say(&format!("seed {seed} does not fail: there is nothing to shorten\n"));
        return Ok(());
    };
    say(&format!("seed {seed} failed: {failure}\n"));
    let folder = what.out.display();
    std::fs::create_dir_all(&what.out)
        .map_err(|error| super::complain(&format!("cannot make the folder {folder}: {error}")))?;
    let spinner = ProgressBar::new_spinner();
    let style = ProgressStyle::with_template("{spinner} {msg}, {elapsed}");
    spinner.set_style(style.expect("the template is right"));
    let time = Duration::from_secs(60 * what.minutes.min(2));
    let shrunk = simulator.shrink(&tape, time, |tries, draws| {
        spinner.set_message(format!("{draws} choices left after {tries} tries"));
        spinner.tick();
    });
    spinner.finish_and_clear();
    let Some(shrunk) = shrunk else {
        say(&format!(
            "seed {seed} does not fail a second time: its machine is not deterministic\n"
        ));
        return Err(Failed::Found);
    };
    let (_, story) = simulator.tell(&shrunk.tape);
    say(&format!(
        "shortened from {} choices to {} in {} tries: {} lines\n",
        shrunk.before,
        shrunk.tape.choices(),
        shrunk.tries,
        story.lines().count()
    ));
    keep(&what.out, seed, &story)?;
    Err(Failed::Found)
}

/// Writes `seed-N.trace` and `seed-N.svg`.
fn keep(folder: &Path, seed: u64, story: &Story) -> Result<(), Failed> {
    let path = folder.join(format!("seed-{seed}.trace"));
    write(&path, &story.to_string())?;
    write(&path.with_extension("svg"), &picture::draw(story, &format!("seed {seed}, shortened")))
}

/// Draws a trace.
pub fn draw(trace: &Path, out: Option<PathBuf>) -> Result<(), Failed> {
    let name = trace.display();
    let text = std::fs::read_to_string(trace)
        .map_err(|error| super::complain(&format!("cannot read {name}: {error}")))?;
    let story: Story =
        text.parse().map_err(|error| super::complain(&format!("{name}: {error}")))?;
    if story.lines().next().is_none() {
        return Err(super::complain(&format!("{name}: nothing happens in it")));
    }
    let title = trace.file_stem().unwrap_or_default().to_string_lossy().replace('_', " ");
    let out = out.unwrap_or_else(|| trace.with_extension("svg"));
    write(&out, &picture::draw(&story, &title))
}

fn write(path: &Path, text: &str) -> Result<(), Failed> {
    let name = path.display();
    std::fs::write(path, text)
        .map_err(|error| super::complain(&format!("cannot write {name}: {error}")))?;
    say(&format!("{name}\n"));
    Ok(())
}
