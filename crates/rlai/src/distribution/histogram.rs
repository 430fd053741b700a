//! A histogram over a box: which bin of each coordinate, then a uniform point within it.

use statrs::distribution::{ContinuousCDF, Normal};

use super::{Abilities, Draws, FactoredCategorical, Head};
use crate::env::ActionShape;
use crate::estimator::{Signal, TrustRegion};
use crate::nn::Scalar;
use crate::random::Stream;

/// A policy over the box `[-1,1]^A` that has no path from its parameters to the action: each coordinate
/// falls into one of equal bins, independent of the others, and lies uniformly within it. Its parameters
/// a state are the logits of one coordinate's bins after another's.
///
/// Tang and Agrawal (2020, discretizing continuous action space for on-policy optimization) choose among
/// as many fixed points; with bins in their place the action has a density, and what works for densities
/// works for it. `u` is the action itself; a draw has a choice for each coordinate, its bin, which
/// follows from `u`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Histogram {
    bins: usize,
    /// Which bin of each coordinate.
    chosen: FactoredCategorical,
    shape: ActionShape,
}

impl Histogram {
    /// This many bins in each of the coordinates.
    ///
    /// # Panics
    /// Without a coordinate or a bin.
    pub fn new(action_dimension: usize, bins: usize) -> Self {
        Self {
            bins,
            chosen: FactoredCategorical::new(vec![bins; action_dimension]),
            shape: ActionShape::of_box(action_dimension),
        }
    }

    /// Bins of a coordinate.
    pub fn bins(&self) -> usize {
        self.bins
    }

    fn dimension(&self) -> usize {
        self.shape.coordinates
    }

    /// Where `u` lies, counted in bins from -1.
    fn position<T: Scalar>(&self, u: T) -> T {
        (u + T::one()) * T::from_f64(0.5 * self.bins as f64)
    }

    /// The bin of a point; one outside of the box, by rounding, belongs to the bin at the edge.
    fn bin<T: Scalar>(&self, u: T) -> usize {
        (self.position(u).widen() as usize).min(self.bins - 1)
    }

    /// The point at this share of a bin.
    fn point<T: Scalar>(&self, bin: usize, share: f64) -> T {
        T::from_f64(2.0 * (bin as f64 + share) / self.bins as f64 - 1.0)
    }

    /// A share of a bin, kept as far from its ends as rounding may move a point: it must stay in its bin,
    /// and its noise finite.
    fn inside<T: Scalar>(&self, share: f64) -> f64 {
        let margin = self.bins as f64 * T::epsilon().widen();
        // Not clamp: it would do, but must not hide a NaN.
        if share < margin {
            margin
        } else if share > 1.0 - margin {
            1.0 - margin
        } else {
            share
        }
    }

    /// Log density of a point within its bin, all coordinates together.
    fn log_within<T: Scalar>(&self) -> T {
        T::from_f64(self.dimension() as f64 * (0.5 * self.bins as f64).ln())
    }

    /// All that follows from bins and `u`.
    fn finish<T: Scalar>(&self, parameters: &[T], draws: &mut Draws<T>) {
        self.chosen.evaluate(parameters, draws);
        draws.action.copy_from_slice(&draws.u);
        draws.dlog_pi_du.fill(T::zero());
        let log_within = self.log_within::<T>();
        for (log_pi, u) in draws.log_pi.iter_mut().zip(draws.u.chunks_exact(self.dimension())) {
            let known = u.iter().all(|u| !u.is_nan());
            *log_pi = if known { *log_pi + log_within } else { T::nan() };
        }
    }
}

impl<T: Scalar> Head<T> for Histogram {
    fn name(&self) -> &str {
        "histogram"
    }

    fn shape(&self) -> &ActionShape {
        &self.shape
    }

    /// The bin of each coordinate.
    fn choices_per_draw(&self) -> usize {
        self.dimension()
    }

    fn parameters_per_state(&self) -> usize {
        self.dimension() * self.bins
    }

    fn abilities(&self) -> Abilities {
        Head::<T>::abilities(&self.chosen)
    }

    fn draw(&self, parameters: &[T], random: &mut Stream, draws: &mut Draws<T>) {
        self.chosen.choose(parameters, random, draws);
        random.fill_normal(&mut draws.noise);
        Head::place(self, parameters, draws);
    }

    fn choose(&self, parameters: &[T], random: &mut Stream, draws: &mut Draws<T>) {
        self.chosen.choose(parameters, random, draws);
    }

    /// Puts `u` at the share `Phi(noise)` of its bin.
    fn place(&self, parameters: &[T], draws: &mut Draws<T>) {
        let normal = Normal::standard();
        for ((u, noise), &bin) in draws.u.iter_mut().zip(&draws.noise).zip(&draws.choices) {
            *u = self.point(bin, self.inside::<T>(normal.cdf(noise.widen())));
        }
        self.finish(parameters, draws);
    }

    /// Finds the bins too.
    fn evaluate(&self, parameters: &[T], draws: &mut Draws<T>) {
        let normal = Normal::standard();
        let points = draws.u.iter().zip(&mut draws.noise).zip(&mut draws.choices);
        for ((&u, noise), bin) in points {
            *bin = self.bin(u);
            let share = self.inside::<T>(self.position(u).widen() - *bin as f64);
            *noise = T::from_f64(if share.is_nan() { share } else { normal.inverse_cdf(share) });
        }
        self.finish(parameters, draws);
    }

