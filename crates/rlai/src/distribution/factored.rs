//! The factored categorical: one choice of each of several factors, independent given the state.

use super::logits::Logits;
use super::{Abilities, Draws, Head};
use crate::env::ActionShape;
use crate::estimator::{Signal, TrustRegion};
use crate::nn::Scalar;
use crate::random::Stream;

/// A policy over choices. Its parameters a state are the logits of one factor after another, P = the sum
/// of all K; with a single factor it is the plain categorical policy. It has no coordinates.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FactoredCategorical {
    shape: ActionShape,
}

/// One factor in a state's parameters.
struct Factor<'a, T> {
    /// Which of the choices of a draw is this factor's.
    place: usize,
    /// Where its logits begin.
    start: usize,
    logits: Logits<'a, T>,
}

impl<T> Factor<'_, T>
where
    T: Scalar,
{
    /// The same factor in another row of the same layout.
    fn of<'b>(&self, row: &'b [T]) -> &'b [T] {
        &row[self.start..self.start + self.logits.len()]
    }

    fn of_mut<'b>(&self, row: &'b mut [T]) -> &'b mut [T] {
        &mut row[self.start..self.start + self.logits.len()]
    }
}

impl FactoredCategorical {
    /// One choice of each factor, K of them.
    ///
    /// # Panics
    /// Without a factor, or with one that has no choice.
    pub fn new(factors: Vec<usize>) -> Self {
        let choices = !factors.is_empty() && factors.iter().all(|&choices| choices > 0);
        assert!(choices, "a factored categorical needs factors, and each of them a choice");
        Self { shape: ActionShape { factors, coordinates: 0 } }
    }

    /// K of each factor.
    pub fn factors(&self) -> &[usize] {
        &self.shape.factors
    }

    fn width(&self) -> usize {
        self.factors().iter().sum()
    }

    /// The factors of one state.
    fn each<'a, T: Scalar>(&'a self, row: &'a [T]) -> impl Iterator<Item = Factor<'a, T>> {
        let mut start = 0;
        self.factors().iter().enumerate().map(move |(place, choices)| {
            let logits = Logits::new(&row[start..start + choices]);
            start += choices;
            Factor { place, start: start - choices, logits }
        })
    }

    /// Calls `f` with each state's number, its factors and the numbers of its particles.
    fn each_state<T: Scalar>(
        &self,
        parameters: &[T],
        particles: usize,
        mut f: impl FnMut(Factor<'_, T>, std::ops::Range<usize>),
    ) {
        let samples = particles * self.width() / parameters.len();
        for (state, row) in parameters.chunks_exact(self.width()).enumerate() {
            self.each(row).for_each(|factor| f(factor, state * samples..(state + 1) * samples));
        }
    }
}

impl<T: Scalar> Head<T> for FactoredCategorical {
    /// "categorical" with a single factor.
    fn name(&self) -> &str {
        if self.factors().len() == 1 { "categorical" } else { "factored-categorical" }
    }

    fn shape(&self) -> &ActionShape {
        &self.shape
    }

    fn parameters_per_state(&self) -> usize {
        self.width()
    }

    fn abilities(&self) -> Abilities {
        Abilities { trust_region: true, base_noise: true, ..Abilities::default() }
    }

    fn draw(&self, parameters: &[T], random: &mut Stream, draws: &mut Draws<T>) {
        Head::choose(self, parameters, random, draws);
        Head::evaluate(self, parameters, draws);
    }

    fn choose(&self, parameters: &[T], random: &mut Stream, draws: &mut Draws<T>) {
        let count = self.factors().len();
        self.each_state(parameters, draws.log_pi.len(), |factor, particles| {
            for particle in particles {
                // What is no number has no choice; its log density will be none either.
                let choice = factor.logits.sample(random).unwrap_or(0);
                draws.choices[particle * count + factor.place] = choice;
            }
        });
    }

    /// There are no coordinates to be placed: evaluates the choices.
    fn place(&self, parameters: &[T], draws: &mut Draws<T>) {
        Head::evaluate(self, parameters, draws);
    }

    fn evaluate(&self, parameters: &[T], draws: &mut Draws<T>) {
        let count = self.factors().len();
        draws.log_pi.fill(T::zero());
        self.each_state(parameters, draws.log_pi.len(), |factor, particles| {
            for particle in particles {
                let choice = draws.choices[particle * count + factor.place];
                draws.log_pi[particle] += factor.logits.log_p(choice);
            }
        });
    }

    /// The most likely choice of each factor, the first of equals; of what is no number the first.
    fn mode(&self, parameters: &[T], draws: &mut Draws<T>) {
        let rows = parameters.chunks_exact(self.width());
        for (row, choices) in rows.zip(draws.choices.chunks_exact_mut(self.factors().len())) {
            for factor in self.each(row) {
                choices[factor.place] = factor.logits.mode().unwrap_or(0);
            }
        }
    }

    fn entropy(&self, row: &[T]) -> Option<T> {
        Some(self.each(row).map(|factor| factor.logits.entropy()).sum())
    }

