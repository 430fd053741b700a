use super::UpdateMetrics;
use super::actor::{Actor, room_for};
use super::default_policy::{DefaultPolicy, DefaultRoom};
use super::drawing::{Drawing, Known};
use super::next_values::NextValues;
use super::valuing::Valuing;
use crate::critic::{Networks, TwinCritic};
use crate::distribution::Draws;
use crate::estimator::{ActionEstimator, Duals, Particles, Signal, TrustRegion};
use crate::nn::{Activations, Buffer, Scalar, Team, norm, zeros};
use crate::random::{Key, Stream, StreamState};
use crate::train::TrainConfig;

/// Half of a batch on its way through the policy's update. The halves are the same with one thread and
/// with two, and their gradients are added in one order, so that the number of threads changes no bit.
pub(super) struct Shard<T> {
    states: usize,
    noise: Stream,
    room: Activations<T>,
    draws: Draws<T>,
    drawing: Drawing<T>,
    values: Valuing<T>,
    q: Vec<T>,
    /// dQ/du of each action, `[B, N, A]`; empty when the estimator does not ask for it.
    dq_du: Vec<T>,
    /// dl/du of each action, `[B, N, A]`, where there is a default policy and it is asked for.
    dl_du: Vec<T>,
    default_room: Option<DefaultRoom<T>>,
    signal: Signal<T>,
    d_parameters: Buffer<T>,
    gradient: Buffer<T>,
    /// Sum over states of KL(old policy || new policy), where the signal holds it.
    old_policy_kl: TrustRegion<f64>,
    next: NextValues<T>,
}

/// What an update looks at and does not change.
#[derive(Clone, Copy)]
pub(super) struct Networked<'a, T: Scalar> {
    pub(super) actor: &'a Actor<T>,
    pub(super) critic: &'a TwinCritic<T>,
    pub(super) default_policy: &'a DefaultPolicy<T>,
}

impl<T: Scalar> Shard<T> {
    pub(super) fn new(
        index: u64,
        states: usize,
        config: &TrainConfig,
        estimator: &dyn ActionEstimator<T>,
        networks: Networked<'_, T>,
        key: &Key,
    ) -> Self {
        let Networked { actor, critic, default_policy } = networks;
        let (particles, shape) = (config.particles(), actor.head.shape());
        let mut signal = Signal::new(states, particles, shape.coordinates);
        if config.pareto_k {
            signal.diagnostics = signal.diagnostics.with_pareto_k();
        }
        signal.state_weight.fill(T::from_f64(1.0 / config.batch as f64));
        let wanted = estimator.needs().action_gradients;
        let gradients = if wanted { states * particles * shape.coordinates } else { 0 };
        let default_room = default_policy.room(states, particles);
        let dl_du = if default_room.is_some() { gradients } else { 0 };
        Self {
            states,
            noise: key.indexed_stream("update noise", index),
            room: actor.net.activations(states),
            draws: room_for(&actor.head, states, particles),
            drawing: Drawing::new(states, config, actor, critic),
            values: Valuing::new(critic, shape, states, particles),
            q: vec![T::zero(); states * particles],
            dq_du: vec![T::zero(); gradients],
            dl_du: vec![T::zero(); dl_du],
            default_room,
            signal,
            d_parameters: zeros(states * actor.head.parameters_per_state()),
            gradient: zeros(actor.net.parameter_count()),
            old_policy_kl: TrustRegion::zero(),
            next: NextValues::new(states, config, networks),
        }
    }

    /// The stream of its noise.
    pub(super) fn noise(&mut self) -> &mut Stream {
        &mut self.noise
    }

    pub(super) fn noise_state(&self) -> StreamState {
        self.noise.state()
    }

    pub(super) fn states(&self) -> usize {
        self.states
    }

    /// Draws an action at each next state, writes its features into the last columns of `input`,
    /// `[B, O + F]`, and its l = log pi - log pi_0 into `log_ratio`.
    pub(super) fn next_actions(
        &mut self,
        networks: Networked<'_, T>,
        observations: (&[T], &[T]),
        input: &mut [T],
        log_ratio: &mut [T],
    ) {
        let (room, noise) = (&mut self.room, &mut self.noise);
        self.next.actions(networks, observations, room, noise, input, log_ratio);
    }

