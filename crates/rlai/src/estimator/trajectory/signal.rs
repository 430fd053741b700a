use super::Trajectories;
use crate::estimator::{TrustRegion, effective_sample_size, largest_weight};
use crate::nn::Scalar;

/// What a trajectory estimator asks of a distribution: the gradient of its loss is
/// `sum over all steps of score grad log pi(a_t|s_t)`, and the trust region's, mean over all steps.
#[derive(Clone, Debug, Default)]
pub struct TrajectorySignal<T> {
    /// Weight on each step's log pi, `[steps]`; every mean over trajectories is part of it.
    pub score: Vec<T>,
    /// The unreduced loss, `[M]`: the whole loss is their mean for reverse KL, their sum for weights
    /// that sum to one.
    pub loss: Vec<T>,
    /// Weights on the divergence from the old policy to the new one; none if the signal has no such
    /// term.
    pub trust_region: Option<TrustRegion<T>>,
    /// KL in nats of the estimator's own weights from uniform ones: what a dual of those weights
    /// (V-MPO's eta) is tuned by. Zero where an estimator has no such dual.
    pub weight_divergence: T,
    /// Effective sample size of the weights that the estimator uses; where it uses none, of the
    /// trajectories' importance weights, from 1 to M.
    pub effective_sample_size: T,
    /// The largest of the same weights.
    pub largest_weight: T,
    /// Scratch room: weights, or sums of rewards.
    pub(super) scratch: Vec<T>,
}

impl<T: Scalar> TrajectorySignal<T> {
    /// Makes room for `trajectories`, with everything zero.
    pub(super) fn start(&mut self, trajectories: &Trajectories<'_, T>) {
        self.score.clear();
        self.score.resize(trajectories.steps(), T::zero());
        self.loss.clear();
        self.loss.resize(trajectories.count(), T::zero());
        self.trust_region = None;
        self.weight_divergence = T::zero();
    }

    /// Reports weights that sum to one.
    pub(super) fn observe(&mut self, weights: &[T]) {
        self.effective_sample_size = effective_sample_size(weights);
        self.largest_weight = largest_weight(weights);
    }

    /// The self-normalised importance weights of all trajectories, `[M]`, which are also reported.
    pub(super) fn observe_trajectories(
        &mut self,
        trajectories: &Trajectories<'_, T>,
        alpha: T,
    ) -> Vec<T> {
        let mut weights = std::mem::take(&mut self.scratch);
        weights.clear();
        weights.extend((0..trajectories.count()).map(|i| trajectories.log_weight(i, alpha)));
        crate::estimator::self_normalised_weights(&mut weights);
        self.observe(&weights);
        weights
    }
}
