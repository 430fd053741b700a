use super::score::write_score;
use crate::estimator::{ActionEstimator, Duals, Needs, Particles, Signal};
use crate::nn::Scalar;

/// Score-function gradient with the state's value as its baseline: `exp(b_k) (alpha l_k - Q_k + V)`.
///
/// V = E_pi[Q - alpha l] comes from outside of the particles, exact or learned, so it adds no bias,
/// whatever its error, and one particle a state is enough. An average over the same particles would be
/// biased: for that there is [`ReverseKlScore`](super::ReverseKlScore).
#[derive(Clone, Copy, Debug, Default)]
pub struct ReverseKlValueBaseline;

impl<T: Scalar> ActionEstimator<T> for ReverseKlValueBaseline {
    fn name(&self) -> &'static str {
        "reverse-kl-value-baseline"
    }

    fn needs(&self) -> Needs {
        Needs { value: true, ..Needs::default() }
    }

    /// # Panics
    /// When the particles carry no value; [`ActionEstimator::needs`] says so.
    fn signal(&self, particles: &Particles<'_, T>, duals: &Duals<T>, signal: &mut Signal<T>) {
        let values = particles.value.expect("reverse-kl-value-baseline needs V");
        signal.restart();
        for (state, &value) in values.iter().enumerate() {
            write_score(particles, state, duals.alpha, |_| -value, signal);
        }
    }
}
