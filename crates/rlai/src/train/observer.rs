//! What a run tells while it trains. Recorders and progress bars are observers; training knows none.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

/// Where the run stands, after every environment step.
#[derive(Clone, Copy, Debug, Default)]
pub struct Progress {
    /// Environment steps done.
    pub step: u64,
    /// Environment steps of the whole run.
    pub steps: u64,
    /// Mean return of the last ten finished training episodes.
    pub recent_return: Option<f64>,
}

/// Training episodes behind the return that the progress shows.
const RECENT_EPISODES: usize = 10;

/// Returns of the last training episodes.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct RecentReturns(VecDeque<f64>);

impl RecentReturns {
    /// An episode ended with this return.
    pub(super) fn push(&mut self, episode_return: f64) {
        if self.0.len() == RECENT_EPISODES {
            self.0.pop_front();
        }
        self.0.push_back(episode_return);
    }

    /// Where a run stands after `step` of `steps`.
    pub(super) fn progress(&self, step: u64, steps: u64) -> Progress {
        let count = self.0.len();
        let mean = self.0.iter().sum::<f64>() / count as f64;
        Progress { step, steps, recent_return: (count > 0).then_some(mean) }
    }
}

/// Means over the training steps since the last line; one line every `log_every` steps.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct TrainingMetrics {
    /// Environment steps done.
    pub step: u64,
    /// Updates done.
    pub updates: u64,
    /// Episodes finished since the start.
    pub episodes: u64,
    /// Mean return of the episodes finished since the last line.
    pub episode_return: Option<f64>,
    /// Mean length of those episodes.
    pub episode_length: Option<f64>,
    /// Transitions in replay.
    pub buffer: usize,
    /// Half of the mean squared TD error, summed over both critics.
    pub critic_loss: Option<f64>,
    /// The estimator's loss, mean over states.
    pub policy_loss: Option<f64>,
    /// Mean of the smaller critic at the policy's actions.
    pub q: Option<f64>,
    /// Temperature alpha; none where the objective and the critic's target know none.
    pub alpha: Option<f64>,
    /// Entropy of the policy, estimated as -mean log pi, nats.
    pub entropy: Option<f64>,
    /// Divergence KL(pi || pi_0) from the default policy, estimated as the mean of log pi - log pi_0, nats;
    /// none where the default policy is uniform.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub default_policy_kl: Option<f64>,
    /// Effective sample size of the N weights, from 1 to N, mean over states.
    pub effective_sample_size: Option<f64>,
    /// Largest of the N weights, mean over states.
    pub largest_weight: Option<f64>,
    /// Plug-in estimate of KL(target || pi), `sum w log(N w)`, at most log N, nats, mean over states.
    pub forward_kl: Option<f64>,
    /// Plug-in estimate of KL(pi || target), `-mean log(N w)`, nats, mean over states.
    pub reverse_kl: Option<f64>,
    /// Pareto k-hat of the weights, mean over the states in which it could be estimated.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pareto_k: Option<f64>,
    /// MPO: temperature of the weights.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub eta: Option<f64>,
    /// MPO: KL of the weights from uniform ones, nats.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub weight_divergence: Option<f64>,
    /// MPO: KL(old policy || new policy), the part that moves the mean, nats.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub old_policy_kl_mean: Option<f64>,
    /// MPO: the part that changes the scale, nats.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub old_policy_kl_scale: Option<f64>,
    /// MPO: the part of discrete choices, nats.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub old_policy_kl_choice: Option<f64>,
    /// Trajectories: half of the mean squared error of V against soft returns.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value_loss: Option<f64>,
    /// Small tabular tasks: exact KL(p(. | O) || q) of the policy's trajectories, nats.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exact_forward_kl: Option<f64>,
    /// Small tabular tasks: exact KL(q || p(. | O)), nats.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exact_reverse_kl: Option<f64>,
    /// Norm of the critics' gradient, before clipping.
    pub critic_gradient_norm: Option<f64>,
    /// Norm of the policy's gradient, before clipping.
    pub policy_gradient_norm: Option<f64>,
}

/// One evaluation: the policy's mode played for some episodes.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Evaluation {
    /// Environment steps of training done before it.
    pub step: u64,
    /// Mean return.
    pub return_mean: f64,
    /// Standard deviation over episodes (n - 1), zero for one episode.
    pub return_sd: f64,
    /// Mean length of an episode.
    pub length_mean: f64,
    /// Return of every episode.
    pub returns: Vec<f64>,
}

/// Something that listens to a run. An error stops the run.
pub trait Observer: Send {
    /// After every environment step; must be cheap.
    fn progress(&mut self, _progress: &Progress) {}

    /// Every `log_every` steps.
    ///
    /// # Errors
    /// When the line could not be kept.
    fn training(&mut self, _metrics: &TrainingMetrics) -> std::io::Result<()> {
        Ok(())
    }

    /// Every `evaluate_every` steps and at the end.
    ///
    /// # Errors
    /// When the line could not be kept.
    fn evaluation(&mut self, _evaluation: &Evaluation) -> std::io::Result<()> {
        Ok(())
    }

    /// Before the first step, every `checkpoint_every` steps and at the end: the moment to save the run.
    ///
    /// # Errors
    /// When it could not be saved.
    fn checkpoint(&mut self, _learner: &dyn super::Learner) -> std::io::Result<()> {
        Ok(())
    }
}

/// An observer that does not listen.
pub struct Silent;

impl Observer for Silent {}
