//! The trajectory agent: M trajectories of the current policy, then its values, its signal, its
//! policy's step, and what the values and the duals learn from them.

mod duals;
mod exact;
mod head;
mod marginal;
mod persist;
mod regressor;
mod rollouts;
mod state;
mod walker;

pub(crate) use exact::{ExactValues, MOST_CELLS};
pub(crate) use head::Chosen;
pub(crate) use marginal::VisitedStates;
pub(crate) use rollouts::{Played, Rollouts, RolloutsOf};
pub(crate) use walker::smoothed_states;

use duals::TrajectoryDuals;
use head::Head;
use regressor::{Fit, Regressor};

use super::{NonFinite, UpdateMetrics};
use crate::critic::clipping;
use crate::env::{Space, Tabular};
use crate::estimator::trajectory::{Trajectories, TrajectoryEstimator, TrajectorySignal};
use crate::estimator::{ActionEstimator, TrustRegion, self_normalised_weights};
use crate::lab::ProcessError;
use crate::nn::{Adam, Mlp, Team, Weights, all_finite, norm};
use crate::random::{Key, Stream};
use crate::train::{TrajectoryConfig, ValueSource};

/// Networks, optimisers, duals and random streams of a run on trajectories.
pub struct TrajectoryAgent {
    config: TrajectoryConfig,
    head: Head,
    net: Mlp,
    weights: Weights<f32>,
    adam: Adam<f32>,
    value: Option<Regressor>,
    critic: Option<Regressor>,
    duals: TrajectoryDuals,
    estimator: Estimator,
    exploration: Stream,
    noise: Stream,
}

/// What weighs the policy's scores.
enum Estimator {
    Trajectories(Box<dyn TrajectoryEstimator<f64>>),
    Actions(Box<dyn ActionEstimator<f64>>),
}

impl TrajectoryAgent {
    /// A new agent for observations of this many numbers and these actions (a box is `[-1, 1]^A`). The
    /// configuration must have passed [`TrajectoryConfig::check`].
    pub(crate) fn new(config: &TrajectoryConfig, observations: usize, action: &Space) -> Self {
        let key = Key::from_seed(config.seed);
        let head = Head::new(action, config.log_std_min, config.log_std_max);
        let widths = [&[observations], &config.hidden[..], &[head.parameters_per_state()]].concat();
        let net = Mlp::new(&widths);
        let parameters: Vec<f32> = net.initialise(&mut key.stream("policy initialisation"));
        let learned = config.values == ValueSource::Learned;
        let regressor = |name: &str, inputs: usize, outputs: usize| {
            Regressor::new(inputs, &config.hidden, outputs, &mut key.stream(name))
        };
        let coordinates = action.coordinates().map_or(0, |space| space.dimension());
        let (critic_inputs, critic_outputs) =
            (observations + coordinates, action.choices().unwrap_or(1));
        let wants_critic = learned && config.objective.is_marginal();
        let estimator = match (config.trajectory_estimator(), config.action_estimator()) {
            (Some(estimator), _) => Estimator::Trajectories(estimator),
            (None, Some(estimator)) => Estimator::Actions(estimator),
            (None, None) => unreachable!("every objective has an estimator"),
        };
        Self {
            value: (learned && config.uses_values())
                .then(|| regressor("value initialisation", observations, 1)),
            critic: wants_critic
                .then(|| regressor("critic 0 initialisation", critic_inputs, critic_outputs)),
            adam: Adam::new(parameters.len()),
            duals: TrajectoryDuals::new(
                config,
                action.as_box().map_or(1, |space| space.dimension()),
            ),
            exploration: key.stream("exploration"),
            noise: key.stream("update noise"),
            config: config.clone(),
            head,
            weights: Weights::new(&net, &parameters),
            net,
            estimator,
        }
    }

    /// The temperature now.
    pub fn alpha(&self) -> f64 {
        self.duals.alpha()
    }

    /// The temperature of V-MPO's weights now; none for other objectives.
    pub fn eta(&self) -> Option<f64> {
        self.duals.eta()
    }

    /// Draws an action for exploration; returns it with its log-probability.
    ///
    /// # Errors
    /// When the policy's numbers are no distribution.
    pub(crate) fn act(&mut self, observation: &[f32]) -> Result<(Chosen, f64), NonFinite> {
        let row = self.outputs(observation);
        self.head.draw(&row, &mut self.exploration)
    }

