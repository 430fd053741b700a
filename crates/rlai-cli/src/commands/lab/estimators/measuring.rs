//! Measuring every point of a grid.

use std::thread::available_parallelism;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget};
use rlai::lab::measure::{Measurement, Plan, measure};
use serde::{Serialize, Serializer};
use serde_json::Value;

use super::Args;
use super::grid::{Grid, Job, refused};
use crate::display::bar_style;
use crate::error::Failure;

/// Settings by their names.
pub type Settings = Vec<(&'static str, Value)>;

/// A point that was measured.
#[derive(Debug, Serialize)]
pub struct Point {
    /// The estimator and the settings that it has a use for.
    #[serde(flatten, serialize_with = "as_map")]
    pub settings: Settings,
    /// What was measured.
    #[serde(flatten)]
    pub measured: Measurement,
}

impl Point {
    /// A setting, if the estimator has a use for it.
    pub fn setting(&self, key: &str) -> Option<&Value> {
        self.settings.iter().find(|(name, _)| *name == key).map(|(_, value)| value)
    }

    /// Name of the estimator.
    pub fn estimator(&self) -> &str {
        self.setting("estimator").and_then(Value::as_str).unwrap_or_default()
    }
}

/// What `--json` prints.
#[derive(Serialize)]
pub struct Report<'a> {
    #[serde(serialize_with = "as_map")]
    problem: Vec<(&'static str, Value)>,
    seed: u64,
    repetitions: usize,
    points: &'a [Point],
}

impl<'a> Report<'a> {
    /// The report of these points.
    pub fn new(grid: &Grid, args: &Args, points: &'a [Point]) -> Self {
        let (seed, repetitions) = (args.seed, args.repetitions);
        Self { problem: grid.problem.clone(), seed, repetitions, points }
    }
}

fn as_map<S: Serializer>(
    pairs: &[(&'static str, Value)],
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.collect_map(pairs.iter().map(|(key, value)| (key, value)))
}

/// Measures all points; a bar is shown to a terminal once it takes longer than a second.
///
/// # Errors
/// A number of repetitions that is refused, or a gradient that is not finite.
pub fn measure_all(grid: &Grid, args: &Args) -> Result<Vec<Point>, Failure> {
    let total = grid.jobs.len() as u64 * args.repetitions as u64;
    let bar = Bar::new(total);
    let measure = |job: &Job| {
        let plan = args.plan(job);
        bar.name(job);
        let measured = measure(job.subject.as_ref(), &plan, &|more| bar.advance(more as u64));
        let measured = measured.map_err(refused)?;
        Ok(Point { settings: job.settings.clone(), measured })
    };
    let points = grid.jobs.iter().map(measure).collect();
    bar.bar.finish_and_clear();
    points
}

impl Args {
    fn plan(&self, job: &Job) -> Plan {
        let cores = || available_parallelism().map_or(1, usize::from);
        Plan {
            repetitions: self.repetitions,
            seed: self.seed,
            stream: job.stream.clone(),
            threads: self.threads.unwrap_or_else(cores),
        }
    }

    /// Checks what is to be measured how often.
    ///
    /// # Errors
    /// Too few or too many repetitions.
    pub fn check_repetitions(&self, jobs: &[Job]) -> Result<(), Failure> {
        jobs.iter().try_for_each(|job| self.plan(job).check(job.subject.as_ref())).map_err(refused)
    }
}

/// A progress bar that stays away from what is done within a second.
struct Bar {
    bar: ProgressBar,
    begin: Instant,
}

impl Bar {
    fn new(total: u64) -> Self {
        let bar = ProgressBar::with_draw_target(Some(total), ProgressDrawTarget::hidden());
        bar.set_style(bar_style("{bar:30} {percent}%  {eta} left  {msg}"));
        Self { bar, begin: Instant::now() }
    }

    fn name(&self, job: &Job) {
        let text = |(_, value): &(&str, Value)| value.as_str().unwrap_or_default().to_owned();
        self.bar.set_message(job.settings.first().map(text).unwrap_or_default());
    }

    fn advance(&self, more: u64) {
        if self.bar.is_hidden() && self.begin.elapsed() > Duration::from_secs(1) {
            self.bar.set_draw_target(ProgressDrawTarget::stderr());
        }
        self.bar.inc(more);
    }
}
