//! A durable, linearizable key-value service that speaks the Redis protocol. See `kv --help`.
#![forbid(unsafe_code)]

use std::process::ExitCode;

fn main() -> ExitCode {
    examples::kv::main(std::env::args_os())
}
