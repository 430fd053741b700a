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
        // The baseline is made of the other particles: those of a stratified set, or of another
        // component of a mixture, are not independent of the one that is left out.
        Needs { own_samples: true, samples: 2, ..Needs::default() }
    }

    fn signal(&self, particles: &Particles<'_, T>, duals: &Duals<T>, signal: &mut Signal<T>) {
        let alpha = duals.alpha;
        let (forward, reverse) = (alpha * T::from_f64(self.share), T::from_f64(1.0 - self.share));
        signal.restart();
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::estimator::testing::{Kind, Made, assert_close};
    use crate::estimator::{ForwardKl, ReverseKlScore};

    #[test]
    fn the_ends_are_the_two_directions_and_the_middle_their_mean() {
        for kind in [Kind::Draws, Kind::Enumerated] {
            let made = Made::<f64>::new(kind, 2, 6, 1);
            let (alpha, duals) = (0.4, Duals::temperature(0.4));
            let signal = |share| made.signal(&MixedKl { share }, &duals);
            let reverse = made.signal(&ReverseKlScore, &duals);
            let forward = made.signal(&ForwardKl::default(), &duals);
            let forward_part =
                |values: &[f64]| values.iter().map(|x| alpha * x).collect::<Vec<f64>>();
            assert_close(&signal(0.0).score, &reverse.score, 1e-13, "reverse score");
            assert_close(&signal(0.0).loss, &reverse.loss, 1e-13, "reverse loss");
            assert_close(&signal(1.0).score, &forward_part(&forward.score), 1e-13, "score");
            assert_close(&signal(1.0).loss, &forward_part(&forward.loss), 1e-13, "loss");
            let (ends, half) = ((signal(0.0).score, signal(1.0).score), signal(0.5).score);
            let mean: Vec<f64> = ends.0.iter().zip(&ends.1).map(|(a, b)| 0.5 * (a + b)).collect();
            assert_close(&half, &mean, 1e-13, "half");
        }
    }
}
