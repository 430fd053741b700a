use super::{ActionEstimator, Divergence, Duals, Needs, Particles, Signal};
use crate::nn::Scalar;

/// Gradient of any f-divergence from the target to the policy, by the score function (Go et al. 2023,
/// f-DPG; here with self-normalised ratios).
///
/// Weight on log pi_k: `exp(b_k) f'(exp(b_k)/w_k)`, `w = softmax(b + Q/alpha - l)`. The ratio of the
/// densities is normalised by the same particles, so the bias falls like 1/N as forward KL's does; over
/// all actions, enumerated, it is exact. The loss is the plug-in value of the divergence, nats.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FDivergence {
    /// Which divergence.
    pub family: Divergence,
    /// Subtract `exp(b_k) f'(1)`, so that the signal vanishes where the policy is the target. It is a
    /// constant times the base weight, whose expected score is zero: no bias for any origin.
    pub control_variate: bool,
}

impl FDivergence {
    /// This divergence, without a control variate.
    pub fn new(family: Divergence) -> Self {
        Self { family, control_variate: false }
    }
}

impl<T: Scalar> ActionEstimator<T> for FDivergence {
    fn name(&self) -> &'static str {
        match self.family {
            Divergence::ForwardKl => "f-divergence-forward-kl",
            Divergence::ReverseKl => "f-divergence-reverse-kl",
            Divergence::JensenShannon => "jensen-shannon",
            Divergence::Alpha(_) => "alpha-divergence",
        }
    }

    fn needs(&self) -> Needs {
        Needs { samples: 2, ..Needs::default() }
    }

    fn signal(&self, particles: &Particles<'_, T>, duals: &Duals<T>, signal: &mut Signal<T>) {
        let centre = if self.control_variate { self.family.derivative_at_one() } else { T::zero() };
        signal.has_action = false;
        for state in 0..particles.states() {
            signal.diagnostics.observe(particles, state, duals.alpha);
            let mut loss = T::zero();
            let ratios = signal.diagnostics.log_ratios().iter();
            for (&ratio, i) in ratios.zip(particles.of_state(state)) {
                let base = particles.log_base[i].exp();
                signal.score[i] = base * (self.family.derivative(ratio) - centre);
                loss += base * self.family.value(ratio);
            }
            signal.loss[state] = loss;
        }
    }
}
