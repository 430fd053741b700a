use super::reparameterised::write_path;
use crate::estimator::{ActionEstimator, Duals, Needs, Particles, Signal};
use crate::nn::Scalar;

/// Sticking the landing (Roeder, Wu and Duvenaud 2017): the pathwise gradient without its score term.
///
/// That term, `alpha E[grad log pi]`, has mean zero, and where the policy is the target the remaining
/// gradient is zero for every single sample. Far from the target it may also add variance.
#[derive(Clone, Copy, Debug, Default)]
pub struct ReverseKlStl;

impl<T: Scalar> ActionEstimator<T> for ReverseKlStl {
    fn name(&self) -> &'static str {
        "reverse-kl-stl"
    }

    fn needs(&self) -> Needs {
        Needs { action_gradients: true, own_samples: true, ..Needs::default() }
    }

    /// # Panics
    /// When the particles carry no action gradients; [`ActionEstimator::needs`] says so.
    fn signal(&self, particles: &Particles<'_, T>, duals: &Duals<T>, signal: &mut Signal<T>) {
        signal.restart();
        signal.score.fill(T::zero());
        write_path(particles, duals.alpha, signal);
    }
}
