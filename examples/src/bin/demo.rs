//! Four real nodes, one leader and three secondaries: see `demo --help`.

fn main() -> std::process::ExitCode {
    examples::demo::main()
}
