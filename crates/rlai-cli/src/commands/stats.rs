//! `rlai stats`: algorithms compared by their runs in a CSV file.

mod analysis;
mod answer;
mod references;
mod runs;
mod sheet;
mod speed;
mod table;

use std::path::PathBuf;

use clap::ValueEnum;
use rlai_stats::{Bootstrap, Method};

use crate::error::Failure;
use crate::settings::whole_number;

use analysis::Report;
pub use runs::Table;

/// Compare algorithms by their runs in a CSV file
///
/// Aggregates over tasks with intervals over seeds, the probability that a run of one algorithm scores
/// higher than a run of another with a permutation test, Welch's test for each task; of learning curves
/// also steps to a return. Intervals are of the stratified bootstrap: runs are drawn with replacement
/// inside of each task.
#[derive(clap::Args, Debug)]
#[command(after_help = "\
Examples:
  rlai stats scores.csv
  rlai stats scores.csv --normalise references.csv --interval bca
  rlai stats runs/first-look/learning-curves.csv --smoothing 0.6 --baseline 'reverse KL'
  rlai stats curves.csv --threshold 2000,4000,5000 --json > compared.json

A file of scores, a line a run; columns in any order, others are left out:
  algorithm,task,seed,score         (or: variant, env, return, return_mean)
  sac,Hopper-v5,0,3254.1
  sac,Hopper-v5,1,3011.7

With a column `step` it holds learning curves, a line a point. A run's score is then its area (the
mean of the curve) or its last value. All curves of a task are cut where its shortest one ends.
Lines of seed `all`, means that `rlai study` writes, are left out, and so is `variant` beside
`algorithm`.

References for --normalise, what becomes 0 and what becomes 1 for each task, low below high:
  task,low,high
  Hopper-v5,-0.4,3294

Steps to a return are compared with the baseline in the three readings of \"60% more
sample-efficient\": the baseline's median steps over the candidate's, the share of steps saved, and
the candidate's mean return over the baseline's at one step. `null` is where such values lie
between two samples of the baseline itself; of few runs that range is too narrow (3 runs of equal
algorithms lie outside in about 17% of the cases, 5 in 8%), of one or two there is none.

Keys of --json: algorithms (baseline first), tasks, runs (fewest, most of a task), settings,
aggregates, pairs (of each the probability of improvement of x over y, p of its permutation
test and whether that is exact, welch_p over all tasks where numbers of runs are unequal, so that
both tests have to agree, Welch's test of x - y a task, the answer), detectable (the difference, in
standard deviations of a run, that the permutation test of the fewest runs finds on one task with
probability 0.8 at 1 - level; null where it finds none), thresholds, returns. Values and ends of
intervals are null where they are infinite, not defined or not known of so few runs; where one
median run never gets to a return, above or below is what the value lies beyond.")]
pub struct Args {
    /// CSV file of the runs
    #[arg(value_name = "FILE.csv")]
    file: PathBuf,
    /// The algorithm that others are compared with [default: the first of the file]
    #[arg(long, value_name = "NAME")]
    baseline: Option<String>,
    /// Normalise scores by each task: `min-max` of these very runs, or a CSV file of references
    #[arg(long, value_name = "FILE|min-max")]
    normalise: Option<String>,
    /// Which intervals: percentiles, basic (reverse percentiles), bias-corrected, or accelerated too
    #[arg(long, value_enum, default_value = "percentile")]
    interval: Interval,
    /// Confidence of the intervals
    #[arg(long, value_name = "P", default_value = "0.95", allow_hyphen_values = true)]
    level: f64,
    /// Resamples
    #[arg(long, value_name = "N", default_value = "50000", value_parser = whole_number, allow_hyphen_values = true)]
    repetitions: i64,
    /// Seed of the resamples
    #[arg(long, value_name = "K", default_value = "0", value_parser = whole_number, allow_hyphen_values = true)]
    seed: i64,
    /// Of curves: what a run's score is
    #[arg(long, value_enum, default_value = "area")]
    score: CurveScore,
    /// Of curves: weight of the past in an exponential moving average, the same for all
    #[arg(long, value_name = "W", default_value = "0", allow_hyphen_values = true)]
    smoothing: f64,
    /// Of curves: returns to reach [default: 25, 50, 75 and 95% of the way from the baseline's first
    /// mean to its last]
    #[arg(long, value_name = "R,R", value_delimiter = ',', allow_hyphen_values = true)]
    threshold: Vec<f64>,
    /// Print one JSON object on standard output
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Interval {
    Percentile,
    Basic,
    Bc,
    Bca,
}

/// What a curve's score is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum CurveScore {
    Area,
    Last,
}

impl Args {
    /// What numbers were typed, looked at.
    fn bootstrap(&self) -> Result<Bootstrap, Failure> {
        let method = match self.interval {
            Interval::Percentile => Method::Percentile,
            Interval::Basic => Method::Basic,
            Interval::Bc => Method::BiasCorrected,
            Interval::Bca => Method::Bca,
        };
        let negative = |name: &str, value: i64, least: i64| {
            Failure::input(format!("{name} = {value}: at least {least}"))
        };
        let seed = u64::try_from(self.seed).map_err(|_| negative("seed", self.seed, 0))?;
        let repetitions = usize::try_from(self.repetitions)
            .map_err(|_| negative("repetitions", self.repetitions, 100))?;
        if let Some(threshold) = self.threshold.iter().find(|threshold| !threshold.is_finite()) {
            return Err(Failure::input(format!("threshold = {threshold}: a finite number")));
        }
        Ok(Bootstrap { repetitions, seed, level: self.level, method, tasks: false })
    }
}

/// Reads the runs and prints how they compare.
///
/// # Errors
/// Bad input.
pub fn run(args: &Args) -> Result<(), Failure> {
    let bootstrap = args.bootstrap()?;
    let bytes = sheet::bytes(&args.file).map_err(Failure::input)?;
    let told = |error: String| Failure::input(format!("{}: {error}", args.file.display()));
    let table = Table::parse(&bytes).map_err(told)?;
    let report = Report::of(table, args, &bootstrap).map_err(Failure::input)?;
    if args.json {
        line_out!("{}", serde_json::to_string(&report).map_err(Failure::running)?);
    } else {
        table::print(&report);
    }
    Ok(())
}
