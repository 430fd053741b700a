use crate::critic::clipping;
use crate::distribution::{Draws, TanhNormal};
use crate::nn::{Activations, Adam, Mlp, Scalar};
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

    /// Draws one action; returns its log density.
    pub(super) fn act(&mut self, observation: &[T], noise: &mut Stream, action: &mut [T]) -> T {
        self.net.forward(&self.parameters, observation, &mut self.room);
        noise.fill_normal(&mut self.draws.noise);
        self.head.sample(self.room.output(), &mut self.draws);
        action.copy_from_slice(&self.draws.action);
        self.draws.log_pi[0]
    }

    /// Moves the parameters against `gradient`, whose norm is `norm`.
    pub(super) fn step(&mut self, gradient: &[T], norm: f64, largest: Option<f64>, rate: f64) {
        let scale = T::from_f64(clipping(norm, largest));
        self.adam.step(&mut self.parameters, gradient, scale, rate);
    }
}
