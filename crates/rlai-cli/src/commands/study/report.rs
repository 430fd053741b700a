//! `rlai study report`: what there is, without running anything.

use std::path::PathBuf;

use super::go;
use crate::error::Failure;
use crate::study::{Outcome, Report, folder, of_all};

/// Make a study's figures and report again from what its runs have left so far
///
/// Nothing is run. Runs that have not finished are left out of the figures and told in the report.
#[derive(clap::Args, Debug)]
#[command(after_help = "\
Examples:
  rlai study report runs/first-look
  rlai study report runs/first-look --json")]
pub struct Args {
    /// Folder of the study, or its file
    #[arg(value_name = "DIR|FILE")]
    study: PathBuf,
    /// Print the report as one JSON object on standard output
    #[arg(long)]
    json: bool,
}

/// Reports.
///
/// # Errors
/// No study; runs that failed.
pub fn run(args: &Args) -> Result<(), Failure> {
    let plan = folder::open(&args.study, None)?;
    if !plan.out.join(folder::STUDY).is_file() {
        let dir = plan.out.display();
        return Err(Failure::input(format!("{dir}: the study was never started")));
    }
    let outcomes: Vec<Outcome> = of_all(&plan).into_iter().map(Outcome::of).collect();
    go::show(&Report::write(&plan, &outcomes)?, args.json)
}
