//! How many runs a difference takes to be found.
//!
//! For the two-sided t test of two samples of n runs each with one standard deviation (Colas et al. 2018,
//! "How Many Random Seeds?"). Differences are in standard deviations of a run's score.

use chacha20::ChaCha8Rng;
use rand::{Rng, SeedableRng};
use statrs::function::gamma::ln_gamma;

use crate::error::{Error, Result, open_share};
use crate::permutation::fewest_wins;
use crate::quantile::{normal_cdf, normal_quantile, of_sorted};
use crate::welch::two_sided_quantile;

/// The most runs that are thought about.
const MOST: usize = 1_000_000;

/// The largest difference that is thought about.
const LARGEST: f64 = 1e6;

/// How likely the test at `significance` (such as 0.05) finds a difference with `runs` runs each.
///
/// # Errors
/// A difference that is not finite, fewer than two runs, a significance outside of 0 to 1.
pub fn power(difference: f64, runs: usize, significance: f64) -> Result<f64> {
    open_share("significance", significance)?;
    if !difference.is_finite() {
        return Err(Error::parameter("difference", difference, "a finite number"));
    }
    if !(2..=MOST).contains(&runs) {
        return Err(Error::parameter("runs", runs, &format!("from 2 to {MOST}")));
    }
    let degrees = (2 * runs - 2) as f64;
    let critical = two_sided_quantile(significance, degrees);
    let shift = difference * (runs as f64 / 2.0).sqrt();
    Ok(beyond(critical, shift, degrees))
}

/// The least number of runs of each for `power` (such as 0.8), about 16 / difference^2 at 0.05.
///
/// # Errors
/// Shares outside of 0 to 1, or a difference so small that it takes over a million runs.
///
/// ```
/// use rlai_stats::power;
/// assert_eq!(power::runs_needed(1.0, 0.05, 0.8)?, 17);
/// # Ok::<(), rlai_stats::Error>(())
/// ```
pub fn runs_needed(difference: f64, significance: f64, power: f64) -> Result<usize> {
    open_share("power", power)?;
    let enough =
        |runs: usize| Ok::<bool, Error>(self::power(difference, runs, significance)? >= power);
    let (mut too_few, mut runs) = (1, 2);
    while !enough(runs)? {
        if runs == MOST {
            return Err(Error::undefined("the number of runs", format!("it is over {MOST}")));
        }
        (too_few, runs) = (runs, (2 * runs).min(MOST));
    }
    while runs - too_few > 1 {
        let middle = (too_few + runs) / 2;
        if enough(middle)? { runs = middle } else { too_few = middle }
    }
    Ok(runs)
}

/// The least difference that is found with `power` by this many runs of each.
///
/// # Errors
/// Those of [`power`], and a power so near 1 that no difference has it.
pub fn detectable(runs: usize, significance: f64, power: f64) -> Result<f64> {
    open_share("power", power)?;
    let finds = |difference: f64| self::power(difference, runs, significance);
    let (mut low, mut high) = (0.0, 1.0);
    while finds(high)? < power {
        if high > LARGEST {
            let reason = format!("it is over {LARGEST} standard deviations");
            return Err(Error::undefined("the difference that is found", reason));
        }
        (low, high) = (high, 2.0 * high);
    }
    // Halving 60 times leaves less than rounding.
    for _ in 0..60 {
        let middle = (low + high) / 2.0;
        if finds(middle)? < power { low = middle } else { high = middle }
    }
    Ok((low + high) / 2.0)
}

/// Draws behind [`detectable_by_permutation`].
const DRAWS: usize = 10_000;

/// Most runs that [`detectable_by_permutation`] is asked for.
pub const MOST_BY_PERMUTATION: usize = 50;

/// The least difference that the exact permutation test ([`crate::Permutation`]) finds on one task with `power`
/// by this many normal runs of each, over 10,000 draws, which are always the same: to about 0.02. None where
/// even complete separation is not significant. It is more than [`detectable`] with few runs: of four each the
/// test takes complete separation.
///
/// # Errors
/// Shares outside of 0 to 1, runs not from 2 to [`MOST_BY_PERMUTATION`].
pub fn detectable_by_permutation(
    runs: usize,
    significance: f64,
    power: f64,
) -> Result<Option<f64>> {
    open_share("significance", significance)?;
    open_share("power", power)?;
    if !(2..=MOST_BY_PERMUTATION).contains(&runs) {
        return Err(Error::parameter("runs", runs, &format!("from 2 to {MOST_BY_PERMUTATION}")));
    }
    let Some(wins) = fewest_wins(runs, significance) else { return Ok(None) };
    let mut random = ChaCha8Rng::seed_from_u64(0);
    let mut normal = || normal_quantile(((random.next_u64() >> 11) as f64 + 0.5) * 0.5f64.powi(53));
    // Moved by more than the `wins`-th smallest gap, x wins as many pairs: the move that this draw takes.
    let mut needed = |_| {
        let mut sample = || -> Vec<f64> { (0..runs).map(|_| normal()).collect() };
        let (x, y) = (sample(), sample());
        let mut gaps: Vec<f64> = x.iter().flat_map(|x| y.iter().map(move |y| y - x)).collect();
        *gaps.select_nth_unstable_by(wins - 1, f64::total_cmp).1
    };
    let mut needed: Vec<f64> = (0..DRAWS).map(&mut needed).collect();
    needed.sort_unstable_by(f64::total_cmp);
    // A power below the significance takes no difference at all.
    Ok(Some(of_sorted(&needed, power)?.max(0.0)))
}

/// P(|T| > critical) of the non-central t distribution: over the scale s = sqrt(chi^2 / degrees), a normal is
/// beyond critical s. Within ten standard deviations of s, in three parts: of a large critical value the
/// normal falls from 1 to 0 in a small part of the scales.
fn beyond(critical: f64, shift: f64, degrees: f64) -> f64 {
    let reach = 10.0 / (2.0 * degrees).sqrt();
    let (low, high) = ((1.0 - reach).max(0.0), 1.0 + reach);
    let half = degrees / 2.0;
    let constant = std::f64::consts::LN_2 + half * half.ln() - ln_gamma(half);
    let at = |s: f64| {
        let density = (constant + (degrees - 1.0) * s.ln() - half * s * s).exp();
        density * (normal_cdf(shift - critical * s) + normal_cdf(-shift - critical * s))
    };
    let fall = [-10.0, 10.0].map(|z| ((shift.abs() + z) / critical).clamp(low, high));
    let parts = [(low, fall[0]), (fall[0], fall[1]), (fall[1], high)];
    parts.into_iter().map(|(from, to)| simpson(at, from, to)).sum::<f64>().clamp(0.0, 1.0)
}

/// The integral from one number to another by Simpson's rule.
fn simpson(at: impl Fn(f64) -> f64, from: f64, to: f64) -> f64 {
    const INTERVALS: usize = 2000;
    let width = (to - from) / INTERVALS as f64;
    let weighted = |i: usize| {
        let weight = if i == 0 || i == INTERVALS { 1.0 } else { 2.0 + 2.0 * (i % 2) as f64 };
        weight * at(from + width * i as f64)
    };
    (0..=INTERVALS).map(weighted).sum::<f64>() * width / 3.0
}
