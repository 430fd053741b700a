//! What a statistic is over resamples, and the intervals that follow.

use crate::bootstrap::Estimate;
use crate::error::{Error, Result, open_share};
use crate::quantile::{normal_cdf, normal_quantile, of_sorted};

/// Which interval is made of a bootstrap distribution (Efron and Tibshirani 1993, chapters 13 and 14).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Method {
    /// The distribution's own quantiles; rliable's default.
    #[default]
    Percentile,
    /// Quantiles mirrored at the value, also called reverse percentile.
    Basic,
    /// Percentiles, shifted for the share of resamples below the value.
    BiasCorrected,
    /// Bias-corrected and accelerated: also for a spread that changes with the value, by a jackknife.
    Bca,
}

/// A statistic's value and what it is on resamples.
#[derive(Clone, Debug, PartialEq)]
pub struct Distribution {
    value: f64,
    /// In order.
    replicates: Vec<f64>,
    acceleration: Option<f64>,
}

impl Distribution {
    /// Of a value and its replicates in any order; BCa intervals need the acceleration.
    pub(crate) fn new(
        value: f64,
        mut replicates: Vec<f64>,
        acceleration: Option<f64>,
    ) -> Result<Self> {
        if value.is_nan() || replicates.iter().any(|replicate| replicate.is_nan()) {
            let reason = "the statistic is not a number, of the runs or of a resample of them";
            return Err(Error::undefined("the interval", reason));
        }
        replicates.sort_unstable_by(f64::total_cmp);
        Ok(Self { value, replicates, acceleration })
    }

    /// The statistic of the runs themselves.
    pub fn value(&self) -> f64 {
        self.value
    }

    /// What the statistic is on every resample, in order.
    pub fn replicates(&self) -> &[f64] {
        &self.replicates
    }

    /// The mean over resamples.
    pub fn mean(&self) -> f64 {
        self.replicates.iter().sum::<f64>() / self.replicates.len() as f64
    }

    /// The standard error: the standard deviation over resamples (divisor their number).
    pub fn standard_error(&self) -> f64 {
        let mean = self.mean();
        let squares: f64 = self.replicates.iter().map(|replicate| (replicate - mean).powi(2)).sum();
        (squares / self.replicates.len() as f64).sqrt()
    }

    /// The acceleration of BCa intervals, if it was asked for and has a value.
    pub fn acceleration(&self) -> Option<f64> {
        self.acceleration
    }

    /// The quantile of the replicates, by linear interpolation.
    ///
    /// # Errors
    /// A share outside of 0 to 1.
    pub fn quantile(&self, share: f64) -> Result<f64> {
        of_sorted(&self.replicates, share)
    }

    /// The interval of this confidence, such as 0.95.
    ///
    /// # Errors
    /// A level outside of 0 to 1; BCa where the acceleration is not known; an end that is not a number.
    pub fn interval(&self, method: Method, level: f64) -> Result<Estimate> {
        let tail = (1.0 - open_share("level", level)?) / 2.0;
        let [low, high] = match method {
            Method::Percentile => [self.quantile(tail)?, self.quantile(1.0 - tail)?],
            Method::Basic => {
                let mirrored = |share| Ok::<f64, Error>(2.0 * self.value - self.quantile(share)?);
                [mirrored(1.0 - tail)?, mirrored(tail)?]
            }
            Method::BiasCorrected => self.corrected(tail, self.bias(Ties::Half), 0.0)?,
            Method::Bca => {
                let reason =
                    "the statistic has no finite value without some run, or was not jackknifed";
                let acceleration = self
                    .acceleration
                    .ok_or_else(|| Error::undefined("the BCa interval", reason))?;
                self.corrected(tail, self.bias(Ties::Half), acceleration)?
            }
        };
        if low.is_nan() || high.is_nan() {
            return Err(Error::undefined("the interval", "an end is infinite less infinite"));
        }
        Ok(Estimate { value: self.value, low, high })
    }

    /// Percentiles at shares moved by the bias z0 and the acceleration a.
    fn corrected(&self, tail: f64, z0: f64, a: f64) -> Result<[f64; 2]> {
        let end = |z: f64| {
            let moved = z0 + z;
            self.quantile(normal_cdf(z0 + moved / (1.0 - a * moved)))
        };
        let z = normal_quantile(tail);
        Ok([end(z)?, end(-z)?])
    }

    /// The bias z0: the normal quantile of the share of resamples below the value, which is kept off 0 and 1
    /// by half a resample.
    fn bias(&self, ties: Ties) -> f64 {
        let below = self.replicates.partition_point(|&replicate| replicate < self.value) as f64;
        let up_to = self.replicates.partition_point(|&replicate| replicate <= self.value) as f64;
        let count = match ties {
            Ties::Half => (below + up_to) / 2.0,
            #[cfg(test)]
            Ties::Above => below,
        };
        let n = self.replicates.len() as f64;
        normal_quantile((count / n).clamp(0.5 / n, 1.0 - 0.5 / n))
    }
}

/// Where resamples count that are equal to the value. Scores of few runs have many of them.
#[derive(Clone, Copy)]
enum Ties {
    /// Half below, half above, as SciPy has it: the rule here.
    Half,
    /// Above, as the library arch has it, and rliable with it: a bias of its own where ties are common.
    #[cfg(test)]
    Above,
}
