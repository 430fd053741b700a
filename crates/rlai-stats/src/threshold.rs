//! Steps to a threshold, and what "60% more sample-efficient" can mean.
//!
//! Three readings of such a claim, of a candidate against a baseline:
//!
//! 1. [`SpeedUp::ratio`]: the baseline's median number of steps to a return, over the candidate's (1.6);
//! 2. [`SpeedUp::fewer_steps`]: the share of steps that the candidate saves (0.6, which is a ratio of 2.5);
//! 3. [`ReturnGain::ratio`]: the candidate's mean return at one step, over the baseline's (1.6).
//!
//! Each comes with its interval over seeds and with its null range: where it lies when both samples are of
//! the baseline. With few seeds null ranges are wide (Henderson et al. 2018, Colas et al. 2018), so a value
//! within is no evidence. They are drawn from few runs and so too narrow still: of equal algorithms with 3, 5
//! and 10 runs each (log-normal steps), about 17, 8 and 7% are outside of a "95%" range. Below
//! [`FEWEST`] runs there is none. Choose thresholds before looking, and smooth all curves alike.

use crate::bootstrap::Bootstrap;
use crate::curve::Curve;
use crate::error::{Error, Result, finite};
use crate::quantile::{median, median_of, of_sorted};
use crate::resample::Sample;
use crate::scores::{Runs, mean};

/// The first step at which a curve is at least at the threshold, between points by linear interpolation; none
/// if it never is (the run is censored).
///
/// ```
/// # use rlai_stats::{Curve, threshold};
/// let curve = Curve::new(vec![10.0, 20.0, 30.0], vec![0.0, 4.0, 2.0])?;
/// assert_eq!(threshold::steps_to(&curve, 3.0), Some(17.5));
/// assert_eq!(threshold::steps_to(&curve, 5.0), None);
/// # Ok::<(), rlai_stats::Error>(())
/// ```
pub fn steps_to(curve: &Curve, threshold: f64) -> Option<f64> {
    let (steps, values) = (curve.steps(), curve.values());
    let at = values.iter().position(|&value| value >= threshold)?;
    let Some(before) = at.checked_sub(1) else {
        return Some(steps[0]);
    };
    // Halves, which are exact: the distance of two numbers may be beyond the largest one.
    let [threshold, low, high] = [threshold, values[before], values[at]].map(|it| it / 2.0);
    let part = (threshold - low) / (high - low);
    Some(steps[before] + (steps[at] - steps[before]) * part)
}

/// Runs that an interval or a null range takes at least: of one or two, resamples are too much alike.
pub const FEWEST: usize = 3;

/// [`steps_to`] of every curve; infinite for those that never are there. Curves of different lengths are
/// cut at their common end beforehand ([`Curve::until`]): not there yet is not never.
pub fn times(curves: &[Curve], threshold: f64) -> Vec<f64> {
    curves.iter().map(|curve| steps_to(curve, threshold).unwrap_or(f64::INFINITY)).collect()
}

/// Thresholds at shares of the way from `from` to the mean of the baseline's last values, for example 0.25,
/// 0.5, 0.75 and 0.95 of the way from 0.
///
/// # Errors
/// No curve, or numbers that are not finite.
pub fn grid(baseline: &[Curve], from: f64, shares: &[f64]) -> Result<Vec<f64>> {
    finite("shares", shares)?;
    finite("from", &[from])?;
    if baseline.is_empty() {
        return Err(Error::too_few("baseline curves", 1));
    }
    let last: Vec<f64> = baseline.iter().map(|curve| curve.last().1).collect();
    let way = mean(&last) - from;
    Ok(shares.iter().map(|share| from + share * way).collect())
}

/// From one value to another.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Range {
    /// Lower end.
    pub low: f64,
    /// Upper end.
    pub high: f64,
}

/// A reading with its interval and null range, by percentiles. Resamples in which it is not defined count
/// against both ends.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Reading {
    /// The value; none where it is not defined, for example when neither median reaches the threshold.
    pub value: Option<f64>,
    /// The interval over seeds, whose ends may be infinite; none below [`FEWEST`] runs of either.
    pub interval: Option<Range>,
    /// The range when both samples are of the baseline, whose ends may be infinite; none below [`FEWEST`] runs
    /// of the baseline.
    pub null: Option<Range>,
}

impl Reading {
    /// Whether the value lies outside of what two samples of the baseline give; not where that is unknown.
    pub fn is_beyond_null(&self) -> bool {
        let pair = self.value.zip(self.null);
        pair.is_some_and(|(value, null)| value < null.low || value > null.high)
    }
}

/// How many runs reach a threshold, and when.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Reached {
    /// The median number of steps; none when the median run never does.
    pub median: Option<f64>,
    /// Of an even number of runs without a median the lower middle one, if it gets there.
    pub lower_middle: Option<f64>,
    /// Runs that do.
    pub runs: usize,
    /// All runs.
    pub of: usize,
}

