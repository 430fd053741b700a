//! How much runs of one algorithm differ, apart from how well their mean is known.

use statrs::function::beta::beta_reg;

use crate::error::{Error, Result, finite, open_share};
use crate::quantile::of_sorted;

/// Percentiles of runs: the score that a share of runs stays at or below, by linear interpolation.
///
/// # Errors
/// No scores, such that are not finite, shares outside of 0 to 1.
pub fn percentiles(scores: &[f64], shares: &[f64]) -> Result<Vec<f64>> {
    let sorted = sorted(scores)?;
    shares.iter().map(|&share| of_sorted(&sorted, share)).collect()
}

/// How far apart runs are.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Spread {
    /// The worst run.
    pub least: f64,
    /// The best run.
    pub greatest: f64,
    /// The median run.
    pub median: f64,
    /// The inter-percentile range of 90%: from the 5th to the 95th percentile.
    pub middle_90: f64,
    /// The interquartile range (across runs: Chan et al. 2020, "Measuring the Reliability of Reinforcement
    /// Learning Algorithms").
    pub interquartile_range: f64,
}

impl Spread {
    /// Of one score a run.
    ///
    /// # Errors
    /// No scores, or such that are not finite.
    pub fn of(scores: &[f64]) -> Result<Self> {
        let at = percentiles(scores, &[0.0, 0.05, 0.25, 0.5, 0.75, 0.95, 1.0])?;
        Ok(Self {
            least: at[0],
            greatest: at[6],
            median: at[3],
            middle_90: at[5] - at[1],
            interquartile_range: at[4] - at[2],
        })
    }
}

/// A range for runs to come.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Tolerance {
    /// Lower end.
    pub low: f64,
    /// Upper end.
    pub high: f64,
    /// How likely it holds at least the share of runs that was asked for.
    pub confidence: f64,
}

/// The narrowest symmetric range of order statistics that holds at least a share `coverage` of all runs to
/// come with at least this `confidence`, whatever their distribution (Wilks 1941; for RL Patterson et al.
/// 2024, "Empirical Design in Reinforcement Learning", JMLR). None where even the range from the worst to the
/// best is less sure, as with few runs: 95% coverage with 95% confidence takes 93 of them.
///
/// # Errors
/// No scores, such that are not finite, shares outside of 0 to 1.
pub fn tolerance(scores: &[f64], coverage: f64, confidence: f64) -> Result<Option<Tolerance>> {
    open_share("confidence", confidence)?;
    open_share("coverage", coverage)?;
    let sorted = sorted(scores)?;
    let n = sorted.len();
    // Symmetric ranges leave out the same number of runs at both ends; fewer left out, more sure.
    let ranges = (0..n.div_ceil(2)).map_while(|left_out| {
        let sure = coverage_confidence(n, left_out, coverage);
        (sure >= confidence).then(|| Tolerance {
            low: sorted[left_out],
            high: sorted[n - 1 - left_out],
            confidence: sure,
        })
    });
    Ok(ranges.last())
}

/// How likely the range from the worst to the best of `runs` runs holds at least a share `coverage` of all
/// runs to come: 1 - n c^(n-1) + (n - 1) c^n.
///
/// # Errors
/// A share outside of 0 to 1.
pub fn range_confidence(runs: usize, coverage: f64) -> Result<f64> {
    open_share("coverage", coverage)?;
    Ok(coverage_confidence(runs, 0, coverage))
}

/// The share between two order statistics m ranks apart is of the distribution Beta(m, n - m + 1).
fn coverage_confidence(runs: usize, left_out: usize, coverage: f64) -> f64 {
    match (runs).checked_sub(1 + 2 * left_out) {
        None | Some(0) => 0.0,
        Some(apart) => 1.0 - beta_reg(apart as f64, (runs - apart + 1) as f64, coverage),
    }
}

fn sorted(scores: &[f64]) -> Result<Vec<f64>> {
    finite("scores", scores)?;
    if scores.is_empty() {
        return Err(Error::too_few("scores", 1));
    }
    let mut sorted = scores.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    Ok(sorted)
}
