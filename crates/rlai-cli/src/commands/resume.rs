//! `rlai resume`: a run that was interrupted, or shall go on further.

use std::path::PathBuf;

use rlai::train::Schedule;

use crate::error::Failure;
use crate::run_folder::{self, FolderState, RUN};
use crate::settings::{Settings, whole_number};
use crate::source::Source;
use crate::spec::{Method, RunSpec};
use crate::text::thousands;
use crate::training::{self, Manner, Start};

/// Go on with a run that was interrupted, or further than it was planned
///
/// The run goes on from its newest checkpoint that is whole, bit for bit as if it had never been
/// interrupted; all settings are those of its run.toml. `rlai train` with the same settings does the
/// same.
#[derive(clap::Args, Debug)]
#[command(after_help = "\
Examples:
  rlai resume runs/Pendulum-v1-reverse-kl-seed0
  rlai resume runs/Pendulum-v1-reverse-kl-seed0 --steps 2e6")]
pub struct Args {
    /// Folder of a run
    #[arg(value_name = "DIR")]
    dir: PathBuf,
    /// Environment steps of the whole run, if it shall go on further than planned
    #[arg(long, value_name = "N", value_parser = whole_number, allow_hyphen_values = true)]
    steps: Option<i64>,
    /// Threads of a training step, 1 or 2; results are the same [default: as in run.toml]
    #[arg(long, value_name = "N", value_parser = whole_number, allow_hyphen_values = true)]
    threads: Option<i64>,
    #[command(flatten)]
    manner: Manner,
}

/// Goes on.
///
/// # Errors
/// No run, bad input, a run that failed, or a signal.
pub fn run(args: Args) -> Result<(), Failure> {
    let planned = read(&args, None)?;
    let Some(steps) = args.steps else {
        return training::train(&planned, Start::NewOrUnfinished, &args.manner);
    };
    let longer = read(&args, Some(steps))?;
    match check_further(&planned, &longer)? {
        false => training::train(&planned, Start::NewOrUnfinished, &args.manner),
        true => training::train(&longer, Start::Further, &args.manner),
    }
}

/// The run in the folder, as its `run.toml` says, with what was typed.
fn read(args: &Args, steps: Option<i64>) -> Result<RunSpec, Failure> {
    let path = args.dir.join(RUN);
    if !path.is_file() {
        let dir = args.dir.display();
        return Err(Failure::input(format!("{dir} is not a run's folder: it holds no {RUN}")));
    }
    let file = Source::read(&path)?;
    let typed = Settings {
        out: Some(args.dir.clone()),
        threads: args.threads,
        steps,
        ..Settings::default()
    };
    let settings = typed.over(&file.settings(&[], &[])?);
    RunSpec::check(&settings).map_err(|error| match typed.to_table().contains_key(error.key) {
        true => Failure::input(error),
        false => file.refuse_setting(&[], &error),
    })
}

/// Whether `longer` goes on further than `planned`.
fn check_further(planned: &RunSpec, longer: &RunSpec) -> Result<bool, Failure> {
    let (from, to) = (planned.method.steps(), longer.method.steps());
    if to == from {
        return Ok(false);
    }
    if to < from {
        let allowed = format!("at least the {} of the run", thousands(from));
        return Err(Failure::input(format!("steps = {to}: {allowed}")));
    }
    if let held @ (FolderState::OtherRun(_) | FolderState::Foreign) =
        run_folder::inspect(&planned.out, planned)?
    {
        return Err(training::refused_folder(&planned.out, &held));
    }
    let schedule = match &planned.method {
        Method::Actions(config) => config.learning_rate_schedule,
        Method::Trajectories(config) => config.learning_rate_schedule,
    };
    if schedule == Schedule::Linear {
        return Err(Failure::input(format!(
            "steps = {to}: the run's learning rates fall linearly to 0 at step {} \
             (learning_rate_schedule = \"linear\"): with more steps every update so far would have been \
             another",
            thousands(from)
        )));
    }
    Ok(true)
}
