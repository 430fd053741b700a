//! `rlai lab`: what can be known exactly.

mod estimators;
mod exact;

use crate::error::Failure;

/// Exact inference in small decision processes, and estimators measured against it
#[derive(clap::Args, Debug)]
#[command(after_help = "\
Examples:
  rlai lab exact examples/process.json
  rlai lab exact --help               how a process is written
  rlai lab estimators --problem quadratic --dimension 6,17 --samples 8,32,128")]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(clap::Subcommand, Debug)]
enum Command {
    Exact(exact::Args),
    Estimators(Box<estimators::Args>),
}

/// Runs the subcommand.
///
/// # Errors
/// Bad input, or a failure while writing.
pub fn run(args: Args) -> Result<(), Failure> {
    match args.command {
        Command::Exact(args) => exact::run(&args),
        Command::Estimators(args) => estimators::run(&args),
    }
}
