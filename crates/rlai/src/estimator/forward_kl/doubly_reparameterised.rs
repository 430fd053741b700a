use crate::estimator::{ActionEstimator, Duals, Needs, Particles, Signal};
use crate::nn::Scalar;

/// Doubly reparameterised forward KL (F6; Tucker et al. 2019): the same expectation as
/// [`ForwardKl`](super::ForwardKl), carried through the actions.
///
/// Gradient of action k: `-w_k (1 - w_k) (dQ/du/alpha - dl/du)`. Each sample's part is zero where the
/// policy is the target, so it has far less variance when the target is nearly as wide as the policy;
/// with a much narrower target (about half as wide or less) the score form is the better one. The
/// identity holds for independent draws of the current policy only, not for proposals or stratified
/// noise, and it trusts the critic's action gradient.
#[derive(Clone, Copy, Debug, Default)]
pub struct ForwardKlDreg;

impl<T: Scalar> ActionEstimator<T> for ForwardKlDreg {
    fn name(&self) -> &'static str {
        "forward-kl-dreg"
    }

    fn needs(&self) -> Needs {
        Needs { action_gradients: true, own_samples: true, samples: 2, ..Needs::default() }
    }

    /// # Panics
    /// When the particles carry no action gradients; [`ActionEstimator::needs`] says so.
    fn signal(&self, particles: &Particles<'_, T>, duals: &Duals<T>, signal: &mut Signal<T>) {
        let dq_du = particles.dq_du.expect("forward-kl-dreg needs dQ/du");
        let dl_du = particles.dl_du.expect("forward-kl-dreg needs dl/du");
        let dimension = dq_du.len() / particles.log_pi.len();
        signal.restart();
        signal.has_action = true;
        signal.score.fill(T::zero());
        for state in 0..particles.states() {
            let weights = signal.diagnostics.observe(particles, state, duals.alpha);
            let mut loss = T::zero();
            for (&weight, i) in weights.iter().zip(particles.of_state(state)) {
                let slope = -weight * (T::one() - weight);
                for j in i * dimension..(i + 1) * dimension {
                    signal.action[j] = slope * (dq_du[j] / duals.alpha - dl_du[j]);
                }
                loss -= weight * particles.log_pi[i];
            }
            signal.loss[state] = loss;
        }
    }
}