    /// The policy's parameters in each of these states, `[B, P]`.
    fn outputs(&self, observations: &[f32]) -> Vec<f64> {
        let mut room = self.net.activations(observations.len() / self.net.inputs());
        self.net.forward(self.weights.parameters(), observations, &mut room);
        room.output().iter().map(|&x| f64::from(x)).collect()
    }

    /// What exact inference says of the policy in a tabular task at its temperature.
    ///
    /// # Errors
    /// When the temperature or the policy is out of the range that can be computed with, or the process
    /// of pairs of time and state is too large.
    pub(crate) fn exact(&self, task: &Tabular) -> Result<ExactValues, ProcessError> {
        let logits = self.outputs(&task.every_observation());
        ExactValues::new(task, &logits, self.alpha())
    }

    /// One update from a batch of trajectories: the policy, then what the values and the duals learn.
    /// `smoothed` are a particle smoother's states in place of the batch's own; `exact` replaces learned
    /// values. `rate` is the schedule's factor on all learning rates.
    ///
    /// # Errors
    /// A loss or gradient that is not finite: no step has been taken from it.
    pub(crate) fn update(
        &mut self,
        batch: &Rollouts,
        smoothed: Option<&VisitedStates>,
        exact: Option<&ExactValues>,
        rate: f64,
    ) -> Result<UpdateMetrics, NonFinite> {
        let mut metrics = UpdateMetrics::default();
        let values = self.values(batch, exact);
        let trajectories = Trajectories {
            value: values.as_ref().map(|(value, _)| &value[..]),
            final_value: values.as_ref().map(|(_, last)| &last[..]),
            ..batch.trajectories()
        };
        let old = self.outputs(&batch.observations);
        metrics.entropy = self.head.entropy(&old, &batch.log_pi);
        for _ in 0..self.config.policy_updates {
            let gradient = match &self.estimator {
                Estimator::Trajectories(_) => {
                    self.trajectory_gradient(batch, &trajectories, &old, &mut metrics)
                }
                Estimator::Actions(_) => match smoothed {
                    Some(states) => self.marginal_gradient(states, exact, &mut metrics)?,
                    None => {
                        let states = self.weighted_states(batch, &trajectories);
                        self.marginal_gradient(&states, exact, &mut metrics)?
                    }
                },
            };
            self.step_policy(&gradient, rate, &mut metrics)?;
            let new = self.outputs(&batch.observations);
            let kl = self.head.kl(&old, &new);
            (metrics.old_policy_kl_mean, metrics.old_policy_kl_scale) = (kl.mean, kl.scale);
            self.duals.step_weights(&self.config, &metrics, rate);
        }
        self.fit_values(batch, &trajectories, rate, &mut metrics)?;
        self.duals.step_temperature(&self.config, metrics.entropy, rate);
        finite(self.duals.are_finite(), "a temperature or a multiplier")?;
        Ok(metrics)
    }

    /// V of each step's state and of each last state, where they are used.
    fn values(
        &self,
        batch: &Rollouts,
        exact: Option<&ExactValues>,
    ) -> Option<(Vec<f64>, Vec<f64>)> {
        if let Some(value) = &self.value {
            return Some((
                value.predict(&batch.observations),
                value.predict(&batch.final_observations),
            ));
        }
        let exact = exact.filter(|_| self.config.uses_values())?;
        // Forward KL is twisted by exact inference's own value, a baseline is the policy's.
        let twisted = self.config.objective.is_marginal();
        let of_cell =
            |&cell: &(usize, usize)| if twisted { exact.v_hat(cell) } else { exact.v_soft(cell) };
        Some((batch.cells.iter().map(of_cell).collect(), vec![0.0; batch.count()]))
    }

