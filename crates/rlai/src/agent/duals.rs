//! The dual variables of an agent: positive numbers that are learned beside its networks.

use super::UpdateMetrics;
use crate::estimator::{
    Dual, Duals, TrustRegion, mpo_temperature_residual, temperature_residual, trust_region_residual,
};
use crate::nn::Scalar;
use crate::train::{Objective, Temperature, TrainConfig};

/// The temperature as a checkpoint holds it: its logarithm.
pub(super) const LOG_ALPHA: &str = "log_alpha";

/// Names of the duals as a checkpoint holds them, each as its logarithm.
const NAMES: [&str; 4] = [LOG_ALPHA, "log_eta", "log_trust_mean", "log_trust_scale"];

/// The temperature, and for MPO the temperature of its weights and the multipliers of its trust region.
#[derive(Clone, Debug)]
pub(super) struct AgentDuals {
    alpha: Dual,
    eta: Dual,
    mean: Dual,
    scale: Dual,
    /// A: the trust region's bounds are a coordinate's.
    coordinates: f64,
}

impl AgentDuals {
    pub(super) fn new(config: &TrainConfig, action_dimension: usize) -> Self {
        let alpha = match config.temperature {
            Temperature::Tuned { initial, .. } => initial,
            Temperature::Fixed(alpha) => alpha,
        };
        // The first values of Acme's agent (Hoffman et al. 2020).
        let [eta, mean, scale] = [10.0, 10.0, 1000.0].map(Dual::new);
        Self { alpha: Dual::new(alpha), eta, mean, scale, coordinates: action_dimension as f64 }
    }

    pub(super) fn alpha(&self) -> f64 {
        self.alpha.value()
    }

    pub(super) fn eta(&self) -> f64 {
        self.eta.value()
    }

    /// As an estimator sees them.
    pub(super) fn numbers<T: Scalar>(&self) -> Duals<T> {
        let number = |dual: &Dual| T::from_f64(dual.value());
        let trust_region =
            TrustRegion { mean: number(&self.mean), scale: number(&self.scale), choice: T::zero() };
        Duals { alpha: number(&self.alpha), eta: number(&self.eta), trust_region }
    }

    /// The steps that an update's divergences and entropy ask for; `rate` is the schedule's factor.
    /// What it must hold is told by the caller's check of [`AgentDuals::are_finite`].
    pub(super) fn step(&mut self, config: &TrainConfig, rate: f64, metrics: &UpdateMetrics) {
        if let Temperature::Tuned { target_entropy, .. } = config.temperature {
            let (loss, alpha) = (config.temperature_loss, self.alpha());
            let residual = temperature_residual(loss, alpha, -metrics.entropy, target_entropy);
            self.alpha.step(residual, rate * config.temperature_learning_rate);
        }
        if config.objective == Objective::Mpo {
            let bounds = &config.estimation.mpo;
            let rate = rate * bounds.learning_rate;
            let eta = self.eta.value();
            let residual = mpo_temperature_residual(eta, bounds.weights, metrics.weight_divergence);
            self.eta.step(residual, rate);
            for (dual, bound, kl) in [
                (&mut self.mean, bounds.mean, metrics.old_policy_kl_mean),
                (&mut self.scale, bounds.scale, metrics.old_policy_kl_scale),
            ] {
                let bound = self.coordinates * bound;
                dual.step(trust_region_residual(dual.value(), bound, kl), rate);
            }
        }
    }

    /// Whether all are positive numbers.
    pub(super) fn are_finite(&self) -> bool {
        self.all().iter().all(|dual| dual.value().is_finite() && dual.value() > 0.0)
    }

    /// Names and logarithms, for a checkpoint.
    pub(super) fn logarithms(&self, objective: Objective) -> Vec<(&'static str, [f32; 1])> {
        let used = if objective == Objective::Mpo { NAMES.len() } else { 1 };
        let logarithm = |dual: &Dual| [dual.value().ln() as f32];
        NAMES.into_iter().zip(self.all().map(logarithm)).take(used).collect()
    }

    /// Takes over what `stored` finds under a name; a fixed temperature stays.
    pub(super) fn restore(&mut self, config: &TrainConfig, stored: impl Fn(&str) -> Option<f32>) {
        let fixed = matches!(config.temperature, Temperature::Fixed(_));
        let duals = [&mut self.alpha, &mut self.eta, &mut self.mean, &mut self.scale];
        for (name, dual) in NAMES.into_iter().zip(duals).skip(usize::from(fixed)) {
            if let Some(logarithm) = stored(name) {
                *dual = Dual::new(f64::from(logarithm).exp());
            }
        }
    }

    fn all(&self) -> [&Dual; 4] {
        [&self.alpha, &self.eta, &self.mean, &self.scale]
    }
}