impl Reached {
    fn of(times: &[f64]) -> Result<Self> {
        let median = Some(median(times)?).filter(|median| median.is_finite());
        let mut sorted = times.to_vec();
        sorted.sort_unstable_by(f64::total_cmp);
        let is_even = sorted.len().is_multiple_of(2);
        let lower = sorted.get((sorted.len() / 2).wrapping_sub(1)).copied();
        let lower_middle = lower.filter(|lower| is_even && median.is_none() && lower.is_finite());
        let runs = times.iter().filter(|time| time.is_finite()).count();
        Ok(Self { median, lower_middle, runs, of: times.len() })
    }

    /// The least that the median can be, had the runs that are not there at `end` gone on.
    fn least(&self, end: f64) -> f64 {
        let least = self.lower_middle.map_or(end, |lower| f64::midpoint(lower, end));
        self.median.unwrap_or(least)
    }
}

/// Steps to one threshold, compared.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SpeedUp {
    /// The baseline's runs.
    pub baseline: Reached,
    /// The candidate's runs.
    pub candidate: Reached,
    /// The baseline's median over the candidate's: above 1, the candidate needs fewer steps. From 0 to
    /// infinity: infinite when only the candidate gets there.
    pub ratio: Reading,
    /// The share of the baseline's steps that the candidate saves, 1 - 1 / ratio: at most 1, below 0 when it
    /// needs more.
    pub fewer_steps: Reading,
}

/// On which side of a number something lies.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Bound {
    /// Above it.
    Above(f64),
    /// Below it.
    Below(f64),
}

impl SpeedUp {
    /// What is known of [`SpeedUp::ratio`] and [`SpeedUp::fewer_steps`] where just one of the medians is finite:
    /// they lie beyond what they would be, had the other's late runs got there at `end`, the last step of all
    /// curves. Their values, infinite or 0 and 1 or minus infinity, say only that runs were not long enough.
    /// None where the finite median is 0.
    ///
    /// ```
    /// # use rlai_stats::{Bootstrap, threshold::{Bound, SpeedUp}};
    /// let (never, at_80) = ([f64::INFINITY; 3], [80.0; 3]);
    /// let found = SpeedUp::of(&never, &at_80, &Bootstrap::for_curves())?;
    /// assert_eq!(found.beyond(100.0), Some([Bound::Above(1.25), Bound::Above(1.0 - 0.8)]));
    /// # Ok::<(), rlai_stats::Error>(())
    /// ```
    pub fn beyond(&self, end: f64) -> Option<[Bound; 2]> {
        let (candidate, baseline) = (self.candidate.least(end), self.baseline.least(end));
        let [ratio, fewer] = [baseline / candidate, 1.0 - candidate / baseline];
        match (self.candidate.median, self.baseline.median) {
            (Some(median), None) if median > 0.0 => {
                Some([Bound::Above(ratio), Bound::Above(fewer)])
            }
            (None, Some(median)) if median > 0.0 => {
                Some([Bound::Below(ratio), Bound::Below(fewer)])
            }
            _ => None,
        }
    }

    /// Of [`times`] of both, none of them negative.
    ///
    /// # Errors
    /// No times, or such that are negative or not numbers; settings out of range.
    pub fn of(baseline: &[f64], candidate: &[f64], bootstrap: &Bootstrap) -> Result<Self> {
        for times in [baseline, candidate] {
            if let Some(time) = times.iter().find(|time| time.is_nan() || **time < 0.0) {
                return Err(Error::parameter("steps to the threshold", time, "at least 0"));
            }
        }
        let value = ratio(median(baseline)?, median(candidate)?);
        let of_medians = |groups: &[Runs<f64>], out: &mut [f64]| {
            let median = |runs: &Runs<f64>| median_of(&mut runs.values().to_vec());
            out[0] = ratio(median(&groups[0]), median(&groups[1]));
        };
        let drawn = Drawn::of(baseline, candidate, bootstrap, &of_medians)?;
        let saved = |ratio: f64| 1.0 - 1.0 / ratio;
        Ok(Self {
            baseline: Reached::of(baseline)?,
            candidate: Reached::of(candidate)?,
            ratio: drawn.reading(value, bootstrap.level, [0.0, f64::INFINITY])?,
            fewer_steps: drawn.map(saved).reading(
                saved(value),
                bootstrap.level,
                [f64::NEG_INFINITY, 1.0],
            )?,
        })
    }

    /// At each of `thresholds`, with the curves as they are (see [`Curve::smoothed`]).
    ///
    /// # Errors
    /// Those of [`SpeedUp::of`].
    pub fn at(
        thresholds: &[f64],
        baseline: &[Curve],
        candidate: &[Curve],
        bootstrap: &Bootstrap,
    ) -> Result<Vec<Self>> {
        finite("thresholds", thresholds)?;
        let one = |&threshold: &f64| {
            Self::of(&times(baseline, threshold), &times(candidate, threshold), bootstrap)
        };
        thresholds.iter().map(one).collect()
    }
}

