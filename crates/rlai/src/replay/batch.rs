/// B transitions side by side, row-major, ready for a network.
///
/// With n-step targets a transition spans up to n rewards; see [`super::ReplayBuffer::sample`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Batch {
    /// `[B, O]`: what was seen before the action.
    pub observations: Vec<f32>,
    /// `[B, A]`: the action taken.
    pub actions: Vec<f32>,
    /// `[B]`: log density of that action under the policy that took it.
    pub log_densities: Vec<f32>,
    /// `[B]`: discounted sum of the rewards spanned.
    pub rewards: Vec<f32>,
    /// `[B]`: `gamma^k (1 - terminated)` with k the number of rewards summed; what the value at the
    /// next observation is worth.
    pub discounts: Vec<f32>,
    /// `[B, O]`: what was seen after the last reward. Where the discount is 0 it stands for nothing and
    /// repeats the last observation before termination, so that it is always an ordinary number.
    pub next_observations: Vec<f32>,
}

impl Batch {
    /// Room for `size` transitions.
    pub fn new(size: usize, observation_dimension: usize, action_dimension: usize) -> Self {
        let mut batch = Self::default();
        batch.resize(size, observation_dimension, action_dimension);
        batch
    }

    /// Number of transitions.
    pub fn len(&self) -> usize {
        self.rewards.len()
    }

    /// Whether there are no transitions.
    pub fn is_empty(&self) -> bool {
        self.rewards.is_empty()
    }

    /// Makes room for exactly `size` transitions; allocates only when it grows.
    pub(super) fn resize(&mut self, size: usize, observation: usize, action: usize) {
        self.observations.resize(size * observation, 0.0);
        self.actions.resize(size * action, 0.0);
        self.log_densities.resize(size, 0.0);
        self.rewards.resize(size, 0.0);
        self.discounts.resize(size, 0.0);
        self.next_observations.resize(size * observation, 0.0);
    }
}
