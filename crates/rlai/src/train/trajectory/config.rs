use serde::{Deserialize, Serialize};

use crate::env::{Environment, Space};
use crate::estimator::trajectory::{
    Baseline, ForwardKlTrajectory, ReverseKlRewardToGo, ReverseKlTrajectory, StateWeights,
    TrajectoryEstimator, VMpo,
};
use crate::estimator::{
    ActionEstimator, ForwardKl, ForwardKlAllActions, ReverseKlAllActions, ReverseKlScore,
    TemperatureLoss,
};
use crate::train::config::{
    check_clamp, check_gradient_norm, check_measuring, check_widths, require,
};
use crate::train::{ConfigError, MpoBounds, Schedule, Temperature, TemperatureTarget};

/// Which gradient updates the policy from whole trajectories.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TrajectoryObjective {
    /// Reverse KL by the score of the whole trajectory: REINFORCE (R1).
    ReverseKlTrajectory,
    /// Reverse KL by rewards to go (R2).
    ReverseKlRewardToGo,
    /// Reverse KL by values of N actions in every visited state (R3, R4).
    ReverseKlMarginal,
    /// Forward KL by self-normalised weights of trajectories (F1).
    ForwardKlTrajectory,
    /// Forward KL by values of N actions in weighted states (F3).
    ForwardKlMarginal,
    /// V-MPO.
    VMpo,
}

/// Where values of states and actions come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ValueSource {
    /// Networks fitted to soft returns.
    Learned,
    /// Exact inference, on a tabular task.
    Exact,
}

impl TrajectoryObjective {
    /// Every objective, in the order of the documentation.
    pub const ALL: [Self; 6] = [
        Self::ReverseKlTrajectory,
        Self::ReverseKlRewardToGo,
        Self::ReverseKlMarginal,
        Self::ForwardKlTrajectory,
        Self::ForwardKlMarginal,
        Self::VMpo,
    ];

    /// The name a user types.
    pub fn name(self) -> &'static str {
        match self {
            Self::ReverseKlTrajectory => "reverse-kl-trajectory",
            Self::ReverseKlRewardToGo => "reverse-kl-reward-to-go",
            Self::ReverseKlMarginal => "reverse-kl-marginal",
            Self::ForwardKlTrajectory => "forward-kl-trajectory",
            Self::ForwardKlMarginal => "forward-kl-marginal",
            Self::VMpo => "v-mpo",
        }
    }

    /// Whether actions are drawn and valued in states, rather than trajectories weighed.
    pub fn is_marginal(self) -> bool {
        matches!(self, Self::ReverseKlMarginal | Self::ForwardKlMarginal)
    }

    /// Whether later soft rewards are discounted anywhere.
    pub fn discounts(self) -> bool {
        !matches!(self, Self::ReverseKlTrajectory | Self::ForwardKlTrajectory)
    }

    /// Whether several steps against one batch make sense: weights on log pi that hold for the policy
    /// that drew the batch may be imitated, the scores of reverse KL hold for its first step only.
    pub fn may_repeat(self) -> bool {
        matches!(self, Self::ForwardKlTrajectory | Self::ForwardKlMarginal | Self::VMpo)
    }
}