/// 0 / 0 and infinity / infinity are not numbers, and no ratio either.
fn ratio(baseline: f64, candidate: f64) -> f64 {
    baseline / candidate
}

/// Returns at one step, compared.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ReturnGain {
    /// The step.
    pub step: f64,
    /// The baseline's mean return there.
    pub baseline: f64,
    /// The candidate's mean return there.
    pub candidate: f64,
    /// The candidate's mean over the baseline's; defined where the baseline's is above 0.
    pub ratio: Reading,
}

impl ReturnGain {
    /// At each of `steps`, with the curves as they are.
    ///
    /// # Errors
    /// A step outside of some curve, no curves, settings out of range.
    pub fn at(
        steps: &[f64],
        baseline: &[Curve],
        candidate: &[Curve],
        bootstrap: &Bootstrap,
    ) -> Result<Vec<Self>> {
        let one = |&step: &f64| {
            Self::of(step, &values_at(step, baseline)?, &values_at(step, candidate)?, bootstrap)
        };
        steps.iter().map(one).collect()
    }

    fn of(step: f64, baseline: &[f64], candidate: &[f64], bootstrap: &Bootstrap) -> Result<Self> {
        let gain = |baseline: f64, candidate: f64| match baseline > 0.0 {
            true => candidate / baseline,
            false => f64::NAN,
        };
        let of_means = |groups: &[Runs<f64>], out: &mut [f64]| {
            out[0] = gain(mean(groups[0].values()), mean(groups[1].values()));
        };
        let drawn = Drawn::of(baseline, candidate, bootstrap, &of_means)?;
        let (baseline, candidate) = (mean(baseline), mean(candidate));
        let ends = [f64::NEG_INFINITY, f64::INFINITY];
        let ratio = drawn.reading(gain(baseline, candidate), bootstrap.level, ends)?;
        Ok(Self { step, baseline, candidate, ratio })
    }
}

fn values_at(step: f64, curves: &[Curve]) -> Result<Vec<f64>> {
    let outside = || Error::parameter("step", step, "within every curve");
    curves.iter().map(|curve| curve.at(step).ok_or_else(outside)).collect()
}

/// What a reading is over resamples of both, and when both are of the baseline.
struct Drawn {
    compared: Option<Vec<f64>>,
    null: Option<Vec<f64>>,
}

impl Drawn {
    fn of(
        baseline: &[f64],
        candidate: &[f64],
        bootstrap: &Bootstrap,
        statistic: &(impl Fn(&[Runs<f64>], &mut [f64]) + Sync),
    ) -> Result<Self> {
        let [of_baseline, of_candidate] =
            [baseline, candidate].map(|values| Runs::of(vec![values.to_vec()]));
        let (of_baseline, of_candidate) = (of_baseline?, of_candidate?);
        let draw = |samples: [Sample<f64>; 2], runs: usize| {
            let drawn = bootstrap.replicates(&samples, 1, statistic)?.swap_remove(0);
            Ok::<_, Error>(Some(drawn).filter(|_| runs >= FEWEST))
        };
        let (of_both, of_one) =
            (Sample::same(&of_candidate), Sample::sized(&of_baseline, candidate.len()));
        let least = baseline.len().min(candidate.len());
        Ok(Self {
            compared: draw([Sample::same(&of_baseline), of_both], least)?,
            null: draw([Sample::same(&of_baseline), of_one], baseline.len())?,
        })
    }

    fn map(&self, change: impl Fn(f64) -> f64) -> Self {
        let all = |values: &Option<Vec<f64>>| {
            values.as_ref().map(|values| values.iter().map(|&value| change(value)).collect())
        };
        Self { compared: all(&self.compared), null: all(&self.null) }
    }

    /// `ends` are the least and the greatest value that the reading can have.
    fn reading(&self, value: f64, level: f64, ends: [f64; 2]) -> Result<Reading> {
        let range = |drawn: &Option<Vec<f64>>| {
            drawn.as_deref().map(|drawn| range(drawn, level, ends)).transpose()
        };
        let value = Some(value).filter(|value| !value.is_nan());
        Ok(Reading { value, interval: range(&self.compared)?, null: range(&self.null)? })
    }
}

/// Percentiles, where what is not a number may be anything.
fn range(replicates: &[f64], level: f64, ends: [f64; 2]) -> Result<Range> {
    let tail = (1.0 - level) / 2.0;
    let quantile = |undefined: f64, share: f64| {
        let known = |&value: &f64| if value.is_nan() { undefined } else { value };
        let mut sorted: Vec<f64> = replicates.iter().map(known).collect();
        sorted.sort_unstable_by(f64::total_cmp);
        of_sorted(&sorted, share)
    };
    Ok(Range { low: quantile(ends[0], tail)?, high: quantile(ends[1], 1.0 - tail)? })
}
