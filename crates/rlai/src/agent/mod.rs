//! The soft actor-critic order of updates (Haarnoja et al. 2018; paper, algorithm 1, with its signs put
//! right). What differs between objectives is the estimator alone.

mod actor;
mod drawing;
mod duals;
mod metrics;
mod persist;
mod policy;
mod shard;
pub(crate) mod trajectory;

pub use policy::{Decision, Policy};

pub use metrics::UpdateMetrics;

use actor::Actor;
use drawing::Known;
use duals::AgentDuals;
use shard::Shard;

use crate::critic::{self, CriticStep, TdTarget, TwinCritic, td_targets};
use crate::distribution::TanhNormal;
use crate::env::StepError;
use crate::estimator::ActionEstimator;
use crate::nn::{Scalar, Team, all_finite};
use crate::proposal::Replayed;
use crate::random::{Key, Stream};
use crate::replay::Batch;
use crate::train::{CriticTarget, Objective, TrainConfig};

/// A number that stopped being one: what it was.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what} is not finite")]
pub struct NonFinite {
    /// The loss, gradient, parameter or observation.
    pub what: &'static str,
}

impl NonFinite {
    /// What a policy decided on, or could not decide on.
    pub(crate) const ACTION: Self = Self { what: "an action of the policy" };
}

impl From<NonFinite> for StepError {
    fn from(found: NonFinite) -> Self {
        Self::NonFinite(found.what)
    }
}

/// Networks, optimisers, temperature and random streams: everything that learns.
pub struct Agent<T = f32>
where
    T: Scalar,
{
    config: TrainConfig,
    estimator: Box<dyn ActionEstimator<T>>,
    actor: Actor<T>,
    critic: TwinCritic<T>,
    duals: AgentDuals,
    /// The target policy's parameters, where the estimator draws from it, and the updates since it
    /// was copied.
    old_policy: Option<(Vec<T>, u64)>,
    shards: [Shard<T>; 2],
    scratch: Scratch<T>,
    exploration: Stream,
    team: Team,
}

/// One batch on its way through an update.
struct Scratch<T> {
    observations: Vec<T>,
    next_observations: Vec<T>,
    /// Observation and action side by side, `[B, O + A]`.
    input: Vec<T>,
    next_input: Vec<T>,
    next_log_pi: Vec<T>,
    next_values: [Vec<T>; 2],
    rewards: Vec<T>,
    discounts: Vec<T>,
    targets: Vec<T>,
    actions: Vec<T>,
    log_densities: Vec<T>,
}

impl<T: Scalar> Agent<T> {
    /// A new agent. The configuration must have passed [`TrainConfig::check`].
    ///
    /// # Errors
    /// When its threads cannot be started.
    pub fn new(
        config: &TrainConfig,
        observation_dimension: usize,
        action_dimension: usize,
    ) -> std::io::Result<Self> {
        let key = Key::from_seed(config.seed);
        let head = TanhNormal::new(action_dimension, config.log_std_min, config.log_std_max);
        let actor = Actor::new(observation_dimension, head, &config.hidden, &key);
        let (observations, actions) = (observation_dimension, action_dimension);
        let critic = TwinCritic::new(observations, actions, &config.hidden, config.batch, &key);
        let estimator = config.estimation.estimator(config.objective);
        let half = config.batch.div_ceil(2);
        let shard =
            |index, states| Shard::new(index, states, config, &*estimator, &actor, &critic, &key);
        let shards = [shard(0, half), shard(1, config.batch - half)];
        let uses_old = config.estimation.uses_target_policy(config.objective);
        Ok(Self {
            scratch: Scratch::new(config.batch, observation_dimension, action_dimension),
            duals: AgentDuals::new(config, action_dimension),
            old_policy: uses_old.then(|| (actor.parameters().to_vec(), 0)),
            exploration: key.stream("exploration"),
            team: Team::new(config.threads)?,
            config: config.clone(),
            estimator,
            actor,
            critic,
            shards,
        })
    }

    /// The threads that work on an update: run the training loop inside [`Team::run`].
    pub fn team(&self) -> Team {
        self.team.clone()
    }

    /// The temperature now.
    pub fn alpha(&self) -> f64 {
        self.duals.alpha()
    }

    /// The temperature of MPO's weights now; none for other objectives.
    pub fn eta(&self) -> Option<f64> {
        (self.config.objective == Objective::Mpo).then(|| self.duals.eta())
    }

    /// Draws an action in `[-1,1]^A` for exploration; returns its log density.
    pub fn act(&mut self, observation: &[T], action: &mut [T]) -> T {
        self.actor.act(observation, &mut self.exploration, action)
    }

    /// Draws a uniform action in `[-1,1]^A`, as before learning starts; returns its log density.
    pub fn act_randomly(&mut self, action: &mut [T]) -> T {
        let log_density = T::from_f64(-(action.len() as f64) * std::f64::consts::LN_2);
        for coordinate in action {
            *coordinate = T::from_f64(self.exploration.uniform(-1.0, 1.0));
        }
        log_density
    }

