//! The normal on the action itself: `a = mean + exp(log_std) eps`, per coordinate, not squashed.

use super::tanh_normal::HALF_LOG_2_PI;
use super::{Abilities, Draws, Head, TanhNormal};
use crate::env::ActionShape;
use crate::estimator::{Signal, TrustRegion};
use crate::nn::Scalar;
use crate::random::Stream;

/// A diagonal normal policy head. Its parameters a state are `[mean (A), log_std (A)]`, the second half
/// clamped.
///
/// `u` is the action itself and may lie outside of `[-1,1]`: the environment's wrapper clips what is
/// played, while densities, critics and stored actions know the action as it was drawn. The density is
/// that of the unclipped action.
#[derive(Clone, Debug, PartialEq)]
pub struct Normal {
    /// The same Gaussian before a tanh. Parameters, clamp, divergence, score and path are the same for
    /// both; action and density, in which the tanh shows, are this file's.
    gaussian: TanhNormal,
}

impl Normal {
    /// A head for actions of this dimension whose log standard deviation is clamped to the interval.
    pub fn new(action_dimension: usize, log_std_min: f64, log_std_max: f64) -> Self {
        Self { gaussian: TanhNormal::new(action_dimension, log_std_min, log_std_max) }
    }

    /// Everything that follows from noise and `u`, once `connect` has derived one from the other, given
    /// the coordinate's place, mean and standard deviation.
    fn fill<T: Scalar>(
        &self,
        parameters: &[T],
        draws: &mut Draws<T>,
        connect: impl Fn(&mut Draws<T>, usize, T, T),
    ) {
        let dimension = self.gaussian.action_dimension();
        let states = parameters.len() / (2 * dimension);
        let samples = draws.log_pi.len() / states;
        let half = T::from_f64(0.5);
        for (state, row) in parameters.chunks_exact(2 * dimension).enumerate() {
            let (mean, raw_log_std) = row.split_at(dimension);
            for particle in state * samples..(state + 1) * samples {
                let mut log_pi = T::zero();
                for j in 0..dimension {
                    let at = particle * dimension + j;
                    let log_std = self.gaussian.log_std(raw_log_std[j]);
                    let sd = log_std.exp();
                    connect(draws, at, mean[j], sd);
                    // A mean that is no number is to show, though the noise does not know of it.
                    let noise = if draws.u[at].is_nan() { draws.u[at] } else { draws.noise[at] };
                    draws.action[at] = draws.u[at];
                    draws.dlog_pi_du[at] = -noise / sd;
                    log_pi += -half * noise * noise - log_std - T::from_f64(HALF_LOG_2_PI);
                }
                draws.log_pi[particle] = log_pi;
            }
        }
    }
}

impl<T: Scalar> Head<T> for Normal {
    fn name(&self) -> &str {
        "normal"
    }

    fn shape(&self) -> &ActionShape {
        Head::<T>::shape(&self.gaussian)
    }

    fn parameters_per_state(&self) -> usize {
        self.gaussian.parameters_per_state()
    }

    fn abilities(&self) -> Abilities {
        Abilities {
            reparameterised: true,
            branches: None,
            scores_branch: false,
            trust_region: true,
            base_noise: true,
        }
    }

    fn draw(&self, parameters: &[T], random: &mut Stream, draws: &mut Draws<T>) {
        random.fill_normal(&mut draws.noise);
        self.place(parameters, draws);
    }

    fn choose(&self, _parameters: &[T], _random: &mut Stream, _draws: &mut Draws<T>) {}

    fn place(&self, parameters: &[T], draws: &mut Draws<T>) {
        self.fill(parameters, draws, |draws, at, mean, sd| {
            draws.u[at] = mean + sd * draws.noise[at];
        });
    }

    fn evaluate(&self, parameters: &[T], draws: &mut Draws<T>) {
        self.fill(parameters, draws, |draws, at, mean, sd| {
            draws.noise[at] = (draws.u[at] - mean) / sd;
        });
    }

    /// The mean, which may lie outside of `[-1,1]`.
    fn mode(&self, parameters: &[T], draws: &mut Draws<T>) {
        let dimension = self.gaussian.action_dimension();
        let rows = parameters.chunks_exact(2 * dimension);
        for (row, u) in rows.zip(draws.u.chunks_exact_mut(dimension)) {
            u.copy_from_slice(&row[..dimension]);
        }
        draws.action.copy_from_slice(&draws.u);
    }

