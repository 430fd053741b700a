use super::reverse_kl::baseline;
use super::{ActionEstimator, Duals, Needs, Particles, Signal};
use crate::nn::Scalar;

/// A mixture of both directions, `share alpha KL(target || pi) + (1 - share) alpha KL(pi || target)`,
/// both by the score function, so that it serves every distribution (compare Nachum et al. 2017, UREX,
/// which adds the two for trajectories).
///
/// Share 0 is [`ReverseKlScore`](super::ReverseKlScore), share 1 alpha times
/// [`ForwardKl`](super::ForwardKl).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MixedKl {
    /// Share of forward KL, from 0 to 1.
    pub share: f64,
}

impl<T: Scalar> ActionEstimator<T> for MixedKl {
    fn name(&self) -> &'static str {
        "mixed-kl"
    }

    fn needs(&self) -> Needs {
        Needs { samples: 2, ..Needs::default() }
    }

    fn signal(&self, particles: &Particles<'_, T>, duals: &Duals<T>, signal: &mut Signal<T>) {
        let alpha = duals.alpha;
        let (forward, reverse) = (alpha * T::from_f64(self.share), T::from_f64(1.0 - self.share));
        signal.has_action = false;
        for state in 0..particles.states() {
            let baseline = baseline(particles, state, alpha);
            let weights = signal.diagnostics.observe(particles, state, alpha);
            let mut loss = T::zero();
            for (&weight, i) in weights.iter().zip(particles.of_state(state)) {
                let (base, f) = (particles.log_base[i].exp(), particles.soft_loss(i, alpha));
                signal.score[i] = reverse * base * (f - baseline(f)) - forward * weight;
                loss += reverse * base * f - forward * weight * particles.log_pi[i];
            }
            signal.loss[state] = loss;
        }
    }
}
