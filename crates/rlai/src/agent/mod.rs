//! The soft actor-critic order of updates (Haarnoja et al. 2018; paper, algorithm 1, with its signs put
//! right). What differs between objectives is the estimator alone.

mod actor;
mod default_policy;
mod drawing;
mod duals;
mod exploration;
mod metrics;
mod next_values;
mod normaliser;
mod persist;
mod policy;
mod scratch;
mod shard;
mod state;
pub(crate) mod trajectory;
mod valuing;

pub use policy::{Decision, Policy};

pub use metrics::UpdateMetrics;

use actor::Actor;
use default_policy::{DefaultPolicy, Loaded};
use drawing::Known;
use duals::AgentDuals;
use exploration::Explorer;
use normaliser::Normaliser;
use scratch::{Scratch, Seen, halves, split_mut};
use shard::{Networked, Shard};
use valuing::Valuing;

use crate::critic::{self, CriticStep, Networks, TdTarget, TwinCritic, td_targets};
use crate::distribution::SharedHead;
use crate::env::{ActionShape, StepError};
use crate::estimator::ActionEstimator;
use crate::nn::{Buffer, Scalar, Team, all_finite, buffer};
use crate::random::{Key, Stream};
use crate::replay::Batch;
use crate::train::{ConfigError, Objective, Phase, Profile, TrainConfig, TrainError};

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
    /// The distribution is none of the built-in ones.
    own_distribution: bool,
    estimator: Box<dyn ActionEstimator<T>>,
    actor: Actor<T>,
    critic: TwinCritic<T>,
    default_policy: DefaultPolicy<T>,
    duals: AgentDuals,
    /// The target policy's parameters, where the estimator draws from it, and the updates since it
    /// was copied.
    old_policy: Option<(Buffer<T>, u64)>,
    normaliser: Option<Normaliser>,
    shards: [Shard<T>; 2],
    scratch: Scratch<T>,
    exploration: Stream,
    explorer: Explorer,
    team: Team,
    /// Where the time goes; off but for `rlai bench`.
    pub(crate) profile: Profile,
}

impl<T: Scalar> Agent<T> {
    /// A new agent with one of the built-in distributions. The configuration must have passed
    /// [`TrainConfig::check`].
    ///
    /// # Errors
    /// A distribution that does not fit the actions or the objective, a default policy that cannot be
    /// read or does not fit, threads that cannot be started.
    pub fn new(
        config: &TrainConfig,
        observation_dimension: usize,
        actions: &ActionShape,
    ) -> Result<Self, TrainError> {
        let head = config.policy.head(actions).map_err(|reason| {
            ConfigError::new("policy", format!("{:?}", config.policy.kind.name()), reason)
        })?;
        Self::build(config, observation_dimension, head, false)
    }

    /// A new agent with any distribution.
    ///
    /// # Errors
    /// As [`Agent::new`].
    pub fn with_head(
        config: &TrainConfig,
        observation_dimension: usize,
        head: SharedHead<T>,
    ) -> Result<Self, TrainError> {
        Self::build(config, observation_dimension, head, true)
    }

