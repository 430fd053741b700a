//! The program `rlai`.

use std::process::ExitCode;

fn main() -> ExitCode {
    rlai_cli::main()
}
