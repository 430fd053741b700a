use super::TrainingMetrics;

/// What one update saw: means over its batch.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct UpdateMetrics {
    /// Half of the mean squared TD error, summed over both critics.
    pub critic_loss: f64,
    /// The estimator's loss.
    pub policy_loss: f64,
    /// The smaller critic at the policy's actions.
    pub q: f64,
    /// Temperature that the update used.
    pub alpha: f64,
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

    fn add(&mut self, other: &Self) {
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

/// Sums since the last line of metrics.
#[derive(Clone, Debug, Default)]
pub(super) struct Accumulator {
    updates: UpdateMetrics,
    update_count: u64,
    returns: f64,
    lengths: f64,
    episodes: u64,
}

impl Accumulator {
    pub(super) fn update(&mut self, metrics: &UpdateMetrics) {
        self.updates.add(metrics);
        self.update_count += 1;
    }

    pub(super) fn episode(&mut self, episode_return: f64, length: u64) {
        self.returns += episode_return;
        self.lengths += length as f64;
        self.episodes += 1;
    }

    /// The line of means, into `line`, whose counters the caller set; starts anew.
    pub(super) fn drain_into(&mut self, line: &mut TrainingMetrics) {
        let episode_mean = |sum: f64| (self.episodes > 0).then(|| sum / self.episodes as f64);
        let mean = |sum: f64| (self.update_count > 0).then(|| sum / self.update_count as f64);
        line.episode_return = episode_mean(self.returns);
        line.episode_length = episode_mean(self.lengths);
        line.critic_loss = mean(self.updates.critic_loss);
        line.policy_loss = mean(self.updates.policy_loss);
        line.q = mean(self.updates.q);
        line.entropy = mean(self.updates.entropy);
        line.effective_sample_size = mean(self.updates.effective_sample_size);
        line.largest_weight = mean(self.updates.largest_weight);
        line.critic_gradient_norm = mean(self.updates.critic_gradient_norm);
        line.policy_gradient_norm = mean(self.updates.policy_gradient_norm);
        *self = Self::default();
    }
}