/// Everything that determines a run on trajectories, besides the environment.
#[derive(Clone, Debug, PartialEq)]
pub struct TrajectoryConfig {
    /// Which gradient updates the policy.
    pub objective: TrajectoryObjective,
    /// M, trajectories per update.
    pub trajectories: usize,
    /// Marginal forms: how much each visited state counts.
    pub state_weights: StateWeights,
    /// Marginal forms: N, actions drawn a state; none means all of them, on a task of choices.
    pub samples: Option<usize>,
    /// Reverse KL by trajectories or rewards to go: what is subtracted from a return.
    pub baseline: Baseline,
    /// Rewards to go: multiply step t by gamma^t.
    pub discount_states: bool,
    /// Where values come from.
    pub values: ValueSource,
    /// Steps of the policy against one batch.
    pub policy_updates: usize,
    /// Steps of the value networks against one batch.
    pub value_updates: usize,
    /// Environment steps of the run. A particle smoother's sweeps count; one begins when a batch is whole,
    /// so that the last may end beyond this number.
    pub steps: u64,
    /// Seed: the key of every random stream.
    pub seed: u64,
    /// Discount.
    pub gamma: f64,
    /// Adam's step size for the value networks.
    pub value_learning_rate: f64,
    /// Adam's step size for the policy.
    pub policy_learning_rate: f64,
    /// Adam's step size for log alpha.
    pub temperature_learning_rate: f64,
    /// How the learning rates change over the run.
    pub learning_rate_schedule: Schedule,
    /// Widths of the hidden layers of every network.
    pub hidden: Vec<usize>,
    /// Tuned or fixed temperature.
    pub temperature: Temperature,
    /// Which loss tunes it.
    pub temperature_loss: TemperatureLoss,
    /// Largest norm of the policy's gradient; longer ones are scaled down to it.
    pub max_gradient_norm: Option<f64>,
    /// Clamp of the policy's log standard deviation, lower end; boxes only.
    pub log_std_min: f64,
    /// Clamp of the policy's log standard deviation, upper end; boxes only.
    pub log_std_max: f64,
    /// V-MPO: bounds on divergences in nats. Choices have one trust region, bounded by `mean`.
    pub bounds: MpoBounds,
    /// Steps between two evaluations.
    pub evaluate_every: u64,
    /// Episodes of one evaluation.
    pub evaluation_episodes: usize,
    /// Steps between two lines of training metrics.
    pub log_every: u64,
    /// Steps between two checkpoints.
    pub checkpoint_every: u64,
}

impl TrajectoryConfig {
    /// Defaults for a task: its actions, and its own temperature if it has one (then gamma is 1, as
    /// exact inference has it).
    pub fn defaults(objective: TrajectoryObjective, actions: &Space, own: Option<f64>) -> Self {
        let tuned = Temperature::tuned_for(&actions.into());
        let is_box = actions.as_box().is_some();
        Self {
            objective,
            trajectories: 16,
            state_weights: StateWeights::Uniform,
            samples: is_box.then_some(16),
            baseline: Baseline::LeaveOneOut,
            discount_states: false,
            values: ValueSource::Learned,
            policy_updates: if objective == TrajectoryObjective::VMpo { 10 } else { 1 },
            value_updates: 20,
            steps: 1_000_000,
            seed: 0,
            gamma: if own.is_some() { 1.0 } else { 0.99 },
            value_learning_rate: 3e-3,
            policy_learning_rate: 3e-3,
            temperature_learning_rate: 1e-2,
            learning_rate_schedule: Schedule::Constant,
            hidden: vec![64, 64],
            temperature: own.map_or(tuned, Temperature::Fixed),
            temperature_loss: TemperatureLoss::LogAlpha,
            max_gradient_norm: None,
            log_std_min: -20.0,
            log_std_max: 2.0,
            bounds: MpoBounds::default(),
            evaluate_every: 10_000,
            evaluation_episodes: 10,
            log_every: 1_000,
            checkpoint_every: 10_000,
        }
    }

    /// The estimator over whole trajectories; none for the marginal forms.
    pub(crate) fn trajectory_estimator(&self) -> Option<Box<dyn TrajectoryEstimator<f64>>> {
        let (gamma, baseline) = (self.gamma, self.baseline);
        Some(match self.objective {
            TrajectoryObjective::ReverseKlTrajectory => Box::new(ReverseKlTrajectory { baseline }),
            TrajectoryObjective::ReverseKlRewardToGo => Box::new(ReverseKlRewardToGo {
                gamma,
                baseline,
                discount_states: self.discount_states,
            }),
            TrajectoryObjective::ForwardKlTrajectory => Box::new(ForwardKlTrajectory),
            TrajectoryObjective::VMpo => Box::new(VMpo { gamma }),
            TrajectoryObjective::ReverseKlMarginal | TrajectoryObjective::ForwardKlMarginal => {
                return None;
            }
        })
    }

