//! Exact gradients of divergences between the optimal action and the policy's, state by state.

use super::{Tabular, TabularSettings, TabularStateWeights, TabularSubject};
use crate::estimator::{Divergence, self_normalised_weights};

/// The divergences, with their shares, whose gradient an estimator has as its target; none where the
/// target is a divergence between trajectories.
pub(super) fn divergences(settings: &TabularSettings) -> Option<Vec<(Divergence, f64)>> {
    match settings.estimator {
        Tabular::JensenShannon => Some(vec![(Divergence::JensenShannon, 1.0)]),
        Tabular::AlphaDivergence => Some(vec![(Divergence::Alpha(settings.order), 1.0)]),
        Tabular::MixedKl => Some(vec![
            (Divergence::ForwardKl, settings.share),
            (Divergence::ReverseKl, 1.0 - settings.share),
        ]),
        _ => None,
    }
}

/// `sum_t sum_s d_t(s) grad sum_i share_i D_i(p*_t(.|s), pi(.|s))` `[S A]`, where `p*_t` is proportional
/// to `pi_0 exp(Q_t/alpha)`. With `g_a = pi_a f'(pi_a/p_a)` the gradient with respect to a logit is
/// `g_a - pi_a sum_b g_b`.
pub(super) fn of_actions(subject: &TabularSubject, divergences: &[(Divergence, f64)]) -> Vec<f64> {
    let process = &subject.process;
    let actions = process.actions();
    let uniform = subject.settings.state_weights == TabularStateWeights::Uniform;
    let states = if uniform { &subject.marginals } else { &subject.posterior };
    let mut gradient = vec![0.0; process.states() * actions];
    for t in 0..process.horizon() {
        for s in 0..process.states() {
            let log_target =
                |a: usize| process.log_pi_0(s, a) + subject.critic[[t, s, a]] / process.alpha();
            // The target itself may be 0 where its logarithm is far from infinite.
            let log_targets: Vec<f64> = (0..actions).map(log_target).collect();
            let log_sum = self_normalised_weights(&mut log_targets.clone());
            let slope = |a: usize| -> f64 {
                let log_pi = process.log_pi(s, a);
                let log_ratio = log_targets[a] - log_sum - log_pi;
                divergences.iter().map(|(d, share)| share * d.weight(log_pi, log_ratio)).sum()
            };
            let slopes: Vec<f64> = (0..actions).map(slope).collect();
            let total: f64 = slopes.iter().sum();
            for (a, slope) in slopes.iter().enumerate() {
                gradient[s * actions + a] += states[[t, s]] * (slope - process.pi(s, a) * total);
            }
        }
    }
    gradient
}
