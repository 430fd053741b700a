//! The dual variables of an agent: positive numbers that are learned beside its networks.

use super::UpdateMetrics;
use crate::env::ActionShape;
use crate::estimator::{
    Dual, DualState, DualStateError, Duals, TrustRegion, mpo_temperature_residual,
    temperature_residual, trust_region_residual,
};
use crate::nn::Scalar;
use crate::train::{DefaultPolicy, Objective, Temperature, TemperatureTarget, TrainConfig};

/// The temperature as a checkpoint holds it: its logarithm.
pub(super) const LOG_ALPHA: &str = "log_alpha";

/// Names of the duals as a checkpoint holds them, each as its logarithm.
const NAMES: [&str; 5] =
    [LOG_ALPHA, "log_eta", "log_trust_mean", "log_trust_scale", "log_trust_choice"];

/// The temperature, and for MPO the temperature of its weights and the multipliers of its trust region.
#[derive(Clone, Debug)]
pub(super) struct AgentDuals {
    alpha: Dual,
    eta: Dual,
    mean: Dual,
    scale: Dual,
    choice: Dual,
    /// A: the trust region's bounds are a coordinate's.
    coordinates: f64,
    /// What a wanted divergence from the default policy is counted from, nats.
    kl_offset: f64,
}

impl AgentDuals {
    pub(super) fn new(config: &TrainConfig, shape: &ActionShape) -> Self {
        let alpha = match config.temperature {
            Temperature::Tuned { initial, .. } => initial,
            Temperature::Fixed(alpha) => alpha,
        };
        // The first values of Acme's agent (Hoffman et al. 2020).
        let [eta, mean, scale, choice] = [10.0, 10.0, 1000.0, 10.0].map(Dual::new);
        let uniform = config.default_policy == DefaultPolicy::Uniform;
        Self {
            alpha: Dual::new(alpha),
            eta,
            mean,
            scale,
            choice,
            coordinates: shape.coordinates as f64,
            kl_offset: if uniform { log_volume(shape) } else { 0.0 },
        }
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
        let trust_region = TrustRegion {
            mean: number(&self.mean),
            scale: number(&self.scale),
            choice: number(&self.choice),
        };
        Duals { alpha: number(&self.alpha), eta: number(&self.eta), trust_region }
    }

    /// The steps that an update's divergences and entropy ask for; `rate` is the schedule's factor.
    /// What it must hold is told by the caller's check of [`AgentDuals::are_finite`].
    pub(super) fn step(&mut self, config: &TrainConfig, rate: f64, metrics: &UpdateMetrics) {
        if let Temperature::Tuned { target, .. } = config.temperature {
            let (loss, alpha) = (config.temperature_loss, self.alpha());
            // A wanted divergence is the negative of an entropy relative to the default policy.
            let (seen, wanted) = match target {
                TemperatureTarget::Entropy(entropy) => (-metrics.entropy, entropy),
                TemperatureTarget::Kl(kappa) => (metrics.log_ratio + self.kl_offset, -kappa),
            };
            let residual = temperature_residual(loss, alpha, seen, wanted);
            self.alpha.step(residual, rate * config.temperature_learning_rate);
        }
        if config.objective == Objective::Mpo {
            let bounds = &config.estimation.mpo;
            let rate = rate * bounds.learning_rate;
            let eta = self.eta.value();
            let residual = mpo_temperature_residual(eta, bounds.weights, metrics.weight_divergence);
            self.eta.step(residual, rate);
            let coordinates = self.coordinates;
            for (dual, bound, kl) in [
                (&mut self.mean, coordinates * bounds.mean, metrics.old_policy_kl_mean),
                (&mut self.scale, coordinates * bounds.scale, metrics.old_policy_kl_scale),
                (&mut self.choice, bounds.choice, metrics.old_policy_kl_choice),
            ] {
                // A part that did not move, or that this distribution has not, teaches nothing.
                if kl == 0.0 {
                    continue;
                }
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
        let duals =
            [&mut self.alpha, &mut self.eta, &mut self.mean, &mut self.scale, &mut self.choice];
        for (name, dual) in NAMES.into_iter().zip(duals).skip(usize::from(fixed)) {
            if let Some(logarithm) = stored(name) {
                *dual = Dual::new(f64::from(logarithm).exp());
            }
        }
    }

    /// Everything about all of them, to the last bit.
    pub(super) fn states(&self) -> [DualState; 5] {
        self.all().map(Dual::state)
    }

    /// Goes on from what [`AgentDuals::states`] gave.
    pub(super) fn set_states(&mut self, states: &[DualState; 5]) -> Result<(), DualStateError> {
        let duals =
            [&mut self.alpha, &mut self.eta, &mut self.mean, &mut self.scale, &mut self.choice];
        for (dual, state) in duals.into_iter().zip(states) {
            *dual = Dual::from_state(state)?;
        }
        Ok(())
    }

    fn all(&self) -> [&Dual; 5] {
        [&self.alpha, &self.eta, &self.mean, &self.scale, &self.choice]
    }
}

/// Log of the volume of all actions: minus the log density of the uniform distribution over them.
pub(super) fn log_volume(shape: &ActionShape) -> f64 {
    let choices = shape.factors.iter().map(|&choices| (choices as f64).ln()).sum::<f64>();
    choices + shape.coordinates as f64 * std::f64::consts::LN_2
}