    /// The gradient of the policy's weights that the estimator over trajectories asks for.
    fn trajectory_gradient(
        &self,
        batch: &Rollouts,
        trajectories: &Trajectories<'_, f64>,
        old: &[f64],
        metrics: &mut UpdateMetrics,
    ) -> Vec<f32> {
        let Estimator::Trajectories(estimator) = &self.estimator else { unreachable!() };
        let mut signal = TrajectorySignal::default();
        estimator.signal(trajectories, &self.duals.numbers(), &mut signal);
        let count = batch.count() as f64;
        metrics.policy_loss = signal.loss.iter().sum::<f64>();
        if !self.config.objective.may_repeat() {
            metrics.policy_loss /= count;
        }
        metrics.effective_sample_size = signal.effective_sample_size;
        metrics.largest_weight = signal.largest_weight;
        metrics.weight_divergence = signal.weight_divergence;
        (metrics.forward_kl, metrics.reverse_kl) = plug_in_kl(trajectories, self.alpha());
        let mut room = self.net.activations(batch.steps());
        self.net.forward(self.weights.parameters(), &batch.observations, &mut room);
        let new: Vec<f64> = room.output().iter().map(|&x| f64::from(x)).collect();
        let mut d_output = self.head.score_gradient(&new, &batch.taken, &signal.score);
        if let Some(weights) = signal.trust_region {
            self.head.add_kl_gradient(old, &new, weights, &mut d_output);
        }
        self.weights_gradient(&batch.observations, &d_output, &mut room)
    }

    /// From the gradient of the outputs to that of the weights, after a forward pass in `room`.
    fn weights_gradient(
        &self,
        observations: &[f32],
        d_output: &[f64],
        room: &mut crate::nn::Activations<f32>,
    ) -> Vec<f32> {
        let d_output: Vec<f32> = d_output.iter().map(|&x| x as f32).collect();
        let mut gradient = vec![0.0; self.net.parameter_count()];
        self.net.backward(&self.weights, observations, &d_output, &mut gradient, room);
        gradient
    }

    fn step_policy(
        &mut self,
        gradient: &[f32],
        rate: f64,
        metrics: &mut UpdateMetrics,
    ) -> Result<(), NonFinite> {
        metrics.policy_gradient_norm = norm(gradient);
        finite(metrics.policy_loss.is_finite(), "the policy's loss")?;
        let good = metrics.policy_gradient_norm.is_finite() && all_finite(gradient);
        finite(good, "the policy's gradient")?;
        let scale = clipping(metrics.policy_gradient_norm, self.config.max_gradient_norm) as f32;
        let rate = rate * self.config.policy_learning_rate;
        let Self { net, weights, adam, .. } = self;
        weights.change(net, &Team::default(), |parameters| {
            adam.step(parameters, gradient, scale, rate);
        });
        Ok(())
    }

    /// Fits V to soft returns, and Q to the soft returns without the own action's -alpha l.
    fn fit_values(
        &mut self,
        batch: &Rollouts,
        trajectories: &Trajectories<'_, f64>,
        rate: f64,
        metrics: &mut UpdateMetrics,
    ) -> Result<(), NonFinite> {
        let fit = Fit {
            updates: self.config.value_updates,
            learning_rate: rate * self.config.value_learning_rate,
        };
        let alpha = self.alpha();
        let mut targets = Vec::new();
        trajectories.rewards_to_go(alpha, self.config.gamma, &mut targets);
        if let Some(value) = &mut self.value {
            let fitted = value.fit(&batch.observations, &targets, None, fit);
            (metrics.value_loss, _) = fitted.ok_or(NonFinite { what: "the value's loss" })?;
            finite(value.is_finite(), "a parameter of the value")?;
        }
        let Some(critic) = &mut self.critic else { return Ok(()) };
        for (step, target) in targets.iter_mut().enumerate() {
            *target += alpha * trajectories.log_ratio(step);
        }
        let fitted = match &self.head {
            Head::Box(head) => {
                let (width, dimension) = (self.net.inputs(), head.action_dimension());
                let u = &batch.taken.u;
                let inputs = marginal::state_actions(&batch.observations, width, u, dimension);
                critic.fit(&inputs, &targets, None, fit)
            }
            Head::Choices(_) => {
                critic.fit(&batch.observations, &targets, Some(&batch.taken.choices), fit)
            }
        };
        (metrics.critic_loss, metrics.critic_gradient_norm) =
            fitted.ok_or(NonFinite { what: "the critic's loss" })?;
        finite(critic.is_finite(), "a parameter of the critic")
    }

    /// Refuses parameters that are not finite.
    ///
    /// # Errors
    /// The first network found with one.
    pub(crate) fn check_parameters(&self) -> Result<(), NonFinite> {
        finite(all_finite(self.weights.parameters()), "a parameter of the policy")?;
        let good = |net: &Option<Regressor>| net.as_ref().is_none_or(Regressor::is_finite);
        finite(good(&self.value) && good(&self.critic), "a parameter of a value network")
    }
}

fn finite(good: bool, what: &'static str) -> Result<(), NonFinite> {
    if good { Ok(()) } else { Err(NonFinite { what }) }
}

