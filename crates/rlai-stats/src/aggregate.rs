//! One number for an algorithm's scores on all tasks.
//!
//! Those of Agarwal et al. 2021, "Deep Reinforcement Learning at the Edge of the Statistical Precipice"
//! (NeurIPS), equal to their library rliable where all tasks have the same number of runs. Otherwise every
//! task weighs the same, and its runs share that weight.

use crate::bootstrap::{Bootstrap, Estimate};
use crate::error::Result;
use crate::quantile::median_of;
use crate::scores::{Scores, mean as mean_of_runs, mean_of};

/// The mean of the tasks' mean scores.
pub fn mean(scores: &Scores) -> f64 {
    mean_of(scores.iter().map(mean_of_runs))
}

/// The median of the tasks' mean scores.
pub fn median(scores: &Scores) -> f64 {
    median_of(&mut scores.task_means())
}

/// The interquartile mean: the mean of what remains when a quarter of all runs of all tasks is left out at
/// either end, rounded down to whole runs (`scipy.stats.trim_mean(scores, 0.25)`). Where tasks have different
/// numbers of runs, a quarter of their weight is left out exactly, and a run on the boundary counts in part.
///
/// ```
/// # use rlai_stats::{Scores, aggregate};
/// let scores = Scores::of_task(&[0.0, 1.0, 4.0, 9.0, 16.0, 25.0])?;
/// assert_eq!(aggregate::interquartile_mean(&scores), 7.5);
/// # Ok::<(), rlai_stats::Error>(())
/// ```
pub fn interquartile_mean(scores: &Scores) -> f64 {
    if scores.even().is_none() {
        return weighted_interquartile_mean(scores);
    }
    let mut values = scores.values().to_vec();
    let cut = values.len() / 4;
    mean_of_runs(sorted_middle(&mut values, cut))
}

/// What remains of the values, sorted, when `cut` are left out at either end, whose order nobody needs: resamples
/// of curves ask for this hundreds of thousands of times.
fn sorted_middle(values: &mut [f64], cut: usize) -> &[f64] {
    if cut > 0 {
        values.select_nth_unstable_by(cut, f64::total_cmp);
    }
    let above = &mut values[cut..];
    let kept = above.len() - cut;
    if cut > 0 {
        above.select_nth_unstable_by(kept - 1, f64::total_cmp);
    }
    let middle = &mut above[..kept];
    middle.sort_unstable_by(f64::total_cmp);
    middle
}

/// A score of a task with n of K tasks' runs weighs 1 / (K n), and of the sorted scores' weights those from a
/// quarter to three quarters count: that of a run on the boundary in part, so that both ends lose alike.
fn weighted_interquartile_mean(scores: &Scores) -> f64 {
    let weighted = scores.iter().flat_map(|runs| {
        let weight = 1.0 / (scores.tasks() * runs.len()) as f64;
        runs.iter().map(move |&score| (score, weight))
    });
    let mut sorted: Vec<(f64, f64)> = weighted.collect();
    sorted.sort_unstable_by(|a, b| a.0.total_cmp(&b.0));
    let (mut below, mut sum, mut kept) = (0.0_f64, 0.0, 0.0);
    for (score, weight) in sorted {
        let counted = ((below + weight).min(0.75) - below.max(0.25)).max(0.0);
        sum += score * counted;
        kept += counted;
        below += weight;
    }
    sum / kept
}

/// How far scores stay below `target` on average, those above it counted as reaching it: lower is better.
pub fn optimality_gap(scores: &Scores, target: f64) -> f64 {
    let reached = |runs: &[f64]| mean_of(runs.iter().map(|score| score.min(target)));
    target - mean_of(scores.iter().map(reached))
}

/// The four aggregates with their intervals, in the scores' units.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Aggregates {
    /// Of [`mean`].
    pub mean: Estimate,
    /// Of [`median`].
    pub median: Estimate,
    /// Of [`interquartile_mean`].
    pub interquartile_mean: Estimate,
    /// Of [`optimality_gap`].
    pub optimality_gap: Estimate,
}

impl Aggregates {
    /// All of `scores`, over the same resamples; `target` is that of the optimality gap (1 for normalised
    /// scores).
    ///
    /// # Errors
    /// Those of [`Bootstrap::estimates`].
    pub fn of(scores: &Scores, target: f64, bootstrap: &Bootstrap) -> Result<Self> {
        let all = |groups: &[Scores], out: &mut [f64]| {
            let scores = &groups[0];
            out[0] = mean(scores);
            out[1] = median(scores);
            out[2] = interquartile_mean(scores);
            out[3] = optimality_gap(scores, target);
        };
        let estimates = bootstrap.estimates(&[scores], 4, all)?;
        Ok(Self {
            mean: estimates[0],
            median: estimates[1],
            interquartile_mean: estimates[2],
            optimality_gap: estimates[3],
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_middle_is_that_of_the_sorted_values() {
        // Every length up to 60, with ties: squares modulo a prime in a scattered order.
        for length in 1..=60_usize {
            let values: Vec<f64> = (0..length).map(|i| ((i * i * 7 + 3 * i) % 23) as f64).collect();
            let mut sorted = values.clone();
            sorted.sort_unstable_by(f64::total_cmp);
            for cut in [0, length / 4, (length - 1) / 2] {
                let expected = &sorted[cut..length - cut];
                assert_eq!(sorted_middle(&mut values.clone(), cut), expected, "{length}, {cut}");
            }
        }
    }

    #[test]
    fn uneven_runs_lose_the_same_weight_at_both_ends() {
        let of = |single: f64| {
            interquartile_mean(&Scores::new(vec![vec![single], vec![1.0, 2.0, 3.0]]).unwrap())
        };
        // The single run weighs a half, the others a sixth each. Of the lower half a quarter is kept, of the
        // upper half too: one of the three whole, the middle one by half.
        assert!((of(0.0) - 2.0 * (1.0 / 6.0 + 2.0 / 12.0)).abs() < 1e-12);
        assert!((of(9.0) - 2.0 * (2.0 / 12.0 + 3.0 / 6.0 + 9.0 / 4.0)).abs() < 1e-12);
    }

    #[test]
    fn a_mirrored_sample_has_the_mirrored_mean() {
        let of = |sign: f64| {
            let tasks = [vec![0.1, 0.9, 0.4], vec![0.3, 0.8], vec![0.2, 0.5, 0.7, 1.0, 0.6]];
            let turned = tasks.map(|runs| runs.into_iter().map(|run| sign * run).collect());
            interquartile_mean(&Scores::new(turned.to_vec()).unwrap())
        };
        assert!((of(1.0) + of(-1.0)).abs() < 1e-12);
    }
}
