use super::weights::effective_sample_size;
use super::{Particles, self_normalised_weights};
use crate::nn::Scalar;

/// What the importance weights `softmax(b + Q/alpha - l)` of each state look like. Every estimator
/// reports them, whether it uses the weights or not: they tell how far the policy is from its target.
#[derive(Clone, Debug)]
pub struct Diagnostics<T> {
    /// `1 / sum w^2`, `[B]`, from 1 to N.
    pub effective_sample_size: Vec<T>,
    /// The largest weight, `[B]`.
    pub largest_weight: Vec<T>,
    /// Estimated entropy of the policy, `-sum exp(b) log pi`, `[B]`, nats.
    pub entropy: Vec<T>,
    /// The weights of the last state looked at: scratch room, `[N]`.
    weights: Vec<T>,
}

impl<T: Scalar> Diagnostics<T> {
    /// Room for `states` states of `samples` particles.
    pub fn new(states: usize, samples: usize) -> Self {
        let per_state = || vec![T::zero(); states];
        Self {
            effective_sample_size: per_state(),
            largest_weight: per_state(),
            entropy: per_state(),
            weights: vec![T::zero(); samples],
        }
    }

    /// Looks at one state; returns its weights, `[N]`.
    pub(super) fn observe(&mut self, particles: &Particles<'_, T>, state: usize, alpha: T) -> &[T] {
        let range = particles.of_state(state);
        let mut entropy = T::zero();
        for (weight, i) in self.weights.iter_mut().zip(range) {
            *weight = particles.log_weight(i, alpha);
            entropy -= particles.log_base[i].exp() * particles.log_pi[i];
        }
        self_normalised_weights(&mut self.weights);
        self.entropy[state] = entropy;
        self.effective_sample_size[state] = effective_sample_size(&self.weights);
        self.largest_weight[state] = self.weights.iter().copied().fold(T::zero(), T::max);
        &self.weights
    }
}
