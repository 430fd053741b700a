use crate::estimator::{ActionEstimator, Duals, Needs, Particles, Signal, Weighting};
use crate::nn::Scalar;

/// Weighted likelihood: the gradient is `-sum_k w_k grad log pi(a_k|s)`, `w = softmax(b + Q/alpha - l)`
/// over the N particles of a state (F3; paper 4.0.3 with its sign, temperature and log put right).
///
/// Its bias falls like 1/N; with N = 1 the weight is always one and the expected gradient zero. Needs
/// nothing but log densities and values, so it serves every distribution.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct ForwardKl {
    /// Subtract the weight with which each particle stands for the policy, so that the score's own
    /// noise cancels near the optimum: `-(w_k - exp b_k)`, which is `-(w_k - 1/N)` for draws from pi.
    pub control_variate: bool,
    /// How the weights are tempered and truncated. The diagnostics show them as they were before.
    pub weighting: Weighting,
}

impl<T: Scalar> ActionEstimator<T> for ForwardKl {
    fn name(&self) -> &'static str {
        "forward-kl"
    }

    fn needs(&self) -> Needs {
        Needs { samples: 2, ..Needs::default() }
    }

    fn signal(&self, particles: &Particles<'_, T>, duals: &Duals<T>, signal: &mut Signal<T>) {
        signal.restart();
        for state in 0..particles.states() {
            let range = particles.of_state(state);
            let weights = signal.diagnostics.observe(particles, state, duals.alpha);
            let score = &mut signal.score[range.clone()];
            if self.weighting.is_plain() {
                score.copy_from_slice(weights);
            } else {
                self.weighting.write(particles, state, duals.alpha, score);
            }
            let mut loss = T::zero();
            for (score, i) in score.iter_mut().zip(range) {
                let weight = *score;
                let expected =
                    if self.control_variate { particles.log_base[i].exp() } else { T::zero() };
                *score = -(weight - expected);
                loss -= weight * particles.log_pi[i];
            }
            signal.loss[state] = loss;
        }
    }
}