    /// The value of each next state under the target critics, `[B]`.
    pub(super) fn next_values(
        &mut self,
        networks: Networked<'_, T>,
        alpha: T,
        observations: (&[T], &[T]),
        values: &mut [T],
    ) {
        let (room, noise) = (&mut self.room, &mut self.noise);
        self.next.values(networks, alpha, observations, room, noise, values);
    }

    /// First of three passes of the policy's update: states to parameters to actions.
    pub(super) fn draw(&mut self, networks: Networked<'_, T>, known: &Known<'_, T>) {
        let Networked { actor, critic, .. } = networks;
        actor.net.forward(actor.parameters(), known.states, &mut self.room);
        let (policy, draws) = (self.room.output(), &mut self.draws);
        self.drawing.draw(actor, critic, known, policy, &mut self.noise, draws);
        if self.default_room.is_some() {
            // Of the same rounded u as log pi_0: for a narrow policy the noise itself is another point.
            actor.head.evaluate(policy, draws);
        }
    }

    /// Second pass: actions to values.
    pub(super) fn value(&mut self, networks: Networked<'_, T>, known: &Known<'_, T>, team: &Team) {
        let dq_da = (!self.dq_du.is_empty()).then_some(&mut self.dq_du[..]);
        let (critic, current) = (networks.critic, Networks::Current);
        let (draws, q) = (&self.draws, &mut self.q);
        self.values.value(team, critic, current, known.states, draws, q, dq_da);
        if networks.actor.head.is_squashed() {
            self.draws.through_tanh(&mut self.dq_du);
        }
    }

    /// Third pass: values to signal, and back to this half's part of the gradient of the policy's weights.
    pub(super) fn learn(
        &mut self,
        networks: Networked<'_, T>,
        estimator: &dyn ActionEstimator<T>,
        duals: &Duals<T>,
        known: &Known<'_, T>,
    ) {
        let actor = networks.actor;
        self.look_at_default_policy(networks, known);
        let policy = self.room.output();
        let wants_gradient = !self.dq_du.is_empty();
        let dl_du = if self.dl_du.is_empty() { &self.draws.dlog_pi_du } else { &self.dl_du };
        let particles = Particles {
            samples: self.signal.samples(),
            origins: self.drawing.origins(),
            log_pi: &self.draws.log_pi,
            log_pi_0: self.default_room.as_ref().map(|room| &room.log_pi_0[..]),
            log_base: self.drawing.log_base(),
            q: &self.q,
            dq_du: wants_gradient.then_some(&self.dq_du[..]),
            dl_du: wants_gradient.then_some(&dl_du[..]),
            value: None,
        };
        estimator.signal(&particles, duals, &mut self.signal);
        actor.head.backward(policy, &self.draws, &self.signal, &mut self.d_parameters);
        self.hold_to_old_policy(actor);
        let (d_output, gradient) = (&self.d_parameters, &mut self.gradient);
        actor.net.backward(actor.weights(), known.states, d_output, gradient, &mut self.room);
    }

    /// What the default policy, if there is one, says of the draws.
    fn look_at_default_policy(&mut self, networks: Networked<'_, T>, known: &Known<'_, T>) {
        let squashed = networks.actor.head.is_squashed();
        if let Some(room) = &mut self.default_room {
            if !self.dl_du.is_empty() {
                self.dl_du.copy_from_slice(&self.draws.dlog_pi_du);
            }
            let (states, draws) = ((known.states, known.raw_states), &self.draws);
            let default_policy = networks.default_policy;
            default_policy.evaluate(room, states, draws, squashed, &mut self.dl_du);
        }
    }

