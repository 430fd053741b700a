use crate::estimator::{ActionEstimator, Duals, Needs, Particles, Signal};
use crate::nn::Scalar;

/// Maximum a posteriori policy optimisation (Abdolmaleki et al. 2018): weighted likelihood of draws from
/// the old policy, `w = softmax(b + Q/eta)`, within a trust region around that policy.
///
/// It is forward KL with the old policy as both the proposal and the default policy, so the base is
/// relative to the old policy (`-log N` for its draws) and no log ratio enters the weights. Eta is tuned
/// so that KL(w || base), left in [`Signal::weight_divergence`], meets a bound
/// ([`mpo_temperature_residual`](crate::estimator::mpo_temperature_residual)); the region's multipliers
/// by [`trust_region_residual`](crate::estimator::trust_region_residual). The diagnostics are of these
/// weights.
#[derive(Clone, Copy, Debug, Default)]
pub struct Mpo;

impl<T: Scalar> ActionEstimator<T> for Mpo {
    fn name(&self) -> &'static str {
        "mpo"
    }

    fn needs(&self) -> Needs {
        Needs { old_policy: true, samples: 2, ..Needs::default() }
    }

    fn signal(&self, particles: &Particles<'_, T>, duals: &Duals<T>, signal: &mut Signal<T>) {
        signal.has_action = false;
        signal.trust_region = Some(duals.trust_region);
        for state in 0..particles.states() {
            let scaled_q = |i: usize| particles.q[i] / duals.eta;
            let weights = signal.diagnostics.observe_target(particles, state, scaled_q);
            let mut loss = T::zero();
            for (&weight, i) in weights.iter().zip(particles.of_state(state)) {
                signal.score[i] = -weight;
                loss -= weight * particles.log_pi[i];
            }
            signal.loss[state] = loss;
            signal.weight_divergence[state] = signal.diagnostics.forward_kl[state];
        }
    }
}
