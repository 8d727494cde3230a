//! `compare`: runs every contender alternately and prints a table.

mod args;

use std::process::ExitCode;

use args::{Action, Options};
use bench::alloc::Counting;
use bench::contenders::{CONTENDERS, Contender};
use bench::measure::{Mode, Plan, Sample};

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn main() -> ExitCode {
    match args::parse() {
        Ok(Action::Compare(options)) => return compare(&options),
        Ok(Action::List) => list(),
        Ok(Action::Help) => print!("{}", args::HELP),
        Err(error) => {
            eprintln!("compare: {error} (see --help)");
            return ExitCode::from(2);
        }
    }
    ExitCode::SUCCESS
}

fn list() {
    for contender in CONTENDERS {
        for mode in contender.modes {
            println!("{} {}", contender.name, mode.name());
        }
    }
}

/// A contender in a mode, and what each round of it cost.
struct Row {
    contender: &'static Contender,
    mode: Mode,
    samples: Vec<Sample>,
}

fn compare(options: &Options) -> ExitCode {
    let mut rows = rows(options);
    if rows.is_empty() {
        eprintln!("compare: that contender does not run in that mode (see --list)");
        return ExitCode::from(2);
    }
    for _ in 0..options.rounds {
        for row in &mut rows {
            let plan = Plan { mode: row.mode, warm_up: options.warm_up, entries: options.entries };
            row.samples.push((row.contender.run)(&plan));
        }
    }
    print(&rows, options);
    ExitCode::SUCCESS
}

/// What to run, in the order of the table: mode by mode, so that rivals run one after another.
fn rows(options: &Options) -> Vec<Row> {
    let named = |contender: &Contender| {
        options.only.is_empty() || options.only.iter().any(|name| name == contender.name)
    };
    let mut rows = Vec::new();
    for mode in Mode::ALL {
        if options.mode.is_some_and(|only| only != mode) {
            continue;
        }
        for contender in CONTENDERS {
            if named(contender) && contender.modes.contains(&mode) {
                rows.push(Row { contender, mode, samples: Vec::with_capacity(options.rounds) });
            }
        }
    }
    rows
}

fn print(rows: &[Row], options: &Options) {
    println!(
        "Per entry; {} rounds of {} entries; time is the median of the rounds and the lowest.\n",
        options.rounds, options.entries
    );
    println!(
        "{:<6} {:<12} {:>10} {:>10} {:>9} {:>9} {:>7}",
        "mode", "contender", "median ns", "lowest ns", "messages", "allocs", "ratio"
    );
    for row in rows {
        let first = rows.iter().find(|first| first.mode == row.mode);
        let first = first.unwrap_or(row);
        let time = row.median(|sample| sample.nanoseconds);
        println!(
            "{:<6} {:<12} {:>10.1} {:>10.1} {:>9.3} {:>9.3} {:>7.2}",
            row.mode.name(),
            row.contender.name,
            time,
            row.lowest(|sample| sample.nanoseconds),
            row.median(|sample| sample.messages),
            row.median(|sample| sample.allocations),
            time / first.median(|sample| sample.nanoseconds),
        );
    }
    println!("\nratio: of the median time to that of the first contender in the same mode");
}

impl Row {
    fn sorted(&self, of: fn(&Sample) -> f64) -> Vec<f64> {
        let mut values: Vec<f64> = self.samples.iter().map(of).collect();
        values.sort_by(f64::total_cmp);
        values
    }

    fn median(&self, of: fn(&Sample) -> f64) -> f64 {
        let values = self.sorted(of);
        let middle = values.len() / 2;
        if values.len() % 2 == 1 {
            values[middle]
        } else {
            f64::midpoint(values[middle - 1], values[middle])
        }
    }

    fn lowest(&self, of: fn(&Sample) -> f64) -> f64 {
        self.sorted(of)[0]
    }
}