    /// The centre of each coordinate's most likely bin, the first of equals.
    fn mode(&self, parameters: &[T], draws: &mut Draws<T>) {
        self.chosen.mode(parameters, draws);
        for (u, &bin) in draws.u.iter_mut().zip(&draws.choices) {
            *u = self.point(bin, 0.5);
        }
        draws.action.copy_from_slice(&draws.u);
    }

    fn entropy(&self, row: &[T]) -> Option<T> {
        self.chosen.entropy(row).map(|entropy| entropy - self.log_within())
    }

    /// Only the score: nothing flows through the action.
    fn backward(&self, parameters: &[T], draws: &Draws<T>, signal: &Signal<T>, gradient: &mut [T]) {
        self.chosen.backward(parameters, draws, signal, gradient);
    }

    fn log_branches(&self, _row: &[T], _log_branches: &mut [T]) {
        unreachable!("a histogram has no branches");
    }

    /// All of it in the part of choices.
    fn kl_from(&self, old: &[T], new: &[T]) -> TrustRegion<T> {
        self.chosen.kl_from(old, new)
    }

    fn add_kl_gradient(
        &self,
        old: &[T],
        new: &[T],
        weights: TrustRegion<T>,
        state_weight: &[T],
        gradient: &mut [T],
    ) {
        self.chosen.add_kl_gradient(old, new, weights, state_weight, gradient);
    }

    fn is_squashed(&self) -> bool {
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::distribution::testing::*;
    use num_dual::{Dual64, DualNum};

    /// Three states of five bins in one dimension, or one of three bins in five.
    const ROWS: [f64; 15] =
        [0.3, -1.2, 2.0, 0.5, -0.4, 0.0, 0.7, 0.1, -1.0, 1.3, 0.2, -0.3, 0.9, -0.6, 0.4];

    fn single() -> Histogram {
        Histogram::new(1, 5)
    }

    fn grid(cells: usize) -> Grid {
        Grid::even(-1.0, 1.0, cells)
    }

    #[test]
    fn derivatives_agree_with_differences_and_dual_numbers() {
        let plane = Histogram::new(2, 5);
        assert_calculus(&single(), &ROWS);
        assert_calculus(&plane, &[ROWS, ROWS.map(|x| 0.3 - x)].concat()[..20]);
        assert_dual_scores(&plane, &ROWS[..10], |logits, u, _| {
            let of = |j: usize| {
                let own = &logits[5 * j..5 * j + 5];
                let bin = (0..5).find(|&k| u[j].re < -1.0 + 0.4 * (k + 1) as f64).unwrap_or(4);
                own[bin] - own.iter().map(|logit| logit.exp()).sum::<Dual64>().ln() - 0.4f64.ln()
            };
            of(0) + of(1)
        });
    }

    #[test]
    fn density_entropy_and_divergence_by_quadrature() {
        for (head, old, new) in
            [(single(), &ROWS[..5], &ROWS[5..10]), (Histogram::new(2, 3), &ROWS[..6], &ROWS[6..12])]
        {
            let grid = grid(3 * 5 * 4);
            grid.assert_normalised(&head, old);
            let entropy = head.entropy(old).expect("it is known");
            assert!((entropy - grid.entropy(&head, old)).abs() < 1e-12);
            assert!((total_kl(&head, old, new) - grid.kl(&head, old, new)).abs() < 1e-12);
        }
    }

    #[test]
    fn draws_follow_the_density() {
        assert_draws_follow_density(&single(), &ROWS[..5], &grid(500));
    }

    #[test]
    fn extreme_logits_and_none() {
        let rows = [1e4, -1e4, 0.0, -1e4, 1e4, 0.0, 1e4, 1e4, -1e4, -1e4];
        assert_survives(&single(), &rows);
        assert_survives(&single(), &rows.map(|x| x as f32));
        assert_nan_shows(&single(), &ROWS[..5]);
    }

    /// Whoever drew it, a point has a bin, and in single precision too a placed one the bin it was
    /// placed in.
    #[test]
    fn edges_belong_to_the_bins_inside() {
        let (head, row) = (single(), &ROWS[..5]);
        let mut draws = room::<f64>(&head, 1, 6);
        draws.u = vec![-1.0 - 1e-9, -1.0, -0.6, 0.6, 1.0, 1.0 + 1e-9];
        Head::evaluate(&head, row, &mut draws);
        assert_eq!(draws.choices, [0, 0, 1, 4, 4, 4]);
        assert!(draws.noise.iter().chain(&draws.log_pi).all(|x| x.is_finite()));
        draws.u[2] = f64::NAN;
        Head::evaluate(&head, row, &mut draws);
        assert!(draws.log_pi[2].is_nan() && draws.noise[2].is_nan());
        let head = Histogram::new(1, 11);
        let mut placed = room::<f32>(&head, 1, 22);
        for k in 0..22 {
            placed.choices[k] = k / 2;
            placed.noise[k] = if k % 2 == 0 { -40.0 } else { 40.0 };
        }
        Head::place(&head, &[0.0; 11], &mut placed);
        let was = placed.choices.clone();
        Head::evaluate(&head, &[0.0; 11], &mut placed);
        assert_eq!(placed.choices, was);
    }

    #[test]
    fn the_mode_is_the_centre_of_the_likeliest_bin() {
        let mut mode = room::<f64>(&single(), 3, 1);
        single().mode(&ROWS, &mut mode);
        assert_eq!(mode.choices, [2, 4, 2]);
        assert_close(&mode.action, &[0.0, 0.8, 0.0], 1e-15, "mode");
    }
}
