//! `rlai study report`: what there is, without running anything.

use std::path::PathBuf;

use super::go;
use crate::error::Failure;
use crate::report::{Band, Options};
use crate::study::{Outcome, Report, RunStanding, State, folder, of_all};

/// Make a study's report from what its runs have left so far
///
/// Nothing is run. The folder gets report.html, one page with the answer in words, every figure and
/// every table; learning-curves.svg, .png and .csv; study.json; and in report/ every other figure as
/// SVG and PNG and every table as CSV, Markdown and LaTeX. Runs that have not finished are told, and
/// in no number: docs/reports.md says what the numbers are.
#[derive(clap::Args, Debug)]
#[command(after_help = "\
Examples:
  rlai study report runs/first-look
  rlai study report runs/first-look --smooth 0.9 --band half-sd
  rlai study report runs/figure-3 --baseline reverse-kl --without-wall-clock")]
pub struct Args {
    /// Folder of the study, or its file
    #[arg(value_name = "DIR|FILE")]
    study: PathBuf,
    /// Smooth learning curves and steps to a return by an exponential moving average with this weight
    /// of the past: from 0, as they are, to below 1
    #[arg(long, value_name = "W", default_value_t = 0.0, allow_hyphen_values = true)]
    smooth: f64,
    /// What is drawn around mean curves; of 2 seeds there is no interval, but their range
    #[arg(long, value_name = "KIND", default_value = "bootstrap")]
    band: Band,
    /// The variant that others are compared with, by its name or label [default: the first]
    #[arg(long, value_name = "NAME")]
    baseline: Option<String>,
    /// Leave out times, which depend on the machine: equal runs then give equal bytes
    #[arg(long)]
    without_wall_clock: bool,
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
    // Nothing is written before it is known that what lies there is this study.
    folder::check(&plan)?;
    let standings = of_all(&plan);
    check_runs(&standings)?;
    let outcomes: Vec<Outcome> = standings.into_iter().map(Outcome::of).collect();
    let options = args.options()?;
    let report = Report::write(&plan, &outcomes, options, args.baseline.as_deref())?;
    go::show(&report, args.json)
}

/// A report of other runs than those that are there would take the place of theirs.
fn check_runs(standings: &[RunStanding]) -> Result<(), Failure> {
    let mut refused = standings.iter().filter(|standing| standing.state == State::Refused);
    let Some(first) = refused.next() else { return Ok(()) };
    let more = match refused.count() {
        0 => String::new(),
        more => format!("\n{more} more runs are refused: rlai study status tells which"),
    };
    let reason = first.reason.as_deref().unwrap_or("its folder holds something else");
    Err(Failure::input(format!("{} is refused: {reason}{more}", first.name)))
}

impl Args {
    fn options(&self) -> Result<Options, Failure> {
        if !(0.0..1.0).contains(&self.smooth) {
            let smooth = self.smooth;
            return Err(Failure::input(format!("smooth = {smooth}: at least 0, below 1")));
        }
        let (smooth, band) = (self.smooth, self.band);
        Ok(Options { smooth, band, without_wall_clock: self.without_wall_clock })
    }
}
