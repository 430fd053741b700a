use crate::critic::clipping;
use crate::distribution::{Draws, TanhNormal};
use crate::nn::{Activations, Adam, Mlp, Scalar};
use crate::proposal::before_tanh;
use crate::random::{Key, Stream};

/// The policy network with its distribution and optimiser.
pub(super) struct Actor<T> {
    pub(super) net: Mlp,
    pub(super) head: TanhNormal,
    parameters: Vec<T>,
    adam: Adam<T>,
    /// Room for one state: acting.
    room: Activations<T>,
    draws: Draws<T>,
}

impl<T: Scalar> Actor<T> {
    pub(super) fn new(
        observation_dimension: usize,
        head: TanhNormal,
        hidden: &[usize],
        key: &Key,
    ) -> Self {
        let mut widths = vec![observation_dimension];
        widths.extend_from_slice(hidden);
        widths.push(head.parameters_per_state());
        let net = Mlp::new(&widths);
        let parameters = net.initialise(&mut key.stream("policy initialisation"));
        Self {
            adam: Adam::new(parameters.len()),
            room: net.activations(1),
            draws: Draws::new(1, 1, head.action_dimension()),
            net,
            head,
            parameters,
        }
    }

    pub(super) fn parameters(&self) -> &[T] {
        &self.parameters
    }

    pub(super) fn set_parameters(&mut self, parameters: Vec<T>) {
        self.parameters = parameters;
    }

    /// Draws one action; returns its log density as that of the action alone: far out the action does
    /// not tell how far, and whoever meets it in replay has nothing else.
    pub(super) fn act(&mut self, observation: &[T], noise: &mut Stream, action: &mut [T]) -> T {
        self.net.forward(&self.parameters, observation, &mut self.room);
        noise.fill_normal(&mut self.draws.noise);
        self.head.sample(self.room.output(), &mut self.draws);
        action.copy_from_slice(&self.draws.action);
        for (u, &action) in self.draws.u.iter_mut().zip(&*action) {
            *u = before_tanh(action);
        }
        self.head.log_density(self.room.output(), &self.draws.u)
    }

    /// Moves the parameters against `gradient`, whose norm is `norm`.
    pub(super) fn step(&mut self, gradient: &[T], norm: f64, largest: Option<f64>, rate: f64) {
        let scale = T::from_f64(clipping(norm, largest));
        self.adam.step(&mut self.parameters, gradient, scale, rate);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proposal::{MixtureSampler, Proposal, Replayed};

    /// In single precision an action beyond u = 9 is 1: an action taken there must still stand for the
    /// policy that took it with weight 1/N.
    #[test]
    fn an_action_taken_far_out_stands_for_the_policy_that_took_it() {
        let key = Key::from_seed(4);
        for mean in [0.0f32, 7.0, 9.0, 12.0] {
            let mut actor = Actor::new(1, TanhNormal::new(1, -20.0, 2.0), &[4], &key);
            let bias = actor.net.layers()[1].bias.clone();
            actor.parameters[bias].copy_from_slice(&[mean, -0.7]);
            let mut noise = key.stream("noise");
            let proposal = Proposal { replay: true, ..Proposal::default() };
            let mut sampler = MixtureSampler::new(&proposal, 2, 1).unwrap();
            let (mut draws, mut log_base) = (Draws::new(1, 2, 1), [0.0f32; 2]);
            for _ in 0..50 {
                let mut action = [0.0];
                let log_density = actor.act(&[0.0], &mut noise, &mut action);
                let taken = Replayed { actions: &action, log_density: &[log_density] };
                let policy = actor.room.output();
                let (head, taken) = (&actor.head, Some(taken));
                sampler.draw(head, policy, None, taken, &mut noise, &mut draws, &mut log_base);
                assert!((log_base[0] - 0.5f32.ln()).abs() < 1e-4, "{mean}: {}", log_base[0]);
            }
        }
    }
}
