//! `rlai bench`: how fast a real training loop runs, as a share of what the machine could do.

mod at_once;
mod case;
mod measure;
mod phases;
mod report;
mod scaling;
mod spread;

use rlai::train::ConfigError;

use crate::error::Failure;
use crate::settings::{Settings, whole_number};
use crate::signals;
use crate::spec::is_of_trajectories;

use case::Case;

/// Measure training speed on this machine
///
/// Trains for real and, in turns, measures the machine's own rate of matrix products with as many
/// threads. Figures are medians over several runs, each from its start, with the least and the most. The
/// fraction says how much of the machine's rate an update's needed work reaches, everything around it
/// (environment, replay, sampling, optimiser) included.
#[derive(clap::Args, Debug)]
#[command(after_help = "\
Examples:
  rlai bench --env HalfCheetah-v5
  rlai bench --env Humanoid-v5 --objective forward-kl --samples 16 --threads 2 --json
  rlai bench --env HalfCheetah-v5 --profile
  rlai bench --env HalfCheetah-v5 --objective forward-kl --scaling
  rlai bench --env HalfCheetah-v5 --at-once 2 --seconds 60")]
pub struct Args {
    /// Task to train on
    #[arg(long, value_name = "ID", default_value = "HalfCheetah-v5")]
    env: String,
    /// Policy update, any objective over actions that `rlai train` has [default: as in `rlai train`]
    #[arg(long, value_name = "NAME")]
    objective: Option<String>,
    /// Actions sampled per state [default: as in `rlai train`]
    #[arg(long, value_name = "N", value_parser = whole_number, allow_hyphen_values = true)]
    samples: Option<i64>,
    /// Transitions per update, 2 to 65536 [default: as in `rlai train`]
    #[arg(long, value_name = "N", value_parser = whole_number, allow_hyphen_values = true)]
    batch: Option<i64>,
    /// Widths of the hidden layers of every network, with commas between them [default: as in `rlai train`]
    #[arg(long, value_name = "W,W", value_delimiter = ',', value_parser = width, allow_hyphen_values = true)]
    hidden: Option<Vec<i64>>,
    /// Threads of a training step, 1 or 2
    #[arg(long, value_name = "N", value_parser = whole_number, allow_hyphen_values = true, default_value = "1")]
    threads: i64,
    /// Separate runs of each measurement, 1 to 100 [default: 5, with --scaling 3]
    #[arg(long, value_name = "R", value_parser = whole_number, allow_hyphen_values = true)]
    runs: Option<i64>,
    /// How long to measure in all, in seconds, from 1 to 3600; filling replay and warming up come on top
    /// [default: 20, with --scaling 120]
    #[arg(long, value_name = "S", value_parser = seconds, allow_hyphen_values = true)]
    seconds: Option<f64>,
    /// Tell how much of a training step each of its phases takes
    #[arg(long)]
    profile: bool,
    /// Measure how the updates' rate changes with batch, width, actions a state and threads, one at a time
    #[arg(long, conflicts_with_all = ["profile", "at_once", "threads"])]
    scaling: bool,
    /// Compare that many processes at once, 2 to 256, with one alone, in turns; a run takes at least a second
    #[arg(long, value_name = "K", value_parser = whole_number, allow_hyphen_values = true, conflicts_with = "profile")]
    at_once: Option<i64>,
    /// Print the figures as one JSON object on standard output
    #[arg(long)]
    json: bool,
    /// End when standard input does: one of several at once must not outlive who started it
    #[arg(long, hide = true)]
    ends_with_input: bool,
}

fn width(text: &str) -> Result<i64, String> {
    let reason = "widths are whole numbers with commas between them, such as 256,256";
    whole_number(text).map_err(|_| reason.to_owned())
}

fn seconds(text: &str) -> Result<f64, String> {
    text.parse().map_err(|_| "a number from 1 to 3600 is needed, such as 20".to_owned())
}

const SECONDS: f64 = 20.0;
const SECONDS_OF_SCALING: f64 = 120.0;
const RUNS: i64 = 5;
const RUNS_OF_SCALING: i64 = 3;
/// Of a run in seconds: less is noise.
const SHORTEST_RUN: f64 = 0.05;

/// How long and how often to measure.
#[derive(Clone, Copy)]
struct Effort {
    /// Of all measurements together.
    seconds: f64,
    runs: usize,
}

/// Measures and reports.
///
/// # Errors
/// Bad input, or a training step that fails.
pub fn run(args: Args) -> Result<(), Failure> {
    let effort = args.effort()?;
    if args.ends_with_input {
        signals::end_with_input();
    }
    let settings = args.settings();
    if let Some(name) = settings.objective.as_ref().filter(|_| is_of_trajectories(&settings)) {
        let allowed = "an objective over actions: those on trajectories are not measured";
        return Err(Failure::input(ConfigError::new("objective", format!("{name:?}"), allowed)));
    }
    let case = Case::check(&settings).map_err(Failure::input)?;
    if let Some(processes) = args.at_once {
        at_once::run(&settings, &case, processes, effort, args.json)
    } else if args.scaling {
        scaling::run(&settings, &case, effort, args.json)
    } else {
        report::run(&case, effort, args.profile, args.json)
    }
}

impl Effort {
    /// Seconds of each of so many runs.
    ///
    /// # Errors
    /// When that is too short to measure anything.
    fn seconds_of_a_run(self, runs: usize, shortest: f64) -> Result<f64, Failure> {
        let seconds = self.seconds / runs as f64;
        if seconds < shortest {
            let (given, least) = (self.seconds, shortest * runs as f64);
            return Err(Failure::input(format!(
                "seconds = {given}: at least {least} for {runs} runs of {shortest} s or more; or fewer --runs"
            )));
        }
        Ok(seconds)
    }
}

impl Args {
    fn effort(&self) -> Result<Effort, Failure> {
        let (seconds, runs) =
            if self.scaling { (SECONDS_OF_SCALING, RUNS_OF_SCALING) } else { (SECONDS, RUNS) };
        let seconds = self.seconds.unwrap_or(seconds);
        if !(1.0..=3600.0).contains(&seconds) {
            return Err(Failure::input(format!("seconds = {seconds}: from 1 to 3600")));
        }
        let runs = self.runs.unwrap_or(runs);
        match usize::try_from(runs) {
            Ok(runs @ 1..=100) => Ok(Effort { seconds, runs }),
            _ => Err(Failure::input(format!("runs = {runs}: from 1 to 100"))),
        }
    }

    fn settings(&self) -> Settings {
        Settings {
            env: Some(self.env.clone()),
            objective: self.objective.clone(),
            samples: self.samples,
            batch: self.batch,
            hidden: self.hidden.clone(),
            threads: Some(self.threads),
            learning_starts: Some(measure::RANDOM_STEPS as i64),
            ..Settings::default()
        }
    }
}
