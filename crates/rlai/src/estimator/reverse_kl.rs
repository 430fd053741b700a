//! Reverse KL, alpha KL(pi || exp(Q/alpha) pi_0 / Z): soft actor-critic's loss.

use super::{ActionEstimator, Needs, Particles, Signal};
use crate::nn::Scalar;

/// Pathwise gradient through reparameterised samples (R5; Haarnoja et al. 2018, eq. 9 there; paper
/// eq. 5 with its sign and temperature put right).
///
/// Loss a state: mean over the N samples of `alpha l - Q`.
#[derive(Clone, Copy, Debug, Default)]
pub struct ReverseKlReparameterised;

impl<T: Scalar> ActionEstimator<T> for ReverseKlReparameterised {
    fn name(&self) -> &'static str {
        "reverse-kl"
    }

    fn needs(&self) -> Needs {
        Needs { action_gradients: true, samples: 1 }
    }

    /// # Panics
    /// When the particles carry no action gradients; [`ActionEstimator::needs`] says so.
    fn signal(&self, particles: &Particles<'_, T>, alpha: T, signal: &mut Signal<T>) {
        let dq_du = particles.dq_du.expect("reverse-kl needs dQ/du");
        let dl_du = particles.dl_du.expect("reverse-kl needs dl/du");
        let share = T::one() / T::from_f64(particles.samples as f64);
        signal.has_action = true;
        signal.score.fill(alpha * share);
        for ((action, &dq), &dl) in signal.action.iter_mut().zip(dq_du).zip(dl_du) {
            *action = share * (alpha * dl - dq);
        }
        for state in 0..particles.states() {
            let range = particles.of_state(state);
            signal.loss[state] =
                range.map(|i| share * (alpha * particles.log_ratio(i) - particles.q[i])).sum();
            signal.diagnostics.observe(particles, state, alpha);
        }
    }
}

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
        Needs { action_gradients: false, samples: 2 }
    }

    fn signal(&self, particles: &Particles<'_, T>, alpha: T, signal: &mut Signal<T>) {
        let others = T::from_f64(particles.samples as f64 - 1.0);
        let loss_of = |i: usize| alpha * particles.log_ratio(i) - particles.q[i];
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
