//! Plants one seeded bug after the other in a scratch copy of the workspace, and demands that the
//! simulator notices each of them. First of all it demands that the simulator finds nothing where no
//! bug was planted.
//!
//! ```text
//! cargo run --release -p adapter-sim --example hunt -- [options] [bug]...
//! ```

#[path = "../../bugs/bug.rs"]
mod bug;
mod simulator;
mod table;
mod tree;

use bug::Bug;
use simulator::{Outcome, Simulator};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use table::Table;
use tree::Tree;

const HELP: &str = "\
Hunts seeded bugs: each is planted in a copy of the workspace, and the simulator must notice it.

usage: hunt [options] [bug]...

  bug             the name of a patch in adapter-sim/bugs, without .patch; all when none is given
  --some N        only so many of them; the table is left as it is
  --from-day      begin with others each day: for CI
  --minutes M     for each bug, at most (5)
  --clean SEEDS   how many seeds must find nothing before a bug is planted (1000)
  --scratch DIR   where to copy and build (target/hunt)

Ends with 1 when a bug was not noticed, and with 2 when it cannot hunt; the bugs that were noticed
are in adapter-sim/bugs/bugs.md.
";

struct Options {
    names: Vec<String>,
    some: Option<usize>,
    start: Start,
    minutes: u64,
    clean: u64,
    scratch: PathBuf,
}

/// Which of the bugs is the first.
enum Start {
    First,
    /// Another each day.
    Today,
}

/// What became of one bug.
enum Fate {
    Noticed { seed: u64, after: Duration, words: String },
    Survived(String),
}

fn main() -> ExitCode {
    let home = Path::new(env!("CARGO_MANIFEST_DIR"));
    let workspace = home.join("..");
    let result = options(&workspace).and_then(|options| match options {
        None => {
            print!("{HELP}");
            Ok(Vec::new())
        }
        Some(options) => hunt(&options, &home.join("bugs"), workspace),
    });
    match result {
        Ok(survivors) if survivors.is_empty() => ExitCode::SUCCESS,
        Ok(survivors) => {
            eprintln!("not noticed: {}", survivors.join(", "));
            ExitCode::FAILURE
        }
        Err(error) => {
            eprintln!("hunt: {error}");
            ExitCode::from(2)
        }
    }
}

/// What was asked for; `None`: to be told how to ask.
fn options(workspace: &Path) -> Result<Option<Options>, String> {
    let mut options = Options {
        names: Vec::new(),
        some: None,
        start: Start::First,
        minutes: 5,
        clean: 1_000,
        scratch: workspace.join("target").join("hunt"),
    };
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        let mut value = || words.next().ok_or(format!("{word} wants a value"));
        match word.as_str() {
            "--help" | "-h" => return Ok(None),
            "--some" => options.some = Some(positive(&word, &value()?)? as usize),
            "--from-day" => options.start = Start::Today,
            "--minutes" => options.minutes = positive(&word, &value()?)?,
            "--clean" => options.clean = positive(&word, &value()?)?,
            "--scratch" => options.scratch = PathBuf::from(value()?),
            _ if word.starts_with('-') => return Err(format!("{word}? see --help")),
            _ => options.names.push(word),
        }
    }
    // Cargo runs in the copy: a relative folder would be another one there.
    options.scratch = std::path::absolute(&options.scratch).map_err(|error| error.to_string())?;
    Ok(Some(options))
}

fn positive(flag: &str, word: &str) -> Result<u64, String> {
    match word.parse() {
        Ok(number @ 1..) => Ok(number),
        _ => Err(format!("{flag} {word}: it must be a number, 1 or more")),
    }
}

/// Hunts, and returns the names of the bugs that were not noticed.
fn hunt(options: &Options, folder: &Path, workspace: PathBuf) -> Result<Vec<String>, String> {
    let bugs = Bug::all(folder)?;
    let chosen = choose(&bugs, options)?;
    let mut table = Table::read(folder.join("bugs.md"));
    let tree = Tree::new(workspace, &options.scratch);
    let sound = demand_clean(&tree, options)?;
    let mut survivors = Vec::new();
    for (place, bug) in chosen.iter().enumerate() {
        eprint!("{:2}/{} {} ", place + 1, chosen.len(), bug.name);
        match hunt_one(bug, &tree, &sound, options.minutes)? {
            Fate::Noticed { seed, after, words } => {
                eprintln!("noticed: seed {seed}, {:.1} s: {words}", after.as_secs_f64());
                table.note(bug, seed, after, &words);
            }
            Fate::Survived(how) => {
                eprintln!("SURVIVED: {how}");
                table.forget(bug);
                survivors.push(bug.name.clone());
            }
        }
        if options.some.is_none() {
            table.write(&bugs)?;
        }
    }
    Ok(survivors)
}

/// The bugs to hunt.
fn choose<'a>(bugs: &'a [Bug], options: &Options) -> Result<Vec<&'a Bug>, String> {
    let find = |name: &String| {
        bugs.iter().find(|bug| bug.name == *name).ok_or(format!("there is no bug {name}"))
    };
    let named = options.names.iter().map(find).collect::<Result<Vec<_>, _>>()?;
    let all = if named.is_empty() { bugs.iter().collect() } else { named };
    let some = options.some.unwrap_or(all.len()).min(all.len());
    let first = match options.start {
        Start::First => 0,
        Start::Today => today() * some % all.len().max(1),
    };
    Ok(all.iter().cycle().skip(first).take(some).copied().collect())
}

/// Days since some day.
fn today() -> usize {
    let age = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    (age.as_secs() / 86_400) as usize
}

/// Where no bug was planted none may be found.
fn demand_clean(tree: &Tree, options: &Options) -> Result<Simulator, String> {
    eprint!("without a bug: ");
    tree.restore()?;
    let simulator = Simulator::build(&tree.root, &tree.target)?.keep(&tree.target)?;
    match simulator.run(0..options.clean, options.minutes)? {
        Outcome::NothingFound { after } => {
            eprintln!("{} seeds are clean, {:.1} s", options.clean, after.as_secs_f64());
            Ok(simulator)
        }
        Outcome::Failed { seed, words, .. } => {
            Err(format!("seed {seed} fails without a bug: {words}"))
        }
        Outcome::Hangs => Err("a seed never ends".into()),
    }
}

/// Plants `bug` and runs seeds. One that fails without the bug as well has not noticed it.
fn hunt_one(bug: &Bug, tree: &Tree, sound: &Simulator, minutes: u64) -> Result<Fate, String> {
    tree.restore()?;
    tree.plant(&bug.applied_to(&tree.root)?)?;
    let simulator = match Simulator::build(&tree.root, &tree.target) {
        Ok(simulator) => simulator,
        Err(error) => return Ok(Fate::Survived(error)),
    };
    let (mut first, mut spent) = (0, Duration::ZERO);
    loop {
        let (seed, words) = match simulator.run(first..u64::from(u32::MAX), minutes)? {
            Outcome::Failed { seed, words, after } => {
                spent += after;
                (seed, words)
            }
            Outcome::NothingFound { after } => {
                spent += after;
                let seconds = spent.as_secs_f64();
                return Ok(Fate::Survived(format!("nothing found in {seconds:.0} s")));
            }
            Outcome::Hangs => return Ok(Fate::Survived("a seed never ends".into())),
        };
        if let Outcome::NothingFound { .. } = sound.run(seed..seed + 1, minutes)? {
            return Ok(Fate::Noticed { seed, after: spent, words });
        }
        eprint!("(seed {seed} fails without it, too) ");
        first = seed + 1;
    }
}
