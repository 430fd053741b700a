//! The checked configuration of a run.
//!
//! Whatever reads a file or flags fills a [`TrainConfig`] and calls [`TrainConfig::check`] once; the
//! rest of the library relies on it. Keys are the names a user types.

use serde::{Deserialize, Serialize};

use super::{DefaultPolicy, Estimation, ExplorationNoise, Objective};
use crate::critic::CriticTarget;
use crate::distribution::{Head, PolicyKind, PolicySettings};
use crate::env::ActionShape;
use crate::estimator::TemperatureLoss;

/// A refused setting: its key, its value and what is allowed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{key} = {value}: {allowed}")]
pub struct ConfigError {
    /// The key as a user writes it.
    pub key: &'static str,
    /// The refused value.
    pub value: String,
    /// What is allowed.
    pub allowed: String,
}

impl ConfigError {
    /// An error for `key`, whose `value` is not among what is `allowed`.
    pub fn new(key: &'static str, value: impl ToString, allowed: impl Into<String>) -> Self {
        Self { key, value: value.to_string(), allowed: allowed.into() }
    }
}

/// How the temperature alpha is set.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Temperature {
    /// Tuned so that the policy meets a target.
    Tuned {
        /// Temperature at the start.
        initial: f64,
        /// What is wanted of the policy.
        target: TemperatureTarget,
    },
    /// Held.
    Fixed(f64),
}

/// What a tuned temperature brings about.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum TemperatureTarget {
    /// This entropy, in nats, of the action in `[-1,1]^A`.
    Entropy(f64),
    /// This divergence from the default policy, KL(pi || pi_0), in nats; from the normalised uniform
    /// distribution where the default policy is uniform.
    Kl(f64),
}

/// Share of log K that is the wanted entropy of K choices, unless told otherwise.
const SHARE_OF_LARGEST_ENTROPY: f64 = 0.5;

impl Temperature {
    /// Tuned as the field does: from 1, to an entropy of minus the action's dimension.
    pub fn tuned(action_dimension: usize) -> Self {
        Self::tuned_for(&ActionShape::of_box(action_dimension))
    }

    /// The same for any action: minus the number of coordinates, and half of log K for each choice.
    pub fn tuned_for(shape: &ActionShape) -> Self {
        let choices = shape.factors.iter().map(|&choices| (choices as f64).ln()).sum::<f64>();
        let entropy = SHARE_OF_LARGEST_ENTROPY * choices - shape.coordinates as f64;
        Self::Tuned { initial: 1.0, target: TemperatureTarget::Entropy(entropy) }
    }
}

/// How learning rates change over a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Schedule {
    /// The same from first to last step.
    Constant,
    /// Linearly down to zero at the last step.
    Linear,
}

impl Schedule {
    /// The factor on a learning rate after `step` of `steps`.
    pub fn factor(self, step: u64, steps: u64) -> f64 {
        match self {
            Self::Constant => 1.0,
            Self::Linear => (1.0 - step as f64 / steps as f64).max(0.0),
        }
    }
}