/// Plug-in estimates of both divergences between the policy's trajectories and the optimal ones, nats.
fn plug_in_kl(trajectories: &Trajectories<'_, f64>, alpha: f64) -> (f64, f64) {
    let count = trajectories.count();
    let log_weights: Vec<f64> = (0..count).map(|i| trajectories.log_weight(i, alpha)).collect();
    let mut weights = log_weights.clone();
    let log_mean = self_normalised_weights(&mut weights) - (count as f64).ln();
    let (mut forward, mut reverse) = (0.0, 0.0);
    for (weight, log_weight) in weights.into_iter().zip(log_weights) {
        forward += weight * (log_weight - log_mean);
        reverse -= (log_weight - log_mean) / count as f64;
    }
    (forward, reverse)
}

/// No trust region.
const FREE: TrustRegion<f64> = TrustRegion { mean: 0.0, scale: 0.0, choice: 0.0 };

#[cfg(test)]
mod tests {
    use super::*;
    use crate::estimator::trajectory::StateWeights;
    use crate::train::{Temperature, TrajectoryObjective};

    fn kl_of(reward: &[f64]) -> (f64, f64) {
        let offsets: Vec<usize> = (0..=reward.len()).collect();
        let trajectories = Trajectories {
            offsets: &offsets,
            log_pi: &vec![-0.7; reward.len()],
            log_pi_0: None,
            reward,
            value: None,
            final_value: None,
            terminated: &vec![true; reward.len()],
        };
        plug_in_kl(&trajectories, 0.5)
    }

    #[test]
    fn plug_in_divergences_are_those_of_the_weights() {
        // Weights 1/4 and 3/4.
        let (forward, reverse) = kl_of(&[0.0, 0.5 * 3.0f64.ln()]);
        assert!((forward - (0.25 * 0.5f64.ln() + 0.75 * 1.5f64.ln())).abs() < 1e-15);
        assert!((reverse + 0.5 * (0.5f64.ln() + 1.5f64.ln())).abs() < 1e-15);
        // A weight below the smallest number has a logarithm all the same.
        let (forward, reverse) = kl_of(&[0.0, -1000.0]);
        assert!((forward - 2.0f64.ln()).abs() < 1e-12, "{forward}");
        assert!((reverse - (1000.0 - 2.0f64.ln())).abs() < 1e-9, "{reverse}");
    }

    #[test]
    fn a_reward_that_is_no_number_shows_in_both_divergences() {
        let (forward, reverse) = kl_of(&[0.0, f64::NAN, 1.0]);
        assert!(forward.is_nan() && reverse.is_nan(), "{forward} {reverse}");
    }

    /// Two trajectories of one step, each with another choice, a reward of 1 and the state it began in.
    fn two_steps(terminated: bool) -> Rollouts {
        let (mut batch, state) = (Rollouts::new(1), [1.0]);
        for choice in [0, 1] {
            batch.push(&Played {
                observation: &state,
                chosen: &Chosen::Choice(choice),
                log_pi: 0.5f64.ln(),
                log_default: None,
                cell: None,
                reward: 1.0,
            });
            batch.end(terminated, &state);
        }
        batch
    }

    #[test]
    fn a_cut_off_trajectory_goes_on_in_the_values_of_actions() {
        for (objective, state_weights) in [
            (TrajectoryObjective::ReverseKlMarginal, StateWeights::Uniform),
            (TrajectoryObjective::ForwardKlMarginal, StateWeights::Uniform),
            (TrajectoryObjective::ForwardKlMarginal, StateWeights::FullTrajectory),
        ] {
            let mut config = TrajectoryConfig::defaults(objective, &Space::Discrete(2), None);
            (config.state_weights, config.gamma, config.hidden) = (state_weights, 0.5, vec![4]);
            config.temperature = Temperature::Fixed(1e-3);
            // 1 for ever, halved at each step, and 1 alone.
            for (terminated, value) in [(false, 2.0), (true, 1.0)] {
                let mut agent = TrajectoryAgent::new(&config, 1, &Space::Discrete(2));
                for _ in 0..60 {
                    agent.update(&two_steps(terminated), None, None, 1.0).unwrap();
                }
                let q = agent.critic.as_ref().unwrap().predict(&[1.0]);
                assert!(q.iter().all(|q| (q - value).abs() < 0.05), "{state_weights:?}: {q:?}");
            }
        }
    }
}
