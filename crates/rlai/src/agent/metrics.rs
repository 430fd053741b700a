/// What one update saw: means over its batch.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct UpdateMetrics {
    /// Half of the mean squared TD error, summed over both critics.
    pub critic_loss: f64,
    /// The estimator's loss.
    pub policy_loss: f64,
    /// The smaller critic at the policy's actions.
    pub q: f64,
    /// Entropy of the policy, -mean log pi, nats.
    pub entropy: f64,
    /// Effective sample size of the N weights.
    pub effective_sample_size: f64,
    /// Largest of the N weights.
    pub largest_weight: f64,
    /// Norm of both critics' gradient before clipping.
    pub critic_gradient_norm: f64,
    /// Norm of the policy's gradient before clipping.
    pub policy_gradient_norm: f64,
}

impl UpdateMetrics {
    /// Turns the sums that the two halves of a batch reported into means.
    pub(crate) fn scale_means(&mut self, batch: usize, samples: usize) {
        let states = batch as f64;
        self.policy_loss /= states;
        self.entropy /= states;
        self.effective_sample_size /= states;
        self.largest_weight /= states;
        self.q /= states * samples as f64;
    }

    /// Adds another update's, for means over several.
    pub(crate) fn add(&mut self, other: &Self) {
        self.critic_loss += other.critic_loss;
        self.policy_loss += other.policy_loss;
        self.q += other.q;
        self.entropy += other.entropy;
        self.effective_sample_size += other.effective_sample_size;
        self.largest_weight += other.largest_weight;
        self.critic_gradient_norm += other.critic_gradient_norm;
        self.policy_gradient_norm += other.policy_gradient_norm;
    }
}
