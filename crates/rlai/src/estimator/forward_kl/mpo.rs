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
        signal.restart();
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::estimator::testing::{Kind, Made, assert_close};
    use crate::estimator::{ForwardKl, TrustRegion};

    /// Draws of the old policy, the old policy as default: forward KL's own weights.
    #[test]
    fn is_forward_kl_with_the_old_policy_as_proposal_and_default_policy() {
        let made = Made::<f64>::new(Kind::Draws, 2, 7, 4);
        let trust_region = TrustRegion { mean: 0.3, scale: 7.0, choice: 0.0 };
        let duals = Duals { alpha: 9.0, eta: 0.4, trust_region };
        let signal = made.signal(&Mpo, &duals);
        let mut forward = Signal::new(2, 7, 2);
        let known = Particles { log_pi_0: Some(&made.log_pi), ..made.particles() };
        ForwardKl::default().signal(&known, &Duals::temperature(0.4), &mut forward);
        assert_close(&signal.score, &forward.score, 1e-12, "score");
        assert_eq!(signal.trust_region, Some(trust_region));
        assert_eq!(forward.trust_region, None);
        for state in 0..2 {
            let weights = signal.score[7 * state..7 * state + 7].iter().map(|s| -s);
            let divergence: f64 = weights.map(|w| w * (7.0 * w).ln()).sum();
            assert!((signal.weight_divergence[state] - divergence).abs() < 1e-12);
        }
    }
}
