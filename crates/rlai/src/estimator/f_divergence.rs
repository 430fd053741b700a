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
        signal.restart();
        for state in 0..particles.states() {
            signal.diagnostics.observe(particles, state, duals.alpha);
            let mut loss = T::zero();
            let ratios = signal.diagnostics.log_ratios().iter();
            for (&ratio, i) in ratios.zip(particles.of_state(state)) {
                let log_base = particles.log_base[i];
                signal.score[i] = self.family.weight(log_base, ratio) - log_base.exp() * centre;
                loss += self.family.weighted_value(log_base, ratio);
            }
            signal.loss[state] = loss;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::estimator::testing::{Kind, Made, assert_close};
    use crate::estimator::{ForwardKl, Origin, ReverseKlValueBaseline, self_normalised_weights};

    /// An action that the policy hardly ever takes, and the target always: over all actions the weight
    /// of forward KL is -1 there.
    #[test]
    fn hardly_any_base_and_a_huge_ratio_make_an_ordinary_weight() {
        let (log_pi, q) = ([-80.0f64, 0.0], [100.0, 0.0]);
        let particles = Particles {
            samples: 2,
            origins: &[Origin::Enumerated; 2],
            log_pi: &log_pi,
            log_pi_0: None,
            log_base: &log_pi,
            q: &q,
            dq_du: None,
            dl_du: None,
            value: None,
        };
        for family in [Divergence::ForwardKl, Divergence::Alpha(0.0)] {
            let mut signal = Signal::<f64>::new(1, 2, 1);
            FDivergence::new(family).signal(&particles, &Duals::temperature(1.0), &mut signal);
            assert!((signal.score[0] + 1.0).abs() < 1e-12, "{family:?}: {}", signal.score[0]);
            assert!((signal.loss[0] - 80.0).abs() < 1e-9, "{family:?}: {}", signal.loss[0]);
        }
    }

    const FAMILIES: [Divergence; 8] = [
        Divergence::ForwardKl,
        Divergence::ReverseKl,
        Divergence::JensenShannon,
        Divergence::Alpha(0.0),
        Divergence::Alpha(0.3),
        Divergence::Alpha(0.5),
        Divergence::Alpha(1.0),
        Divergence::Alpha(1.7),
    ];

    /// D(p, pi) by the textbook, for p and pi that sum to one.
    fn exact(family: Divergence, p: &[f64], pi: &[f64]) -> f64 {
        let kl = |p: &[f64], q: &[f64]| p.iter().zip(q).map(|(p, q)| p * (p / q).ln()).sum::<f64>();
        match family {
            Divergence::ForwardKl => kl(p, pi),
            Divergence::ReverseKl => kl(pi, p),
            Divergence::JensenShannon => {
                let m: Vec<f64> = p.iter().zip(pi).map(|(p, q)| 0.5 * (p + q)).collect();
                0.5 * (kl(p, &m) + kl(pi, &m))
            }
            Divergence::Alpha(0.0) => kl(p, pi),
            Divergence::Alpha(1.0) => kl(pi, p),
            Divergence::Alpha(a) => {
                let affinity = p.iter().zip(pi).map(|(p, q)| p.powf(1.0 - a) * q.powf(a));
                (affinity.sum::<f64>() - 1.0) / (a * (a - 1.0))
            }
        }
    }

    fn softmax(logits: &[f64]) -> Vec<f64> {
        let mut weights = logits.to_vec();
        self_normalised_weights(&mut weights);
        weights
    }

    /// Over all actions of a categorical policy both the loss and the gradient are exact.
    #[test]
    fn enumerated_signals_are_the_derivatives_of_the_exact_divergence() {
        let alpha = 0.7;
        let made = Made::<f64>::new(Kind::Enumerated, 1, 5, 12);
        let target = softmax(&made.q.iter().map(|q| q / alpha).collect::<Vec<_>>());
        let pi = softmax(&made.log_pi);
        for family in FAMILIES {
            for control_variate in [false, true] {
                let estimator = FDivergence { family, control_variate };
                let signal = made.signal(&estimator, &Duals::temperature(alpha));
                let value = exact(family, &target, &pi);
                assert_close(&signal.loss, &[value], 1e-12, "divergence");
                let total: f64 = signal.score.iter().sum();
                for j in 0..5 {
                    let at = |h: f64| {
                        let mut logits = made.log_pi.clone();
                        logits[j] += h;
                        exact(family, &target, &softmax(&logits))
                    };
                    let numeric = (at(1e-5) - at(-1e-5)) / 2e-5;
                    let gradient = signal.score[j] - pi[j] * total;
                    assert!((gradient - numeric).abs() < 1e-9, "{family:?} {gradient} {numeric}");
                }
            }
        }
    }

    #[test]
    fn forward_kl_is_the_estimator_of_that_name() {
        let made = Made::<f64>::new(Kind::Draws, 3, 6, 1);
        let duals = Duals::temperature(0.4);
        for control_variate in [false, true] {
            let family = FDivergence { family: Divergence::ForwardKl, control_variate };
            let plain = ForwardKl { control_variate, ..ForwardKl::default() };
            let want = made.signal(&plain, &duals).score;
            assert_close(&made.signal(&family, &duals).score, &want, 1e-12, "score");
        }
    }

    /// In reward units it differs from the score form by one constant a state.
    #[test]
    fn reverse_kl_is_the_score_form_up_to_a_constant() {
        let made = Made::<f64>::new(Kind::Draws, 1, 6, 1);
        let (alpha, duals) = (0.4, Duals::temperature(0.4));
        let family = made.signal(&FDivergence::new(Divergence::ReverseKl), &duals).score;
        let score = made.signal(&ReverseKlValueBaseline, &duals).score;
        let gaps: Vec<f64> = family.iter().zip(&score).map(|(f, s)| alpha * f - s).collect();
        assert_close(&gaps, &[gaps[0]; 6], 1e-12, "gap");
    }

    #[test]
    fn orders_reach_their_limits_smoothly() {
        let made = Made::<f64>::new(Kind::Draws, 2, 6, 1);
        let duals = Duals::temperature(0.4);
        let centred = |family| {
            let signal = made.signal(&FDivergence { family, control_variate: true }, &duals);
            (signal.score, signal.loss)
        };
        for (limit, order) in [(Divergence::ForwardKl, 0.0), (Divergence::ReverseKl, 1.0)] {
            let (score, _) = centred(limit);
            let (_, loss) = centred(Divergence::Alpha(order));
            for nearby in [0.0, 1e-13, -1e-9, 1e-7] {
                let (near_score, near_loss) = centred(Divergence::Alpha(order + nearby));
                assert_close(&near_score, &score, 1e-5, "score");
                assert_close(&near_loss, &loss, 1e-5, "loss");
            }
        }
    }
}
