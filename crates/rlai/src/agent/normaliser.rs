//! Running normalisation of observations.

use serde::{Deserialize, Serialize};

use crate::nn::Scalar;

/// Normalised coordinates are cut here.
const LARGEST: f64 = 10.0;
/// Added to the variance: a coordinate that never changes must not be blown up.
const LEAST_VARIANCE: f64 = 1e-8;

/// Mean and variance of every coordinate of the observations seen so far (Welford 1962), by which
/// observations are brought to mean 0 and variance 1 and cut at 10. Replay keeps them as they were seen.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Normaliser {
    count: f64,
    mean: Vec<f64>,
    /// Mean squared deviation of each coordinate.
    variance: Vec<f64>,
}

impl Normaliser {
    pub(crate) fn new(dimension: usize) -> Self {
        Self { count: 0.0, mean: vec![0.0; dimension], variance: vec![1.0; dimension] }
    }

    /// Numbers of means and of variances: O, both.
    pub(super) fn dimensions(&self) -> (usize, usize) {
        (self.mean.len(), self.variance.len())
    }

    /// From what a checkpoint holds.
    pub(super) fn from_parts(count: f32, mean: &[f32], variance: &[f32]) -> Self {
        let widened = |numbers: &[f32]| numbers.iter().map(|&x| f64::from(x)).collect();
        Self { count: f64::from(count), mean: widened(mean), variance: widened(variance) }
    }

    /// Number of observations, means and variances, as a checkpoint holds them.
    pub(super) fn parts(&self) -> (f32, Vec<f32>, Vec<f32>) {
        let narrowed = |numbers: &[f64]| numbers.iter().map(|&x| x as f32).collect();
        (self.count as f32, narrowed(&self.mean), narrowed(&self.variance))
    }

    /// As it is after it was saved and loaded.
    pub(super) fn as_stored(&self) -> Self {
        let (count, mean, variance) = self.parts();
        Self::from_parts(count, &mean, &variance)
    }

    /// Takes in one more observation.
    pub(super) fn observe<T: Scalar>(&mut self, observation: &[T]) {
        self.count += 1.0;
        let share = 1.0 / self.count;
        for ((mean, variance), seen) in
            self.mean.iter_mut().zip(&mut self.variance).zip(observation)
        {
            let before = seen.widen() - *mean;
            *mean += share * before;
            let after = seen.widen() - *mean;
            // The first observation has no spread: its variance is taken to be one.
            *variance = if self.count < 2.0 {
                1.0
            } else {
                let old = if self.count == 2.0 { 0.0 } else { *variance };
                old + share * (before * after - old)
            };
        }
    }

    /// Normalises observations in place, `[B, O]`.
    pub(crate) fn normalise<T: Scalar>(&self, observations: &mut [T]) {
        for row in observations.chunks_exact_mut(self.mean.len()) {
            for ((x, &mean), &variance) in row.iter_mut().zip(&self.mean).zip(&self.variance) {
                let z = (x.widen() - mean) / (variance + LEAST_VARIANCE).sqrt();
                *x = T::from_f64(z.clamp(-LARGEST, LARGEST));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Key;

    #[test]
    fn normalised_observations_have_mean_zero_and_variance_one() {
        let mut random = Key::from_seed(1).stream("observations");
        let rows: Vec<[f64; 2]> =
            (0..500).map(|_| [3.0 + 0.1 * random.normal(), -50.0 * random.unit()]).collect();
        let mut normaliser = Normaliser::new(2);
        for row in &rows {
            normaliser.observe(row);
        }
        for j in 0..2 {
            let mean = rows.iter().map(|row| row[j]).sum::<f64>() / 500.0;
            let variance = rows.iter().map(|row| (row[j] - mean).powi(2)).sum::<f64>() / 500.0;
            assert!((normaliser.mean[j] - mean).abs() < 1e-10);
            assert!((normaliser.variance[j] / variance - 1.0).abs() < 1e-10);
        }
        let mut all = rows.concat();
        normaliser.normalise(&mut all);
        let mean = all.iter().step_by(2).sum::<f64>() / 500.0;
        let square = all.iter().step_by(2).map(|x| x * x).sum::<f64>() / 500.0;
        assert!(mean.abs() < 1e-9 && (square - 1.0).abs() < 1e-5);
    }

    #[test]
    fn first_and_constant_observations_stay_small_and_nan_stays_nan() {
        let mut normaliser = Normaliser::new(3);
        normaliser.observe(&[5.0, 5.0, 1.0]);
        let mut seen = [5.0, 6.0, f64::NAN];
        normaliser.normalise(&mut seen);
        assert!(seen[0] == 0.0 && (seen[1] - 1.0).abs() < 1e-6 && seen[2].is_nan());
        for _ in 0..5 {
            normaliser.observe(&[5.0, 5.0, 1.0]);
        }
        let mut seen = [5.0, 6.0, 1.0];
        normaliser.normalise(&mut seen);
        assert_eq!(seen, [0.0, 10.0, 0.0]);
        let (count, mean, variance) = normaliser.parts();
        assert_eq!(count, 6.0);
        let again = Normaliser::from_parts(count, &mean, &variance);
        assert_eq!(again, normaliser);
    }
}
