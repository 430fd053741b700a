//! Dual variables: positive numbers learned as their logarithms, on the residuals that signals leave.

use serde::{Deserialize, Serialize};

use crate::nn::Adam;

/// Which loss tunes the temperature (both push it to the same place).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TemperatureLoss {
    /// `-log alpha (log pi + target entropy)`, the form of Stable-Baselines3.
    LogAlpha,
    /// `-alpha (log pi + target entropy)`, the form of the soft actor-critic paper.
    Alpha,
}

/// Gradient with respect to log alpha of the temperature's loss, from the mean of log pi.
///
/// `-log alpha (log pi + H)` (Stable-Baselines3) has the gradient `-(log pi + H)`; `-alpha (log pi + H)`
/// (soft actor-critic) that times alpha. Log pi is a constant in both.
pub fn temperature_residual(
    loss: TemperatureLoss,
    alpha: f64,
    mean_log_pi: f64,
    target_entropy: f64,
) -> f64 {
    let residual = -(mean_log_pi + target_entropy);
    match loss {
        TemperatureLoss::LogAlpha => residual,
        TemperatureLoss::Alpha => alpha * residual,
    }
}

/// Gradient with respect to log eta of MPO's dual `eta epsilon + eta mean_s log mean_k exp(Q/eta)`
/// (Abdolmaleki et al. 2018, eq. 9): `eta (epsilon - mean_s KL(w_s || uniform))`.
///
/// `mean_divergence` is the mean over states of [`Signal::weight_divergence`](super::Signal), nats;
/// at the dual's minimum it is `epsilon`.
pub fn mpo_temperature_residual(eta: f64, epsilon: f64, mean_divergence: f64) -> f64 {
    eta * (epsilon - mean_divergence)
}

/// Gradient with respect to log lambda of `lambda (epsilon - KL)`, the term by which a trust region's
/// multiplier is minimised: it rises while KL(old policy || new policy) exceeds `epsilon`.
pub fn trust_region_residual(lambda: f64, epsilon: f64, divergence: f64) -> f64 {
    lambda * (epsilon - divergence)
}

/// A positive number learned as its logarithm, with its own Adam: a temperature, or a multiplier.
#[derive(Clone, Debug)]
pub struct Dual {
    log_value: [f64; 1],
    adam: Adam<f64>,
}

/// All that a [`Dual`] is.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DualState {
    /// Its logarithm.
    pub log_value: f64,
    /// First and second moment of its optimiser.
    pub moments: [f64; 2],
    /// Steps that the optimiser has taken.
    pub steps: i32,
}

impl Dual {
    /// A dual that starts at `value`, which is positive.
    pub fn new(value: f64) -> Self {
        Self { log_value: [value.ln()], adam: Adam::new(1) }
    }

    /// Its logarithm, and what its optimiser remembers: first and second moment, and steps.
    pub fn state(&self) -> DualState {
        let (first, second, steps) = self.adam.moments();
        DualState { log_value: self.log_value[0], moments: [first[0], second[0]], steps }
    }

    /// The number that goes on from `state`.
    pub fn from_state(state: &DualState) -> Self {
        let mut dual = Self::new(1.0);
        dual.log_value = [state.log_value];
        let (first, second, steps) = dual.adam.moments_mut();
        (first[0], second[0], *steps) = (state.moments[0], state.moments[1], state.steps);
        dual
    }

    /// The number now.
    pub fn value(&self) -> f64 {
        self.log_value[0].exp()
    }

    /// Steps the logarithm against `residual`, the gradient of the loss with respect to it.
    pub fn step(&mut self, residual: f64, learning_rate: f64) {
        self.adam.step(&mut self.log_value, &[residual], 1.0, learning_rate);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::estimator::testing::{Kind, Made};
    use crate::estimator::{Duals, Mpo};

    /// MPO's dual at eta for these values, by its definition.
    fn mpo_dual(eta: f64, epsilon: f64, made: &Made<f64>) -> f64 {
        let samples = made.origins.len() as f64;
        let rows = made.q.chunks_exact(made.origins.len());
        let states = rows.len() as f64;
        let total: f64 =
            rows.map(|q| (q.iter().map(|q| (q / eta).exp()).sum::<f64>() / samples).ln()).sum();
        eta * epsilon + eta * total / states
    }

    fn mean_divergence(eta: f64, made: &Made<f64>) -> f64 {
        let signal = made.signal(&Mpo, &Duals::temperature(eta));
        signal.weight_divergence.iter().sum::<f64>() / signal.weight_divergence.len() as f64
    }

    #[test]
    fn the_residual_of_eta_is_the_derivative_of_the_dual() {
        let made = Made::new(Kind::Draws, 3, 9, 2);
        for eta in [0.1f64, 0.7, 3.0] {
            let at = |h: f64| mpo_dual((eta.ln() + h).exp(), 0.3, &made);
            let numeric = (at(1e-6) - at(-1e-6)) / 2e-6;
            let residual = mpo_temperature_residual(eta, 0.3, mean_divergence(eta, &made));
            assert!((residual - numeric).abs() < 1e-8, "{residual} {numeric}");
        }
    }

    #[test]
    fn at_the_minimum_the_divergence_of_the_weights_is_the_bound() {
        let made = Made::new(Kind::Draws, 3, 9, 2);
        let mut eta = Dual::new(5.0);
        for step in 0..3000 {
            let residual =
                mpo_temperature_residual(eta.value(), 0.3, mean_divergence(eta.value(), &made));
            eta.step(residual, 0.02 / (1.0 + step as f64 / 100.0));
        }
        assert!((mean_divergence(eta.value(), &made) - 0.3).abs() < 1e-6);
        let best = mpo_dual(eta.value(), 0.3, &made);
        assert!([0.9, 1.1].iter().all(|f| mpo_dual(f * eta.value(), 0.3, &made) > best));
    }

    #[test]
    fn a_multiplier_rises_while_its_bound_is_broken_and_stays_positive() {
        for (divergence, rises) in [(0.2, true), (0.05, false)] {
            let mut lambda = Dual::new(1.0);
            for _ in 0..500 {
                lambda.step(trust_region_residual(lambda.value(), 0.1, divergence), 0.01);
            }
            assert_eq!(lambda.value() > 1.0, rises);
            assert!(lambda.value() > 0.0 && lambda.value() == lambda.value());
        }
    }
}
