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

/// The dual that is soft actor-critic's temperature.
pub type TemperatureDual = Dual;

impl Dual {
    /// A dual that starts at `value`, which is positive.
    pub fn new(value: f64) -> Self {
        Self { log_value: [value.ln()], adam: Adam::new(1) }
    }

    /// The number now.
    pub fn value(&self) -> f64 {
        self.log_value[0].exp()
    }

    /// The number now, under a temperature's name.
    pub fn alpha(&self) -> f64 {
        self.value()
    }

    /// Steps the logarithm against `residual`, the gradient of the loss with respect to it.
    pub fn step(&mut self, residual: f64, learning_rate: f64) {
        self.adam.step(&mut self.log_value, &[residual], 1.0, learning_rate);
    }
}
