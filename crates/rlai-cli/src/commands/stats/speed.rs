//! How fast curves rise, compared with the baseline's.

use rlai_stats::threshold::{self, Bound, Range, Reached, Reading, ReturnGain, SpeedUp};
use rlai_stats::{Bootstrap, Curve, Runs};
use serde::Serialize;

use super::analysis::told;
use super::runs::Table;

/// Thresholds where none are given, as shares of the way from the baseline's first mean to its last.
const SHARES: [f64; 4] = [0.25, 0.5, 0.75, 0.95];

/// A reading of "so much more sample-efficient"; ends that are infinite or not known are null
/// in JSON.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Compared {
    pub value: Option<f64>,
    /// What the value lies above or below, where one median run never gets there and it is not known.
    pub above: Option<f64>,
    pub below: Option<f64>,
    pub low: Option<f64>,
    pub high: Option<f64>,
    pub null_low: Option<f64>,
    pub null_high: Option<f64>,
    pub beyond_null: bool,
}

impl From<Reading> for Compared {
    fn from(it: Reading) -> Self {
        let ends = |range: Option<Range>| (range.map(|it| it.low), range.map(|it| it.high));
        let ((low, high), beyond_null) = (ends(it.interval), it.is_beyond_null());
        let (null_low, null_high) = ends(it.null);
        let (above, below) = (None, None);
        Self { value: it.value, above, below, low, high, null_low, null_high, beyond_null }
    }
}

impl Compared {
    /// The same of a reading that may be known only to lie beyond a number: an interval without width is then no
    /// certainty, and it is beyond the null range where all that it can be is.
    fn bounded(it: Reading, bound: Option<Bound>) -> Self {
        let known = Self::from(it);
        let Some(bound) = bound else { return known };
        let (above, below) = match bound {
            Bound::Above(at) => (Some(at), None),
            Bound::Below(at) => (None, Some(at)),
        };
        let is_wide = known.low.zip(known.high).is_some_and(|(low, high)| low < high);
        let end = |end: Option<f64>| end.filter(|_| is_wide);
        let beyond_null = it.null.is_some_and(|null| match bound {
            Bound::Above(at) => at > null.high,
            Bound::Below(at) => at < null.low,
        });
        let (low, high) = (end(known.low), end(known.high));
        Self { value: None, above, below, low, high, beyond_null, ..known }
    }
}

/// Median steps, and how many of how many runs got there.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Steps {
    pub median: Option<f64>,
    pub reached: usize,
    pub runs: usize,
}

impl From<Reached> for Steps {
    fn from(it: Reached) -> Self {
        Self { median: it.median, reached: it.runs, runs: it.of }
    }
}

#[derive(Debug, Serialize)]
pub struct ToThreshold {
    pub task: String,
    pub threshold: f64,
    pub candidate: String,
    pub baseline_steps: Steps,
    pub candidate_steps: Steps,
    pub ratio: Compared,
    pub fewer_steps: Compared,
}

#[derive(Debug, Serialize)]
pub struct AtStep {
    pub task: String,
    pub step: f64,
    pub candidate: String,
    pub baseline_return: f64,
    pub candidate_return: f64,
    pub ratio: Compared,
}

/// Every algorithm but the baseline, on each task, to each threshold.
pub fn to_thresholds(
    table: &Table,
    curves: &[Runs<Curve>],
    given: &[f64],
    bootstrap: &Bootstrap,
) -> Result<Vec<ToThreshold>, String> {
    let mut all = Vec::new();
    for (i, task) in table.tasks.iter().enumerate() {
        let baseline = curves[0].task(i);
        let thresholds = if given.is_empty() { usual(baseline)? } else { given.to_vec() };
        for (candidate, runs) in table.algorithms.iter().zip(curves).skip(1) {
            let found =
                SpeedUp::at(&thresholds, baseline, runs.task(i), bootstrap).map_err(told)?;
            let end = common_end(curves, i);
            all.extend(thresholds.iter().zip(found).map(|(&threshold, found)| {
                let [ratio, fewer] = found.beyond(end).map_or([None; 2], |bounds| bounds.map(Some));
                ToThreshold {
                    task: task.clone(),
                    threshold,
                    candidate: candidate.clone(),
                    baseline_steps: found.baseline.into(),
                    candidate_steps: found.candidate.into(),
                    ratio: Compared::bounded(found.ratio, ratio),
                    fewer_steps: Compared::bounded(found.fewer_steps, fewer),
                }
            }));
        }
    }
    Ok(all)
}

/// None where the baseline ends no higher than it began.
fn usual(baseline: &[Curve]) -> Result<Vec<f64>, String> {
    let first = baseline.iter().map(|curve| curve.values()[0]).sum::<f64>() / baseline.len() as f64;
    let grid = threshold::grid(baseline, first, &SHARES).map_err(told)?;
    Ok(grid.into_iter().filter(|&threshold| threshold > first).collect())
}

/// Returns where the shortest curve of each task ends.
pub fn at_the_end(
    table: &Table,
    curves: &[Runs<Curve>],
    bootstrap: &Bootstrap,
) -> Result<Vec<AtStep>, String> {
    let mut all = Vec::new();
    for (i, task) in table.tasks.iter().enumerate() {
        for (candidate, runs) in table.algorithms.iter().zip(curves).skip(1) {
            let step = common_end(curves, i);
            let found = ReturnGain::at(&[step], curves[0].task(i), runs.task(i), bootstrap);
            all.extend(found.map_err(told)?.into_iter().map(|found| AtStep {
                task: task.clone(),
                step,
                candidate: candidate.clone(),
                baseline_return: found.baseline,
                candidate_return: found.candidate,
                ratio: found.ratio.into(),
            }));
        }
    }
    Ok(all)
}

/// All curves of a task up to where its shortest one ends: a run that was not trained so far as others may
/// still reach what they did.
pub fn cut(table: &Table, curves: &[Runs<Curve>]) -> Result<Vec<Runs<Curve>>, String> {
    let of_algorithm = |(name, runs): (&String, &Runs<Curve>)| {
        let of_task = |(task, lines): (usize, &[Curve])| {
            let end = common_end(curves, task);
            let late = |curve: &Curve| {
                format!(
                    "{name} on {}: a curve begins at step {}, beyond step {end}, where another of that task ends",
                    table.tasks[task],
                    curve.steps()[0]
                )
            };
            let cut = |curve: &Curve| curve.until(end).map_err(|_| late(curve));
            lines.iter().map(cut).collect::<Result<Vec<_>, _>>()
        };
        Runs::of(runs.iter().enumerate().map(of_task).collect::<Result<_, _>>()?).map_err(told)
    };
    table.algorithms.iter().zip(curves).map(of_algorithm).collect()
}

/// The last step that all curves of a task have.
pub fn common_end(curves: &[Runs<Curve>], task: usize) -> f64 {
    let ends = curves.iter().flat_map(|runs| runs.task(task)).map(|curve| curve.last().0);
    ends.fold(f64::INFINITY, f64::min)
}
