use super::UpdateMetrics;
use super::actor::Actor;
use crate::critic::{TwinCritic, ValueRoom};
use crate::distribution::Draws;
use crate::estimator::{ActionEstimator, Duals, Origin, Particles, Signal};
use crate::nn::{Activations, Scalar};
use crate::random::{Key, Stream};
use crate::train::TrainConfig;

/// Half of a batch on its way through the policy's update. The halves are the same with one thread and
/// with two, and their gradients are added in one order, so that the number of threads changes no bit.
pub(super) struct Shard<T> {
    states: usize,
    noise: Stream,
    room: Activations<T>,
    next_draws: Draws<T>,
    draws: Draws<T>,
    origins: Vec<Origin>,
    log_base: Vec<T>,
    values: ValueRoom<T>,
    q: Vec<T>,
    /// dQ/du of each action, `[B, N, A]`; empty when the estimator does not ask for it.
    dq_du: Vec<T>,
    signal: Signal<T>,
    d_parameters: Vec<T>,
    gradient: Vec<T>,
}

impl<T: Scalar> Shard<T> {
    pub(super) fn new(
        index: u64,
        states: usize,
        config: &TrainConfig,
        estimator: &dyn ActionEstimator<T>,
        actor: &Actor<T>,
        critic: &TwinCritic<T>,
        key: &Key,
    ) -> Self {
        let (samples, action) = (config.samples, actor.head.action_dimension());
        let mut signal = Signal::new(states, samples, action);
        signal.state_weight.fill(T::from_f64(1.0 / config.batch as f64));
        let gradients =
            if estimator.needs().action_gradients { states * samples * action } else { 0 };
        Self {
            states,
            noise: key.indexed_stream("update noise", index),
            room: actor.net.activations(states),
            next_draws: Draws::new(states, 1, action),
            draws: Draws::new(states, samples, action),
            origins: vec![Origin::Policy; samples],
            log_base: vec![T::from_f64(-(samples as f64).ln()); states * samples],
            values: critic.value_room(states, samples),
            q: vec![T::zero(); states * samples],
            dq_du: vec![T::zero(); gradients],
            signal,
            d_parameters: vec![T::zero(); states * actor.head.parameters_per_state()],
            gradient: vec![T::zero(); actor.net.parameter_count()],
        }
    }

    pub(super) fn states(&self) -> usize {
        self.states
    }

    /// Draws an action at each next state into the action columns of `input`, `[B, O + A]`, and its log
    /// density into `log_pi`.
    pub(super) fn next_actions(
        &mut self,
        actor: &Actor<T>,
        observations: &[T],
        input: &mut [T],
        log_pi: &mut [T],
    ) {
        actor.net.forward(actor.parameters(), observations, &mut self.room);
        self.noise.fill_normal(&mut self.next_draws.noise);
        actor.head.sample(self.room.output(), &mut self.next_draws);
        let dimension = actor.head.action_dimension();
        let width = input.len() / self.states;
        let actions = self.next_draws.action.chunks_exact(dimension);
        for (row, action) in input.chunks_exact_mut(width).zip(actions) {
            row[width - dimension..].copy_from_slice(action);
        }
        log_pi.copy_from_slice(&self.next_draws.log_pi);
    }

    /// This half's part of the gradient of the policy's weights: states to parameters to actions to
    /// values to signal, and back.
    pub(super) fn policy_gradient(
        &mut self,
        actor: &Actor<T>,
        critic: &TwinCritic<T>,
        estimator: &dyn ActionEstimator<T>,
        duals: &Duals<T>,
        states: &[T],
    ) {
        actor.net.forward(actor.parameters(), states, &mut self.room);
        self.noise.fill_normal(&mut self.draws.noise);
        actor.head.sample(self.room.output(), &mut self.draws);
        let wants_gradient = !self.dq_du.is_empty();
        let dq_da = wants_gradient.then_some(&mut self.dq_du[..]);
        critic.values(states, &self.draws.action, &mut self.values, &mut self.q, dq_da);
        self.draws.through_tanh(&mut self.dq_du);
        let particles = Particles {
            samples: self.signal.samples(),
            origins: &self.origins,
            log_pi: &self.draws.log_pi,
            log_pi_0: None,
            log_base: &self.log_base,
            q: &self.q,
            dq_du: wants_gradient.then_some(&self.dq_du[..]),
            dl_du: wants_gradient.then_some(&self.draws.dlog_pi_du[..]),
            value: None,
        };
        estimator.signal(&particles, duals, &mut self.signal);
        let parameters = self.room.output();
        actor.head.backward(parameters, &self.draws, &self.signal, &mut self.d_parameters);
        let (d_output, gradient) = (&self.d_parameters, &mut self.gradient);
        actor.net.backward(actor.parameters(), states, d_output, gradient, &mut self.room);
    }

    /// Adds the other half's gradient to this one's.
    pub(super) fn add_gradient_of(&mut self, other: &Self) {
        for (sum, &part) in self.gradient.iter_mut().zip(&other.gradient) {
            *sum += part;
        }
    }

