//! `rlai study run`: every variant with every seed.

use std::path::PathBuf;

use super::go::{self, Options};
use super::{dry_run, on_slurm};
use crate::error::Failure;
use crate::signals::OnSignal;
use crate::study::{Engine, Plan, folder};
use crate::training::{self, Manner, Start};

/// Run every variant with every seed, and draw their learning curves
///
/// Each run is a process of its own, with one core unless the file says otherwise; all cores are used.
/// Started again, a study goes on with the runs that have not finished, each from its newest
/// checkpoint. The study's folder ends up with a folder for every run, learning-curves.svg, .png and
/// .csv, report.html and study.json.
#[derive(clap::Args, Debug)]
#[command(after_help = "\
Examples:
  rlai study run studies/first-look.toml
  rlai study run studies/pendulum.toml --out runs/mine --jobs 1
  rlai study run studies/figure-3.toml --dry-run
  rlai study run studies/figure-3.toml --only '*Hopper*' --seeds 0..3

A study's file:
  name = \"mine\"                  # also the default folder: runs/mine
  title = \"Samples on Pendulum\"  # above the figure
  seeds = 3                      # or a list: [0, 1, 2]

  [base]                         # settings of every variant: those of `rlai train`
  env = \"Pendulum-v1\"
  objective = \"forward-kl\"
  steps = 10000

  [grid]                         # every combination runs with every variant
  buffer = [1000, 10000]

  [[variant]]
  name = \"n8\"
  label = \"N = 8\"
  samples = 8

  [[variant]]
  name = \"n32\"
  label = \"N = 32\"
  samples = 32

  [reference.\"Pendulum-v1\"]      # returns that count as 0 and as 1
  low = -1200
  high = -150

  [engine]                       # defaults
  kind = \"local\"                 # or \"slurm\": see docs/clusters.md
  jobs = 2                       # runs at the same time; without it as many as the cores hold
  threads = 1                    # cores a run, 1 or 2
  max_attempts = 5               # failures of a run before it is held")]
pub struct Args {
    /// TOML file of the study
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Folder of the study [default: runs/<name>]
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    #[command(flatten)]
    options: Options,
    /// Estimate time, memory and disk of what is to do, from a few seconds of each configuration, and do
    /// nothing else; under slurm print the scripts that would be submitted
    #[arg(long)]
    dry_run: bool,
    /// Only the run of this name (VARIANT/seedK) or place (from 0, in the order of starting), in this
    /// process and without a report: how an engine starts each
    #[arg(long, value_name = "NAME|K", hide = true)]
    run: Option<String>,
    /// After a signal and its checkpoint of that run: stop, or wait to be ended
    #[arg(long, value_name = "stop|wait", default_value = "stop", hide = true)]
    on_signal: OnSignal,
}

/// Runs a study.
///
/// # Errors
/// Bad input, runs that failed, or a signal.
pub fn run(args: &Args) -> Result<(), Failure> {
    let plan = folder::open_to_run(&args.file, args.out.clone(), &args.options.typed)?;
    match &args.run {
        Some(name) => run_one(&plan, name, args),
        None if args.dry_run && plan.engine.engine == Engine::Slurm => {
            on_slurm::dry_run(&plan, &args.options)
        }
        None if args.dry_run => dry_run::dry_run(&plan, &args.options),
        None => go::go(&plan, &args.options),
    }
}

/// One run of a study whose folder is there, as this process.
fn run_one(plan: &Plan, name: &str, args: &Args) -> Result<(), Failure> {
    let run = match name.parse::<usize>() {
        Ok(index) => plan.runs.get(index),
        Err(_) => plan.find(name),
    };
    let Some(run) = run else {
        let last = plan.runs.len() - 1;
        let why =
            format!("VARIANT/seedK of one of the study's runs, or its place from 0 to {last}");
        return Err(Failure::input(format!("run = {name:?}: {why}")));
    };
    let manner = Manner::of_engine(args.on_signal, args.options.take_over);
    training::train(&plan.spec(run), Start::NewOrUnfinished, &manner)
}
