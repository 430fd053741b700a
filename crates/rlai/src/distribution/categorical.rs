//! The categorical distribution: one of K choices, its logits the parameters.

use super::logits::Logits;
use crate::nn::Scalar;
use crate::random::Stream;

/// A categorical policy head. Its parameters a state are K logits, of which a constant may be added to
/// all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Categorical {
    choices: usize,
}

impl Categorical {
    /// A head for this many choices.
    ///
    /// # Panics
    /// Without a choice.
    pub fn new(choices: usize) -> Self {
        assert!(choices > 0, "a categorical distribution needs a choice");
        Self { choices }
    }

    /// K, the number of choices; also the parameters a state.
    pub fn choices(&self) -> usize {
        self.choices
    }

    /// log pi of every choice, `[B, K]`, from logits of the same shape.
    pub fn log_probabilities<T: Scalar>(&self, logits: &[T], log_pi: &mut [T]) {
        let rows = logits.chunks_exact(self.choices).zip(log_pi.chunks_exact_mut(self.choices));
        for (logits, log_pi) in rows {
            let logits = Logits::new(logits);
            log_pi.iter_mut().zip(logits.log_all()).for_each(|(to, log_p)| *to = log_p);
        }
    }

    /// Draws one choice from `log_pi`, `[K]`, with one uniform number; none if one of them is NaN.
    pub fn sample<T: Scalar>(&self, log_pi: &[T], random: &mut Stream) -> Option<usize> {
        Logits::normalised(log_pi).sample(random)
    }

    /// The most likely choice of one state, the first of equals; none if a logit is NaN.
    pub fn mode<T: Scalar>(&self, logits: &[T]) -> Option<usize> {
        Logits::normalised(logits).mode()
    }

    /// Adds to `gradient`, `[K]`, what a weight `score` on log pi of `choice` asks of the logits:
    /// `score (1[k = choice] - pi_k)`.
    pub fn add_score<T: Scalar>(&self, log_pi: &[T], choice: usize, score: T, gradient: &mut [T]) {
        Logits::normalised(log_pi).subtract_expected(score, gradient);
        gradient[choice] += score;
    }

    /// Entropy of one state, nats.
    pub fn entropy<T: Scalar>(&self, log_pi: &[T]) -> T {
        Logits::normalised(log_pi).entropy()
    }

    /// KL(old || new) of one state, nats.
    pub fn kl<T: Scalar>(&self, old_log_pi: &[T], log_pi: &[T]) -> T {
        Logits::normalised(log_pi).kl_from(&Logits::normalised(old_log_pi))
    }

    /// Adds `weight` times the gradient of [`Categorical::kl`] with respect to the new logits:
    /// `pi_k - pi_old,k`.
    pub fn add_kl_gradient<T: Scalar>(
        &self,
        old_log_pi: &[T],
        log_pi: &[T],
        weight: T,
        gradient: &mut [T],
    ) {
        let old = Logits::normalised(old_log_pi);
        Logits::normalised(log_pi).add_kl_gradient(&old, weight, gradient);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Key;

    const HEAD: Categorical = Categorical { choices: 4 };
    const LOGITS: [f64; 4] = [0.3, -1.2, 2.0, 0.1];
    const OLD: [f64; 4] = [0.0, -0.5, 1.0, 1.3];

    fn log_pi(logits: &[f64; 4]) -> [f64; 4] {
        let mut log_pi = [0.0; 4];
        HEAD.log_probabilities(logits, &mut log_pi);
        log_pi
    }

    /// Derivatives of `f` with respect to each logit.
    fn numeric(f: impl Fn(&[f64; 4]) -> f64) -> [f64; 4] {
        let h = 1e-6;
        std::array::from_fn(|k| {
            let moved = |by: f64| {
                let mut logits = LOGITS;
                logits[k] += by;
                f(&logits)
            };
            (moved(h) - moved(-h)) / (2.0 * h)
        })
    }

    fn assert_close(exact: [f64; 4], numeric: [f64; 4]) {
        for (exact, numeric) in exact.iter().zip(numeric) {
            assert!((exact - numeric).abs() < 1e-8, "{exact} against {numeric}");
        }
    }

    #[test]
    fn scores_equal_finite_differences_of_log_pi() {
        for choice in 0..4 {
            let mut gradient = [0.0; 4];
            HEAD.add_score(&log_pi(&LOGITS), choice, 1.7, &mut gradient);
            assert_close(gradient, numeric(|logits| 1.7 * log_pi(logits)[choice]));
        }
    }

    #[test]
    fn the_divergence_and_its_gradient_agree_with_the_definition() {
        let old = log_pi(&OLD);
        let kl = |logits: &[f64; 4]| {
            let new = log_pi(logits);
            (0..4).map(|k| old[k].exp() * (old[k] - new[k])).sum::<f64>()
        };
        assert!((HEAD.kl(&old, &log_pi(&LOGITS)) - kl(&LOGITS)).abs() < 1e-15);
        assert!(HEAD.kl(&old, &old).abs() < 1e-15);
        let mut gradient = [0.0; 4];
        HEAD.add_kl_gradient(&old, &log_pi(&LOGITS), 0.6, &mut gradient);
        assert_close(gradient, numeric(|logits| 0.6 * kl(logits)));
    }

    #[test]
    fn entropies_modes_and_extreme_logits() {
        let uniform = log_pi(&[3.0; 4]);
        assert!((HEAD.entropy(&uniform) - 4.0f64.ln()).abs() < 1e-14);
        assert_eq!((HEAD.mode(&LOGITS), HEAD.mode(&[1.0; 4])), (Some(2), Some(0)));
        let extreme = log_pi(&[1e4, -1e4, 0.0, 0.0]);
        assert_eq!(extreme[0], 0.0);
        assert_eq!(HEAD.entropy(&extreme), 0.0);
        assert!((HEAD.kl(&extreme, &uniform) - 4.0f64.ln()).abs() < 1e-14);
        let shifted = log_pi(&LOGITS.map(|logit| logit + 100.0));
        assert!(log_pi(&LOGITS).iter().zip(shifted).all(|(a, b)| (a - b).abs() < 1e-12));
    }

    #[test]
    fn there_is_no_choice_among_what_is_no_number() {
        let mut random = Key::from_seed(4).stream("choices");
        for at in 0..4 {
            for bad in [f64::NAN, -f64::NAN, f64::INFINITY] {
                let mut logits = LOGITS;
                logits[at] = bad;
                assert_eq!(HEAD.mode(&logits), bad.is_infinite().then_some(at));
                // A probability of infinity over infinity is no number either.
                assert_eq!(HEAD.sample(&log_pi(&logits), &mut random), None, "logit {at}: {bad}");
            }
        }
        assert_eq!(HEAD.sample(&log_pi(&[f64::NEG_INFINITY; 4]), &mut random), None);
    }

    #[test]
    fn choices_come_as_often_as_they_are_likely() {
        let log_pi = log_pi(&LOGITS);
        let mut random = Key::from_seed(4).stream("choices");
        let count = 20_000;
        let mut seen = [0.0; 4];
        for _ in 0..count {
            seen[HEAD.sample(&log_pi, &mut random).unwrap()] += 1.0;
        }
        for (seen, log_pi) in seen.iter().zip(log_pi) {
            let (n, p) = (f64::from(count), log_pi.exp());
            let allowed = 5.0 * (p * (1.0 - p) / n).sqrt();
            assert!((seen / n - p).abs() < allowed, "{} against {p}", seen / n);
        }
    }
}
