use super::exploration::Explorer;
use crate::critic::clipping;
use crate::distribution::{Draws, Head, SharedHead};
use crate::nn::{Activations, Adam, Mlp, Scalar, Team, Weights};
use crate::proposal::before_tanh;
use crate::random::{Key, Stream};

/// Weights of the last layer, as a share of their usual size, of a policy that starts with told numbers:
/// small enough to be the same in every state, large enough to learn from.
const QUIET: f64 = 0.01;

/// The policy network with its distribution and optimiser.
pub(super) struct Actor<T> {
    pub(super) net: Mlp,
    pub(super) head: SharedHead<T>,
    weights: Weights<T>,
    adam: Adam<T>,
    /// Room for one state: acting.
    room: Activations<T>,
    draws: Draws<T>,
    /// How often the last action is still to be played.
    repeats_left: usize,
}

impl<T: Scalar> Actor<T> {
    pub(super) fn new(
        observation_dimension: usize,
        head: SharedHead<T>,
        hidden: &[usize],
        start: Option<(f64, f64)>,
        key: &Key,
    ) -> Self {
        let mut widths = vec![observation_dimension];
        widths.extend_from_slice(hidden);
        widths.push(head.parameters_per_state());
        let net = Mlp::new(&widths);
        let mut parameters = net.initialise(&mut key.stream("policy initialisation"));
        if let Some(wanted) = start.and_then(|(mean, log_std)| head.starting_at(mean, log_std)) {
            let last = net.layers().last().expect("a network has a layer");
            for weight in &mut parameters[last.weights.clone()] {
                *weight *= T::from_f64(QUIET);
            }
            parameters[last.bias.clone()].copy_from_slice(&wanted);
        }
        Self {
            adam: Adam::new(parameters.len()),
            room: net.activations(1),
            draws: room_for(&head, 1, 1),
            repeats_left: 0,
            weights: Weights::new(&net, &parameters),
            net,
            head,
        }
    }

    pub(super) fn parameters(&self) -> &[T] {
        self.weights.parameters()
    }

    pub(super) fn weights(&self) -> &Weights<T> {
        &self.weights
    }

    pub(super) fn set_parameters(&mut self, parameters: &[T]) {
        self.weights = Weights::new(&self.net, parameters);
    }

    pub(super) fn adam(&self) -> &Adam<T> {
        &self.adam
    }

    pub(super) fn adam_mut(&mut self) -> &mut Adam<T> {
        &mut self.adam
    }

    pub(super) fn repeats_left(&self) -> usize {
        self.repeats_left
    }

    pub(super) fn set_repeats_left(&mut self, steps: usize) {
        self.repeats_left = steps;
    }

    /// An episode begins: no action is left over.
    pub(super) fn restart(&mut self) {
        self.repeats_left = 0;
    }

    /// Whether the last action is to be played once more; counts it.
    pub(super) fn repeats_last(&mut self) -> bool {
        let repeats = self.repeats_left > 0;
        self.repeats_left -= usize::from(repeats);
        repeats
    }

    /// A new action is about to be drawn.
    pub(super) fn count_repeats(&mut self, explorer: &Explorer) {
        self.repeats_left = explorer.repeats() - 1;
    }

    /// Draws one action, or repeats the last, as it is stored; returns its log density as that of the
    /// stored action alone: far out the action does not tell how far, and whoever meets it in replay has
    /// nothing else.
    pub(super) fn act(
        &mut self,
        observation: &[T],
        explorer: &mut Explorer,
        noise: &mut Stream,
        stored: &mut [T],
    ) -> T {
        let repeats = self.repeats_last();
        if !repeats {
            self.count_repeats(explorer);
        }
        let Self { net, head, weights, room, draws, .. } = self;
        net.forward(weights.parameters(), observation, room);
        if !repeats {
            if explorer.is_coloured() {
                head.choose(room.output(), noise, draws);
                explorer.next(noise, &mut draws.noise);
                head.place(room.output(), draws);
            } else {
                head.draw(room.output(), noise, draws);
            }
            head.shape().write_stored(&draws.choices, &draws.action, stored);
        }
        take(&**head, stored, draws, 0);
        head.evaluate(room.output(), draws);
        draws.log_pi[0]
    }

    /// Moves the parameters against `gradient`, in two halves, whose norm is `norm`.
    pub(super) fn step(
        &mut self,
        gradient: (&[T], &[T]),
        norm: f64,
        largest: Option<f64>,
        rate: f64,
        team: &Team,
    ) {
        let scale = T::from_f64(clipping(norm, largest));
        let Self { net, weights, adam, .. } = self;
        weights.change(net, team, |parameters| {
            adam.step_by(team, parameters, gradient, scale, rate);
        });
    }
}

/// Room for `samples` draws of this distribution in each of `states` states.
pub(super) fn room_for<T: Scalar>(head: &SharedHead<T>, states: usize, samples: usize) -> Draws<T> {
    let coordinates = head.shape().coordinates;
    Draws::with_choices(states, samples, coordinates, head.choices_per_draw())
}

/// Puts a stored action in the place of the `at`-th draw: its choices, if it has any, and `u`.
pub(super) fn take<T: Scalar>(head: &dyn Head<T>, stored: &[T], draws: &mut Draws<T>, at: usize) {
    let (factors, dimension) = (head.shape().factors.len(), head.shape().coordinates);
    let choices = &mut draws.choices[at * factors..(at + 1) * factors];
    let coordinates = head.shape().read_stored(stored, choices);
    for (u, &action) in draws.u[at * dimension..(at + 1) * dimension].iter_mut().zip(coordinates) {
        *u = if head.is_squashed() { before_tanh(action) } else { action };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::distribution::TanhNormal;
    use crate::proposal::{MixtureSampler, Proposal, Replayed};
    use crate::train::ExplorationNoise;
    use std::sync::Arc;

    /// In single precision an action beyond u = 9 is 1: an action taken there must still stand for the
    /// policy that took it with weight 1/N.
    #[test]
    fn an_action_taken_far_out_stands_for_the_policy_that_took_it() {
        let key = Key::from_seed(4);
        for mean in [0.0f32, 7.0, 9.0, 12.0] {
            let tanh_normal = TanhNormal::new(1, -20.0, 2.0);
            let shared = Arc::new(tanh_normal.clone());
            let mut actor = Actor::new(1, shared, &[4], None, &key);
            let mut explorer = Explorer::new(ExplorationNoise::White, 1);
            let bias = actor.net.layers()[1].bias.clone();
            let start = |parameters: &mut [f32]| parameters[bias].copy_from_slice(&[mean, -0.7]);
            actor.weights.change(&actor.net, &Team::default(), start);
            let mut noise = key.stream("noise");
            let proposal = Proposal { replay: true, ..Proposal::default() };
            let mut sampler = MixtureSampler::new(&proposal, 2, 1).unwrap();
            let (mut draws, mut log_base) = (Draws::new(1, 2, 1), [0.0f32; 2]);
            for _ in 0..50 {
                let mut action = [0.0];
                let log_density = actor.act(&[0.0], &mut explorer, &mut noise, &mut action);
                let taken = Replayed { actions: &action, log_density: &[log_density] };
                let policy = actor.room.output();
                let (head, taken) = (&tanh_normal, Some(taken));
                sampler.draw(head, policy, None, taken, &mut noise, &mut draws, &mut log_base);
                assert!((log_base[0] - 0.5f32.ln()).abs() < 1e-4, "{mean}: {}", log_base[0]);
            }
        }
    }
}
