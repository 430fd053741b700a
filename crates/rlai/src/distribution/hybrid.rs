//! A choice and coordinates together: `pi(z, a|s) = p(z|s) pi(a|s, z)`, a tanh-normal of its own for
//! each choice.

use super::branches::Branches;
use super::{Abilities, Draws, Head, TanhNormal};
use crate::env::ActionShape;
use crate::estimator::{Signal, TrustRegion};
use crate::nn::Scalar;
use crate::random::Stream;

/// A policy over hybrid actions: one of K choices, and A coordinates whose distribution depends on it.
/// Its parameters a state are `[logits (K), then for each choice mean (A), log_std (A)]`, the last
/// clamped.
///
/// The path from the parameters to `u` is given the choice: a pathwise gradient needs the choice's score
/// beside it, or draws of every choice.
#[derive(Clone, Debug, PartialEq)]
pub struct Hybrid {
    branches: Branches,
    shape: ActionShape,
}

impl Hybrid {
    /// One of `choices`, with coordinates of this dimension, the log standard deviations clamped to the
    /// interval.
    ///
    /// # Panics
    /// Without a choice.
    pub fn new(
        choices: usize,
        action_dimension: usize,
        log_std_min: f64,
        log_std_max: f64,
    ) -> Self {
        let normal = TanhNormal::new(action_dimension, log_std_min, log_std_max);
        Self {
            branches: Branches::new(choices, normal, true),
            shape: ActionShape { factors: vec![choices], coordinates: action_dimension },
        }
    }

    /// K, choices.
    pub fn choices(&self) -> usize {
        self.branches.choices()
    }

    /// All that follows from one particle's choice and `u`.
    fn finish<T: Scalar>(&self, row: &[T], draws: &mut Draws<T>, particle: usize) {
        let (choice, dimension) = (draws.choices[particle], self.branches.dimension());
        let component = self.branches.component(row, choice);
        let places = particle * dimension..(particle + 1) * dimension;
        let (u, slopes) = (&draws.u[places.clone()], &mut draws.dlog_pi_du[places]);
        for (j, slope) in slopes.iter_mut().enumerate() {
            *slope = self.branches.slope(component, u, j);
        }
        let log_choice = self.branches.logits(row).log_p(choice);
        draws.log_pi[particle] = log_choice + self.branches.log_normal(component, u);
        self.branches.act(draws, particle);
    }
}

impl<T: Scalar> Head<T> for Hybrid {
    fn name(&self) -> &str {
        "hybrid"
    }

    fn shape(&self) -> &ActionShape {
        &self.shape
    }

    fn parameters_per_state(&self) -> usize {
        self.branches.width()
    }

    fn abilities(&self) -> Abilities {
        let branches = Some(self.choices());
        Abilities {
            reparameterised: true,
            branches,
            scores_branch: false,
            trust_region: true,
            base_noise: true,
        }
    }

    fn draw(&self, parameters: &[T], random: &mut Stream, draws: &mut Draws<T>) {
        self.branches.choose(parameters, random, draws);
        random.fill_normal(&mut draws.noise);
        Head::place(self, parameters, draws);
    }

    fn choose(&self, parameters: &[T], random: &mut Stream, draws: &mut Draws<T>) {
        self.branches.choose(parameters, random, draws);
    }

    fn place(&self, parameters: &[T], draws: &mut Draws<T>) {
        self.branches.each_state(parameters, draws.log_pi.len(), |row, particles| {
            for particle in particles {
                self.branches.place(row, draws, particle);
                self.finish(row, draws, particle);
            }
        });
    }

    fn evaluate(&self, parameters: &[T], draws: &mut Draws<T>) {
        self.branches.each_state(parameters, draws.log_pi.len(), |row, particles| {
            for particle in particles {
                self.branches.recover_noise(row, draws, particle);
                self.finish(row, draws, particle);
            }
        });
    }

    /// The most likely choice, the first of equals, and its mean.
    fn mode(&self, parameters: &[T], draws: &mut Draws<T>) {
        for (state, row) in parameters.chunks_exact(self.branches.width()).enumerate() {
            let choice = self.branches.logits(row).mode().unwrap_or(0);
            self.branches.act_by_mean(row, choice, draws, state);
        }
    }

    /// Has no closed form.
    fn entropy(&self, _row: &[T]) -> Option<T> {
        None
    }

    fn backward(&self, parameters: &[T], draws: &Draws<T>, signal: &Signal<T>, gradient: &mut [T]) {
        let score = |row: &[T], u: &[T], choice, weight, out: &mut [T]| {
            self.branches.add_own_score(row, u, choice, weight, out);
        };
        self.branches.backward(parameters, draws, signal, gradient, score);
    }

    fn log_branches(&self, row: &[T], log_branches: &mut [T]) {
        let logits = self.branches.logits(row);
        log_branches.iter_mut().zip(logits.log_all()).for_each(|(to, log_p)| *to = log_p);
    }

    /// By the chain rule: that of the choices, and the old choices' mean of each one's. Its parts are the
    /// tanh-normal's: they add up to the divergence where means or scales move alone.
    fn kl_from(&self, old: &[T], new: &[T]) -> TrustRegion<T> {
        self.branches.kl_from(old, new)
    }