    /// Adds the trust region's gradient, if the signal has one, and measures the divergences it weighs.
    fn hold_to_old_policy(&mut self, actor: &Actor<T>) {
        let (Some(weights), Some(old)) = (self.signal.trust_region, self.drawing.old_parameters())
        else {
            return;
        };
        let (head, new) = (&*actor.head, self.room.output());
        let state_weight = &self.signal.state_weight;
        head.add_kl_gradient(old, new, weights, state_weight, &mut self.d_parameters);
        let width = head.parameters_per_state();
        self.old_policy_kl = TrustRegion::zero();
        for (old, new) in old.chunks_exact(width).zip(new.chunks_exact(width)) {
            let kl = head.kl_from(old, new);
            self.old_policy_kl.mean += kl.mean.widen();
            self.old_policy_kl.scale += kl.scale.widen();
            self.old_policy_kl.choice += kl.choice.widen();
        }
    }

    /// Adds up both shards' gradients, a half of the parameters each: that of the first parameters is then this
    /// shard's, that of the others the other's, so that no thread writes what the other wrote. Gives the norm.
    pub(super) fn share_gradients(&mut self, other: &mut Self, team: &Team) -> f64 {
        let middle = self.gradient.len() / 2;
        let (low, high) = self.gradient.split_at_mut(middle);
        let (other_low, other_high) = other.gradient.split_at_mut(middle);
        let (low, high) = team.both(|| add(low, other_low), || add(other_high, high));
        low.hypot(high)
    }

    /// The halves of the sum that [`Shard::share_gradients`] left.
    pub(super) fn summed_gradient<'a>(&'a self, other: &'a Self) -> (&'a [T], &'a [T]) {
        let middle = self.gradient.len() / 2;
        (&self.gradient[..middle], &other.gradient[middle..])
    }

    #[cfg(test)]
    pub(super) fn gradient(&self) -> &[T] {
        &self.gradient
    }

    /// Sum of Pareto k-hat over the states in which it could be estimated, and their number.
    pub(super) fn pareto_k(&self) -> (f64, usize) {
        let known = self.signal.diagnostics.pareto_k.iter().filter(|k| !k.is_nan());
        known.fold((0.0, 0), |(sum, count), k| (sum + k.widen(), count + 1))
    }

    /// Sum over states of the critic's mean under the policy.
    fn mean_values(&self) -> f64 {
        let samples = self.signal.samples();
        let rows = self.q.chunks_exact(samples).zip(self.drawing.log_base().chunks_exact(samples));
        let mean = |(q, log_base): (&[T], &[T])| {
            let weighted = q.iter().zip(log_base).fold((0.0, 0.0), |(sum, total), (q, b)| {
                let weight = b.widen().exp();
                (sum + if weight > 0.0 { weight * q.widen() } else { 0.0 }, total + weight)
            });
            weighted.0 / weighted.1
        };
        rows.map(mean).sum()
    }

    /// Adds this half's sums to `metrics`.
    pub(super) fn report(&self, metrics: &mut UpdateMetrics) {
        let sum = |values: &[T]| values.iter().map(|x| x.widen()).sum::<f64>();
        let diagnostics = &self.signal.diagnostics;
        metrics.policy_loss += sum(&self.signal.loss);
        metrics.entropy += sum(&diagnostics.entropy);
        metrics.log_ratio += sum(&diagnostics.log_ratio);
        metrics.effective_sample_size += sum(&diagnostics.effective_sample_size);
        metrics.largest_weight += sum(&diagnostics.largest_weight);
        metrics.forward_kl += sum(&diagnostics.forward_kl);
        metrics.reverse_kl += sum(&diagnostics.reverse_kl);
        metrics.weight_divergence += sum(&self.signal.weight_divergence);
        metrics.old_policy_kl_mean += self.old_policy_kl.mean;
        metrics.old_policy_kl_scale += self.old_policy_kl.scale;
        metrics.old_policy_kl_choice += self.old_policy_kl.choice;
        metrics.q += self.mean_values();
    }
}

/// Adds `part` to `sum`; returns the norm of what `sum` then is.
fn add<T: Scalar>(sum: &mut [T], part: &[T]) -> f64 {
    for (sum, &part) in sum.iter_mut().zip(part) {
        *sum += part;
    }
    norm(sum)
}

#[cfg(test)]
#[path = "shard_tests.rs"]
mod tests;
