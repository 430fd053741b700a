use crate::estimator::{ActionEstimator, Duals, Needs, Particles, Signal};
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
        Needs { action_gradients: true, own_samples: true, ..Needs::default() }
    }

    /// # Panics
    /// When the particles carry no action gradients; [`ActionEstimator::needs`] says so.
    fn signal(&self, particles: &Particles<'_, T>, duals: &Duals<T>, signal: &mut Signal<T>) {
        signal.restart();
        signal.score.fill(duals.alpha / T::from_f64(particles.samples as f64));
        write_path(particles, duals.alpha, signal);
    }
}

/// The part that flows through the actions, `(alpha dl/du - dQ/du)/N`, with loss and diagnostics.
pub(super) fn write_path<T: Scalar>(
    particles: &Particles<'_, T>,
    alpha: T,
    signal: &mut Signal<T>,
) {
    let dq_du = particles.dq_du.expect("a pathwise gradient needs dQ/du");
    let dl_du = particles.dl_du.expect("a pathwise gradient needs dl/du");
    let share = T::one() / T::from_f64(particles.samples as f64);
    signal.has_action = true;
    for ((action, &dq), &dl) in signal.action.iter_mut().zip(dq_du).zip(dl_du) {
        *action = share * (alpha * dl - dq);
    }
    for state in 0..particles.states() {
        let range = particles.of_state(state);
        signal.loss[state] = range.map(|i| share * particles.soft_loss(i, alpha)).sum();
        signal.diagnostics.observe(particles, state, alpha);
    }
}
