use super::FREE;
use crate::agent::UpdateMetrics;
use crate::estimator::{
    Dual, DualState, Duals, TrustRegion, mpo_temperature_residual, temperature_residual,
    trust_region_residual,
};
use crate::train::{Temperature, TemperatureTarget, TrajectoryConfig, TrajectoryObjective};

/// The temperature, and for V-MPO the temperature of its weights and the multipliers of its trust region.
#[derive(Clone, Debug)]
pub(super) struct TrajectoryDuals {
    alpha: Dual,
    /// eta, and the multipliers of the mean's and the scale's part.
    v_mpo: Option<[Dual; 3]>,
    /// A, where bounds are a coordinate's; 1 for choices.
    coordinates: f64,
}

/// Names as a checkpoint holds them, each as its logarithm.
const NAMES: [&str; 4] = ["log_alpha", "log_eta", "log_trust_mean", "log_trust_scale"];

impl TrajectoryDuals {
    pub(super) fn new(config: &TrajectoryConfig, coordinates: usize) -> Self {
        let alpha = match config.temperature {
            Temperature::Tuned { initial, .. } => initial,
            Temperature::Fixed(alpha) => alpha,
        };
        // The first values of Song et al. 2019.
        let v_mpo =
            (config.objective == TrajectoryObjective::VMpo).then(|| [1.0, 5.0, 5.0].map(Dual::new));
        Self { alpha: Dual::new(alpha), v_mpo, coordinates: coordinates as f64 }
    }

    pub(super) fn alpha(&self) -> f64 {
        self.alpha.value()
    }

    pub(super) fn eta(&self) -> Option<f64> {
        self.v_mpo.as_ref().map(|[eta, ..]| eta.value())
    }

    /// As an estimator sees them.
    pub(super) fn numbers(&self) -> Duals<f64> {
        let alpha = self.alpha();
        match &self.v_mpo {
            None => Duals { alpha, eta: alpha, trust_region: FREE },
            Some([eta, mean, scale]) => {
                let trust_region =
                    TrustRegion { mean: mean.value(), scale: scale.value(), choice: 0.0 };
                Duals { alpha, eta: eta.value(), trust_region }
            }
        }
    }

    /// After a step of the policy: eta and the multipliers.
    pub(super) fn step_weights(
        &mut self,
        config: &TrajectoryConfig,
        metrics: &UpdateMetrics,
        rate: f64,
    ) {
        let Some([eta, mean, scale]) = &mut self.v_mpo else { return };
        let rate = rate * config.bounds.learning_rate;
        let divergence = metrics.weight_divergence;
        eta.step(mpo_temperature_residual(eta.value(), config.bounds.weights, divergence), rate);
        for (dual, bound, kl) in [
            (mean, config.bounds.mean, metrics.old_policy_kl_mean),
            (scale, config.bounds.scale, metrics.old_policy_kl_scale),
        ] {
            let bound = self.coordinates * bound;
            dual.step(trust_region_residual(dual.value(), bound, kl), rate);
        }
    }

    /// After an update: the temperature, unless it is fixed.
    pub(super) fn step_temperature(&mut self, config: &TrajectoryConfig, entropy: f64, rate: f64) {
        if let Temperature::Tuned { target: TemperatureTarget::Entropy(target_entropy), .. } =
            config.temperature
        {
            let (loss, alpha) = (config.temperature_loss, self.alpha());
            let residual = temperature_residual(loss, alpha, -entropy, target_entropy);
            self.alpha.step(residual, rate * config.temperature_learning_rate);
        }
    }

    pub(super) fn are_finite(&self) -> bool {
        self.all().all(|dual| dual.value().is_finite())
    }

    fn all(&self) -> impl Iterator<Item = &Dual> {
        std::iter::once(&self.alpha).chain(self.v_mpo.iter().flatten())
    }

    /// Everything about all of them, to the last bit.
    pub(super) fn states(&self) -> Vec<DualState> {
        self.all().map(Dual::state).collect()
    }

    /// Goes on from what [`TrajectoryDuals::states`] gave.
    ///
    /// # Errors
    /// Another number of states, or one that cannot be.
    pub(super) fn set_states(&mut self, states: &[DualState]) -> Result<(), String> {
        let duals = std::iter::once(&mut self.alpha).chain(self.v_mpo.iter_mut().flatten());
        let duals: Vec<&mut Dual> = duals.collect();
        if duals.len() != states.len() {
            return Err(format!("{} numbers, not {}", states.len(), duals.len()));
        }
        for (dual, state) in duals.into_iter().zip(states) {
            *dual = Dual::from_state(state).map_err(|error| error.to_string())?;
        }
        Ok(())
    }

    /// Names and logarithms, for a checkpoint.
    pub(super) fn logarithms(&self) -> Vec<(&'static str, [f32; 1])> {
        NAMES.into_iter().zip(self.all().map(|dual| [dual.value().ln() as f32])).collect()
    }

    /// Takes over what `stored` finds under a name; a fixed temperature stays.
    pub(super) fn restore(
        &mut self,
        config: &TrajectoryConfig,
        stored: impl Fn(&str) -> Option<f32>,
    ) {
        let fixed = matches!(config.temperature, Temperature::Fixed(_));
        let duals = std::iter::once(&mut self.alpha).chain(self.v_mpo.iter_mut().flatten());
        for (name, dual) in NAMES.into_iter().zip(duals).skip(usize::from(fixed)) {
            if let Some(logarithm) = stored(name) {
                *dual = Dual::new(f64::from(logarithm).exp());
            }
        }
    }
}