    fn build(
        config: &TrainConfig,
        observation_dimension: usize,
        head: SharedHead<T>,
        own_distribution: bool,
    ) -> Result<Self, TrainError> {
        config.check_head(&*head)?;
        let key = Key::from_seed(config.seed);
        let shape = head.shape().clone();
        let (observations, hidden) = (observation_dimension, &config.hidden);
        let actor = Actor::new(observations, head, hidden, config.initial_policy, &key);
        let critic = match shape.only_choices() {
            Some(choices) => {
                TwinCritic::over_choices(observations, choices, hidden, config.batch, &key)
            }
            None => {
                TwinCritic::new(observations, shape.feature_width(), hidden, config.batch, &key)
            }
        };
        let loaded = Loaded::find(&config.default_policy, observations, &*actor.head)?;
        let own = (&actor.net, &actor.head, actor.parameters());
        let default_policy = DefaultPolicy::new(&config.default_policy, own, loaded);
        let estimator = config.estimation.estimator_for(config.objective, actor.head.abilities());
        let half = config.batch.div_ceil(2);
        let networks =
            Networked { actor: &actor, critic: &critic, default_policy: &default_policy };
        let shard = |index, states| Shard::new(index, states, config, &*estimator, networks, &key);
        let shards = [shard(0, half), shard(1, config.batch - half)];
        let uses_old = config.estimation.uses_target_policy(config.objective);
        Ok(Self {
            scratch: Scratch::new(config, observations, &shape),
            duals: AgentDuals::new(config, &shape),
            old_policy: uses_old.then(|| (buffer(actor.parameters()), 0)),
            normaliser: config.normalise_observations.then(|| Normaliser::new(observations)),
            exploration: key.stream("exploration"),
            explorer: Explorer::new(config.exploration, shape.coordinates),
            team: Team::new(config.threads)?,
            profile: Profile::default(),
            config: config.clone(),
            own_distribution,
            estimator,
            default_policy,
            actor,
            critic,
            shards,
        })
    }

    /// The threads that work on an update.
    pub(crate) fn team(&self) -> &Team {
        &self.team
    }

    /// The temperature now.
    pub fn alpha(&self) -> f64 {
        self.duals.alpha()
    }

    /// The temperature of MPO's weights now; none for other objectives.
    pub fn eta(&self) -> Option<f64> {
        (self.config.objective == Objective::Mpo).then(|| self.duals.eta())
    }

    /// What its actions are made of.
    pub fn action_shape(&self) -> &ActionShape {
        self.actor.head.shape()
    }

    /// The smaller critic's value of an action in the form in which it is stored (choices, then
    /// coordinates), `[W]`, after this observation, `[O]`.
    ///
    /// # Panics
    /// When the shapes do not fit.
    pub fn q(&self, observation: &[T], action: &[T]) -> T {
        let (head, shape) = (&self.actor.head, self.action_shape());
        let mut seen = observation.to_vec();
        if let Some(normaliser) = &self.normaliser {
            normaliser.normalise(&mut seen);
        }
        let mut draws = actor::room_for(head, 1, 1);
        let factors = shape.factors.len();
        let coordinates = shape.read_stored(action, &mut draws.choices[..factors]);
        draws.action.copy_from_slice(coordinates);
        let mut q = [T::nan()];
        let mut valuing = Valuing::new(&self.critic, shape, 1, 1);
        let (alone, current) = (Team::default(), Networks::Current);
        valuing.value(&alone, &self.critic, current, &seen, &draws, &mut q, None);
        q[0]
    }

    /// An episode of exploration begins: nothing of the last one's noise is left.
    pub fn start_episode(&mut self) {
        self.explorer.restart();
        self.actor.restart();
    }

    /// Takes an observation of training into the running normalisation, where there is one.
    pub fn observe(&mut self, observation: &[T]) {
        if let Some(normaliser) = &mut self.normaliser {
            normaliser.observe(observation);
        }
    }

    /// Draws an action for exploration, as it is stored: its choices, then its coordinates, those of
    /// squashed policies in [-1,1]; returns its log density. `action` must still hold the last one.
    pub fn act(&mut self, observation: &[T], action: &mut [T]) -> T {
        let (explorer, stream) = (&mut self.explorer, &mut self.exploration);
        let Some(normaliser) = &self.normaliser else {
            return self.actor.act(observation, explorer, stream, action);
        };
        let normalised = &mut self.scratch.now.observations[..observation.len()];
        normalised.copy_from_slice(observation);
        normaliser.normalise(normalised);
        self.actor.act(normalised, explorer, stream, action)
    }

