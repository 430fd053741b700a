//! Dual variables: positive numbers learned as their logarithms, on the residuals that signals leave.

use serde::{Deserialize, Serialize};

use crate::nn::{Adam, AdamStateError};

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

/// All that a [`Dual`] goes on from. JSON keeps every bit.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DualState {
    /// The logarithm of the number.
    pub log_value: f64,
    /// Adam's running mean of the residuals.
    pub first_moment: f64,
    /// Adam's running mean of the squared residuals.
    pub second_moment: f64,
    /// Adam's steps so far.
    pub steps: u32,
}

/// A state that no [`Dual`] can have.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum DualStateError {
    /// The logarithm, or the number itself, is not finite.
    #[error("log_value = {0}: a number whose exponential is finite and positive")]
    Value(f64),
    /// The optimiser's part.
    #[error(transparent)]
    Adam(#[from] AdamStateError),
}

/// A positive number learned as its logarithm, with its own Adam: a temperature, or a multiplier.
#[derive(Clone, Debug, PartialEq)]
pub struct Dual {
    log_value: [f64; 1],
    adam: Adam<f64>,
}

impl Dual {
    /// A dual that starts at `value`, which is positive.
    pub fn new(value: f64) -> Self {
        Self { log_value: [value.ln()], adam: Adam::new(1) }
    }

    /// The number now.
    pub fn value(&self) -> f64 {
        self.log_value[0].exp()
    }

    /// All that it goes on from.
    pub fn state(&self) -> DualState {
        DualState {
            log_value: self.log_value[0],
            first_moment: self.adam.first_moment()[0],
            second_moment: self.adam.second_moment()[0],
            steps: self.adam.steps(),
        }
    }

    /// The dual that goes on from `state`, to the last bit.
    ///
    /// # Errors
    /// When a number is not finite, or impossible.
    pub fn from_state(state: &DualState) -> Result<Self, DualStateError> {
        let DualState { log_value, first_moment, second_moment, steps } = *state;
        let value = log_value.exp();
        if !(value.is_finite() && value > 0.0) {
            return Err(DualStateError::Value(log_value));
        }
        let adam = Adam::from_state(vec![first_moment], vec![second_moment], steps)?;
        Ok(Self { log_value: [log_value], adam })
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
    fn goes_on_from_its_state_to_the_last_bit() {
        for pause in [0, 1, 2, 300] {
            let mut dual = Dual::new(0.7);
            let residual = |dual: &Dual, t: i32| (f64::from(t) * 0.3 + dual.value()).sin() - 0.2;
            let walk = |dual: &mut Dual, steps: std::ops::Range<i32>| {
                steps.for_each(|t| dual.step(residual(dual, t), 3e-3));
            };
            walk(&mut dual, 0..pause);
            let text = serde_json::to_string(&dual.state()).unwrap();
            let mut again = Dual::from_state(&serde_json::from_str(&text).unwrap()).unwrap();
            assert_eq!(again, dual);
            walk(&mut dual, pause..pause + 100);
            walk(&mut again, pause..pause + 100);
            assert_eq!(again.value().to_bits(), dual.value().to_bits(), "after {pause} steps");
            assert_eq!(again.state(), dual.state());
            // A logarithm in single precision with a new optimiser is not enough.
            let rounded = f64::from(dual.state().log_value as f32);
            let mut anew = Dual::new(rounded.exp());
            anew.step(0.1, 3e-3);
            dual.step(0.1, 3e-3);
            assert_ne!(anew.value().to_bits(), dual.value().to_bits());
        }
    }

    #[test]
    fn a_state_that_cannot_be_is_refused() {
        let good = Dual::new(2.0).state();
        assert!(Dual::from_state(&good).is_ok());
        for log_value in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 1e4, -1e4] {
            let error = Dual::from_state(&DualState { log_value, ..good }).unwrap_err();
            assert!(error.to_string().starts_with(&format!("log_value = {log_value}")), "{error}");
        }
        let negative = DualState { second_moment: -1.0, ..good };
        assert!(matches!(Dual::from_state(&negative), Err(DualStateError::Adam(_))));
        let broken = DualState { first_moment: f64::NAN, ..good };
        assert!(matches!(Dual::from_state(&broken), Err(DualStateError::Adam(_))));
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
