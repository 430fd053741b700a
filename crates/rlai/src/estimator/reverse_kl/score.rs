use crate::estimator::{ActionEstimator, Duals, Needs, Particles, Signal};
use crate::nn::Scalar;

/// Score-function gradient with a leave-one-out baseline (R3; baseline: Kool et al. 2019).
///
/// Weight on log pi_k: `exp(b_k) (f_k - mean of f over the others)`, `f = alpha l - Q`. The baseline
/// does not depend on the particle it is subtracted from, so it adds no bias; it needs N >= 2.
#[derive(Clone, Copy, Debug, Default)]
pub struct ReverseKlScore;

impl<T: Scalar> ActionEstimator<T> for ReverseKlScore {
    fn name(&self) -> &'static str {
        "reverse-kl-score"
    }

    fn needs(&self) -> Needs {
        Needs { samples: 2, ..Needs::default() }
    }

    fn signal(&self, particles: &Particles<'_, T>, duals: &Duals<T>, signal: &mut Signal<T>) {
        let alpha = duals.alpha;
        let others = T::from_f64(particles.samples as f64 - 1.0);
        let loss_of = |i: usize| particles.soft_loss(i, alpha);
        signal.has_action = false;
        for state in 0..particles.states() {
            let total: T = particles.of_state(state).map(loss_of).sum();
            let mut loss = T::zero();
            for i in particles.of_state(state) {
                let baseline = (total - loss_of(i)) / others;
                let base = particles.log_base[i].exp();
                signal.score[i] = base * (loss_of(i) - baseline);
                loss += base * loss_of(i);
            }
            signal.loss[state] = loss;
            signal.diagnostics.observe(particles, state, alpha);
        }
    }
}