    /// Only the score: nothing lies beneath the choices, and they have no coordinates.
    fn backward(&self, parameters: &[T], draws: &Draws<T>, signal: &Signal<T>, gradient: &mut [T]) {
        let (count, samples) = (self.factors().len(), signal.samples());
        gradient.fill(T::zero());
        let rows = parameters.chunks_exact(self.width());
        for (state, (row, out)) in rows.zip(gradient.chunks_exact_mut(self.width())).enumerate() {
            let weight = signal.state_weight[state];
            for factor in self.each(row) {
                let out = factor.of_mut(out);
                let mut total = T::zero();
                for particle in state * samples..(state + 1) * samples {
                    let score = weight * signal.score[particle];
                    out[draws.choices[particle * count + factor.place]] += score;
                    total += score;
                }
                factor.logits.subtract_expected(total, out);
            }
        }
    }

    fn log_branches(&self, _row: &[T], _log_branches: &mut [T]) {
        unreachable!("a categorical has no branches");
    }

    /// All of it in the part of choices.
    fn kl_from(&self, old: &[T], new: &[T]) -> TrustRegion<T> {
        let of_factor = |f: Factor<'_, T>| f.logits.kl_from(&Logits::new(f.of(old)));
        TrustRegion { choice: self.each(new).map(of_factor).sum(), ..TrustRegion::zero() }
    }

    fn add_kl_gradient(
        &self,
        old: &[T],
        new: &[T],
        weights: TrustRegion<T>,
        state_weight: &[T],
        gradient: &mut [T],
    ) {
        let width = self.width();
        let rows = old.chunks_exact(width).zip(new.chunks_exact(width)).zip(state_weight);
        for (((old, new), &weight), out) in rows.zip(gradient.chunks_exact_mut(width)) {
            for factor in self.each(new) {
                let (old, out) = (Logits::new(factor.of(old)), factor.of_mut(out));
                factor.logits.add_kl_gradient(&old, weight * weights.choice, out);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::distribution::testing::*;
    use num_dual::{Dual64, DualNum};

    const ROWS: [f64; 10] = [0.3, -1.2, 2.0, 0.5, -0.4, 0.0, 0.7, 0.1, -1.0, 1.3];

    fn head() -> FactoredCategorical {
        FactoredCategorical::new(vec![3, 2])
    }

    fn nothing() -> Grid {
        Grid::even(0.0, 1.0, 1)
    }

    /// log softmax by its definition.
    fn log_softmax(logits: &[Dual64], choice: usize) -> Dual64 {
        logits[choice] - logits.iter().map(|logit| logit.exp()).sum::<Dual64>().ln()
    }

    #[test]
    fn derivatives_agree_with_differences_and_dual_numbers() {
        for head in [head(), FactoredCategorical::new(vec![5])] {
            assert_calculus(&head, &ROWS);
            assert_dual_scores(&head, &ROWS[..5], |logits, _, choices| {
                let (mut start, mut total) = (0, Dual64::from(0.0));
                for (&factor, &choice) in head.factors().iter().zip(choices) {
                    total += log_softmax(&logits[start..start + factor], choice);
                    start += factor;
                }
                total
            });
        }
    }

    #[test]
    fn sums_over_all_choices_agree_with_entropy_and_divergence() {
        let (head, old, new) = (head(), &ROWS[..5], &ROWS[5..]);
        nothing().assert_normalised(&head, old);
        let entropy = head.entropy(old).expect("it is known");
        assert!((entropy - nothing().entropy(&head, old)).abs() < 1e-14);
        let kl = nothing().kl(&head, old, new);
        assert!((total_kl(&head, old, new) - kl).abs() < 1e-14);
        assert_eq!(head.kl_from(old, new).choice, total_kl(&head, old, new));
    }

    #[test]
    fn choices_come_as_often_as_they_are_likely() {
        assert_draws_follow_density(&head(), &ROWS[..5], &nothing());
    }

    #[test]
    fn extreme_logits_and_none() {
        assert_survives::<f32>(&head(), &[1e4, -1e4, 0.0, -1e4, 1e4, 0.0, 1e4, 1e4, -1e4, -1e4]);
        assert_survives::<f64>(&head(), &[1e4, -1e4, 0.0, -1e4, 1e4, 0.0, 1e4, 1e4, -1e4, -1e4]);
        assert_nan_shows(&head(), &ROWS[..5]);
        let draws = drawn::<f64>(&head(), &[0.0, f64::NAN, 0.0, 0.0, 9e9], 1);
        assert_eq!(draws.choices, [0, 1], "of the factor that is no number the first");
        assert!(draws.log_pi[0].is_nan());
    }

    #[test]
    fn names_and_modes() {
        let plain = FactoredCategorical::new(vec![4]);
        let name = |head: &dyn Head<f64>| head.name().to_owned();
        assert_eq!([name(&plain), name(&head())], ["categorical", "factored-categorical"]);
        let mut mode = room::<f64>(&head(), 2, 1);
        head().mode(&ROWS, &mut mode);
        assert_eq!(mode.choices, [2, 0, 1, 1]);
    }
}
