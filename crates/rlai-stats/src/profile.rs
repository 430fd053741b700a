//! Performance profiles: the share of runs above each score.

use crate::bootstrap::{Bootstrap, Estimate};
use crate::error::{Error, Result, finite};
use crate::scores::Scores;

/// What a profile counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Counted {
    /// Runs: the run-score distribution, which Agarwal et al. 2021 (section 4.2) recommend.
    #[default]
    Runs,
    /// Tasks, by their mean score: the average-score distribution.
    TaskMeans,
}

/// F(t), the share of runs (or tasks) with a score above t, for each t of `thresholds`; every task weighs the
/// same.
///
/// # Errors
/// A threshold that is not finite.
///
/// ```
/// # use rlai_stats::{Scores, profile::{self, Counted}};
/// let scores = Scores::of_task(&[0.2, 0.5, 0.8, 0.9])?;
/// assert_eq!(profile::profile(&scores, &[0.0, 0.5, 0.85], Counted::Runs)?, [1.0, 0.5, 0.25]);
/// # Ok::<(), rlai_stats::Error>(())
/// ```
pub fn profile(scores: &Scores, thresholds: &[f64], counted: Counted) -> Result<Vec<f64>> {
    finite("thresholds", thresholds)?;
    let mut out = vec![0.0; thresholds.len()];
    write(scores, thresholds, counted, &mut out);
    Ok(out)
}

/// [`profile`] with a pointwise interval at each threshold; [`Bootstrap::for_curves`] has the usual settings.
///
/// # Errors
/// No threshold or one that is not finite, and what [`Bootstrap::estimates`] refuses.
pub fn estimate(
    scores: &Scores,
    thresholds: &[f64],
    counted: Counted,
    bootstrap: &Bootstrap,
) -> Result<Vec<Estimate>> {
    finite("thresholds", thresholds)?;
    if thresholds.is_empty() {
        return Err(Error::too_few("thresholds", 1));
    }
    let all = |groups: &[Scores], out: &mut [f64]| write(&groups[0], thresholds, counted, out);
    bootstrap.estimates(&[scores], thresholds.len(), all)
}

fn write(scores: &Scores, thresholds: &[f64], counted: Counted, out: &mut [f64]) {
    let means = match counted {
        Counted::Runs => Vec::new(),
        Counted::TaskMeans => scores.task_means(),
    };
    let tasks = scores.tasks() as f64;
    for (out, &threshold) in out.iter_mut().zip(thresholds) {
        *out = match counted {
            Counted::Runs => {
                scores.iter().map(|runs| share_above(runs, threshold)).sum::<f64>() / tasks
            }
            Counted::TaskMeans => share_above(&means, threshold),
        };
    }
}

fn share_above(values: &[f64], threshold: f64) -> f64 {
    values.iter().filter(|&&value| value > threshold).count() as f64 / values.len() as f64
}

/// `count` thresholds, evenly from `low` to `high`.
///
/// # Errors
/// Fewer than two, or ends that are not finite or not in order.
pub fn evenly(low: f64, high: f64, count: usize) -> Result<Vec<f64>> {
    if !(low.is_finite() && high.is_finite() && low < high) {
        return Err(Error::parameter("high", high, &format!("finite and above low = {low}")));
    }
    if count < 2 {
        return Err(Error::parameter("count", count, "at least 2"));
    }
    let share = |i: usize| i as f64 / (count - 1) as f64;
    Ok((0..count).map(|i| low * (1.0 - share(i)) + high * share(i)).collect())
}