    /// The estimator over actions; none for whole trajectories.
    pub(crate) fn action_estimator(&self) -> Option<Box<dyn ActionEstimator<f64>>> {
        Some(match (self.objective, self.samples) {
            (TrajectoryObjective::ReverseKlMarginal, None) => Box::new(ReverseKlAllActions),
            (TrajectoryObjective::ReverseKlMarginal, Some(_)) => Box::new(ReverseKlScore),
            (TrajectoryObjective::ForwardKlMarginal, None) => Box::new(ForwardKlAllActions),
            (TrajectoryObjective::ForwardKlMarginal, Some(_)) => Box::new(ForwardKl::default()),
            _ => return None,
        })
    }

    /// Whether V(s_t) is used at all. Of the marginal forms it is part of Q's targets where a trajectory
    /// was cut off, whatever weighs the states.
    pub fn uses_values(&self) -> bool {
        let needs = self.trajectory_estimator().is_some_and(|estimator| estimator.needs().values);
        needs || self.objective.is_marginal()
    }

    /// Refuses every setting that cannot work on `task`, or would have no effect.
    ///
    /// # Errors
    /// The first refused key with its value and what is allowed.
    pub fn check(&self, task: &dyn Environment) -> Result<(), ConfigError> {
        self.check_settings()?;
        self.check_task(task)
    }

    /// The part of [`TrajectoryConfig::check`] that needs no task.
    ///
    /// # Errors
    /// The first refused key with its value and what is allowed.
    pub fn check_settings(&self) -> Result<(), ConfigError> {
        self.check_estimation()?;
        self.check_numbers()
    }

    fn check_estimation(&self) -> Result<(), ConfigError> {
        let name = self.objective.name();
        let marginal = self.objective.is_marginal();
        require(self.trajectories >= 1, "trajectories", self.trajectories, "at least 1")?;
        require(self.trajectories <= 65_536, "trajectories", self.trajectories, "at most 65536")?;
        if let Some(estimator) = self.trajectory_estimator() {
            let reason = if self.objective == TrajectoryObjective::ForwardKlTrajectory {
                "at least 2 for forward-kl-trajectory (with 1 its expected gradient is zero)"
            } else {
                "at least 2 (the leave-one-out baseline needs another trajectory; baseline = \"none\" or \"value\" does not)"
            };
            let fewest = estimator.needs().trajectories;
            require(self.trajectories >= fewest, "trajectories", self.trajectories, reason)?;
        }
        let weights = format!("{:?}", self.state_weights.name());
        let plain = self.state_weights == StateWeights::Uniform;
        let reason = match self.objective {
            TrajectoryObjective::ReverseKlMarginal => {
                "\"uniform\" with reverse-kl-marginal: reverse KL's states are the policy's own"
            }
            _ => "only with objective = \"forward-kl-marginal\"",
        };
        let weighted = self.objective == TrajectoryObjective::ForwardKlMarginal;
        require(plain || weighted, "state_weights", &weights, reason)?;
        let fewest = self.state_weights.fewest_trajectories();
        let reason =
            format!("at least {fewest} with state_weights = {weights} (one weight is always one)");
        require(self.trajectories >= fewest, "trajectories", self.trajectories, &reason)?;
        if let (true, Some(samples)) = (marginal, self.samples) {
            let reason = format!(
                "from 2 to 4096 with {name} (one sample's weight or baseline says nothing)"
            );
            require((2..=4096).contains(&samples), "samples", samples, &reason)?;
        }
        let has_baseline = matches!(
            self.objective,
            TrajectoryObjective::ReverseKlTrajectory | TrajectoryObjective::ReverseKlRewardToGo
        );
        require(
            has_baseline || self.baseline == Baseline::LeaveOneOut,
            "baseline",
            format!("{:?}", self.baseline.name()),
            "only with objective = \"reverse-kl-trajectory\" or \"reverse-kl-reward-to-go\"",
        )?;
        require(
            !self.discount_states || self.objective == TrajectoryObjective::ReverseKlRewardToGo,
            "discount_states",
            self.discount_states,
            "only with objective = \"reverse-kl-reward-to-go\"",
        )?;
        require(
            (1..=1000).contains(&self.policy_updates),
            "policy_updates",
            self.policy_updates,
            "from 1 to 1000",
        )?;
        require(
            self.policy_updates == 1 || self.objective.may_repeat(),
            "policy_updates",
            self.policy_updates,
            "1 with reverse KL: its weights hold for the policy that drew the trajectories",
        )?;
        require(
            (1..=1000).contains(&self.value_updates),
            "value_updates",
            self.value_updates,
            "from 1 to 1000",
        )
    }

