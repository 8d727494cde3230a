//! Draws a story that is written down in the trace format: an SVG for any browser.
//!
//! `cargo run -p adapter-sim --example draw -- FILE.trace [-o OUT.svg]`

use adapter_sim::picture;
use adapter_sim::story::Story;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

const USAGE: &str = "usage: draw FILE.trace [-o OUT.svg]";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let (from, to) = match arguments.as_slice() {
        [from] => (Path::new(from), Path::new(from).with_extension("svg")),
        [from, "-o", to] | ["-o", to, from] => (Path::new(from), PathBuf::from(to)),
        _ => {
            eprintln!("{USAGE}");
            return ExitCode::from(2);
        }
    };
    match draw(from, &to) {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("{}: {why}", from.display());
            ExitCode::FAILURE
        }
    }
}

fn draw(from: &Path, to: &Path) -> Result<(), Box<dyn std::error::Error>> {
    let story: Story = std::fs::read_to_string(from)?.parse()?;
    let name = from.file_stem().unwrap_or_default().to_string_lossy();
    std::fs::write(to, picture::draw(&story, &name.replace('_', " ")))?;
    println!("{}", to.display());
    Ok(())
}
