use serde::{Deserialize, Serialize};

/// What one update saw: means over its batch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UpdateMetrics {
    /// Half of the mean squared TD error, summed over both critics.
    pub critic_loss: f64,
    /// The estimator's loss.
    pub policy_loss: f64,
    /// The smaller critic's mean under the policy: at its draws, each with the weight with which it stands
    /// for the policy.
    pub q: f64,
    /// Entropy of the policy, -mean log pi, nats.
    pub entropy: f64,
    /// Divergence from the default policy, mean of log pi - log pi_0, nats.
    pub log_ratio: f64,
    /// Effective sample size of the N weights.
    pub effective_sample_size: f64,
    /// Largest of the N weights.
    pub largest_weight: f64,
    /// Plug-in estimate of KL(target || pi) from the weights, nats.
    pub forward_kl: f64,
    /// Plug-in estimate of KL(pi || target) from the weights, nats.
    pub reverse_kl: f64,
    /// Pareto k-hat of the weights, where it was asked for and could be estimated.
    pub pareto_k: Option<f64>,
    /// KL of the estimator's own weights from the particles' base weights, nats (MPO).
    pub weight_divergence: f64,
    /// KL(old policy || new policy), the part that moves the mean, nats (MPO).
    pub old_policy_kl_mean: f64,
    /// The part that changes the scale.
    pub old_policy_kl_scale: f64,
    /// The part of discrete choices.
    pub old_policy_kl_choice: f64,
    /// Half of the mean squared error of V (trajectories).
    pub value_loss: f64,
    /// Norm of both critics' gradient before clipping.
    pub critic_gradient_norm: f64,
    /// Norm of the policy's gradient before clipping.
    pub policy_gradient_norm: f64,
}

impl UpdateMetrics {
    /// Turns the sums that the two halves of a batch reported into means.
    pub(crate) fn scale_means(&mut self, batch: usize) {
        let states = batch as f64;
        self.policy_loss /= states;
        self.entropy /= states;
        self.log_ratio /= states;
        self.effective_sample_size /= states;
        self.largest_weight /= states;
        self.forward_kl /= states;
        self.reverse_kl /= states;
        self.weight_divergence /= states;
        self.old_policy_kl_mean /= states;
        self.old_policy_kl_scale /= states;
        self.old_policy_kl_choice /= states;
        self.q /= states;
    }

    /// Adds another update's, for means over several (but Pareto k-hat, which some updates lack).
    pub(crate) fn add(&mut self, other: &Self) {
        self.critic_loss += other.critic_loss;
        self.policy_loss += other.policy_loss;
        self.q += other.q;
        self.entropy += other.entropy;
        self.log_ratio += other.log_ratio;
        self.effective_sample_size += other.effective_sample_size;
        self.largest_weight += other.largest_weight;
        self.forward_kl += other.forward_kl;
        self.reverse_kl += other.reverse_kl;
        self.weight_divergence += other.weight_divergence;
        self.old_policy_kl_mean += other.old_policy_kl_mean;
        self.old_policy_kl_scale += other.old_policy_kl_scale;
        self.old_policy_kl_choice += other.old_policy_kl_choice;
        self.value_loss += other.value_loss;
        self.critic_gradient_norm += other.critic_gradient_norm;
        self.policy_gradient_norm += other.policy_gradient_norm;
    }
}
