use serde::{Deserialize, Serialize};

use super::TrainingMetrics;
use crate::agent::UpdateMetrics;
use crate::checkpoint::Count;

/// Sums since the last line of metrics.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::train) struct Accumulator {
    updates: UpdateMetrics,
    #[serde(deserialize_with = "Count::read")]
    update_count: u64,
    pareto_k: f64,
    #[serde(deserialize_with = "Count::read")]
    pareto_k_count: u64,
    returns: f64,
    lengths: f64,
    #[serde(deserialize_with = "Count::read")]
    episodes: u64,
}

impl Accumulator {
    pub(super) fn update(&mut self, metrics: &UpdateMetrics) {
        self.updates.add(metrics);
        self.update_count += 1;
        if let Some(pareto_k) = metrics.pareto_k {
            self.pareto_k += pareto_k;
            self.pareto_k_count += 1;
        }
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
        line.default_policy_kl = mean(self.updates.log_ratio);
        line.effective_sample_size = mean(self.updates.effective_sample_size);
        line.largest_weight = mean(self.updates.largest_weight);
        line.forward_kl = mean(self.updates.forward_kl);
        line.reverse_kl = mean(self.updates.reverse_kl);
        line.pareto_k =
            (self.pareto_k_count > 0).then(|| self.pareto_k / self.pareto_k_count as f64);
        if line.eta.is_some() {
            line.weight_divergence = mean(self.updates.weight_divergence);
            line.old_policy_kl_mean = mean(self.updates.old_policy_kl_mean);
            line.old_policy_kl_scale = mean(self.updates.old_policy_kl_scale);
            line.old_policy_kl_choice = mean(self.updates.old_policy_kl_choice);
        }
        line.value_loss = mean(self.updates.value_loss);
        line.critic_gradient_norm = mean(self.updates.critic_gradient_norm);
        line.policy_gradient_norm = mean(self.updates.policy_gradient_norm);
        *self = Self::default();
    }
}
