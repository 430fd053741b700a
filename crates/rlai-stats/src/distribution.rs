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
        if value.is_nan()
            || replicates.is_empty()
            || replicates.iter().any(|replicate| replicate.is_nan())
        {
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
                let mirrored =
                    |share| Ok::<f64, Error>(self.value + (self.value - self.quantile(share)?));
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

    /// Percentiles at shares moved by the bias z0 and the acceleration a. Where 1 - a (z0 + z) falls to 0, the
    /// share has reached its end; beyond, the formula would come back from the other one.
    fn corrected(&self, tail: f64, z0: f64, a: f64) -> Result<[f64; 2]> {
        let end = |z: f64| {
            let moved = z0 + z;
            let shrunk = 1.0 - a * moved;
            self.quantile(match shrunk > 0.0 {
                true => normal_cdf(z0 + moved / shrunk),
                false => f64::from(u8::from(moved > 0.0)),
            })
        };
        let z = normal_quantile(tail);
        Ok([end(z)?, end(-z)?])
    }

    /// The bias z0: the normal quantile of the share of resamples below the value, which is kept off 0 and 1
    /// by half a resample.
    fn bias(&self, ties: Ties) -> f64 {
        let n = self.replicates.len();
        // Equal scores, added in another order, differ in their last digits.
        let size = [0, n - 1].map(|end| self.replicates[end].abs()).into_iter().fold(0.0, f64::max);
        let slack = if size.is_finite() { 1e-13 * size } else { 0.0 };
        let below = self.replicates.partition_point(|&it| it < self.value - slack) as f64;
        let up_to = self.replicates.partition_point(|&it| it <= self.value + slack) as f64;
        let count = match ties {
            Ties::Half => (below + up_to) / 2.0,
            #[cfg(test)]
            Ties::Above => below,
        };
        let n = n as f64;
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Bootstrap, Scores, aggregate};

    /// The density of the standard normal distribution.
    fn density(z: f64) -> f64 {
        (-z * z / 2.0).exp() / (2.0 * std::f64::consts::PI).sqrt()
    }

    /// rliable counts resamples that are equal to the value as above it. With that rule its bias-corrected
    /// ends are our quantiles, at shares that are known as well as both biases are.
    #[test]
    fn bias_corrected_intervals_are_rliables_with_its_rule_for_ties() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../golden/statistics/rliable.json");
        let golden: serde_json::Value =
            serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
        let rows: Vec<Vec<f64>> = serde_json::from_value(golden["X"].clone()).unwrap();
        let scores = Scores::from_rows(&rows).unwrap();
        let all = |groups: &[Scores], out: &mut [f64]| {
            let scores = &groups[0];
            out[0] = aggregate::median(scores);
            out[1] = aggregate::interquartile_mean(scores);
            out[2] = aggregate::mean(scores);
            out[3] = aggregate::optimality_gap(scores, 1.0);
        };
        let ours = Bootstrap::default().distributions(&[&scores], 4, all).unwrap();
        for (i, ours) in ours.iter().enumerate() {
            let z0 = ours.bias(Ties::Above);
            for (end, z) in [(0, normal_quantile(0.025)), (1, normal_quantile(0.975))] {
                let theirs = golden["ci_bc"][end][i].as_f64().unwrap();
                let (share, n) = (normal_cdf(2.0 * z0 + z), 1.0 / 20_000.0 + 1.0 / 50_000.0);
                let p0 = normal_cdf(z0);
                let of_bias =
                    p0 * (1.0 - p0) * n * (2.0 * density(2.0 * z0 + z) / density(z0)).powi(2);
                let error = 5.0 * (share * (1.0 - share) * n + of_bias).sqrt();
                let part =
                    |most: f64| ours.replicates.partition_point(|&it| it <= most) as f64 / 50_000.0;
                let (below, up_to) = (part(theirs - 1e-12), part(theirs + 1e-12));
                assert!(
                    below - error <= share && share <= up_to + error,
                    "{i}, {end}: {theirs} at {below} to {up_to}, not {share} +- {error}"
                );
            }
        }
    }

    #[test]
    fn a_symmetric_distribution_has_no_bias_whatever_its_ties() {
        let replicates = vec![-1.0, 0.0, 0.0, 0.0, 1.0];
        let symmetric = Distribution::new(0.0, replicates, Some(0.0)).unwrap();
        assert!(symmetric.bias(Ties::Half).abs() < 1e-15);
        let percentile = symmetric.interval(Method::Percentile, 0.9).unwrap();
        for method in [Method::BiasCorrected, Method::Bca] {
            let other = symmetric.interval(method, 0.9).unwrap();
            assert!((other.low - percentile.low).abs() < 1e-12);
            assert!((other.high - percentile.high).abs() < 1e-12);
        }
    }

    #[test]
    fn a_value_outside_of_all_resamples_has_a_finite_bias() {
        let outside = Distribution::new(5.0, vec![1.0, 2.0, 3.0, 4.0], None).unwrap();
        assert_eq!(outside.bias(Ties::Half), normal_quantile(1.0 - 0.125));
        let interval = outside.interval(Method::BiasCorrected, 0.5).unwrap();
        assert!(interval.low > 3.0 && interval.high <= 4.0);
        assert!(outside.interval(Method::Bca, 0.5).is_err());
    }

    #[test]
    fn infinite_replicates_are_ends_and_what_is_no_number_is_refused() {
        let half = f64::INFINITY;
        let some = Distribution::new(1.0, vec![0.5, 1.0, half, half], None).unwrap();
        let interval = some.interval(Method::Percentile, 0.9).unwrap();
        assert!((interval.low - 0.575).abs() < 1e-12 && interval.high == half);
        assert!(Distribution::new(1.0, vec![0.5, f64::NAN], None).is_err());
        assert!(Distribution::new(f64::NAN, vec![0.5], None).is_err());
        assert!(Distribution::new(0.5, Vec::new(), None).is_err());
    }
}