/// Everything that determines a run, besides the environment.
#[derive(Clone, Debug, PartialEq)]
pub struct TrainConfig {
    /// Which gradient updates the policy.
    pub objective: Objective,
    /// N, actions sampled per state for the policy's update.
    pub samples: usize,
    /// Settings of the estimator and of where its actions come from.
    pub estimation: Estimation,
    /// Environment steps of the run.
    pub steps: u64,
    /// Steps with uniformly random actions before the first update.
    pub learning_starts: u64,
    /// Seed: the key of every random stream.
    pub seed: u64,
    /// Replay capacity in transitions.
    pub buffer: usize,
    /// Threads of one training step, 1 or 2; results do not depend on it.
    pub threads: usize,
    /// B, states per update.
    pub batch: usize,
    /// Updates per environment step.
    pub updates_per_step: usize,
    /// Discount.
    pub gamma: f64,
    /// Share of the critics that moves into their targets at each update.
    pub polyak: f64,
    /// Adam's step size for the critics.
    pub critic_learning_rate: f64,
    /// Adam's step size for the policy.
    pub policy_learning_rate: f64,
    /// Adam's step size for log alpha.
    pub temperature_learning_rate: f64,
    /// How the three learning rates change over the run.
    pub learning_rate_schedule: Schedule,
    /// Widths of the hidden layers of every network.
    pub hidden: Vec<usize>,
    /// Soft or classic targets.
    pub critic_target: CriticTarget,
    /// Tuned or fixed temperature.
    pub temperature: Temperature,
    /// Which loss tunes it.
    pub temperature_loss: TemperatureLoss,
    /// Rewards summed before bootstrapping.
    pub n_step: usize,
    /// Largest norm of a network's gradient; longer ones are scaled down to it.
    pub max_gradient_norm: Option<f64>,
    /// The policy's distribution.
    pub policy: PolicySettings,
    /// Mean before the tanh and log standard deviation that the policy starts with in every state, where
    /// told; otherwise the network's own first outputs, near 0.
    pub initial_policy: Option<(f64, f64)>,
    /// The default policy pi_0.
    pub default_policy: DefaultPolicy,
    /// Whether observations are normalised by their running mean and variance.
    pub normalise_observations: bool,
    /// How consecutive actions of training hang together.
    pub exploration: ExplorationNoise,
    /// Steps between two evaluations.
    pub evaluate_every: u64,
    /// Episodes of one evaluation.
    pub evaluation_episodes: usize,
    /// Steps between two lines of training metrics.
    pub log_every: u64,
    /// Steps between two checkpoints.
    pub checkpoint_every: u64,
    /// Whether Pareto k-hat of the weights is estimated: a sort a state.
    pub pareto_k: bool,
}

/// Fewest samples whose tail is fitted.
const FEWEST_FOR_PARETO_K: usize = 25;
/// Actions in one update, over all states: beyond this they no longer fit an ordinary memory.
const MOST_PARTICLES: usize = 1 << 22;

impl TrainConfig {
    /// The field's defaults for a box of actions of this dimension.
    pub fn defaults(objective: Objective, action_dimension: usize) -> Self {
        Self::for_actions(objective, &ActionShape::of_box(action_dimension))
    }

    /// The field's defaults for actions of this shape (`&space.into()`).
    pub fn for_actions(objective: Objective, shape: &ActionShape) -> Self {
        let policy = PolicyKind::default_for(shape);
        let samples = match shape.only_choices() {
            Some(choices) if objective.lists_actions() => choices,
            _ => objective.default_samples_of(policy),
        };
        Self {
            objective,
            samples,
            estimation: Estimation::default(),
            steps: 1_000_000,
            learning_starts: 10_000,
            seed: 0,
            buffer: 1_000_000,
            threads: 1,
            batch: 256,
            updates_per_step: 1,
            gamma: 0.99,
            polyak: 0.005,
            critic_learning_rate: 3e-4,
            policy_learning_rate: 3e-4,
            temperature_learning_rate: 3e-4,
            learning_rate_schedule: Schedule::Constant,
            hidden: vec![256, 256],
            critic_target: default_target(objective),
            temperature: default_temperature(objective, shape),
            temperature_loss: TemperatureLoss::LogAlpha,
            n_step: 1,
            max_gradient_norm: None,
            policy: PolicySettings { kind: policy, ..PolicySettings::default() },
            initial_policy: None,
            default_policy: DefaultPolicy::Uniform,
            normalise_observations: false,
            exploration: ExplorationNoise::White,
            evaluate_every: 10_000,
            evaluation_episodes: 10,
            log_every: 1_000,
            checkpoint_every: 10_000,
            pareto_k: false,
        }
    }

