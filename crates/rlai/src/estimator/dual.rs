//! The temperature as a dual variable: pushed up while the policy's entropy is below its target.

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

/// A positive number learned as its logarithm, with its own Adam.
#[derive(Clone, Debug)]
pub struct TemperatureDual {
    log_alpha: [f64; 1],
    adam: Adam<f64>,
}

impl TemperatureDual {
    /// A dual that starts at `alpha`.
    pub fn new(alpha: f64) -> Self {
        Self { log_alpha: [alpha.ln()], adam: Adam::new(1) }
    }

    /// The temperature now.
    pub fn alpha(&self) -> f64 {
        self.log_alpha[0].exp()
    }

    /// Steps log alpha against `residual`, the gradient of the loss with respect to it.
    pub fn step(&mut self, residual: f64, learning_rate: f64) {
        self.adam.step(&mut self.log_alpha, &[residual], 1.0, learning_rate);
    }
}