    /// Draws a uniform action, as before learning starts; otherwise as [`Agent::act`].
    pub fn act_randomly(&mut self, action: &mut [T]) -> T {
        let log_density = T::from_f64(-duals::log_volume(self.action_shape()));
        if self.actor.repeats_last() {
            return log_density;
        }
        self.actor.count_repeats(&self.explorer);
        let shape = self.actor.head.shape();
        let (choices, coordinates) = action.split_at_mut(shape.factors.len());
        for (choice, &count) in choices.iter_mut().zip(&shape.factors) {
            *choice = T::from_f64(self.exploration.below(count) as f64);
        }
        self.explorer.next_uniform(&mut self.exploration, coordinates);
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
        let shape = self.actor.head.shape();
        self.scratch.load(batch, shape, self.normaliser.as_ref(), &self.team);
        self.profile.end(Phase::Batch);
        self.compute_targets();
        self.profile.end(Phase::Targets);
        self.update_critic(rate, &mut metrics)?;
        self.profile.end(Phase::Critics);
        self.update_policy(rate, &mut metrics)?;
        self.profile.end(Phase::Policy);
        self.update_duals(rate, &metrics)?;
        self.profile.end(Phase::Duals);
        self.follow_policy();
        Ok(metrics)
    }

    /// The TD targets, from the next states.
    fn compute_targets(&mut self) {
        if next_values::values_states(&self.config, self.critic.choices()) {
            self.value_next_states();
        } else {
            self.value_next_actions();
        }
        let scratch = &mut self.scratch;
        let [one, two] = &scratch.next_values;
        let known = TdTarget {
            rewards: &scratch.rewards,
            discounts: &scratch.discounts,
            next_values: [one, two],
            next_log_ratio: &scratch.next_log_ratio,
        };
        let alpha = T::from_f64(self.duals.alpha());
        td_targets(self.config.critic_target, alpha, &known, &mut scratch.targets);
    }

    /// The value of each next state, known from many actions there.
    fn value_next_states(&mut self) {
        let [first, second] = &mut self.shards;
        let networks = Networked {
            actor: &self.actor,
            critic: &self.critic,
            default_policy: &self.default_policy,
        };
        let scratch = &mut self.scratch;
        let alpha = T::from_f64(self.duals.alpha());
        let sizes = (first.states(), second.states());
        let (seen, raw) = halves(&scratch.next.observations, &scratch.next.raw, sizes);
        let [values, same] = &mut scratch.next_values;
        let (one, two) = values.split_at_mut(sizes.0);
        self.team.both(
            || first.next_values(networks, alpha, (seen.0, raw.0), one),
            || second.next_values(networks, alpha, (seen.1, raw.1), two),
        );
        same.copy_from_slice(values);
    }

    /// A fresh action at each next state, and both target critics there.
    fn value_next_actions(&mut self) {
        let scratch = &mut self.scratch;
        let [first, second] = &mut self.shards;
        let networks = Networked {
            actor: &self.actor,
            critic: &self.critic,
            default_policy: &self.default_policy,
        };
        let sizes = (first.states(), second.states());
        let Seen { observations, raw, input } = &mut scratch.next;
        let (seen, raw) = halves(observations, raw, sizes);
        let inputs = split_mut(input, sizes.0, sizes.1);
        let ratios = scratch.next_log_ratio.split_at_mut(sizes.0);
        self.team.both(
            || first.next_actions(networks, (seen.0, raw.0), inputs.0, ratios.0),
            || second.next_actions(networks, (seen.1, raw.1), inputs.1, ratios.1),
        );
        let [one, two] = &mut self.critic.halves();
        let [values_one, values_two] = &mut scratch.next_values;
        let input = &scratch.next.input;
        self.team
            .both(|| one.target_values(input, values_one), || two.target_values(input, values_two));
    }