    /// Refuses every setting that cannot work.
    ///
    /// # Errors
    /// The first refused key with its value and what is allowed.
    pub fn check(&self) -> Result<(), ConfigError> {
        self.estimation.check(self.objective, self.samples)?;
        require(
            self.critic_target != CriticTarget::SoftOptimal || self.samples >= 2,
            "critic_target",
            "\"soft-optimal\"",
            "only with at least 2 samples (from one its estimate is the soft target)",
        )?;
        require(
            self.objective != Objective::Awac || self.batch >= 4,
            "batch",
            self.batch,
            "at least 4 for awac, whose weights are normalised over each half of a batch",
        )?;
        require(self.samples <= 4096, "samples", self.samples, "at most 4096")?;
        require(self.steps >= 1, "steps", self.steps, "at least 1")?;
        require(self.buffer >= self.n_step, "buffer", self.buffer, "at least n_step transitions")?;
        require(self.buffer <= 1 << 31, "buffer", self.buffer, "at most 2147483648")?;
        require(
            self.threads == 1 || self.threads == 2,
            "threads",
            self.threads,
            "1 or 2 (a step splits into two halves; use more cores for more runs: `rlai study run`)",
        )?;
        require((2..=65_536).contains(&self.batch), "batch", self.batch, "from 2 to 65536")?;
        require(
            self.batch * self.samples <= MOST_PARTICLES,
            "samples",
            self.samples,
            "at most 4194304 / batch (particles of one update)",
        )?;
        require(
            (1..=1000).contains(&self.updates_per_step),
            "updates_per_step",
            self.updates_per_step,
            "from 1 to 1000",
        )?;
        require((0.0..=1.0).contains(&self.gamma), "gamma", self.gamma, "from 0 to 1")?;
        require(
            self.polyak > 0.0 && self.polyak <= 1.0,
            "polyak",
            self.polyak,
            "above 0, at most 1",
        )?;
        for (key, rate) in [
            ("learning_rate", self.critic_learning_rate),
            ("policy_learning_rate", self.policy_learning_rate),
            ("temperature_learning_rate", self.temperature_learning_rate),
        ] {
            require(rate > 0.0 && rate.is_finite(), key, rate, "a positive number")?;
        }
        check_widths(&self.hidden)?;
        self.temperature.check()?;
        require((1..=100).contains(&self.n_step), "n_step", self.n_step, "from 1 to 100")?;
        check_gradient_norm(self.max_gradient_norm)?;
        check_clamp(self.policy.log_std_min, self.policy.log_std_max)?;
        let (branches, bins) = (self.policy.branches, self.policy.bins);
        require((2..=100).contains(&branches), "branches", branches, "from 2 to 100")?;
        require((2..=1000).contains(&bins), "bins", bins, "from 2 to 1000")?;
        self.default_policy.check(self.uses_temperature())?;
        if self.uses_temperature() {
            self.check_temperature_of_default()?;
        }
        self.exploration.check()?;
        self.check_initial_policy()?;
        let every = self.checkpoint_every;
        require(every >= 1, "checkpoint_every", every, "at least 1")?;
        check_measuring(self.evaluate_every, self.evaluation_episodes, self.log_every)?;
        require(
            !self.pareto_k || self.samples >= FEWEST_FOR_PARETO_K,
            "pareto_k",
            self.pareto_k,
            "only with at least 25 samples, of which a tail can be told",
        )
    }

    /// N, actions looked at in each state: the samples, and for estimators on the replay's own actions
    /// that action besides.
    pub fn particles(&self) -> usize {
        self.samples + usize::from(self.objective.adds_replay_action())
    }

    /// Refuses a combination of objective, distribution and default policy that cannot work.
    ///
    /// # Errors
    /// The key that is to be changed, with the reason.
    pub fn check_head<T: crate::nn::Scalar>(&self, head: &dyn Head<T>) -> Result<(), ConfigError> {
        super::compatibility::check(self, head)
    }