    /// One update from one batch: critic, target critic, policy, duals.
    ///
    /// `rate` is the schedule's factor on all learning rates.
    ///
    /// # Errors
    /// A loss or gradient that is not finite. The network it belongs to has not been changed by it,
    /// but those before it in the order of updates have: the last good state is the one before.
    pub fn update(&mut self, batch: &Batch, rate: f64) -> Result<UpdateMetrics, NonFinite> {
        let mut metrics = UpdateMetrics::default();
        self.scratch.load(batch);
        self.compute_targets();
        self.update_critic(rate, &mut metrics)?;
        self.update_policy(rate, &mut metrics)?;
        self.update_duals(rate, &metrics)?;
        self.follow_policy();
        Ok(metrics)
    }

    /// The TD targets, from the next states.
    fn compute_targets(&mut self) {
        match self.config.critic_target {
            CriticTarget::SoftOptimal => self.value_next_states(),
            CriticTarget::Soft | CriticTarget::Classic => self.value_next_actions(),
        }
        let scratch = &mut self.scratch;
        let [one, two] = &scratch.next_values;
        let known = TdTarget {
            rewards: &scratch.rewards,
            discounts: &scratch.discounts,
            next_values: [one, two],
            next_log_pi: &scratch.next_log_pi,
        };
        let alpha = T::from_f64(self.duals.alpha());
        td_targets(self.config.critic_target, alpha, &known, &mut scratch.targets);
    }

    /// The soft-optimal value of each next state, estimated from N actions there.
    fn value_next_states(&mut self) {
        let (actor, critic, [first, second]) = (&self.actor, &self.critic, &mut self.shards);
        let scratch = &mut self.scratch;
        let alpha = T::from_f64(self.duals.alpha());
        let observations = split(&scratch.next_observations, first.states(), second.states());
        let [values, same] = &mut scratch.next_values;
        let (one, two) = values.split_at_mut(first.states());
        self.team.both(
            || first.soft_optimal_values(actor, critic, alpha, observations.0, one),
            || second.soft_optimal_values(actor, critic, alpha, observations.1, two),
        );
        same.copy_from_slice(values);
    }

    /// A fresh action at each next state, and both target critics there.
    fn value_next_actions(&mut self) {
        let scratch = &mut self.scratch;
        let (actor, [first, second]) = (&self.actor, &mut self.shards);
        let observations = split(&scratch.next_observations, first.states(), second.states());
        let inputs = split_mut(&mut scratch.next_input, first.states(), second.states());
        let log_pi = scratch.next_log_pi.split_at_mut(first.states());
        self.team.both(
            || first.next_actions(actor, observations.0, inputs.0, log_pi.0),
            || second.next_actions(actor, observations.1, inputs.1, log_pi.1),
        );
        let [one, two] = &mut self.critic.halves();
        let [values_one, values_two] = &mut scratch.next_values;
        let input = &scratch.next_input;
        self.team
            .both(|| one.target_values(input, values_one), || two.target_values(input, values_two));
    }

    fn update_critic(&mut self, rate: f64, metrics: &mut UpdateMetrics) -> Result<(), NonFinite> {
        let step = CriticStep {
            learning_rate: rate * self.config.critic_learning_rate,
            max_gradient_norm: self.config.max_gradient_norm,
            polyak: T::from_f64(self.config.polyak),
        };
        let (input, targets) = (&self.scratch.input, &self.scratch.targets);
        let [one, two] = &mut self.critic.halves();
        let (one, two) = self
            .team
            .both(|| one.update(input, targets, &step), || two.update(input, targets, &step));
        metrics.critic_loss = one.loss + two.loss;
        metrics.critic_gradient_norm = one.gradient_norm.hypot(two.gradient_norm);
        check(metrics.critic_loss, "the critic's loss")?;
        check_gradient(metrics.critic_gradient_norm, "the critic's gradient")
    }

    fn update_policy(&mut self, rate: f64, metrics: &mut UpdateMetrics) -> Result<(), NonFinite> {
        let duals = self.duals.numbers();
        let (actor, critic, estimator) = (&self.actor, &self.critic, &*self.estimator);
        let [first, second] = &mut self.shards;
        let known = self.scratch.known(first.states(), second.states());
        let old_policy = self.old_policy.as_ref().map(|(parameters, _)| &parameters[..]);
        let known = known.map(|known| Known { old_policy, alpha: duals.alpha, ..known });
        self.team.both(
            || first.policy_gradient(actor, critic, estimator, &duals, &known[0]),
            || second.policy_gradient(actor, critic, estimator, &duals, &known[1]),
        );
        first.add_gradient_of(second);
        let (one, two) = (first.pareto_k(), second.pareto_k());
        let states = one.1 + two.1;
        metrics.pareto_k = (states > 0).then(|| (one.0 + two.0) / states as f64);
        for shard in [first, second] {
            shard.report(metrics);
        }
        metrics.scale_means(self.config.batch, self.config.particles());
        let gradient = self.shards[0].gradient();
        metrics.policy_gradient_norm = crate::nn::norm(gradient);
        check(metrics.policy_loss, "the policy's loss")?;
        check_gradient(metrics.policy_gradient_norm, "the policy's gradient")?;
        let rate = rate * self.config.policy_learning_rate;
        let largest = self.config.max_gradient_norm;
        self.actor.step(gradient, metrics.policy_gradient_norm, largest, rate);
        Ok(())
    }

