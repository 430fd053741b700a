//! From many gradients to what is known of their distribution.

use serde::Serialize;

use super::Sizes;
use crate::lab::Table;

/// What R gradients of one estimator look like beside the exact one. Tables have the gradient's shape.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Measurement {
    /// Mean of the gradients.
    pub mean: Table,
    /// The exact gradient.
    pub exact: Table,
    /// Mean less exact.
    pub bias: Table,
    /// Standard error of the mean.
    pub standard_error: Table,
    /// Variance of a single gradient: the trace of its covariance.
    pub variance: f64,
    /// Standard error of the variance, from fourth moments.
    pub variance_standard_error: f64,
    /// Mean of |gradient - exact|^2.
    pub mean_squared_error: f64,
    /// Root of the mean squared error over |exact|; none where the exact gradient is 0.
    pub relative_error: Option<f64>,
    /// Cosine of the mean gradient and the exact one: what is left of the direction when many gradients
    /// are averaged. None where one of them is 0.
    pub cosine: Option<f64>,
    /// Mean of the cosines of the single gradients and the exact one; those that are 0 count as 0.
    pub mean_cosine: Option<f64>,
    /// Mean effective sample size of the weights that the target would give the actions or
    /// trajectories, also where the gradient does not use them; none where neither is drawn.
    pub effective_sample_size: Option<f64>,
    /// Mean effective sample size of the state weights of a step; none where states are not weighed.
    pub state_effective_sample_size: Option<f64>,
    /// R.
    pub repetitions: usize,
    /// Time of one gradient on one thread, in seconds, drawing included. The only number here that
    /// differs from one run to the next.
    pub seconds: f64,
}

impl Measurement {
    /// Sums up `gradients`, `[R, width]`, R >= 2.
    pub(super) fn new(
        shape: [usize; 2],
        exact: &[f64],
        gradients: &[f64],
        sizes: &[Sizes],
        seconds: f64,
    ) -> Self {
        let count = sizes.len() as f64;
        let width = exact.len();
        let mean = mean(gradients, width);
        let mut squares = vec![0.0; width];
        let (mut total, mut fourth, mut error) = (0.0, 0.0, 0.0);
        for gradient in gradients.chunks_exact(width) {
            let mut distance = 0.0;
            for j in 0..width {
                let deviation = (gradient[j] - mean[j]).powi(2);
                squares[j] += deviation;
                distance += deviation;
                error += (gradient[j] - exact[j]).powi(2);
            }
            total += distance;
            fourth += distance * distance;
        }
        let variance = total / (count - 1.0);
        let spread = (fourth / count - (total / count).powi(2)).max(0.0);
        let size = norm(exact);
        let table = |values: Vec<f64>| Table::new(&shape, values);
        let standard_error = |square: &f64| (square / (count - 1.0) / count).sqrt();
        Self {
            bias: table(mean.iter().zip(exact).map(|(mean, exact)| mean - exact).collect()),
            standard_error: table(squares.iter().map(standard_error).collect()),
            variance,
            variance_standard_error: (spread / count).sqrt(),
            mean_squared_error: error / count,
            relative_error: (size > 0.0).then(|| (error / count).sqrt() / size),
            cosine: cosine(&mean, exact),
            mean_cosine: mean_cosine(gradients, exact),
            effective_sample_size: average(sizes.iter().map(|sizes| sizes.effective)),
            state_effective_sample_size: average(sizes.iter().map(|sizes| sizes.states)),
            mean: table(mean),
            exact: table(exact.to_vec()),
            repetitions: sizes.len(),
            seconds,
        }
    }

    /// |bias|: how far the mean is from the exact gradient.
    pub fn bias_norm(&self) -> f64 {
        norm(self.bias.values())
    }

    /// |exact|.
    pub fn exact_norm(&self) -> f64 {
        norm(self.exact.values())
    }

    /// Root of the sum of the squared standard errors of the mean: how far from the exact gradient the
    /// mean of an unbiased estimator would be.
    pub fn bias_noise(&self) -> f64 {
        norm(self.standard_error.values())
    }
}

/// The mean, summed up as deviations from the first gradient: gradients that are all alike have exactly
/// that mean.
fn mean(gradients: &[f64], width: usize) -> Vec<f64> {
    let first = &gradients[..width];
    let mut deviation = vec![0.0; width];
    for gradient in gradients.chunks_exact(width) {
        for ((sum, g), first) in deviation.iter_mut().zip(gradient).zip(first) {
            *sum += g - first;
        }
    }
    let count = (gradients.len() / width) as f64;
    deviation.iter().zip(first).map(|(sum, first)| first + sum / count).collect()
}

fn norm(values: &[f64]) -> f64 {
    values.iter().map(|value| value * value).sum::<f64>().sqrt()
}

fn cosine(a: &[f64], b: &[f64]) -> Option<f64> {
    let product: f64 = a.iter().zip(b).map(|(a, b)| a * b).sum();
    let scale = norm(a) * norm(b);
    (scale > 0.0).then(|| product / scale)
}

fn mean_cosine(gradients: &[f64], exact: &[f64]) -> Option<f64> {
    if norm(exact) == 0.0 {
        return None;
    }
    let cosines = gradients.chunks_exact(exact.len()).map(|g| cosine(g, exact).unwrap_or(0.0));
    Some(cosines.sum::<f64>() / (gradients.len() / exact.len()) as f64)
}

/// The mean of those that are there.
fn average(values: impl Iterator<Item = Option<f64>>) -> Option<f64> {
    let (sum, count) = values.flatten().fold((0.0, 0usize), |(sum, n), x| (sum + x, n + 1));
    (count > 0).then(|| sum / count as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn four_gradients_by_hand() {
        let gradients = [1.0, 0.0, 3.0, 0.0, 1.0, 2.0, 3.0, 2.0];
        let sizes = [1.0, 2.0, 3.0, 4.0].map(|n| Sizes { effective: Some(n), states: None });
        let m = Measurement::new([1, 2], &[2.0, 0.0], &gradients, &sizes, 0.5);
        assert_eq!(m.mean.values(), [2.0, 1.0]);
        assert_eq!(m.bias.values(), [0.0, 1.0]);
        // Every gradient is at squared distance 2 from the mean.
        assert_eq!((m.variance, m.variance_standard_error), (8.0 / 3.0, 0.0));
        let error = (4.0f64 / 3.0 / 4.0).sqrt();
        assert_eq!(m.standard_error.values(), [error, error]);
        // Squared distances from the exact gradient: 1, 1, 5, 5.
        assert_eq!((m.mean_squared_error, m.relative_error), (3.0, Some(3.0f64.sqrt() / 2.0)));
        assert!((m.cosine.unwrap() - 2.0 / 5.0f64.sqrt()).abs() < 1e-15);
        let mean = (1.0 + 1.0 + 1.0 / 5.0f64.sqrt() + 3.0 / 13.0f64.sqrt()) / 4.0;
        assert!((m.mean_cosine.unwrap() - mean).abs() < 1e-15);
        assert_eq!((m.effective_sample_size, m.state_effective_sample_size), (Some(2.5), None));
        assert_eq!((m.bias_norm(), m.exact_norm(), m.repetitions), (1.0, 2.0, 4));
    }

    #[test]
    fn without_a_direction_there_is_no_cosine() {
        let sizes = [Sizes::default(); 2];
        let m = Measurement::new([1, 1], &[0.0], &[1.0, -1.0], &sizes, 0.0);
        assert_eq!((m.cosine, m.mean_cosine, m.relative_error), (None, None, None));
    }
}
