use crate::nn::Scalar;
use crate::random::Stream;

/// A categorical distribution of one state, seen through its logits: no room is needed for the
/// probabilities.
#[derive(Clone, Copy, Debug)]
pub(super) struct Logits<'a, T> {
    logits: &'a [T],
    /// The largest of them, and the log of the sum of their exponentials beyond it; NaN if a logit is, or if
    /// all are minus infinity. Added up they would round: of logits of 1e8 nothing would be left.
    largest: T,
    log_total: T,
}

impl<'a, T: Scalar> Logits<'a, T> {
    /// Logits up to a constant, at least one.
    pub fn new(logits: &'a [T]) -> Self {
        let largest = logits.iter().copied().fold(T::neg_infinity(), T::max);
        let total: T = logits.iter().map(|&logit| (logit - largest).exp()).sum();
        Self { logits, largest, log_total: total.ln() }
    }

    /// Log-probabilities: their exponentials sum to one.
    pub fn normalised(log_pi: &'a [T]) -> Self {
        Self { logits: log_pi, largest: T::zero(), log_total: T::zero() }
    }

    pub fn len(&self) -> usize {
        self.logits.len()
    }

    /// Log-probability of one choice.
    pub fn log_p(&self, choice: usize) -> T {
        (self.logits[choice] - self.largest) - self.log_total
    }

    /// Log-probability of every choice.
    pub fn log_all(&self) -> impl Iterator<Item = T> + '_ {
        self.logits.iter().map(|&logit| (logit - self.largest) - self.log_total)
    }

    /// The most likely choice, the first of equals; none if a logit is NaN.
    pub fn mode(&self) -> Option<usize> {
        let logits = self.logits;
        let better = |best: usize, k: usize| if logits[k] > logits[best] { k } else { best };
        let best = (0..logits.len()).fold(0, better);
        logits.iter().all(|logit| !logit.is_nan()).then_some(best)
    }

    /// One choice, by one uniform number; none if a probability is NaN.
    pub fn sample(&self, random: &mut Stream) -> Option<usize> {
        let mut left = random.unit();
        let likeliest = self.mode().filter(|_| !self.log_total.is_nan())?;
        let reached = self.log_all().position(|log_p| {
            left -= log_p.widen().exp();
            left < 0.0
        });
        // Rounding may leave a little behind the last choice.
        Some(reached.unwrap_or(likeliest))
    }

    /// Takes `total p_k` from `gradient`, `[K]`: what all the scores `1[k = choice] - p_k` have in common
    /// whose weights sum to `total`.
    pub fn subtract_expected(&self, total: T, gradient: &mut [T]) {
        for (gradient, log_p) in gradient.iter_mut().zip(self.log_all()) {
            *gradient -= total * log_p.exp();
        }
    }

    /// Entropy, nats.
    pub fn entropy(&self) -> T {
        self.log_all().map(|log_p| weighted(log_p, -log_p)).sum()
    }

    /// KL(old || self), nats.
    pub fn kl_from(&self, old: &Logits<'_, T>) -> T {
        old.log_all().zip(self.log_all()).map(|(old, new)| weighted(old, old - new)).sum()
    }

    /// Adds `weight` times the gradient of [`Logits::kl_from`] with respect to these logits, `[K]`.
    pub fn add_kl_gradient(&self, old: &Logits<'_, T>, weight: T, gradient: &mut [T]) {
        let pairs = old.log_all().zip(self.log_all());
        for (gradient, (old, new)) in gradient.iter_mut().zip(pairs) {
            *gradient += weight * (new.exp() - old.exp());
        }
    }
}

/// exp(log p) x, zero where p is.
fn weighted<T: Scalar>(log_p: T, x: T) -> T {
    let p = log_p.exp();
    if p == T::zero() { T::zero() } else { p * x }
}
