use super::ForwardKl;
use crate::estimator::{ActionEstimator, Duals, Needs, Particles, Signal};
use crate::nn::Scalar;

/// Exact forward KL over all actions of a discrete policy (F5): the cross-entropy to
/// `p* = softmax(log pi_0 + Q/alpha)`, whose gradient with respect to logits is `pi - p*`. No sampling,
/// so neither bias nor variance.
#[derive(Clone, Copy, Debug, Default)]
pub struct ForwardKlAllActions;

impl<T: Scalar> ActionEstimator<T> for ForwardKlAllActions {
    fn name(&self) -> &'static str {
        "forward-kl-all-actions"
    }

    fn needs(&self) -> Needs {
        Needs { enumerated: true, ..Needs::default() }
    }

    /// # Panics
    /// When the particles are not all actions, enumerated; [`ActionEstimator::needs`] says so.
    fn signal(&self, particles: &Particles<'_, T>, duals: &Duals<T>, signal: &mut Signal<T>) {
        assert!(particles.is_enumerated(), "forward-kl-all-actions needs enumerated particles");
        ForwardKl::default().signal(particles, duals, signal);
    }
}
