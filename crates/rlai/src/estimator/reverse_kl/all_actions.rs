use super::score::{baseline, write_score};
use crate::estimator::{ActionEstimator, Duals, Needs, Particles, Signal};
use crate::nn::Scalar;

/// Exact gradient over all actions of a discrete policy (R4; Christodoulou 2019, discrete soft
/// actor-critic): `pi_k (alpha l_k - Q_k + V)`, `V = sum_j pi_j (Q_j - alpha l_j)`.
///
/// The baseline is the same for all actions. A leave-one-out mean would not do: it depends on the action
/// it is subtracted from, and would scale the gradient by K/(K-1).
#[derive(Clone, Copy, Debug, Default)]
pub struct ReverseKlAllActions;

impl<T: Scalar> ActionEstimator<T> for ReverseKlAllActions {
    fn name(&self) -> &'static str {
        "reverse-kl-all-actions"
    }

    fn needs(&self) -> Needs {
        Needs { enumerated: true, ..Needs::default() }
    }

    /// # Panics
    /// When the particles are not all actions, enumerated; [`ActionEstimator::needs`] says so.
    fn signal(&self, particles: &Particles<'_, T>, duals: &Duals<T>, signal: &mut Signal<T>) {
        assert!(particles.is_enumerated(), "reverse-kl-all-actions needs enumerated particles");
        signal.restart();
        for state in 0..particles.states() {
            let baseline = baseline(particles, state, duals.alpha);
            write_score(particles, state, duals.alpha, baseline, signal);
        }
    }
}
