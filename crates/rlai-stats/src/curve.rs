//! Learning curves: smoothing, means with intervals, bands.

use crate::bootstrap::{Bootstrap, Estimate};
use crate::error::{Error, Result};
use crate::scores::{Runs, Scores, mean};

/// What one run reached at some of its steps.
#[derive(Clone, Debug, PartialEq)]
pub struct Curve {
    steps: Vec<f64>,
    values: Vec<f64>,
}

impl Curve {
    /// Steps in increasing order, from 0 on, and the value (for example the evaluation return) at each.
    ///
    /// # Errors
    /// No point, other numbers of steps than values, steps out of order or negative, numbers not finite.
    pub fn new(steps: Vec<f64>, values: Vec<f64>) -> Result<Self> {
        let refuse = |text: String| Err(Error::Curve(text));
        if steps.len() != values.len() || steps.is_empty() {
            let (steps, values) = (steps.len(), values.len());
            return refuse(format!("{steps} steps, {values} values: as many of both, at least 1"));
        }
        if let Some(i) = steps.iter().position(|step| !(step.is_finite() && *step >= 0.0)) {
            return refuse(format!("point {i}: step = {}: a finite number from 0", steps[i]));
        }
        if let Some(i) = values.iter().position(|value| !value.is_finite()) {
            return refuse(format!("point {i}: value = {}: a finite number", values[i]));
        }
        if let Some(i) = (1..steps.len()).find(|&i| steps[i] <= steps[i - 1]) {
            let (step, before) = (steps[i], steps[i - 1]);
            return refuse(format!(
                "point {i}: step = {step}: more than the step before, {before}"
            ));
        }
        Ok(Self { steps, values })
    }

    /// Where it was measured.
    pub fn steps(&self) -> &[f64] {
        &self.steps
    }

    /// What was measured there.
    pub fn values(&self) -> &[f64] {
        &self.values
    }

    /// The last point.
    pub fn last(&self) -> (f64, f64) {
        let last = self.steps.len() - 1;
        (self.steps[last], self.values[last])
    }

    /// The value at a step, between two points by linear interpolation; none outside of the curve.
    pub fn at(&self, step: f64) -> Option<f64> {
        let after = self.steps.partition_point(|&other| other < step);
        let (&next, &value) = (self.steps.get(after)?, self.values.get(after)?);
        if next == step {
            return Some(value);
        }
        let before = after.checked_sub(1)?;
        let part = (step - self.steps[before]) / (next - self.steps[before]);
        Some(self.values[before] * (1.0 - part) + value * part)
    }

    /// The curve up to a step, where it ends: with the value of [`Curve::at`].
    ///
    /// # Errors
    /// A step before the first point or beyond the last.
    pub fn until(&self, step: f64) -> Result<Self> {
        let Some(value) = self.at(step) else {
            let (first, last) = (self.steps[0], self.last().0);
            return Err(Error::parameter("until", step, &format!("from {first} to {last}")));
        };
        let kept = self.steps.partition_point(|&other| other < step);
        let (mut steps, mut values) = (self.steps[..kept].to_vec(), self.values[..kept].to_vec());
        steps.push(step);
        values.push(value);
        Ok(Self { steps, values })
    }

    /// The curve with its [`exponential_average`] for values.
    ///
    /// # Errors
    /// As that has them.
    pub fn smoothed(&self, past: f64) -> Result<Self> {
        let values = exponential_average(&self.values, past)?;
        Ok(Self { steps: self.steps.clone(), values })
    }
}

/// The exponential moving average m_k = w m_(k-1) + (1 - w) x_k, m_0 = x_0, where w is the weight of the past:
/// 0 leaves the values as they are. The first value has the weight w^k in m_k, not (1 - w) w^k as if nothing had
/// been before it: nothing is divided by the sum of the weights, which is 1 this way. An average lies between
/// the two numbers that it is of, also in its last digit: that of equal numbers is that number.
///
/// # Errors
/// A weight outside of 0 to 1, or 1.
pub fn exponential_average(values: &[f64], past: f64) -> Result<Vec<f64>> {
    if !(0.0..1.0).contains(&past) {
        return Err(Error::parameter("smoothing", past, "at least 0, below 1"));
    }
    let mut average = values.first().copied().unwrap_or_default();
    let smooth = |value: &f64| {
        let weighted = past * average + (1.0 - past) * value;
        average = weighted.clamp(average.min(*value), average.max(*value));
        average
    };
    Ok(values.iter().map(smooth).collect())
}

/// A statistic at one step.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Point {
    /// The step.
    pub step: f64,
    /// The statistic there; an interval holds for this step alone, not for the whole curve at once.
    pub estimate: Estimate,
}

/// A statistic of all runs at each step, for example the interquartile mean, with pointwise intervals.
/// [`Bootstrap::for_curves`] has the usual settings. Whole runs are drawn, so a resample's points belong
/// together.
///
/// # Errors
/// Curves measured at different steps, and what [`Bootstrap::estimates`] refuses.
pub fn estimate(
    runs: &Runs<Curve>,
    statistic: impl Fn(&Scores) -> f64 + Sync,
    bootstrap: &Bootstrap,
) -> Result<Vec<Point>> {
    let steps = common_steps(runs.values())?;
    let values =
        Runs::of(runs.iter().map(|curves| curves.iter().map(Curve::values).collect()).collect())?;
    let all = |groups: &[Runs<&[f64]>], out: &mut [f64]| {
        let mut scores = Scores::empty();
        for (i, out) in out.iter_mut().enumerate() {
            scores.clear();
            groups[0].iter().for_each(|curves| scores.push(curves.iter().map(|curve| curve[i])));
            *out = statistic(&scores);
        }
    };
    let estimates = bootstrap.estimates(&[&values], steps.len(), all)?;
    Ok(steps.iter().zip(estimates).map(|(&step, estimate)| Point { step, estimate }).collect())
}

/// The mean over runs of one task at each step with a band of half a standard deviation (divisor n - 1) to
/// either side, as learning curves are often drawn. The band shows spread over runs; it is no confidence
/// interval of the mean.
///
/// # Errors
/// Fewer than two curves, or curves measured at different steps.
pub fn half_deviation_band(curves: &[Curve]) -> Result<Vec<Point>> {
    let steps = common_steps(curves)?;
    if curves.len() < 2 {
        return Err(Error::too_few("curves", 2));
    }
    let point = |(i, &step): (usize, &f64)| {
        let values: Vec<f64> = curves.iter().map(|curve| curve.values[i]).collect();
        let (value, half) = (mean(&values), variance(&values).sqrt() / 2.0);
        Point { step, estimate: Estimate { value, low: value - half, high: value + half } }
    };
    Ok(steps.iter().enumerate().map(point).collect())
}

/// The variance of at least two numbers, with divisor n - 1; exactly 0 of equal ones, whose mean may differ
/// from them in its last digit.
pub(crate) fn variance(values: &[f64]) -> f64 {
    let apart: Vec<f64> = values.iter().map(|value| value - values[0]).collect();
    let mean = mean(&apart);
    apart.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / (values.len() - 1) as f64
}

/// The steps at which all curves were measured.
pub(crate) fn common_steps(curves: &[Curve]) -> Result<&[f64]> {
    let Some(first) = curves.first() else {
        return Err(Error::too_few("curves", 1));
    };
    match curves.iter().position(|curve| curve.steps != first.steps) {
        None => Ok(&first.steps),
        Some(i) => Err(Error::Curve(format!("curve {i} was measured at other steps than curve 0"))),
    }
}