    /// `sum_j log_std_j + A (1 + log 2 pi)/2`.
    fn entropy(&self, row: &[T]) -> Option<T> {
        let raw = &row[self.gaussian.action_dimension()..];
        let constant = T::from_f64(HALF_LOG_2_PI + 0.5);
        Some(raw.iter().map(|&raw| self.gaussian.log_std(raw) + constant).sum())
    }

    fn backward(&self, parameters: &[T], draws: &Draws<T>, signal: &Signal<T>, gradient: &mut [T]) {
        self.gaussian.backward(parameters, draws, signal, gradient);
    }

    fn log_branches(&self, _row: &[T], _log_branches: &mut [T]) {
        unreachable!("a normal has no branches");
    }

    /// The mean's part has the old scale, the scale's part the old mean (Abdolmaleki et al. 2018).
    fn kl_from(&self, old: &[T], new: &[T]) -> TrustRegion<T> {
        self.gaussian.kl_from(old, new)
    }

    fn add_kl_gradient(
        &self,
        old: &[T],
        new: &[T],
        weights: TrustRegion<T>,
        state_weight: &[T],
        gradient: &mut [T],
    ) {
        self.gaussian.add_kl_gradient(old, new, weights, state_weight, gradient);
    }

    fn is_squashed(&self) -> bool {
        false
    }

    /// The same numbers on the action itself: there is no tanh.
    fn starting_at(&self, mean: f64, log_std: f64) -> Option<Vec<T>> {
        self.gaussian.starting_at(mean, log_std)
    }
}

#[cfg(test)]
mod tests {
    use num_dual::DualNum;
    use statrs::distribution::Continuous;

    use super::*;
    use crate::distribution::testing::*;

    const PARAMETERS: [f64; 8] = [0.4, -0.3, -0.7, 0.2, 1.0, 0.1, -1.0, 0.5];
    const ROW: [f64; 2] = [1.3, -0.4];

    fn head() -> Normal {
        Normal::new(2, -5.0, 2.0)
    }

    fn single() -> Normal {
        Normal::new(1, -5.0, 2.0)
    }

    #[test]
    fn derivatives_are_those_of_the_density_and_of_the_draws() {
        assert_calculus(&head(), &PARAMETERS);
        assert_dual_scores(&head(), &PARAMETERS[..4], |parameters, u, _| {
            let term = |j: usize| {
                let z = (u[j] - parameters[j]) / parameters[2 + j].exp();
                -z * z * 0.5 - parameters[2 + j] - HALF_LOG_2_PI
            };
            term(0) + term(1)
        });
    }

    #[test]
    fn the_density_is_a_normals_and_draws_follow_it() {
        let draws = drawn(&single(), &ROW, 20);
        let known = statrs::distribution::Normal::new(ROW[0], ROW[1].exp()).unwrap();
        let want: Vec<f64> = draws.action.iter().map(|&action| known.ln_pdf(action)).collect();
        assert_close(&draws.log_pi, &want, 1e-12, "log density");
        let grid = Grid::even(-10.0, 12.0, 4000);
        grid.assert_normalised(&single(), &ROW);
        assert_draws_follow_density(&single(), &ROW, &grid);
    }

    #[test]
    fn entropy_and_divergence_are_integrals_of_the_density() {
        let grid = Grid::even(-10.0, 12.0, 4000);
        let entropy = single().entropy(&ROW).unwrap();
        assert!((entropy - grid.entropy(&single(), &ROW)).abs() < 1e-10);
        // The parts are exact where the mean or the scale moves alone.
        for new in [[-0.2, -0.4], [1.3, 0.1]] {
            let exact = grid.kl(&single(), &ROW, &new);
            assert!((exact - total_kl(&single(), &ROW, &new)).abs() < 1e-10);
        }
    }

    #[test]
    fn the_mode_is_the_mean_and_is_not_clipped() {
        let mut mode = Draws::new(2, 1, 2);
        head().mode(&PARAMETERS, &mut mode);
        assert_eq!(mode.action, [0.4, -0.3, 1.0, 0.1]);
        Head::<f64>::mode(&single(), &ROW, &mut Draws::new(1, 1, 1));
        assert!(!Head::<f64>::is_squashed(&single()));
        let start = Head::<f64>::starting_at(&head(), 0.3, -1.0).unwrap();
        assert_eq!(start, [0.3, 0.3, -1.0, -1.0]);
    }

    #[test]
    fn extreme_parameters_stay_numbers_and_nan_shows() {
        let extreme = [50.0, -50.0, -9.0, 9.0, -50.0, 50.0, 9.0, -9.0];
        assert_survives::<f64>(&head(), &extreme);
        assert_survives::<f32>(&head(), &extreme.map(|x| x as f32));
        assert_nan_shows(&head(), &PARAMETERS[..4]);
    }
}