    fn check_task(&self, task: &dyn Environment) -> Result<(), ConfigError> {
        let id = task.id();
        let space = task.action_space();
        require(
            matches!(space, Space::Box(_) | Space::Discrete(_)),
            "objective",
            format!("{:?}", self.objective.name()),
            &format!("not on {id}: trajectories have a box of actions or one choice, not {space}"),
        )?;
        require(
            self.samples.is_some()
                || task.action_space().choices().is_some()
                || !self.objective.is_marginal(),
            "samples",
            "\"all\"",
            &format!("a number: the actions of {id} are a box"),
        )?;
        require(
            self.state_weights != StateWeights::ParticleSmoothing || task.snapshot().is_some(),
            "state_weights",
            "\"particle-smoothing\"",
            &format!(
                "another one: {id} cannot go back to an earlier state, and particles that are drawn again must"
            ),
        )?;
        if self.values == ValueSource::Learned {
            return Ok(());
        }
        let values = "\"exact\"";
        let Some(tabular) = task.tabular() else {
            return Err(ConfigError::new(
                "values",
                values,
                format!("\"learned\": {id} is not tabular"),
            ));
        };
        require(
            self.uses_values(),
            "values",
            values,
            &format!("{} with these settings uses no values", self.objective.name()),
        )?;
        let process = tabular.process();
        let cells = process.states() * process.horizon();
        let most = crate::agent::trajectory::MOST_CELLS;
        let reason = format!(
            "\"learned\": exact values are for at most {most} states times steps, {id} has {cells}"
        );
        require(cells <= most, "values", values, &reason)?;
        require(self.gamma == 1.0, "gamma", self.gamma, "1 with values = \"exact\"")
    }

    fn check_numbers(&self) -> Result<(), ConfigError> {
        require(self.steps >= 1, "steps", self.steps, "at least 1")?;
        require((0.0..=1.0).contains(&self.gamma), "gamma", self.gamma, "from 0 to 1")?;
        for (key, rate) in [
            ("learning_rate", self.value_learning_rate),
            ("policy_learning_rate", self.policy_learning_rate),
            ("temperature_learning_rate", self.temperature_learning_rate),
            ("dual_learning_rate", self.bounds.learning_rate),
        ] {
            require(rate > 0.0 && rate.is_finite(), key, rate, "a positive number")?;
        }
        for (key, bound) in [
            ("mpo_weights", self.bounds.weights),
            ("mpo_mean", self.bounds.mean),
            ("mpo_scale", self.bounds.scale),
        ] {
            require(bound > 0.0 && bound.is_finite(), key, bound, "a positive number of nats")?;
        }
        check_widths(&self.hidden)?;
        self.temperature.check()?;
        if let Temperature::Tuned { target: TemperatureTarget::Kl(kappa), .. } = self.temperature {
            let allowed = "target_entropy instead: on trajectories the entropy is tuned";
            return Err(ConfigError::new("target_kl", kappa, allowed));
        }
        check_gradient_norm(self.max_gradient_norm)?;
        check_clamp(self.log_std_min, self.log_std_max)?;
        let every = self.checkpoint_every;
        require(every >= 1, "checkpoint_every", every, "at least 1")?;
        check_measuring(self.evaluate_every, self.evaluation_episodes, self.log_every)
    }
}