    /// Refuses temperatures that a default policy makes useless: those that bring about an entropy which
    /// they do not pay for, and all where the policy is at no distance from its default.
    fn check_temperature_of_default(&self) -> Result<(), ConfigError> {
        let of_itself = self.default_policy == DefaultPolicy::LastUpdate { period: 1 };
        let shown = format!("{:?}", self.default_policy.name());
        let allowed = "with a period of 2 or more: the update starts at no distance from the policy of the last one, and alpha would have no effect on this objective";
        let has_effect = !of_itself || !self.objective.is_reverse();
        require(has_effect, "default_policy", shown, allowed)?;
        let Temperature::Tuned { target, .. } = self.temperature else { return Ok(()) };
        match (target, &self.default_policy) {
            (TemperatureTarget::Kl(kappa), _) => require(
                !of_itself,
                "target_kl",
                kappa,
                "not with default_policy = \"last-update\" and a period of 1: an update starts from that policy, and is at no distance from it",
            ),
            (_, DefaultPolicy::Uniform | DefaultPolicy::Gaussian { .. }) => Ok(()),
            (TemperatureTarget::Entropy(_), _) => Err(ConfigError::new(
                "temperature",
                "\"auto\"",
                "a number, or a target_kl beside it: alpha pays for closeness to this default policy, not for entropy, and no alpha brings an entropy about",
            )),
        }
    }

    fn check_initial_policy(&self) -> Result<(), ConfigError> {
        let Some((mean, log_std)) = self.initial_policy else { return Ok(()) };
        let (low, high) = (self.policy.log_std_min, self.policy.log_std_max);
        require(mean.abs() <= 10.0, "initial_mean", mean, "from -10 to 10")?;
        let allowed = "from log_std_min to log_std_max";
        require((low..=high).contains(&log_std), "initial_log_std", log_std, allowed)
    }

    /// Whether the temperature has an effect: in the estimator, or in the critic's target.
    pub fn uses_temperature(&self) -> bool {
        self.objective.uses_temperature() || self.critic_target != CriticTarget::Classic
    }
}

impl Temperature {
    /// Refuses numbers that no temperature can be.
    pub(super) fn check(self) -> Result<(), ConfigError> {
        match self {
            Temperature::Fixed(alpha) => require(
                alpha > 0.0 && alpha.is_finite(),
                "temperature",
                alpha,
                "\"auto\" or a positive number",
            ),
            Temperature::Tuned { initial, target } => {
                let positive = initial > 0.0 && initial.is_finite();
                require(positive, "initial_temperature", initial, "a positive number")?;
                match target {
                    TemperatureTarget::Entropy(entropy) => {
                        let allowed = "\"auto\" or a finite number of nats";
                        require(entropy.is_finite(), "target_entropy", entropy, allowed)
                    }
                    TemperatureTarget::Kl(kappa) => {
                        let positive = kappa > 0.0 && kappa.is_finite();
                        require(positive, "target_kl", kappa, "a positive number of nats")
                    }
                }
            }
        }
    }
}

/// Objectives that know no temperature learn the value of the reward alone.
fn default_target(objective: Objective) -> CriticTarget {
    if objective.uses_temperature() { CriticTarget::Soft } else { CriticTarget::Classic }
}

fn default_temperature(objective: Objective, shape: &ActionShape) -> Temperature {
    if objective.uses_temperature() {
        Temperature::tuned_for(shape)
    } else {
        Temperature::Fixed(1.0)
    }
}

/// Refuses widths of hidden layers that no network here has.
pub(super) fn check_widths(hidden: &[usize]) -> Result<(), ConfigError> {
    let shown = format!("{hidden:?}");
    require((1..=8).contains(&hidden.len()), "hidden", shown, "1 to 8 widths")?;
    for &width in hidden {
        require((1..=4096).contains(&width), "hidden", width, "widths from 1 to 4096")?;
    }
    Ok(())
}

