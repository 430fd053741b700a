//! `rlai lab`: what can be known exactly.

mod exact;

use crate::error::Failure;

/// Exact inference in small decision processes
#[derive(clap::Args, Debug)]
#[command(after_help = "\
Examples:
  rlai lab exact examples/process.json
  rlai lab exact --help               how a process is written")]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(clap::Subcommand, Debug)]
enum Command {
    Exact(exact::Args),
}

/// Runs the subcommand.
///
/// # Errors
/// Bad input.
pub fn run(args: Args) -> Result<(), Failure> {
    match args.command {
        Command::Exact(args) => exact::run(&args),
    }
}