    pub(super) fn gradient(&self) -> &[T] {
        &self.gradient
    }

    /// Adds this half's sums to `metrics`.
    pub(super) fn report(&self, metrics: &mut UpdateMetrics) {
        let sum = |values: &[T]| values.iter().map(|x| x.widen()).sum::<f64>();
        let diagnostics = &self.signal.diagnostics;
        metrics.policy_loss += sum(&self.signal.loss);
        metrics.entropy += sum(&diagnostics.entropy);
        metrics.effective_sample_size += sum(&diagnostics.effective_sample_size);
        metrics.largest_weight += sum(&diagnostics.largest_weight);
        metrics.q += sum(&self.q);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::agent::estimator_for;
    use crate::distribution::TanhNormal;
    use crate::train::Objective;

    const STATES: usize = 6;

    struct Setting {
        actor: Actor<f64>,
        critic: TwinCritic<f64>,
        shard: Shard<f64>,
        estimator: Box<dyn ActionEstimator<f64>>,
        observations: Vec<f64>,
    }

    fn setting(objective: Objective, samples: usize) -> Setting {
        let mut config = TrainConfig::defaults(objective, 2);
        (config.samples, config.batch, config.hidden) = (samples, STATES, vec![10, 8]);
        let key = Key::from_seed(9);
        let head = TanhNormal::new(2, config.log_std_min, config.log_std_max);
        let actor = Actor::new(3, head, &config.hidden, &key);
        let critic = TwinCritic::new(3, 2, &config.hidden, STATES, &key);
        let estimator = estimator_for(&config);
        let shard = Shard::new(0, STATES, &config, &*estimator, &actor, &critic, &key);
        let mut observations = vec![0.0; STATES * 3];
        key.stream("observations").fill_normal(&mut observations);
        Setting { actor, critic, shard, estimator, observations }
    }

    /// Compares the gradient of the weights with central differences of `loss`, which is given the
    /// setting as the gradient left it and other weights.
    fn check(mut setting: Setting, loss: impl Fn(&Setting, &[f64]) -> f64) {
        let Setting { actor, critic, shard, estimator, observations } = &mut setting;
        shard.policy_gradient(actor, critic, &**estimator, &Duals::temperature(0.3), observations);
        let gradient = setting.shard.gradient().to_vec();
        let parameters = setting.actor.parameters().to_vec();
        assert!(gradient.iter().filter(|g| g.abs() > 1e-6).count() > parameters.len() / 2);
        for i in 0..parameters.len() {
            let at = |h: f64| {
                let mut moved = parameters.clone();
                moved[i] += h;
                loss(&setting, &moved)
            };
            let numeric = (at(1e-6) - at(-1e-6)) / 2e-6;
            assert!((gradient[i] - numeric).abs() < 1e-8, "{i}: {} {numeric}", gradient[i]);
        }
    }

    /// The policy's parameters in every state, under other weights.
    fn outputs(setting: &Setting, weights: &[f64]) -> Vec<f64> {
        let mut room = setting.actor.net.activations(STATES);
        setting.actor.net.forward(weights, &setting.observations, &mut room);
        room.output().to_vec()
    }

    /// The same noise under other weights: samples move.
    fn moved_draws(setting: &Setting, weights: &[f64]) -> Draws<f64> {
        let mut draws = setting.shard.draws.clone();
        setting.actor.head.sample(&outputs(setting, weights), &mut draws);
        draws
    }

    /// The same samples under other weights: the noise that leads to them moves.
    fn frozen_log_pi(setting: &Setting, weights: &[f64]) -> Vec<f64> {
        let parameters = outputs(setting, weights);
        let mut draws = setting.shard.draws.clone();
        let samples = draws.log_pi.len() / STATES;
        for (i, noise) in draws.noise.iter_mut().enumerate() {
            let row = &parameters[i / (2 * samples) * 4..][..4];
            *noise = (draws.u[i] - row[i % 2]) / row[2 + i % 2].exp();
        }
        setting.actor.head.sample(&parameters, &mut draws);
        draws.log_pi
    }

    #[test]
    fn reverse_kl_differentiates_its_loss_through_samples_and_critic() {
        for samples in [1, 3] {
            check(setting(Objective::ReverseKl, samples), |setting, weights| {
                let draws = moved_draws(setting, weights);
                let mut q = vec![0.0; draws.log_pi.len()];
                let mut room = setting.critic.value_room(STATES, samples);
                let states = &setting.observations;
                setting.critic.values(states, &draws.action, &mut room, &mut q, None);
                let total: f64 = draws.log_pi.iter().zip(&q).map(|(l, q)| 0.3 * l - q).sum();
                total / q.len() as f64
            });
        }
    }

    #[test]
    fn score_forms_differentiate_log_pi_alone() {
        for objective in [Objective::ForwardKl, Objective::ReverseKlScore] {
            check(setting(objective, 5), |setting, weights| {
                let log_pi = frozen_log_pi(setting, weights);
                let scores = &setting.shard.signal.score;
                scores.iter().zip(&log_pi).map(|(s, l)| s * l).sum::<f64>() / STATES as f64
            });
        }
    }
}