/// Refuses a largest norm that no gradient can be scaled to.
pub(super) fn check_gradient_norm(largest: Option<f64>) -> Result<(), ConfigError> {
    let Some(norm) = largest else { return Ok(()) };
    require(norm > 0.0 && norm.is_finite(), "max_gradient_norm", norm, "a positive number")
}

/// Refuses a clamp of the log standard deviation that is empty or out of range.
pub(super) fn check_clamp(low: f64, high: f64) -> Result<(), ConfigError> {
    let allowed = "at least -40, below log_std_max";
    require(low >= -40.0 && low < high, "log_std_min", low, allowed)?;
    require(high <= 20.0, "log_std_max", high, "at most 20")
}

/// Refuses intervals and numbers of episodes at which nothing would be measured.
pub(super) fn check_measuring(
    evaluate_every: u64,
    evaluation_episodes: usize,
    log_every: u64,
) -> Result<(), ConfigError> {
    require(evaluate_every >= 1, "evaluate_every", evaluate_every, "at least 1")?;
    require(
        (1..=10_000).contains(&evaluation_episodes),
        "evaluation_episodes",
        evaluation_episodes,
        "from 1 to 10000",
    )?;
    require(log_every >= 1, "log_every", log_every, "at least 1")
}

pub(super) fn require(
    holds: bool,
    key: &'static str,
    value: impl ToString,
    allowed: &str,
) -> Result<(), ConfigError> {
    if holds { Ok(()) } else { Err(ConfigError::new(key, value, allowed)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_linear_schedule_ends_at_zero() {
        assert_eq!(Schedule::Constant.factor(900, 1000), 1.0);
        assert_eq!(Schedule::Linear.factor(0, 1000), 1.0);
        assert_eq!(Schedule::Linear.factor(750, 1000), 0.25);
        assert_eq!(Schedule::Linear.factor(1000, 1000), 0.0);
    }

    fn refused(change: impl FnOnce(&mut TrainConfig)) -> ConfigError {
        let mut config = TrainConfig::defaults(Objective::ForwardKl, 6);
        change(&mut config);
        config.check().expect_err("the setting must be refused")
    }

    #[test]
    fn defaults_pass() {
        let hybrid = ActionShape { factors: vec![3], coordinates: 2 };
        for shape in [ActionShape::of_box(6), ActionShape::of_choices(4), hybrid] {
            for objective in Objective::ALL {
                TrainConfig::for_actions(objective, &shape).check().unwrap();
            }
        }
    }

    #[test]
    fn each_refusal_names_key_value_and_what_is_allowed() {
        assert_eq!(refused(|c| c.steps = 0).to_string(), "steps = 0: at least 1");
        assert!(refused(|c| c.samples = 0).to_string().starts_with("samples = 0: at least 2"));
        assert_eq!(refused(|c| c.gamma = f64::NAN).key, "gamma");
        assert_eq!(refused(|c| c.policy_learning_rate = -1.0).key, "policy_learning_rate");
        assert_eq!(refused(|c| c.temperature = Temperature::Fixed(0.0)).key, "temperature");
        assert_eq!(refused(|c| c.threads = 3).key, "threads");
        assert_eq!(refused(|c| c.hidden = vec![256, 0]).key, "hidden");
        assert_eq!(refused(|c| (c.batch, c.samples) = (65_536, 4_096)).key, "samples");
        assert_eq!(refused(|c| c.hidden = vec![64; 9]).key, "hidden");
        assert_eq!(refused(|c| c.policy.log_std_min = -1e300).key, "log_std_min");
        let from_itself = refused(|c| {
            let target = TemperatureTarget::Kl(0.1);
            c.temperature = Temperature::Tuned { initial: 1.0, target };
            c.default_policy = DefaultPolicy::LastUpdate { period: 1 };
        });
        assert_eq!(from_itself.key, "target_kl");
        let mut reverse = TrainConfig::defaults(Objective::ReverseKl, 6);
        reverse.estimation.control_variate = true;
        assert_eq!(reverse.check().unwrap_err().key, "control_variate");
    }
}
