//! `rlai study resume`: whatever has no valid result.

use std::path::PathBuf;

use super::go::{self, Options};
use crate::error::Failure;
use crate::study::folder;
use crate::text::in_shell;

/// Go on with a study: start again whatever has no valid result
///
/// Runs that were interrupted go on from their newest checkpoint, bit for bit as if they had never been;
/// failed ones are tried again until they have failed max_attempts times, then they are held and told.
/// The folder alone is enough: it holds the study's file and what of --engine, --jobs and
/// --max-attempts was typed at `study run`, and paths are taken from where that was. Typed here, they
/// hold this once.
#[derive(clap::Args, Debug)]
#[command(after_help = "\
Examples:
  rlai study resume runs/first-look
  rlai study resume runs/figure-3 --jobs 1 --max-attempts 10")]
pub struct Args {
    /// Folder of the study, or its file
    #[arg(value_name = "DIR|FILE")]
    study: PathBuf,
    #[command(flatten)]
    options: Options,
}

/// Goes on.
///
/// # Errors
/// No study, bad input, runs that failed, or a signal.
pub fn run(args: &Args) -> Result<(), Failure> {
    let mut plan = folder::reopen(&args.study)?;
    if !plan.out.join(folder::STUDY).is_file() {
        let (dir, file) = (plan.out.display(), in_shell(&args.study));
        let why = format!("{dir}: the study was never started: rlai study run {file}");
        return Err(Failure::input(why));
    }
    args.options.typed.apply(&mut plan.engine)?;
    go::go(&plan, &args.options)
}
