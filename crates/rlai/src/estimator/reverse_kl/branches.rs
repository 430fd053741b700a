use crate::estimator::{ActionEstimator, Duals, Needs, Particles, Signal};
use crate::nn::Scalar;

/// Reverse KL of a policy with branches, each of them with its own draws: no branch is left to chance.
///
/// The gradient of `alpha KL` is, with `f = alpha l - Q` and E_k the mean over branch k,
/// `p_k (E_k f - sum_j p_j E_j f)` in the logits and `p_k E_k[df/du grad u]` in the branch's own
/// parameters, l that of the whole policy (its marginal density, for a mixture). With N_k draws of branch k,
/// `b = log p_k - log N_k`, a draw weighs `exp(b) (f - sum exp(b) f)` on the log-probability of its
/// branch and `exp(b) df/du` on its path. The mean that is subtracted cancels exactly where every branch
/// has draws; it is there for the sake of rounding.
#[derive(Clone, Copy, Debug, Default)]
pub struct ReverseKlBranches;

impl<T: Scalar> ActionEstimator<T> for ReverseKlBranches {
    fn name(&self) -> &'static str {
        "reverse-kl-branches"
    }

    fn needs(&self) -> Needs {
        Needs { action_gradients: true, branches: true, ..Needs::default() }
    }

    /// # Panics
    /// When the particles carry no action gradients; [`ActionEstimator::needs`] says so.
    fn signal(&self, particles: &Particles<'_, T>, duals: &Duals<T>, signal: &mut Signal<T>) {
        let dq_du = particles.dq_du.expect("reverse-kl-branches needs dQ/du");
        let dl_du = particles.dl_du.expect("reverse-kl-branches needs dl/du");
        let (alpha, dimension) = (duals.alpha, dq_du.len() / particles.log_pi.len());
        signal.restart();
        (signal.has_choice, signal.has_action) = (true, true);
        signal.score.fill(T::zero());
        for state in 0..particles.states() {
            let base = |i: usize| particles.log_base[i].exp();
            let loss = |i: usize| particles.soft_loss(i, alpha);
            let mean = particles.of_state(state).map(|i| base(i) * loss(i)).sum();
            for i in particles.of_state(state) {
                signal.choice[i] = base(i) * (loss(i) - mean);
                for j in i * dimension..(i + 1) * dimension {
                    signal.action[j] = base(i) * (alpha * dl_du[j] - dq_du[j]);
                }
            }
            signal.loss[state] = mean;
            signal.diagnostics.observe(particles, state, alpha);
        }
    }
}