    fn update_critic(&mut self, rate: f64, metrics: &mut UpdateMetrics) -> Result<(), NonFinite> {
        let step = CriticStep {
            learning_rate: rate * self.config.critic_learning_rate,
            max_gradient_norm: self.config.max_gradient_norm,
            polyak: T::from_f64(self.config.polyak),
        };
        let Scratch { now, targets, choices, .. } = &self.scratch;
        let chosen = if self.critic.choices().is_some() { &choices[..] } else { &[] };
        let [one, two] = &mut self.critic.halves();
        let (one, two) = self.team.both(
            || one.update(&now.input, chosen, targets, &step),
            || two.update(&now.input, chosen, targets, &step),
        );
        metrics.critic_loss = one.loss + two.loss;
        metrics.critic_gradient_norm = one.gradient_norm.hypot(two.gradient_norm);
        check(metrics.critic_loss, "the critic's loss")?;
        check_gradient(metrics.critic_gradient_norm, "the critic's gradient")
    }

    fn update_policy(&mut self, rate: f64, metrics: &mut UpdateMetrics) -> Result<(), NonFinite> {
        let duals = self.duals.numbers();
        let estimator = &*self.estimator;
        let networks = Networked {
            actor: &self.actor,
            critic: &self.critic,
            default_policy: &self.default_policy,
        };
        let [first, second] = &mut self.shards;
        let known = self.scratch.known(first.states(), second.states());
        let old_policy = self.old_policy.as_ref().map(|(parameters, _)| &parameters[..]);
        let known = known.map(|known| Known { old_policy, alpha: duals.alpha, ..known });
        self.team.both(|| first.draw(networks, &known[0]), || second.draw(networks, &known[1]));
        // Here the tasks are the critics, not the halves: each stays with the thread that updated it.
        first.value(networks, &known[0], &self.team);
        second.value(networks, &known[1], &self.team);
        self.team.both(
            || first.learn(networks, estimator, &duals, &known[0]),
            || second.learn(networks, estimator, &duals, &known[1]),
        );
        let norm = first.share_gradients(second, &self.team);
        let (one, two) = (first.pareto_k(), second.pareto_k());
        let states = one.1 + two.1;
        metrics.pareto_k = (states > 0).then(|| (one.0 + two.0) / states as f64);
        for shard in [first, second] {
            shard.report(metrics);
        }
        metrics.scale_means(self.config.batch);
        metrics.policy_gradient_norm = norm;
        check(metrics.policy_loss, "the policy's loss")?;
        check_gradient(metrics.policy_gradient_norm, "the policy's gradient")?;
        let rate = rate * self.config.policy_learning_rate;
        let largest = self.config.max_gradient_norm;
        let gradient = self.shards[0].summed_gradient(&self.shards[1]);
        self.actor.step(gradient, norm, largest, rate, &self.team);
        Ok(())
    }

    fn update_duals(&mut self, rate: f64, metrics: &UpdateMetrics) -> Result<(), NonFinite> {
        let seen = metrics.entropy + metrics.log_ratio + metrics.weight_divergence;
        check(seen, "the gradient of the temperature")?;
        self.duals.step(&self.config, rate, metrics);
        check(if self.duals.are_finite() { 0.0 } else { f64::NAN }, "the temperature")
    }

    /// Copies the policy into the target policy when it is time; the default policy follows too.
    fn follow_policy(&mut self) {
        self.default_policy.follow(self.actor.parameters());
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

    /// The policy's parameters, layer by layer.
    pub fn policy_parameters(&self) -> &[T] {
        self.actor.parameters()
    }

    /// The parameters of one of the two critics, layer by layer.
    ///
    /// # Panics
    /// When `index` is neither 0 nor 1.
    pub fn critic_parameters(&self, index: usize) -> &[T] {
        self.critic.parameters(index)
    }

    /// The configuration it was made with.
    pub fn config(&self) -> &TrainConfig {
        &self.config
    }
}

fn check(value: f64, what: &'static str) -> Result<(), NonFinite> {
    if value.is_finite() { Ok(()) } else { Err(NonFinite { what }) }
}

fn check_gradient(norm: f64, what: &'static str) -> Result<(), NonFinite> {
    check(if critic::is_usable(norm) { norm } else { f64::NAN }, what)
}