    fn add_kl_gradient(
        &self,
        old: &[T],
        new: &[T],
        weights: TrustRegion<T>,
        state_weight: &[T],
        gradient: &mut [T],
    ) {
        self.branches.add_kl_gradient(old, new, weights, state_weight, gradient);
    }

    /// Choices equally likely, all with the same normal: they are different actions, and may differ from
    /// the first gradient on.
    fn starting_at(&self, mean: f64, log_std: f64) -> Option<Vec<T>> {
        let of = |value: f64| vec![T::from_f64(value); self.branches.dimension()];
        let own = [of(mean), of(log_std)].concat();
        Some([vec![T::zero(); self.choices()], own.repeat(self.choices())].concat())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::distribution::testing::*;
    use num_dual::{Dual64, DualNum};

    const WIDE: [f64; 20] = [
        0.3, -0.2, 0.6, -0.1, -0.4, 0.2, -0.8, 0.5, -0.1, -0.6, //
        -0.7, 0.4, 0.1, 0.3, -0.9, -0.3, -0.2, 0.9, 0.1, -0.5,
    ];
    const NARROW: [f64; 9] = [0.3, -0.2, 0.1, 0.6, -0.4, -0.8, -0.1, 0.2, -1.2];

    fn wide() -> Hybrid {
        Hybrid::new(2, 2, -5.0, 2.0)
    }

    fn narrow() -> Hybrid {
        Hybrid::new(3, 1, -5.0, 2.0)
    }

    /// `log p(z) + log pi(a|z)` by its definition.
    fn log_density(row: &[Dual64], u: &[Dual64], choice: usize, choices: usize) -> Dual64 {
        let (logits, components) = row.split_at(choices);
        let own = &components[choice * 2 * u.len()..][..2 * u.len()];
        let mut total = logits[choice] - logits.iter().map(|l| l.exp()).sum::<Dual64>().ln();
        for j in 0..u.len() {
            let z = (u[j] - own[j]) / own[u.len() + j].exp();
            let action = u[j].tanh();
            let normal = -z * z * 0.5 - own[u.len() + j] - 0.5 * (2.0 * std::f64::consts::PI).ln();
            total += normal - (-action * action + 1.0).ln();
        }
        total
    }

    #[test]
    fn derivatives_agree_with_differences_and_dual_numbers() {
        assert_calculus(&wide(), &WIDE);
        assert_calculus(&narrow(), &[NARROW, NARROW.map(|x| 0.1 - x)].concat());
        assert_dual_scores(&wide(), &WIDE[..10], |row, u, z| log_density(row, u, z[0], 2));
        assert_dual_scores(&narrow(), &NARROW, |row, u, z| log_density(row, u, z[0], 3));
    }

    #[test]
    fn densities_integrate_to_one_and_draws_follow_them() {
        let grid = Grid::even(-12.0, 12.0, 8000);
        grid.assert_normalised(&narrow(), &NARROW);
        Grid::even(-9.0, 9.0, 300).assert_normalised(&wide(), &WIDE[..10]);
        assert_draws_follow_density(&narrow(), &NARROW, &grid);
    }

    #[test]
    fn the_divergence_is_exact_where_means_or_scales_move_alone() {
        let (head, grid) = (narrow(), Grid::even(-14.0, 14.0, 6000));
        for moved in [3, 4] {
            let mut new = [-0.5, 0.6, 0.0, 0.6, -0.4, -0.8, -0.1, 0.2, -1.2];
            (0..3).for_each(|z| new[moved + 2 * z] += 0.3 - 0.2 * z as f64);
            let exact = grid.kl(&head, &NARROW, &new);
            assert!((exact - total_kl(&head, &NARROW, &new)).abs() < 1e-8);
        }
    }

    #[test]
    fn extremes_and_what_is_no_number() {
        let far = [1e4, -1e4, 50.0, -50.0, -99.0, 99.0, -50.0, 50.0, 99.0, -99.0];
        let near = [-1e4, 1e4, -50.0, 50.0, -99.0, -99.0, 50.0, 50.0, 99.0, 99.0];
        let rows = [far, near, far].concat();
        let head = Hybrid::new(2, 2, -20.0, 2.0);
        assert_survives(&head, &rows);
        assert_survives(&head, &rows.iter().map(|&x| x as f32).collect::<Vec<_>>());
        // A draw that does not make the other choice knows nothing of its normal: half of them must.
        assert_nan_shows(&wide(), &WIDE[..10]);
    }

    #[test]
    fn the_mode_is_the_likeliest_choice_and_its_mean() {
        let mut mode = room::<f64>(&narrow(), 1, 1);
        narrow().mode(&NARROW, &mut mode);
        assert_eq!((mode.choices[0], mode.u[0], mode.action[0]), (0, 0.6, 0.6f64.tanh()));
        let start: Vec<f64> = wide().starting_at(0.5, -1.0).expect("it has means");
        assert_eq!(start, [0.0, 0.0, 0.5, 0.5, -1.0, -1.0, 0.5, 0.5, -1.0, -1.0]);
    }
}
