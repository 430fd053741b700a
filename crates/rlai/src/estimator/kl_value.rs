//! Values of KL(pi || reference), estimated from draws of pi. Values only: see [`KlValue`].

use crate::nn::Scalar;

/// Three estimates of the value of KL(pi || reference) from draws of pi (Schulman 2020, approximating KL
/// divergence), each a mean of a function of `log_ratio = log pi - log reference`.
///
/// They are numbers to report. **The derivative of an estimate is not an estimate of the derivative**:
/// with the draws held fixed, the derivative of K1's mean has expectation zero, that of K3's is the
/// gradient of the other direction, KL(reference || pi), and only that of K2's happens to be right,
/// although K2's value is biased (Tang and Munos 2025). For gradients there are estimators.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KlValue {
    /// `log_ratio`: unbiased, may be negative.
    K1,
    /// `log_ratio^2 / 2`: never negative, biased, right to second order for close policies.
    K2,
    /// `exp(-log_ratio) - 1 + log_ratio`: unbiased, never negative.
    K3,
}

impl KlValue {
    /// What one draw from pi contributes.
    pub fn of_draw<T: Scalar>(self, log_ratio: T) -> T {
        match self {
            Self::K1 => log_ratio,
            Self::K2 => T::from_f64(0.5) * log_ratio * log_ratio,
            Self::K3 => (-log_ratio).exp_m1() + log_ratio,
        }
    }

    /// Mean over draws from pi with log densities `log_pi` under pi and `log_reference` under the
    /// reference, both `[N]`.
    ///
    /// # Panics
    /// When the lengths differ.
    pub fn estimate<T: Scalar>(self, log_pi: &[T], log_reference: &[T]) -> T {
        assert_eq!(log_pi.len(), log_reference.len(), "one reference density a draw");
        let draws = log_pi.iter().zip(log_reference);
        let total: T = draws.map(|(&pi, &reference)| self.of_draw(pi - reference)).sum();
        total / T::from_f64(log_pi.len() as f64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Key;

    const DRAWS: usize = 200_000;
    const HALF_LOG_2_PI: f64 = 0.918_938_533_204_672_8;

    fn log_normal(mean: f64, log_std: f64, x: f64) -> f64 {
        let z = (x - mean) / log_std.exp();
        -0.5 * z * z - log_std - HALF_LOG_2_PI
    }

    /// pi = N(0.3, 0.9^2), reference N(0, 1): draws of pi, and their log densities.
    fn draws() -> (f64, f64, Vec<f64>) {
        let (mean, log_std) = (0.3, 0.9f64.ln());
        let mut x = vec![0.0; DRAWS];
        Key::from_seed(11).stream("draws").fill_normal(&mut x);
        x.iter_mut().for_each(|x| *x = mean + log_std.exp() * *x);
        (mean, log_std, x)
    }

    fn mean_and_error(values: impl Iterator<Item = f64>) -> (f64, f64) {
        let values: Vec<f64> = values.collect();
        let n = values.len() as f64;
        let mean = values.iter().sum::<f64>() / n;
        let variance = values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / n;
        (mean, (variance / n).sqrt())
    }

    /// The log ratio is -0.095 z^2 + 0.27 z + c for z standard normal, so its first two moments are known;
    /// K1 and K3 have the divergence as their mean, K2 half of the second moment.
    #[test]
    fn values_have_the_means_that_are_known_in_closed_form() {
        let (mean, log_std, x) = draws();
        let divergence = 0.5 * (0.81 + 0.09 - 1.0) - log_std;
        let variance = 2.0 * 0.095 * 0.095 + 0.27 * 0.27;
        let half_square = 0.5 * (variance + divergence * divergence);
        let log_pi: Vec<f64> = x.iter().map(|&x| log_normal(mean, log_std, x)).collect();
        let reference: Vec<f64> = x.iter().map(|&x| log_normal(0.0, 0.0, x)).collect();
        let expected = [divergence, half_square, divergence];
        for (kind, expected) in [KlValue::K1, KlValue::K2, KlValue::K3].into_iter().zip(expected) {
            let terms = log_pi.iter().zip(&reference).map(|(pi, r)| kind.of_draw(pi - r));
            let (value, error) = mean_and_error(terms);
            assert!((value - expected).abs() < 5.0 * error, "{kind:?}: {value} {expected}");
            assert!(error < 1e-3, "{kind:?}: K2's bias of 0.008 is seen");
            assert!((kind.estimate(&log_pi, &reference) - value).abs() < 1e-12);
        }
    }

    /// The derivative of each estimate with respect to pi's mean, its draws held fixed, against the
    /// derivatives of both divergences: pi's mean for KL(pi || reference), and for the other direction
    /// -(0 - mean)/0.81.
    #[test]
    fn the_derivative_of_an_estimate_is_not_an_estimate_of_the_derivative() {
        let (mean, log_std, x) = draws();
        let expected = [(KlValue::K1, 0.0), (KlValue::K2, mean), (KlValue::K3, mean / 0.81)];
        for (kind, expected) in expected {
            let h = 1e-4;
            let at = |mean: f64, x: f64| {
                kind.of_draw(log_normal(mean, log_std, x) - log_normal(0.0, 0.0, x))
            };
            let slopes = x.iter().map(|&x| (at(mean + h, x) - at(mean - h, x)) / (2.0 * h));
            let (slope, error) = mean_and_error(slopes);
            assert!((slope - expected).abs() < 5.0 * error, "{kind:?}: {slope} against {expected}");
            assert!(error < 0.01, "{kind:?}: three answers are told apart");
        }
    }

    #[test]
    fn by_hand() {
        let (pi, reference) = ([0.0f32, -1.0], [-1.0f32, -0.5]);
        assert_eq!(KlValue::K1.estimate(&pi, &reference), 0.25);
        assert_eq!(KlValue::K2.estimate(&pi, &reference), 0.5 * (0.5 + 0.125));
        let third = 0.5 * ((-1.0f32).exp() + 0.5f32.exp() - 2.0 + 0.5);
        assert!((KlValue::K3.estimate(&pi, &reference) - third).abs() < 1e-6);
    }
}
