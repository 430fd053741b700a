//! Welch's t test: do the means of two samples differ?

use statrs::function::beta::beta_reg;

use crate::aggregate;
use crate::curve::variance;
use crate::error::{Error, Result, finite, open_share};
use crate::scores::{Scores, mean, same_tasks};

/// What the test says.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Welch {
    /// The mean of x less that of y.
    pub difference: f64,
    /// The difference over its standard error.
    pub t: f64,
    /// Degrees of freedom, by Welch and Satterthwaite.
    pub degrees: f64,
    /// How likely a difference of at least this size is, in either direction, if there is none.
    pub p: f64,
    /// Lower end of the difference's confidence interval.
    pub low: f64,
    /// Upper end of the difference's confidence interval.
    pub high: f64,
}

impl Welch {
    /// Of two samples with possibly different variances (Welch 1947), with an interval of this confidence. It
    /// supposes means that are about normal: with few runs of a skewed score look at the bootstrap too.
    ///
    /// # Errors
    /// Fewer than two of either, numbers that are not finite, no variance in both, a level outside of 0 to 1.
    pub fn test(x: &[f64], y: &[f64], level: f64) -> Result<Self> {
        open_share("level", level)?;
        for sample in [x, y] {
            finite("scores", sample)?;
            if sample.len() < 2 {
                return Err(Error::too_few("scores of a sample", 2));
            }
        }
        Self::of_means(mean(x) - mean(y), &[x, y].map(|sample| Part::of(sample, 1.0)), level)
    }

    /// Of the mean over tasks of the tasks' means, with an interval of this confidence: unlike a permutation
    /// test it supposes neither equal spread nor equal numbers of runs.
    ///
    /// # Errors
    /// Those of [`Welch::test`], and other numbers of tasks.
    pub fn of_tasks(x: &Scores, y: &Scores, level: f64) -> Result<Self> {
        open_share("level", level)?;
        same_tasks(x, y)?;
        if x.iter().chain(y.iter()).any(|runs| runs.len() < 2) {
            return Err(Error::too_few("scores of a sample", 2));
        }
        let weight = 1.0 / x.tasks() as f64;
        let parts = x.iter().chain(y.iter()).map(|runs| Part::of(runs, weight));
        let difference = aggregate::mean(x) - aggregate::mean(y);
        Self::of_means(difference, &parts.collect::<Vec<Part>>(), level)
    }

    /// Of a weighted sum of means of samples, by Satterthwaite's degrees of freedom (1946).
    pub(crate) fn of_means(difference: f64, parts: &[Part], level: f64) -> Result<Self> {
        let sum: f64 = parts.iter().map(|part| part.variance).sum();
        if !(sum > 0.0 && sum.is_finite()) {
            let reason = "no sample has a variance, or one too large for a number";
            return Err(Error::undefined("Welch's t", reason));
        }
        if !difference.is_finite() {
            let reason = "the difference of the means is too large for a number";
            return Err(Error::undefined("Welch's t", reason));
        }
        let error = sum.sqrt();
        // Shares rather than squares, which may be too small to be told from zero.
        let share = |part: &Part| (part.variance / sum).powi(2) / part.degrees;
        let degrees = 1.0 / parts.iter().map(share).sum::<f64>();
        let t = difference / error;
        let half = two_sided_quantile(1.0 - level, degrees) * error;
        let (low, high) = (difference - half, difference + half);
        Ok(Self { difference, t, degrees, p: two_sided(t, degrees), low, high })
    }
}

/// What a sample of at least two adds to the variance of a weighted sum of means.
pub(crate) struct Part {
    variance: f64,
    degrees: f64,
}

impl Part {
    /// Of a sample whose mean has this weight.
    pub(crate) fn of(sample: &[f64], weight: f64) -> Self {
        let n = sample.len() as f64;
        Self { variance: weight.powi(2) * variance(sample) / n, degrees: n - 1.0 }
    }
}

/// P(|T| >= |t|) of Student's t distribution.
pub(crate) fn two_sided(t: f64, degrees: f64) -> f64 {
    let square = t * t;
    if square.is_infinite() {
        return 0.0;
    }
    // The far tail by the incomplete beta function at a small argument, near the middle by its complement.
    if square > degrees {
        beta_reg(degrees / 2.0, 0.5, degrees / (degrees + square))
    } else {
        1.0 - beta_reg(0.5, degrees / 2.0, square / (degrees + square))
    }
}

/// The t above 0 beyond which, to either side, lies this share of Student's t distribution: P(|T| >= t) =
/// `share`, so that 0.05 gives the half width of a 95% interval in standard errors.
///
/// # Errors
/// A share that is not between 0 and 1, degrees of freedom that are not finite and above 0.
///
/// ```
/// # use rlai_stats::welch::t_quantile;
/// assert!((t_quantile(0.05, 4.0)? - 2.776_445_105).abs() < 1e-9);
/// # Ok::<(), rlai_stats::Error>(())
/// ```
pub fn t_quantile(share: f64, degrees: f64) -> Result<f64> {
    open_share("share", share)?;
    if !(degrees.is_finite() && degrees > 0.0) {
        return Err(Error::parameter("degrees", degrees, "a finite number above 0"));
    }
    Ok(two_sided_quantile(share, degrees))
}

/// [`t_quantile`] of arguments that are known to be good, by bisection.
pub(crate) fn two_sided_quantile(share: f64, degrees: f64) -> f64 {
    let mut high = 1.0;
    while two_sided(high, degrees) > share && high < f64::MAX / 4.0 {
        high *= 2.0;
    }
    let mut low = 0.0;
    loop {
        let middle = low + (high - low) / 2.0;
        if middle <= low || middle >= high {
            return middle;
        }
        match two_sided(middle, degrees) > share {
            true => low = middle,
            false => high = middle,
        }
    }
}