    fn update_duals(&mut self, rate: f64, metrics: &UpdateMetrics) -> Result<(), NonFinite> {
        let seen = metrics.entropy + metrics.weight_divergence;
        check(seen, "the gradient of the temperature")?;
        self.duals.step(&self.config, rate, metrics);
        check(if self.duals.are_finite() { 0.0 } else { f64::NAN }, "the temperature")
    }

    /// Copies the policy into the target policy when it is time.
    fn follow_policy(&mut self) {
        let period = self.config.estimation.target_policy_period;
        if let Some((parameters, age)) = &mut self.old_policy {
            *age += 1;
            if *age >= period {
                parameters.copy_from_slice(self.actor.parameters());
                *age = 0;
            }
        }
    }

    /// Refuses parameters that are not finite.
    ///
    /// # Errors
    /// The first network found with one.
    pub fn check_parameters(&self) -> Result<(), NonFinite> {
        let policy = all_finite(self.actor.parameters());
        check(if policy { 0.0 } else { f64::NAN }, "a parameter of the policy")?;
        check(if self.critic.is_finite() { 0.0 } else { f64::NAN }, "a parameter of a critic")
    }

    /// The configuration it was made with.
    pub fn config(&self) -> &TrainConfig {
        &self.config
    }
}

impl<T: Scalar> Scratch<T> {
    fn new(batch: usize, observation: usize, action: usize) -> Self {
        let room = |width: usize| vec![T::zero(); batch * width];
        Self {
            observations: room(observation),
            next_observations: room(observation),
            input: room(observation + action),
            next_input: room(observation + action),
            next_log_pi: room(1),
            next_values: [room(1), room(1)],
            rewards: room(1),
            discounts: room(1),
            targets: room(1),
            actions: room(action),
            log_densities: room(1),
        }
    }

    /// What is known of the states of each half of the batch.
    fn known(&self, first: usize, second: usize) -> [Known<'_, T>; 2] {
        let of_half = |states, actions, log_density| Known {
            states,
            replayed: Replayed { actions, log_density },
            old_policy: None,
            alpha: T::one(),
        };
        let states = split(&self.observations, first, second);
        let actions = split(&self.actions, first, second);
        let log_density = split(&self.log_densities, first, second);
        [of_half(states.0, actions.0, log_density.0), of_half(states.1, actions.1, log_density.1)]
    }

    /// Copies a batch in, widening it to this precision. The next actions are still to be written.
    fn load(&mut self, batch: &Batch) {
        let size = batch.len();
        let (observation, action) = (batch.observations.len() / size, batch.actions.len() / size);
        convert(&batch.observations, &mut self.observations);
        convert(&batch.next_observations, &mut self.next_observations);
        convert(&batch.rewards, &mut self.rewards);
        convert(&batch.discounts, &mut self.discounts);
        convert(&batch.actions, &mut self.actions);
        convert(&batch.log_densities, &mut self.log_densities);
        let width = observation + action;
        for i in 0..size {
            let (row, next_row) = (i * width..(i + 1) * width, i * width..i * width + observation);
            let seen = i * observation..(i + 1) * observation;
            let (o, a) = self.input[row].split_at_mut(observation);
            o.copy_from_slice(&self.observations[seen.clone()]);
            a.copy_from_slice(&self.actions[i * action..(i + 1) * action]);
            self.next_input[next_row].copy_from_slice(&self.next_observations[seen]);
        }
    }
}

fn convert<T: Scalar>(from: &[f32], to: &mut [T]) {
    for (to, &from) in to.iter_mut().zip(from) {
        *to = T::from_f64(f64::from(from));
    }
}

fn split<T>(values: &[T], first: usize, second: usize) -> (&[T], &[T]) {
    values.split_at(values.len() / (first + second) * first)
}

fn split_mut<T>(values: &mut [T], first: usize, second: usize) -> (&mut [T], &mut [T]) {
    values.split_at_mut(values.len() / (first + second) * first)
}

fn check(value: f64, what: &'static str) -> Result<(), NonFinite> {
    if value.is_finite() { Ok(()) } else { Err(NonFinite { what }) }
}

fn check_gradient(norm: f64, what: &'static str) -> Result<(), NonFinite> {
    check(if critic::is_usable(norm) { norm } else { f64::NAN }, what)
}
