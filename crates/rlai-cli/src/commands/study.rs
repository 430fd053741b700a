//! `rlai study`: variants x seeds, compared in one figure.

use std::fs::{self, File, TryLockError};
use std::io::ErrorKind;
use std::path::PathBuf;
use std::sync::atomic::Ordering;
use std::thread::available_parallelism;

use clap::Subcommand;
use rlai::files;

use crate::error::Failure;
use crate::run_folder::write_whole;
use crate::settings::whole_number;
use crate::signals;
use crate::source::LARGEST_FILE;
use crate::study::{Plan, Report, run_all};
use crate::text::thousands;

/// Compare variants over seeds
#[derive(clap::Args, Debug)]
#[command(after_help = "\
Examples:
  rlai study run studies/first-look.toml
  rlai study run --help               how a study's file is written")]
pub struct Args {
    #[command(subcommand)]
    command: StudyCommand,
}

#[derive(Subcommand, Debug)]
enum StudyCommand {
    Run(RunArgs),
}

/// Run every variant with every seed, and draw their learning curves
///
/// Each run is a process with one thread; all cores are used. Started again, a study goes on with the
/// runs that have not finished, each from its newest checkpoint. The study's folder ends up with a folder for every run, learning-curves.svg, .png
/// and .csv, and study.json.
#[derive(clap::Args, Debug)]
#[command(after_help = "\
Examples:
  rlai study run studies/first-look.toml
  rlai study run studies/pendulum.toml --out runs/mine --jobs 1

A study's file:
  name = \"mine\"                  # also the default folder: runs/mine
  title = \"Samples on Pendulum\"  # above the figure
  seeds = 3                      # or a list: [0, 1, 2]

  [base]                         # settings of every variant: those of `rlai train`
  env = \"Pendulum-v1\"
  objective = \"forward-kl\"
  steps = 10000

  [[variant]]
  name = \"n8\"
  label = \"N = 8\"
  samples = 8

  [[variant]]
  name = \"n32\"
  label = \"N = 32\"
  samples = 32")]
struct RunArgs {
    /// TOML file of the study
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Folder of the study [default: runs/<name>]
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Runs at the same time [default: one a core]
    #[arg(long, value_name = "N", value_parser = whole_number, allow_hyphen_values = true)]
    jobs: Option<i64>,
    /// Print the report as one JSON object on standard output
    #[arg(long)]
    json: bool,
}

/// Runs a study.
///
/// # Errors
/// Bad input, runs that failed, or a signal.
pub fn run(args: Args) -> Result<(), Failure> {
    match args.command {
        StudyCommand::Run(args) => run_study(&args),
    }
}

fn run_study(args: &RunArgs) -> Result<(), Failure> {
    let jobs = jobs(args.jobs)?;
    let plan = Plan::read(&args.file, args.out.clone())?;
    check_out(&plan)?;
    let stop = signals::stop_flag()?;
    let _lock = claim(&plan)?;
    let steps: u64 = plan.runs.iter().map(|run| run.spec.method.steps()).sum();
    line_err!(
        "{}: {} runs, {} steps, {} at a time; folder {}",
        plan.name,
        plan.runs.len(),
        thousands(steps),
        jobs.min(plan.runs.len()),
        plan.out.display()
    );
    let outcomes = run_all(&plan, jobs, &stop);
    if stop.load(Ordering::Relaxed) {
        line_err!("stopped; what has finished is kept, and the same command goes on from there");
        return Err(Failure::Stopped);
    }
    let report = Report::write(&plan, &outcomes)?;
    show(&report, args.json)
}

fn show(report: &Report, json: bool) -> Result<(), Failure> {
    if json {
        line_out!("{}", report.to_json()?);
    } else {
        line_out!("{}", report.table());
        for figure in report.figures() {
            line_out!("figure: {}", figure.display());
        }
    }
    let failures = report.failures();
    if failures.is_empty() {
        return Ok(());
    }
    let runs = if failures.len() == 1 { "run" } else { "runs" };
    let text = format!("{} {runs} failed:\n  {}", failures.len(), failures.join("\n  "));
    Err(Failure::running(text))
}

fn jobs(given: Option<i64>) -> Result<usize, Failure> {
    match given {
        None => Ok(available_parallelism().map_or(1, usize::from)),
        Some(jobs) if (1..=1024).contains(&jobs) => Ok(jobs as usize),
        Some(jobs) => Err(Failure::input(format!("jobs = {jobs}: from 1 to 1024"))),
    }
}

const STUDY: &str = "study.toml";
const LOCK: &str = "study.lock";

/// A folder that holds something must be that of this study: of one whose variants all stand in the
/// plan, so that no figure of another study is overwritten.
fn check_out(plan: &Plan) -> Result<(), Failure> {
    let dir = plan.out.display();
    let entries = match fs::read_dir(&plan.out) {
        Ok(entries) => entries,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(Failure::input(format!("out = \"{dir}\": {error}"))),
    };
    let holds_something = entries.flatten().any(|entry| entry.file_name() != LOCK);
    let recorded = files::read_text(&plan.out.join(STUDY), LARGEST_FILE);
    let refused = |held: &str| {
        let why = format!("out = \"{dir}\": the folder holds {held}; choose another --out");
        Err(Failure::input(why))
    };
    match recorded {
        Ok(text) => {
            let known = |name: &String| plan.variants.iter().any(|variant| variant.name == *name);
            match Plan::variant_names(&text).into_iter().find(|name| !known(name)) {
                Some(name) => refused(&format!("another study, with a variant {name:?}")),
                None => Ok(()),
            }
        }
        Err(error) if matches!(error.kind(), ErrorKind::InvalidInput | ErrorKind::FileTooLarge) => {
            let path = plan.out.join(STUDY);
            Err(Failure::input(format!("cannot read {}: {error}", path.display())))
        }
        Err(_) if holds_something => refused("something that is not a study"),
        Err(_) => Ok(()),
    }
}

/// Creates the study's folder and makes it ours for as long as the file is open.
fn claim(plan: &Plan) -> Result<File, Failure> {
    let dir = plan.out.display();
    let refused = |error| Failure::input(format!("cannot use the folder {dir}: {error}"));
    fs::create_dir_all(&plan.out).map_err(refused)?;
    let lock = File::create(plan.out.join(LOCK)).map_err(refused)?;
    match lock.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            return Err(Failure::input(format!("another study runs in {dir}")));
        }
        Err(TryLockError::Error(error)) => return Err(refused(error)),
    }
    write_whole(&plan.out.join(STUDY), plan.text.as_bytes()).map_err(refused)?;
    Ok(lock)
}
